# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon doctor: one screen on this machine. Installs nothing, changes nothing.

doctor_usage() {
    cat <<'END'
Usage: ./tenon doctor

Says what is present, missing or odd here: one line each, in one screen. Missing packages are installed by the
command that needs them; the status is 0 unless something here stands in the way of that.
END
}

doctor_line() {
    printf '%-8s %-14s %s\n' "$1" "$2" "$3"
    [ "$1" != blocked ] || doctor_blocked=yes
}

# doctor_program NAME PACKAGE VERSION-COMMAND...
doctor_program() {
    local name=$1 package=$2
    shift 2
    if command -v "$name" >/dev/null; then
        doctor_line present "$name" "$("$@" 2>&1 | head -n 1 | cut -c 1-90)"
    else
        doctor_line missing "$name" "package $package; installed by the command that needs it"
    fi
}

doctor_package() {
    local version
    if package_present "$1"; then
        version=$(dpkg-query -W -f='${Version}' "$1")
        doctor_line present "$1" "$version, for $2"
    else
        doctor_line missing "$1" "for $2; installed by the command that needs it"
    fi
}

doctor_system() {
    local name free
    name=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release 2>/dev/null)
    case $name in
    *'(bookworm)'*) doctor_line present system "$name, $(nproc) processors, $(uname -m)" ;;
    *) doctor_line odd system "${name:-unknown}; written for Debian 12, other systems need the packages by hand" ;;
    esac
    [ "$(uname -m)" = x86_64 ] || doctor_line odd processor "$(uname -m): a cross compiler would be needed"
    if [ "$(id -u)" -eq 0 ]; then
        doctor_line present root "can install packages"
    elif command -v sudo >/dev/null; then
        doctor_line present sudo "packages are installed through it"
    else
        doctor_line odd root "neither root nor sudo: missing packages cannot be installed from here"
    fi
    free=$(df -Pm . | awk 'NR == 2 { print $4 }')
    if [ "$free" -ge 500 ]; then
        doctor_line present disk "$free MB free; a full build and test takes less than 500"
    else
        doctor_line blocked disk "$free MB free; a full build and test takes up to 500"
    fi
}

# What is known of QEMU's emulation (docs/running.md says more).
doctor_qemu() {
    local version
    command -v qemu-system-x86_64 >/dev/null || return
    version=$(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9]*\.[0-9]*\).*/\1/p')
    if [ "$version" = 7.2 ]; then
        doctor_line odd "TCG 7.2" "INT n refused by its gate: error code n*16+2 (hardware n*8+2); Tenon decodes the instruction"
        doctor_line odd "TCG 7.2" "SMAP: a ring-3 iretq reads its frame as supervisor; Xen gets -cpu max,-smap, Tenon tests at boot"
        doctor_line odd "TCG 7.2" "no PCID, no x2APIC; some faults of bad iret and sysret frames are not raised"
    else
        doctor_line odd QEMU "$version; figures and the notes on TCG here are from 7.2"
    fi
    doctor_line present KVM "not needed and never used: all runs under TCG"
}

doctor_main() {
    [ $# -eq 0 ] || wrong_use "doctor takes no argument, such as '$1'"
    doctor_blocked=no
    doctor_system
    doctor_program gcc gcc gcc --version
    doctor_program clang clang clang --version
    doctor_program cmake cmake cmake --version
    doctor_program ninja ninja-build ninja --version
    doctor_program qemu-system-x86_64 qemu-system-x86 qemu-system-x86_64 --version
    doctor_program grub-mkrescue grub-common grub-mkrescue --version
    doctor_program xorriso xorriso xorriso -version
    doctor_program gnuplot gnuplot-nox gnuplot --version
    doctor_program gdb gdb gdb --version
    doctor_package libxen-dev "the guest ABI's headers"
    doctor_package check "unit tests"
    doctor_package grub-pc-bin "booting by GRUB"
    doctor_package mtools "booting by GRUB"
    doctor_package libclang-rt-14-dev "sanitizers and fuzzers with clang"
    if [ -s "$xen_image" ]; then
        doctor_line present "Xen 4.17" "$xen_image"
    else
        doctor_line missing "Xen 4.17" "fetched from package $xen_package when first asked for"
    fi
    doctor_qemu
    if [ -e build/tenon.elf ]; then
        doctor_line present "built" "build/tenon.elf of $(date -r build/tenon.elf '+%F %T')"
    else
        doctor_line missing "built" "./tenon run builds"
    fi
    [ "$doctor_blocked" = no ]
}
