/* SPDX-License-Identifier: MIT */
/*
 * Pins, roots, flushes.
 *
 * ABI: mmuext_op, struct mmuext_op, <xen/xen.h>
 */
#include "domain/refuse.h"
#include "hypercall/hypercall.h"
#include "lib/string.h"
#include "machine/machine.h"
#include "memory/guest_copy.h"
#include "paging/descriptors.h"
#include "paging/root.h"

#define LDT_MAX_ENTRIES 8192U

struct request {
    struct domain *d;  /* who asks */
    struct domain *of; /* whose frames */
    struct vcpu *v;
    struct mmuext_op op;
};

static int frame_of_request(const struct request *r, uint64_t n, struct frame **out)
{
    if (!mfn_is_ram(mfn(n)) || !frame_get(frame_at(mfn(n)), r->of->id))
        return refuse(r->d, XEN_EINVAL, "mmuext_op %u: frame %lx is not d%u's", r->op.cmd, n, r->of->id);
    *out = frame_at(mfn(n));
    return 0;
}

static bool set_pinned(struct frame *f)
{
    uint64_t seen = READ_ONCE(f->state);

    do {
        if (seen & FRAME_PINNED)
            return false;
    } while (!frame_state_swap(f, &seen, seen | FRAME_PINNED));
    return true;
}

static int mmuext_pin(struct request *r)
{
    enum page_type type = (enum page_type)(TYPE_L1 + r->op.cmd - MMUEXT_PIN_L1_TABLE);
    struct frame *f;

    int rc = frame_of_request(r, r->op.arg1.mfn, &f);
    if (rc)
        return rc;
    rc = page_type_get(f, type);
    if (rc && rc != HYPERCALL_CONTINUE) {
        rc = refuse(r->d, -rc, "pin L%u: frame %lx is type %u, count %lu, or breaks a rule",
                    type - TYPE_L1 + 1, (uint64_t)r->op.arg1.mfn, state_type(f->state),
                    state_count(f->state));
    } else if (!rc && !set_pinned(f)) {
        page_type_put(f);
        rc = refuse(r->d, XEN_EINVAL, "pin: frame %lx is pinned already", (uint64_t)r->op.arg1.mfn);
    }
    frame_put(f);
    return rc;
}

static int mmuext_unpin(struct request *r)
{
    struct frame *f;

    int rc = frame_of_request(r, r->op.arg1.mfn, &f);
    if (rc)
        return rc;
    uint64_t seen = READ_ONCE(f->state);
    while ((seen & FRAME_PINNED) && !frame_state_swap(f, &seen, seen & ~FRAME_PINNED))
        ;
    if (seen & FRAME_PINNED)
        page_type_put(f);
    else
        rc = refuse(r->d, XEN_EINVAL, "unpin: frame %lx is not pinned", (uint64_t)r->op.arg1.mfn);
    frame_put(f);
    return rc;
}

HOT static int mmuext_new_baseptr(struct request *r)
{
    return root_set_kernel(r->v, mfn(r->op.arg1.mfn));
}

HOT static int mmuext_new_user_baseptr(struct request *r)
{
    return root_set_user(r->v, mfn(r->op.arg1.mfn));
}

static int mmuext_tlb_flush_local(struct request *r)
{
    (void)r;
    tlb_flush_all();
    return 0;
}

static int mmuext_invlpg_local(struct request *r)
{
    if (address_is_canonical(r->op.arg1.linear_addr))
        tlb_flush_cpus(1UL << this_cpu()->id, r->op.arg1.linear_addr);
    return 0;
}

static int flush_multi(struct request *r, uint64_t va)
{
    uint64_t cpus;

    if (vcpu_bitmap_to_cpus(r->d, (uint64_t)r->op.arg2.vcpumask.p, &cpus))
        return -XEN_EINVAL;
    tlb_flush_cpus(cpus, va);
    return 0;
}

static int mmuext_tlb_flush_multi(struct request *r)
{
    return flush_multi(r, 0);
}

