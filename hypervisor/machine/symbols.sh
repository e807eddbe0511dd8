#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the table of function names (assembly on standard output) from the first link of the image.
# Usage: symbols.sh NM IMAGE
set -eu
start=$("$1" "$2" | awk '$3 == "image_start" { print $1 }')
"$1" -n "$2" | awk -v start="$start" '
    BEGIN { n = 0; print "/* SPDX-License-Identifier: MIT */"; print "\t.section .symbols, \"a\", @progbits" }
    ($2 == "t" || $2 == "T") && $1 >= start && $3 !~ /^(text_start|text_end|image_start|\.)/ {
        address[n] = $1; name[n] = $3; n++
    }
    END {
        print "\t.balign 8\n\t.globl symbol_count, symbol_table, symbol_names"
        print "symbol_count:\t.long " n "\n\t.balign 8\nsymbol_table:"
        at = 0
        for (i = 0; i < n; i++) {
            print "\t.long 0x" address[i] " - 0x" start ", " at
            at += length(name[i]) + 1
        }
        print "symbol_names:"
        for (i = 0; i < n; i++)
            print "\t.asciz \"" name[i] "\""
        print "\t.section .note.GNU-stack, \"\", @progbits"
    }'
