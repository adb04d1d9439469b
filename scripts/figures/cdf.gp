set logscale x
set format x '%g'
set grid xtics ytics lc rgb '#d0d0d0' lt 1 lw 0.6
if (tail) set logscale y; set format y '%g'
if (!tail) set yrange [0:100]
plot for [i=1:|names|] $data index i-1 using 1:2 with steps ls i title names[i]
