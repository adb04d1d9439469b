set grid xtics ytics lc rgb '#d0d0d0' lt 1 lw 0.6
set offsets graph 0.08, graph 0.14, graph 0.06, graph 0.06
set format xy '%g'
plot $data index 0 using 1:2 with lines lc rgb '#909090' lw 1.6 dt (6,4) title 'front: beaten by none in both', \
     for [i=1:|names|] $data index i using 1:2:3:4:5:6 with xyerrorbars ls i dt 1 lw 1.2 ps 1.2 title names[i]
