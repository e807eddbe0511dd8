# SPDX-License-Identifier: MIT
#
# From raw lines (system,mode,run,row,batch,unit,value) to figures (bench,row,system,mode,batch,unit,value):
# of several runs, the minimum of the minima and the median of the medians. -v bench=NAME is the first column.
# What is called ROW-pass is what ROW spends beside its operation, and is subtracted from it.
BEGIN {
    if (bench == "") bench = "pv"
    FS = ","
    OFS = ","
    print "bench", "row", "system", "mode", "batch", "unit", "value"
}

{
    key = $4 OFS $1 OFS $2 OFS $5 OFS $6
    if (!(key in count)) order[++keys] = key
    values[key, ++count[key]] = $7
    unit[key] = $6
}

# The runs are few: insert each where it belongs.
function sorted(key,    i, j, value) {
    for (i = 2; i <= count[key]; i++) {
        value = values[key, i]
        for (j = i - 1; j > 0 && values[key, j] + 0 > value + 0; j--) values[key, j + 1] = values[key, j]
        values[key, j + 1] = value
    }
}

END {
    for (i = 1; i <= keys; i++) {
        key = order[i]
        sorted(key)
        at = unit[key] ~ /-median$/ ? int((count[key] + 1) / 2) : 1
        figure[key] = values[key, at]
    }
    for (i = 1; i <= keys; i++) {
        key = pass = order[i]
        sub(/,/, "-pass,", pass)
        if (pass in figure) figure[key] = sprintf("%.2f", figure[key] - figure[pass])
        print bench, key, figure[key]
    }
}
