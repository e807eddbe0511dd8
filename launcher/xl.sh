# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon xl: commands for the dom0 of ./tenon run --interactive, over its second serial line. What goes over it is
# described in guest-kernel/dom0/line.c.

xl_usage() {
    cat <<'END'
Usage: ./tenon xl VERB [ARGUMENT...]
       ./tenon xl -- COMMAND [ARGUMENT...]

Gives a command to the dom0 that ./tenon run --interactive started: xl's verbs (./tenon xl help lists them), or,
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

# xl_type: what is typed here goes there, a character at a time.
xl_type() {
    local c
    while IFS= read -r -d '' -N 1 c; do
        xl_send "$xl_id < $(xl_encode "$c")"
    done
}

# xl_answers COMMAND: shows what comes until the end; sets xl_status.
xl_answers() {
    local line text begun='' taken=no
    while :; do
        if ! IFS= read -r -t 1 line <&"$xl_out"; then
            begun=$begun$line
            xl_alive || { note "the machine ended"; return; }
            # What came before dom0 listened is lost.
            [ "$taken" = yes ] || xl_send "$1"
            continue
        fi
        line=$begun$line begun=''
        case $line in "$xl_id "*) ;; *) continue ;; esac
        line=${line#"$xl_id "}
        taken=yes
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
    xl_send "$xl_id =$words"
    case "$1 ${2-}" in
    'xl console' | 'xenstore-watch '*)
        if [ -t 0 ]; then
            xl_terminal=$(stty -g)
            stty raw -echo opost
        fi
        xl_type <&0 &
        xl_typist=$!
        ;;
    esac
    xl_answers "$xl_id =$words"
    [ "$*" != exit ] || xl_alive || xl_status=0
    exit "$xl_status"
}
