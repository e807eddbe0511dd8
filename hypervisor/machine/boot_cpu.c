/* SPDX-License-Identifier: MIT */
#include "machine/boot_cpu.h"
#include "lib/check.h"
#include "machine/apic.h"
#include "machine/descriptors.h"
#include "machine/exception_table.h"
#include "machine/machine.h"
#include "machine/registers.h"
#include "trace/log.h"

#define FEATURE1_C_GUEST  (1U << 31) /* the machine is somebody's guest */
#define FEATURE1_D_PAT    (1U << 16)
#define FEATURE1_D_PGE    (1U << 13)
#define FEATURE7_B_FSGS   (1U << 0)
#define FEATURE7_B_SMEP   (1U << 7)

/* WB, WT, UC-, UC, WC, WP, UC, UC: what the ABI promises to guests that read this register. */
#define PAT_LAYOUT 0x0000050100070406UL

bool machine_has_smap;
bool machine_has_fsgsbase;
unsigned machine_phys_bits;

static bool has_smep, has_global_pages;

/*
 * With them, user and hypervisor translations stay when a guest's mode changes; but to forget all then
 * takes two writes of CR4 beside the load of CR3. An emulator drops everything at each of the three, so on
 * a virtual machine they cost and win nothing. Guests see G in their entries either way (ABI).
 */
static bool want_global_pages(enum global_pages wish, bool virtual)
{
    return wish == GLOBAL_PAGES_ON || (wish == GLOBAL_PAGES_AUTO && !virtual);
}

void cpu_check_features(enum global_pages global_pages)
{
    uint32_t max = cpuid_read(0, 0).a;
    struct cpuid_leaf leaf1 = cpuid_read(1, 0);
    struct cpuid_leaf leaf7 = max >= 7 ? cpuid_read(7, 0) : (struct cpuid_leaf){ 0 };

    if (!(leaf1.d & FEATURE1_D_PAT) || !(leaf1.d & FEATURE1_D_PGE))
        panic("this processor lacks PAT or global pages: take a newer one (QEMU: -cpu max)");
    machine_phys_bits = cpuid_read(0x80000008, 0).a & 0xff;
    has_global_pages = want_global_pages(global_pages, leaf1.c & FEATURE1_C_GUEST);
    log_line(LOG_INFO, "global pages: %s", has_global_pages ? "on" : "off");
    has_smep = leaf7.b & FEATURE7_B_SMEP;
    machine_has_fsgsbase = leaf7.b & FEATURE7_B_FSGS;
}

void cpu_setup(void)
{
    struct cpu *cpu = this_cpu();

    cpu->cr4 = CR4_PAE | CR4_MCE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (has_global_pages)
        cpu->cr4 |= CR4_PGE;
    if (has_smep)
        cpu->cr4 |= CR4_SMEP;
    if (machine_has_smap)
        cpu->cr4 |= CR4_SMAP;
    cr4_write(cpu->cr4);
    cpu->root = root_of_hypervisor().v << PAGE_SHIFT;
    descriptors_load();
    msr_write(MSR_PAT, PAT_LAYOUT);
    cr0_write(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
    fpu_boot();
    apic_enable();
    tlb_flush_all();
}

bool msr_read_safe(uint32_t msr)
{
    __asm__ goto("1: rdmsr\n" EXCEPTION_ENTRY("1b", "%l[fault]")::"c"(msr) : "rax", "rdx" : fault);
    return true;
fault:
    return false;
}
