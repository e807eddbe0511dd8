/* SPDX-License-Identifier: MIT */
/*
 * Promise: dom0 makes domains, lets them run, sees how they end, and gets back all that they had.
 *
 * ABI: <xen/domctl.h>
 */
#include <xen/sched.h>

#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "kernel/smp.h"
#include "kernel/string.h"
#include "workloads/list.h"
#include "workloads/ports.h"
#include "workloads/tiny_guest.h"

#define CYCLES 40
#define MANY   32

static uint64_t free_pages(void)
{
    struct xen_sysctl_physinfo info;

    return CHECK_EQ(control_physinfo(&info), 0) ? info.free_pages : 0;
}

static void ends_with(uint32_t reason)
{
    struct tiny t;
    struct xen_domctl_getdomaininfo info;

    check_context("reason %u", reason);
    if (!tiny_create(&t, TINY_SHUT_DOWN))
        return;
    volatile uint64_t *shared = tiny_map(&t, TINY_SHARED);
    shared[0] = reason;
    CHECK_EQ(control_info(t.id, &info), 0);
    CHECK(info.flags & XEN_DOMINF_paused);
    CHECK_EQ(info.tot_pages, TINY_PAGES);
    CHECK_EQ(info.nr_online_vcpus, 1);
    CHECK_EQ(memcmp(info.handle, "tiny guest", 11), 0);
    CHECK_EQ(control_unpause(t.id), 0);
    CHECK_EQ(tiny_wait_shut_down(&t), (int)reason);
    tiny_unmap(TINY_SHARED);
    tiny_destroy(&t);
}

/* A guest that dies by its own fault ends alone. */
static void crashes(void)
{
    struct tiny t;

    check_context("crash");
    if (!tiny_create(&t, TINY_FAULT))
        return;
    CHECK_EQ(control_unpause(t.id), 0);
    CHECK_EQ(tiny_wait_shut_down(&t), SHUTDOWN_crash);
    tiny_destroy(&t);
}

static uint64_t later(volatile uint64_t *counter, uint64_t before)
{
    for (unsigned i = 0; i < 2000 && *counter == before; i++) {
        struct sched_poll poll = { .nr_ports = 0, .timeout = arch_clock_ns() + 1000000 };
        hypercall_sched_op(SCHEDOP_poll, &poll);
    }
    return *counter;
}

/* Pauses nest; a paused guest does not move. */
static void pauses(void)
{
    struct tiny t;

    check_context("pause");
    if (!tiny_create(&t, TINY_SPIN))
        return;
    volatile uint64_t *counter = tiny_map(&t, TINY_SHARED) + 1;
    CHECK_EQ(later(counter, 1), 0); /* not begun */
    CHECK_EQ(control_unpause(t.id), 0);
    CHECK(later(counter, 0) > 0);
    CHECK_EQ(control_pause(t.id), 0);
    CHECK_EQ(control_pause(t.id), 0);
    uint64_t stopped = *counter;
    CHECK_EQ(control_unpause(t.id), 0);
    struct vcpu_guest_context *c = page_alloc_contiguous(2, 1);
    if (CHECK(c != NULL)) {
        CHECK_EQ(control_get_context(t.id, 0, c), 0);
        CHECK_EQ(c->user_regs.rbx, TINY_BASE + TINY_SHARED * PAGE_SIZE);
        CHECK_EQ(c->ctrlreg[3] >> PAGE_SHIFT, t.frames[TINY_L4]);
        CHECK(c->flags & VGCF_in_kernel);
        page_free_contiguous(c, 2);
    }
    CHECK_EQ(*counter, stopped);
    CHECK_EQ(control_unpause(t.id), 0);
    CHECK(later(counter, stopped) > stopped);
    CHECK_EQ(control_unpause(t.id), -XEN_EINVAL);
    tiny_unmap(TINY_SHARED);
    tiny_destroy(&t); /* while it runs */
}

static bool will_be_pending(evtchn_port_t port)
{
    for (unsigned i = 0; i < 2000 && !event_is_pending(port); i++) {
        struct sched_poll poll = { .nr_ports = 0, .timeout = arch_clock_ns() + 1000000 };
        hypercall_sched_op(SCHEDOP_poll, &poll);
    }
    return event_is_pending(port);
}

