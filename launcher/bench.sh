# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon bench: one guest image, each system, three passes (docs/measuring.md). "linux" as its first word: bench_linux.sh.
#
# Each boot adds lines to the raw file, "system,mode,run,row,batch,unit,value"; tests/bench/figures.awk makes
# the figures of them, table.awk the table.

# shellcheck source=launcher/bench_linux.sh
. "$root/launcher/bench_linux.sh"

bench_usage() {
    if [ "${1-}" = linux ]; then
        bench_linux_usage
        return
    fi
    cat <<'END'
Usage: ./tenon bench [OPTION...] [ROW...]
       ./tenon bench linux [OPTION...] [ROW...]    what Debian's Linux costs as a guest; has a --help of its own

Measures what paravirtual operations cost, with one guest image on Tenon and on Debian's Xen 4.17: all rows, or
those named. Standard output gets a table; the folder gets the figures as CSV and a plot as SVG.

  --on SYSTEMS   tenon,xen (default), or one of them
  --csv FILE     the figures to FILE as well: bench,row,system,mode,batch,unit,value
  --out FOLDER   where figures.csv, raw.csv and updates.svg go (build/bench)
  --runs N       runs of each system for the ticks, taken in turn (5)
  --list         name the rows

Three passes: exact instructions (QEMU's -icount); where they are executed, by a plugin of ours; ticks without
-icount, minimum and median, which mean something only as the ratio of systems measured in the same call.
END
}

bench_systems="tenon xen" bench_rows_file=tests/bench/rows bench_folder=build/bench

bench_rows() {
    sed '/^#/d' "$bench_rows_file"
}

bench_read_options() {
    local system row
    bench_on=$bench_systems bench_csv='' bench_out=$bench_folder bench_runs=5 bench_names=()
    while [ $# -gt 0 ]; do
        case $1 in --on | --csv | --out | --runs) need_value "$1" $# ;; esac
        case $1 in
        --on)
            bench_on=${2//,/ }
            # shellcheck disable=SC2086 # words
            for system in $bench_on; do one_of --on "$system" $bench_systems; done
            [ -n "$bench_on" ] || wrong_use "--on takes ${bench_systems// /, }, or several with commas between"
            shift ;;
        --csv) bench_csv=$(absolute "$2"); shift ;;
        --out) bench_out=$(absolute "$2"); shift ;;
        --runs) need_number "$1" "$2"; bench_runs=$2; shift ;;
        --list) bench_rows; exit 0 ;;
        -*) wrong_use "bench has no option '$1'; ./tenon bench --help lists them" ;;
        *) bench_names+=("$1") ;;
        esac
        shift
    done
    for row in "${bench_names[@]}"; do
        bench_rows | awk -v row="$row" '$1 == row { found = 1 } END { exit !found }' ||
            wrong_use "no benchmark row is called '$row'; --list names them"
    done
    mkdir -p "$bench_out" || wrong_use "--out: cannot make the folder $bench_out"
    if [ -n "$bench_csv" ]; then
        : >"$bench_csv" || wrong_use "--csv: cannot write $bench_csv"
    fi
}

# bench_complaint: what is wrong with the boot that just ended; nothing if all is well.
bench_complaint() {
    local reason
    reason=$(console_panicked "$m_console")
    [ -n "$reason" ] || [ "$m_outcome" = exited ] || reason=$(machine_failure)
    [ -n "$reason" ] || reason=$(bench_figures_complaint)
    [ -n "$reason" ] || reason=$(machine_failure)
    echo "$reason"
}

bench_figures_complaint() {
    console_text "$m_console" | awk -v system_name="$m_system" '
        /^BENCH [a-z0-9-]+,[0-9]+,(instructions|ticks|ticks-median),[0-9.]+$/ { lines++; next }
        /^BENCH / { print "a line that is no figure: " $0; exit }
        /^BENCHEND / { promised = $2; ended = 1 }
        /audit: [0-9]+ frames, [0-9]+ errors/ { audits++; if ($0 !~ / 0 errors/) { print $0; exit } }
        END {
            if (!ended) print "the benchmark did not come to its end"
            else if (lines == 0) print "the guest measured nothing"
            else if (lines != promised) print "the guest promised " promised " figures and printed " lines
            else if (system_name == "tenon" && !audits) print "the auditor did not report"
        }' | head -n 1
}

