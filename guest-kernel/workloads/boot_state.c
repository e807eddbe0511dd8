/* SPDX-License-Identifier: MIT */
/*
 * Promise: a new domain finds itself as the ABI describes it.
 *
 * start_info has its magic, its page-table frames and its p2m list; the M2P agrees with that list
 * for every page; page-table pages are mapped read-only; events are masked on every vCPU; registers
 * and segments hold what <xen/xen.h> says above struct start_info. boot.c noted these down at
 * entry.
 */
#include "arch/pv/page_table.h"
#include "kernel/string.h"
#include "workloads/list.h"

static void check_registers(void)
{
    const struct boot_registers *regs = &boot_registers;

    CHECK_EQ(regs->rsi, (uint64_t)start_info);
    CHECK_EQ(regs->rax | regs->rbx | regs->rcx | regs->rdx | regs->rdi | regs->rbp, 0);
    CHECK_EQ(regs->r8 | regs->r9 | regs->r10 | regs->r11 | regs->r12 | regs->r13, 0);
    CHECK_EQ(regs->r14 | regs->r15, 0);
    CHECK_EQ(regs->rsp % PAGE_SIZE, 0);
    CHECK_EQ(regs->cs & 0xffff, FLAT_KERNEL_CS);
    CHECK_EQ(regs->ss & 0xffff, FLAT_KERNEL_SS);
    CHECK_EQ((regs->ds | regs->es | regs->fs | regs->gs) & 0xffff, 0);
    CHECK_EQ(regs->rflags & 0x600, 0x200); /* IF set, DF clear */
}

static void check_start_info(void)
{
    const struct start_info *info = start_info;
    bool dom0 = info->flags & SIF_INITDOMAIN;

    CHECK_EQ((uint64_t)info % PAGE_SIZE, 0);
    /* A "p" behind it meant PAE; no 64-bit domain gets one from Xen 4.17, dom0 neither. */
    CHECK(strcmp(info->magic, "xen-3.0-x86_64") == 0);
    CHECK_EQ(!!(info->flags & SIF_PRIVILEGED), dom0);
    CHECK_EQ(info->shared_info % PAGE_SIZE, 0);
    CHECK_EQ(info->pt_base % PAGE_SIZE, 0);
    CHECK_EQ(info->mfn_list % PAGE_SIZE, 0);
    CHECK(info->nr_pt_frames >= 4);
    CHECK_EQ(boot_state.nr_tables, info->nr_pt_frames);
    /* Contiguous: image, p2m list, start info, tables, stack. */
    CHECK(info->mfn_list >= (unsigned long)image_end);
    CHECK((unsigned long)info >= info->mfn_list + info->nr_pages * sizeof(long));
    CHECK(info->pt_base > (unsigned long)info);
    CHECK_EQ(boot_registers.rsp, info->pt_base + (info->nr_pt_frames + 1) * PAGE_SIZE);
    CHECK_EQ(memcmp(info->cmd_line + MAX_GUEST_CMDLINE - 1, "", 1), 0);
}

static void check_memory(void)
{
    CHECK_EQ(boot_state.p2m_mismatches, 0);
    CHECK_EQ(boot_state.writable_tables, 0);
    CHECK_EQ(boot_state.table_pte & (PTE_P | PTE_RW), PTE_P);
    CHECK_EQ(boot_state.stack_pte & (PTE_P | PTE_RW), PTE_P | PTE_RW);
    CHECK_EQ(boot_state.mapped_end % (4UL << 20), 0);
    CHECK(boot_state.mapped_end - boot_registers.rsp >= 512 << 10);
}

void workload_boot_state(void)
{
    check_registers();
    check_start_info();
    check_memory();
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
        check_context("(vcpu_info slot %u)", i);
        CHECK_EQ(boot_state.upcall_mask[i], 1);
    }
    check_context("%s", "");
    /* In a domU the store may have said already that it is there. */
    if (start_info->flags & SIF_INITDOMAIN)
        CHECK_EQ(boot_state.upcall_pending, 0);
    /* The hypercall page was filled and its first byte replaced. */
    CHECK(hypercall_page[0] != 0xcc);
}
