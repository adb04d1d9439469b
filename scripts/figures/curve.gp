set xrange [0:x_most] noextend
if (logarithmic) { set logscale y } else { set yrange [0:*] }
set format y '%g'
lowest(x) = first_touches
if (knee > 0) {
    set arrow 1 from first knee, graph 0 to first knee, graph 1 nohead dt (2,4) lc rgb '#808080'
    if (knee > x_most / 2) { set label 1 knee_name.'  ' at first knee, graph 0.96 right tc rgb '#404040' }
    if (knee <= x_most / 2) { set label 1 '  '.knee_name at first knee, graph 0.96 left tc rgb '#404040' }
}
set style fill solid 0.25 noborder
band = sampled ? 1 : 0
plot for [i=1:band] $data using 1:4:5 with filledcurves fs solid 0.35 noborder lc rgb '#e69f00' title sample_name, \
     for [i=1:band] $data using 1:3 with lines lw (exact ? 1 : 2) lc rgb '#e69f00' notitle, \
     for [i=1:exact] $data using 1:2 with lines lw 2.5 lc rgb '#0072b2' title 'exact', \
     lowest(x) with lines dt (4,4) lw 1.5 lc rgb '#404040' title 'first touches: no memory avoids them'
