set yrange [0:*]
if (top > 0) set yrange [0:top]
width = 0.8 / |names|
set xrange [-0.6:|metrics|-0.4]
set xtics scale 0 noenhanced ()
set for [m=1:|metrics|] xtics add (metrics[m] m-1)
if (slanted) set xtics rotate by -25
# Room for names of several lines.
if (!slanted && label_lines > 1 && strlen(x_label) == 0) set xlabel (label_lines > 2 ? " \n \n " : " \n ")
if (reference > 0) set arrow 1 from graph 0, first reference to graph 1, first reference nohead dt 2 lc rgb '#404040'
at(x, i) = x + (i - 0.5 - |names| / 2.0) * width
plot for [i=1:|names|] $data index i-1 using (at($1,i)):2:(width*0.94) with boxes lc rgb fill[i] title names[i], \
     for [i=1:|names|] $data index i-1 using (at($1,i)):3:(0):($4-$3) with vectors heads size screen 0.003,90 lw 1.4 lc rgb '#000000' notitle
