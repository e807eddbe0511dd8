# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# One emulated machine: described by the m_ variables, booted by machine_boot, dead when that returns.
#
# QEMU runs in a folder of its own below build/logs, where links lead to the images: so no path's commas
# or blanks reach its options. It has its own session (a Ctrl-C is ours to handle) and dies with us.

qemu=${TENON_QEMU:-qemu-system-x86_64}
m_system=tenon      # tenon, xen, or another name of who stands in their place
m_boot=direct       # direct: QEMU loads the images; grub: from a CD image; linux: m_hypervisor is a Linux, and alone
m_cpus=1
m_memory=512M
m_timeout=300       # seconds; 0 is none
m_hypervisor=       # image files
m_kernel=           # none: no module at all
m_initrd=
m_hypervisor_words= # beyond the usual ones
m_kernel_words=
m_qemu=()           # further options
m_serial=(-serial file:console.log)
m_typing=           # open for writing what is typed on the serial line; none: nobody types
m_watch=:           # called a few times a second with the console's file
m_pid=
m_outcome=          # exited, timeout, or cut (a kernel reported its own end, and the machine stayed)
m_status=
m_folder=
m_console=

machine_kill() {
    [ -n "$m_pid" ] || return 0
    kill -KILL "$m_pid" 2>/dev/null
    wait "$m_pid" 2>/dev/null
    m_pid=
}

machine_interrupted() {
    machine_kill
    note "interrupted"
    exit 130
}

# machine_folder NAME: a fresh folder for one boot's files; the newest of each name stay.
machine_folder() {
    local old
    m_folder=build/logs/$1
    if [ -z "${2-}" ]; then
        find build/logs -maxdepth 1 -type d -name "$1-[0-9]*" 2>/dev/null | sort -r | tail -n +11 |
            while read -r old; do rm -rf "$old"; done
        m_folder=$m_folder-$(date +%Y%m%d-%H%M%S)-$$
    fi
    rm -rf "$m_folder"
    mkdir -p "$m_folder" || die "cannot make $m_folder"
    m_console=$m_folder/console.log
    : >"$m_console"
}

machine_hypervisor_words() {
    local words="console=com1 com1=115200,8n1 dom0_mem=$m_dom0_memory"
    [ "$m_system" = xen ] || words="$words audit debug_exit=0xf4"
    echo "$words${m_hypervisor_words:+ $m_hypervisor_words}"
}
m_dom0_memory=256M

# machine_keyboard: what is written to m_typing comes in by the serial line.
machine_keyboard() {
    mkfifo "$m_folder/typed" || die "cannot make $m_folder/typed"
    exec {m_typing}<>"$m_folder/typed" || die "cannot open $m_folder/typed"
    m_serial=(-chardev "stdio,id=line,signal=off,logfile=console.log" -serial chardev:line)
}

# machine_command: sets the array command.
machine_command() {
    local words modules='' cpu=max
    words=$(machine_hypervisor_words)
    # TCG 7.2 reads the frame of a ring-3 iretq as supervisor: under SMAP that faults, and Xen has no test for it.
    [ "$m_system" != xen ] || cpu=max,-smap
    command=("$qemu" -machine "q35,accel=tcg" -cpu "$cpu" -m "$m_memory" -smp "$m_cpus"
        -display none -nic none -no-reboot -no-user-config)
    command+=("${m_serial[@]}")
    if [ "$m_system" = tenon ]; then
        command+=(-device "isa-debug-exit,iobase=0xf4,iosize=0x04")
    fi
    if [ "$m_boot" = grub ]; then
        command+=(-cdrom boot.iso)
    elif [ "$m_boot" = linux ]; then
        command+=(-kernel hypervisor.elf -initrd initrd -append "$m_kernel_words")
    else
        command+=(-kernel hypervisor.elf -append "$words")
        if [ "$m_kernel" != none ]; then
            modules="kernel.elf${m_kernel_words:+ ${m_kernel_words//,/,,}}"
            [ -z "$m_initrd" ] || modules="$modules,initrd"
            command+=(-initrd "$modules")
        fi
    fi
    command+=("${m_qemu[@]}")
}

machine_links() {
    ln -s "$(readlink -f -- "$m_hypervisor")" "$m_folder/hypervisor.elf"
    [ "$m_kernel" = none ] || ln -s "$(readlink -f -- "$m_kernel")" "$m_folder/kernel.elf"
    [ -z "$m_initrd" ] || ln -s "$(readlink -f -- "$m_initrd")" "$m_folder/initrd"
}

