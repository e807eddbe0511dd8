/* SPDX-License-Identifier: MIT */
/*
 * The auditor: what should each frame's word say, if one believes nothing but tables, roots, pins and
 * queues? Then: does it?
 */
#include "lib/string.h"
#include "memory/frame_alloc.h"
#include "paging/page_type.h"
#include "trace/log.h"

#define LINES_MAX 20U

/* What we counted, a word a frame: references in the low half, type references in the high half. */
static uint64_t *counted;
static unsigned errors;

#define TYPED_ONE (1UL << 32)

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

static void count_l1(mfn_t m, uint64_t entry)
{
    if ((entry & PTE_WRITE) && mfn_is_ram(pte_mfn(entry)) &&
        state_type(frame_at(pte_mfn(entry))->state) != TYPE_WRITABLE)
        complain("frame that a writable entry maps: its table", pte_mfn(entry), m.v, 0);
    if (entry & PTE_WRITE)
        audit_count_type(pte_mfn(entry), TYPE_WRITABLE);
    else
        audit_count_reference(pte_mfn(entry));
}

static void count_table(mfn_t m, enum page_type type, unsigned entries)
{
    const uint64_t *table = mfn_to_virt(m);

    for (unsigned i = 0; i < entries; i++) {
        if (!(table[i] & PTE_PRESENT) || (type == TYPE_L4 && l4_slot_is_ours(i)))
            continue;
        if (type == TYPE_L1)
            count_l1(m, table[i]);
        else
            audit_count_type(pte_mfn(table[i]), (enum page_type)(type - 1));
    }
    if (type == TYPE_L4 && entries == ENTRIES_PER_TABLE &&
        memcmp(table + HYPERVISOR_SLOT_FIRST, root_hypervisor_entries(),
               HYPERVISOR_SLOTS * sizeof(uint64_t)))
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
    if (table && (state & FRAME_PARTIAL)) {
        counted[m.v] += TYPED_ONE; /* its own, until it is whole or gone */
        count_table(m, type, frame_at(m)->progress);
    } else if (table && (state & FRAME_VALID) && (state & FRAME_COUNT)) {
        count_table(m, type, ENTRIES_PER_TABLE);
    }
}

static void count_vcpu(const struct vcpu *v)
{
    if (v->initialised) {
        audit_count_type(v->kernel_root, TYPE_L4);
        if (v->user_root.v)
            audit_count_type(v->user_root, TYPE_L4);
    }
    for (unsigned i = 0; i < v->nr_gdt_frames; i++)
        audit_count_type(v->gdt_frames[i], TYPE_DESCRIPTOR);
    for (unsigned i = 0; i < 16; i++) {
        if (v->ldt_mapped >> i & 1)
            audit_count_type(pte_mfn(*hypervisor_pte(v->window + (16 + i) * PAGE_SIZE)),
                             TYPE_DESCRIPTOR);
    }
    if (v->info_frame.v != MFN_NONE.v)
        audit_count_type(v->info_frame, TYPE_WRITABLE);
}

static void compare(mfn_t m)
{
    uint64_t state = frame_at(m)->state;

    if ((state & FRAME_REFS) != (uint32_t)counted[m.v])
        complain("references", m, state & FRAME_REFS, (uint32_t)counted[m.v]);
    if (state_count(state) != counted[m.v] >> 32)
        complain("type count", m, state_count(state), counted[m.v] >> 32);
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
    for (uint64_t n = 0; n < max_mfn; n++) {
        if (frame_at(mfn(n))->owner < DOMID_FIRST_RESERVED)
            count_frame(mfn(n));
    }
    domain_for_each(d) {
        for (unsigned i = 0; i < d->nr_vcpus; i++)
            count_vcpu(d->vcpus[i]);
    }
    for (uint64_t n = 0; n < max_mfn; n++) {
        if (frame_at(mfn(n))->owner < DOMID_FIRST_RESERVED) {
            compare(mfn(n));
            frames++;
        }
    }
    log_line(LOG_ERROR, "audit: %lu frames, %u errors", frames, errors);
    return errors;
}
