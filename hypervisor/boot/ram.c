/* SPDX-License-Identifier: MIT */
#include "boot/ram.h"
#include "lib/string.h"

static void drop_empty(struct ram_range *ranges, unsigned *nr)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < *nr; i++) {
        if (ranges[i].end > ranges[i].start)
            ranges[kept++] = ranges[i];
    }
    *nr = kept;
}

bool ranges_cut(struct ram_range *ranges, unsigned *nr, unsigned max, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < *nr; i++) {
        struct ram_range *r = &ranges[i];
        if (end <= r->start || start >= r->end)
            continue;
        struct ram_range rest = { end, r->end };
        r->end = MAX(start, r->start);
        if (rest.start >= rest.end)
            continue;
        if (r->end <= r->start) {
            *r = rest;
            continue;
        }
        if (*nr == max)
            return false;
        memmove(r + 2, r + 1, (*nr - i - 1) * sizeof(*r));
        r[1] = rest;
        ++*nr;
    }
    drop_empty(ranges, nr);
    return true;
}

/* A region that ends beyond all addresses reaches to their end. */
static uint64_t region_end(const struct boot_region *r)
{
    uint64_t end;

    return __builtin_add_overflow(r->start, r->size, &end) ? ROUND_DOWN(~0UL, PAGE_SIZE) : end;
}

bool ram_find(const struct boot_region *regions, unsigned nr_regions, uint64_t limit, struct ram_range *ram,
              unsigned *nr, unsigned max)
{
    *nr = 0;
    for (unsigned i = 0; i < nr_regions; i++) {
        uint64_t start = ROUND_UP(regions[i].start, PAGE_SIZE);
        uint64_t end = ROUND_DOWN(region_end(&regions[i]), PAGE_SIZE);
        if (regions[i].type != REGION_RAM || end > limit)
            continue;
        if (*nr)
            start = MAX(start, ram[*nr - 1].end); /* it overlaps the one before */
        if (start >= end)
            continue;
        if (*nr == max)
            return false;
        ram[(*nr)++] = (struct ram_range){ start, end };
    }
    for (unsigned i = 0; i < nr_regions; i++) {
        uint64_t start = ROUND_DOWN(regions[i].start, PAGE_SIZE), end = region_end(&regions[i]);
        if (regions[i].type != REGION_RAM && regions[i].size &&
            !ranges_cut(ram, nr, max, start, ROUND_UP(end, PAGE_SIZE)))
            return false;
    }
    return true;
}
