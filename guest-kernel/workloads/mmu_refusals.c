/* SPDX-License-Identifier: MIT */
/*
 * Promise: what mmu_update and update_va_mapping refuse leaves every table as it was, and `done`
 * says how far a batch came.
 *
 * ABI: HYPERVISOR_mmu_update, HYPERVISOR_update_va_mapping, <xen/xen.h>
 */
#include <xen/memory.h>

#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define NO_SUCH_DOMAIN 1234

static uint64_t l1_copy[PTES_PER_TABLE], l2_copy[PTES_PER_TABLE], l4_copy[PTES_PER_TABLE];
static uint64_t *window_l2;

static void snapshot(void)
{
    window_l2 = (uint64_t *)((uint64_t)pte_find(WINDOW_VA, 2) & ~(PAGE_SIZE - 1));
    table_snapshot(window_l1, l1_copy);
    table_snapshot(window_l2, l2_copy);
    table_snapshot(kernel_l4, l4_copy);
}

static void check_unchanged(void)
{
    CHECK(table_unchanged(window_l1, l1_copy));
    CHECK(table_unchanged(window_l2, l2_copy));
    CHECK(table_unchanged(kernel_l4, l4_copy));
}

/* One entry: refused with ERROR, and nothing changed. */
static void refuse(const char *what, uint64_t ptr, uint64_t val, long error)
{
    mmu_update_t update = { ptr, val };
    unsigned done = 99;

    check_context("(%s)", what);
    CHECK_EQ(hypercall_mmu_update(&update, 1, &done, DOMID_SELF), error);
    CHECK_EQ(done, 0);
    check_unchanged();
    check_context("%s", "");
}

/* The frame has another type in use: busy, where other refusals are invalid. */
static void writable_tables(void)
{
    uint64_t entry = pte_maddr(&window_l1[0]);
    uint64_t *gdt = fresh_table();
    unsigned long mfn = address_to_mfn(gdt);

    refuse("writable L1", entry, pte_make(address_to_mfn(window_l1), MAPPED_RW), -XEN_EBUSY);
    refuse("writable L2", entry, pte_make(address_to_mfn(window_l2), MAPPED_RW), -XEN_EBUSY);
    refuse("writable L4", entry, pte_make(address_to_mfn(kernel_l4), MAPPED_RW), -XEN_EBUSY);
    CHECK_EQ(hypercall_update_va_mapping(
                 window_va(0), pte_make(address_to_mfn(window_l1), MAPPED_RW), UVMF_INVLPG),
             -XEN_EBUSY);
    check_unchanged();
    if (CHECK_EQ(hypercall_set_gdt(&mfn, 512), 0)) {
        refuse("writable GDT", entry, pte_make(mfn, MAPPED_RW), -XEN_EBUSY);
        CHECK_EQ(hypercall_set_gdt(NULL, 0), 0);
    }
    free_table(gdt);
    /* Read-only is nobody's harm. */
    CHECK_EQ(pte_set(&window_l1[0], pte_make(address_to_mfn(kernel_l4), MAPPED_RO)), 0);
    CHECK_EQ(pte_set(&window_l1[0], 0), 0);
    /* ... until one asks for write access to the same frame. */
    CHECK_EQ(pte_set(&window_l1[0], pte_make(address_to_mfn(window_l1), MAPPED_RO)), 0);
    snapshot();
    refuse("adds RW", entry, pte_make(address_to_mfn(window_l1), MAPPED_RW), -XEN_EBUSY);
    CHECK_EQ(pte_set(&window_l1[0], 0), 0);
    snapshot();
}

static void bad_flags(void)
{
    uint64_t *table = fresh_table();
    uint64_t l2 = pte_maddr(&window_l2[100]), l3 = pte_maddr(pte_find(WINDOW_VA, 3) + 1);
    uint64_t l4 = pte_maddr(&kernel_l4[300]);
    uint64_t value = pte_make(address_to_mfn(table), PTE_TABLE);

    refuse("L2 with PS", l2, value | PTE_PS, -XEN_EINVAL);
    refuse("L2 with G", l2, value | PTE_G, -XEN_EINVAL);
    refuse("L2 with PWT", l2, value | 8, -XEN_EINVAL);
    refuse("L2 with PCD", l2, value | 16, -XEN_EINVAL);
    refuse("L3 with PS", l3, value | PTE_PS, -XEN_EINVAL);
    refuse("L3 with G", l3, value | PTE_G, -XEN_EINVAL);
    refuse("L4 with PS", l4, value | PTE_PS, -XEN_EINVAL);
    refuse("L4 with G", l4, value | PTE_G, -XEN_EINVAL);
    free_table(table);
}

