/* SPDX-License-Identifier: MIT */
/*
 * Promise: the privileged instructions that guests rely on work in guest kernel mode, the others
 * are a #GP; CPUID with the forced-emulation prefix shows the hypervisor's leaves and hides what a
 * PV guest cannot use.
 *
 * ABI: XEN_EMULATE_PREFIX, <xen/xen.h>; leaves 0x40000000.., <xen/arch-x86/cpuid.h>
 */
#include <xen/arch-x86/cpuid.h>
#include <xen/physdev.h>

#include "arch/pv/page_table.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

#define CR0_PE      0x1UL
#define CR0_TS      0x8UL
#define CR0_WP      0x10000UL
#define CR0_PG      0x80000000UL
#define CR4_OSXSAVE (1UL << 18)
#define MSR_EFER    0xc0000080
#define MSR_PAT     0x277
#define MSR_STAR    0xc0000081

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

static struct leaf cpuid_forced(uint32_t eax, uint32_t ecx)
{
    struct leaf leaf;

    asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                 : "=a"(leaf.eax), "=b"(leaf.ebx), "=c"(leaf.ecx), "=d"(leaf.edx)
                 : "0"(eax), "2"(ecx)
                 : "memory");
    return leaf;
}

static void hypervisor_leaves(void)
{
    struct leaf base = cpuid_forced(0x40000000, 0), leaf;

    CHECK_EQ(base.ebx, XEN_CPUID_SIGNATURE_EBX);
    CHECK_EQ(base.ecx, XEN_CPUID_SIGNATURE_ECX);
    CHECK_EQ(base.edx, XEN_CPUID_SIGNATURE_EDX);
    CHECK(base.eax >= 0x40000003 && base.eax <= 0x40000010);
    CHECK_EQ(cpuid_forced(0x40000001, 0).eax, hypercall_xen_version(0, NULL));
    leaf = cpuid_forced(0x40000002, 0);
    CHECK_EQ(leaf.eax, 1);
    CHECK_EQ(leaf.ebx, 0x40000000);
    CHECK_EQ(leaf.ecx & XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 1);
}

static void hidden_features(void)
{
    struct leaf one = cpuid_forced(1, 0), seven = cpuid_forced(7, 0);
    struct leaf extended = cpuid_forced(0x80000001, 0);

    CHECK_EQ(one.ecx & (1u << 31), 1u << 31);                       /* under a hypervisor */
    CHECK_EQ(one.ecx & ((1u << 5) | (1u << 17) | (1u << 3)), 0);    /* VMX, PCID, MONITOR */
    CHECK_EQ(one.edx & ((1u << 3) | (1u << 17)), 0);                /* PSE, PSE36 */
    CHECK_EQ(seven.ebx & ((1u << 7) | (1u << 20) | (1u << 10)), 0); /* SMEP, SMAP, INVPCID */
    CHECK_EQ(seven.ecx & ((1u << 2) | (1u << 16)), 0);              /* UMIP, LA57 */
    CHECK_EQ(extended.edx & (1u << 26), 0);                         /* 1 GiB pages */
    CHECK_EQ(extended.ecx & (1u << 2), 0);                          /* SVM */
    CHECK_EQ(extended.edx & ((1u << 29) | (1u << 20) | (1u << 11)),
             (1u << 29) | (1u << 20) | (1u << 11)); /* LM, NX, SYSCALL */
}

/* A ud2 without the whole prefix and CPUID behind it is a ud2. */
static void broken_prefix(void)
{
    struct trap_site site;

    RUN_TRAPPING(".byte 0x0f, 0x0b; jmp 1f; .byte 0x78, 0x65, 0x6d; 1: nop", &site, 0);
    CHECK_EQ(trap_last()->vector, 6);
    CHECK_EQ(trap_last()->frame.rip, site.rip);
}

static uint64_t read_cr(int number)
{
    uint64_t value = 0;

    switch (number) {
    case 0:
        asm volatile("mov %%cr0, %0" : "=r"(value));
        break;
    case 2:
        asm volatile("mov %%cr2, %0" : "=r"(value));
        break;
    case 3:
        asm volatile("mov %%cr3, %0" : "=r"(value));
        break;
    case 4:
        asm volatile("mov %%cr4, %0" : "=r"(value));
        break;
    }
    return value;
}

