/* SPDX-License-Identifier: MIT */
/*
 * Frames that the domain does not use any more, for frames of another kind (contiguous, or low).
 *
 * In steps: as many input extents as make one output extent, or the other way round. A step takes its
 * inputs, then allocates, then tells; until the last moment it can give everything back.
 *
 * Taking a frame is one compare and exchange, from "allocated, and nothing else refers to it" to "nothing
 * refers to it": from then on no vCPU of the domain can map it or give it up. It still counts in the
 * domain's quota, until it leaves for the frame that takes its place there.
 *
 * ABI: XENMEM_exchange, struct xen_memory_exchange
 */
#include <xen/memory.h>
#include "domain/refuse.h"
#include "hypercall/exchange.h"
#include "hypercall/hypercall.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"

#define ORDER_MAX   9U
#define FRAMES_MAX  (1U << ORDER_MAX) /* of one step */

struct exchange {
    struct domain *d;
    struct xen_memory_exchange e;
    uint64_t in_per_step, out_per_step, frames;
    uint64_t *in, *out; /* frames of this step */
};

static uint64_t handle_at(const void *list, uint64_t n)
{
    return (uint64_t)list + n * sizeof(xen_pfn_t);
}

/* The type stays in the word, for it says what TLBs may still know (memory/frame.h). */
static bool take_frame(mfn_t m, const struct domain *d)
{
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), d->id))
        return false;
    /* Our own reference keeps it the domain's; beside it there may be the allocation's only. */
    uint64_t seen = READ_ONCE(frame_at(m)->state);
    do {
        if ((seen & (FRAME_ALLOCATED | FRAME_SPECIAL | FRAME_REFS | FRAME_COUNT)) !=
            (FRAME_ALLOCATED | 2 * FRAME_REF_ONE)) {
            frame_put(frame_at(m));
            return false;
        }
    } while (!frame_state_swap(frame_at(m), &seen, seen & FRAME_TYPE));
    return true;
}

static void untake_frames(const uint64_t *frames, uint64_t nr)
{
    while (nr--)
        __atomic_or_fetch(&frame_at(mfn(frames[nr]))->state, FRAME_ALLOCATED | FRAME_REF_ONE,
                          __ATOMIC_SEQ_CST);
}

static int take_inputs(struct exchange *x, uint64_t extent)
{
    uint64_t per = 1UL << x->e.in.extent_order, taken = 0;
    xen_pfn_t first;

    for (uint64_t i = 0; i < x->in_per_step; i++) {
        int rc = 0;
        if (!copy_from_guest(&first, handle_at(x->e.in.extent_start.p, extent + i), sizeof(first)))
            rc = -XEN_EFAULT;
        for (uint64_t j = 0; !rc && j < per; j++) {
            if (take_frame(mfn(first + j), x->d))
                x->in[taken++] = first + j;
            else
                rc = refuse(x->d, XEN_EINVAL, "exchange: frame %lx is in use, or not its own",
                            (uint64_t)first + j);
        }
        if (rc) {
            untake_frames(x->in, taken);
            return rc;
        }
    }
    return 0;
}

static int allocate_outputs(struct exchange *x)
{
    unsigned bits = XENMEMF_get_address_bits(x->e.out.mem_flags);

    for (uint64_t i = 0; i < x->out_per_step; i++) {
        mfn_t m = frame_alloc(x->e.out.extent_order, bits ? bits : 64);
        if (m.v == MFN_NONE.v) {
            while (i--)
                frame_free(mfn(x->out[i]), x->e.out.extent_order);
            return -XEN_ENOMEM;
        }
        x->out[i] = m.v;
    }
    return 0;
}

/* Frame numbers for the new frames come from where the answer goes. */
static int tell(struct exchange *x, uint64_t extent)
{
    xen_pfn_t pfn;

    for (uint64_t i = 0; i < x->out_per_step; i++) {
        uint64_t at = handle_at(x->e.out.extent_start.p, extent + i);
        xen_pfn_t m = x->out[i];
        if (!copy_from_guest(&pfn, at, sizeof(pfn)) || !copy_to_guest(at, &m, sizeof(m)))
            return -XEN_EFAULT;
        for (uint64_t j = 0; j < 1UL << x->e.out.extent_order; j++)
            domain_name_frame(x->d, mfn(m + j), pfn + j);
    }
    return 0;
}

