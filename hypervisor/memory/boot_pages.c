/* SPDX-License-Identifier: MIT */
/* Memory before there is an allocator: pieces cut from the largest range that is left. */
#include "lib/check.h"
#include "lib/string.h"
#include "machine/paging_bits.h"
#include "memory/frame_alloc.h"

static struct ram_range *ranges;
static unsigned *nr_ranges;
static unsigned max_ranges;

void boot_pages_start(struct ram_range *ram, unsigned *nr, unsigned max)
{
    ranges = ram;
    nr_ranges = nr;
    max_ranges = max;
}

/* The highest place that fits, so that low memory stays for those who need it low. */
uint64_t boot_pages_alloc(uint64_t bytes, uint64_t align)
{
    bytes = ROUND_UP(bytes, PAGE_SIZE);
    for (unsigned r = *nr_ranges; r-- > 0;) {
        struct ram_range *range = &ranges[r];
        if (range->end > 4UL << 30 && range->start < 4UL << 30)
            continue;
        if (range->end < bytes || ROUND_DOWN(range->end - bytes, align) < range->start ||
            range->end > 4UL << 30)
            continue;
        uint64_t at = ROUND_DOWN(range->end - bytes, align);
        uint64_t rest = range->end - (at + bytes);
        range->end = at;
        if (rest && *nr_ranges < max_ranges) {
            memmove(range + 2, range + 1, (*nr_ranges - r - 1) * sizeof(*range));
            range[1] = (struct ram_range){ at + bytes, at + bytes + rest };
            ++*nr_ranges;
        }
        memset(maddr_to_virt(at), 0, bytes);
        return at;
    }
    panic("out of memory while booting: give the machine more");
}