static void control_registers(void)
{
    struct trap_site site;
    uint64_t cr0 = read_cr(0);

    CHECK_EQ(cr0 & (CR0_PE | CR0_TS | CR0_WP | CR0_PG), CR0_PE | CR0_WP | CR0_PG);
    asm volatile("mov %0, %%cr0" ::"r"(cr0 | CR0_TS) : "memory");
    CHECK_EQ(read_cr(0), cr0 | CR0_TS);
    RUN_TRAPPING("fnop", &site, 0);
    check_kernel_trap(&site, 7, 0, FAULT, 0);
    CHECK_EQ(read_cr(0), cr0); /* #NM cleared it */
    hypercall_fpu_taskswitch(1);
    asm volatile("clts");
    CHECK_EQ(read_cr(0), cr0);
    RUN_TRAPPING("mov %%rdi, %%cr0", &site, cr0 & ~CR0_WP);
    check_kernel_trap(&site, 13, 0, FAULT, 0);
    CHECK_EQ(read_cr(3), xen_pfn_to_cr3(address_to_mfn(kernel_l4)));
    asm volatile("mov %0, %%cr3" ::"r"(read_cr(3)) : "memory");
    asm volatile("mov %0, %%cr2" ::"r"(0x12345678UL) : "memory");
    CHECK_EQ(read_cr(2), 0x12345678);
    CHECK_EQ(vcpu_info_here()->arch.cr2, 0x12345678);
    CHECK_EQ(read_cr(4) & (1UL << 5), 1UL << 5); /* PAE */
    asm volatile("mov %0, %%cr4" ::"r"(read_cr(4)) : "memory");
    asm volatile("wbinvd" ::: "memory");
}

static void msrs(void)
{
    trap_expect();
    asm volatile(MAY_TRAP("rdmsr")::"c"(MSR_STAR) : "rax", "rdx");
    CHECK_EQ(trap_last()->vector, 13);
    trap_expect();
    asm volatile(MAY_TRAP("rdmsr")::"c"(0x12345678) : "rax", "rdx");
    CHECK_EQ(trap_last()->vector, 13);
    trap_expect();
    asm volatile(MAY_TRAP("wrmsr")::"c"(0x12345678), "a"(0), "d"(0));
    CHECK_EQ(trap_last()->vector, 13);
    trap_expect();
    asm volatile(MAY_TRAP("rdmsr")::"c"(MSR_EFER) : "rax", "rdx");
    CHECK_EQ(trap_last()->vector, VECTOR_NONE);
}

/* The layout of cache types is the hypervisor's; Linux derives its own from this value. */
static void pat(void)
{
    uint32_t low, high;

    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_PAT));
    CHECK_EQ(((uint64_t)high << 32) | low, 0x0000050100070406UL);
}

#define REFUSED(insn)                                                                              \
    do {                                                                                           \
        struct trap_site site_;                                                                    \
                                                                                                   \
        RUN_TRAPPING(insn, &site_, user_data);                                                     \
        check_kernel_trap(&site_, 13, 0, FAULT, 0);                                                \
    } while (0)

static void refused_instructions(void)
{
    REFUSED("hlt");
    REFUSED("cli");
    REFUSED("sti");
    REFUSED("lgdt (%%rdi)");
    REFUSED("lidt (%%rdi)");
    REFUSED("ltr %%di");
    REFUSED("lldt %%di");
    REFUSED("invlpg (%%rdi)");
    REFUSED("invd");
    REFUSED("lmsw %%di");
    REFUSED("swapgs");
    REFUSED("in $0x80, %%al");
    REFUSED("out %%al, $0x80");
}

