/* SPDX-License-Identifier: MIT */
/*
 * Places are found as numbers of pages, so that nothing wraps around whatever a kernel's file says;
 * addresses are made of them when all is known to lie below the end of an address space's half.
 */
#include "layout.h"
#include <xen/xen.h>
#include "basics.h"
#include "tables.h"

#define MAPPED_ALIGN (4UL << 20)
#define MAPPED_SPARE (512UL << 10)

static uint64_t pages_of(uint64_t bytes)
{
    return bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
}

uint64_t image_address(const struct image_layout *l, uint64_t page)
{
    return l->kernel.virt_base + (page << PAGE_SHIFT);
}

uint64_t image_page(const struct image_layout *l, uint64_t va)
{
    return (va - l->kernel.virt_base) >> PAGE_SHIFT;
}

static uint64_t take(uint64_t *at, uint64_t pages)
{
    uint64_t first = *at;

    *at += pages;
    return first;
}

/* --- Tables --- */

/* The tables that an area needs, from a page on. Returns how many. */
static uint64_t place_tables(struct image_area *a, uint64_t page)
{
    uint64_t first_page = page;

    for (unsigned level = 3; level; level--) {
        struct image_tables *t = &a->level[level];
        t->first = table_of(a->start, level);
        t->nr = table_of(a->end - 1, level) - t->first + 1;
        t->page = take(&page, t->nr);
    }
    return page - first_page;
}

/* The same beside an area that has tables already. Areas do not overlap, so that of each level they can
 * have one table in common, at one end. */
static uint64_t place_tables_beside(struct image_area *a, const struct image_area *other, uint64_t page)
{
    uint64_t first_page = page;

    place_tables(a, page);
    for (unsigned level = 3; level; level--) {
        struct image_tables *t = &a->level[level];
        uint64_t other_first = other->level[level].first;
        if (t->first == other_first + other->level[level].nr - 1) {
            t->first++;
            t->nr--;
        } else if (t->first + t->nr - 1 == other_first) {
            t->nr--;
        }
        t->page = take(&page, t->nr);
    }
    return page - first_page;
}

/* How many pages there are from the base to the end of its half. */
static uint64_t room(uint64_t base)
{
    uint64_t end = base < LOWER_HALF_END ? LOWER_HALF_END : 0;

    return (end - base) >> PAGE_SHIFT;
}

/* Tables and stack behind all else. Tables are mapped like the rest: more of them may need one more. */
static bool place_end(struct image_layout *l, uint64_t at)
{
    struct image_area *a = &l->mapped;
    uint64_t most = room(a->start), spare = (MAPPED_SPARE + MAPPED_ALIGN) >> PAGE_SHIFT;
    uint64_t needed = 1;

    do {
        l->nr_tables = needed;
        if (at + needed + 1 + spare > most)
            return false;
        l->tables = at;
        l->stack = at + needed;
        a->end = ROUND_UP(image_address(l, l->stack + 1) + MAPPED_SPARE, MAPPED_ALIGN);
        needed = 1 + place_tables(a, l->tables + 1);
    } while (needed != l->nr_tables);
    return true;
}

/* --- All of it --- */

static const char *place_p2m_apart(struct image_layout *l)
{
    struct image_area *a = &l->p2m_apart;
    uint64_t pages = pages_of(l->nr_pages * sizeof(uint64_t));

    a->start = l->kernel.init_p2m;
    a->end = a->start + (pages << PAGE_SHIFT);
    if (a->start == a->end || !kernel_range_ok(a->start, a->end) ||
        (a->start < l->mapped.end && a->end > l->mapped.start))
        return "its address for the p2m list (INIT_P2M) is one that it cannot have, or in use";
    l->p2m = a->page = take(&l->nr_used, pages);
    l->nr_p2m_frames = pages + place_tables_beside(a, &l->mapped, l->nr_used);
    l->nr_used = l->p2m + l->nr_p2m_frames;
    return NULL;
}

static bool place_mapped(struct image_layout *l)
{
    uint64_t at = image_page(l, l->kernel.end - 1) + 1;

    l->mapped.start = l->kernel.virt_base;
    if (l->initrd_size && !l->kernel.initrd_unmapped)
        l->initrd = take(&at, pages_of(l->initrd_size));
    if (l->kernel.init_p2m == ELF_UNSET)
        l->p2m = take(&at, pages_of(l->nr_pages * sizeof(uint64_t)));
    l->start_info = take(&at, 1);
    if (l->whose == IMAGE_DOMU) {
        l->store_ring = take(&at, 1);
        l->console_ring = take(&at, 1);
    }
    if (!place_end(l, at))
        return false;
    l->nr_used = image_page(l, l->mapped.end);
    return true;
}

const char *image_lay_out(struct image_layout *l, const struct kernel_image *kernel, enum image_for whose,
                          uint64_t nr_pages, uint64_t initrd_size)
{
    *l = (struct image_layout){
        .kernel = *kernel, .whose = whose, .nr_pages = nr_pages, .initrd_size = initrd_size
    };
    /* More than a processor can address: what follows may add such numbers up. */
    if ((nr_pages | initrd_size) >> 52)
        return "no guest can be as large as that";
    if (!place_mapped(l))
        return "from its base address on there is no room for kernel, initrd, frame list and tables";
    if (initrd_size && kernel->initrd_unmapped)
        l->initrd = take(&l->nr_used, pages_of(initrd_size));
    return kernel->init_p2m == ELF_UNSET ? NULL : place_p2m_apart(l);
}
