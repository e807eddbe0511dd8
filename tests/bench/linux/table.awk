# SPDX-License-Identifier: MIT
#
# The table of the terminal: first the goals are read, then the figures (bench,row,system,mode,batch,unit,value).
FNR == 1 { files++; FS = files == 2 ? "," : " "; $0 = $0 }
files == 1 && /^[a-z]/ { goals[$1, $2] = $3 }
files == 1 || FNR == 1 { next }

{
    if (!($2 in seen) && $2 !~ /-pass$/ && $2 != "boot") order[++rows] = $2
    seen[$2] = 1
    value[$2, $3, $6] = $7
}

function figure(row, system_name, unit) {
    return ((row, system_name, unit) in value) ? value[row, system_name, unit] : ""
}

function whole(number) {
    return number == "" ? "-" : sprintf("%d", number + 0.5)
}

function ratio(one, other) {
    return one == "" || other == "" || other + 0 == 0 ? "" : sprintf("%.2f", one / other)
}

function or_dash(text) {
    return text == "" ? "-" : text
}

# Is this part of Xen's within the goal? What is not known is not judged.
function judged(row, kind, part,    goal) {
    if (part == "") return "-"
    goal = goals[((row, kind) in goals) ? row : "every", kind]
    asked++
    if (part + 0 <= goal) { met++; return "met" }
    return "missed"
}

function print_row(row,    inside, wall, tenon, xen) {
    tenon = figure(row, "tenon", "hypervisor-instructions")
    xen = figure(row, "xen", "hypervisor-instructions")
    inside = tenon == "" || xen == "" || xen + 0 == 0 ? "" : tenon / xen
    wall = ratio(figure(row, "tenon", "ns"), figure(row, "xen", "ns"))
    printf "%-16s %9s %9s %9s  %9s %9s %5s %-7s %5s %-7s\n", row,
        whole(figure(row, "native", "instructions")), whole(figure(row, "tenon", "instructions")),
        whole(figure(row, "xen", "instructions")), whole(tenon), whole(xen),
        inside == "" ? "-" : sprintf("%.2f", inside), judged(row, "inside", inside), or_dash(wall), judged(row, "wall", wall)
}

function print_boot(system_name, what,    instructions, seconds, goal) {
    if (figure("boot", system_name, "instructions") == "") return
    instructions = sprintf("%.0f million instructions, %.0f of them in the hypervisor",
        figure("boot", system_name, "instructions") / 1e6, figure("boot", system_name, "hypervisor-instructions") / 1e6)
    seconds = figure("boot", system_name, "ns") / 1e9
    if (system_name == "tenon") {
        goal = goals["boot", "seconds"]
        asked++
        if (seconds <= goal) met++
        goal = sprintf("; goal %.2f s %s", goal, seconds <= goal ? "met" : "missed")
    }
    printf "  %-6s %s: %.2f s; %s%s\n", system_name, what, seconds, instructions, goal
}

END {
    print "Instructions an operation, how many of them inside the hypervisor, and time as a ratio."
    print ""
    printf "%-16s %9s %9s %9s  %9s %9s %5s %-7s %5s %-7s\n", "row", "native", "Tenon", "Xen", "in Tenon", "in Xen",
        "T/X", "goal", "wall", "goal"
    for (i = 1; i <= rows; i++) print_row(order[i])
    print ""
    print "To the first instruction of init:"
    print_boot("native", "from the start of the emulator, firmware and unpacking of the kernel included")
    print_boot("tenon", "from dom0's xl create")
    print_boot("xen", "from the start of the emulator, Xen's own boot and the unpacking of dom0's kernel included")
    print ""
    print "wall: Tenon's smallest time by Xen's; it compares within one call only."
    if (asked) printf "Goals: %d of %d met.\n", met, asked
}
