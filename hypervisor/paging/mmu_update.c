/* SPDX-License-Identifier: MIT */
/*
 * Page-table changes by hypercall: in batches, and one address at a time.
 *
 * Consecutive entries of a batch mostly lie in one table: it is found, and referenced, once. TLB entries
 * are the guest's own affair at L1, as on the bare machine; above it we flush, once at the end, if
 * anything that was present changed.
 *
 * ABI: mmu_update, update_va_mapping, update_va_mapping_otherdomain, <xen/xen.h>
 */
#include "domain/refuse.h"
#include "hypercall/hypercall.h"
#include "lib/check.h"
#include "machine/machine.h"
#include "memory/guest_copy.h"
#include "memory/m2p.h"

#define COMMAND_MASK 7UL

/* The table that the last entry was in. */
struct open_table {
    mfn_t mfn; /* MFN_NONE: none */
    enum page_type type;
    struct frame *frame;
    uint64_t *entries;
};

struct batch {
    struct domain *tables_of; /* owner of the tables */
    domid_t targets_of;       /* owner of what the entries point at */
    struct open_table table;
    bool flush;
};

static void table_close(struct open_table *t)
{
    if (t->mfn.v == MFN_NONE.v)
        return;
    page_type_put(t->frame);
    t->mfn = MFN_NONE;
}

/* Takes a reference that keeps the frame what it is: a table of some level, or plain memory. */
static int table_open(struct batch *b, mfn_t m)
{
    struct domain *d = b->tables_of;
    struct open_table *t = &b->table;

    table_close(t);
    if (!mfn_is_ram(m) || frame_at(m)->owner != d->id)
        return refuse(current_domain(), XEN_EINVAL, "mmu_update: frame %lx is not d%u's", m.v, d->id);
    struct frame *f = frame_at(m);
    enum page_type type = state_type(READ_ONCE(f->state));
    if (type < TYPE_L1 || type > TYPE_L4 || !page_type_get_existing(f, type, d->id)) {
        /* Not a table now: a plain store into memory of the guest, as it could make itself. */
        type = TYPE_WRITABLE;
        if (!frame_get(f, d->id))
            return refuse(current_domain(), XEN_EINVAL, "mmu_update: frame %lx is free", m.v);
        int rc = page_type_get(f, type);
        frame_put(f);
        if (rc == HYPERCALL_CONTINUE)
            return rc;
        if (rc)
            return refuse(current_domain(), XEN_EINVAL,
                          "mmu_update: frame %lx is neither a table nor writable (type %u)", m.v,
                          state_type(f->state));
    }
    *t = (struct open_table){ m, type, f, mfn_to_virt(m) };
    return 0;
}

static int __attribute__((noinline)) upper_change(struct batch *b, unsigned slot, uint64_t val,
                                                  enum entry_write how)
{
    struct open_table *t = &b->table;
    unsigned level = (unsigned)t->type - TYPE_L1 + 1;
    uint64_t *entry = &t->entries[slot];

    if (t->type == TYPE_WRITABLE) {
        WRITE_ONCE(*entry, val);
        return 0;
    }
    if (level == 4 && l4_slot_is_ours(slot))
        return refuse(current_domain(), XEN_EINVAL, "mmu_update: L4 slot %u is the hypervisor's",
                      slot);
    bool was_present = READ_ONCE(*entry) & PTE_PRESENT;
    int rc = table_entry_change(b->tables_of, level, entry, val, how);
    if (!rc && was_present) {
        b->flush = true;
        /* What this entry was the last to hold is no table any more for those that follow. If that stops
         * early, so does the batch, and it is done before it goes on. */
        if (doomed_tables_left(b->tables_of))
            page_type_drain(b->tables_of);
    }
    return rc;
}

static int __attribute__((noinline)) machphys_change(struct batch *b, mfn_t m, uint64_t pfn)
{
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), b->targets_of))
        return refuse(current_domain(), XEN_EINVAL, "mmu_update: frame %lx is not d%u's", m.v,
                      b->targets_of);
    m2p_set(m, pfn);
    frame_put(frame_at(m));
    return 0;
}

