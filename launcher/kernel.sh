# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Kernels as distributions have them are compressed. They are unpacked here, with Debian's programs: in ring 0 nothing
# is, and the hypervisor takes plain ELF files.
#
# A bzImage is a boot sector and code that unpacks (its "setup"), then the payload. Its header begins at 0x1f1; what
# lies where is from Linux' Documentation/arch/x86/boot.rst.

# kernel_bytes FILE OFFSET COUNT: them in hexadecimal; fewer if the file ends before.
kernel_bytes() {
    od -An -v -tx1 -j "$2" -N "$3" -- "$1" 2>/dev/null | tr -d ' \n'
}

# kernel_number FILE OFFSET SIZE: the little-endian number there.
kernel_number() {
    od -An -v --endian=little -t "u$3" -j "$2" -N "$3" -- "$1" 2>/dev/null | tr -d ' \n'
}

# kernel_kind FILE OFFSET: elf, or what it is compressed with; nothing if it is neither.
kernel_kind() {
    case $(kernel_bytes "$1" "$2" 6) in
    7f454c46*) echo elf ;;
    1f8b08*) echo gzip ;;
    fd377a585a00) echo xz ;;
    28b52ffd*) echo zstd ;;
    02214c18* | 04224d18*) echo lz4 ;;
    425a68*) echo bzip2 ;;
    5d0000*) echo lzma ;;
    esac
}

# kernel_program KIND: sets program, and installs it.
kernel_program() {
    local package=$1
    program=("$1" -q -dc)
    case $1 in
    elf) program=(cat); return ;;
    xz) package=xz-utils ;;
    lzma) package=xz-utils program=(xz -q --format=lzma -dc) ;;
    esac
    command -v "${program[0]}" >/dev/null || need_packages "unpacking a kernel" "$package"
}

# kernel_payload FILE: sets kind, offset and length: of a bzImage's payload, or of all of the file.
kernel_payload() {
    local file=$1 size setup version
    size=$(stat -L -c %s -- "$file")
    offset=0 length=$size what=it
    # "HdrS". Before version 2.08 the header does not tell where the payload is.
    if [ "$(kernel_bytes "$file" $((0x1fe)) 2)" = 55aa ] && [ "$(kernel_bytes "$file" $((0x202)) 4)" = 48647253 ]; then
        version=$(kernel_number "$file" $((0x206)) 2)
        if [ "${version:-0}" -ge $((0x208)) ]; then
            [ "$size" -ge $((0x250)) ] || die "$file is cut short: a bzImage's header does not end at byte $size"
            setup=$(kernel_number "$file" $((0x1f1)) 1)
            [ "$setup" -ne 0 ] || setup=4
            offset=$(((setup + 1) * 512 + $(kernel_number "$file" $((0x248)) 4)))
            length=$(kernel_number "$file" $((0x24c)) 4)
            what="its payload"
            [ $((offset + length)) -le "$size" ] ||
                die "$file is cut short: its payload ends at byte $((offset + length)), and it has $size"
        fi
    fi
    kind=$(kernel_kind "$file" "$offset")
    [ -n "$kind" ] || [ "$what" = it ] ||
        die "$file is a bzImage whose payload is of no known kind: it begins with $(kernel_bytes "$file" "$offset" 6)"
}

# kernel_decompress FILE OFFSET LENGTH OUT: by program. Its messages are left in OUT.log.
kernel_decompress() {
    dd if="$1" iflag=skip_bytes,count_bytes bs=1M skip="$2" count="$3" status=none |
        "${program[@]}" >"$4" 2>"$4.log"
}

# kernel_decompress_sized FILE OFFSET LENGTH OUT: the kernel's build appends the unpacked size, as 32 bits, to what
# most programs make; they would take it for garbage. It is one if it is right.
kernel_decompress_sized() {
    local appended
    [ "$3" -gt 4 ] || return 1
    kernel_decompress "$1" "$2" $(($3 - 4)) "$4" || return 1
    appended=$(kernel_number "$1" $(($2 + $3 - 4)) 4)
    [ "$appended" -eq $(($(stat -c %s -- "$4") % 0x100000000)) ]
}

# kernel_make FILE OUT: makes OUT of what kernel_payload found.
kernel_make() {
    local file=$1 out=$2 reason
    if { [ "$what" = it ] || ! kernel_decompress_sized "$file" "$offset" "$length" "$out"; } &&
        ! kernel_decompress "$file" "$offset" "$length" "$out"; then
        reason=$(tail -n 1 -- "$out.log" | cut -c 1-200)
        rm -f -- "$out" "$out.log"
        die "$file: $what is damaged: ${reason:-${program[0]} could not read it}"
    fi
    rm -f -- "$out.log"
    if [ "$(kernel_kind "$out" 0)" != elf ]; then
        rm -f -- "$out"
        die "$file: $what is compressed with $kind, and what comes out is no ELF file"
    fi
}

# kernel_unpack FILE OUT: sets kernel_image to an ELF file: FILE, if it is one, or OUT, made of what FILE is compressed
# with. What is neither stays as it is, and the hypervisor says what is wrong with it.
kernel_unpack() {
    local file=$1 out=$2 kind offset length what program
    kernel_image=$file
    kernel_payload "$file"
    [ -n "$kind" ] || return 0
    [ "$kind $what" != "elf it" ] || return 0
    kernel_program "$kind"
    kernel_make "$file" "$out"
    kernel_image=$out
    [ "$kind" = elf ] || note "$file: $what was compressed with $kind; unpacked"
}
