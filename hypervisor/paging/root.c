/* SPDX-License-Identifier: MIT */
#include "paging/root.h"
#include "domain/refuse.h"
#include "lib/check.h"
#include "machine/machine.h"

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

int root_set_kernel(struct vcpu *v, mfn_t m)
{
    mfn_t old = v->kernel_root;

    if (m.v == old.v) {
        tlb_flush_all();
        return 0;
    }
    int rc = root_get(v->domain, m);
    if (rc)
        return rc;
    ldt_forget(v);
    v->kernel_root = m;
    if (v->in_kernel)
        root_load(m, false);
    page_type_put(frame_at(old));
    return 0;
}

int root_set_user(struct vcpu *v, mfn_t m)
{
    mfn_t old = v->user_root;

    if (m.v == old.v)
        return 0;
    if (m.v) {
        int rc = root_get(v->domain, m);
        if (rc)
            return rc;
    }
    v->user_root = m; /* loaded, and flushed for, at the next change of mode */
    if (old.v)
        page_type_put(frame_at(old));
    return 0;
}

/*
 * One address space seen from two sides: user mappings are global and may stay; kernel mappings are
 * not (paging/page_type.h, l1_entry_stored) and go with the load of the other root.
 */
void mode_to_kernel(struct vcpu *v)
{
    v->in_kernel = true;
    gs_swap();
    root_load(v->kernel_root, true);
}

void mode_to_user(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();
    bool keep = cpu->global_root == 0 || cpu->global_root == v->user_root.v;

    v->in_kernel = false;
    gs_swap();
    root_load(v->user_root, keep);
    cpu->global_root = v->user_root.v;
}
