# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon run: the main job.

run_usage() {
    cat <<'END'
Usage: ./tenon run [OPTION...] [WORKLOAD...]

Boots the hypervisor in QEMU with the mini-kernel as dom0. It runs its unit workloads, then makes two guests, which
find each other through the store and exchange pages; or, with names, runs those workloads only. Standard output gets
a line a workload, "NAME PASS", "NAME FAIL reason" or "NAME SKIP reason", a guest's behind its name, and at the end
"VERDICT PASS ..." or "VERDICT FAIL ...". The status is 0 only if all is well, the hypervisor's audit included.

  --list             name the workloads
  --on SYSTEM        tenon (default), or xen: Debian's Xen 4.17
  --cpus N           processors of the machine (1)
  --memory SIZE      memory of the machine, as 512M or 2G (512M)
  --boot WAY         direct (default): QEMU loads the images, by Multiboot 1; grub: a CD, by Multiboot 2
  --timeout SECONDS  after which the machine counts as hung (300)
  --interactive      dom0's shell on this terminal, no workloads, no time limit; Ctrl-A X ends it. Meanwhile
                     ./tenon xl gives commands from another one
  --guests FOLDER    dom0 gets the files of this folder (configurations of guests) and carries out the commands of
                     its file "run" (guests/pair); "none": there are no guests
  --add FILE         dom0 gets this file, too; a compressed kernel is unpacked. May be given several times
  --checked          the build with lock-order and undefined-behaviour checks

A guest of your own, alone, until it ends; what it says is shown, and with --interactive this terminal is its console:
  --kernel FILE      any PV kernel, packed or not (bzImage, gzip, xz, zstd, lz4, bzip2, lzma)
  --initrd FILE      its initial archive
  --append WORDS     its command line
  --guest-memory SIZE, --guest-vcpus N   what it gets (256M, 1)
  --script FILE      dom0's commands, instead of: create guest.cfg, wait for its end

To look into a failure, or to boot something else:
  --dom0 FILE        another dom0 kernel, packed or not; "none" for no module at all
  --dom0-initrd FILE a second module
  --hypervisor WORDS further words for the hypervisor's command line
  --guest WORDS      further words for the guest's
  --type WHEN=TEXT   type TEXT (as of printf %b) on the serial line once a line of the console matches WHEN, that
                     came after what was typed before; may be given several times, and all must come to it
  --images FOLDER    take tenon.elf and guest-kernel.elf from there and build nothing
  --log FOLDER       keep console and QEMU's messages there
END
}

