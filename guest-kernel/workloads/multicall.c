/* SPDX-License-Identifier: MIT */
/*
 * Promise: a multicall does its calls in order and writes each result into its entry; an error
 * stops none of the others; another multicall inside is refused; iret inside ends it.
 *
 * ABI: HYPERVISOR_multicall, <xen/xen.h>
 */
#include <xen/version.h>

#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define UNKNOWN   47
#define UNTOUCHED 0x7777

static void results(void)
{
    multicall_entry_t calls[6];
    unsigned long pfn = arch_page_number(window_frames[0]);

    memset(calls, 0, sizeof(calls));
    for (unsigned i = 0; i < 6; i++)
        calls[i].result = UNTOUCHED;
    calls[0].op = __HYPERVISOR_xen_version;
    calls[1].op = UNKNOWN;
    calls[2].op = __HYPERVISOR_multicall;
    calls[3].op = __HYPERVISOR_update_va_mapping;
    calls[3].args[0] = window_va(0);
    calls[3].args[1] = pte_make(pfn_to_mfn(pfn), MAPPED_RW);
    calls[3].args[2] = UVMF_INVLPG;
    calls[4].op = ~0UL;
    calls[5].op = __HYPERVISOR_xen_version;
    calls[5].args[0] = XENVER_pagesize;
    CHECK_EQ(hypercall_multicall(calls, 6), 0);
    CHECK_EQ(calls[0].result, hypercall_xen_version(0, NULL));
    CHECK_EQ(calls[1].result, -XEN_ENOSYS);
    CHECK_EQ(calls[2].result, -XEN_EINVAL);
    CHECK_EQ(calls[3].result, 0);
    CHECK_EQ(*(uint64_t *)window_va(0), window_frames[0][0]);
    CHECK_EQ(calls[4].result, -XEN_ENOSYS);
    CHECK_EQ(calls[5].result, PAGE_SIZE);
    CHECK_EQ(calls[3].args[0], window_va(0)); /* arguments are as they were */
}

static void refused(void)
{
    multicall_entry_t call = { .op = __HYPERVISOR_xen_version };

    CHECK_EQ(hypercall_multicall(&call, 0), 0);
    CHECK_EQ(hypercall_multicall(NULL, 1), -XEN_EFAULT);
    CHECK_EQ(hypercall_multicall((multicall_entry_t *)HYPERVISOR_VIRT_START, 1), -XEN_EFAULT);
    CHECK_EQ(hypercall_multicall((multicall_entry_t *)(HYPERVISOR_VIRT_START - 64), 2),
             -XEN_EFAULT);
}

/* The list runs off into a page that is not there: what was before it is done. */
static void runs_off(void)
{
    multicall_entry_t *last = (multicall_entry_t *)(window_va(1) - sizeof(*last));

    CHECK_EQ(pte_set(&window_l1[0], window_pte(0, MAPPED_RW)), 0);
    CHECK_EQ(pte_set(&window_l1[1], 0), 0);
    mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0);
    *last = (multicall_entry_t){ .op = __HYPERVISOR_xen_version, .result = UNTOUCHED };
    CHECK_EQ(hypercall_multicall(last, 2), -XEN_EFAULT);
    CHECK_EQ(last->result, hypercall_xen_version(0, NULL));
}

/*
 * The iret takes its frame from the stack of the multicall: execution goes on where that says, and
 * what follows in the list is not done.
 */
static void iret_inside(void)
{
    static struct iret_context frame __attribute__((aligned(16)));
    static multicall_entry_t calls[3];
    uint64_t saved;

    memset(calls, 0, sizeof(calls));
    calls[0] = (multicall_entry_t){ .op = __HYPERVISOR_xen_version, .result = UNTOUCHED };
    calls[1] = (multicall_entry_t){ .op = __HYPERVISOR_iret, .result = UNTOUCHED };
    calls[2] = (multicall_entry_t){ .op = __HYPERVISOR_xen_version, .result = UNTOUCHED };
    frame.cs = FLAT_KERNEL_CS & ~3UL;
    frame.ss = FLAT_KERNEL_SS;
    frame.rflags = 0x202;
    asm volatile("mov %%rsp, 56(%[frame])\n" /* rsp */
                 "mov %%rsp, %[saved]\n"
                 "lea 1f(%%rip), %%rax\n"
                 "mov %%rax, 32(%[frame])\n" /* rip */
                 "mov %[frame], %%rsp\n"
                 "mov %[calls], %%rdi\n"
                 "mov $3, %%esi\n"
                 "mov %[nr], %%eax\n"
                 "syscall\n"
                 "ud2\n"
                 "1:\n"
                 : [saved] "=&r"(saved)
                 : [frame] "r"(&frame), [calls] "r"(calls), [nr] "i"(__HYPERVISOR_multicall)
                 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r10", "r11", "memory", "cc");
    CHECK_EQ(calls[0].result, hypercall_xen_version(0, NULL));
    CHECK_EQ(calls[2].result, UNTOUCHED);
}

/* Long lists are interrupted and continued without losing or repeating a call. */
static void long_list(void)
{
    unsigned count = 4 * PAGE_SIZE / sizeof(multicall_entry_t);
    multicall_entry_t *calls = page_alloc_contiguous(4, 1);

    memset(calls, 0, 4 * PAGE_SIZE);
    for (unsigned i = 0; i < count; i++) {
        calls[i].op = __HYPERVISOR_update_va_mapping;
        calls[i].args[0] = window_va(i % 64);
        calls[i].args[1] = window_pte(i % WINDOW_FRAMES, MAPPED_RW);
        calls[i].result = UNTOUCHED;
    }
    CHECK_EQ(hypercall_multicall(calls, count), 0);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQ(calls[i].result, 0);
    page_free_contiguous(calls, 4);
}

void workload_multicall(void)
{
    if (!window_open())
        return;
    results();
    refused();
    runs_off();
    iret_inside();
    long_list();
    window_close();
}