static int step(struct exchange *x, uint64_t in, uint64_t out)
{
    int rc = take_inputs(x, in);

    if (rc)
        return rc;
    rc = allocate_outputs(x);
    if (rc) {
        untake_frames(x->in, x->frames);
        return rc;
    }
    for (uint64_t i = 0; i < x->frames; i++) {
        domain_disown_frame(x->d, frame_at(mfn(x->in[i])));
        frame_free(mfn(x->in[i]), 0);
    }
    for (uint64_t i = 0; i < x->out_per_step; i++)
        domain_adopt_frames(x->d, mfn(x->out[i]), x->e.out.extent_order);
    /* From here on nothing can be undone: an answer that cannot be written is the caller's loss. */
    return tell(x, out);
}

static int check(struct exchange *x)
{
    const struct xen_memory_exchange *e = &x->e;
    uint64_t in, out;

    if (e->in.domid != e->out.domid || (e->in.domid != DOMID_SELF && e->in.domid != x->d->id))
        return refuse(x->d, XEN_EINVAL, "exchange: for itself only");
    if (e->in.extent_order > ORDER_MAX || e->out.extent_order > ORDER_MAX)
        return refuse(x->d, XEN_EPERM, "exchange: extents of order %u and %u", e->in.extent_order,
                      e->out.extent_order);
    if (e->nr_exchanged > e->in.nr_extents || e->in.nr_extents >> 40 || e->out.nr_extents >> 40)
        return -XEN_EINVAL;
    in = e->in.nr_extents << e->in.extent_order;
    out = e->out.nr_extents << e->out.extent_order;
    if (in != out || (e->in.extent_order && e->out.extent_order))
        return refuse(x->d, XEN_EINVAL, "exchange: %lu frames for %lu, one side of order 0", in, out);
    if (!guest_array_ok((uint64_t)e->in.extent_start.p, e->in.nr_extents, sizeof(xen_pfn_t)) ||
        !guest_array_ok((uint64_t)e->out.extent_start.p, e->out.nr_extents, sizeof(xen_pfn_t)))
        return -XEN_EFAULT;
    x->in_per_step = 1UL << e->out.extent_order;
    x->out_per_step = 1UL << e->in.extent_order;
    x->frames = x->in_per_step << e->in.extent_order;
    return e->nr_exchanged % x->in_per_step ? -XEN_EINVAL : 0;
}

static long run(struct exchange *x, uint64_t arg)
{
    uint64_t at = arg + offsetof(struct xen_memory_exchange, nr_exchanged);
    uint64_t start = x->e.nr_exchanged;
    bool stops = false;
    long rc = 0;

    while (x->e.nr_exchanged < x->e.in.nr_extents) {
        stops = x->e.nr_exchanged != start && preempt_needed();
        if (stops)
            break;
        rc = step(x, x->e.nr_exchanged, x->e.nr_exchanged / x->in_per_step * x->out_per_step);
        if (rc)
            break;
        x->e.nr_exchanged += x->in_per_step;
    }
    /* Where to go on is read from there: what cannot be written ends it. */
    if (!copy_to_guest(at, &x->e.nr_exchanged, sizeof(x->e.nr_exchanged)))
        return -XEN_EFAULT;
    return stops ? hypercall_again(2, XENMEM_exchange, arg, 0, 0) : rc;
}

long memory_exchange(uint64_t arg)
{
    struct exchange x = { .d = current_domain() };

    if (!copy_from_guest(&x.e, arg, sizeof(x.e)))
        return -XEN_EFAULT;
    long rc = check(&x);
    if (rc)
        return rc;
    x.in = heap_alloc(2 * FRAMES_MAX * sizeof(*x.in));
    if (!x.in)
        return -XEN_ENOMEM;
    x.out = x.in + FRAMES_MAX;
    rc = run(&x, arg);
    heap_free(x.in, 2 * FRAMES_MAX * sizeof(*x.in));
    return rc;
}
