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
  --check, --check=NAMES   no login: all checks of tests/stock/linux run in the guest, a line each, "NAME PASS" or
                     "NAME FAIL why", and at the end "VERDICT PASS ..." or "VERDICT FAIL ..."
  --kernel-log FILE  no login: the kernel's log after its start to this file, as dmesg -r shows it
  --script FILE      no login: dom0 carries out these commands instead; the guest's configuration is linux.cfg
  --timeout SECONDS  of --check and --script, after which the machine counts as hung (600)
  --log FOLDER       keep console and QEMU's messages there
  --images FOLDER    take the images from there and build nothing
END
}

linux_read_options() {
    linux_flavour=amd64 linux_check=no linux_checks=all linux_kernel_log='' linux_options=() linux_words=''
    while [ $# -gt 0 ]; do
        case $1 in
        --memory | --vcpus | --cpus | --append | --flavour | --on | --hypervisor | --timeout | --kernel-log | --script | --log | --images) need_value "$1" $# ;;
        esac
        case $1 in
        --check) linux_check=yes; shift; continue ;;
        --check=*)
            linux_check=yes linux_checks=${1#*=}
            [[ $linux_checks =~ ^[a-z,]+$ ]] || wrong_use "--check= wants names with commas between, not '$linux_checks'"
            shift; continue ;;
        --memory) linux_options+=(--guest-memory "$2") ;;
        --vcpus) linux_options+=(--guest-vcpus "$2") ;;
        --append) linux_words=$2 ;;
        --kernel-log) linux_kernel_log=$(absolute "$2") ;;
        --flavour) one_of "$1" "$2" amd64 cloud-amd64; linux_flavour=$2 ;;
        --cpus | --on | --hypervisor | --timeout | --script | --log | --images) linux_options+=("$1" "$2") ;;
        *) wrong_use "linux has no option '$1'; ./tenon linux --help lists them" ;;
        esac
        shift 2
    done
}

