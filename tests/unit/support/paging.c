/* SPDX-License-Identifier: MIT */
#include "paging.h"
#include <stdlib.h>
#include <string.h>

uint64_t guest_args[512];
unsigned hypercall_repeats;

struct domain *paging_start(uint64_t nr_frames)
{
    fake_machine_start(nr_frames);
    fake_guest_map(GUEST_ARGS, guest_args, sizeof(guest_args));
    return fake_domain(1, 1, nr_frames * 3 / 4, false);
}

mfn_t new_frame(struct domain *d)
{
    mfn_t m = domain_alloc_frames(d, 0, 64);

    ck_assert_uint_ne(m.v, MFN_NONE.v);
    return m;
}

uint64_t *words_of(mfn_t m)
{
    return mfn_to_virt(m);
}

void guest_return(struct domain *d)
{
    while (!page_type_drain(d))
        ;
    __atomic_and_fetch(&d->vcpus[0]->work, ~VCPU_WORK_DROP, __ATOMIC_SEQ_CST);
}

long hypercall(hypercall_function *fn, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct vcpu *v = current_vcpu();
    uint64_t args[4] = { a, b, c, d };
    long rc;

    for (hypercall_repeats = 0;; hypercall_repeats++) {
        ck_assert_uint_lt(hypercall_repeats, 100000);
        rc = fn(args[0], args[1], args[2], args[3], 0);
        guest_return(v->domain);
        if (rc != HYPERCALL_CONTINUE) {
            ck_assert_uint_eq(v->again.nr, 0); /* or a later answer would be taken for this call's wish */
            return rc;
        }
        memcpy(args, v->again.args, v->again.nr * sizeof(args[0]));
        v->again.nr = 0;
    }
}

long mmu_update(uint64_t ptr, uint64_t val)
{
    guest_args[0] = ptr;
    guest_args[1] = val;
    return hypercall(hypercall_mmu_update, GUEST_ARGS, 1, 0, DOMID_SELF);
}

long set_entry_of(mfn_t table, unsigned slot, uint64_t val)
{
    return mmu_update((table.v << PAGE_SHIFT) + slot * 8UL, val);
}

long mmuext(unsigned cmd, mfn_t m)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = m.v };

    memcpy(guest_args, &op, sizeof(op));
    return hypercall(hypercall_mmuext_op, GUEST_ARGS, 1, 0, DOMID_SELF);
}

uint64_t refs_of(mfn_t m)
{
    return frame_at(m)->state & FRAME_REFS;
}

uint64_t count_of(mfn_t m)
{
    return state_count(frame_at(m)->state);
}

enum page_type type_of(mfn_t m)
{
    return state_type(frame_at(m)->state);
}

void audit_ok(void)
{
    fake_log_clear();
    unsigned errors = paging_audit();
    ck_assert_msg(!errors, "%s", fake_log);
}
