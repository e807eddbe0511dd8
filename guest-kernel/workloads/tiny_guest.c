/* SPDX-License-Identifier: MIT */
/*
 * The smallest guest.
 */
#include "workloads/tiny_guest.h"

#include <xen/sched.h>

#include "arch/pv/page_table.h"
#include "kernel/string.h"

#define MAP_VA    0xffffcb0000000000UL
#define LOOKS     2000
#define PAUSE_NS  5000000ULL
#define GUEST_PTE (PTE_P | PTE_US | PTE_A | PTE_D)

extern const uint8_t tiny_code[], tiny_code_end[];

volatile uint64_t *tiny_map(const struct tiny *t, enum tiny_page page)
{
    unsigned long va = MAP_VA + page * PAGE_SIZE;
    uint64_t *pte = pte_get(va);

    if (!CHECK(pte != NULL) || !CHECK_EQ(control_map_foreign(pte, t->id, t->frames[page], true), 0))
        return NULL;
    return (volatile uint64_t *)va;
}

void tiny_unmap(enum tiny_page page)
{
    CHECK_EQ(control_unmap_foreign(pte_get(MAP_VA + page * PAGE_SIZE)), 0);
}

/* One page of its tables. */
static bool write_table(const struct tiny *t, enum tiny_page page, unsigned first, unsigned count,
                        enum tiny_page target)
{
    volatile uint64_t *table = tiny_map(t, page);

    if (table == NULL)
        return false;
    memset((void *)table, 0, PAGE_SIZE); /* pages come as they are */
    for (unsigned i = 0; i < count; i++) {
        bool writable = page != TINY_L1 || target + i > TINY_L1;
        table[first + i] = pte_make(t->frames[target + i], GUEST_PTE | (writable ? PTE_RW : 0));
    }
    tiny_unmap(page);
    return true;
}

static bool write_pages(const struct tiny *t)
{
    volatile uint64_t *code = tiny_map(t, TINY_CODE);

    if (code == NULL)
        return false;
    memcpy((void *)code, tiny_code, (size_t)(tiny_code_end - tiny_code));
    tiny_unmap(TINY_CODE);
    return write_table(t, TINY_L4, pte_index(TINY_BASE, 4), 1, TINY_L3) &&
           write_table(t, TINY_L3, pte_index(TINY_BASE, 3), 1, TINY_L2) &&
           write_table(t, TINY_L2, pte_index(TINY_BASE, 2), 1, TINY_L1) &&
           write_table(t, TINY_L1, pte_index(TINY_BASE, 1), TINY_PAGES, TINY_L4);
}

static bool start_at(const struct tiny *t, enum tiny_task task)
{
    static struct vcpu_guest_context c;

    memset(&c, 0, sizeof(c));
    c.flags = VGCF_in_kernel | VGCF_online;
    c.user_regs.rip = TINY_BASE + TINY_CODE * PAGE_SIZE;
    c.user_regs.rsp = TINY_BASE + (TINY_STACK + 1) * PAGE_SIZE;
    c.user_regs.rdi = task;
    c.user_regs.rsi = TINY_BASE + TINY_SHARED * PAGE_SIZE;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.user_regs.rflags = 0x200;
    c.kernel_sp = c.user_regs.rsp;
    c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = (uint64_t)t->frames[TINY_L4] << PAGE_SHIFT;
    return CHECK_EQ(control_set_context(t->id, 0, &c), 0);
}

/* A guest begins with its events masked: it is the builder who sees to it (ABI). */
static bool mask_events(const struct tiny *t)
{
    unsigned long va = MAP_VA + TINY_PAGES * PAGE_SIZE;
    struct xen_domctl_getdomaininfo info;
    uint64_t *pte = pte_get(va);

    if (!CHECK(pte != NULL) || !CHECK_EQ(control_info(t->id, &info), 0) ||
        !CHECK_EQ(control_map_foreign(pte, t->id, info.shared_info_frame, true), 0))
        return false;
    ((volatile struct shared_info *)va)->vcpu_info[0].evtchn_upcall_mask = 1;
    return CHECK_EQ(control_unmap_foreign(pte), 0);
}

static bool build(struct tiny *t, enum tiny_task task)
{
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L4_TABLE };

    if (!CHECK_EQ(control_max_mem(t->id, TINY_PAGES * 4), 0) ||
        !CHECK_EQ(control_populate(t->id, 0, TINY_PAGES, t->frames), TINY_PAGES) || !write_pages(t) || !mask_events(t))
        return false;
    pin.arg1.mfn = t->frames[TINY_L4];
    return CHECK_EQ(hypercall_mmuext_op(&pin, 1, NULL, t->id), 0) && start_at(t, task);
}

bool tiny_create(struct tiny *t, enum tiny_task task)
{
    static const struct control_config config = {
        .nr_vcpus = 1, .max_ports = 127, .grant_frames = 4, .maptrack_frames = 4, .handle = "tiny guest"
    };
    long id = control_create(0, &config);

    if (!CHECK(id > 0))
        return false;
    t->id = (domid_t)id;
    if (build(t, task))
        return true;
    tiny_destroy(t);
    return false;
}

static void pause_a_little(void)
{
    struct sched_poll poll = { .nr_ports = 0, .timeout = arch_clock_ns() + PAUSE_NS };

    hypercall_sched_op(SCHEDOP_poll, &poll);
}

int tiny_wait_shut_down(const struct tiny *t)
{
    struct xen_domctl_getdomaininfo info;

    for (unsigned i = 0; i < LOOKS; i++) {
        if (control_info(t->id, &info) != 0)
            return -1;
        if (info.flags & XEN_DOMINF_shutdown)
            return (int)(info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask);
        pause_a_little();
    }
    return -1;
}

bool tiny_destroy(const struct tiny *t)
{
    struct xen_domctl_getdomaininfo info;

    if (!CHECK_EQ(control_destroy(t->id), 0))
        return false;
    for (unsigned i = 0; i < LOOKS; i++) {
        if (control_info(t->id, &info) == -XEN_ESRCH)
            return true;
        pause_a_little();
    }
    return CHECK_EQ(control_info(t->id, &info), -XEN_ESRCH);
}
