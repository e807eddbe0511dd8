# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Images that others built: taken from Debian packages by download and unpacking below build/foreign,
# never installed, so that nothing of this machine's boot path changes.

xen_package=xen-hypervisor-4.17-amd64
xen_image=build/foreign/xen-4.17

# download_package NAME: unpacks it into build/foreign/NAME.
download_package() {
    local folder=build/foreign/$1
    mkdir -p "$folder.download" && rm -rf "$folder" || return 1
    if [ -z "$(apt-cache madison "$1" 2>/dev/null)" ]; then
        note "apt knows no package $1 yet; fetching the list of packages"
        as_root apt-get -q update >&2 </dev/null || return 1
    fi
    (cd "$folder.download" && rm -f ./*.deb &&
        apt-get -q -o APT::Sandbox::User="$(id -un)" download "$1" && dpkg-deb -x ./*.deb unpacked) >&2 </dev/null || return 1
    mv "$folder.download/unpacked" "$folder" && rm -rf "$folder.download"
}

# need_xen: makes sure that xen_image exists.
need_xen() {
    [ ! -s "$xen_image" ] || return 0
    command -v apt-get >/dev/null || die "Xen's image comes from a Debian package, and there is no apt-get here"
    note "fetching Debian's Xen 4.17 image (package $xen_package; unpacked below build/foreign, not installed)"
    mkdir -p build/foreign
    (
        flock 9
        [ ! -s "$xen_image" ] || exit 0
        download_package "$xen_package" || exit 1
        gunzip -c "build/foreign/$xen_package"/boot/xen-4.17*.gz >"$xen_image.new" &&
            mv "$xen_image.new" "$xen_image"
    ) 9>build/foreign/.lock || die "could not fetch $xen_package; is there a network, and Debian 12 in apt's sources?"
}

linux_is_there() {
    [ -s "$linux_kernel" ] && [ -s "$linux_packed" ] && [ -d "$linux_modules" ]
}

# need_linux FLAVOUR: makes sure that Debian's kernel is there, unpacked; sets linux_kernel, linux_packed (the kernel as
# the package has it), linux_modules (a folder) and linux_version.
need_linux() {
    local package
    package=$(apt-cache depends "linux-image-$1" 2>/dev/null | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    [ -n "$package" ] || as_root apt-get -q update >&2 </dev/null
    package=$(apt-cache depends "linux-image-$1" | awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
    [ -n "$package" ] || die "apt knows no package linux-image-$1; is this Debian 12?"
    linux_version=${package#linux-image-}
    linux_kernel=build/foreign/vmlinux-$linux_version
    linux_packed=build/foreign/$package/boot/vmlinuz-$linux_version
    linux_modules=build/foreign/$package/lib/modules/$linux_version
    ! linux_is_there || return 0
    note "fetching Debian's kernel (package $package; unpacked below build/foreign, not installed)"
    mkdir -p build/foreign
    (
        flock 9
        ! linux_is_there || exit 0
        download_package "$package" || exit 1
        kernel_unpack "$linux_packed" "$linux_kernel.new" && mv "$linux_kernel.new" "$linux_kernel"
    ) 9>build/foreign/.lock || die "could not fetch $package; is there a network?"
}