static void io_ports(void)
{
    struct physdev_set_iopl iopl = { .iopl = 1 };
    struct trap_frame frame;
    uint8_t value;

    CHECK_EQ(hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    asm volatile("outb %0, $0x80" ::"a"((uint8_t)0));
    asm volatile("inb $0x20, %0" : "=a"(value)); /* the hypervisor's: reads as ones */
    CHECK_EQ(value, 0xff);
    asm volatile("cli; sti"); /* allowed now, and without effect */
    CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, 0);
    user_frame_init(&frame, user_in);
    user_run(&frame);
    CHECK_EQ(frame.vector, 13); /* level 1 is the kernel's */
    iopl.iopl = 3;
    CHECK_EQ(hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    user_frame_init(&frame, user_in);
    user_run(&frame);
    CHECK_EQ(frame.vector, VECTOR_SYSCALL);
    iopl.iopl = 4;
    CHECK_EQ(hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), -XEN_EINVAL);
    iopl.iopl = 0;
    CHECK_EQ(hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    REFUSED("in $0x80, %%al");
}

static void debug_registers(void)
{
    uint64_t value;

    CHECK_EQ(hypercall_set_debugreg(0, 0x1234), 0);
    CHECK_EQ(hypercall_get_debugreg(0), 0x1234);
    asm volatile("mov %%db0, %0" : "=r"(value));
    CHECK_EQ(value, 0x1234);
    asm volatile("mov %0, %%db0" ::"r"(0x4321UL));
    CHECK_EQ(hypercall_get_debugreg(0), 0x4321);
    CHECK_EQ(hypercall_set_debugreg(0, HYPERVISOR_VIRT_START), -XEN_EPERM);
    CHECK_EQ(hypercall_set_debugreg(7, 1UL << 32), -XEN_EINVAL);
    CHECK_EQ(hypercall_set_debugreg(7, 1UL << 13), -XEN_EPERM);
    CHECK_EQ(hypercall_set_debugreg(8, 0), -XEN_ENODEV);
    CHECK_EQ(hypercall_get_debugreg(8), -XEN_ENODEV);
    CHECK_EQ(hypercall_get_debugreg(0), 0x4321);
    CHECK_EQ(hypercall_set_debugreg(0, 0), 0);
    CHECK_EQ(hypercall_get_debugreg(7) & 0x400, 0x400);
}

/* A watchpoint on data: #DB behind the access, DR6 says which. */
static void watchpoint(void)
{
    static uint64_t watched;
    struct trap_site site;

    CHECK_EQ(hypercall_set_debugreg(0, (unsigned long)&watched), 0);
    CHECK_EQ(hypercall_set_debugreg(6, 0), 0);
    CHECK_EQ(hypercall_set_debugreg(7, 0xd0001), 0); /* enabled; a write of 4 bytes */
    RUN_TRAPPING("movl $1, (%%rdi)", &site, &watched);
    CHECK_EQ(hypercall_set_debugreg(7, 0), 0);
    CHECK_EQ(trap_last()->vector, 1);
    CHECK_EQ(trap_last()->frame.rip, site.rip_behind);
    CHECK_EQ(hypercall_get_debugreg(6) & 1, 1);
    CHECK_EQ(hypercall_set_debugreg(6, 0), 0);
    CHECK_EQ(hypercall_set_debugreg(0, 0), 0);
}

/* The vector that it raised. */
static int xsetbv(uint32_t low, uint32_t high)
{
    trap_expect();
    asm volatile(MAY_TRAP("xsetbv")::"c"(0), "a"(low), "d"(high) : "memory");
    return trap_last()->vector;
}

static void time_and_xcr(void)
{
    uint64_t before = arch_cycles(), after = arch_cycles();
    uint32_t low, high;

    CHECK(after >= before);
    if (!(cpuid_forced(1, 0).ecx & (1u << 27)))
        return;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    CHECK_EQ(low & 3, 3);
    CHECK_EQ(xsetbv(low, high),
             6); /* CPUID shows the real CR4's bit; the guest's own is still clear */
    asm volatile("mov %0, %%cr4" ::"r"(read_cr(4) | CR4_OSXSAVE) : "memory");
    CHECK_EQ(read_cr(4) & CR4_OSXSAVE, CR4_OSXSAVE);
    CHECK_EQ(xsetbv(low, high), VECTOR_NONE);
    CHECK_EQ(xsetbv(low & ~1u, high), 13); /* x87 may not go */
}

void workload_emulation(void)
{
    if (!CHECK(user_init()))
        return;
    hypervisor_leaves();
    hidden_features();
    broken_prefix();
    control_registers();
    msrs();
    pat();
    refused_instructions();
    io_ports();
    debug_registers();
    watchpoint();
    time_and_xcr();
}
