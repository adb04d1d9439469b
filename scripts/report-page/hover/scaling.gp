replot for [i=1:|names|] $data index i-1 using 1:2:(sprintf("%s\n%g: %.5g", names[i], $1, $2)) with labels hypertext point pt 7 ps 2 lc rgb '#ff000000' notitle
