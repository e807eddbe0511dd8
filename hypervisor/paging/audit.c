/* SPDX-License-Identifier: MIT */
/*
 * The auditor: what should each frame's word say, if one believes nothing but tables, roots, pins and
 * queues? Then: does it? And: is who owns a frame, who lists it and who may map it the same everywhere?
 *
 * Each walk ends after as many steps as there are frames, however wrong the links are.
 */
#include <xen/grant_table.h>
#include "lib/string.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "paging/page_type.h"
#include "trace/log.h"

#define LINES_MAX 20U

/* What we counted, a word a frame: references in the low half, type references above them, and whether
 * another domain may map it, and it was found in its owner's list and in its owner's queue. */
static uint64_t *counted;
static unsigned errors;

#define TYPED_ONE (1UL << 32)
#define GRANTED   (1UL << 61)
#define LISTED    (1UL << 62)
#define QUEUED    (1UL << 63)

static void complain(const char *what, mfn_t m, uint64_t is, uint64_t should)
{
    if (errors++ < LINES_MAX)
        log_line(LOG_ERROR, "audit: frame %lx (d%u, state %016lx): %s is %lx, should be %lx", m.v,
                 frame_at(m)->owner, frame_at(m)->state, what, is, should);
}

void audit_count_reference(mfn_t m)
{
    if (mfn_is_ram(m))
        counted[m.v]++;
}

void audit_count_type(mfn_t m, enum page_type type)
{
    if (!mfn_is_ram(m))
        return;
    counted[m.v] += TYPED_ONE;
    if (state_type(frame_at(m)->state) != type)
        complain("type", m, state_type(frame_at(m)->state), type);
}

static const struct domain *owner_of(mfn_t m)
{
    return mfn_is_ram(m) ? domain_by_id(frame_at(m)->owner) : NULL;
}

/* A guest's tables show its own frames, and those that it has a handle for; a privileged guest's show other guests'
 * as well, and devices. No table shows a frame that is free, or the hypervisor's. */
static void check_target(mfn_t table, mfn_t target, bool leaf)
{
    const struct domain *of = owner_of(table), *to = owner_of(target);

    if (of != to && !(leaf && to && (counted[target.v] & GRANTED)) &&
        !(leaf && of->privileged && (to || !mfn_is_ram(target))))
        complain("owner of what it points at", table, mfn_is_ram(target) ? frame_at(target)->owner : 0,
                 of->id);
}

static void count_l1(mfn_t m, uint64_t entry)
{
    check_target(m, pte_mfn(entry), true);
    if ((entry & PTE_WRITE) && mfn_is_ram(pte_mfn(entry)) &&
        state_type(frame_at(pte_mfn(entry))->state) != TYPE_WRITABLE)
        complain("frame that a writable entry maps: its table", pte_mfn(entry), m.v, 0);
    if (entry & PTE_WRITE)
        audit_count_type(pte_mfn(entry), TYPE_WRITABLE);
    else
        audit_count_reference(pte_mfn(entry));
}

/* The first slot, with the machine-to-physical table, may be hidden from user mode. */
static bool hypervisor_part_is_right(const uint64_t *slots)
{
    const uint64_t *ours = root_hypervisor_entries();

    return (!slots[0] || slots[0] == ours[0]) &&
           !memcmp(slots + 1, ours + 1, (HYPERVISOR_SLOTS - 1) * sizeof(*slots));
}

static void count_table(mfn_t m, enum page_type type, unsigned entries)
{
    const uint64_t *table = mfn_to_virt(m);

    for (unsigned i = 0; i < entries; i++) {
        if (!(table[i] & PTE_PRESENT) || (type == TYPE_L4 && l4_slot_is_ours(i)))
            continue;
        if (type == TYPE_L1) {
            count_l1(m, table[i]);
        } else {
            check_target(m, pte_mfn(table[i]), false);
            audit_count_type(pte_mfn(table[i]), (enum page_type)(type - 1));
        }
    }
    if (type == TYPE_L4 && entries == ENTRIES_PER_TABLE &&
        !hypervisor_part_is_right(table + HYPERVISOR_SLOT_FIRST))
        complain("hypervisor part of a root", m, 0, 1);
}

static void count_frame(mfn_t m)
{
    uint64_t state = frame_at(m)->state;
    enum page_type type = state_type(state);
    bool table = type >= TYPE_L1 && type <= TYPE_L4;

    if (state & (FRAME_ALLOCATED | FRAME_SPECIAL))
        counted[m.v]++;
    if (state & FRAME_PINNED)
        counted[m.v] += TYPED_ONE;
    if (state & FRAME_BUSY)
        complain("busy", m, 1, 0);
    if (!domain_by_id(frame_at(m)->owner)) {
        complain("owner, which there is not", m, frame_at(m)->owner, FRAME_OWNER_US);
    } else if (table && frame_at(m)->progress > ENTRIES_PER_TABLE) {
        complain("progress", m, frame_at(m)->progress, ENTRIES_PER_TABLE);
    } else if (table && (state & FRAME_PARTIAL)) {
        counted[m.v] += TYPED_ONE; /* its own, until it is whole or gone */
        count_table(m, type, frame_at(m)->progress);
    } else if (table && (state & FRAME_VALID) && (state & FRAME_COUNT)) {
        count_table(m, type, ENTRIES_PER_TABLE);
    }
}

