/* SPDX-License-Identifier: MIT */
/*
 * Promise: the domain that owns the devices maps their frames by ordinary entries, all but what the
 * hypervisor keeps: the local APIC's page.
 *
 * ABI: DOMID_IO, HYPERVISOR_mmu_update, <xen/xen.h>
 */
#include "workloads/window.h"
#include "workloads/list.h"

#define BIOS_FRAME 0xf0UL /* the last 64 KiB below 1 MiB are the firmware's */
#define APIC_FRAME 0xfee00UL

static long map(unsigned long mfn, uint64_t flags, domid_t owner)
{
    mmu_update_t update = { pte_maddr(&window_l1[0]), pte_make(mfn, flags) };

    return hypercall_mmu_update(&update, 1, NULL, owner);
}

void workload_devices(void)
{
    if (!(start_info->flags & SIF_INITDOMAIN)) {
        workload_skip("only dom0 owns devices");
        return;
    }
    if (!window_open())
        return;
    CHECK_EQ(map(BIOS_FRAME, PTE_P, DOMID_SELF), 0);
    trap_expect();
    asm volatile("mov %0, %%rdi\n" MAY_TRAP("mov (%%rdi), %%rax")::"r"(WINDOW_VA)
                 : "rax", "rdi", "memory");
    CHECK_EQ(trap_last()->vector, VECTOR_NONE);
    CHECK_EQ(map(0, 0, DOMID_SELF), 0);
    CHECK_EQ(map(BIOS_FRAME, PTE_P | PTE_RW, DOMID_IO), 0);
    CHECK_EQ(map(0, 0, DOMID_SELF), 0);
    CHECK_EQ(map(APIC_FRAME, PTE_P | PTE_RW, DOMID_SELF), -XEN_EPERM);
    CHECK_EQ(map(APIC_FRAME, PTE_P, DOMID_IO), -XEN_EPERM);
    CHECK_EQ(window_l1[0], 0);
    /* As the owner of devices only device frames count: memory is refused. */
    CHECK(map(address_to_mfn(window_frames[0]), MAPPED_RW, DOMID_IO) < 0);
    window_close();
}
