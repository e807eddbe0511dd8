# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What dom0 is given: an archive with the files of a folder (configurations, a script) and the guests' kernel.

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
        # A bzImage is unpacked for dom0; other files may be meant to be as they are.
        kernel_image=$file
        [ "$(kernel_bytes "$file" $((0x202)) 4)" != 48647253 ] || kernel_unpack "$file" "$out.unpacked"
        cp -- "$kernel_image" "$tree/${file##*/}" || return 1
        rm -f "$out.unpacked"
    done
    (cd "$tree" && find . -type f | sort | cpio --quiet -o -H newc) >"$out" || return 1
    rm -rf "$tree"
}