static void wrong_frames(void)
{
    uint64_t l1 = pte_maddr(&window_l1[0]), l2 = pte_maddr(&window_l2[100]);
    uint64_t l4 = pte_maddr(&kernel_l4[300]);
    void *plain = page_alloc();
    uint64_t not_a_table = pte_make(address_to_mfn(plain), PTE_TABLE);

    refuse("L1, frame of all ones", l1, PTE_FRAME_MASK | PTE_P, -XEN_EINVAL);
    refuse("L2, no such frame", l2, pte_make(0xffffffffUL, PTE_TABLE), -XEN_EINVAL);
    refuse("L2 to a writable page", l2, not_a_table, -XEN_EINVAL);
    refuse("L4 to a writable page", l4, not_a_table, -XEN_EINVAL);
    refuse("L2 to an L2", l2, pte_make(address_to_mfn(window_l2), PTE_TABLE), -XEN_EINVAL);
    refuse("L4 to an L1", l4, pte_make(address_to_mfn(window_l1), PTE_TABLE), -XEN_EINVAL);
    refuse("L4 to itself, writable", l4, pte_make(address_to_mfn(kernel_l4), PTE_TABLE),
           -XEN_EINVAL);
    page_free(plain);
}

static void wrong_targets(void)
{
    uint64_t value = window_pte(0, MAPPED_RW);

    for (unsigned slot = 256; slot < 272; slot++)
        refuse("hypervisor's L4 slot", pte_maddr(&kernel_l4[slot]), 0, -XEN_EINVAL);
    refuse("no such table", 0xffffffff000UL, value, -XEN_EINVAL);
    for (uint64_t cmd = 4; cmd < 8; cmd++)
        refuse("unknown command", pte_maddr(&window_l1[0]) | cmd, value, -XEN_ENOSYS);
    CHECK_EQ(hypercall_update_va_mapping(HYPERVISOR_VIRT_START, value, 0), -XEN_EINVAL);
    CHECK_EQ(hypercall_update_va_mapping(0x8000000000000000UL, value, 0), -XEN_EINVAL);
    CHECK_EQ(hypercall_update_va_mapping(WINDOW_VA + (1UL << 39), value, 0), -XEN_EINVAL);
    check_unchanged();
}

static void foreign_domains(void)
{
    mmu_update_t update = { pte_maddr(&window_l1[0]), window_pte(0, MAPPED_RW) };
    unsigned done = 99;

    CHECK_EQ(hypercall_mmu_update(&update, 1, &done, NO_SUCH_DOMAIN), -XEN_ESRCH);
    CHECK_EQ(hypercall_any(__HYPERVISOR_mmu_update, (unsigned long)&update, 1, 0,
                           DOMID_SELF | ((NO_SUCH_DOMAIN + 1UL) << 16), 0),
             -XEN_ESRCH);
    check_unchanged();
}

static bool is_ours(unsigned long mfn)
{
    unsigned long pfn = mfn_to_pfn(mfn);

    return mfn == start_info->shared_info >> PAGE_SHIFT || pfn_to_mfn(pfn) == mfn;
}

/* Memory that is the hypervisor's or nobody's: not readable, not writable, and no table. */
static void foreign_frames(void)
{
    unsigned long max = (unsigned long)hypercall_memory_op(XENMEM_maximum_ram_page, NULL);
    uint64_t l1 = pte_maddr(&window_l1[0]), l2 = pte_maddr(&window_l2[100]);
    unsigned tried = 0;

    /* From 16 MiB, in steps that meet every region. Device memory lies elsewhere: below, above. */
    for (unsigned long mfn = 0x1000; mfn < max && tried < 300; mfn += 97) {
        if (is_ours(mfn) || mfn > max - 0x1000)
            continue;
        tried++;
        refuse("foreign, read-only", l1, pte_make(mfn, MAPPED_RO), -XEN_EBUSY);
        refuse("foreign, writable", l1, pte_make(mfn, MAPPED_RW), -XEN_EBUSY);
        refuse("foreign table", l2, pte_make(mfn, PTE_TABLE), -XEN_EINVAL);
        refuse("entry in a foreign frame", pte_make(mfn, 0), 0, -XEN_EINVAL);
    }
    CHECK(tried > 10);
}

/* The third of five is bad: two are done, the error is the third's, two are not. */
static void batch_stops(void)
{
    mmu_update_t list[5];
    unsigned done = 99;

    for (unsigned i = 0; i < 5; i++)
        list[i] = (mmu_update_t){ pte_maddr(&window_l1[i]), window_pte(i, MAPPED_RW) };
    list[2].val = pte_make(address_to_mfn(window_l1), MAPPED_RW);
    CHECK_EQ(hypercall_mmu_update(list, 5, &done, DOMID_SELF), -XEN_EBUSY);
    CHECK_EQ(done, 2);
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(pte_without_ad(window_l1[i]),
                 i < 2 ? pte_without_ad(pte_as_stored(list[i].val)) : 0);
    CHECK_EQ(pte_set(&window_l1[0], 0), 0);
    CHECK_EQ(pte_set(&window_l1[1], 0), 0);
    snapshot();
    done = 99;
    CHECK_EQ(hypercall_mmu_update(list, 0, &done, DOMID_SELF), 0);
    CHECK_EQ(done, 0);
}

