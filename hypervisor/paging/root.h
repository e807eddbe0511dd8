/* SPDX-License-Identifier: MIT */
/* The two roots of a vCPU, and what loading them means. */
#ifndef PAGING_ROOT_H
#define PAGING_ROOT_H

#include "machine/mode.h"
#include "paging/page_type.h"

/*
 * Makes a frame the kernel root, or the user root (MFN 0: none), of the vCPU that runs. Takes a type
 * reference, and gives the old root's back. Returns 0, -XEN_EINVAL (not a valid L4, said in words) or
 * HYPERCALL_CONTINUE.
 */
int root_set_kernel(struct vcpu *v, mfn_t m);
int root_set_user(struct vcpu *v, mfn_t m);

/*
 * The machine-to-physical table in a root: a kernel root shows it; a user root does not, if the guest wants
 * it so (ABI: VMASST_TYPE_m2p_strict). It is not global, so it goes from the TLB with the change of mode. A
 * root is changed when it is set, whoever else uses it: the assist is for guests whose modes share none.
 */
void root_show_m2p(mfn_t m);
void root_hide_m2p(const struct domain *d, mfn_t m);

/* Takes a type reference for a root, of any vCPU of the domain. Same answers. */
int root_get(struct domain *d, mfn_t m);

/*
 * Guest kernel to guest user and back, for the vCPU that runs here: roots and GS bases.
 *
 * Both roots show one address space: user mappings are global and may stay in the TLB; kernel mappings
 * are not (page_type.h, l1_entry_stored) and go with the load of the other root.
 */
void mode_user_root_changed(struct vcpu *v);

static inline void mode_to_kernel(struct cpu *cpu, struct vcpu *v)
{
    v->in_kernel = true;
    gs_swap();
    root_load_other_side(cpu, v->kernel_root);
}

static inline void mode_to_user(struct cpu *cpu, struct vcpu *v)
{
    if (unlikely(cpu->global_root != v->user_root.v))
        mode_user_root_changed(v);
    v->in_kernel = false;
    gs_swap();
    root_load_other_side(cpu, v->user_root);
}

#endif