static inline int one_update(struct batch *b, uint64_t ptr, uint64_t val)
{
    uint64_t command = ptr & COMMAND_MASK;
    mfn_t m = mfn_of_maddr(ptr);

    if (unlikely(command == MMU_MACHPHYS_UPDATE))
        return machphys_change(b, m, val);
    if (unlikely(command > MMU_PT_UPDATE_NO_TRANSLATE))
        return refuse(current_domain(), XEN_ENOSYS, "mmu_update: no command %lu", command);
    if (unlikely(m.v != b->table.mfn.v)) {
        int rc = table_open(b, m);
        if (rc)
            return rc;
    }
    unsigned slot = (unsigned)(ptr / 8 % ENTRIES_PER_TABLE);
    enum entry_write how = command == MMU_PT_UPDATE_PRESERVE_AD ? ENTRY_KEEP_AD : ENTRY_REPLACE;
    if (likely(b->table.type == TYPE_L1)) {
        uint64_t *entry = &b->table.entries[slot];
        return l1_entry_change(b->tables_of, b->targets_of, entry, READ_ONCE(*entry), val, how);
    }
    return upper_change(b, slot, val, how);
}

/*
 * Who owns the tables and who what they point at: two domain ids in one word. Other domains' frames
 * are for those who control them.
 */
HOT static int batch_begin(struct batch *b, uint64_t foreigndom)
{
    struct domain *d = current_domain();
    unsigned tables = (uint32_t)foreigndom >> 16, targets = foreigndom & 0xffff;

    *b = (struct batch){ .tables_of = d, .targets_of = d->id, .table.mfn = MFN_NONE };
    if (likely(foreigndom == DOMID_SELF || foreigndom == d->id))
        return 0;
    if (tables && tables - 1 != DOMID_SELF && tables - 1 != d->id) {
        b->tables_of = domain_by_id(tables - 1);
        if (!b->tables_of)
            return refuse(d, XEN_ESRCH, "no domain %u", tables - 1);
        if (!d->privileged)
            return refuse(d, XEN_EPERM, "tables of d%u are not its own", tables - 1);
        if (b->tables_of->dying)
            return refuse(d, XEN_ESRCH, "tables of d%u, which dies", tables - 1);
    }
    if (targets == DOMID_SELF || targets == d->id)
        return 0;
    if (targets == DOMID_IO) {
        if (!d->privileged)
            return refuse(d, XEN_EPERM, "it may not map device memory");
        b->targets_of = DOMID_INVALID; /* owns no frame: only device memory passes */
        return 0;
    }
    if (targets == DOMID_XEN ? !d->privileged : !domain_by_id(targets))
        return refuse(d, targets == DOMID_XEN ? XEN_EPERM : XEN_ESRCH, "no domain %u", targets);
    if (!d->privileged)
        return refuse(d, XEN_EPERM, "frames of d%u are not its own", targets);
    b->targets_of = (domid_t)targets;
    return 0;
}

static void batch_end(struct batch *b)
{
    table_close(&b->table);
    if (b->flush)
        tlb_flush_cpus(b->tables_of->paging.dirty_cpus, 0);
}

HOT static long __attribute__((noinline)) update_batch(uint64_t list, uint64_t nr, uint64_t done_to, uint64_t foreigndom)
{
    uint64_t count = count_left(nr), i, ptr, val;
    uint32_t done = count_done_before(nr);
    struct batch batch;
    int rc;

    if (unlikely(!guest_array_ok(list, count, sizeof(struct mmu_update))))
        return refuse(current_domain(), XEN_EFAULT, "mmu_update: the list lies in the hypervisor");
    rc = batch_begin(&batch, foreigndom);
    if (unlikely(rc))
        return rc;
    for (i = 0; i < count; i++) {
        uint64_t at = list + i * sizeof(struct mmu_update);
        if (unlikely(preempt_needed()) && i) {
            rc = HYPERCALL_CONTINUE;
            break;
        }
        if (unlikely(!guest_load64(at, &ptr) || !guest_load64(at + 8, &val))) {
            rc = refuse(current_domain(), XEN_EFAULT, "mmu_update: entry %lu cannot be read", i);
            break;
        }
        rc = one_update(&batch, ptr, val);
        if (unlikely(rc))
            break;
    }
    batch_end(&batch);
    if (batch.tables_of != current_domain() && !page_type_drain(batch.tables_of) && !rc)
        rc = HYPERCALL_CONTINUE;
    done += (uint32_t)i;
    if (rc == HYPERCALL_CONTINUE)
        return hypercall_again(4, list + i * sizeof(struct mmu_update),
                               count_to_continue(count - i, done), done_to, foreigndom);
    /* A count that cannot be written is the caller's loss: what was done is done. */
    if (done_to)
        (void)!copy_to_guest(done_to, &done, sizeof(done));
    return rc;
}