/* A store that the hypervisor refuses comes back as the fault that it was. */
static void refused_stores(void)
{
    uint64_t value = pte_make(address_to_mfn(window_l1), MAPPED_RW);

    trap_expect();
    asm volatile(
        "mov %0, %%rdi\n mov %1, %%rax\n" MAY_TRAP("mov %%rax, (%%rdi)")::"r"(&window_l1[3]),
        "r"(value)
        : "rax", "rdi", "memory");
    CHECK_EQ(trap_last()->vector, 14);
    CHECK_EQ(trap_last()->frame.error, 3);
    CHECK_EQ(trap_last()->cr2, (uint64_t)&window_l1[3]);
    check_unchanged();
    /* Only L1 tables are written this way. */
    trap_expect();
    asm volatile("mov %0, %%rdi\n" MAY_TRAP("movq $0, (%%rdi)")::"r"(&window_l2[200])
                 : "rdi", "memory");
    CHECK_EQ(trap_last()->vector, 14);
    check_unchanged();
}

/* Xen decodes every such fault of dom0, as it may be a read-only device page: there it is never
 * off. */
static void without_assist(void)
{
    CHECK_EQ(hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
    trap_expect();
    asm volatile("mov %0, %%rdi\n" MAY_TRAP("movq $0, (%%rdi)")::"r"(&window_l1[3])
                 : "rdi", "memory");
    if (!(start_info->flags & SIF_INITDOMAIN)) {
        CHECK_EQ(trap_last()->vector, 14);
        CHECK_EQ(trap_last()->frame.error, 3);
    }
    CHECK_EQ(hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    window_l1[3] = 0;
    CHECK_EQ(hypercall_vm_assist(VMASST_CMD_enable, 6), -XEN_EINVAL);
    CHECK_EQ(hypercall_vm_assist(VMASST_CMD_enable, 64), -XEN_EINVAL);
    CHECK_EQ(hypercall_vm_assist(9, VMASST_TYPE_writable_pagetables), -XEN_ENOSYS);
}

static void machphys(void)
{
    unsigned long mfn = address_to_mfn(window_frames[0]), pfn = mfn_to_pfn(mfn);
    mmu_update_t update = { ((uint64_t)mfn << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 0x12345 };

    CHECK_EQ(hypercall_mmu_update(&update, 1, NULL, DOMID_SELF), 0);
    CHECK_EQ(mfn_to_pfn(mfn), 0x12345);
    update.val = pfn;
    CHECK_EQ(hypercall_mmu_update(&update, 1, NULL, DOMID_SELF), 0);
    CHECK_EQ(mfn_to_pfn(mfn), pfn);
    refuse("M2P of no frame", (0xffffffffUL << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 1, -XEN_EINVAL);
}

/* PRESERVE_AD keeps what the processor set meanwhile; a plain update does not. */
static void preserve_ad(void)
{
    mmu_update_t update = { pte_maddr(&window_l1[5]) | MMU_PT_UPDATE_PRESERVE_AD,
                            window_pte(1, PTE_P | PTE_RW) };

    CHECK_EQ(pte_set(&window_l1[5], window_pte(1, PTE_P | PTE_RW)), 0);
    mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0);
    CHECK_EQ(window_l1[5] & (PTE_A | PTE_D), 0);
    *(volatile uint64_t *)window_va(5) += 0;
    CHECK_EQ(window_l1[5] & (PTE_A | PTE_D), PTE_A | PTE_D);
    CHECK_EQ(hypercall_mmu_update(&update, 1, NULL, DOMID_SELF), 0);
    CHECK_EQ(window_l1[5] & (PTE_A | PTE_D), PTE_A | PTE_D);
    CHECK_EQ(pte_set(&window_l1[5], window_pte(1, PTE_P | PTE_RW)), 0);
    CHECK_EQ(window_l1[5] & (PTE_A | PTE_D), 0);
    CHECK_EQ(pte_set(&window_l1[5], 0), 0);
}

void workload_mmu_refusals(void)
{
    if (!window_open())
        return;
    snapshot();
    writable_tables();
    bad_flags();
    wrong_frames();
    wrong_targets();
    foreign_domains();
    foreign_frames();
    batch_stops();
    refused_stores();
    without_assist();
    machphys();
    preserve_ad();
    window_close();
}
