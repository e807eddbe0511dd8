/* SPDX-License-Identifier: MIT */
/*
 * Promise: a hypercall changes rax and, where SYSCALL is used bare, rcx and r11, and nothing else.
 * SYSCALL may stand anywhere; a hypercall page can be had at any time by an MSR.
 *
 * ABI: <xen/arch-x86/xen-x86_64.h>; leaf 0x40000002, <xen/arch-x86/cpuid.h>
 */
#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/list.h"
#include "workloads/window.h"

#define MSR_HYPERCALL_PAGE 0x40000000
#define STUB_SIZE          32
#define UNKNOWN_HYPERCALL  47

/* All that must survive, in the order of call_with_pattern.S. */
struct registers {
    uint64_t rdi, rsi, rdx, r8, r9, r10, rbx, rbp, r12, r13, r14, r15, rcx, r11, rax;
};

static const struct registers pattern = {
    .rdi = 0, /* xen_version's operation */
    .rsi = 0x0101010101010101,
    .rdx = 0x0202020202020202,
    .r8 = 0x0303030303030303,
    .r9 = 0x0404040404040404,
    .r10 = 0x0505050505050505,
    .rbx = 0x0606060606060606,
    .rbp = 0x0707070707070707,
    .r12 = 0x0808080808080808,
    .r13 = 0x0909090909090909,
    .r14 = 0x0a0a0a0a0a0a0a0a,
    .r15 = 0x0b0b0b0b0b0b0b0b,
    .rcx = 0x0c0c0c0c0c0c0c0c,
    .r11 = 0x0d0d0d0d0d0d0d0d,
};

/* In call_with_pattern.S. */
void call_with_pattern(const void *function, uint64_t number, struct registers *after,
                       const struct registers *from);
extern const uint8_t bare_syscall[];

static void compare(const struct registers *after, bool whole)
{
    CHECK_EQ(memcmp(after, &pattern, offsetof(struct registers, rcx)), 0);
    if (whole) {
        CHECK_EQ(after->rcx, pattern.rcx);
        CHECK_EQ(after->r11, pattern.r11);
    }
}

static void registers_survive(const uint8_t *page)
{
    struct registers after;

    call_with_pattern(page + __HYPERVISOR_xen_version * STUB_SIZE, 0, &after, &pattern);
    CHECK_EQ(after.rax >> 16, 4);
    compare(&after, true);
    call_with_pattern(page + UNKNOWN_HYPERCALL * STUB_SIZE, 0, &after, &pattern);
    CHECK_EQ(after.rax, -XEN_ENOSYS);
    compare(&after, true);
    call_with_pattern(bare_syscall, __HYPERVISOR_xen_version, &after, &pattern);
    CHECK_EQ(after.rax >> 16, 4);
    compare(&after, false);
}

/* IF is the mask's business; what the guest may set of the flags comes back as it was. */
static void flags_survive(void)
{
    uint64_t flags;

    asm volatile("pushfq; orq $0xcc5, (%%rsp); popfq\n" /* OF DF ZF SF PF CF */
                 "mov %[nr], %%eax; xor %%edi, %%edi; pushfq; popq %%r12\n"
                 "syscall\n"
                 "pushfq; popq %[flags]\n"
                 "cld\n"
                 "xor %%r12, %[flags]\n"
                 : [flags] "=&r"(flags)
                 : [nr] "i"(__HYPERVISOR_xen_version)
                 : "rax", "rcx", "rdi", "r11", "r12", "memory", "cc");
    CHECK_EQ(flags, 0);
}

static int write_msr(uint64_t value)
{
    trap_expect();
    asm volatile(MAY_TRAP("wrmsr")::"c"(MSR_HYPERCALL_PAGE), "a"((uint32_t)value),
                 "d"((uint32_t)(value >> 32))
                 : "memory");
    return trap_last()->vector;
}

static void another_page(void)
{
    uint8_t *page = page_alloc();

    memset(page, 0xcc, PAGE_SIZE);
    CHECK_EQ(write_msr((address_to_mfn(page) << PAGE_SHIFT) | 1), 13); /* there is only page 0 */
    CHECK_EQ(page[0], 0xcc);
    if (CHECK_EQ(write_msr(address_to_mfn(page) << PAGE_SHIFT), VECTOR_NONE)) {
        CHECK(page[0] != 0xcc);
        registers_survive(page);
    }
    CHECK_EQ(write_msr(0xffffffffUL << PAGE_SHIFT), 13);
    CHECK_EQ(write_msr(address_to_mfn(kernel_l4) << PAGE_SHIFT), 13); /* a table is not written */
    memset(page, 0, PAGE_SIZE);                                       /* still ours */
    page_free(page);
}

void workload_hypercall_entry(void)
{
    registers_survive(hypercall_page);
    flags_survive();
    another_page();
}
