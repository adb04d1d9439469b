panel_count = |panels|
set xrange [0:x_most]
set yrange [0:y_most]
set xtics 0, x_step
set ytics 0, (rows > 2 ? 2 : 1) * y_step
set grid xtics ytics lc rgb '#e0e0e0' lt 1 lw 0.5
unset key
unset xlabel
unset ylabel
# Axes are named once, at the edges.
set label 1 y_label at screen 0.015, screen 0.5 rotate center noenhanced
set label 2 x_label at screen 0.53, screen (|names| > 1 ? 0.085 : 0.03) center noenhanced
set multiplot layout rows, columns title figure_title font ',15' noenhanced margins 0.075, 0.98, (|names| > 1 ? 0.17 : 0.11), 0.86 spacing 0.02, 0.09
do for [p=1:panel_count] {
    set title panels[p] noenhanced font ',11' offset 0,-0.8
    if ((p-1) % columns == 0) { set format y '%g' } else { set format y '' }
    if (p + columns > panel_count) { set format x '%g' } else { set format x '' }
    if (p == 2) { unset label 1; unset label 2 }
    if (p == panel_count && |names| > 1) { set key at screen 0.53, screen 0.035 center center vertical maxrows 1 }
    plot for [i=1:|names|] $data index p-1 using 1:(column(i+1)) with lines ls i title names[i]
}
unset multiplot
