/* SPDX-License-Identifier: MIT */
/*
 * Console output: as dom0 by a hypercall, as domU by the ring that dom0 reads.
 *
 * ABI: CONSOLEIO_write, <xen/xen.h>; struct xencons_interface, <xen/io/console.h>
 */
#include <xen/io/console.h>

#include "arch/pv/page_table.h"

static struct xencons_interface *ring; /* NULL: dom0 */

void console_init(void)
{
    if (!(start_info->flags & SIF_INITDOMAIN))
        ring = mfn_to_address(start_info->console.domU.mfn);
}

static void ring_write(const char *text, size_t size)
{
    struct evtchn_send send = { .port = start_info->console.domU.evtchn };

    while (size > 0) {
        XENCONS_RING_IDX prod = ring->out_prod;

        while (size > 0 && prod - ring->out_cons < sizeof(ring->out)) {
            ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = *text++;
            size--;
        }
        __atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
        hypercall_event_channel_op(EVTCHNOP_send, &send);
        if (size > 0)
            hypercall_sched_op(SCHEDOP_yield, NULL);
    }
}

void arch_console_write(const char *text, size_t size)
{
    if (ring != NULL)
        ring_write(text, size);
    else
        hypercall_console_io(CONSOLEIO_write, (unsigned)size, (void *)(uintptr_t)text);
}
