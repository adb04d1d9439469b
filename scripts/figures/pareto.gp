array column_of[3] = [2, 3, 4]
set grid xtics ytics lc rgb '#d0d0d0' lt 1 lw 0.6
set format xy '%g'
unset ylabel
unset key
# One legend below all panels.
step = 0.80 / (|groups| + 1)
set label 1 'beaten, or alike' at screen 0.09, 0.105 left offset 1,0 point pt 7 ps 0.7 lc rgb '#b0b0b0' noenhanced
do for [g=1:|groups|] {
    set label g+1 'front, '.groups[g] at screen 0.09+g*step, 0.105 left offset 1,0 point ls g ps 1.5 noenhanced
}
set label |groups|+2 best_name at screen 0.09, 0.045 left offset 1.5,0 point pt 6 ps 2.4 lw 2.5 lc rgb '#d00000' noenhanced
set multiplot layout 1,3 title figure_title font ',15' noenhanced margins 0.06, 0.985, 0.27, 0.84 spacing 0.065, 0
do for [p=1:3] {
    set title panels[p].(p == 3 ? ': more is better' : ': less is better') noenhanced font ',12' offset 0,-0.4
    set xrange [x_least:x_most]
    set yrange [0:*]
    plot $data index 0 using 1:column_of[p] with points pt 7 ps 0.5 lc rgb '#b0b0b0', \
         for [g=1:|groups|] $data index g+1 using 1:column_of[p] with points ls g ps 1.5 lw 1.5, \
         $data index 1 using 1:column_of[p] with points pt 6 ps 3.4 lw 2.5 lc rgb '#d00000'
    if (p == 1) { do for [i=1:|groups|+2] { unset label i } }
}
unset multiplot
