/* SPDX-License-Identifier: MIT */
/*
 * Promise: an iret frame that the processor cannot take is the guest's own fault: it comes as the
 * exception that the processor gives, with the frame's registers, and the guest goes on. Whatever
 * the frame says of privilege (IOPL, VM, the RPL of its selectors) gives none.
 *
 * Frames that cannot even be read end the domain: crash=iret-... (arch/pv/crash.c).
 *
 * ABI: HYPERVISOR_iret, struct iret_context, VGCF_in_syscall, <xen/arch-x86/xen-x86_64.h>
 */
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

#define NON_CANONICAL 0x8000000000001000UL
#define EMPTY         0x1230UL /* of the GDT: nobody set it */
#define EMPTY_LOCAL   0x0cUL   /* there is no LDT */
#define RFLAGS_ONE    0x2UL
#define RFLAGS_IOPL   0x3000UL
#define RFLAGS_NT     0x4000UL
#define RFLAGS_VM     0x20000UL
#define ROOM          4096UL /* of the stack, for what runs below */
#define RAX_MARK      0x1a1a1a1aUL

#define KERNEL_CS (FLAT_KERNEL_CS & ~3UL) /* RPL 0 stays in the guest kernel */
#define KERNEL_SS ((uint64_t)FLAT_KERNEL_SS)

static struct {
    uint64_t sp;
    unsigned count;
    uint8_t mask_inside;
    struct trap_frame frame;
} caught;

/* The frame stands for a place to which nobody can go back: leave by the stack that user_enter
 * saved. */
static bool catch (struct trap_frame *frame)
{
    if (frame->vector == VECTOR_EVENT)
        return false;
    caught.count++;
    caught.frame = *frame;
    caught.mask_inside = vcpu_info_here()->evtchn_upcall_mask;
    user_leave(caught.sp);
}

/* The iret hypercall with FRAME, within kernel mode; what came of it is in "caught". */
static void go(struct trap_frame *frame)
{
    bool enabled = arch_irq_disable();

    caught.count = 0;
    trap_hook(catch);
    user_enter(frame, &caught.sp);
    trap_hook(NULL);
    arch_irq_restore(enabled);
}

/* Events stay masked: the frame's IF says so. Its RSP is on this stack: who I am is answered by it.
 */
static void kernel_frame_init(struct trap_frame *frame, uint64_t rip)
{
    *frame = (struct trap_frame){
        .rip = rip,
        .cs = KERNEL_CS,
        .ss = KERNEL_SS,
        .rsp = (arch_stack_pointer() & ~15UL) - ROOM,
        .rflags = RFLAGS_ONE,
        .rax = RAX_MARK,
        .rcx = TRAP_RCX,
        .r11 = TRAP_R11,
    };
}

/* Where a good frame leads. */
extern const uint8_t iret_landing[];
asm(".pushsection .text\n"
    "iret_landing: ud2\n"
    ".popsection");

/* clang-format off: a row a line */
static const struct bad_frame {
    const char *what;
    uint64_t rip; /* 0: a good one */
    uint64_t cs, ss;
    uint64_t error; /* of the #GP */
} bad_frames[] = {
    { "rip", NON_CANONICAL, KERNEL_CS, KERNEL_SS, 0 },
    { "rip just above the user half", 0x0000800000000000UL, KERNEL_CS, KERNEL_SS, 0 },
    { "rip just below the kernel half", 0xffff7fffffffffffUL, KERNEL_CS, KERNEL_SS, 0 },
    { "cs null", 0, 0, KERNEL_SS, 0 },
    { "cs empty", 0, EMPTY, KERNEL_SS, EMPTY },
    { "cs of no LDT", 0, EMPTY_LOCAL, KERNEL_SS, EMPTY_LOCAL },
    { "cs is data", 0, FLAT_RING3_SS64 & ~3UL, KERNEL_SS, FLAT_RING3_SS64 & ~3UL },
    { "cs of the hypervisor", 0, 0xe008, KERNEL_SS, 0xe008 },
    { "cs is a task", 0, 0xe040, KERNEL_SS, 0xe040 },
    { "ss empty", 0, KERNEL_CS, EMPTY, EMPTY },
    { "ss of no LDT", 0, KERNEL_CS, EMPTY_LOCAL, EMPTY_LOCAL },
    { "ss is code", 0, KERNEL_CS, FLAT_RING3_CS64, FLAT_RING3_CS64 & ~3UL },
    { "ss of the hypervisor", 0, KERNEL_CS, 0xe010, 0xe010 },
    { "ss null", 0, KERNEL_CS, 0, 0 },
    { "all at once", NON_CANONICAL, EMPTY, EMPTY, EMPTY },
};
/* clang-format on */

