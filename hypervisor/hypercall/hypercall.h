/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls. Each handler runs with interrupts on, takes its arguments as the guest gave them and
 * returns what the guest gets, or HYPERCALL_CONTINUE after hypercall_again.
 */
#ifndef HYPERCALL_HYPERCALL_H
#define HYPERCALL_HYPERCALL_H

#include "domain/domain.h"
#include "paging/page_type.h"

/*
 * The call stops here and goes on later: the guest executes its call instruction again, with these
 * first arguments in place of the old ones. Returns HYPERCALL_CONTINUE, for the handler to return: a
 * handler that changes its mind after this leaves the wish behind, for a later call to be taken for it.
 */
static inline long hypercall_again(unsigned nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct vcpu *v = current_vcpu();

    v->again.nr = nr;
    v->again.args[0] = a;
    v->again.args[1] = b;
    v->again.args[2] = c;
    v->again.args[3] = d;
    return HYPERCALL_CONTINUE;
}

/* Runs hypercall nr for an entry of a multicall. */
long hypercall_run(struct vcpu *v, uint64_t nr, const uint64_t args[6]);

/*
 * A batch that goes on says so in its count, as nobody else does: bit 31, what is left below it, and in
 * the upper half how much was done before.
 */
#define COUNT_CONTINUED (1UL << 31)

static inline uint64_t count_left(uint64_t count)
{
    return (uint32_t)count & ~COUNT_CONTINUED;
}

static inline uint32_t count_done_before(uint64_t count)
{
    return count & COUNT_CONTINUED ? (uint32_t)(count >> 32) : 0;
}

static inline uint64_t count_to_continue(uint64_t left, uint32_t done)
{
    return (uint64_t)done << 32 | COUNT_CONTINUED | left;
}

#define HYPERCALL(name) long hypercall_##name(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
HYPERCALL(set_trap_table);
HYPERCALL(grant_table_op);
HYPERCALL(mmu_update);
HYPERCALL(set_gdt);
HYPERCALL(stack_switch);
HYPERCALL(set_callbacks);
HYPERCALL(fpu_taskswitch);
HYPERCALL(set_debugreg);
HYPERCALL(get_debugreg);
HYPERCALL(update_descriptor);
HYPERCALL(memory_op);
HYPERCALL(multicall);
HYPERCALL(update_va_mapping);
HYPERCALL(update_va_mapping_otherdomain);
HYPERCALL(set_timer_op);
HYPERCALL(xen_version);
HYPERCALL(console_io);
HYPERCALL(vm_assist);
HYPERCALL(iret);
HYPERCALL(vcpu_op);
HYPERCALL(set_segment_base);
HYPERCALL(mmuext_op);
HYPERCALL(nmi_op);
HYPERCALL(sched_op);
HYPERCALL(callback_op);
HYPERCALL(event_channel_op);
HYPERCALL(physdev_op);
HYPERCALL(sysctl);
HYPERCALL(domctl);
HYPERCALL(platform_op);

#define UNUSED_ARGUMENT(x) ((void)(x))

#endif
