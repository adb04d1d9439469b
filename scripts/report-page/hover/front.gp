replot for [i=1:|names|] $data index i using 1:2:(sprintf("%s\n%.5g, %.5g", names[i], $1, $2)) with labels hypertext point pt 7 ps 2 lc rgb '#ff000000' notitle
