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
static uint64_t l1[2]; /* frame numbers of L1 tables that domains 0 and 1 begin with */

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

/* One time in n. An input that has ended is never odd. */
static bool odd(unsigned n)
{
    return below(n) == n - 1;
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
        uint64_t word = odd(3) ? value() : 0;
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
    op->ctxt.p = odd(4) ? (void *)address() : (void *)CONTEXT;
    if (odd(3))
        return; /* what was there */
    memset(c, 0, sizeof(*c));
    c->flags = odd(4) ? value() : VGCF_in_kernel | VGCF_online;
    c->ctrlreg[3] = frame_number() << PAGE_SHIFT;
    c->ctrlreg[1] = odd(2) ? frame_number() << PAGE_SHIFT : 0;
    c->gdt_ents = odd(2) ? below(3) * 512 + below(2) : 0;
    for (unsigned i = 0; i < 3; i++)
        c->gdt_frames[i] = frame_number();
    c->ldt_ents = odd(3) ? value() : 0;
    if (odd(4))
        c->user_regs.rip = value();
    if (odd(4))
        c->debugreg[below(8)] = value();
}

static void call_domctl(void)
{
    struct xen_domctl *op = (void *)memory;
    static const uint8_t usual[] = { XEN_DOMCTL_createdomain, XEN_DOMCTL_destroydomain, XEN_DOMCTL_max_mem,
                                     XEN_DOMCTL_setvcpucontext, XEN_DOMCTL_hypercall_init };

    memset(op, 0, sizeof(*op));
    op->cmd = odd(2) ? byte() % 90 : usual[below(ARRAY_SIZE(usual))];
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION + odd(32);
    op->domain = domain_id();
    if (op->cmd == XEN_DOMCTL_createdomain && domains_alive() >= ALIVE_MAX)
        return;
    if (op->cmd == XEN_DOMCTL_createdomain)
        fill_createdomain(&op->u.createdomain);
    else if (op->cmd == XEN_DOMCTL_max_mem && !odd(4))
        op->u.max_mem.max_memkb = 4 * byte();
    else if (op->cmd == XEN_DOMCTL_setvcpucontext)
        fill_context(&op->u.vcpucontext);
    else if (op->cmd == XEN_DOMCTL_hypercall_init)
        op->u.hypercall_init.gmfn = frame_number();
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
    r->extent_start.p = (xen_pfn_t *)(odd(8) ? address() : MEMORY + 0x800);
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
    unsigned cmd = odd(3) ? below(32) : usual[below(ARRAY_SIZE(usual))];

    memset(memory, 0, 0x100);
    if (cmd == XENMEM_exchange) {
        struct xen_memory_exchange *e = (void *)memory;
        fill_reservation(&e->in);
        fill_reservation(&e->out);
        e->nr_exchanged = odd(8) ? value() : 0;
    } else if (cmd == XENMEM_increase_reservation || cmd == XENMEM_populate_physmap ||
               cmd == XENMEM_decrease_reservation || cmd == XENMEM_claim_pages) {
        fill_reservation((void *)memory);
        if (cmd == XENMEM_claim_pages && !odd(4))
            ((struct xen_memory_reservation *)memory)->extent_start.p = NULL;
    } else {
        any_words(memory, 0x40);
        *(domid_t *)memory = domain_id(); /* most begin with it */
    }
    if (cmd == XENMEM_decrease_reservation || cmd == XENMEM_exchange)
        frames_to_list();
    call(hypercall_memory_op, cmd | (odd(16) ? value() << 6 : 0), MEMORY, 0, 0);
}

/* Where an entry stands that could map a grant: mostly in the caller's own table. */
static uint64_t entry_place(void)
{
    unsigned id = current_domain()->id;
    uint64_t frame = id > 1 || odd(8) ? frame_number() : l1[id];

    return frame << PAGE_SHIFT | (uint64_t)below(16) * 8;
}

/* Its contents are what changes; flags and domains are mostly as they should be. */
static void fill_map(struct gnttab_map_grant_ref *op)
{
    static const uint8_t usual[] = { GNTMAP_host_map, GNTMAP_device_map, GNTMAP_host_map | GNTMAP_device_map,
                                     GNTMAP_host_map | GNTMAP_readonly, GNTMAP_device_map | GNTMAP_readonly };

    *op = (struct gnttab_map_grant_ref){ .host_addr = entry_place(),
                                         .flags = odd(8) ? (uint32_t)value()
                                                : usual[below(ARRAY_SIZE(usual))] | GNTMAP_contains_pte,
                                         .ref = odd(8) ? (grant_ref_t)value() : below(8),
                                         .dom = odd(4) ? domain_id() : (domid_t)!current_domain()->id };
}

