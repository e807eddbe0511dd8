/* SPDX-License-Identifier: MIT */
/*
 * Promise: a guest has a GDT and an LDT of its own; descriptors are checked and their DPL raised to
 * 3; frames that hold them are not writable; selectors work once loaded.
 *
 * ABI: HYPERVISOR_set_gdt, HYPERVISOR_update_descriptor, MMUEXT_SET_LDT, <xen/xen.h>
 */
#include "kernel/page_alloc.h"
#include "kernel/smp.h"
#include "kernel/string.h"
#include "workloads/trap_check.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define DATA_DPL0  0x00cf92000000ffffUL
#define DATA_DPL3  0x00cff2000000ffffUL
#define CODE64     0x00affa000000ffffUL
#define LDT_SYSTEM 0x000082000000ffffUL
#define TSS_SYSTEM 0x000089000000ffffUL
#define INT_GATE   0x00008e0000000000UL
#define DPL_BITS   (3UL << 45)
#define ACCESSED   (1UL << 40)

static uint64_t *gdt;

static long update(unsigned index, uint64_t value)
{
    return hypercall_update_descriptor(pte_make(address_to_mfn(gdt), index * 8UL), value);
}

/* Loads SELECTOR into DS; the vector it raised, or VECTOR_NONE. DS is null again afterwards. */
static int load_ds(unsigned selector)
{
    trap_expect();
    asm volatile("mov %0, %%edi\n" MAY_TRAP("mov %%edi, %%ds")::"r"(selector) : "rdi", "memory");
    asm volatile("mov %0, %%ds" ::"r"(0));
    return trap_last()->vector;
}

static void accepted(void)
{
    CHECK_EQ(update(1, DATA_DPL0), 0);
    CHECK_EQ(gdt[1] & DPL_BITS, DPL_BITS); /* raised */
    CHECK_EQ(gdt[1] & ~(DPL_BITS | ACCESSED), DATA_DPL0 & ~(DPL_BITS | ACCESSED));
    CHECK_EQ(load_ds(0x0b), VECTOR_NONE);
    CHECK_EQ(update(2, CODE64), 0);
    CHECK_EQ(load_ds(0x13), VECTOR_NONE); /* readable code will do */
    CHECK_EQ(update(3, 0), 0);
    CHECK_EQ(load_ds(0x1b), 13);
    CHECK_EQ(trap_last()->frame.error, 0x18);
    CHECK_EQ(update(4, DATA_DPL3 & ~(1UL << 47)), 0); /* not present: unread */
    CHECK_EQ(load_ds(0x23), 11);
    CHECK_EQ(trap_last()->frame.error, 0x20);
}

/* A stack segment that is not present has an exception of its own. */
static void stack_segment(void)
{
    trap_expect();
    asm volatile("mov $0x23, %%edi\n" MAY_TRAP("mov %%edi, %%ss")::: "rdi", "memory");
    CHECK_EQ(trap_last()->vector, 12);
    CHECK_EQ(trap_last()->frame.error, 0x20);
}

static void refused(void)
{
    uint64_t before = gdt[1];

    CHECK_EQ(update(1, LDT_SYSTEM), -XEN_EINVAL);
    CHECK_EQ(update(1, TSS_SYSTEM), -XEN_EINVAL);
    CHECK_EQ(update(1, INT_GATE), -XEN_EINVAL);
    CHECK_EQ(gdt[1], before);
    CHECK_EQ(hypercall_update_descriptor(pte_make(address_to_mfn(gdt), 4), DATA_DPL3), -XEN_EINVAL);
    CHECK_EQ(hypercall_update_descriptor(pte_make(address_to_mfn(kernel_l4), 8), DATA_DPL3),
             -XEN_EINVAL);
    CHECK_EQ(hypercall_update_descriptor(pte_make(0xffffffffUL, 8), DATA_DPL3), -XEN_EINVAL);
}

/* What holds descriptors is changed as descriptors only. */
static void not_as_memory(void)
{
    uint64_t before = gdt[1];

    CHECK_EQ(pte_set(&gdt[1], 0), -XEN_EINVAL);
    CHECK_EQ(mmuext_frame(MMUEXT_CLEAR_PAGE, address_to_mfn(gdt)), -XEN_EINVAL);
    CHECK_EQ(page_pin(gdt, 1), -XEN_EINVAL);
    CHECK_EQ(gdt[1], before);
}

