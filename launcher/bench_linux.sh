# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon bench linux: Debian's kernel on the bare machine, as a guest on Tenon, and as dom0 of Xen: one initial
# archive, two passes (docs/measuring.md).
#
# Each boot adds lines to the raw file, "system,mode,run,row,batch,unit,value"; tests/bench/figures.awk makes the
# figures of them, tests/bench/linux/table.awk the table.

bench_linux_usage() {
    cat <<'END'
Usage: ./tenon bench linux [OPTION...] [ROW...]

Measures what operations of Debian 12's stock kernel cost on the bare machine, as a guest on Tenon and as dom0 of
Debian's Xen 4.17: all rows, or those named; and what it takes from the guest's creation, or the machine's start, to
the first instruction of init. Standard output gets a table; the folder gets the figures as CSV.

  --on SYSTEMS   native,tenon,xen (default), or some of them
  --csv FILE     the figures to FILE as well: bench,row,system,mode,batch,unit,value
  --out FOLDER   where figures.csv and raw.csv go (build/bench/linux)
  --runs N       runs of each system for the time, taken in turn (5)
  --list         name the rows

Two passes: exact instructions (QEMU's -icount) and where they are executed, by a plugin of ours; and time without
-icount, which means something only as the ratio of systems measured in the same call.
END
}

# bench_linux_programs FOLDER: init and the benchmark, as static programs.
bench_linux_programs() {
    local source=tests/bench/linux options=(-std=gnu11 -O2 -Wall -Wextra -Werror -static)
    need_packages "the benchmark's programs" gcc libc6-dev cpio
    mkdir -p "$1" || return 1
    work "compiling the benchmark" gcc "${options[@]}" -o "$1/bench" \
        "$source"/{main,calls,memory,processes,pipes}.c || return 1
    work "compiling what it executes" gcc "${options[@]}" -o "$1/empty" "$source/empty.c" || return 1
    work "compiling its init" gcc "${options[@]}" -ffreestanding -fno-stack-protector -fno-pie -no-pie -nostdlib \
        -o "$1/init" "$source/init.c"
}

# bench_linux_archive OUT: the initial archive, the same everywhere.
bench_linux_archive() {
    local tree=$1.tree
    rm -rf "$tree"
    bench_linux_programs "$tree" || return 1
    (cd "$tree" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$1" || return 1
    rm -rf "$tree"
}

# bench_linux_guest WORDS: dom0's archive, in the machine's folder: the guest, and what to do with it.
bench_linux_guest() {
    local folder=$m_folder/guest
    mkdir "$folder" || return 1
    printf 'begin\nxl create linux.cfg\nwait 3000 linux\ngone linux\ncheck\n' >"$m_folder/script"
    guest_name=linux guest_kernel=$linux_kernel guest_initrd=$bench_linux_initrd guest_words=$1
    guest_memory=$bench_linux_memory guest_vcpus=1 guest_script=$m_folder/script
    guest_folder "$folder" || return 1
    guests_archive "$folder" "$m_folder/archive" && rm -rf "$folder"
}
bench_linux_memory=256

# bench_linux_machine SYSTEM UNIT: the m_ variables.
bench_linux_machine() {
    local names=${bench_names[*]} words
    words="quiet panic=-1 unit=$2${names:+ rows=${names// /,}}"
    m_system=$1 m_boot=direct m_timeout=1800 m_memory=$((2 * bench_linux_memory))M m_dom0_memory=${bench_linux_memory}M
    m_initrd=$bench_linux_initrd m_kernel=$linux_packed
    case $m_system in
    native)
        m_boot=linux m_memory=${bench_linux_memory}M
        m_hypervisor=$linux_packed m_kernel=none m_kernel_words="console=ttyS0 $words" ;;
    xen)
        m_hypervisor=$xen_image m_kernel_words="console=hvc0 $words" ;;
    tenon)
        m_memory=$((bench_linux_memory + 768))M
        m_hypervisor=$images/tenon.elf m_kernel=$images/dom0.elf m_kernel_words="script=run"
        bench_linux_guest "console=hvc0 $words" || die "dom0's archive could not be made"
        m_initrd=$m_folder/archive ;;
    esac
}

# bench_linux_watch: notes down when lines came that begin or end the row "boot", in microseconds.
bench_linux_watch() {
    local line
    while IFS= read -r line; do
        case $line in
        *BENCHBEGIN* | *BENCHINIT*) echo "${EPOCHREALTIME/[.,]/} ${line%%$'\r'*}" ;;
        esac
    done <"$m_folder/line" >"$m_folder/times"
}

# bench_linux_boot SYSTEM MODE RUN QEMU-OPTION...: one boot, its figures to the raw file.
bench_linux_boot() {
    local system=$1 mode=$2 run=$3 unit=ns start watcher reason
    shift 3
    m_qemu=("$@")
    [ "$mode" = clock ] || unit=instructions
    machine_folder bench-linux
    bench_linux_machine "$system" "$unit"
    note "$mode, run $run, on $system ..."
    ln -s "$root/build/share.so" "$m_folder/share.so"
    mkfifo "$m_folder/line" || die "cannot make $m_folder/line"
    m_serial=(-chardev "file,id=line,path=line,logfile=console.log" -serial chardev:line)
    bench_linux_watch &
    watcher=$!
    start=${EPOCHREALTIME/[.,]/}
    machine_boot
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    rm -f "$m_folder/share.so" "$m_folder/line"
    reason=$(bench_linux_complaint "$mode")
    if [ -n "$reason" ]; then
        console_tail "$m_console" >&2
        die "$mode on $system: $reason; console: $m_console"
    fi
    if [ "$mode" = clock ]; then bench_linux_times "$run" "$start"; else bench_linux_counts; fi >>"$bench_raw"
}

