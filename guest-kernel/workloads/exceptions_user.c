/* SPDX-License-Identifier: MIT */
/*
 * Promise: what user mode raises enters the kernel on the stack of the last stack_switch, with RPL
 * 3 in the frame; SYSCALL goes to the syscall callback and is never a hypercall; user mode sees its
 * own root only.
 *
 * ABI: CALLBACKTYPE_syscall, <xen/callback.h>; HYPERVISOR_iret, HYPERVISOR_stack_switch,
 * <xen/xen.h>
 */
#include "arch/pv/page_table.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/list.h"

#define USER_UNMAPPED 0x500000UL

/* Runs CODE with RDI and recognisable registers; AFTER is the frame that came back. */
static void run(const uint8_t *code, uint64_t rdi, struct trap_frame *before,
                struct trap_frame *after)
{
    user_frame_init(before, code);
    before->rdi = rdi;
    before->rcx = TRAP_RCX;
    before->r11 = TRAP_R11;
    before->rbx = 0xb0b0b0b0UL;
    before->rbp = 0xb1b1b1b1UL;
    before->r15 = 0xb2b2b2b2UL;
    *after = *before;
    user_run(after);
}

static const struct user_case {
    const uint8_t *code;
    const uint8_t *rip; /* expected */
    uint64_t rdi;
    int vector;
    uint64_t error;
} cases[] = {
    { user_syscall, user_syscall_behind, 0, VECTOR_SYSCALL, 0 },
    { user_int80, user_int80_behind, 0, 0x80, 0 },
    { user_int3, user_int3_behind, 0, 3, 0 },
    { user_int4, user_int4_behind, 0, 4, 0 },
    { user_ud2, user_ud2, 0, 6, 0 },
    { user_divide, user_divide, 0, 0, 0 },
    { user_hlt, user_hlt, 0, 13, 0 },
    { user_cli, user_cli, 0, 13, 0 },
    { user_in, user_in, 0, 13, 0 },
    { user_bad_ds, user_bad_ds, 0x1230, 13, 0x1230 },
    { user_read, user_read, 0x8000000000001000UL, 13, 0 },
    { user_read, user_read, USER_UNMAPPED, 14, 4 },
    { user_write, user_write, USER_UNMAPPED, 14, 6 },
    { user_write, user_write, USER_BASE, 14, 7 },
    /* Kernel memory, the M2P's neighbour: not in the user root at all. */
    { user_read, user_read, VIRT_BASE + 0x100000, 14, 4 },
    { user_write, user_write, VIRT_BASE + 0x100000, 14, 6 },
};

static void all_cases(void)
{
    struct trap_frame before, after;

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct user_case *row = &cases[i];

        run(row->code, row->rdi, &before, &after);
        check_user_trap(&after, &before, row->vector, row->error, user_address(row->rip));
        if (row->vector == 14)
            CHECK_EQ(vcpu_info_here()->arch.cr2, row->rdi);
    }
}

/* With the assist, a root that becomes the user's shows no machine-to-physical table; the kernel's does. */
static void strict_about_m2p(void)
{
    struct trap_frame before, after;

    CHECK_EQ(hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_m2p_strict), 0);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    CHECK_EQ(mmuext_frame(MMUEXT_NEW_USER_BASEPTR, user_root_mfn()), 0);
    (void)*(volatile uint64_t *)HYPERVISOR_VIRT_START; /* the kernel sees it, and so does the TLB */
    run(user_read, HYPERVISOR_VIRT_START, &before, &after);
    check_user_trap(&after, &before, 14, 4, user_address(user_read));
    CHECK_EQ(hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_m2p_strict), 0);
}

static void bad_jumps(void)
{
    struct trap_frame before, after;

    run(user_jump, USER_UNMAPPED, &before, &after);
    check_user_trap(&after, &before, 14, 0x14, USER_UNMAPPED);
    run(user_jump, USER_DATA, &before, &after);
    check_user_trap(&after, &before, 14, 0x15, USER_DATA);
}

static void single_step(void)
{
    struct trap_frame frame;

    user_frame_init(&frame, user_step);
    frame.rflags |= RFLAGS_TF;
    user_run(&frame);
    CHECK_EQ(frame.vector, 1);
    CHECK_EQ(frame.rip, user_address(user_step_behind));
    CHECK_EQ(!!(frame.rflags & RFLAGS_TF), 1);
}

/* SYSCALL's frame holds the real rcx and r11 of the instruction: return address and flags. */
static void syscall_registers(void)
{
    struct trap_frame before, after;

    run(user_syscall, 7, &before, &after);
    CHECK_EQ(after.rcx, user_address(user_syscall_behind));
    CHECK_EQ(after.r11 & ~RFLAGS_RF, before.rflags);
    CHECK_EQ(after.rdi, 7);
    /* shutdown with every argument right, but from user mode */
    run(user_hypercall, 0, &before, &after);
    CHECK_EQ(after.vector, VECTOR_SYSCALL);
    CHECK_EQ(after.rax, 29);
}

static void device_not_available(void)
{
    struct trap_frame before, after;

    hypercall_fpu_taskswitch(1);
    run(user_fnop, 0, &before, &after);
    check_user_trap(&after, &before, 7, 0, user_address(user_fnop));
    user_run(&after); /* TS is clear now */
    CHECK_EQ(after.vector, VECTOR_SYSCALL);
}

/* The kernel's stack for entries from user mode is where stack_switch put it, aligned down. */
static void entry_stack(void)
{
    struct trap_frame before, after;

    run(user_syscall, 0, &before, &after);
    CHECK_EQ(trap_last()->frame_end % 16, 0);
    CHECK((trap_last()->frame_end & ~(STACK_SIZE - 1)) ==
          (arch_stack_pointer() & ~(STACK_SIZE - 1)));
}

/* flags VGCF_in_syscall: rcx and r11 are not restored, the rest is. */
static void return_as_syscall(void)
{
    struct trap_frame frame;

    user_frame_init(&frame, user_ud2);
    frame.flags = VGCF_in_syscall;
    frame.rax = 0xabcdef;
    frame.rdx = 0x123456;
    user_run(&frame);
    CHECK_EQ(frame.vector, 6);
    CHECK_EQ(frame.rip, user_address(user_ud2));
    CHECK_EQ(frame.rsp, USER_STACK_TOP);
    CHECK_EQ(frame.rax, 0xabcdef);
    CHECK_EQ(frame.rdx, 0x123456);
    CHECK_EQ(frame.rcx, user_address(user_ud2)); /* as SYSRET leaves it */
}

void workload_exceptions_user(void)
{
    if (!CHECK(user_init()))
        return;
    all_cases();
    strict_about_m2p();
    bad_jumps();
    single_step();
    syscall_registers();
    device_not_available();
    entry_stack();
    return_as_syscall();
}
