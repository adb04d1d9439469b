replot $data using 1:2:(sprintf("%.6g", $3)) with labels hypertext point pt 5 ps 6 lc rgb '#ff000000' notitle
