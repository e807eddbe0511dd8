# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Building: configure once, then let ninja find what is stale.

# build_folder PRESET: where that preset's images are.
build_folder() {
    case $1 in
    default) echo build ;;
    *) echo "build/$1" ;;
    esac
}

build_preset() {
    local folder
    folder=$(build_folder "$1")
    if [ "$1" = clang ]; then
        # shellcheck disable=SC2086 # words
        need_packages "building with clang" $packages_build clang libclang-rt-14-dev
    else
        # shellcheck disable=SC2086 # words
        need_packages "building" $packages_build
    fi
    mkdir -p "$folder"
    # Two launchers at once take turns.
    (
        flock 9
        if [ ! -e "$folder/build.ninja" ]; then
            work "configuring preset $1" cmake --preset "$1" || exit 1
        fi
        work "building preset $1" cmake --build --preset "$1" --parallel "$(nproc)"
    ) 9>"$folder/.lock"
}

# need_build PRESET: sets images, the folder that holds tenon.elf, guest-kernel.elf and dom0.elf.
need_build() {
    local image
    images=$(build_folder "$1")
    build_preset "$1" || exit 1
    for image in tenon.elf guest-kernel.elf dom0.elf; do
        [ -e "$images/$image" ] || die "the build made no $images/$image; is this the whole source tree?"
    done
}
