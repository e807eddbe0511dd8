# SPDX-License-Identifier: MIT
#
# The table of the terminal: first the goals are read, then the figures (bench,row,system,mode,batch,unit,value).
FNR == 1 { files++; FS = files == 2 ? "," : " "; $0 = $0 }
files == 1 && /^[a-z]/ { goals[$1] = $3; goal_from[$1] = $2 }
files == 1 { next }
FNR == 1 { next }

{
    row = $2 SUBSEP $5
    if (!(row in seen)) { seen[row] = 1; order[++rows] = row; names[row] = $2; batches[row] = $5 }
    value[row, $3, $6] = $7
    systems[$3] = 1
}

function figure(row, system_name, unit) {
    return ((row, system_name, unit) in value) ? value[row, system_name, unit] : ""
}

function whole(number) {
    return number == "" ? "-" : sprintf("%d", number + 0.5)
}

function inside(row, system_name,    share, total) {
    share = figure(row, system_name, "hypervisor-percent")
    total = figure(row, system_name, "instructions")
    return whole(share == "" || total == "" ? "" : total * share / 100)
}

function ratio(one, other) {
    return one == "" || other == "" || other == 0 ? "-" : sprintf("%.2f", one / other)
}

function judged(row,    cost, goal) {
    if (!(names[row] in goals) || batches[row] < goal_from[names[row]]) return ""
    goal = goals[names[row]]
    cost = figure(row, "tenon", "instructions")
    if (cost == "") return ""
    asked++
    if (cost <= goal) met++
    return sprintf("%6d %s", goal, cost <= goal ? "met" : "missed")
}

# All batches are in the figures; the table leaves out those that say little.
function shown(row,    batch) {
    batch = batches[row]
    return batch != 2 && batch != 4 && batch != 16 && batch != 64 && batch != 256 || names[row] == "multicall-empty"
}

END {
    print "Instructions an operation, how many of them inside the hypervisor, and ticks as a ratio."
    print ""
    printf "%-25s %5s %9s %7s %9s %7s %7s %7s  %s\n", "row", "batch", "Tenon", "inside", "Xen", "inside", "T/X", "ticks", "  goal"
    for (i = 1; i <= rows; i++) {
        row = order[i]
        verdict = judged(row)
        if (!shown(row)) continue
        tenon = figure(row, "tenon", "instructions")
        xen = figure(row, "xen", "instructions")
        line = sprintf("%-25s %5d %9s %7s %9s %7s %7s %7s  %s", names[row], batches[row],
            whole(tenon), inside(row, "tenon"),
            whole(xen), inside(row, "xen"),
            ratio(tenon, xen), ratio(figure(row, "tenon", "ticks"), figure(row, "xen", "ticks")), verdict)
        sub(/ +$/, "", line)
        print line
    }
    print ""
    print "T/X: Tenon's instructions by Xen's. ticks: the same of the smallest ticks; they compare within one call only."
    if (asked) printf "Goals: %d of %d met.\n", met, asked
}
