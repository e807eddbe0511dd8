# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the launcher says. Results go to standard output; all else, from here, to standard error.

note() {
    printf 'tenon: %s\n' "$*" >&2
}

die() {
    note "$*"
    exit 1
}

wrong_use() {
    note "$*"
    exit 2
}

# need_value OPTION VALUE-COUNT: an option that wants a value has one.
need_value() {
    [ "$2" -ge 2 ] || wrong_use "$1 wants a value; --help tells which"
}

# need_number OPTION VALUE: a whole number above zero.
need_number() {
    [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || wrong_use "$1 wants a whole number above zero, not '$2'"
}

# one_of OPTION VALUE CHOICE...
one_of() {
    local option=$1 value=$2 choice
    shift 2
    for choice in "$@"; do
        [ "$value" != "$choice" ] || return 0
    done
    wrong_use "$option takes one of: $*; not '$value'"
}

# work WHAT COMMAND...: runs it quietly into a log, says that it goes on, shows the log's end if it failed.
work() {
    local what=$1 log status start=$SECONDS told=$SECONDS
    shift
    mkdir -p build/logs
    log=build/logs/${what//[^a-zA-Z0-9.]/-}.log
    note "$what ..."
    "$@" >"$log" 2>&1 </dev/null &
    local pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
        if [ $((SECONDS - told)) -ge 15 ]; then
            told=$SECONDS
            note "$what: $((SECONDS - start)) s so far; $(tail -n 1 -- "$log" | cut -c 1-100)"
        fi
    done
    wait "$pid"
    status=$?
    if [ "$status" -ne 0 ]; then
        # Of a build: what compilers said, not every step and command line.
        grep -avE '^\[[0-9]+/[0-9]+\] (Building|Linking)' -- "$log" | cut -c 1-200 | tail -n 40 >&2
        note "$what: failed with status $status; all of its output is in $log"
    fi
    return "$status"
}

# absolute PATH: as the caller meant it, from the folder where the launcher was called.
absolute() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$caller/$1" ;;
    esac
}

# readable OPTION FILE: its path, as absolute gives it.
readable() {
    local path
    path=$(absolute "$2")
    [ -f "$path" ] && [ -r "$path" ] || wrong_use "$1: cannot read $2"
    printf '%s\n' "$path"
}

# mebibytes OPTION SIZE: how many 256M or 2G are.
mebibytes() {
    [[ $2 =~ ^([1-9][0-9]{0,5})([MG])$ ]] || wrong_use "$1 wants a size such as 256M or 2G, not '$2'"
    if [ "${BASH_REMATCH[2]}" = M ]; then echo "${BASH_REMATCH[1]}"; else echo "$((BASH_REMATCH[1] * 1024))"; fi
}
