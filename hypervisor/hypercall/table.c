/* SPDX-License-Identifier: MIT */
/* From a number to a handler, and back to the guest. */
#include "hypercall/hypercall.h"
#include "trap/dispatch.h"

#define CALL_LENGTH 2U /* of SYSCALL, which a call that goes on executes again */

hypercall_fn *const hypercalls[NR_HYPERCALL_SLOTS] = {
    [__HYPERVISOR_set_trap_table] = hypercall_set_trap_table,
    [__HYPERVISOR_mmu_update] = hypercall_mmu_update,
    [__HYPERVISOR_set_gdt] = hypercall_set_gdt,
    [__HYPERVISOR_stack_switch] = hypercall_stack_switch,
    [__HYPERVISOR_set_callbacks] = hypercall_set_callbacks,
    [__HYPERVISOR_fpu_taskswitch] = hypercall_fpu_taskswitch,
    [__HYPERVISOR_platform_op] = hypercall_platform_op,
    [__HYPERVISOR_set_debugreg] = hypercall_set_debugreg,
    [__HYPERVISOR_get_debugreg] = hypercall_get_debugreg,
    [__HYPERVISOR_update_descriptor] = hypercall_update_descriptor,
    [__HYPERVISOR_memory_op] = hypercall_memory_op,
    [__HYPERVISOR_multicall] = hypercall_multicall,
    [__HYPERVISOR_update_va_mapping] = hypercall_update_va_mapping,
    [__HYPERVISOR_set_timer_op] = hypercall_set_timer_op,
    [__HYPERVISOR_grant_table_op] = hypercall_grant_table_op,
    [__HYPERVISOR_xen_version] = hypercall_xen_version,
    [__HYPERVISOR_console_io] = hypercall_console_io,
    [__HYPERVISOR_vm_assist] = hypercall_vm_assist,
    [__HYPERVISOR_update_va_mapping_otherdomain] = hypercall_update_va_mapping_otherdomain,
    [__HYPERVISOR_iret] = hypercall_iret,
    [__HYPERVISOR_vcpu_op] = hypercall_vcpu_op,
    [__HYPERVISOR_set_segment_base] = hypercall_set_segment_base,
    [__HYPERVISOR_mmuext_op] = hypercall_mmuext_op,
    [__HYPERVISOR_nmi_op] = hypercall_nmi_op,
    [__HYPERVISOR_sched_op] = hypercall_sched_op,
    [__HYPERVISOR_callback_op] = hypercall_callback_op,
    [__HYPERVISOR_event_channel_op] = hypercall_event_channel_op,
    [__HYPERVISOR_physdev_op] = hypercall_physdev_op,
    [__HYPERVISOR_sysctl] = hypercall_sysctl,
    [__HYPERVISOR_domctl] = hypercall_domctl,
};

HOT long hypercall_run(struct vcpu *v, uint64_t nr, const uint64_t args[6])
{
    (void)v;
    if (nr >= NR_HYPERCALL_SLOTS || !hypercalls[nr])
        return -XEN_ENOSYS;
    return hypercalls[nr](args[0], args[1], args[2], args[3], args[4]);
}

void hypercall_go_on_later(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t *const to[] = { &regs->rdi, &regs->rsi, &regs->rdx, &regs->r10 };

    for (unsigned i = 0; i < v->again.nr; i++)
        *to[i] = v->again.args[i];
    v->again.nr = 0;
    regs->rip -= CALL_LENGTH;
}
