/* SPDX-License-Identifier: MIT */
/* What the boot loader's map says is RAM, in whole pages. */
#ifndef BOOT_RAM_H
#define BOOT_RAM_H

#include "boot/multiboot.h"
#include "memory/frame_alloc.h"

/* Takes [start, end) out of sorted ranges. False: there is no room for one more. */
bool ranges_cut(struct ram_range *ranges, unsigned *nr, unsigned max, uint64_t start, uint64_t end);

/* The RAM of the map's regions (sorted) below limit. Where it says two things about a place, that is no RAM: a device
 * or the firmware may be there. False: there is no room for all. */
bool ram_find(const struct boot_region *regions, unsigned nr_regions, uint64_t limit, struct ram_range *ram,
              unsigned *nr, unsigned max);

#endif