# machine_iso: a CD that boots by GRUB and Multiboot2. If an image is refused, it reboots, which ends QEMU.
machine_iso() {
    local tree=$m_folder/iso
    mkdir -p "$tree/boot/grub"
    cp -L "$m_hypervisor" "$tree/boot/hypervisor.elf" || return 1
    {
        echo "serial --unit=0 --speed=115200"
        echo "terminal_input serial"
        echo "terminal_output serial"
        echo "multiboot2 /boot/hypervisor.elf $(machine_hypervisor_words)"
        if [ "$m_kernel" != none ]; then
            cp -L "$m_kernel" "$tree/boot/kernel.elf" || return 1
            echo "module2 /boot/kernel.elf $m_kernel_words"
        fi
        if [ -n "$m_initrd" ]; then
            cp -L "$m_initrd" "$tree/boot/initrd" || return 1
            echo "module2 /boot/initrd"
        fi
        echo "boot"
        echo "echo GRUB could not boot these images"
        echo "reboot"
    } >"$tree/boot/grub/grub.cfg"
    grub-mkrescue -d /usr/lib/grub/i386-pc -o "$m_folder/boot.iso" "$tree" >"$m_folder/grub-mkrescue.log" 2>&1 || {
        tail -n 5 "$m_folder/grub-mkrescue.log" >&2
        note "grub-mkrescue could not make the CD image"
        return 1
    }
    rm -rf "$tree"
}

# machine_start: QEMU in the background; m_pid.
machine_start() {
    local command
    machine_links
    if [ "$m_boot" = grub ]; then
        machine_iso || return 1
    fi
    machine_command
    printf '%q ' "${command[@]}" >"$m_folder/command"
    echo >>"$m_folder/command"
    trap machine_interrupted INT TERM HUP
    trap machine_kill EXIT
    if [ -n "${m_terminal-}" ]; then
        # shellcheck disable=SC2094 # the terminal, not a file
        (cd "$m_folder" && exec setpriv --pdeathsig KILL "${command[@]}") <&0 2>"$m_folder/qemu.log" &
    elif [ -n "$m_typing" ]; then
        (cd "$m_folder" && exec setsid setpriv --pdeathsig KILL "${command[@]}") <"$m_folder/typed" >/dev/null 2>"$m_folder/qemu.log" &
    else
        (cd "$m_folder" && exec setsid setpriv --pdeathsig KILL "${command[@]}") </dev/null >"$m_folder/qemu.log" 2>&1 &
    fi
    m_pid=$!
    echo "$m_pid" >"$m_folder/pid"
}

# machine_boot: starts it and waits for its end. Sets m_outcome and m_status.
machine_boot() {
    local start=$SECONDS told=$SECONDS ended=0
    m_outcome=failed
    machine_start || return 1
    m_outcome=exited
    while kill -0 "$m_pid" 2>/dev/null; do
        sleep 0.2
        "$m_watch" "$m_console"
        if [ "$m_timeout" -gt 0 ] && [ $((SECONDS - start)) -ge "$m_timeout" ]; then
            m_outcome=timeout
            break
        fi
        if [ $((SECONDS - told)) -ge 15 ] && [ "$m_timeout" -gt 0 ]; then
            told=$SECONDS
            note "still running after $((SECONDS - start)) s (limit $m_timeout s): $(console_last "$m_console")"
        fi
        # Who has reported a panic has ten seconds to end the machine.
        if [ "$ended" -eq 0 ] && console_panicked "$m_console" >/dev/null; then
            ended=$SECONDS
        elif [ "$ended" -gt 0 ] && [ $((SECONDS - ended)) -ge 10 ]; then
            m_outcome="cut"
            break
        fi
    done
    [ "$m_outcome" = exited ] || kill -KILL "$m_pid" 2>/dev/null
    wait "$m_pid" 2>/dev/null
    m_status=$?
    m_pid=
    trap - EXIT INT TERM HUP
    rm -f "$m_folder/hypervisor.elf" "$m_folder/kernel.elf" "$m_folder/unpacked.elf" "$m_folder/initrd" "$m_folder/boot.iso" \
        "$m_folder/typed" "$m_folder/archive" "$m_folder"/commands.*
    "$m_watch" "$m_console"
}

# machine_failure: what was wrong with the machine itself, if anything.
machine_failure() {
    case $m_outcome in
    timeout) echo "the machine did not end within $m_timeout s and was killed" ;;
    cut) echo "the machine stayed after a panic and was killed" ;;
    failed) echo "the machine could not be started" ;;
    exited)
        # 0: a reset. isa-debug-exit makes 2n+1 of what the hypervisor wrote: 1 for a failure, 2 for power off.
        case $m_status in
        0 | 5) ;;
        3) echo "the hypervisor stopped the machine with a failure" ;;
        *) echo "QEMU ended with status $m_status$(sed -n '1s/^/: /p' "$m_folder/qemu.log")" ;;
        esac
        ;;
    esac
}