/* A port for each side, an event each way; the guest's end leaves ours for another to bind. */
static void sends_events(void)
{
    struct tiny t;
    struct evtchn_status status;

    check_context("events");
    if (!tiny_create(&t, TINY_ECHO))
        return;
    volatile uint64_t *shared = tiny_map(&t, TINY_SHARED);
    long theirs = port_alloc_unbound(t.id, DOMID_SELF), ours;
    if (CHECK(theirs > 0)) {
        shared[2] = (uint64_t)theirs;
        ours = port_bind_interdomain(t.id, (evtchn_port_t)theirs);
        if (CHECK(ours > 0)) {
            evtchn_port_t port = (evtchn_port_t)ours;
            event_mask(port);
            event_clear(port); /* binding raises it */
            CHECK_EQ(control_unpause(t.id), 0);
            CHECK_EQ(later(shared + 3, 1), 0); /* nothing came yet */
            CHECK_EQ(port_send(port), 0);
            CHECK_EQ(later(shared + 3, 0), 1);
            CHECK(will_be_pending(port));
            CHECK_EQ(port_status(port, &status), EVTCHNSTAT_interdomain);
            CHECK_EQ(status.u.interdomain.dom, t.id);
            CHECK_EQ(status.u.interdomain.port, theirs);
            tiny_unmap(TINY_SHARED);
            tiny_destroy(&t);
            CHECK_EQ(port_status(port, &status), EVTCHNSTAT_unbound);
            CHECK_EQ(port_send(port), 0); /* nobody hears it */
            CHECK_EQ(port_close(port), 0);
            event_clear(port);
            return;
        }
    }
    tiny_unmap(TINY_SHARED);
    tiny_destroy(&t);
}

/* Its pages are what it said they are. */
static void frame_types(void)
{
    struct tiny t;
    xen_pfn_t frames[TINY_PAGES];
    struct xen_domctl op = { .u.getpageframeinfo3.num = TINY_PAGES };

    check_context("frame types");
    if (!tiny_create(&t, TINY_BLOCK))
        return;
    memcpy(frames, t.frames, sizeof(frames));
    set_xen_guest_handle(op.u.getpageframeinfo3.array, frames);
    if (CHECK_EQ(control_domctl(&op, XEN_DOMCTL_getpageframeinfo3, t.id), 0)) {
        CHECK_EQ(frames[TINY_L4], XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB);
        CHECK_EQ(frames[TINY_L3], XEN_DOMCTL_PFINFO_L3TAB);
        CHECK_EQ(frames[TINY_L2], XEN_DOMCTL_PFINFO_L2TAB);
        CHECK_EQ(frames[TINY_L1], XEN_DOMCTL_PFINFO_L1TAB);
        CHECK_EQ(frames[TINY_CODE], XEN_DOMCTL_PFINFO_NOTAB);
    }
    frames[0] = address_to_mfn(kernel_l4); /* dom0's */
    op.u.getpageframeinfo3.num = 1;
    CHECK_EQ(control_domctl(&op, XEN_DOMCTL_getpageframeinfo3, t.id), 0);
    CHECK_EQ(frames[0], XEN_DOMCTL_PFINFO_XTAB);
    op.u.getpageframeinfo3.num = 1025;
    CHECK_EQ(control_domctl(&op, XEN_DOMCTL_getpageframeinfo3, t.id), -XEN_E2BIG);
    /* Its tables cannot be written from here either. */
    uint64_t *pte = pte_get(0xffffcb0000100000UL);
    CHECK(control_map_foreign(pte, t.id, t.frames[TINY_L1], true) < 0);
    CHECK_EQ(control_map_foreign(pte, t.id, t.frames[TINY_L1], false), 0);
    CHECK_EQ(control_unmap_foreign(pte), 0);
    tiny_destroy(&t);
}

