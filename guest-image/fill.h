/* SPDX-License-Identifier: MIT */
/*
 * Filling a new guest's memory as its layout says.
 *
 * Pages are taken as they come, with whatever stands in them. Page tables are written as plain memory:
 * they are to be checked and pinned when all is done.
 */
#ifndef GUEST_IMAGE_FILL_H
#define GUEST_IMAGE_FILL_H

#include "layout.h"

/* How the guest's memory is reached. */
struct image_memory {
    const uint64_t *p2m; /* the frame of each of its pages: nr_pages of the layout */
    /* The address of a page, good until the next call. NULL: it cannot be reached. Asked for ascending
     * pages mostly, and not more than once for each but a few. */
    void *(*page)(void *context, uint64_t page);
    void *context;
};

struct image_contents {
    const void *initrd; /* of the layout's initrd_size */
    const char *words;    /* its command line: what is beyond IMAGE_WORDS_MAX characters is cut */
    uint64_t shared_info; /* machine address */
    uint32_t store_port, console_port; /* of a domU */
};

#define IMAGE_WORDS_MAX 1023U

/* Kernel, initrd, p2m list, page tables, start_info, rings. A hypercall page is not filled in. Returns
 * false if a page could not be reached, or if there are fewer than the layout uses. */
bool image_fill(const struct image_layout *l, const struct image_memory *m, const struct image_contents *c);

#endif