/* The window shows what the vCPU holds references to, and nothing else that could be written. */
static void count_window(const struct vcpu *v)
{
    const uint64_t *window = hypervisor_pte(v->window);
    mfn_t shared = virt_to_mfn(v->domain->shared_info); /* for a line to name the domain */

    for (unsigned i = 0; i < v->nr_gdt_frames; i++) {
        audit_count_type(v->gdt_frames[i], TYPE_DESCRIPTOR);
        if (pte_mfn(window[i]).v != v->gdt_frames[i].v)
            complain("GDT's window", v->gdt_frames[i], pte_mfn(window[i]).v, v->gdt_frames[i].v);
    }
    for (unsigned i = v->nr_gdt_frames; i < ARRAY_SIZE(v->gdt_frames); i++) {
        if (window[i] & PTE_WRITE)
            complain("page of the GDT's window", shared, window[i], 0);
    }
    for (unsigned i = 0; i < 16; i++) {
        if (v->ldt_mapped >> i & 1)
            audit_count_type(pte_mfn(window[16 + i]), TYPE_DESCRIPTOR);
        else if (window[16 + i])
            complain("page of the LDT's window", shared, window[16 + i], 0);
    }
}

static void count_vcpu(const struct vcpu *v)
{
    if (v->initialised) {
        audit_count_type(v->kernel_root, TYPE_L4);
        if (v->user_root.v)
            audit_count_type(v->user_root, TYPE_L4);
    }
    count_window(v);
    if (v->info_frame.v != MFN_NONE.v)
        audit_count_type(v->info_frame, TYPE_WRITABLE);
}

/* Follows a list of a domain's frames from its head, and marks them. Returns how many there are. */
static uint64_t mark_list(const struct domain *d, uint32_t head, uint64_t mark, const char *what)
{
    uint64_t nr = 0;

    for (uint32_t n = head; n != FRAME_NONE; nr++) {
        if (n >= max_mfn || frame_at(mfn(n))->owner != d->id || (counted[n] & mark)) {
            complain(what, mfn(MIN(n, max_mfn - 1)), n, FRAME_NONE);
            return nr;
        }
        counted[n] |= mark;
        n = mark == LISTED ? frame_at(mfn(n))->next : frame_at(mfn(n))->drop_next;
    }
    return nr;
}

static void count_domain(const struct domain *d)
{
    mfn_t shared = virt_to_mfn(d->shared_info);
    uint64_t nr = mark_list(d, d->memory.first_frame, LISTED, "list of its owner's frames") +
                  mark_list(d, d->memory.first_dropped, LISTED, "list of frames that its owner gave up");

    if (nr != d->memory.nr_pages)
        complain("domain's number of frames", shared, d->memory.nr_pages, nr);
    mark_list(d, d->paging.drop_head, QUEUED, "queue of doomed tables");
    if (d->paging.drops_running)
        complain("tables that somebody takes apart", shared, d->paging.drops_running, 0);
    for (unsigned i = 0; i < d->nr_vcpus; i++)
        count_vcpu(d->vcpus[i]);
}

static void compare(mfn_t m)
{
    uint64_t state = frame_at(m)->state, is = counted[m.v];
    uint64_t references = (uint32_t)is, typed = (is & ~(GRANTED | LISTED | QUEUED)) >> 32;

    if ((state & FRAME_REFS) != references)
        complain("references", m, state & FRAME_REFS, references);
    if (state_count(state) != typed)
        complain("type count", m, state_count(state), typed);
    /* What is in use and not a page of ours is listed, and nothing else. */
    bool listed = !(state & FRAME_SPECIAL) && (state & (FRAME_REFS | FRAME_COUNT));
    if (listed != !!(is & LISTED))
        complain("place in its owner's list", m, !!(is & LISTED), listed);
    if (!!(state & FRAME_DOOMED) != !!(is & QUEUED))
        complain("place in the queue of doomed tables", m, !!(is & QUEUED), !!(state & FRAME_DOOMED));
}

/* A device that uses it holds a reference; a page-table entry counts by itself. */
static void count_grant(mfn_t m, unsigned flags)
{
    if (!mfn_is_ram(m))
        return;
    counted[m.v] |= GRANTED;
    if ((flags & GNTMAP_device_map) && (flags & GNTMAP_readonly))
        audit_count_reference(m);
    else if (flags & GNTMAP_device_map)
        audit_count_type(m, TYPE_WRITABLE);
}

unsigned paging_audit(void)
{
    struct domain *d;
    uint64_t frames = 0;

    if (!counted)
        counted = heap_alloc(max_mfn * sizeof(*counted));
    if (!counted) {
        log_line(LOG_ERROR, "audit: no memory to count in");
        return 1;
    }
    memset(counted, 0, max_mfn * sizeof(*counted));
    errors = 0;
    domain_for_each(d)
        domain_for_each_grant(d, count_grant);
    for (uint64_t n = 0; n < max_mfn; n++) {
        if (frame_at(mfn(n))->owner < DOMID_FIRST_RESERVED)
            count_frame(mfn(n));
    }
    domain_for_each(d)
        count_domain(d);
    for (uint64_t n = 0; n < max_mfn; n++) {
        if (frame_at(mfn(n))->owner < DOMID_FIRST_RESERVED) {
            compare(mfn(n));
            frames++;
        } else if (frame_at(mfn(n))->owner == FRAME_OWNER_US && m2p_get(mfn(n)) != M2P_INVALID) {
            complain("name of a frame that no guest owns", mfn(n), m2p_get(mfn(n)), M2P_INVALID);
        }
    }
    log_line(LOG_ERROR, "audit: %lu frames, %u errors", frames, errors);
    return errors;
}
