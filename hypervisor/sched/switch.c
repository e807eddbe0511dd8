/* SPDX-License-Identifier: MIT */
/*
 * What changes when another vCPU runs. All of it is saved when a vCPU leaves, so that it may go on
 * elsewhere; what is still in the processor when it comes back to the same one is not loaded again.
 */
#include "sched/switch.h"
#include "lib/check.h"
#include "machine/registers.h"
#include "paging/descriptors.h"
#include "paging/page_type.h"

/* Whose state is in each processor still, though it may be idle. */
static struct vcpu *loaded[NR_CPUS];

void vcpu_state_save(struct vcpu *v)
{
    v->regs = this_cpu()->guest_regs;
    /* Selectors that could not be loaded are null in the processor, and not given up yet. */
    if (!(READ_ONCE(v->work) & VCPU_WORK_FAILSAFE))
        segments_save(&v->segments);
    fpu_save(v->fpu);
    fpu_set_ts(v->ts);
}

static void leave(struct vcpu *v)
{
    debug_registers_off();
    (void)v;
}

static bool still_here(struct vcpu *v, unsigned cpu)
{
    return loaded[cpu] == v && v->loaded_on == cpu;
}

static void load_address_space(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();
    mfn_t root = v->in_kernel ? v->kernel_root : v->user_root;

    ASSERT(root.v);
    __atomic_or_fetch(&v->domain->paging.dirty_cpus, 1UL << cpu->id, __ATOMIC_SEQ_CST);
    root_load(root);
}

void vcpu_state_load(struct vcpu *v)
{
    struct cpu *cpu = this_cpu();

    cpu->guest_regs = v->regs;
    if (still_here(v, cpu->id)) {
        if (cpu->root != (v->in_kernel ? v->kernel_root : v->user_root).v << PAGE_SHIFT)
            load_address_space(v);
        fpu_xcr0_set(v->xcr0);
        return;
    }
    if (loaded[cpu->id])
        leave(loaded[cpu->id]);
    uint64_t cr4 = (cpu->cr4 & ~(CR4_TSD | CR4_FSGSBASE)) | (v->cr4 & (CR4_TSD | CR4_FSGSBASE));
    if (cr4 != cpu->cr4) {
        cpu->cr4 = cr4;
        cr4_write(cr4);
    }
    v->loaded_on = cpu->id; /* flushes for it come here from now on */
    load_address_space(v);
    descriptor_tables_load(v);
    v->bad_selectors = segments_load(&v->segments);
    if (v->bad_selectors)
        vcpu_request_work(v, VCPU_WORK_FAILSAFE);
    fpu_load(v->fpu);
    fpu_xcr0_set(v->xcr0);
    fpu_set_ts(v->ts);
    if (v->dr[7] & 0xff)
        debug_registers_load(v->dr);
    loaded[cpu->id] = v;
}

/* Its root may be anything once it runs elsewhere, or never again. */
static void unload(void)
{
    unsigned cpu = this_cpu()->id;

    leave(loaded[cpu]);
    loaded[cpu] = NULL;
    own_tables_load();
    root_load(root_of_hypervisor());
}

static void unload_vcpu(void *v)
{
    if (loaded[this_cpu()->id] == v)
        unload();
}

void vcpu_unload(struct vcpu *v)
{
    if (v->loaded_on != ~0U)
        cpus_call(1UL << v->loaded_on, unload_vcpu, v);
}

static void forget_here(void *arg)
{
    struct domain *d = arg;
    unsigned cpu = this_cpu()->id;

    if (loaded[cpu] && loaded[cpu]->domain == d)
        unload();
    __atomic_and_fetch(&d->paging.dirty_cpus, ~(1UL << cpu), __ATOMIC_SEQ_CST);
}

void domain_forget_roots(struct domain *d)
{
    cpus_call(d->paging.dirty_cpus, forget_here, d);
}
