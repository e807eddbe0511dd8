# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon debug: the machine of ./tenon run, stopped at its first instruction, with gdb on this terminal.

debug_usage() {
    cat <<'END'
Usage: ./tenon debug [OPTION...] [WORKLOAD...] [-- GDB-OPTION...]

The same boot as ./tenon run, stopped at the first instruction, with gdb attached through a socket; symbols of the
hypervisor and of the guest kernel are loaded. Break with hbreak until the kernel in question is in memory. Leaving
gdb ends the machine.

  --on, --cpus, --memory, --boot, --checked, --guest, --hypervisor, --dom0, --dom0-initrd, --images   as of run

For example:   ./tenon debug                                     then: hbreak panic, continue, backtrace
               ./tenon debug -- -batch -ex 'hbreak panic' -ex continue -ex backtrace
END
}

debug_main() {
    local options=() gdb_options=() status
    # shellcheck source=launcher/run.sh
    . "$root/launcher/run.sh"
    while [ $# -gt 0 ]; do
        if [ "$1" = -- ]; then
            shift
            gdb_options=("$@")
            break
        fi
        case $1 in --list | --interactive | --timeout) wrong_use "debug has no option '$1'; ./tenon debug --help" ;; esac
        options+=("$1")
        shift
    done
    run_read_options "${options[@]}"
    need_packages "debugging" gdb
    run_prepare
    run_words
    m_qemu=(-S -gdb "unix:gdb,server=on,wait=off")
    note "console: $m_console"
    machine_start || exit 1
    debug_wait_socket
    # Ctrl-C is gdb's.
    trap : INT
    local symbols=()
    [ "$m_system" = xen ] || symbols=(-ex "file $m_hypervisor")
    gdb -q -iex "set confirm off" -iex "set pagination off" \
        "${symbols[@]}" -ex "add-symbol-file $m_kernel" \
        -ex "target remote $m_folder/gdb" "${gdb_options[@]}"
    status=$?
    machine_kill
    rm -f "$m_folder"/{gdb,hypervisor.elf,kernel.elf,unpacked.elf,initrd,boot.iso}
    exit "$status"
}

debug_wait_socket() {
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        [ ! -S "$m_folder/gdb" ] || return 0
        kill -0 "$m_pid" 2>/dev/null || break
        sleep 0.1
    done
    die "QEMU offers no debugger socket: $(tail -n 1 "$m_folder/qemu.log")"
}
