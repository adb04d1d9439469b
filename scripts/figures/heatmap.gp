# Before the ranges are set: stats would leave out what lies beyond them.
stats $data using 3 nooutput
middle = (STATS_min + STATS_max) / 2
set border 0
unset grid
unset key
set tics scale 0 noenhanced
set xrange [-0.5:columns-0.5]
set yrange [-0.5:rows-0.5]
set cblabel z_label noenhanced offset 2.5,0
set rmargin 13
# Viridis: its lightness rises evenly, so it reads in grey.
set palette defined (0 '#440154', 1 '#472c7a', 2 '#3b518b', 3 '#2c718e', 4 '#21908d', \
                     5 '#27ad81', 6 '#5cc863', 7 '#aadc32', 8 '#fde725')
# Not in powers of ten: 6384, not 6.38e+03.
number(z) = sprintf(abs(z) >= 999.5 ? '%.0f' : '%.3g', z)
ink(z) = z > middle ? 0x000000 : 0xffffff
plot $data using 1:2:3 with image pixels, \
     $data using 1:2:(number($3)):(ink($3)) with labels tc rgb variable