run_read_options() {
    run_preset=default run_memory='' run_guests='' run_adds=() run_list=no run_interactive=no run_images='' run_log='' run_dom0='' run_names=() run_types=() run_workloads=no
    guest_kernel='' guest_initrd='' guest_words='' guest_memory=256 guest_vcpus=1 guest_name=guest guest_script=''
    while [ $# -gt 0 ]; do
        case $1 in
        --on | --cpus | --memory | --boot | --timeout | --kernel | --initrd | --append | --guest-memory | --guest-vcpus | --script | \
            --dom0 | --dom0-initrd | --hypervisor | --guest | --guests | --add | --type | --images | --log)
            need_value "$1" $#
            ;;
        esac
        case $1 in
        --list) run_list=yes ;;
        --interactive) run_interactive=yes ;;
        --checked) run_preset=checked ;;
        --on) one_of "$1" "$2" tenon xen; m_system=$2; shift ;;
        --boot) one_of "$1" "$2" direct grub; m_boot=$2; shift ;;
        --cpus) need_number "$1" "$2"; m_cpus=$2; shift ;;
        --timeout) need_number "$1" "$2"; m_timeout=$2; shift ;;
        --memory)
            run_memory=$(mebibytes "$1" "$2") || exit
            shift ;;
        --kernel) guest_kernel=$(readable "$1" "$2") || exit; shift ;;
        --initrd) guest_initrd=$(readable "$1" "$2") || exit; shift ;;
        --append)
            [[ $2 != *[[:cntrl:]]* ]] || wrong_use "--append takes one line"
            guest_words=$2; shift ;;
        --guest-memory) guest_memory=$(mebibytes "$1" "$2") || exit; shift ;;
        --guest-vcpus) need_number "$1" "$2"; guest_vcpus=$2; shift ;;
        --script) guest_script=$(readable "$1" "$2") || exit; shift ;;
        --dom0)
            run_dom0=none
            [ "$2" = none ] || run_dom0=$(readable "$1" "$2") || exit
            shift ;;
        --dom0-initrd) m_initrd=$(readable "$1" "$2") || exit; shift ;;
        --guests)
            run_guests=$2
            [ "$2" = none ] || run_guests=$(absolute "$2")
            [ "$2" = none ] || [ -d "$run_guests" ] || wrong_use "--guests: no folder $2"
            shift ;;
        --add)
            run_adds+=("$(readable "$1" "$2")") || exit
            shift ;;
        --hypervisor) m_hypervisor_words=$2; shift ;;
        --guest) m_kernel_words=$2; shift ;;
        --type)
            [[ $2 == ?*=* ]] || wrong_use "--type wants WHEN=TEXT, not '$2'"
            run_types+=("$2"); shift ;;
        --images)
            run_images=$(absolute "$2")
            [ -d "$run_images" ] || wrong_use "--images: no folder $2"
            shift ;;
        --log) run_log=$(absolute "$2"); shift ;;
        -*) wrong_use "run has no option '$1'; ./tenon run --help lists them" ;;
        *)
            [[ $1 =~ ^[a-zA-Z0-9_.-]+$ ]] || wrong_use "'$1' cannot be a workload's name; ./tenon run --list tells them"
            run_names+=("$1") ;;
        esac
        shift
    done
}

