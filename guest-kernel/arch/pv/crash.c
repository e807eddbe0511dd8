/* SPDX-License-Identifier: MIT */
/*
 * Ways for a guest to die on purpose: so that those who report a dead guest can be tested.
 */
#include "arch/pv/pv.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/string.h"

static void crash_panic(void)
{
    panic("asked for by crash=panic");
}

/* A jump to an unmapped address: the kernel's own handler reports it. */
static void crash_null_jump(void)
{
    asm volatile("xor %%eax, %%eax; call *%%rax" ::: "rax", "memory");
}

/* No frame can be pushed: the hypervisor must end the domain. */
static void crash_bad_stack(void)
{
    asm volatile("mov %0, %%rsp; ud2" ::"r"(0x1000UL));
}

static void crash_hypervisor_stack(void)
{
    asm volatile("mov %0, %%rsp; ud2" ::"r"(HYPERVISOR_VIRT_START + 0x10000));
}

/* An exception whose gate has no handler. */
static void crash_no_handler(void)
{
    hypercall_set_trap_table(NULL);
    asm volatile("ud2");
}

/* A handler that cannot be fetched: each attempt faults again until the stack is used up. */
static void crash_bad_handler(void)
{
    trap_gate_handler(14, (const void *)0x1000, GATE_MASK_EVENTS);
    asm volatile("movb $0, 0x2000");
}

/* To user mode without a user page table. */
static void crash_no_user_root(void)
{
    struct mmuext_op op = { .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = 0 };
    struct trap_frame frame = { .cs = FLAT_USER_CS, .ss = FLAT_USER_SS, .rflags = 0x202 };
    uint64_t sp;

    hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
    user_enter(&frame, &sp);
}

/* The iret hypercall with its frame at SP: the hypercall page's stub would push on it. */
static void iret_at(uint64_t sp)
{
    asm volatile("mov %0, %%rsp; mov %1, %%eax; syscall" ::"r"(sp), "i"(__HYPERVISOR_iret));
}

static void crash_iret_unmapped(void)
{
    iret_at(0x1000);
}

/* Four words of the frame are on a page at VA, the others behind it. */
static void iret_at_end_of_page(uint64_t va)
{
    void *page = page_alloc();

    if (page == NULL || !arch_page_map(va, arch_page_number(page), ARCH_PAGE_WRITE))
        panic("no page for the frame");
    memset((void *)va, 0, PAGE_SIZE);
    iret_at(va + PAGE_SIZE - 32);
}

static void crash_iret_half(void)
{
    iret_at_end_of_page(0x10000);
}

static void crash_iret_hypervisor(void)
{
    iret_at(HYPERVISOR_VIRT_START + 0x10000);
}

/* It begins with the hypervisor's last words and ends with the guest's first. */
static void crash_iret_across(void)
{
    iret_at(HYPERVISOR_VIRT_END - 32);
}

/* It goes on where addresses are not canonical: a #GP, not a page fault, inside the hypervisor. */
static void crash_iret_hole(void)
{
    iret_at_end_of_page(0x0000800000000000UL - PAGE_SIZE);
}

/* The frame can be read; the exception that its RIP causes cannot be pushed where its RSP points.
 */
static void crash_iret_stack(void)
{
    struct trap_frame frame = {
        .rip = 0x8000000000000000UL,
        .cs = FLAT_KERNEL_CS & ~3UL,
        .ss = FLAT_KERNEL_SS,
        .rsp = 0x8000000000000000UL,
    };
    uint64_t sp;

    user_enter(&frame, &sp);
}

/* What the hypervisor does where a watchdog was set, and nobody set it again. */
static void crash_watchdog(void)
{
    struct sched_shutdown shutdown = { .reason = SHUTDOWN_watchdog };

    hypercall_sched_op(SCHEDOP_shutdown, &shutdown);
}

static const struct crash {
    const char *kind;
    void (*run)(void);
} crashes[] = {
    { "panic", crash_panic },
    { "null-jump", crash_null_jump },
    { "bad-stack", crash_bad_stack },
    { "hypervisor-stack", crash_hypervisor_stack },
    { "no-handler", crash_no_handler },
    { "bad-handler", crash_bad_handler },
    { "no-user-root", crash_no_user_root },
    { "iret-unmapped", crash_iret_unmapped },
    { "iret-half", crash_iret_half },
    { "iret-hypervisor", crash_iret_hypervisor },
    { "iret-across", crash_iret_across },
    { "iret-hole", crash_iret_hole },
    { "iret-stack", crash_iret_stack },
    { "watchdog", crash_watchdog },
};

bool arch_crash(const char *kind)
{
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
        if (strcmp(crashes[i].kind, kind) == 0) {
            crashes[i].run();
            panic("crash=%s did not end the guest", kind);
        }
    }
    return false;
}
