/* SPDX-License-Identifier: MIT */
/*
 * Promise: every hypercall number, with any sub-operation and any argument, gives an error code or
 * a result, and does no damage. Pointers into the hypervisor or to nowhere are -EFAULT in every
 * path that follows them.
 *
 * Left out is what ends the domain or sleeps for ever by right: iret, shutdown, block, poll, vcpu
 * down.
 */
#include <xen/callback.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/version.h>

#include "arch/pv/page_table.h"
#include "kernel/string.h"
#include "workloads/ports.h"
#include "workloads/list.h"

#define NR_HYPERCALLS 64
#define NO_OP         0x3f /* no operation of any hypercall has this number */

/* Harmless with junk; the others are asked with sub-operations that do not exist. */
static const struct sweep_row {
    unsigned nr;
    long error; /* 0: any error will do */
} unknown_operations[] = {
    { __HYPERVISOR_sched_op_compat, -XEN_ENOSYS },  { __HYPERVISOR_platform_op, -XEN_EFAULT },
    { __HYPERVISOR_memory_op, -XEN_ENOSYS },        { __HYPERVISOR_xen_version, -XEN_ENOSYS },
    { __HYPERVISOR_console_io, -XEN_ENOSYS },       { __HYPERVISOR_grant_table_op, -XEN_ENOSYS },
    { __HYPERVISOR_vm_assist, -XEN_ENOSYS },        { __HYPERVISOR_vcpu_op, 0 },
    { __HYPERVISOR_nmi_op, -XEN_ENOSYS },           { __HYPERVISOR_sched_op, -XEN_ENOSYS },
    { __HYPERVISOR_callback_op, -XEN_ENOSYS },      { __HYPERVISOR_xenoprof_op, 0 },
    { __HYPERVISOR_event_channel_op, -XEN_ENOSYS }, { __HYPERVISOR_physdev_op, -XEN_ENOSYS },
    { __HYPERVISOR_hvm_op, -XEN_ENOSYS },           { __HYPERVISOR_sysctl, -XEN_EFAULT },
    { __HYPERVISOR_domctl, -XEN_EFAULT },           { __HYPERVISOR_tmem_op, -XEN_ENOSYS },
};

/* Tenon does not have all of Xen's operations; it says so, whatever the arguments are. */
static bool is_missing(long result)
{
    return hypervisor_is_tenon && result == -XEN_ENOSYS;
}