# bench_linux_lines: the guest's figures: row,batch,operations,value.
bench_linux_lines() {
    console_text "$m_console" | sed -n 's/^\(linux| \)\{0,1\}BENCH //p'
}

# bench_linux_complaint MODE: what is wrong with the boot that just ended; nothing if all is well.
bench_linux_complaint() {
    local reason lines
    reason=$(console_panicked "$m_console")
    [ -n "$reason" ] || reason=$(console_text "$m_console" | sed -n -E '/BENCHERROR|Kernel panic|Oops|BUG:/{p;q}')
    [ -n "$reason" ] || reason=$(machine_failure)
    [ -n "$reason" ] || reason=$(console_text "$m_console" | awk -v system_name="$m_system" '
        /^(linux\| )?BENCH / { lines++ }
        /^(linux\| )?BENCHEND / { promised = $NF; ended = 1 }
        /audit: [0-9]+ frames, [0-9]+ errors/ { audits++; if ($0 !~ / 0 errors/) { print; exit } }
        END {
            if (!ended) print "the benchmark did not come to its end"
            else if (lines == 0) print "the guest measured nothing"
            else if (lines != promised) print "the guest promised " promised " figures and printed " lines
            else if (system_name == "tenon" && !audits) print "the auditor did not report"
        }' | head -n 1)
    # One report more than figures: that of init.
    if [ -z "$reason" ] && [ "$1" = icount ]; then
        lines=$(bench_linux_lines | wc -l)
        if grep -q unpaired "$m_folder/shares"; then
            reason="the plugin saw $(tail -n 1 "$m_folder/shares")"
        elif [ "$(wc -l <"$m_folder/shares")" -ne $((lines + 1)) ]; then
            reason="the guest measured $lines batches, and the plugin saw $(wc -l <"$m_folder/shares") with that of init"
        fi
    fi
    echo "$reason"
}

# bench_linux_times RUN START: raw lines of a boot without -icount; START in microseconds.
bench_linux_times() {
    bench_linux_lines | awk -F, -v prefix="$m_system,clock,$1" '{
        printf "%s,%s,1,ns,%.2f\n", prefix, $1, $4 / $3
        printf "%s,%s,1,ns-median,%.2f\n", prefix, $1, $4 / $3
    }'
    awk -v prefix="$m_system,clock,$1" -v begin="$2" '
        /BENCHBEGIN/ { begin = $1 }
        /BENCHINIT/ {
            printf "%s,boot,1,ns,%.0f\n", prefix, ($1 - begin) * 1000
            printf "%s,boot,1,ns-median,%.0f\n", prefix, ($1 - begin) * 1000
            exit
        }' "$m_folder/times"
}

# bench_linux_counts: raw lines of a boot with -icount: the guest's figures beside the plugin's, one for one. Its first
# is init's. Both must say the same, or instructions were counted that nobody executed: the machine slept.
bench_linux_counts() {
    { echo boot,1,1,; bench_linux_lines; } | paste -d, - "$m_folder/shares" | awk -F, -v system_name="$m_system" '
        function line(mode, unit, value) {
            printf "%s,%s,%d,%s,1,%s,%.2f\n", system_name, mode, $2, $1, unit, value / $3
        }
        {
            total = $4 == "" ? $5 : $4
            if ($1 != "boot" && (total > 1.03 * $5 || total < 0.97 * $5)) differ[$1]++
            line("icount", "instructions", total)
            line("icount", "instructions-median", total)
            line("share", "hypervisor-instructions", $6)
            line("share", "hypervisor-instructions-median", $6)
            line("share", "kernel-instructions", $7)
            line("share", "user-instructions", $8)
        }
        END {
            for (row in differ)
                print "tenon: " row " on " system_name ": clock and plugin differ in " differ[row] " batches" >"/dev/stderr"
        }'
}

bench_linux_main() {
    local system run plugin
    bench_systems="native tenon xen" bench_rows_file=tests/bench/linux/rows bench_folder=build/bench/linux
    bench_read_options "$@"
    need_packages "the emulated machine" "$packages_machine"
    need_build default
    need_linux amd64
    case $bench_on in *xen*) need_xen ;; esac
    bench_linux_initrd=build/bench-linux.initrd
    bench_linux_archive "$bench_linux_initrd" || die "the initial archive could not be made"
    bench_raw=$bench_out/raw.csv
    : >"$bench_raw"
    for system in $bench_on; do
        plugin=./share.so,out=shares
        # Of a guest's boot only what comes after its creation counts; dom0 begins it.
        [ "$system" = tenon ] || plugin=$plugin,begin=start
        bench_linux_boot "$system" icount 1 -icount shift=0,sleep=off -seed 1 -plugin "$plugin"
    done
    for ((run = 1; run <= bench_runs; run++)); do
        for system in $bench_on; do bench_linux_boot "$system" clock "$run"; done
    done
    awk -v bench=linux -f tests/bench/figures.awk "$bench_raw" >"$bench_out/figures.csv" || die "the figures could not be computed"
    [ -z "$bench_csv" ] || cp "$bench_out/figures.csv" "$bench_csv"
    awk -f tests/bench/linux/table.awk tests/bench/linux/goals "$bench_out/figures.csv"
    note "figures: $bench_out/figures.csv"
}
