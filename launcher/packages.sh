# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Debian packages: what is there, what is not, and how it gets there.

packages_build="gcc cmake ninja-build make xz-utils libxen-dev newlib-source check pkg-config"
packages_machine="qemu-system-x86"
packages_grub="grub-pc-bin grub-common xorriso mtools"

package_present() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo >/dev/null; then
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    else
        die "installing packages needs root, and there is no sudo here; as root, run: $*"
    fi
}

# need_packages WHY PACKAGE...: installs those that are missing and says so.
need_packages() {
    local why=$1 package missing=()
    shift
    for package in "$@"; do
        package_present "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        die "missing for $why: ${missing[*]}; this is not Debian, so install their equivalents by hand"
    note "installing with apt-get, for $why: ${missing[*]}"
    if ! apt-get --simulate install "${missing[@]}" >/dev/null 2>&1; then
        as_root apt-get -q update >&2 </dev/null || die "apt-get update failed; is there a network?"
    fi
    as_root apt-get -q -y --no-install-recommends install "${missing[@]}" >&2 </dev/null ||
        die "apt-get could not install: ${missing[*]}"
}