/* Frames side by side, as a builder sees them; a request that is refused leaves nothing behind. */
static void window_shows_many(void)
{
    struct tiny t;

    check_context("window");
    if (!tiny_create(&t, TINY_BLOCK))
        return;
    uint64_t *few = control_map(t.id, &t.frames[TINY_CODE], TINY_PAGES - TINY_CODE, true);
    uint64_t *all = control_map(t.id, t.frames, TINY_PAGES, false);
    if (CHECK(few != NULL) && CHECK(all != NULL)) {
        volatile uint64_t *spare = few + (TINY_SPARE - TINY_CODE) * PTES_PER_TABLE;
        *spare = 0x5678;
        CHECK_EQ(*(volatile uint64_t *)(all + TINY_SPARE * PTES_PER_TABLE), 0x5678);
        CHECK(control_map(t.id, t.frames, TINY_PAGES, true) == NULL); /* some are tables */
        CHECK(control_map(t.id, t.frames, PTES_PER_TABLE + 1, false) == NULL);
        control_unmap(few, TINY_PAGES - TINY_CODE);
        CHECK(control_map(t.id, &t.frames[TINY_SPARE], 1, false) == few);
        control_unmap(few, 1);
        control_unmap(all, TINY_PAGES);
    }
    tiny_destroy(&t);
}

/* A frame that we map outlives its domain, and the domain is not gone before we let go. */
static void maps_longer_than_it_lives(void)
{
    struct tiny t;
    struct xen_domctl_getdomaininfo info;

    check_context("mapped frame");
    if (!tiny_create(&t, TINY_BLOCK))
        return;
    volatile uint64_t *page = tiny_map(&t, TINY_SPARE);
    page[3] = 0x1234;
    CHECK_EQ(control_destroy(t.id), 0);
    CHECK_EQ(control_info(t.id, &info), 0);
    CHECK(info.flags & XEN_DOMINF_dying);
    CHECK_EQ(page[3], 0x1234);
    page[3] = 0x4321;
    CHECK_EQ(page[3], 0x4321);
    tiny_unmap(TINY_SPARE);
    for (unsigned i = 0; i < 1000 && control_info(t.id, &info) == 0; i++) {
        struct sched_poll poll = { .nr_ports = 0, .timeout = arch_clock_ns() + 1000000 };
        hypercall_sched_op(SCHEDOP_poll, &poll);
    }
    CHECK_EQ(control_info(t.id, &info), -XEN_ESRCH);
}

/* Nothing is lost however often, and whatever they were doing when they were killed. */
static void again_and_again(void)
{
    static const enum tiny_task tasks[] = { TINY_SPIN, TINY_BLOCK, TINY_SHUT_DOWN, TINY_FAULT };
    unsigned cycles = cmdline.rounds != 0 ? cmdline.rounds : CYCLES;
    uint64_t before = free_pages();

    for (unsigned i = 0; i < cycles; i++) {
        struct tiny t;
        check_context("cycle %u", i);
        if (!tiny_create(&t, tasks[i % 4]))
            return;
        if (i % 3 != 0)
            CHECK_EQ(control_unpause(t.id), 0);
        for (uint64_t spin = arch_cycles() & 0xfff; spin > 0; spin--)
            arch_pause(); /* a random moment of its life */
        if (!tiny_destroy(&t))
            return;
    }
    /* Xen frees and scrubs in the background, and keeps a little: there it is no exact number. */
    if (hypervisor_is_tenon)
        CHECK_EQ(free_pages(), before);
}

/* Many at once, all running; the order in which they go is another than that in which they came. The first time, the
 * hypervisor may keep what so many need at once. */
static void many_at_once(bool first)
{
    static struct tiny t[MANY];
    static struct xen_domctl_getdomaininfo infos[MANY + 1];
    uint64_t before = free_pages();
    unsigned n = 0;

    check_context("many");
    while (n < MANY && tiny_create(&t[n], n % 2 ? TINY_SPIN : TINY_BLOCK))
        CHECK_EQ(control_unpause(t[n++].id), 0);
    CHECK_EQ(n, MANY);
    CHECK_EQ(control_list(0, infos, MANY + 1), n + 1);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(infos[i + 1].tot_pages, TINY_PAGES);
        CHECK_EQ(infos[i + 1].flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_paused), 0);
    }
    for (unsigned i = 0; i < n; i++)
        tiny_destroy(&t[i * 7 % n]); /* n and 7 have nothing in common */
    CHECK_EQ(control_list(0, infos, MANY + 1), 1);
    if (hypervisor_is_tenon && !first)
        CHECK_EQ(free_pages(), before);
}

