replot for [i=1:|names|] $data index i-1 every 4 using 1:2:(sprintf("%s\n%.4g: %.5g", names[i], $1, $2)) with labels hypertext point pt 7 ps 1.5 lc rgb '#ff000000' notitle
