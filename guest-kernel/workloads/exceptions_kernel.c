/* SPDX-License-Identifier: MIT */
/*
 * Promise: each exception that guest kernel code raises arrives at its own gate, with a frame that
 * is right in every word and a stack aligned to 16.
 *
 * Faults show the address of the instruction, traps (#DB, #BP, int n) the one behind it. Bit 2 of a
 * page fault's error code tells guest user from guest kernel, whatever ring the hardware was in.
 *
 * ABI: HYPERVISOR_set_trap_table, <xen/arch-x86/xen.h>
 */
#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "workloads/trap_check.h"
#include "workloads/list.h"

#define NON_CANONICAL 0x8000000000001000UL
#define UNMAPPED      0x7ffff000UL
#define WINDOW        0xffffc90000000000UL

#define FAULT_CASE(insn, operand, vector, error)                                                   \
    do {                                                                                           \
        RUN_TRAPPING(insn, &site, operand);                                                        \
        check_kernel_trap(&site, vector, error, FAULT, 0);                                         \
    } while (0)

#define TRAP_CASE(insn, vector)                                                                    \
    do {                                                                                           \
        RUN_TRAPPING(insn, &site, 0);                                                              \
        check_kernel_trap(&site, vector, 0, TRAP, 0);                                              \
    } while (0)

static void plain_exceptions(void)
{
    struct trap_site site;

    FAULT_CASE("div %%rdi", 0, 0, 0);
    TRAP_CASE("int3", 3);
    TRAP_CASE("int $3", 3);
    TRAP_CASE("int $4", 4);
    FAULT_CASE("ud2", 0, 6, 0);
    FAULT_CASE("mov (%%rdi), %%rax", NON_CANONICAL, 13, 0);
    FAULT_CASE("hlt", 0, 13, 0);
    FAULT_CASE("mov %%edi, %%ds", 0x1230, 13, 0x1230);
    FAULT_CASE("mov %%edi, %%es", 0xe00b, 13, 0xe008); /* the hypervisor's code segment */
}

/*
 * What QEMU does not implement as processors do: int1 (it gives #UD), #SS for a non-canonical
 * address through rbp (#GP), SIMD exceptions and alignment checks (none). The frame must be right
 * either way.
 */
static void check_either(const struct trap_site *site, int vector, int vector_in_qemu,
                         enum trap_kind kind)
{
    if (trap_last()->vector == vector)
        check_kernel_trap(site, vector, 0, kind, 0);
    else if (vector_in_qemu != VECTOR_NONE)
        check_kernel_trap(site, vector_in_qemu, 0, FAULT, 0);
    else
        CHECK_EQ(trap_last()->vector, VECTOR_NONE);
}

static void icebp(void)
{
    struct trap_site site;

    RUN_TRAPPING(".byte 0xf1", &site, 0);
    check_either(&site, 1, 6, TRAP);
}

static void stack_fault(void)
{
    struct trap_site site;
    uint64_t rbp = (uint64_t)__builtin_frame_address(0);

    RUN_TRAPPING("mov (%%rbp,%%rdi), %%rax", &site, NON_CANONICAL - rbp);
    check_either(&site, 12, 13, FAULT);
}

static bool return_from_bad_call(struct trap_frame *frame)
{
    if (frame->vector != 14 || !(frame->error & 0x10))
        return false;
    trap_last()->vector = 14;
    trap_last()->frame = *frame;
    trap_last()->cr2 = vcpu_info_here()->arch.cr2;
    frame->rip = *(uint64_t *)frame->rsp;
    frame->rsp += 8;
    return true;
}

static void check_fetch(unsigned long address, uint64_t error)
{
    trap_expect();
    trap_hook(return_from_bad_call);
    ((void (*)(void))address)();
    trap_hook(NULL);
    CHECK_EQ(trap_last()->vector, 14);
    CHECK_EQ(trap_last()->frame.error, error);
    CHECK_EQ(trap_last()->frame.rip, address);
    CHECK_EQ(trap_last()->cr2, address);
}

static void page_faults(void)
{
    struct trap_site site;
    void *page = page_alloc();

    FAULT_CASE("mov (%%rdi), %%rax", UNMAPPED + 8, 14, 0);
    CHECK_EQ(trap_last()->cr2, UNMAPPED + 8);
    FAULT_CASE("mov %%rax, (%%rdi)", UNMAPPED + 16, 14, 2);
    CHECK_EQ(trap_last()->cr2, UNMAPPED + 16);
    check_fetch(UNMAPPED, 0x10);
    if (!CHECK(arch_page_map(WINDOW, arch_page_number(page), 0)))
        return;
    FAULT_CASE("mov %%rax, (%%rdi)", WINDOW, 14, 3);
    CHECK_EQ(trap_last()->cr2, WINDOW);
    check_fetch(WINDOW, 0x11);
    arch_page_unmap(WINDOW);
    FAULT_CASE("mov (%%rdi), %%rax", WINDOW, 14, 0);
    /* The hypervisor's own memory: there, but not for us. */
    RUN_TRAPPING("mov (%%rdi), %%rax", &site, HYPERVISOR_VIRT_START + (5UL << 39));
    CHECK_EQ(trap_last()->vector, 14);
    RUN_TRAPPING("mov %%rax, (%%rdi)", &site, MACH2PHYS_VIRT_START);
    CHECK_EQ(trap_last()->vector, 14);
    CHECK_EQ(trap_last()->frame.error, 3);
    page_free(page);
}

