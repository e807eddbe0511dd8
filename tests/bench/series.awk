# SPDX-License-Identifier: MIT
#
# For gnuplot: system, operation, batch, instructions an update; a trapped store goes across all batches.
BEGIN {
    FS = ","
    title["mmu-remap"] = "remap"
    title["mmu-toggle-flag"] = "toggle"
    title["mmu-map-unmap"] = "map-unmap"
}
$6 != "instructions" { next }
$2 in title { print $3, title[$2], $5, $7 }
$2 == "trapped-remap" { print $3, "trap", 1, $7; print $3, "trap", 512, $7 }
