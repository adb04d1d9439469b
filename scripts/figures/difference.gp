# Left: where the time of two variants went.  Right: the counters in between, as ratios.
set multiplot title figure_title noenhanced font ',15'
unset title
set style fill solid 0.9 border rgb '#303030'
set lmargin at screen 0.07
set rmargin at screen 0.30
set tmargin at screen 0.90
set bmargin at screen 0.12
set yrange [0:*]
set xrange [-0.6:1.6]
set xtics scale 0 font variants_font noenhanced ()
set for [v=1:2] xtics add (variants[v] v-1)
set key at screen 0.31, screen 0.90 left top vertical invert height 0 maxrows 0
plot for [i=1:|names|] $data index i-1 using 1:2:($1-0.36):($1+0.36):2:3 with boxxyerror lc rgb fill[i] title names[i]
set lmargin at screen 0.64
set rmargin at screen 0.84
unset key
unset xlabel
unset ylabel
unset xtics
set xtics mirror scale 0.5 font ''
set logscale x
set format x '%g'
set xlabel 'after / before' noenhanced
set xrange [1.0 / ratio_most:ratio_most]
set yrange [|counters|-0.4:-0.6]
set ytics scale 0 noenhanced ()
set for [c=1:|counters|] ytics add (counters[c] c-1)
set for [c=1:|counters|] label c numbers[c] at graph 1.03, first c-1 left noenhanced font ',11'
set grid noytics
set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead lw 1.2 lc rgb '#404040'
plot $chain using (1):1:(1):2:($1-0.35):($1+0.35) with boxxyerror lc rgb '#0072b2', \
    $chain using (1):1:($3-1):(0) with vectors filled head size screen 0.01,20 lw 2.5 lc rgb '#0072b2'
unset multiplot