static int mmuext_invlpg_multi(struct request *r)
{
    if (!address_is_canonical(r->op.arg1.linear_addr))
        return 0;
    return flush_multi(r, r->op.arg1.linear_addr);
}

static int mmuext_tlb_flush_all(struct request *r)
{
    tlb_flush_cpus(r->d->paging.dirty_cpus, 0);
    return 0;
}

static int mmuext_invlpg_all(struct request *r)
{
    if (address_is_canonical(r->op.arg1.linear_addr))
        tlb_flush_cpus(r->d->paging.dirty_cpus, r->op.arg1.linear_addr);
    return 0;
}

static int mmuext_flush_cache(struct request *r)
{
    if (!r->d->privileged)
        return refuse(r->d, XEN_EACCES, "flush_cache is for domains with devices");
    __asm__ volatile("wbinvd" ::: "memory");
    return 0;
}

static int mmuext_flush_cache_global(struct request *r)
{
    if (!r->d->privileged)
        return refuse(r->d, XEN_EINVAL, "flush_cache_global is for domains with devices");
    caches_flush_all();
    return 0;
}

static int mmuext_set_ldt(struct request *r)
{
    uint64_t base = r->op.arg1.linear_addr;
    unsigned entries = r->op.arg2.nr_ents;

    if (base % PAGE_SIZE || entries > LDT_MAX_ENTRIES ||
        (entries && (!guest_address_ok(base) || !guest_range_ok(base, entries * 8UL))))
        return refuse(r->d, XEN_EINVAL, "set_ldt: %016lx with %u entries", base, entries);
    ldt_set(r->v, base, entries);
    return 0;
}

static int with_writable(struct request *r, int (*fn)(struct request *r, struct frame *f))
{
    struct frame *f;

    int rc = frame_of_request(r, r->op.arg1.mfn, &f);
    if (rc)
        return rc;
    rc = page_type_get(f, TYPE_WRITABLE);
    if (!rc) {
        rc = fn(r, f);
        page_type_put(f);
    } else if (rc != HYPERCALL_CONTINUE) {
        rc = refuse(r->d, XEN_EINVAL, "mmuext_op %u: frame %lx is not writable (type %u)", r->op.cmd,
                    (uint64_t)r->op.arg1.mfn, state_type(f->state));
    }
    frame_put(f);
    return rc;
}

static int clear_frame(struct request *r, struct frame *f)
{
    (void)r;
    memset(mfn_to_virt(mfn_of_frame(f)), 0, PAGE_SIZE);
    return 0;
}

static int copy_frame(struct request *r, struct frame *f)
{
    struct frame *source;

    int rc = frame_of_request(r, r->op.arg2.src_mfn, &source);
    if (rc)
        return rc;
    memcpy(mfn_to_virt(mfn_of_frame(f)), mfn_to_virt(mfn_of_frame(source)), PAGE_SIZE);
    frame_put(source);
    return 0;
}

static int mmuext_clear_page(struct request *r)
{
    return with_writable(r, clear_frame);
}

static int mmuext_copy_page(struct request *r)
{
    return with_writable(r, copy_frame);
}

static int mmuext_super(struct request *r)
{
    return refuse(r->d, XEN_EOPNOTSUPP, "superpages are not offered");
}

