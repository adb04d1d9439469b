# Counters of kernels against zsim's (points.tsv), and sampled series (NAME-series.tsv).
# Variables: data, output, mode ("points" or "series"), name.
if (mode eq 'points') {
    set terminal svg size 900,760 dynamic font 'sans-serif,13'
    set output output
    figure_title = 'Counters of real kernels and of zsim, same trace'
    x_label = 'kernel (median; bar: least to most over repeated runs)'
    y_label = 'zsim'
    load 'scripts/figures/style.gp'
    set logscale xy
    set format xy '10^{%L}'
    set grid xtics ytics lc rgb '#d0d0d0' lt 1 lw 0.6
    set xrange [1:1e9]
    set yrange [1:1e9]
    set datafile separator "\t"
    of(pattern) = (strstrt(strcol(1), pattern) == 1 && $4 > 0 && $6 > 0)
    # The cases of replay-kernel: named after what they are about.
    own(unused) = (strstrt(strcol(1), 'pat-') != 1 && strstrt(strcol(1), 'emulated-') != 1 && strcol(1)[1:1] ne 'o' && $4 > 0 && $6 > 0)
    limited(unused) = (strcol(9) eq 'limited')
    plot x with lines lc rgb '#808080' lw 1 title 'equal', \
         data using ((of('o') || own(0)) && limited(0) ? $4 : NaN):6:3:5 with xerrorbars ls 5 ps 0.6 title '6.18, pool limit hit', \
         data using (own(0) && !limited(0) ? $4 : NaN):6:3:5 with xerrorbars ls 4 ps 0.5 title '6.18, by replay-kernel', \
         data using (of('o') && !limited(0) ? $4 : NaN):6:3:5 with xerrorbars ls 1 ps 0.5 title '6.18', \
         data using (of('pat-6.1-') ? $4 : NaN):6:3:5 with xerrorbars ls 3 ps 0.6 title '6.1', \
         data using (of('pat-6.12') ? $4 : NaN):6:3:5 with xerrorbars ls 2 ps 0.5 title '6.12 (MGLRU)', \
         data using (of('emulated-') ? $4 : NaN):6:3:5 with xerrorbars ls 6 ps 0.5 title '6.1, 6.12, by emulate-kernel'
} else {
    set terminal svg size 900,420 dynamic font 'sans-serif,13'
    set output output
    figure_title = name
    x_label = 'accesses'
    y_label = 'pages'
    load 'scripts/figures/style.gp'
    set format x '%.0s%c'
    set format y '%.0s%c'
    plot data using 1:2 with points pt 6 ps 0.6 lc rgb '#0072b2' title 'resident, kernel', \
         data using 1:6 with lines ls 1 dt 1 title 'zsim', \
         data using 1:3 with points pt 4 ps 0.6 lc rgb '#d55e00' title 'zswap, kernel', \
         data using 1:7 with lines lw 2 lc rgb '#d55e00' title 'zsim', \
         data using 1:4 with points pt 8 ps 0.7 lc rgb '#009e73' title 'disk, kernel', \
         data using 1:8 with lines lw 2 lc rgb '#009e73' title 'zsim'
}