/* A frame that the other one grants. */
static uint64_t granted_frame(void)
{
    struct domain *granter = domain_by_id(!current_domain()->id);

    return granter ? granter->grants->frames[0][below(8)].frame : frame_number();
}

static void fill_unmap(struct gnttab_unmap_grant_ref *op)
{
    *op = (struct gnttab_unmap_grant_ref){ .host_addr = odd(4) ? 0 : entry_place(),
                                           .dev_bus_addr = odd(2) ? granted_frame() << PAGE_SHIFT : 0,
                                           .handle = odd(8) ? (grant_handle_t)value() : below(8) };
}

static struct gnttab_copy_ptr copy_side(bool by_ref)
{
    domid_t usual = by_ref ? !current_domain()->id : DOMID_SELF;

    return (struct gnttab_copy_ptr){ .u.gmfn = by_ref ? below(8) : odd(8) ? value() : frame_number(),
                                     .domid = odd(8) ? domain_id() : usual,
                                     .offset = (uint16_t)(byte() * 8) };
}

static void fill_copy(struct gnttab_copy *op)
{
    unsigned flags = below(8);

    *op = (struct gnttab_copy){ .source = copy_side(flags & GNTCOPY_source_gref),
                                .dest = copy_side(flags & GNTCOPY_dest_gref),
                                .len = (uint16_t)(odd(4) ? value() : byte()),
                                .flags = (uint16_t)flags };
}

static void call_grant_op(void)
{
    static const uint8_t usual[] = { GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_copy };
    unsigned cmd = odd(4) ? below(12) : usual[below(ARRAY_SIZE(usual))];
    unsigned count = odd(8) ? (unsigned)value() : 1 + below(3);

    any_words(memory, 0x80);
    *(domid_t *)memory = domain_id();
    for (unsigned i = 0; i < 3; i++) {
        if (cmd == GNTTABOP_map_grant_ref)
            fill_map((struct gnttab_map_grant_ref *)memory + i);
        else if (cmd == GNTTABOP_unmap_grant_ref)
            fill_unmap((struct gnttab_unmap_grant_ref *)memory + i);
        else if (cmd == GNTTABOP_copy)
            fill_copy((struct gnttab_copy *)memory + i);
    }
    call(hypercall_grant_table_op, cmd, odd(8) ? address() : MEMORY, count, 0);
}

/* A guest writes into its own grant table. */
static void write_grant(void)
{
    struct domain *d = current_domain();

    d->grants->frames[0][below(8)] = (struct grant_entry_v1){
        (uint16_t)(odd(4) ? byte() : GTF_permit_access), odd(4) ? domain_id() : (domid_t)!d->id,
        (uint32_t)frame_number()
    };
}

static void call_mmu(void)
{
    uint64_t pair[2] = { frame_number() << PAGE_SHIFT | (uint64_t)below(64) * 8,
                         frame_number() << PAGE_SHIFT | (odd(4) ? byte() : byte() & 0xe7U) };
    struct mmuext_op op = { .cmd = odd(4) ? byte() : below(6), .arg1.mfn = frame_number(),
                            .arg2.nr_ents = below(3) };
    unsigned subject = odd(4) ? domain_id() : DOMID_SELF;

    if (op.cmd == MMUEXT_FLUSH_CACHE)
        return; /* an instruction that only a kernel may execute */
    if (below(2)) {
        memcpy(memory, pair, sizeof(pair));
        call(hypercall_mmu_update, MEMORY, 1, 0, subject | (odd(4) ? (uint64_t)domain_id() << 16 : 0));
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
    for (unsigned i = 0; i < 12; i++) {
        l1[id] = domain_alloc_frames(d, 0, 64).v;
        if (i < 8)
            d->grants->frames[0][i] =
                (struct grant_entry_v1){ GTF_permit_access | (i & 1 ? GTF_readonly : 0), !id, (uint32_t)l1[id] };
    }
    context.ctrlreg[3] = domain_alloc_frames(d, 0, 64).v << PAGE_SHIFT;
    require(!vcpu_set_context(d->vcpus[0], &context), "a context is refused");
    vcpu_up(d->vcpus[0]);
    fake_switch_to(d->vcpus[0]);
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = l1[id] };
    memcpy(memory, &pin, sizeof(pin));
    call(hypercall_mmuext_op, MEMORY, 1, 0, DOMID_SELF);
    require(frame_at(mfn(l1[id]))->state & FRAME_PINNED, "a table is not pinned");
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
        fake_preempt(odd(2) ? 1 + below(4) : 0);
        fake_read_only = odd(16) ? MEMORY + below(4) * PAGE_SIZE : 0;
        calls[below(ARRAY_SIZE(calls))]();
        fake_preempt(0);
        audit();
    }
    fake_read_only = 0;
    end();
    return 0;
}