static void check_registers(const struct trap_frame *got, const struct trap_frame *sent)
{
    CHECK_EQ(got->rip, sent->rip);
    CHECK_EQ(got->rsp, sent->rsp);
    CHECK_EQ(got->rax, sent->rax);
    CHECK_EQ(got->rcx, sent->rcx);
    CHECK_EQ(got->r11, sent->r11);
}

static void from_kernel(void)
{
    struct trap_frame frame;

    for (unsigned i = 0; i < sizeof(bad_frames) / sizeof(bad_frames[0]); i++) {
        const struct bad_frame *bad = &bad_frames[i];

        check_context("(kernel, %s)", bad->what);
        kernel_frame_init(&frame, bad->rip != 0 ? bad->rip : (uint64_t)iret_landing);
        frame.cs = bad->cs;
        frame.ss = bad->ss;
        go(&frame);
        CHECK_EQ(caught.count, 1);
        CHECK_EQ(caught.frame.vector, 13);
        CHECK_EQ(caught.frame.error, bad->error);
        check_registers(&caught.frame, &frame);
        CHECK_EQ(caught.frame.cs, bad->cs | 1UL << 32); /* masked, as its IF said */
        CHECK_EQ(caught.frame.ss & 0xffff, bad->ss | 3);
        CHECK_EQ(caught.mask_inside, 1);
    }
    check_context("%s", "");
}

static void from_user(void)
{
    struct trap_frame before, after;

    for (unsigned i = 0; i < sizeof(bad_frames) / sizeof(bad_frames[0]); i++) {
        const struct bad_frame *bad = &bad_frames[i];

        check_context("(user, %s)", bad->what);
        user_frame_init(&before, user_syscall);
        if (bad->rip != 0)
            before.rip = bad->rip;
        before.cs = bad->cs | 3;
        before.ss = bad->ss | 3;
        before.rax = RAX_MARK;
        before.rcx = TRAP_RCX;
        before.r11 = TRAP_R11;
        after = before;
        user_run(&after);
        CHECK_EQ(after.vector, 13);
        CHECK_EQ(after.error, bad->error);
        check_registers(&after, &before);
        CHECK_EQ(after.cs, before.cs); /* RPL 3: from user mode, which runs unmasked */
        CHECK_EQ(after.ss & 0xffff, before.ss);
    }
    check_context("%s", "");
}

/* SYSRET to an address that is not canonical would fault in ring 0. */
static void as_from_syscall(void)
{
    struct trap_frame frame;

    kernel_frame_init(&frame, NON_CANONICAL);
    frame.flags = VGCF_in_syscall;
    go(&frame);
    CHECK_EQ(caught.count, 1);
    CHECK_EQ(caught.frame.vector, 13);
    CHECK_EQ(caught.frame.error, 0);
    CHECK_EQ(caught.frame.rip, NON_CANONICAL);
    CHECK_EQ(caught.frame.rax, RAX_MARK);
    user_frame_init(&frame, user_syscall);
    frame.rip = NON_CANONICAL;
    frame.flags = VGCF_in_syscall;
    user_run(&frame);
    CHECK_EQ(frame.vector, 13);
    CHECK_EQ(frame.error, 0);
    CHECK_EQ(frame.rip, NON_CANONICAL);
}

/* Flags that a guest may not have are dropped, the others come through. */
static void flags(void)
{
    static const uint64_t kept = 0x8d5 | RFLAGS_AC | RFLAGS_NT; /* OF, SF, ZF, AF, PF, CF */
    struct trap_frame frame;

    kernel_frame_init(&frame, (uint64_t)iret_landing);
    frame.rflags = RFLAGS_ONE | kept | RFLAGS_IOPL | RFLAGS_VM;
    go(&frame);
    CHECK_EQ(caught.frame.vector, 6);
    check_registers(&caught.frame, &frame);
    CHECK_EQ(caught.frame.rflags & ~RFLAGS_RF, RFLAGS_ONE | kept);
    CHECK_EQ(caught.frame.cs, KERNEL_CS | 1UL << 32);
    user_frame_init(&frame, user_cli);
    frame.rflags |= RFLAGS_IOPL | RFLAGS_VM;
    user_run(&frame);
    CHECK_EQ(frame.vector, 13); /* CLI: there is no IOPL */
    CHECK_EQ(frame.rip, user_address(user_cli));
}

/* Ring 0's selectors with RPL 0 are no way up: the hypervisor makes it 3. */
static void privilege(void)
{
    struct trap_frame frame;

    kernel_frame_init(&frame, (uint64_t)iret_landing);
    frame.ss = KERNEL_SS & ~3UL;
    go(&frame);
    CHECK_EQ(caught.frame.vector, 6);
    CHECK_EQ(caught.frame.ss & 0xffff, KERNEL_SS);
    CHECK_EQ(caught.frame.rip, (uint64_t)iret_landing);
}

void workload_iret(void)
{
    if (!CHECK(user_init()))
        return;
    from_kernel();
    from_user();
    as_from_syscall();
    flags();
    privilege();
}