static void unknown_numbers(void)
{
    static const unsigned numbers[] = { 11, 38, 43, 44, 45, 46, 47, 50, 51, 52, 53,  54,
                                        55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 128, 255 };

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        check_context("(hypercall %u)", numbers[i]);
        CHECK_EQ(hypercall_any(numbers[i], 1, 2, 3, 4, 5), -XEN_ENOSYS);
    }
    check_context("%s", "");
    CHECK_EQ(hypercall_any(~0UL, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    CHECK_EQ(hypercall_any(1UL << 32, 0, 0, 0, 0, 0) >> 12, -1L); /* not number 0 */
}

static void unknown_sub_operations(void)
{
    for (unsigned i = 0; i < sizeof(unknown_operations) / sizeof(unknown_operations[0]); i++) {
        const struct sweep_row *row = &unknown_operations[i];
        long result = hypercall_any(row->nr, NO_OP, 0, 0, 0, 0);

        check_context("(hypercall %u)", row->nr);
        if (row->nr == __HYPERVISOR_console_io && !(start_info->flags & SIF_INITDOMAIN))
            CHECK_EQ(result, -XEN_EPERM);
        else if (row->error != 0 && !is_missing(result))
            CHECK_EQ(result, row->error);
        CHECK(result < 0 && result > -4096);
    }
    check_context("%s", "");
}

static bool left_out(unsigned nr)
{
    return nr == __HYPERVISOR_iret || nr == __HYPERVISOR_sched_op ||
           nr == __HYPERVISOR_sched_op_compat || nr == __HYPERVISOR_set_trap_table ||
           nr == __HYPERVISOR_stack_switch || nr == __HYPERVISOR_set_callbacks ||
           nr == __HYPERVISOR_set_segment_base || nr == __HYPERVISOR_callback_op ||
           nr == __HYPERVISOR_console_io || nr == __HYPERVISOR_set_timer_op ||
           nr == __HYPERVISOR_domctl || nr == __HYPERVISOR_sysctl ||
           nr == __HYPERVISOR_platform_op || nr == __HYPERVISOR_kexec_op ||
           nr == __HYPERVISOR_fpu_taskswitch || nr == __HYPERVISOR_vm_assist ||
           nr == __HYPERVISOR_vcpu_op;
}

/* Pointers into the hypervisor with every small sub-operation: an answer, and the kernel goes on.
 */
static void junk_pointers(void)
{
    for (unsigned nr = 0; nr < NR_HYPERCALLS; nr++) {
        if (left_out(nr))
            continue;
        for (unsigned long op = 0; op < 40; op++) {
            if (nr == __HYPERVISOR_event_channel_op && op == EVTCHNOP_reset)
                continue;
            hypercall_any(nr, op, HYPERVISOR_VIRT_START + 0x100000, 1, 1, 1);
            hypercall_any(nr, HYPERVISOR_VIRT_START + 0x100000, op, 1, DOMID_SELF, 1);
        }
    }
    hypercall_set_gdt(NULL, 0);
    hypercall_set_debugreg(7, 0);
    CHECK_EQ(hypercall_xen_version(0, NULL) >> 16, 4);
}

/* The kernel still has its tables, its traps and its events. */
static void still_alive(void)
{
    struct port_pair pair;

    trap_expect();
    asm volatile(MAY_TRAP("ud2"));
    CHECK_EQ(trap_last()->vector, 6);
    if (CHECK_EQ(port_pair_open(&pair), 0)) {
        CHECK_EQ(port_send(pair.near), 0);
        CHECK(event_is_pending(pair.far));
        port_pair_close(&pair);
    }
    CHECK_EQ(*pte_find((unsigned long)kernel_l4, 1) & PTE_RW, 0);
}

void workload_sweep(void)
{
    unknown_numbers();
    unknown_sub_operations();
    junk_pointers();
    still_alive();
}

/* ---- each argument that is a pointer, with four kinds of bad ones ---- */

static const unsigned long bad_pointers[] = {
    HYPERVISOR_VIRT_START,               /* readable by guests, never an argument */
    HYPERVISOR_VIRT_START + (5UL << 39), /* the hypervisor's own memory */
    HYPERVISOR_VIRT_END - 8,             /* its last word */
    0x1000,                              /* nothing is mapped there */
};

static void call(const char *what, unsigned nr, unsigned long a1, unsigned long a2,
                 unsigned long a3, unsigned long a4)
{
    long result = hypercall_any(nr, a1, a2, a3, a4, 0);

    check_context("(%s, %lx %lx %lx)", what, a1, a2, a3);
    if (!is_missing(result))
        CHECK_EQ(result, -XEN_EFAULT);
    check_context("%s", "");
}

static void check_pointer(unsigned long bad)
{
    uint64_t one = 0;
    long result;

    call("set_trap_table", __HYPERVISOR_set_trap_table, bad, 0, 0, 0);
    call("mmu_update", __HYPERVISOR_mmu_update, bad, 1, 0, DOMID_SELF);
    call("set_gdt", __HYPERVISOR_set_gdt, bad, 512, 0, 0);
    call("multicall", __HYPERVISOR_multicall, bad, 1, 0, 0);
    call("mmuext_op", __HYPERVISOR_mmuext_op, bad, 1, 0, DOMID_SELF);
    call("event send", __HYPERVISOR_event_channel_op, EVTCHNOP_send, bad, 0, 0);
    call("event status", __HYPERVISOR_event_channel_op, EVTCHNOP_status, bad, 0, 0);
    call("alloc_unbound", __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, bad, 0, 0);
    call("poll", __HYPERVISOR_sched_op, SCHEDOP_poll, bad, 0, 0);
    call("shutdown", __HYPERVISOR_sched_op, SCHEDOP_shutdown, bad, 0, 0);
    call("callback", __HYPERVISOR_callback_op, CALLBACKOP_register, bad, 0, 0);
    call("set_iopl", __HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, bad, 0, 0);
    call("extraversion", __HYPERVISOR_xen_version, XENVER_extraversion, bad, 0, 0);
    call("capabilities", __HYPERVISOR_xen_version, XENVER_capabilities, bad, 0, 0);
    call("get_features", __HYPERVISOR_xen_version, XENVER_get_features, bad, 0, 0);
    call("machphys_mapping", __HYPERVISOR_memory_op, XENMEM_machphys_mapping, bad, 0, 0);
    call("current_reservation", __HYPERVISOR_memory_op, XENMEM_current_reservation, bad, 0, 0);
    call("exchange", __HYPERVISOR_memory_op, XENMEM_exchange, bad, 0, 0);
    call("singleshot", __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, bad, 0);
    call("runstate", __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, bad, 0);
    call("runstate area", __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, bad, 0);
    call("grant query", __HYPERVISOR_grant_table_op, 6, bad, 1, 0);
    /* Where the count goes may be bad too: Xen does not write it and says nothing; -EFAULT is as
     * good. */
    result = hypercall_any(__HYPERVISOR_mmu_update, (unsigned long)&one, 0, bad, DOMID_SELF, 0);
    CHECK(result == 0 || result == -XEN_EFAULT);
}

void workload_pointers(void)
{
    unsigned long first_word = machine_to_phys_mapping[0];

    for (unsigned i = 0; i < sizeof(bad_pointers) / sizeof(bad_pointers[0]); i++)
        check_pointer(bad_pointers[i]);
    CHECK_EQ(machine_to_phys_mapping[0], first_word);
    CHECK(machine_to_phys_mapping[address_to_mfn(kernel_l4)] == arch_page_number(kernel_l4));
}
