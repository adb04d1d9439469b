set border 0
unset grid
unset key
set tics scale 0 noenhanced
set xrange [-0.5:columns-0.5]
set yrange [-0.5:rows-0.5]
set cblabel z_label noenhanced offset 1,0
set rmargin 14
set label 1 subtitle at graph 0, graph 1.03 noenhanced font ',12' tc rgb '#404040'
set title offset 0,1.2
set tmargin 5
# Viridis upside down: dark is many.  A logarithmic scale; none is put below the least.
set palette defined (0 '#fde725', 1 '#aadc32', 2 '#5cc863', 3 '#27ad81', 4 '#21908d', \
                     5 '#2c718e', 6 '#3b518b', 7 '#472c7a', 8 '#440154')
set logscale cb
set cbrange [z_none:z_most]
set format cb '%.0s%c'
shown(z) = z < z_none ? z_none : z
ink(z) = log(shown(z)/z_none) < 0.45*log(z_most/z_none) ? 0x000000 : 0xffffff
plot $data using 1:2:(shown($3)) with image pixels, \
     $data using 1:($2+0.14):4:(ink($3)) with labels tc rgb variable font ',13', \
     $data using 1:($2-0.20):5:(ink($3)) with labels tc rgb variable font ',9.5'