static void refused_tables(void)
{
    unsigned long frames[16];
    uint64_t *bad = page_alloc();

    memset(bad, 0, PAGE_SIZE);
    frames[0] = address_to_mfn(bad);
    CHECK_EQ(hypercall_set_gdt(frames, 512), -XEN_EINVAL); /* mapped writable */
    bad[3] = TSS_SYSTEM;
    CHECK_EQ(page_set_readonly(bad), 0);
    CHECK_EQ(hypercall_set_gdt(frames, 512), -XEN_EINVAL);
    CHECK_EQ(page_set_writable(bad), 0);
    page_free(bad);
    frames[0] = address_to_mfn(kernel_l4);
    CHECK_EQ(hypercall_set_gdt(frames, 512), -XEN_EINVAL);
    frames[0] = 0xffffffffUL;
    CHECK_EQ(hypercall_set_gdt(frames, 512), -XEN_EINVAL);
    frames[0] = address_to_mfn(gdt);
    CHECK_EQ(hypercall_set_gdt(frames, 7169), -XEN_EINVAL);
    CHECK_EQ(hypercall_set_gdt((unsigned long *)HYPERVISOR_VIRT_START, 512), -XEN_EFAULT);
    CHECK_EQ(load_ds(0x0b), VECTOR_NONE); /* the old table is still there */
}

static void nothing(void *unused)
{
    (void)unused;
}

/* Other vCPUs have the processor meanwhile, and the LDT is set anew, so that nothing of it is mapped. (If
 * the vCPUs have a processor each, it just stays.) */
static void stays_loaded(struct mmuext_op *set_ldt)
{
    unsigned ds;

    asm volatile("mov %0, %%ds" ::"r"(0x0f));
    CHECK_EQ(hypercall_mmuext_op(set_ldt, 1, NULL, DOMID_SELF), 0);
    for (unsigned cpu = 1; cpu < smp_nr_running(); cpu++)
        smp_run(cpu, nothing, NULL);
    for (unsigned i = 0; i < 3; i++) {
        struct sched_poll poll = { .timeout = arch_clock_ns() + 3000000 };
        CHECK_EQ(hypercall_sched_op(SCHEDOP_poll, &poll), 0);
    }
    for (unsigned cpu = 1; cpu < smp_nr_running(); cpu++)
        CHECK(smp_wait(cpu, 1000000000));
    asm volatile("mov %%ds, %0" : "=r"(ds));
    CHECK_EQ(ds, 0x0f);
    asm volatile("mov %0, %%ds" ::"r"(0));
}

static void local_table(void)
{
    struct mmuext_op op = { .cmd = MMUEXT_SET_LDT, .arg2.nr_ents = 512 };
    uint64_t *ldt = page_alloc();

    memset(ldt, 0, PAGE_SIZE);
    ldt[1] = DATA_DPL3;
    CHECK_EQ(load_ds(0x0f), 13);
    CHECK_EQ(page_set_readonly(ldt), 0);
    op.arg1.linear_addr = (unsigned long)ldt;
    CHECK_EQ(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    CHECK_EQ(load_ds(0x0f), VECTOR_NONE);
    CHECK_EQ(page_set_writable(ldt), -XEN_EBUSY); /* its frame is in use now */
    stays_loaded(&op);
    CHECK_EQ(load_ds(0x0f), VECTOR_NONE);
    op.arg2.nr_ents = 0;
    op.arg1.linear_addr = 0;
    CHECK_EQ(hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), 0);
    CHECK_EQ(load_ds(0x0f), 13);
    CHECK_EQ(page_set_writable(ldt), 0);
    page_free(ldt);
}

void workload_descriptors(void)
{
    unsigned long mfn;

    gdt = fresh_table();
    mfn = address_to_mfn(gdt);
    if (!CHECK_EQ(hypercall_set_gdt(&mfn, 512), 0))
        return;
    CHECK_EQ(page_set_writable(gdt), -XEN_EBUSY);
    accepted();
    stack_segment();
    refused();
    not_as_memory();
    refused_tables();
    local_table();
    CHECK_EQ(hypercall_set_gdt(NULL, 0), 0);
    CHECK_EQ(load_ds(0x0b), 13);
    free_table(gdt);
}