/*
 * A batch of one entry of the caller's own L1 table, for its own frame: how kernels change one when they fault. Nothing
 * of a batch is needed for it. False: it is another one, and nothing was done.
 */
static inline bool single_update(struct domain *d, uint64_t at, int *rc)
{
    uint64_t words[2], *entry;

    if (unlikely(!guest_words_ok(at, sizeof(words)) || !guest_load_words(at, words, 2)))
        return false;
    uint64_t command = words[0] & COMMAND_MASK;
    mfn_t m = mfn_of_maddr(words[0]);
    if (unlikely((command != MMU_NORMAL_PT_UPDATE && command != MMU_PT_UPDATE_PRESERVE_AD) || m.v >= max_mfn))
        return false;
    struct frame *table = frame_at(m);
    if (unlikely(!page_type_get_existing(table, TYPE_L1, d->id)))
        return false;
    entry = (uint64_t *)mfn_to_virt(m) + words[0] / 8 % ENTRIES_PER_TABLE;
    *rc = l1_entry_change(d, d->id, entry, READ_ONCE(*entry), words[1],
                          command == MMU_PT_UPDATE_PRESERVE_AD ? ENTRY_KEEP_AD : ENTRY_REPLACE);
    page_type_put(table);
    return true;
}

/* ABI: mmu_update(list of struct mmu_update, count, done out, foreigndom). */
HOT HYPERCALL(mmu_update)
{
    int rc;

    UNUSED_ARGUMENT(e);
    if (likely(b == 1) && likely(!c) && likely(d == DOMID_SELF) && single_update(current_domain(), a, &rc))
        return rc == HYPERCALL_CONTINUE ? hypercall_again(4, a, b, c, d) : rc;
    return update_batch(a, b, c, d);
}

/* ABI: the flags of update_va_mapping. Bits 0-1 say what, the rest where: 0 here, 4 all vCPUs, or the
 * address of a bitmap of vCPUs. */
static int flush_after(struct vcpu *v, uint64_t va, uint64_t flags)
{
    uint64_t cpus = 1UL << this_cpu()->id, where = flags & ~UVMF_FLUSHTYPE_MASK;
    uint64_t what = flags & UVMF_FLUSHTYPE_MASK;

    if (what != UVMF_TLB_FLUSH && what != UVMF_INVLPG)
        return 0;
    if (where == UVMF_ALL) {
        cpus = v->domain->paging.dirty_cpus;
    } else if (where) {
        int rc = vcpu_bitmap_to_cpus(v->domain, where, &cpus);
        if (rc)
            return rc;
    }
    tlb_flush_cpus(cpus, what == UVMF_INVLPG ? va : 0);
    return 0;
}

static long update_va(uint64_t va, uint64_t val, uint64_t flags, domid_t targets_of)
{
    struct vcpu *v = current_vcpu();
    uint64_t *table = guest_address_ok(va) ? l1_table_find(v->domain, v->kernel_root, va) : NULL;

    if (unlikely(!table))
        return refuse(v->domain, XEN_EINVAL, "update_va_mapping: no L1 table for %016lx", va);
    uint64_t *entry = l1_entry_of(table, va);
    int rc = l1_entry_change(v->domain, targets_of, entry, READ_ONCE(*entry), val, ENTRY_REPLACE);
    l1_table_put(table);
    if (unlikely(rc))
        return rc;
    return flags ? flush_after(v, va, flags) : 0;
}

/* ABI: update_va_mapping(va, val, flags). */
HOT HYPERCALL(update_va_mapping)
{
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    long rc = update_va(a, b, c, current_domain()->id);
    return rc == HYPERCALL_CONTINUE ? hypercall_again(3, a, b, c, 0) : rc;
}

/* ABI: update_va_mapping_otherdomain(va, val, flags, domid of the frame's owner). */
HYPERCALL(update_va_mapping_otherdomain)
{
    struct batch batch;
    int rc = batch_begin(&batch, (uint16_t)d);

    UNUSED_ARGUMENT(e);
    if (rc)
        return rc;
    long result = update_va(a, b, c, batch.targets_of);
    return result == HYPERCALL_CONTINUE ? hypercall_again(4, a, b, c, d) : result;
}
