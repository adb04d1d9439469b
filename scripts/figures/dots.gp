set yrange [|metrics|-0.5:-0.5]
set ytics scale 0 noenhanced ()
set for [m=1:|metrics|] ytics add (metrics[m] m-1)
set grid xtics lc rgb '#d0d0d0' lt 1 lw 0.6
set format x '%+g'
set arrow 1 from first 0, graph 0 to first 0, graph 1 nohead lw 1.2 lc rgb '#404040'
plot for [i=1:|names|] $data index i-1 using 1:2:3:4 with xerrorbars ls i dt 1 ps 1.2 title names[i]
