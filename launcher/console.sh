# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Reading a console. The guest kernel's lines come bare, each at a line's start:
#
#     WORKLOAD <name> PASS | FAIL <reason> | SKIP <reason>
#     VERDICT <p> passed, <f> failed, <s> skipped
#     BENCH <row>,<batch>,<unit>,<value>            BENCHEND <count> rows
#     LIST <name> <description>                     PANIC <reason>
#     SCRIPT <name> done | failed | stopped ...     <guest>| <a line of that guest>
#
# and the hypervisor's behind "(TEN) " or "(XEN) ".

console_text() {
    tr -d '\r\000' <"$1"
}

console_last() {
    console_text "$1" | tail -n 1 | cut -c 1-100
}

console_tail() {
    local lines=${2:-25}
    printf -- '--- the last %s lines of %s\n' "$lines" "$1"
    console_text "$1" | tail -n "$lines"
    printf -- '---\n'
}

# console_panicked: prints the line by which a hypervisor or the guest kernel reported an end before its time.
# Xen gives the reason of a panic in the line after.
console_panicked() {
    local line
    line=$(grep -a -m 1 -A 1 -E \
        'TENON PANIC|^\(TEN\) .*d0 crashed: |^\(XEN\) (Panic on CPU|Hardware Dom0 crashed)|^PANIC( |:|$)' "$1" | tr -d '\r') || return
    case $line in
    '(XEN) Panic on CPU'*) tr '\n' ' ' <<<"$line" ;;
    *) head -n 1 <<<"$line" ;;
    esac
}

# console_verdict CONSOLE NAMES WORKLOADS SCRIPT: succeeds if what was to run did, and all is well; else prints why not,
# in one line. NAMES: workloads that had to run, if any; WORKLOADS: yes if some had to; SCRIPT: dom0's, if there was one;
# needs m_system.
console_verdict() {
    console_text "$1" | awk -v wanted="$2" -v workloads="$3" -v script="$4" -v system_name="$m_system" '
        function bad(why) { if (reason == "") reason = why }
        /error: / && grub == "" { grub = $0; sub(/^.*error: /, "", grub) }
        /GRUB could not boot these images/ { bad("GRUB could not boot these images: " grub) }
        /^WORKLOAD [^ ]+ (PASS|FAIL|SKIP)( |$)/ {
            if ($2 in seen) bad("workload " $2 " reported twice")
            seen[$2] = $3
            count[$3]++
            if ($3 == "FAIL" && first == "") first = $2
            next
        }
        /^WORKLOAD / { bad("a line that is no result: " $0) }
        /^VERDICT [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { verdicts++; p = $2; f = $4; s = $6; next }
        /^VERDICT / { bad("a line that is no verdict: " $0) }
        /^[^ |]+\| WORKLOAD [^ ]+ FAIL/ { sub(/\|$/, "", $1); bad("guest " $1 ": workload " $3 " failed") }
        # A guest that is to crash says so by its name.
        /^[^ |]+\| PANIC/ && !/^crash/ { sub(/\|$/, "", $1); bad("guest " $1 " panicked") }
        /^[^ ]+: / && script != "" && !/^\(TEN\)/ { last = $0 }
        /^SCRIPT [^ ]+ done$/ { if ($2 == script) scripts++ }
        /^SCRIPT / && !/ done$/ && stopped == "" { stopped = $0 (last != "" ? " (" last ")" : "") }
        /^\(TEN\) .*audit: [0-9]+ frames, [0-9]+ errors/ {
            audits++
            if ($0 !~ /frames, 0 errors/) bad("the auditor found errors: " $0)
        }
        END {
            if (stopped != "") bad(stopped)
            if (script != "" && scripts != 1) bad("the script did not come to its end")
            if (verdicts == 0 && workloads == "yes") bad("no verdict")
            else if (verdicts > 1) bad("more than one verdict")
            else if (workloads == "yes") {
                if (f > 0) bad(f " failed, the first of them " first)
                if (p != count["PASS"] + 0 || f != count["FAIL"] + 0 || s != count["SKIP"] + 0)
                    bad("the verdict counts other results than the console shows")
                if (p + f == 0) bad("nothing ran")
            }
            if (system_name == "tenon" && audits == 0) bad("the auditor did not report")
            n = split(wanted, names, " ")
            for (i = 1; i <= n; i++)
                if (!(names[i] in seen))
                    bad("workload " names[i] " did not report; ./tenon run --list tells the names")
            if (reason != "") { print reason; exit 1 }
        }'
}
