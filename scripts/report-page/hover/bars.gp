replot for [i=1:|names|] $data index i-1 using (at($1,i)):2:(sprintf("%s\n%s: %.5g", names[i], metrics[int($1)+1], $2)) with labels hypertext point pt 5 ps 2.5 lc rgb '#ff000000' notitle
