# SPDX-License-Identifier: MIT
#
# gnuplot -c updates.gp SERIES SVG: what one page-table update costs, batched and trapped.
# A colour is a system, a mark is an operation.
series = ARG1
set terminal svg size 920,560 dynamic enhanced font "DejaVu Sans,Helvetica,Arial,sans-serif,13" background "#ffffff"
set output ARG2

set title "{/:Bold What one page-table update costs}\n{/*0.9 instructions executed, hypervisor and guest, under QEMU TCG -icount; lower is better}" offset 0,0.3
set xlabel "updates in one hypercall"
set ylabel "instructions an update"
set logscale x 2
set logscale y
set xrange [0.9:570]
stats series using 4 nooutput
set yrange [STATS_min * 0.7 : STATS_max * 1.5]
set xtics (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
set ytics (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
set grid ytics lc rgb "#e4e4e4" lw 1
set border 3 lc rgb "#808080"
set tics nomirror textcolor rgb "#404040"
set key outside right center spacing 1.35 samplen 2.6 Left reverse

colour(system) = system eq "tenon" ? "#c2410c" : "#1d4ed8"
name(system) = system eq "tenon" ? "Tenon" : "Xen 4.17"
# What is not there draws nothing and takes no place in the key.
has(system, operation) = int(system(sprintf("grep -c '^%s %s ' '%s' || true", system, operation, series))) > 0
only(s, o) = sprintf("< grep '^%s %s ' '%s'", s, o, series)

plots = ""
do for [s in "xen tenon"] {
    do for [o in "trap remap map-unmap toggle"] {
        if (has(s, o)) {
            label = o eq "trap" ? "trapped store" : o eq "remap" ? "remap" : \
                    o eq "map-unmap" ? "map, unmap" : "toggle a flag"
            style = o eq "trap" ? "with lines dt (9,5) lw 2" : \
                    sprintf("with linespoints lw 2 ps 0.9 pt %d", o eq "remap" ? 7 : o eq "map-unmap" ? 9 : 6)
            plots = plots . (strlen(plots) ? ", " : "") . \
                sprintf("\"%s\" using 3:4 %s lc rgb \"%s\" title \"%s: %s\"", only(s, o), style, colour(s), name(s), label)
        }
    }
}
eval "plot " . plots
