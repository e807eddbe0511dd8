/* SPDX-License-Identifier: MIT */
/*
 * Promise: data selectors that cannot be loaded any more when a vCPU gets a processor back are null
 * from then on, and the failsafe callback is told what they were: all four, good ones too, so that
 * the guest finds the bad ones by comparing. It masks events if CALLBACKF_mask_events was set. From
 * user mode it comes on the kernel's stack.
 *
 * Two vCPUs share a processor: one loads selectors of its GDT and waits, the other makes the
 * descriptors invalid. It can only do so while the first does not run, and the first comes back to
 * selectors that are bad.
 *
 * ABI: CALLBACKTYPE_failsafe, CALLBACKF_mask_events, <xen/callback.h>
 */
#include <xen/callback.h>

#include "kernel/smp.h"
#include "kernel/string.h"
#include "workloads/trap_check.h"
#include "workloads/user_code.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define DATA_DPL3 0x00cff2000000ffffUL
#define SELECTOR  0x0b /* the one that turns bad */
#define GOOD      0x13 /* the one that does not */
#define SECOND    1000000000ULL

extern const uint8_t failsafe_probe[], failsafe_spin_end[];
void failsafe_spin(volatile uint64_t *words, uint64_t rcx, uint64_t r11);

struct selectors {
    uint64_t ds, es, fs, gs;
};

/* As failsafe_entry.S fills it. */
struct failsafe_seen {
    uint64_t rcx, r11;
    struct selectors saved;
    uint64_t rip, cs, rflags, rsp, ss;
    uint64_t frame; /* its address */
    struct selectors loaded;
    uint64_t count;
};
extern struct failsafe_seen failsafe_seen;
struct failsafe_seen failsafe_seen;

_Static_assert(sizeof(struct failsafe_seen) == 17 * 8, "failsafe_entry.S stores 17 words");

static uint64_t *gdt;
static volatile uint64_t *waiting; /* [0]: it waits with the selectors loaded; [1]: it was told */
static unsigned mask_inside;

static long set_descriptor(unsigned selector, uint64_t value)
{
    return hypercall_update_descriptor(pte_make(address_to_mfn(gdt), selector & ~7UL), value);
}

/* On the other vCPU. It yields, so that the first goes on. */
static void spoil(void *argument)
{
    (void)argument;
    while (waiting[0] == 0)
        hypercall_sched_op(SCHEDOP_yield, NULL);
    CHECK_EQ(set_descriptor(SELECTOR, 0), 0);
}

static bool told(struct trap_frame *frame)
{
    if (frame->vector != VECTOR_FAILSAFE)
        return false;
    mask_inside = vcpu_info_here()->evtchn_upcall_mask;
    waiting[1] = 1;
    return !frame_is_user(frame); /* from user mode it ends user_run */
}

static void begin(bool masks)
{
    struct callback_register reg = {
        .type = CALLBACKTYPE_failsafe,
        .flags = masks ? CALLBACKF_mask_events : 0,
        .address = (unsigned long)failsafe_probe,
    };

    CHECK_EQ(hypercall_callback_op(CALLBACKOP_register, &reg), 0);
    CHECK_EQ(set_descriptor(SELECTOR, DATA_DPL3), 0);
    memset(&failsafe_seen, 0, sizeof(failsafe_seen));
    waiting[0] = waiting[1] = 0;
    mask_inside = 99;
    trap_hook(told);
    smp_run(1, spoil, NULL);
}

static void end(void)
{
    waiting[0] = 1;
    CHECK(smp_wait(1, 60 * SECOND));
    trap_hook(NULL);
}

static void check_selectors(const struct selectors *got, const struct selectors *expected)
{
    CHECK_EQ(got->ds, expected->ds);
    CHECK_EQ(got->es, expected->es);
    CHECK_EQ(got->fs, expected->fs);
    CHECK_EQ(got->gs, expected->gs);
}

static uint64_t null_if_bad(uint64_t selector)
{
    return selector == SELECTOR ? 0 : selector;
}

static void check_told(const struct selectors *had)
{
    const struct selectors left = {
        .ds = null_if_bad(had->ds),
        .es = null_if_bad(had->es),
        .fs = null_if_bad(had->fs),
        .gs = null_if_bad(had->gs),
    };

    CHECK_EQ(failsafe_seen.count, 1);
    check_selectors(&failsafe_seen.saved, had);
    check_selectors(&failsafe_seen.loaded, &left);
}

