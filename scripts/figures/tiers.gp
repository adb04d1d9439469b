panels = |names|
array tier = ['in RAM', 'in zswap', 'on a device']
set xrange [0:x_most]
set yrange [0:y_most]
unset grid
set ytics 0, y_step
set format y '%g'
unset ylabel
set label 1 y_label at screen 0.02, screen 0.53 rotate center noenhanced
set multiplot layout panels, 1 title figure_title font ',15' noenhanced margins 0.10, 0.97, 0.20, 0.86 spacing 0, 0.07
do for [p=1:panels] {
    set title names[p] noenhanced font ',12' offset 0,-0.7
    if (p < panels) { unset key; set format x ''; unset xlabel } \
    else { set key at screen 0.5, 0.045 center horizontal noenhanced; set format x '%g'; set xlabel x_label noenhanced }
    if (p == 2) { unset label 1 }
    plot $data index p-1 using 1:(0):2 with filledcurves fs solid 0.9 noborder lc rgb '#0072b2' title tier[1], \
         '' index p-1 using 1:2:3 with filledcurves fs solid 0.9 noborder lc rgb '#e69f00' title tier[2], \
         '' index p-1 using 1:3:4 with filledcurves fs solid 0.9 noborder lc rgb '#b0b0b0' title tier[3]
}
unset multiplot
