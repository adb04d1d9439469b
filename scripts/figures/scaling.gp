if (strlen(log_axes) > 0) eval 'set logscale '.log_axes
if (strstrt(log_axes, 'y') == 0) set yrange [0:*]
if (strstrt(log_axes, 'y') == 0 && top > 0) set yrange [0:top]
set format y '%g'
set xtics noenhanced
plot for [i=1:|names|] $data index i-1 using 1:2 with lines ls i notitle, \
     for [i=1:|names|] $data index i-1 using 1:2:3:4 with yerrorbars ls i dt 1 lw 1.4 notitle, \
     for [i=1:|names|] NaN with linespoints ls i title names[i]
