# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What dom0 is given: an archive with the files of a folder (configurations, a script) and the guests' kernel.
#
# The folder for one guest of one's own is made of the guest_ variables: _name, _kernel, _initrd, _words, _memory (MiB),
# _vcpus, and _script, a file with dom0's commands if they are not to be the usual ones.

# guest_quoted WORDS: as a text of a configuration.
guest_quoted() {
    local words=${1//\\/\\\\}
    printf '"%s"\n' "${words//\"/\\\"}"
}

# guest_folder FOLDER: a configuration, its files, and a script; with run_interactive the guest's console is ours.
guest_folder() {
    rm -rf "$1" && mkdir -p "$1" || return 1
    {
        echo "name = \"$guest_name\"; kernel = \"kernel\"; memory = $guest_memory; vcpus = $guest_vcpus"
        [ -z "$guest_initrd" ] || echo 'ramdisk = "initrd"'
        echo "cmdline = $(guest_quoted "$guest_words")"
        echo 'on_crash = "preserve"; on_watchdog = "preserve"'
    } >"$1/$guest_name.cfg"
    if [ -n "$guest_script" ]; then
        cat -- "$guest_script"
    elif [ "$run_interactive" = yes ]; then
        printf '%s\n' "xl create $guest_name.cfg" "xl console $guest_name" "wait 60 $guest_name"
    else
        printf '%s\n' "xl create $guest_name.cfg" "wait 3600 $guest_name" "gone $guest_name" check
    fi >"$1/run"
    kernel_unpack "$guest_kernel" "$1/kernel"
    [ "$kernel_image" = "$1/kernel" ] || cp -- "$kernel_image" "$1/kernel" || return 1
    [ -z "$guest_initrd" ] || cp -- "$guest_initrd" "$1/initrd"
}

# guests_memory ARCHIVE: what dom0 needs for it; and the machine, if a guest of one's own runs and nobody said otherwise.
guests_memory() {
    local archive=$(($(stat -c %s -- "$1") >> 20)) dom0=256
    [ $((archive + 128)) -le "$dom0" ] || dom0=$((archive + 128))
    m_dom0_memory=${dom0}M
    [ "$run_guests" != own ] || m_memory=$((guest_memory + dom0 + archive + 192))M
}

# guests_archive FOLDER OUT FILE...: a cpio archive of the folder's files, of the mini-kernel, and of further files.
guests_archive() {
    local folder=$1 out=$2 file tree
    shift 2
    need_packages "dom0's archive" cpio
    tree=$out.tree
    rm -rf "$tree" && mkdir -p "$tree" || return 1
    [ -z "$folder" ] || cp -- "$folder"/* "$tree"/ || return 1
    # What the guest is made of, without what only a debugger reads.
    strip -g -o "$tree/guest-kernel.elf" "$images/guest-kernel.elf" || return 1
    for file in "$@"; do
        [ ! -e "$tree/${file##*/}" ] || die "--add: dom0's archive has another file ${file##*/}"
        # A bzImage is unpacked for dom0; other files may be meant to be as they are.
        kernel_image=$file
        [ "$(kernel_bytes "$file" $((0x202)) 4)" != 48647253 ] || kernel_unpack "$file" "$out.unpacked"
        cp -- "$kernel_image" "$tree/${file##*/}" || return 1
        rm -f "$out.unpacked"
    done
    (cd "$tree" && find . -type f | sort | cpio --quiet -o -H newc) >"$out" || return 1
    rm -rf "$tree"
}