/* From kernel mode, with events masked or not before and in the callback. */
static void from_kernel(const struct selectors *had, bool masks, bool masked)
{
    bool enabled;

    check_context("(%lx %lx %lx %lx, masks %u, masked %u)", had->ds, had->es, had->fs, had->gs,
                  masks, masked);
    begin(masks);
    enabled = arch_irq_disable();
    if (!masked)
        arch_irq_enable();
    asm volatile("mov %k0, %%ds; mov %k1, %%es; mov %k2, %%fs; mov %k3, %%gs" ::"r"(had->ds),
                 "r"(had->es), "r"(had->fs), "r"(had->gs));
    failsafe_spin(waiting, TRAP_RCX, TRAP_R11);
    asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" ::"r"(0));
    CHECK_EQ(vcpu_info_here()->evtchn_upcall_mask, masked); /* the frame's IF, by iret */
    arch_irq_restore(enabled);
    end();
    check_told(had);
    CHECK_EQ(failsafe_seen.rcx, TRAP_RCX);
    CHECK_EQ(failsafe_seen.r11, TRAP_R11);
    CHECK(failsafe_seen.rip - (uint64_t)failsafe_spin <
          (uint64_t)(failsafe_spin_end - (const uint8_t *)failsafe_spin));
    CHECK_EQ(failsafe_seen.cs, (FLAT_KERNEL_CS & ~3UL) | (uint64_t)masked << 32);
    CHECK_EQ(failsafe_seen.rflags & RFLAGS_IF, masked ? 0 : RFLAGS_IF);
    CHECK_EQ(failsafe_seen.ss & 0xffff, FLAT_KERNEL_SS);
    CHECK_EQ(failsafe_seen.frame, (failsafe_seen.rsp & ~15UL) - 11 * 8);
    CHECK_EQ(mask_inside, masked || masks);
    check_context("%s", "");
}

/* From user mode: words of user memory serve both sides. */
static void from_user(void)
{
    const struct selectors had = { SELECTOR, 0, 0, 0 };
    struct trap_frame frame;

    waiting = (volatile uint64_t *)user_data;
    check_context("%s", "(user)");
    begin(true);
    user_frame_init(&frame, user_ds_wait);
    frame.rdi = USER_DATA;
    frame.rsi = SELECTOR;
    frame.rcx = TRAP_RCX;
    frame.r11 = TRAP_R11;
    user_run(&frame);
    asm volatile("mov %0, %%ds" ::"r"(0));
    end();
    CHECK_EQ(frame.vector, VECTOR_FAILSAFE);
    check_told(&had);
    CHECK_EQ(failsafe_seen.rcx, TRAP_RCX);
    CHECK_EQ(failsafe_seen.r11, TRAP_R11);
    CHECK(failsafe_seen.rip - user_address(user_ds_wait) < 64);
    CHECK_EQ(failsafe_seen.cs, FLAT_USER_CS);
    CHECK_EQ(failsafe_seen.rflags & RFLAGS_IF, RFLAGS_IF);
    CHECK_EQ(failsafe_seen.rsp, USER_STACK_TOP);
    CHECK_EQ(failsafe_seen.ss & 0xffff, FLAT_USER_SS);
    CHECK((failsafe_seen.frame & ~(STACK_SIZE - 1)) == (arch_stack_pointer() & ~(STACK_SIZE - 1)));
    CHECK_EQ(mask_inside, 1);
    check_context("%s", "");
}

static volatile bool other_spins, other_stops;

static void spin(void *argument)
{
    (void)argument;
    other_spins = true;
    while (!other_stops)
        arch_pause();
}

/* Is the other vCPU ever seen running? Then it has a processor of its own. */
static bool processor_is_shared(void)
{
    struct vcpu_runstate_info info;
    bool shared = true;

    other_spins = other_stops = false;
    smp_run(1, spin, NULL);
    while (!other_spins)
        hypercall_sched_op(SCHEDOP_yield, NULL);
    for (unsigned i = 0; i < 1000 && shared; i++) {
        CHECK_EQ(hypercall_vcpu_op(VCPUOP_get_runstate_info, 1, &info), 0);
        shared = info.state != RUNSTATE_running;
    }
    other_stops = true;
    CHECK(smp_wait(1, 60 * SECOND));
    return shared;
}

static void all_forms(void)
{
    static const struct selectors had[] = {
        { SELECTOR, SELECTOR, SELECTOR, SELECTOR },
        { SELECTOR, GOOD, 0, 0 },
        { GOOD, SELECTOR, GOOD, GOOD },
        { 0, 0, SELECTOR, 0 },
        { FLAT_RING3_DS32, 0, 0, SELECTOR },
    };
    static volatile uint64_t words[2];

    waiting = words;
    for (unsigned i = 0; i < sizeof(had) / sizeof(had[0]); i++)
        from_kernel(&had[i], i % 2 == 0, i % 3 == 1);
    from_kernel(&had[0], false, false);
    from_kernel(&had[0], true, true);
    from_user();
}

void workload_failsafe(void)
{
    unsigned long mfn;

    if (smp_nr_running() < 2 || !processor_is_shared()) {
        workload_skip("no two vCPUs share a processor (dom0_max_vcpus=2 on one makes them)");
        return;
    }
    if (!CHECK(user_init()))
        return;
    gdt = fresh_table();
    mfn = address_to_mfn(gdt);
    if (!CHECK_EQ(hypercall_set_gdt(&mfn, 512), 0))
        return;
    CHECK_EQ(set_descriptor(GOOD, DATA_DPL3), 0);
    all_forms();
    trap_callbacks_load();
    CHECK_EQ(hypercall_set_gdt(NULL, 0), 0);
    free_table(gdt);
}