# linux_archive OUT: the initial archive: busybox, and the files of guests/linux/root.
linux_archive() {
    local tree=$1.tree
    need_packages "the guest's programs" busybox-static cpio
    rm -rf "$tree" && mkdir -p "$tree/bin" || return 1
    cp -a guests/linux/root/. "$tree/" && cp /bin/busybox "$tree/bin/busybox" || return 1
    if [ "$linux_check" = yes ]; then
        linux_programs "$tree/check" && linux_modules "$tree" || return 1
    fi
    (cd "$tree" && find . | sort | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$1" || return 1
    rm -rf "$tree"
}

# linux_programs FOLDER: the checks, as static programs.
linux_programs() {
    local source=tests/stock/linux
    need_packages "the checks" gcc libc6-dev
    mkdir -p "$1" || return 1
    work "compiling the checks" gcc -O2 -Wall -Wextra -Werror -static -pthread -o "$1/checks" \
        "$source"/{main,memory,processes,threads,registers,steal}.c || return 1
    work "compiling the 32-bit check" gcc -m32 -O2 -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-pic \
        -fno-stack-protector -nostdlib -static -o "$1/check32" "$source/check32.c" &&
        cp "$source/modules.sh" "$1/modules"
}

# linux_modules TREE: some of the kernel's modules, with what they depend on.
linux_modules() {
    local from=$linux_modules/kernel to=$1/lib/modules/$linux_version file
    for file in drivers/block/loop.ko fs/ext4/ext4.ko fs/jbd2/jbd2.ko fs/mbcache.ko lib/crc16.ko lib/libcrc32c.ko \
        crypto/crc32c_generic.ko; do
        # What is not there is built in.
        [ ! -f "$from/$file" ] || install -D -m 644 "$from/$file" "$to/kernel/$file" || return 1
    done
    cp "$linux_modules"/modules.{builtin,order} "$to/" && /bin/busybox depmod -b "$1" "$linux_version"
}

# linux_report CONSOLE: the results that are new since the last call.
linux_reported=0
linux_report() {
    local lines
    lines=$(console_text "$1" | sed -n 's/^linux| CHECK //p' | tail -n "+$((linux_reported + 1))")
    [ -n "$lines" ] || return 0
    printf '%s\n' "$lines"
    linux_reported=$((linux_reported + $(printf '%s\n' "$lines" | wc -l)))
}

# linux_complaint: why the checks did not go well; nothing if they did.
linux_complaint() {
    local reason
    reason=$(console_panicked "$m_console")
    [ -n "$reason" ] || reason=$(machine_failure)
    [ -n "$reason" ] || console_text "$m_console" | awk -v system_name="$m_system" -v all="$([[ ,$linux_checks, != *,all,* ]] || echo yes)" '
        /^linux\| CHECK [^ ]+ FAIL/ && bad == "" { bad = $3 " failed" }
        /^linux\| .*(BUG:|WARNING:|Oops|Kernel panic|soft lockup|rcu.*stall)/ && bad == "" { bad = $0 }
        /^linux\| CHECK (32-bit|modules) PASS/ { others++ }
        /^linux\| CHECKS [0-9]+ passed, 0 failed/ { passed = $3 }
        /^SCRIPT run done/ { done = 1 }
        /audit: [0-9]+ frames, 0 errors/ { audited = 1 }
        END {
            if (bad != "") print bad
            else if (!passed || (all && others != 2)) print "the checks did not come to their end"
            else if (!done) print "dom0 did not come to its end"
            else if (system_name == "tenon" && !audited) print "the auditor did not report, or found errors"
        }'
    [ -z "$reason" ] || echo "$reason"
}

linux_finish() {
    local reason
    reason=$(linux_complaint)
    if [ -n "$reason" ]; then
        echo "VERDICT FAIL $reason"
        console_tail "$m_console" >&2
        die "$reason; console: $m_console"
    fi
    console_text "$m_console" | sed -n 's/^linux| CHECKS /VERDICT PASS /p'
    note "console: $m_console"
}

linux_main() {
    # shellcheck source=launcher/run.sh
    . "$root/launcher/run.sh"
    linux_read_options "$@"
    case " $linux_check ${linux_kernel_log:+log} ${linux_options[*]} " in
    *' yes log '* | *' yes '*' --script '* | *' log '*' --script '*)
        wrong_use "--check, --kernel-log and --script: one of them" ;;
    esac
    need_linux "$linux_flavour"
    linux_files=build/linux.$$
    trap 'rm -rf "$root/$linux_files"' EXIT
    mkdir -p "$linux_files" && linux_archive "$linux_files/initrd" || die "the initial archive could not be made"
    [ -z "$linux_kernel_log" ] || linux_words="log quiet${linux_words:+ $linux_words}"
    [ "$linux_check" = no ] || linux_words="check=$linux_checks quiet${linux_words:+ $linux_words}"
    run_read_options --cpus 2 --timeout 600 "${linux_options[@]}" --kernel "$root/$linux_kernel" \
        --initrd "$root/$linux_files/initrd" --append "console=hvc0${linux_words:+ $linux_words}"
    guest_name=linux
    [ "$linux_check$guest_script$linux_kernel_log" != no ] || run_interactive=yes
    run_prepare
    rm -rf "$linux_files"
    run_words
    note "booting $m_system with Debian's kernel $linux_version ($guest_vcpus vCPUs, $guest_memory MiB)"
    if [ "$linux_check" = yes ]; then
        m_watch=linux_report
        machine_boot
        linux_finish
    elif [ -n "$linux_kernel_log" ]; then
        machine_boot
        run_finish
        console_text "$m_console" | sed -n 's/^linux| LOG //p' >"$linux_kernel_log"
        [ -s "$linux_kernel_log" ] || die "the guest showed no log; console: $m_console"
    elif [ -n "$guest_script" ]; then
        m_watch=run_watch
        machine_boot
        run_finish
    else
        run_on_terminal
        machine_boot
        run_left
    fi
}
