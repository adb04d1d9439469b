replot for [i=1:|names|] $data index i-1 using 1:(($2+$3)/2):(sprintf("%s\n%s: %.4g", variants[int($1)+1], names[i], $3-$2)) with labels hypertext point pt 5 ps 2 lc rgb '#ff000000' notitle
