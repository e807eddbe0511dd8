/* SPDX-License-Identifier: MIT */
/*
 * A control domain with any wish, and up to three domains with few frames that it makes, changes and ends, while all of
 * them grant, map, copy and make page tables. The input says what, with which arguments, and how often something else
 * turns up meanwhile. After each call the auditor recounts; in the end all domains go, and all memory is back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/memory.h>
#include <xen/sysctl.h>
#include "domain/life.h"
#include "domain/report.h"
#include "domain/vcpu.h"
#include "fake.h"
#include "grant/grant_table.h"
#include "hypercall/domctl.h"
#include "hypercall/hypercall.h"
#include "memory/frame_alloc.h"
#include "sched/schedule.h"

#define FRAMES     1536U
#define ALIVE_MAX  3U
#define CALLS_MAX  60U
#define KEEPER     9U       /* outlives all others */
#define MEMORY     0x10000UL /* what guests have of it; the call's argument stands at its beginning */
#define MEMORY_END 0x14000UL
#define CONTEXT    0x12000UL

static uint8_t memory[MEMORY_END - MEMORY];
static struct domain *keeper;
static uint64_t all_free;

/* --- What the made-up machine does not have ----------------------------------------------------- */

static const struct sched_policy policy = { .sched_id = 5 };
const struct sched_policy *sched_policy = &policy;

void vcpu_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft)
{
    v->affinity = hard;
    v->soft_affinity = soft;
}

void report_key(char key)
{
    (void)key;
}

static void require(bool is, const char *what)
{
    if (is)
        return;
    fprintf(stderr, "%s\n%s\n", fake_log, what);
    abort();
}

/* --- The input ---------------------------------------------------------------------------------- */

static const uint8_t *input;
static size_t left;

static unsigned byte(void)
{
    if (!left)
        return 0;
    left--;
    return *input++;
}

static unsigned below(unsigned n)
{
    return byte() % n;
}

/* Mostly one that a domain has: the n-th of its list. */
static uint64_t frame_number(void)
{
    unsigned pick = byte();
    struct domain *d = domain_by_id(pick & 3);

    if (!d || pick >= 0xf0)
        return (byte() | byte() << 8) % (FRAMES + 8);
    uint32_t n = d->memory.first_frame;
    for (unsigned i = pick >> 2 & 15; i && n != FRAME_NONE; i--)
        n = frame_table[n].next;
    return n == FRAME_NONE ? 1 : n;
}

static uint64_t address(void)
{
    switch (below(6)) {
    case 0:
        return 0;
    case 1:
        return MEMORY_END - below(64) * 8; /* it ends on the way */
    case 2:
        return MEMORY_END + below(4) * 0x1000;
    case 3:
        return HYPERVISOR_START + (uint64_t)below(3) * 8 - 8;
    default:
        return MEMORY + 0x800 + below(255) * 8;
    }
}

static uint64_t value(void)
{
    static const uint64_t edges[] = { 0, 1, 2, 3, 0x1000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
                                      1UL << 32, 1UL << 52, 1UL << 58, 1UL << 63, ~0UL, DOMID_SELF, DOMID_XEN };
    switch (below(4)) {
    case 0:
        return edges[below(ARRAY_SIZE(edges))];
    case 1:
        return frame_number();
    case 2:
        return address();
    default:
        return below(16);
    }
}

static domid_t domain_id(void)
{
    unsigned n = below(8);
    uint64_t id = n < 5 ? n % 4 : n == 5 ? DOMID_SELF : n == 6 ? byte() : value();

    return (domid_t)id == KEEPER ? 1 : (domid_t)id;
}

/* Fills what is not said otherwise. */
static void any_words(void *to, size_t size)
{
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word = below(3) ? 0 : value();
        memcpy((uint8_t *)to + i, &word, 8);
    }
}

/* --- Calls -------------------------------------------------------------------------------------- */