# bench_boot SYSTEM MODE RUN QEMU-OPTION...: one boot, its figures to the raw file.
bench_boot() {
    local mode=$2 run=$3 unit=instructions names reason
    m_system=$1
    shift 3
    m_qemu=("$@")
    m_timeout=1800
    m_hypervisor=build/tenon.elf
    [ "$m_system" = tenon ] || m_hypervisor=$xen_image
    m_kernel=build/guest-kernel.elf
    [ "$mode" != clock ] || unit=ticks
    names=${bench_names[*]}
    m_kernel_words="bench${names:+=${names// /,}} bench_unit=$unit"
    note "$mode, run $run, on $m_system ..."
    machine_folder bench
    [ "$mode" != share ] || ln -s "$root/build/share.so" "$m_folder/share.so"
    machine_boot
    rm -f "$m_folder/share.so"
    reason=$(bench_complaint)
    if [ -n "$reason" ]; then
        console_tail "$m_console" >&2
        die "$mode on $m_system: $reason; console: $m_console"
    fi
    if [ "$mode" = share ]; then
        bench_shares
    else
        console_text "$m_console" | sed -n "s/^BENCH /$m_system,$mode,$run,/p" >>"$bench_raw"
    fi
}

# bench_shares: the plugin's lines beside the guest's, one for one.
bench_shares() {
    local shares=$m_folder/shares rows=$m_folder/rows
    console_text "$m_console" | sed -n 's/^BENCH \([^,]*,[^,]*\),.*/\1/p' >"$rows"
    if grep -q unpaired "$shares"; then
        note "the plugin saw $(tail -n 1 "$shares"); no shares for $m_system"
    elif [ "$(wc -l <"$shares")" -ne "$(wc -l <"$rows")" ]; then
        note "the guest reported $(wc -l <"$rows") rows and the plugin saw $(wc -l <"$shares"); no shares for $m_system"
    else
        paste -d, "$rows" "$shares" | awk -F, -v system_name="$m_system" '$3 > 0 {
            printf "%s,share,1,%s,%s,hypervisor-percent,%.2f\n", system_name, $1, $2, 100 * $4 / $3
            printf "%s,share,1,%s,%s,user-percent,%.2f\n", system_name, $1, $2, 100 * $6 / $3
        }' >>"$bench_raw"
    fi
}

# bench_plot: the cost of one update against the size of the batch.
bench_plot() {
    local series="$bench_out/updates.dat"
    awk -f tests/bench/series.awk "$bench_out/figures.csv" >"$series"
    if [ ! -s "$series" ]; then
        note "no plot: none of the rows that it shows was measured"
        return
    fi
    gnuplot -c tests/bench/updates.gp "$series" "$bench_out/updates.svg" || die "gnuplot could not make the plot"
}

bench_main() {
    local system run
    if [ "${1-}" = linux ]; then
        shift
        bench_linux_main "$@"
        return
    fi
    bench_read_options "$@"
    need_packages "the emulated machine" "$packages_machine"
    need_packages "plots" gnuplot-nox
    need_build default
    case $bench_on in *xen*) need_xen ;; esac
    bench_raw=$bench_out/raw.csv
    : >"$bench_raw"
    for system in $bench_on; do bench_boot "$system" icount 1 -icount shift=0,sleep=off; done
    for system in $bench_on; do
        bench_boot "$system" share 1 -icount shift=0,sleep=off -plugin ./share.so,out=shares
    done
    for ((run = 1; run <= bench_runs; run++)); do
        for system in $bench_on; do bench_boot "$system" clock "$run"; done
    done
    awk -f tests/bench/figures.awk "$bench_raw" >"$bench_out/figures.csv" || die "the figures could not be computed"
    [ -z "$bench_csv" ] || cp "$bench_out/figures.csv" "$bench_csv"
    awk -f tests/bench/table.awk tests/bench/goals "$bench_out/figures.csv"
    bench_plot
    note "figures: $bench_out/figures.csv, plot: $bench_out/updates.svg"
}
