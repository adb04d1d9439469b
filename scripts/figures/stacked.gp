set yrange [0:*]
set xrange [-0.6:|variants|-0.4]
set xtics scale 0 noenhanced ()
set for [v=1:|variants|] xtics add (variants[v] v-1)
if (slanted) set xtics rotate by -25
# Room for names of several lines.
if (!slanted && label_lines > 1 && strlen(x_label) == 0) set xlabel (label_lines > 2 ? " \n \n " : " \n ")
set key outside right top vertical invert height 0 maxrows 0
plot for [i=1:|names|] $data index i-1 using 1:2:($1-0.32):($1+0.32):2:3 with boxxyerror lc rgb fill[i] title names[i]
