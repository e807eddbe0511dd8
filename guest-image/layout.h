/* SPDX-License-Identifier: MIT */
/*
 * Where everything of a new guest goes.
 *
 * From VIRT_BASE upwards, addresses and the guest's own page numbers in step:
 *
 *    kernel | initrd | p2m list | start_info | store ring | console ring | page tables | stack | ... end
 *
 * end: the first boundary of 4 MiB that leaves 512 KiB behind the stack. Rings are a domU's only. initrd
 * and p2m list move behind the end, unmapped or at an address of their own, where the kernel's notes say
 * so; the list's own page tables follow it.
 *
 * ABI: <xen/xen.h>, "Start-of-day memory layout"
 */
#ifndef GUEST_IMAGE_LAYOUT_H
#define GUEST_IMAGE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include "elf.h"

#define IMAGE_NO_PAGE (~0UL)

/* The tables of one level: in the order of what they map, in pages that follow each other. */
struct image_tables {
    uint64_t first; /* of all tables of that level that there can be, which one is the first */
    uint64_t nr;
    uint64_t page; /* of the first */
};

/* What is mapped in one piece, and the tables that it has for itself. */
struct image_area {
    uint64_t start, end; /* addresses; both 0: there is no such area */
    uint64_t page;       /* what stands at start */
    struct image_tables level[4]; /* [1] to [3]: there is one table of level 4, the root */
};

enum image_for { IMAGE_DOM0, IMAGE_DOMU };

/* Pages are named by the guest's own numbers. */
struct image_layout {
    struct kernel_image kernel;
    enum image_for whose;
    uint64_t nr_pages; /* all that the guest has */
    uint64_t initrd_size;
    uint64_t initrd, p2m, start_info, store_ring, console_ring, stack; /* those that there are */
    uint64_t tables, nr_tables;  /* of the mapped area; the root is the first */
    struct image_area mapped;    /* from VIRT_BASE on */
    struct image_area p2m_apart; /* the list, if it has an address of its own */
    uint64_t nr_p2m_frames;      /* list and its tables, in that case */
    uint64_t nr_used;            /* pages below this one are taken: more than nr_pages if they are too few */
};

/*
 * Finds a place for all, for a kernel that elf_read took. Returns NULL, or what is wrong with the kernel,
 * in words. Whether the memory is enough is the caller's to see: nr_used against nr_pages.
 */
const char *image_lay_out(struct image_layout *l, const struct kernel_image *kernel, enum image_for whose,
                          uint64_t nr_pages, uint64_t initrd_size);

/* The address of a mapped page. */
uint64_t image_address(const struct image_layout *l, uint64_t page);
/* The page that this address of kernel or mapped area shows. */
uint64_t image_page(const struct image_layout *l, uint64_t va);

#endif
