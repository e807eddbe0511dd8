/* SPDX-License-Identifier: MIT */
/*
 * Several hypercalls in one.
 *
 * An entry that goes on later has its arguments changed in the guest's list, and the multicall itself
 * begins again there. iret ends it: what follows would run in another context than it was asked in.
 *
 * ABI: multicall(list of struct multicall_entry, count)
 */
#include "domain/refuse.h"
#include "hypercall/hypercall.h"
#include "memory/guest_copy.h"

static bool write_back_again(const struct vcpu *v, uint64_t entry)
{
    for (unsigned i = 0; i < v->again.nr; i++) {
        uint64_t at = entry + offsetof(struct multicall_entry, args) + i * 8;
        if (!guest_store64(at, v->again.args[i]))
            return false;
    }
    return true;
}

/* What was a table for one entry is none for the next, as it is between calls. */
static inline bool tables_are_left(const struct vcpu *v)
{
    return unlikely(READ_ONCE(v->work) & VCPU_WORK_DROP) && !page_type_drain(v->domain);
}

HOT HYPERCALL(multicall)
{
    struct vcpu *v = current_vcpu();
    uint64_t list = a, count = (uint32_t)b, args[6], nr;

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (v->in_multicall)
        return refuse(v->domain, XEN_EINVAL, "multicall inside a multicall");
    if (!guest_array_ok(list, count, sizeof(struct multicall_entry)))
        return refuse(v->domain, XEN_EFAULT, "multicall: the list lies in the hypervisor");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = list + i * sizeof(struct multicall_entry);
        if (i && (tables_are_left(v) || preempt_needed()))
            return hypercall_again(2, at, count - i, 0, 0);
        if (!guest_load64(at, &nr) ||
            !guest_copy_in(args, at + offsetof(struct multicall_entry, args), sizeof(args)))
            return refuse(v->domain, XEN_EFAULT, "multicall: entry %lu cannot be read", i);
        v->in_multicall = true;
        long rc = hypercall_run(v, nr, args);
        v->in_multicall = false;
        if (nr == __HYPERVISOR_iret)
            return rc;
        if (rc == HYPERCALL_CONTINUE && v->again.nr) {
            if (!write_back_again(v, at)) {
                v->again.nr = 0; /* it does not go on */
                return refuse(v->domain, XEN_EFAULT, "multicall: entry %lu cannot be written", i);
            }
            return hypercall_again(2, at, count - i, 0, 0);
        }
        if (!guest_store64(at + offsetof(struct multicall_entry, result), (uint64_t)rc))
            return refuse(v->domain, XEN_EFAULT, "multicall: entry %lu cannot be written", i);
    }
    return 0;
}
