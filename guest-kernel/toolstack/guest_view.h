/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory by its own addresses: through its page tables, read-only, a page at a time. It should not run.
 */
#ifndef TOOLSTACK_GUEST_VIEW_H
#define TOOLSTACK_GUEST_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>

#define GUEST_PAGE 4096u

/* About 4 KiB: not for a stack. */
struct guest_view {
    domid_t domid;
    uint64_t root;  /* frame of the top page table */
    uint64_t shown; /* address of the page in BYTES; ~0: none */
    uint8_t bytes[GUEST_PAGE];
};

void guest_view_open(struct guest_view *view, domid_t domid, uint64_t root);

/* False: not all of it is mapped, or not to a frame of the guest's own. */
bool guest_view_read(struct guest_view *view, uint64_t address, void *to, size_t size);

#endif