static bool stop_stepping(struct trap_frame *frame)
{
    if (frame->vector == 1)
        frame->rflags &= ~RFLAGS_TF;
    return false;
}

static void single_step(void)
{
    uint64_t expected;

    trap_expect();
    trap_hook(stop_stepping);
    asm volatile("pushfq\n"
                 "orl %[tf], (%%rsp)\n"
                 "lea 772f(%%rip), %[expected]\n"
                 "popfq\n" MAY_TRAP("nop")
                 : [expected] "=&r"(expected)
                 : [tf] "i"(RFLAGS_TF)
                 : "memory", "cc");
    trap_hook(NULL);
    CHECK_EQ(trap_last()->vector, 1);
    CHECK_EQ(trap_last()->frame.rip, expected);
    CHECK_EQ(trap_last()->count, 1);
}

/* With TS set the first use of the FPU traps, and the hypervisor has cleared TS by then. */
static void device_not_available(void)
{
    struct trap_site site;

    CHECK_EQ(hypercall_fpu_taskswitch(1), 0);
    FAULT_CASE("fnop", 0, 7, 0);
    RUN_TRAPPING("fnop", &site, 0);
    CHECK_EQ(trap_last()->vector, VECTOR_NONE);
    CHECK_EQ(hypercall_fpu_taskswitch(1), 0);
    CHECK_EQ(hypercall_fpu_taskswitch(0), 0);
    RUN_TRAPPING("fnop", &site, 0);
    CHECK_EQ(trap_last()->vector, VECTOR_NONE);
}

static void floating_point_errors(void)
{
    struct trap_site site;
    uint16_t unmasked_x87 = 0x37b, plain_x87 = 0x37f; /* zero-divide unmasked; all masked */
    uint32_t unmasked_sse = 0x1d80, plain_sse = 0x1f80;

    asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp" ::"m"(unmasked_x87));
    FAULT_CASE("fwait", 0, 16, 0);
    asm volatile("fnclex; fninit; fldcw %0" ::"m"(plain_x87));
    asm volatile("ldmxcsr %0; pcmpeqd %%xmm0, %%xmm0; psrld $25, %%xmm0; pslld $23, %%xmm0;"
                 "pxor %%xmm1, %%xmm1" ::"m"(unmasked_sse));
    RUN_TRAPPING("divss %%xmm1, %%xmm0", &site, 0);
    check_either(&site, 19, VECTOR_NONE, FAULT);
    asm volatile("ldmxcsr %0" ::"m"(plain_sse));
}

static void alignment_check(void)
{
    struct trap_site site;
    uint64_t value[2] = { 0, 0 };

    asm volatile("pushfq; orl %0, (%%rsp); popfq" ::"i"(RFLAGS_AC) : "memory", "cc");
    RUN_TRAPPING("mov 1(%%rdi), %%rax", &site, value);
    asm volatile("pushfq; andl %0, (%%rsp); popfq" ::"i"(~RFLAGS_AC) : "memory", "cc");
    check_either(&site, 17, VECTOR_NONE, FAULT);
}

/* With events masked the frame says so, and says IF clear. */
static void masked_frame(void)
{
    struct trap_site site;
    bool enabled = arch_irq_disable();

    RUN_TRAPPING("ud2", &site, 0);
    CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, 1); /* iret put it back */
    arch_irq_restore(enabled);
    check_kernel_trap(&site, 6, 0, FAULT, 1);
}

/* Any RSP will do: the hypervisor aligns the frame itself, and hands the old one back. */
static void unaligned_stack(void)
{
    uint64_t expected, after;

    trap_expect();
    asm volatile("mov %%rsp, %%r8\n"
                 "sub $5, %%rsp\n"
                 "mov %%rsp, %[expected]\n" MAY_TRAP("ud2") "mov %%rsp, %[after]\n"
                                                            "mov %%r8, %%rsp\n"
                 : [expected] "=&r"(expected), [after] "=&r"(after)::"r8", "memory");
    CHECK_EQ(trap_last()->vector, 6);
    CHECK_EQ(trap_last()->frame.rsp, expected);
    CHECK_EQ(trap_last()->frame_end, expected & ~15UL);
    CHECK_EQ(after, expected);
}

void workload_exceptions_kernel(void)
{
    plain_exceptions();
    icebp();
    stack_fault();
    page_faults();
    single_step();
    device_not_available();
    floating_point_errors();
    alignment_check();
    masked_frame();
    unaligned_stack();
}
