#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The kernel's own modules from the archive: loaded with what they depend on, used (a file system on a loop device
# keeps a file over an unmount), unloaded.
file=/tmp/modules.image folder=/tmp/modules

step() {
    "$@" && return
    echo "CHECK modules FAIL $*"
    exit 1
}

is_kept() {
    [ "$(sha256sum <"$folder/data")" = "$sum" ]
}

is_loaded() {
    grep -q "^$1 " /proc/modules
}

# What is built in stays.
unload() {
    ! is_loaded "$1" || { modprobe -r "$1" && ! is_loaded "$1"; }
}

step modprobe loop
step modprobe ext4
step dd if=/dev/zero of=$file bs=1024k count=8 2>/dev/null
step mke2fs -F $file >/dev/null
step losetup /dev/loop0 $file
step mkdir -p $folder
step mount -t ext4 /dev/loop0 $folder
step dd if=/dev/urandom of=$folder/data bs=4k count=300 2>/dev/null
sum=$(sha256sum <"$folder/data")
step umount $folder
step mount -t ext4 /dev/loop0 $folder
step is_kept
step umount $folder
step losetup -d /dev/loop0
step unload ext4
step unload loop
rm -r $file $folder
echo "CHECK modules PASS"