static const struct {
    int (*run)(struct request *r);
    bool foreign; /* may concern another domain's frames */
} operations[] = {
    [MMUEXT_PIN_L1_TABLE] = { mmuext_pin, .foreign = true },
    [MMUEXT_PIN_L2_TABLE] = { mmuext_pin, .foreign = true },
    [MMUEXT_PIN_L3_TABLE] = { mmuext_pin, .foreign = true },
    [MMUEXT_PIN_L4_TABLE] = { mmuext_pin, .foreign = true },
    [MMUEXT_UNPIN_TABLE] = { mmuext_unpin, .foreign = true },
    [MMUEXT_NEW_BASEPTR] = { mmuext_new_baseptr },
    [MMUEXT_NEW_USER_BASEPTR] = { mmuext_new_user_baseptr },
    [MMUEXT_TLB_FLUSH_LOCAL] = { mmuext_tlb_flush_local },
    [MMUEXT_INVLPG_LOCAL] = { mmuext_invlpg_local },
    [MMUEXT_TLB_FLUSH_MULTI] = { mmuext_tlb_flush_multi },
    [MMUEXT_INVLPG_MULTI] = { mmuext_invlpg_multi },
    [MMUEXT_TLB_FLUSH_ALL] = { mmuext_tlb_flush_all },
    [MMUEXT_INVLPG_ALL] = { mmuext_invlpg_all },
    [MMUEXT_FLUSH_CACHE] = { mmuext_flush_cache },
    [MMUEXT_FLUSH_CACHE_GLOBAL] = { mmuext_flush_cache_global },
    [MMUEXT_SET_LDT] = { mmuext_set_ldt },
    [MMUEXT_CLEAR_PAGE] = { mmuext_clear_page, .foreign = true },
    [MMUEXT_COPY_PAGE] = { mmuext_copy_page, .foreign = true },
    [MMUEXT_MARK_SUPER] = { mmuext_super },
    [MMUEXT_UNMARK_SUPER] = { mmuext_super },
};

static int run_one(struct request *r)
{
    if (r->op.cmd >= ARRAY_SIZE(operations) || !operations[r->op.cmd].run)
        return refuse(r->d, XEN_ENOSYS, "mmuext_op: no operation %u", r->op.cmd);
    if (r->of != r->d && !operations[r->op.cmd].foreign)
        return refuse(r->d, XEN_EPERM, "mmuext_op %u cannot concern another domain", r->op.cmd);
    return operations[r->op.cmd].run(r);
}

static int find_subject(struct domain *d, uint16_t foreigndom, struct domain **of)
{
    *of = d;
    if (foreigndom == DOMID_SELF || foreigndom == d->id)
        return 0;
    *of = domain_by_id(foreigndom);
    if (!*of)
        return refuse(d, XEN_ESRCH, "mmuext_op: no domain %u", foreigndom);
    if (!d->privileged)
        return refuse(d, XEN_EPERM, "mmuext_op: d%u is not its own", foreigndom);
    /* Nobody would look for what is pinned, or half validated, once its frames were given up. */
    return (*of)->dying ? refuse(d, XEN_ESRCH, "mmuext_op: d%u dies", foreigndom) : 0;
}

/* ABI: mmuext_op(list of struct mmuext_op, count, done out, foreigndom). */
HOT HYPERCALL(mmuext_op)
{
    uint64_t list = a, count = count_left(b), i;
    uint32_t done = count_done_before(b);
    struct request r; /* each entry is read into it */
    int rc;

    UNUSED_ARGUMENT(e);
    r.v = current_vcpu();
    r.d = r.v->domain;
    if (!guest_array_ok(list, count, sizeof(struct mmuext_op)))
        return refuse(r.d, XEN_EFAULT, "mmuext_op: the list lies in the hypervisor");
    rc = find_subject(r.d, (uint16_t)d, &r.of);
    if (rc)
        return rc;
    for (i = 0; i < count; i++) {
        if (i && preempt_needed()) {
            rc = HYPERCALL_CONTINUE;
            break;
        }
        uint64_t words[sizeof(r.op) / sizeof(uint64_t)];
        if (!guest_load_words(list + i * sizeof(r.op), words, ARRAY_SIZE(words))) {
            rc = refuse(r.d, XEN_EFAULT, "mmuext_op: entry %lu cannot be read", i);
            break;
        }
        __builtin_memcpy(&r.op, words, sizeof(r.op));
        rc = run_one(&r);
        if (rc)
            break;
    }
    if (r.of != r.d && !page_type_drain(r.of) && !rc)
        rc = HYPERCALL_CONTINUE;
    done += (uint32_t)i;
    if (rc == HYPERCALL_CONTINUE)
        return hypercall_again(4, list + i * sizeof(r.op), count_to_continue(count - i, done), c, d);
    /* A count that cannot be written is the caller's loss: what was done is done. */
    if (c)
        (void)!copy_to_guest(c, &done, sizeof(done));
    return rc;
}