static void refused(void)
{
    struct control_config config = { .nr_vcpus = 0, .max_ports = 127, .grant_frames = 4, .maptrack_frames = 4 };
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .interface_version = 1 };
    struct xen_domctl_getdomaininfo info;

    check_context("refusals");
    CHECK_EQ(control_create(0, &config), -XEN_EINVAL);
    CHECK_EQ(hypercall_any(__HYPERVISOR_domctl, (unsigned long)&op, 0, 0, 0, 0), -XEN_EACCES);
    CHECK_EQ(control_domctl(&op, 9999, 0), -XEN_ENOSYS);
    CHECK_EQ(control_pause(999), -XEN_ESRCH);
    CHECK_EQ(control_destroy(999), -XEN_ESRCH);
    CHECK_EQ(control_pause(0), -XEN_EINVAL);
    CHECK_EQ(control_destroy(0), -XEN_EINVAL);
    CHECK_EQ(control_info(0, &info), 0);
    CHECK_EQ(info.flags & (XEN_DOMINF_dying | XEN_DOMINF_paused | XEN_DOMINF_shutdown), 0);
    config.nr_vcpus = 1;
    long id = control_create(0, &config);
    if (!CHECK(id > 0))
        return;
    CHECK_EQ(control_create((domid_t)id, &config), -XEN_EEXIST);
    xen_pfn_t frames[4];
    CHECK_EQ(control_populate((domid_t)id, 0, 4, frames), 0); /* it may have none yet */
    CHECK_EQ(control_max_mem((domid_t)id, 8), 0);
    CHECK_EQ(control_populate((domid_t)id, 0, 4, frames), 2);
    CHECK(control_claim((domid_t)id, 1UL << 40) < 0);
    CHECK_EQ(control_destroy((domid_t)id), 0);
}

#define RACES 400

static uint32_t races_over;

/* Each end of a domain stops all processors for a moment. */
static void make_and_end(void *unused)
{
    struct control_config config = { .nr_vcpus = 1, .max_ports = 127, .grant_frames = 4, .maptrack_frames = 4 };

    (void)unused;
    while (!__atomic_load_n(&races_over, __ATOMIC_SEQ_CST)) {
        long id = control_create(0, &config);
        if (id <= 0 || control_destroy((domid_t)id))
            return;
    }
}

/* One vCPU pauses a guest that runs elsewhere while another ends domains: neither waits for the other for ever. */
static void pauses_while_others_end(void)
{
    struct tiny t;

    check_context("pause and end");
    if (smp_nr_running() < 2 || !tiny_create(&t, TINY_SPIN))
        return;
    CHECK_EQ(control_unpause(t.id), 0);
    races_over = 0;
    smp_run(1, make_and_end, NULL);
    for (unsigned i = 0; i < RACES; i++) {
        if (!CHECK_EQ(control_pause(t.id), 0) || !CHECK_EQ(control_unpause(t.id), 0))
            break;
    }
    __atomic_store_n(&races_over, 1, __ATOMIC_SEQ_CST);
    CHECK(smp_wait(1, 10000000000UL));
    tiny_destroy(&t);
}

void workload_domains(void)
{
    if (!(start_info->flags & SIF_INITDOMAIN)) {
        workload_skip("only dom0 makes domains");
        return;
    }
    pauses_while_others_end();
    for (uint32_t reason = 0; reason <= SHUTDOWN_crash; reason++)
        ends_with(reason);
    crashes();
    pauses();
    sends_events();
    frame_types();
    window_shows_many();
    maps_longer_than_it_lives();
    many_at_once(true);
    many_at_once(false);
    again_and_again();
    refused();
}
