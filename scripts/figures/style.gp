# What all figures share.  Colours: Okabe and Ito's, which people of every
# colour vision tell apart; dashes, points and a light-dark order serve grey.
set encoding utf8
set datafile missing '?'
set border 3 lc rgb '#404040'
set tics nomirror out
set grid ytics lc rgb '#d0d0d0' lt 1 lw 0.6
set title figure_title noenhanced font ',15' offset 0,0.4
set key outside below center horizontal Left reverse noenhanced samplen 3 spacing 1.2 height 0.7
set xlabel x_label noenhanced
set ylabel y_label noenhanced
set style line 1 lc rgb '#0072b2' lw 2 dt 1 pt 7  ps 0.9
set style line 2 lc rgb '#e69f00' lw 2 dt (10,4) pt 5  ps 0.9
set style line 3 lc rgb '#009e73' lw 2 dt (3,3) pt 9  ps 1.1
set style line 4 lc rgb '#56b4e9' lw 2 dt (12,4,3,4) pt 13 ps 1.1
set style line 5 lc rgb '#d55e00' lw 2 dt (16,5) pt 6  ps 0.9
set style line 6 lc rgb '#000000' lw 2 dt (1.5,4) pt 4  ps 0.9
set style line 7 lc rgb '#cc79a7' lw 2 dt (8,3,2,3,2,3) pt 8  ps 1.1
set style line 8 lc rgb '#806a00' lw 2 dt (5,6) pt 12 ps 1.1
# Fills: the same colours, so that a variant has one in all figures; neighbours differ in
# lightness as well.
array fill[8]
fill[1] = 0x0072b2; fill[2] = 0xe69f00; fill[3] = 0x009e73; fill[4] = 0x56b4e9
fill[5] = 0xd55e00; fill[6] = 0x404040; fill[7] = 0xcc79a7; fill[8] = 0x806a00
set style fill solid 0.9 border rgb '#303030'