typedef long hypercall_function(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/* To its end, with what happens on the way back to a guest in between. */
static void call(hypercall_function *fn, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct vcpu *v = current_vcpu();
    uint64_t args[4] = { a, b, c, d };

    for (unsigned i = 0;; i++) {
        require(i < 20000, "a call without an end");
        long rc = fn(args[0], args[1], args[2], args[3], 0);
        while (!page_type_drain(v->domain))
            ;
        fake_rest();
        if (rc != HYPERCALL_CONTINUE)
            break;
        require(v->again.nr, "it goes on with nothing");
        memcpy(args, v->again.args, v->again.nr * sizeof(args[0]));
        v->again.nr = 0;
    }
    require(!v->again.nr, "a wish to go on was left behind");
}

static unsigned domains_alive(void)
{
    struct domain *d;
    unsigned nr = 0;

    domain_for_each(d)
        nr += d != keeper && d != dom0;
    return nr;
}

static void fill_createdomain(struct xen_domctl_createdomain *c)
{
    *c = (struct xen_domctl_createdomain){ .max_vcpus = 1 + below(2),
                                           .max_evtchn_port = (unsigned)value(),
                                           .max_grant_frames = 1 + (int)below(3),
                                           .max_maptrack_frames = (int)below(3) - 1,
                                           .grant_opts = 1 };
    switch (below(8)) {
    case 0:
        c->max_vcpus = (uint32_t)value();
        break;
    case 1:
        c->max_grant_frames = (int)value();
        break;
    case 2:
        c->max_maptrack_frames = (int)value();
        break;
    case 3:
        c->flags = (uint32_t)value();
        break;
    case 4:
        c->grant_opts = (uint32_t)value();
        break;
    }
}

static void fill_context(struct xen_domctl_vcpucontext *op)
{
    struct vcpu_guest_context *c = (void *)(memory + (CONTEXT - MEMORY));

    op->vcpu = below(3);
    op->ctxt.p = below(4) ? (void *)CONTEXT : (void *)address();
    if (below(3) == 0)
        return; /* what was there */
    memset(c, 0, sizeof(*c));
    c->flags = below(4) ? VGCF_in_kernel | VGCF_online : value();
    c->ctrlreg[3] = frame_number() << PAGE_SHIFT;
    c->ctrlreg[1] = below(2) ? 0 : frame_number() << PAGE_SHIFT;
    c->gdt_ents = below(2) ? 0 : below(3) * 512 + below(2);
    for (unsigned i = 0; i < 3; i++)
        c->gdt_frames[i] = frame_number();
    c->ldt_ents = below(3) ? 0 : value();
    if (below(4) == 0)
        c->user_regs.rip = value();
    if (below(4) == 0)
        c->debugreg[below(8)] = value();
}

static void call_domctl(void)
{
    struct xen_domctl *op = (void *)memory;
    static const uint8_t usual[] = { XEN_DOMCTL_createdomain, XEN_DOMCTL_destroydomain, XEN_DOMCTL_max_mem,
                                     XEN_DOMCTL_setvcpucontext, XEN_DOMCTL_hypercall_init };

    memset(op, 0, sizeof(*op));
    op->cmd = below(3) ? usual[below(ARRAY_SIZE(usual))] : byte();
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION + (below(32) == 31);
    op->domain = domain_id();
    if (op->cmd == XEN_DOMCTL_createdomain && domains_alive() >= ALIVE_MAX)
        return;
    if (op->cmd == XEN_DOMCTL_createdomain)
        fill_createdomain(&op->u.createdomain);
    else if (op->cmd == XEN_DOMCTL_max_mem && below(4))
        op->u.max_mem.max_memkb = 4 * byte();
    else if (op->cmd == XEN_DOMCTL_setvcpucontext)
        fill_context(&op->u.vcpucontext);
    else
        any_words(&op->u, sizeof(op->u));
    call(hypercall_domctl, MEMORY, 0, 0, 0);
}

static void call_sysctl(void)
{
    struct xen_sysctl *op = (void *)memory;

    memset(op, 0, sizeof(*op));
    op->cmd = below(32);
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    any_words(&op->u, sizeof(op->u));
    call(hypercall_sysctl, MEMORY, 0, 0, 0);
}

static void fill_reservation(struct xen_memory_reservation *r)
{
    *r = (struct xen_memory_reservation){ .nr_extents = below(40), .domid = domain_id() };
    r->extent_start.p = (xen_pfn_t *)(below(8) ? MEMORY + 0x800 : address());
    switch (below(6)) {
    case 0:
        r->extent_order = below(12);
        break;
    case 1:
        r->nr_extents = value();
        break;
    case 2:
        r->mem_flags = (unsigned)value();
        break;
    }
}

static void frames_to_list(void)
{
    for (unsigned i = 0; i < 40; i++) {
        uint64_t n = frame_number();
        memcpy(memory + 0x800 + i * 8, &n, 8);
    }
}

static void call_memory_op(void)
{
    static const uint8_t usual[] = { XENMEM_increase_reservation, XENMEM_populate_physmap,
                                     XENMEM_decrease_reservation, XENMEM_exchange, XENMEM_claim_pages };
    unsigned cmd = below(4) ? usual[below(ARRAY_SIZE(usual))] : below(32);

    memset(memory, 0, 0x100);
    if (cmd == XENMEM_exchange) {
        struct xen_memory_exchange *e = (void *)memory;
        fill_reservation(&e->in);
        fill_reservation(&e->out);
        e->nr_exchanged = below(8) ? 0 : value();
    } else if (cmd == XENMEM_increase_reservation || cmd == XENMEM_populate_physmap ||
               cmd == XENMEM_decrease_reservation || cmd == XENMEM_claim_pages) {
        fill_reservation((void *)memory);
        if (cmd == XENMEM_claim_pages && below(4))
            ((struct xen_memory_reservation *)memory)->extent_start.p = NULL;
    } else {
        any_words(memory, 0x40);
        *(domid_t *)memory = domain_id(); /* most begin with it */
    }
    if (cmd == XENMEM_decrease_reservation || cmd == XENMEM_exchange)
        frames_to_list();
    call(hypercall_memory_op, cmd | (below(16) ? 0 : value() << 6), MEMORY, 0, 0);
}

static void call_grant_op(void)
{
    unsigned cmd = below(12), count = below(8) ? 1 + below(3) : (unsigned)value();
    struct gnttab_map_grant_ref *map = (void *)memory;
    struct gnttab_unmap_grant_ref *unmap = (void *)memory;
    struct gnttab_copy *copy = (void *)memory;

    any_words(memory, 0x80);
    *(domid_t *)memory = domain_id();
    for (unsigned i = 0; i < 3; i++) {
        if (cmd == GNTTABOP_map_grant_ref)
            map[i] = (struct gnttab_map_grant_ref){ .host_addr = frame_number() << PAGE_SHIFT | below(64) * 8,
                                                    .flags = below(8) ? byte() : (uint32_t)value(),
                                                    .ref = below(4) ? below(8) : (grant_ref_t)value(),
                                                    .dom = domain_id() };
        else if (cmd == GNTTABOP_unmap_grant_ref)
            unmap[i] = (struct gnttab_unmap_grant_ref){ .host_addr = frame_number() << PAGE_SHIFT | below(64) * 8,
                                                        .dev_bus_addr = below(2) ? 0 : frame_number() << PAGE_SHIFT,
                                                        .handle = below(8) ? below(8) : (grant_handle_t)value() };
        else if (cmd == GNTTABOP_copy)
            copy[i] = (struct gnttab_copy){ .source = { .u.gmfn = below(2) ? below(8) : below(8) ? frame_number() : value(),
                                                        .domid = domain_id(), .offset = (uint16_t)byte() },
                                            .dest = { .u.gmfn = below(2) ? below(8) : below(8) ? frame_number() : value(),
                                                      .domid = domain_id(), .offset = (uint16_t)(byte() << 8) },
                                            .len = (uint16_t)value(), .flags = (uint16_t)below(8) };
    }
    call(hypercall_grant_table_op, cmd, below(8) ? MEMORY : address(), count, 0);
}

/* A guest writes into its own grant table. */
static void write_grant(void)
{
    struct domain *d = current_domain();

    d->grants->frames[0][below(8)] = (struct grant_entry_v1){ (uint16_t)(below(4) ? GTF_permit_access : byte()),
                                                              domain_id(), (uint32_t)frame_number() };
}

static void call_mmu(void)
{
    uint64_t pair[2] = { frame_number() << PAGE_SHIFT | (uint64_t)below(64) * 8,
                         frame_number() << PAGE_SHIFT | (below(4) ? byte() & 0xe7U : byte()) };
    struct mmuext_op op = { .cmd = below(4) ? below(6) : byte(), .arg1.mfn = frame_number(),
                            .arg2.nr_ents = below(3) };
    unsigned subject = below(4) ? DOMID_SELF : domain_id();

    if (op.cmd == MMUEXT_FLUSH_CACHE)
        return; /* an instruction that only a kernel may execute */
    if (below(2)) {
        memcpy(memory, pair, sizeof(pair));
        call(hypercall_mmu_update, MEMORY, 1, 0, subject | (below(4) ? 0 : (uint64_t)domain_id() << 16));
    } else {
        memcpy(memory, &op, sizeof(op));
        call(hypercall_mmuext_op, MEMORY, 1, 0, subject);
    }
}

static void call_events(void)
{
    any_words(memory, 0x18);
    *(domid_t *)memory = domain_id();
    call(hypercall_event_channel_op, below(14), MEMORY, 0, 0);
}

/* Who calls next: mostly the one in control. A domain that dies runs no more, nor does a vCPU without context. */
static void next_caller(void)
{
    struct domain *d = domain_by_id(below(2) ? 0 : below(4));

    if (!d || d->dying || !d->vcpus[0]->initialised)
        d = dom0;
    fake_switch_to(d->vcpus[0]);
}

static void audit(void)
{
    fake_log_clear();
    require(!paging_audit(), "the auditor found errors");
}

static struct domain *new_domain(domid_t id, unsigned nr_vcpus, bool privileged)
{
    static struct vcpu_guest_context context = { .flags = VGCF_in_kernel | VGCF_online };
    struct domain *d = domain_create(id, nr_vcpus, 64, privileged);

    require(d, "no memory for a domain");
    for (unsigned i = 0; i < 12; i++)
        context.ctrlreg[3] = domain_alloc_frames(d, 0, 64).v << PAGE_SHIFT;
    require(!vcpu_set_context(d->vcpus[0], &context), "a context is refused");
    vcpu_up(d->vcpus[0]);
    return d;
}

static void begin(void)
{
    if (!keeper) {
        fake_machine_start(FRAMES);
        fake_guest_map(MEMORY, memory, sizeof(memory));
        keeper = domain_create(KEEPER, 1, 4, true);
        fake_switch_to(keeper->vcpus[0]);
        audit();
        all_free = frames_free();
    }
    memset(memory, 0, sizeof(memory));
    fake_seed = 1;
    (void)new_domain(1, 2, false);
    dom0 = new_domain(0, 1, true);
    fake_switch_to(dom0->vcpus[0]);
}

/* All domains but the keeper go. Each may wait for what another maps. */
static void end(void)
{
    struct domain *d;

    fake_preempt(0);
    fake_switch_to(keeper->vcpus[0]);
    dom0 = keeper;
    domain_for_each(d) {
        for (unsigned i = 0; d != keeper && d->end < END_DONE && domain_destroy(d); i++) {
            require(i < 20000, "a domain without an end");
            fake_rest();
        }
    }
    fake_rest();
    domain_for_each(d)
        require(d == keeper, "a domain stays");
    for (unsigned id = 0; id < MAX_DOMAINS; id++)
        require(!domain_id_lingers(id), "a domain's id lingers");
    audit();
    require(!domain_claims(), "a claim stays");
    require(frames_free() == all_free, "memory is lost");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(void) = { call_domctl,   call_domctl,    call_domctl, call_memory_op,
                                           call_memory_op, call_grant_op, call_grant_op, write_grant,
                                           call_mmu,      call_mmu,       call_sysctl, call_events };

    input = data;
    left = size;
    begin();
    for (unsigned i = 0; left && i < CALLS_MAX; i++) {
        next_caller();
        fake_preempt(below(2) ? 0 : 1 + below(4));
        fake_read_only = below(16) ? 0 : MEMORY + below(4) * PAGE_SIZE;
        calls[below(ARRAY_SIZE(calls))]();
        fake_preempt(0);
        audit();
    }
    fake_read_only = 0;
    end();
    return 0;
}
