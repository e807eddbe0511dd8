/* SPDX-License-Identifier: MIT */
#include "paging/root.h"
#include "domain/refuse.h"
#include "lib/check.h"
#include "machine/machine.h"
#include "paging/descriptors.h"

int root_get(struct domain *d, mfn_t m)
{
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), d->id))
        return refuse(d, XEN_EINVAL, "root %lx is not its frame", m.v);
    int rc = page_type_get(frame_at(m), TYPE_L4);
    frame_put(frame_at(m));
    if (rc && rc != HYPERCALL_CONTINUE)
        return refuse(d, XEN_EINVAL, "root %lx is not a valid L4 (type %u)", m.v,
                      state_type(frame_at(m)->state));
    return rc;
}

/* The usual case: a root already, pinned or in use. */
static inline int get(struct domain *d, mfn_t m)
{
    return likely(m.v < max_mfn && page_type_get_existing(frame_at(m), TYPE_L4, d->id)) ? 0 : root_get(d, m);
}

void root_show_m2p(mfn_t m)
{
    uint64_t *table = mfn_to_virt(m);

    if (unlikely(!READ_ONCE(table[HYPERVISOR_SLOT_FIRST])))
        WRITE_ONCE(table[HYPERVISOR_SLOT_FIRST], root_hypervisor_entries()[0]);
}

void root_hide_m2p(const struct domain *d, mfn_t m)
{
    uint64_t *table = mfn_to_virt(m);

    if (d->vm_assist >> VMASST_TYPE_m2p_strict & 1)
        WRITE_ONCE(table[HYPERVISOR_SLOT_FIRST], 0);
}

HOT int root_set_kernel(struct vcpu *v, mfn_t m)
{
    mfn_t old = v->kernel_root;

    if (m.v == old.v) {
        tlb_flush_all();
        return 0;
    }
    int rc = get(v->domain, m);
    if (rc)
        return rc;
    ldt_forget(v);
    root_show_m2p(m);
    v->kernel_root = m;
    if (v->in_kernel)
        root_load(m);
    if (unlikely(old.v == v->user_root.v))
        root_hide_m2p(v->domain, old); /* from now on it is user mode's alone */
    page_type_put(frame_at(old));
    return 0;
}

HOT int root_set_user(struct vcpu *v, mfn_t m)
{
    mfn_t old = v->user_root;

    if (m.v == old.v)
        return 0;
    if (m.v) {
        int rc = get(v->domain, m);
        if (rc)
            return rc;
        if (m.v != v->kernel_root.v)
            root_hide_m2p(v->domain, m);
    }
    v->user_root = m; /* loaded, and flushed for, at the next change of mode */
    if (old.v)
        page_type_put(frame_at(old));
    return 0;
}

void mode_user_root_changed(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();

    /* Another user root's global entries would be found first. None have come since a flush: fine. */
    if (cpu->global_root && (cpu->cr4 & CR4_PGE))
        tlb_flush_all();
    cpu->global_root = v->user_root.v;
}
