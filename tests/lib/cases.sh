# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Running cases, each one call of ./tenon run or a program of its own, a few at a time. First all are collected, then workers take them
# one by one; a line each in the order of their ends. A case that leaves no line is a failure as well.
#
# Its user sets: root images speed tally names cases_work.

cases_workers=2
cases_limit=300 # seconds that a boot may take; generous, for no test is about speed
cases=()        # quoted words: case_run NAME STATUS REGEX OPTION..., or program_run NAME PROGRAM
cases_names=()
cases_pids=()

# guest_case NAME SPEED STATUS REGEX OPTION...
guest_case() {
    local name=$1 speed_of=$2
    shift 2
    case_chosen "$name" "$speed_of" || return 0
    cases+=("$(printf '%q ' case_run "$name" "$@")")
    cases_names+=("$name")
}

# program_case NAME SPEED PROGRAM WORD...: its status is the result; it is called with the build folder, one for its
# logs, and the words.
program_case() {
    local name=$1 speed_of=$2
    shift 2
    case_chosen "$name" "$speed_of" || return 0
    cases+=("$(printf '%q ' program_run "$name" "$@")")
    cases_names+=("$name")
}

case_chosen() {
    local name
    if [ ${#names[@]} -gt 0 ]; then
        for name in "${names[@]}"; do
            # shellcheck disable=SC2053 # a pattern is welcome
            [[ $1 != $name ]] || return 0
        done
        return 1
    fi
    case $speed in
    quick) [ "$2" = quick ] ;;
    usual) [ "$2" != long ] ;;
    full) : ;;
    *) echo "the speed is quick, usual or full, not '$speed'" >&2; exit 2 ;;
    esac
}

# case_complaint STATUS WANTED-STATUS REGEX FOLDER: why the case failed; nothing if it did not.
case_complaint() {
    local status=$1 wanted=$2 regex=$3 folder=$4
    if [ "$wanted" = any ]; then
        [ "$status" -le 1 ] || echo "the status was $status, not 0 or 1"
    elif [ "$status" -ne "$wanted" ]; then
        echo "the status was $status, not $wanted"
    fi
    # All is read: a reader that leaves early would kill the writer, and pipefail would call that no match.
    if ! { cat "$folder"/{out,err,console.log} 2>/dev/null || true; } | tr -d '\r' | grep -a -i -E -- "$regex" >/dev/null; then
        echo "no line matches: $regex"
    fi
    if grep -q 'was killed' "$folder/err" && [[ $regex != *killed* ]]; then
        echo "the machine did not end by itself"
    fi
}

# case_line LINE: the result, to the screen and to the tally.
case_line() {
    echo "$1" | tee -a "$tally" "$cases_work/results"
}

# case_run NAME STATUS REGEX OPTION...
case_run() {
    local name=$1 wanted=$2 regex=$3 folder=$root/build/logs/test/$1 start=$SECONDS status complaint pid from=$images
    shift 3
    if [[ " $* " == *" --checked "* ]]; then from=$images/checked; fi
    rm -rf "$folder" && mkdir -p "$folder" || return 1
    "$root/tenon" run --images "$from" --timeout "$cases_limit" --log "$folder" "$@" \
        >"$folder/out" 2>"$folder/err" </dev/null &
    pid=$!
    # Whoever ends this worker ends the launcher that it waits for, which then ends its QEMU.
    # shellcheck disable=SC2064 # this pid
    trap "kill $pid 2>/dev/null; wait $pid; exit 130" TERM INT HUP
    wait "$pid"
    status=$?
    trap - TERM INT HUP
    complaint=$(case_complaint "$status" "$wanted" "$regex" "$folder")
    {
        flock 9
        if [ -z "$complaint" ]; then
            case_line "ok $name ($((SECONDS - start)) s)"
        else
            printf -- '\n%s: ./tenon run' "$name"
            printf ' %q' "$@"
            printf '\n'
            tail -n 40 "$folder/err"
            printf '%s\n' "$complaint"
            case_line "not ok $name ($((SECONDS - start)) s)"
        fi
    } 9>"$cases_work/lock"
}

# program_run NAME PROGRAM WORD...
program_run() {
    local name=$1 program=$2 folder=$root/build/logs/test/$1 start=$SECONDS status pid
    shift 2
    rm -rf "$folder" && mkdir -p "$folder" || return 1
    "$root/$program" "$images" "$folder" "$@" >"$folder/out" 2>"$folder/err" </dev/null &
    pid=$!
    # shellcheck disable=SC2064 # this pid
    trap "kill $pid 2>/dev/null; wait $pid; exit 130" TERM INT HUP
    wait "$pid"
    status=$?
    trap - TERM INT HUP
    {
        flock 9
        if [ "$status" -eq 0 ]; then
            case_line "ok $name ($((SECONDS - start)) s)"
        else
            printf '\n%s: %s, status %s\n' "$name" "$program" "$status"
            tail -n 40 "$folder/out" "$folder/err"
            case_line "not ok $name ($((SECONDS - start)) s)"
        fi
    } 9>"$cases_work/lock"
}

# cases_worker: takes what nobody has taken; a folder made is a case taken.
cases_worker() {
    local i
    for i in "${!cases[@]}"; do
        if mkdir "$cases_work/taken-$i" 2>/dev/null; then eval "${cases[i]}"; fi
    done
}

cases_stop() {
    local pid
    for pid in "${cases_pids[@]}"; do kill "$pid" 2>/dev/null; done
    wait
    rm -rf "$cases_work"
    exit 130
}

# cases_finish: runs all that were collected; succeeds if there were some and each passed.
cases_finish() {
    local i name
    : >"$cases_work/results"
    trap cases_stop INT TERM HUP
    for ((i = 0; i < cases_workers; i++)); do
        cases_worker &
        cases_pids+=($!)
    done
    wait
    for name in "${cases_names[@]}"; do
        grep -q -F " $name (" "$cases_work/results" || case_line "not ok $name (it left no result)"
    done
    [ ${#cases[@]} -gt 0 ] && ! grep -q '^not ok ' "$cases_work/results"
}
