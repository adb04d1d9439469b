set yrange [0:*]
set xrange [*:*] noextend
plot for [i=1:|names|] $data index i-1 using 1:2 with lines ls i title names[i]
