/* SPDX-License-Identifier: MIT */
/* The auditor: each kind of wrong is put in, seen, and taken out again. */
#include <string.h>
#include "run.h"
#include "paging.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "paging/descriptors.h"

static struct domain *d, *other;
static struct vcpu *v;
static mfn_t data, l1, l2, theirs, queued, gdt;

/* An L2 over an L1 over data; a doomed table that waits; a GDT; another domain. */
static void start(void)
{
    d = paging_start(256);
    v = d->vcpus[0];
    other = domain_create(2, 1, 16, false);
    theirs = new_frame(other);
    data = new_frame(d);
    l1 = new_frame(d);
    l2 = new_frame(d);
    gdt = new_frame(d);
    words_of(l1)[0] = entry_of(data, RW);
    words_of(l2)[0] = entry_of(l1, RW);
    ck_assert_int_eq(pin(2, l2), 0);
    ck_assert_int_eq(gdt_set(v, &gdt.v, 1, 512), 0);
    queued = new_frame(d);
    ck_assert_int_eq(page_type_get(frame_at(queued), TYPE_L1), 0);
    page_type_put(frame_at(queued));
    ck_assert_uint_ne(d->paging.drop_head, FRAME_NONE);
    audit_ok();
}

static void sees(const char *what)
{
    fake_log_clear();
    ck_assert_uint_gt(paging_audit(), 0);
    ck_assert_msg(strstr(fake_log, what) != NULL, "not a word of \"%s\" in:\n%s", what, fake_log);
}

/* With a word of memory changed, the auditor says so; as it was, it is content. */
#define WRONG(place, value, what)                                                                  \
    do {                                                                                           \
        typeof(place) before_ = (place);                                                           \
        (place) = (value);                                                                         \
        sees(what);                                                                                \
        (place) = before_;                                                                         \
        audit_ok();                                                                                \
    } while (0)

START_TEST(counts_and_states)
{
    start();
    struct frame *f = frame_at(data), *t = frame_at(l1);

    WRONG(f->state, f->state + FRAME_REF_ONE, "references");
    WRONG(t->state, t->state + FRAME_COUNT_ONE, "type count");
    WRONG(f->state, f->state | FRAME_BUSY, "busy");
    WRONG(words_of(l1)[1], entry_of(data, RO), "references");
    WRONG(words_of(l1)[1], entry_of(l2, RW), "frame that a writable entry maps");
    WRONG(frame_at(queued)->progress, 513, "progress");
    WRONG(t->progress, 513, "progress");
}
END_TEST

START_TEST(owners)
{
    start();
    WRONG(words_of(l1)[1], entry_of(theirs, RO), "owner of what it points at");
    WRONG(words_of(l2)[1], entry_of(theirs, RW), "owner of what it points at");
    WRONG(words_of(l1)[1], entry_of(virt_to_mfn(d), RO), "owner of what it points at");
    WRONG(words_of(l1)[1], entry_of(mfn(max_mfn), RO), "owner of what it points at");
    WRONG(frame_at(data)->owner, other->id, "owner of what it points at");
    WRONG(frame_at(data)->owner, 77, "owner, which there is not");
    /* A privileged one may map what other guests own, and devices; no free frame, or ours. */
    d->privileged = true;
    ck_assert_int_eq(frame_get(frame_at(theirs), other->id), 1);
    words_of(l1)[1] = entry_of(theirs, RO);
    words_of(l1)[2] = entry_of(mfn(max_mfn), RO);
    audit_ok();
    WRONG(words_of(l1)[3], entry_of(virt_to_mfn(d), RO), "owner of what it points at");
    WRONG(words_of(l2)[3], entry_of(theirs, RW), "owner of what it points at");
}
END_TEST

START_TEST(the_list_of_frames)
{
    start();
    uint32_t first = d->memory.first_frame;

    WRONG(d->memory.nr_pages, d->memory.nr_pages + 1, "domain's number of frames");
    WRONG(d->memory.first_frame, frame_at(mfn(first))->next, "place in its owner's list");
    WRONG(frame_at(data)->next, (uint32_t)data.v, "list of its owner's frames");
    WRONG(frame_at(data)->next, (uint32_t)theirs.v, "list of its owner's frames");
    WRONG(frame_at(data)->next, (uint32_t)max_mfn, "list of its owner's frames");
    /* Somebody else's frame that says that it is ours is in no list of ours. */
    WRONG(frame_at(theirs)->owner, d->id, "place in its owner's list");
}
END_TEST

START_TEST(the_queue_of_doomed_tables)
{
    start();
    struct frame *q = frame_at(queued);

    WRONG(d->paging.drop_head, FRAME_NONE, "place in the queue");
    WRONG(q->drop_next, (uint32_t)queued.v, "queue of doomed tables"); /* twice */
    WRONG(q->drop_next, (uint32_t)data.v, "place in the queue");      /* not doomed */
    WRONG(q->drop_next, (uint32_t)theirs.v, "queue of doomed tables");
    WRONG(d->paging.drops_running, 1, "somebody takes apart");
}
END_TEST

START_TEST(windows_of_descriptors)
{
    start();
    uint64_t *window = hypervisor_pte(v->window);

    WRONG(window[0], entry_of(data, RW), "GDT's window");
    WRONG(window[1], entry_of(data, RW), "page of the GDT's window");
    WRONG(window[16], entry_of(data, RW), "page of the LDT's window");
    WRONG(v->nr_gdt_frames, 0, "type count");
}
END_TEST

START_TEST(names_of_frames_that_no_guest_owns)
{
    start();
    mfn_t ours = virt_to_mfn(d);

    m2p_set(ours, 5);
    sees("name of a frame that no guest owns");
    m2p_set(ours, M2P_INVALID);
    audit_ok();
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { counts_and_states },
        { owners },
        { the_list_of_frames },
        { the_queue_of_doomed_tables },
        { windows_of_descriptors },
        { names_of_frames_that_no_guest_owns },
    };
    return RUN_TESTS("paging/audit", tests);
}