# run_choose_guests: which folder dom0 gets, if any. Named workloads, or another dom0, run alone.
run_choose_guests() {
    [ -n "$guest_kernel" ] || [ -z "$guest_initrd$guest_words$guest_script" ] ||
        wrong_use "--initrd, --append and --script go with --kernel"
    if [ -n "$guest_kernel" ]; then
        [ -z "$run_guests" ] || wrong_use "--kernel is a guest of its own: --guests does not go with it"
        run_guests=own
    elif [ "$run_guests" = none ]; then
        run_guests=
    elif [ -z "$run_guests" ] && [ ${#run_names[@]} -eq 0 ] && [ "$run_list" = no ] && [ -z "$run_dom0$m_initrd" ]; then
        run_guests=guests/pair
        [ "$run_interactive" = yes ] || run_workloads=yes
    fi
    [ ${#run_names[@]} -eq 0 ] && [ -n "$run_guests" ] || run_workloads=yes
    if [ -n "$run_guests" ] && [ -n "$run_dom0$m_initrd" ]; then
        wrong_use "guests are for our own dom0: --dom0 and --dom0-initrd do not go with them"
    fi
    [ "$run_interactive" = yes ] || [ "${run_guests:-own}" = own ] || [ -r "$run_guests/run" ] ||
        wrong_use "--guests: there is no file 'run' in $run_guests"
}

# run_prepare: images and packages for the machine that the options describe.
run_prepare() {
    [ -n "${TENON_QEMU-}" ] || need_packages "the emulated machine" "$packages_machine"
    if [ "$m_boot" = grub ]; then
        # shellcheck disable=SC2086 # words
        need_packages "a CD that boots by GRUB" $packages_grub
    fi
    if [ -n "$run_images" ]; then images=$run_images; else need_build "$run_preset"; fi
    if [ "$m_system" = xen ]; then
        need_xen
        m_hypervisor=$xen_image
    else
        m_hypervisor=$images/tenon.elf
    fi
    run_choose_guests
    m_kernel=${run_dom0:-$images/guest-kernel.elf}
    [ -z "$run_guests" ] || m_kernel=$images/dom0.elf
    [ -r "$m_hypervisor" ] || wrong_use "there is no $m_hypervisor"
    [ "$m_kernel" = none ] || [ -r "$m_kernel" ] || wrong_use "there is no $m_kernel"
    if [ -n "$run_log" ]; then
        m_folder=$run_log m_console=$run_log/console.log
        mkdir -p "$m_folder" || wrong_use "--log: cannot make $m_folder"
        : >"$m_console"
    else
        machine_folder run
    fi
    if [ -n "$run_guests" ]; then
        m_initrd=$m_folder/archive
        if [ "$run_guests" = own ]; then
            guest_folder "$m_folder/guests" || die "the guest's files could not be made"
            guests_archive "$m_folder/guests" "$m_initrd" "${run_adds[@]}"
        else
            guests_archive "$run_guests" "$m_initrd" "${run_adds[@]}"
        fi || die "dom0's archive could not be made"
        rm -rf "$m_folder/guests"
        guests_memory "$m_initrd"
    fi
    [ -z "$run_memory" ] || m_memory=${run_memory}M
    # The hypervisor unpacks nothing.
    if [ "$m_kernel" != none ]; then
        kernel_unpack "$m_kernel" "$m_folder/unpacked.elf"
        m_kernel=$kernel_image
    fi
}

# run_report CONSOLE: prints the results that are new since the last call.
run_reported=0
run_report() {
    local lines
    lines=$(console_text "$1" | awk -v from="$run_reported" '
        /^([^ |]+\| )?WORKLOAD / && ++n > from { sub(/\| WORKLOAD /, ": "); sub(/^WORKLOAD /, ""); print }')
    [ -n "$lines" ] || return 0
    # A line still being written waits for its end.
    if [ -n "$m_pid" ] && [ "$(tail -c 1 "$1" | od -An -c)" != '  \n' ]; then return 0; fi
    printf '%s\n' "$lines"
    run_reported=$((run_reported + $(printf '%s\n' "$lines" | wc -l)))
}

# run_type CONSOLE: types what is due.
run_typed=0
run_type_from=1
run_type() {
    local text
    while [ "$run_typed" -lt ${#run_types[@]} ]; do
        text=${run_types[run_typed]}
        # All is read: a reader that leaves early would kill the writer, and pipefail would call that no match.
        tail -c "+$run_type_from" -- "$1" | tr -d '\r' | grep -a -E -- "${text%%=*}" >/dev/null || return 0
        run_type_from=$(($(stat -c %s -- "$1") + 1))
        printf '%b' "${text#*=}" >&"$m_typing"
        run_typed=$((run_typed + 1))
    done
}

# run_show CONSOLE: prints what the guest of one's own said since the last call, in whole lines.
run_shown=1
run_show() {
    local new
    new=$(tail -c "+$run_shown" -- "$1" | LC_ALL=C tr '\000' '?'; echo .)
    new=${new%.}
    new=${new%"${new##*$'\n'}"}
    [ -n "$new" ] || return 0
    run_shown=$((run_shown + $(printf '%s' "$new" | wc -c)))
    # What a terminal would obey is not shown.
    printf '%s' "$new" | LC_ALL=C tr -d '\r' | LC_ALL=C tr '\001-\010\013-\037\177' '?' | sed -n "s/^$guest_name| //p"
}

run_watch() {
    if [ "$run_guests" = own ]; then run_show "$1"; else run_report "$1"; fi
    run_type "$1"
}

run_failed() {
    local counts
    counts=$(console_text "$m_console" | sed -n '/^VERDICT /{s/^VERDICT //p;q}')
    echo "VERDICT FAIL ${counts:-without a count}: $1"
    console_tail "$m_console" >&2
    note "failed: $1"
    note "console: $m_console; QEMU's own messages and command: $m_folder"
    exit 1
}

# run_reason: why the run failed; nothing if it did not. What the console says tells more than a status does.
run_reason() {
    local reason machine
    machine=$(machine_failure)
    reason=$(console_panicked "$m_console")
    if [ -n "$reason" ]; then
        echo "$reason${machine:+ ($machine)}"
    elif [ "$run_typed" -lt ${#run_types[@]} ]; then
        echo "nothing to type for: no line of the console matched '${run_types[run_typed]%%=*}'${machine:+ ($machine)}"
    elif [ "$m_outcome" != exited ]; then
        echo "$machine"
    elif reason=$(console_verdict "$m_console" "${run_names[*]}" "$run_workloads" "${run_guests:+run}"); then
        echo "$machine"
    else
        echo "$reason${machine:+ ($machine)}"
    fi
}

run_finish() {
    local reason
    reason=$(run_reason)
    [ -z "$reason" ] || run_failed "$reason"
    if [ "$run_workloads" = yes ]; then
        console_text "$m_console" | sed -n 's/^VERDICT /VERDICT PASS /p'
    else
        echo "VERDICT PASS the script came to its end"
    fi
    note "console with the hypervisor's log: $m_console"
}

# run_left: an interactive machine ended; nobody promised a verdict.
run_left() {
    local reason
    reason=$(console_panicked "$m_console")
    [ -n "$reason" ] || reason=$(machine_failure)
    [ -z "$reason" ] || die "$reason; console: $m_console"
}

run_print_list() {
    local reason
    m_kernel_words="list${m_kernel_words:+ $m_kernel_words}"
    machine_boot
    reason=$(console_panicked "$m_console")
    [ -n "$reason" ] || reason=$(machine_failure)
    if [ -z "$reason" ] && ! grep -q '^LIST ' "$m_console"; then reason="the guest listed nothing"; fi
    if [ -n "$reason" ]; then
        console_tail "$m_console" >&2
        die "$reason"
    fi
    console_text "$m_console" | sed -n 's/^LIST //p'
}

# What ./tenon xl says comes in by a second serial line.
run_on_terminal() {
    m_timeout=0
    m_terminal=yes
    mkfifo "$m_folder/commands.in" "$m_folder/commands.out" || die "cannot make pipes in $m_folder"
    m_serial=(-chardev "stdio,id=terminal,mux=on,signal=off,logfile=console.log"
        -serial chardev:terminal -mon chardev=terminal
        -chardev "pipe,id=commands,path=commands" -serial chardev:commands)
    mkdir -p build/logs
    if [ -p build/logs/interactive/commands.in ] && kill -0 "$(cat build/logs/interactive/pid 2>/dev/null)" 2>/dev/null; then
        note "another interactive machine runs; this one hears ./tenon xl --in $m_folder"
    else
        ln -sfn "$(readlink -f -- "$m_folder")" build/logs/interactive
    fi
    note "dom0's shell follows; Ctrl-A X ends the machine, Ctrl-A C is QEMU's monitor"
}

# run_part: where dom0 has its commands from.
run_part() {
    case $run_interactive$run_guests in
    no*) echo "script=run" ;;
    yesown) echo "script=run line" ;;
    *) echo "shell line" ;;
    esac
}

# run_words: what dom0 is to do, as it wants to be told.
run_words() {
    local names=${run_names[*]} words=
    if [ "$run_workloads" = yes ] && [ -n "$names$run_guests" ]; then words="run${names:+=${names// /,}}"; fi
    if [ -n "$run_guests" ]; then
        words="${words:+$words }$(run_part)"
    fi
    m_kernel_words="$words${m_kernel_words:+${words:+ }$m_kernel_words}"
}

run_main() {
    run_read_options "$@"
    run_prepare
    if [ "$run_list" = yes ]; then
        run_print_list
        return
    fi
    run_words
    note "booting $m_system ($m_boot, $m_cpus processor(s), $m_memory); console in $m_console"
    if [ "$run_interactive" = yes ]; then run_on_terminal; else m_watch=run_watch; fi
    [ ${#run_types[@]} -eq 0 ] || machine_keyboard
    machine_boot
    if [ "$run_interactive" = yes ] && [ "$run_workloads" = no ]; then
        run_left
    else
        run_finish
    fi
}
