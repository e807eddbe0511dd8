# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# ./tenon linux: Debian's stock kernel as a guest.

linux_usage() {
    cat <<'END'
Usage: ./tenon linux [OPTION...]

Boots the hypervisor with our dom0, and Debian 12's stock kernel, unchanged, as a guest with an initial archive made
of busybox: a login on this terminal. Log in as root; poweroff ends the machine, and so does Ctrl-A X.

  --memory SIZE      memory of the guest, as 256M or 2G (256M)
  --vcpus N          virtual processors of the guest (1)
  --cpus N           processors of the machine (2)
  --append WORDS     further words for the kernel
  --flavour NAME     amd64 (default) or cloud-amd64: which of Debian's kernels
  --on SYSTEM        tenon (default), or xen: the same dom0 and guest on Debian's Xen 4.17
END
}

linux_read_options() {
    linux_memory=256 linux_vcpus=1 linux_words='' linux_flavour=amd64 linux_on=tenon m_cpus=2
    while [ $# -gt 0 ]; do
        case $1 in --memory | --vcpus | --cpus | --append | --flavour | --on) need_value "$1" $# ;; esac
        case $1 in
        --memory)
            [[ $2 =~ ^([1-9][0-9]*)([MG])$ ]] || wrong_use "--memory wants a size such as 256M or 2G, not '$2'"
            linux_memory=${BASH_REMATCH[1]}
            [ "${BASH_REMATCH[2]}" = M ] || linux_memory=$((linux_memory * 1024)) ;;
        --vcpus) need_number "$1" "$2"; linux_vcpus=$2 ;;
        --cpus) need_number "$1" "$2"; m_cpus=$2 ;;
        --append) linux_words=$2 ;;
        --flavour) one_of "$1" "$2" amd64 cloud-amd64; linux_flavour=$2 ;;
        --on) one_of "$1" "$2" tenon xen; linux_on=$2 ;;
        *) wrong_use "linux has no option '$1'; ./tenon linux --help lists them" ;;
        esac
        shift 2
    done
}

# linux_folder FOLDER: what dom0 is given, but for the kernel.
linux_folder() {
    rm -rf "$1" && mkdir -p "$1" || return 1
    cp guests/linux/run "$1/" || return 1
    {
        cat guests/linux/linux.cfg
        printf '\n# as asked for\n'
    } >"$1/linux.cfg"
    sed -i -e "s/^memory = .*/memory = $linux_memory/" -e "s/^vcpus = .*/vcpus = $linux_vcpus/" \
        -e "s|^extra = .*|extra = \"console=hvc0${linux_words:+ $linux_words}\"|" "$1/linux.cfg"
    linux_archive "$1/initrd" && ln -f "$linux_kernel" "$1/vmlinuz"
}

# linux_archive OUT: the initial archive: busybox, and the files of guests/linux/root.
linux_archive() {
    local tree=$1.tree
    need_packages "the guest's programs" busybox-static cpio
    rm -rf "$tree" && mkdir -p "$tree/bin" || return 1
    cp -a guests/linux/root/. "$tree/" && cp /bin/busybox "$tree/bin/busybox" || return 1
    (cd "$tree" && find . | sort | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$1" || return 1
    rm -rf "$tree"
}

linux_main() {
    linux_read_options "$@"
    need_packages "the emulated machine" "$packages_machine"
    need_build default
    need_linux "$linux_flavour"
    linux_folder build/linux || die "dom0's files could not be made below build/linux"
    # shellcheck source=launcher/run.sh
    . "$root/launcher/run.sh"
    run_read_options --images "$images" --on "$linux_on" --guests build/linux --cpus "$m_cpus" \
        --memory "$((linux_memory + 768))M"
    run_prepare
    run_words
    run_on_terminal
    note "Debian's kernel $linux_version: a login follows"
    machine_boot
    run_left
}
