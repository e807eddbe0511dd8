/* SPDX-License-Identifier: MIT */
/*
 * Guest user mode: its own root, and the way there and back.
 *
 * L4 slot 0 is shared by both roots (the kernel reaches user memory at the same address); the user
 * root has nothing else, as page protection cannot keep user mode from kernel pages: both run in
 * ring 3.
 *
 * ABI: MMUEXT_NEW_USER_BASEPTR, HYPERVISOR_iret, HYPERVISOR_stack_switch, <xen/xen.h>
 */
#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/string.h"

#define RFLAGS_IF  0x200UL
#define RFLAGS_ONE 0x002UL

uint8_t *user_data;

static uint64_t *user_l4;
static struct trap_frame *running[CPU_MAX];
static uint64_t saved_sp[CPU_MAX];

unsigned long user_root_mfn(void)
{
    return address_to_mfn(user_l4);
}

static bool map_user_page(unsigned long va, const void *page, unsigned flags)
{
    return arch_page_map(va, arch_page_number(page), flags | ARCH_PAGE_USER);
}

static bool map_user_image(void)
{
    const uint8_t *text = user_text_start;
    void *stack = page_alloc();

    user_data = page_alloc();
    if (stack == NULL || user_data == NULL)
        return false;
    memset(user_data, 0, PAGE_SIZE);
    for (unsigned long at = 0; text + at < user_text_end; at += PAGE_SIZE)
        if (!map_user_page(USER_BASE + at, text + at, ARCH_PAGE_EXEC))
            return false;
    return map_user_page(USER_DATA, user_data, ARCH_PAGE_WRITE) &&
           map_user_page(USER_STACK_TOP - PAGE_SIZE, stack, ARCH_PAGE_WRITE);
}

bool user_init(void)
{
    if (user_l4 == NULL) {
        if (!map_user_image())
            return false;
        user_l4 = page_alloc();
        memset(user_l4, 0, PAGE_SIZE);
        user_l4[0] = kernel_l4[0];
        if (page_set_readonly(user_l4) != 0 || page_pin(user_l4, 4) != 0)
            panic("the hypervisor refused the user root");
    }
    return mmuext_frame(MMUEXT_NEW_USER_BASEPTR, user_root_mfn()) == 0;
}

void user_frame_init(struct trap_frame *frame, const void *function)
{
    memset(frame, 0, sizeof(*frame));
    frame->rip = USER_BASE + (uint64_t)((const uint8_t *)function - user_text_start);
    frame->cs = FLAT_USER_CS;
    frame->ss = FLAT_USER_SS;
    frame->rsp = USER_STACK_TOP;
    frame->rflags = RFLAGS_IF | RFLAGS_ONE;
}

void user_run(struct trap_frame *frame)
{
    bool enabled = arch_irq_disable();
    unsigned cpu = cpu_id();

    running[cpu] = frame;
    user_enter(frame, &saved_sp[cpu]);
    arch_irq_restore(enabled);
}

void user_trapped(struct trap_frame *frame);

/* Any entry from user mode but an event ends user_run. */
void user_trapped(struct trap_frame *frame)
{
    unsigned cpu = cpu_id();

    *running[cpu] = *frame;
    user_leave(saved_sp[cpu]);
}
