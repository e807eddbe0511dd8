# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon xl: commands for the dom0 of ./tenon run --interactive, over its second serial line. What goes over it is
# described in guest-kernel/dom0/line.c.

xl_usage() {
    cat <<'END'
Usage: ./tenon xl [--in FOLDER] VERB [ARGUMENT...]
       ./tenon xl [--in FOLDER] -- COMMAND [ARGUMENT...]

Gives a command to the dom0 of a ./tenon run --interactive or ./tenon linux, of the one whose --log is FOLDER or the only
one there is: xl's verbs (./tenon xl help lists them), or,
behind --, any command of dom0's shell, such as xenstore-ls, files, exit. Output, errors and status are the command's.
A FILE that "create" names is one of dom0's archive: those of the folder that --guests named, and what --add added.

For example:   ./tenon xl create guest.cfg memory=32
               ./tenon xl console guest            (Ctrl-] leaves it)
               ./tenon xl -- xenstore-ls /local
END
}

xl_link=build/logs/interactive

# xl_encode WORD: plain characters as they are, all others as \0 and three octal digits.
xl_encode() {
    local LC_ALL=C word=$1 i c
    [ -n "$word" ] || printf '\\0000' # a word that is empty still is one
    for ((i = 0; i < ${#word}; i++)); do
        c=${word:i:1}
        case $c in
        [a-zA-Z0-9_./=,:@+%^-]) printf '%s' "$c" ;;
        *) printf '\\0%03o' "$((($(printf '%d' "'$c") + 256) % 256))" ;;
        esac
    done
}

xl_send() {
    printf '%s\n' "$1" >&"$xl_in"
}

# xl_alive: is the machine still there?
xl_alive() {
    kill -0 "$(cat "$xl_link/pid" 2>/dev/null)" 2>/dev/null
}

# xl_hello: waits until dom0 listens; what was sent to it before is lost.
xl_hello() {
    local line tries
    for ((tries = 0; tries < 60; tries++)); do
        xl_send "$xl_id ?"
        while IFS= read -r -t 1 line <&"$xl_out"; do
            case $line in *"$xl_id ! dom0") return 0 ;; esac
        done
        xl_alive || die "the machine ended"
    done
    die "dom0 does not answer"
}

# xl_type: what is typed here goes there, a character at a time, for as long as we live.
xl_type() {
    local c status
    while :; do
        IFS= read -r -d '' -N 1 -t 2 c
        status=$?
        if [ "$status" -eq 0 ]; then
            xl_send "$xl_id < $(xl_encode "$c")"
        elif [ "$status" -le 128 ] || ! kill -0 "$$" 2>/dev/null; then
            return
        fi
    done
}

# xl_gone COMMAND: that the machine ended is what "exit" wants.
xl_gone() {
    if [ "$1" = exit ]; then xl_status=0; else note "the machine ended"; fi
}

# xl_answers COMMAND: shows what comes until the end; sets xl_status.
xl_answers() {
    local line text begun=''
    while :; do
        if ! IFS= read -r -t 1 line <&"$xl_out"; then
            begun=$begun$line
            xl_alive || { xl_gone "$1"; return; }
            continue
        fi
        line=$begun$line begun=''
        case $line in "$xl_id "*) ;; *) continue ;; esac
        line=${line#"$xl_id "}
        text=${line#* }
        case $line in
        'o '*) printf '%b' "$text" ;;
        'e '*) printf '%b' "$text" >&2 ;;
        'x '*) xl_status=$text; return ;;
        esac
    done
}

xl_end() {
    [ -z "$xl_typist" ] || kill "$xl_typist" 2>/dev/null
    [ -z "$xl_terminal" ] || stty "$xl_terminal"
}

xl_main() {
    local words='' word
    if [ "${1-}" = --in ]; then
        need_value "$1" $#
        xl_link=$(absolute "$2")
        shift 2
    fi
    [ $# -gt 0 ] || { xl_usage >&2; exit 2; }
    if [ "$1" = -- ]; then
        shift
        [ $# -gt 0 ] || wrong_use "a command of dom0 is wanted behind --"
    else
        set -- xl "$@"
    fi
    if [ ! -p "$xl_link/commands.in" ] || ! xl_alive; then
        die "no dom0 listens: start one with ./tenon run --interactive"
    fi
    for word in "$@"; do words="$words $(xl_encode "$word")"; done
    [ ${#words} -lt 16000 ] || wrong_use "the command is too long"
    exec {xl_lock}>"$xl_link/commands.lock"
    flock -w 60 "$xl_lock" || die "another command has been under way for a minute"
    exec {xl_in}<>"$xl_link/commands.in" {xl_out}<>"$xl_link/commands.out"
    xl_id=$(printf '%x.%x%04x' "$$" "$SECONDS" "$RANDOM") xl_status=1 xl_typist='' xl_terminal=''
    trap xl_end EXIT
    trap 'xl_send "$xl_id ."' INT TERM HUP
    xl_hello
    xl_send "$xl_id =$words"
    case "$1 ${2-}" in
    'xl console' | 'xenstore-watch '*)
        if [ -t 0 ]; then
            xl_terminal=$(stty -g)
            stty raw -echo opost
        fi
        # Were we killed, it would keep others waiting.
        xl_type <&0 {xl_lock}>&- &
        xl_typist=$!
        ;;
    esac
    xl_answers "$1"
    exit "$xl_status"
}
