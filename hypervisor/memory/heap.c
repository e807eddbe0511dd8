/* SPDX-License-Identifier: MIT */
/*
 * Pages for our own structures. They are few and large (domains, vCPUs, tables of ports): whole pages
 * waste little and need no second allocator.
 */
#include "lib/string.h"
#include "machine/paging_bits.h"
#include "memory/frame.h"
#include "memory/frame_alloc.h"

static unsigned order_of(size_t bytes)
{
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    return order;
}

void *heap_alloc(size_t bytes)
{
    mfn_t m = frame_alloc(order_of(bytes), 64);

    if (m.v == MFN_NONE.v)
        return NULL;
    memset(mfn_to_virt(m), 0, PAGE_SIZE << order_of(bytes));
    return mfn_to_virt(m);
}

void heap_free(void *p, size_t bytes)
{
    if (p)
        frame_free(virt_to_mfn(p), order_of(bytes));
}
