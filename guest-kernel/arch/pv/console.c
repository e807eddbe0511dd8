/* SPDX-License-Identifier: MIT */
/*
 * The console: as dom0 by hypercalls, as domU by the rings that dom0 reads and fills.
 *
 * ABI: CONSOLEIO_write, CONSOLEIO_read, VIRQ_CONSOLE, <xen/xen.h>; struct xencons_interface, <xen/io/console.h>
 */
#include <xen/io/console.h>

#include "arch/pv/page_table.h"
#include "kernel/panic.h"

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

static size_t ring_read(char *to, size_t size)
{
    struct evtchn_send send = { .port = start_info->console.domU.evtchn };
    XENCONS_RING_IDX cons = ring->in_cons, prod = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE);
    size_t done = 0;

    while (done < size && cons != prod)
        to[done++] = ring->in[MASK_XENCONS_IDX(cons++, ring->in)];
    __atomic_store_n(&ring->in_cons, cons, __ATOMIC_RELEASE);
    if (done > 0)
        hypercall_event_channel_op(EVTCHNOP_send, &send);
    return done;
}

size_t arch_console_read(char *to, size_t size)
{
    long got;

    if (ring != NULL)
        return ring_read(to, size);
    got = hypercall_console_io(CONSOLEIO_read, (unsigned)size, to);
    return got > 0 ? (size_t)got : 0;
}

static void (*listener)(void);

static void raised(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    listener();
}

void arch_console_listen(void (*function)(void))
{
    long port = ring != NULL ? start_info->console.domU.evtchn : event_bind_virq(VIRQ_CONSOLE, 0);

    if (port < 0)
        panic("VIRQ_CONSOLE is refused: %ld", port);
    listener = function;
    event_attach((evtchn_port_t)port, 0, raised, NULL);
}
