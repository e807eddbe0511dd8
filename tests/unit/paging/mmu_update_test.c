/* SPDX-License-Identifier: MIT */
/*
 * Random changes of page tables against a model.
 *
 * The model knows the rules as a guest's author would write them down: a frame is used as one thing
 * at a time, a table's entries hold what they name, and what is let go is free at once. It
 * recurses, counts with plain numbers, never waits and never stops halfway. After each step the
 * hypervisor must have given the same answer and have the same counts, and the auditor must be
 * content; work that turns up at random makes its calls stop and go on in between.
 *
 * TENON_SEEDS=FIRST-LAST runs other seeds than those of every day.
 */
#include "run.h"
#include "paging.h"
#include "paging/descriptors.h"
#include "memory/frame_alloc.h"
#include <stdio.h>
#include <string.h>

#define FRAMES 256U
#define POOL   20U /* frames that the guest plays with: few, so that they meet in many roles */
#define STEPS  300U
#define SEEDS  16

#define BAD_DESCRIPTOR 0x0000890000000000UL /* a TSS; not present as an entry */

static struct domain *d;

/* --- The model --- */

struct model_frame {
    bool owned; /* by our domain, from its allocation to its last use */
    bool allocated, pinned;
    enum page_type kind; /* means something while count is not 0 */
    uint64_t count, refs;
};

static struct model_frame model[FRAMES];
static uint64_t kernel_root, user_root;
static bool dropped; /* a table went since the batch began */

static bool is_table(enum page_type kind)
{
    return kind >= TYPE_L1 && kind <= TYPE_L4;
}

static bool alive(uint64_t m)
{
    return m < FRAMES && model[m].owned && (model[m].refs || model[m].count);
}

static void forget_if_unused(uint64_t m)
{
    if (!model[m].refs && !model[m].count)
        model[m] = (struct model_frame){ 0 };
}

static void put_type(uint64_t m);

static void put_entry(enum page_type kind, uint64_t entry)
{
    uint64_t target = entry >> 12 & 0xffffffffff;

    if (kind != TYPE_L1 || (entry & PTE_WRITE)) {
        put_type(target);
    } else {
        model[target].refs--;
        forget_if_unused(target);
    }
}

static bool slot_counts(enum page_type kind, unsigned slot, uint64_t entry)
{
    return (entry & PTE_PRESENT) && !(kind == TYPE_L4 && slot >= 256 && slot < 272);
}

static void put_type(uint64_t m)
{
    enum page_type kind = model[m].kind;

    ck_assert_uint_gt(model[m].count, 0);
    if (model[m].count == 1 && is_table(kind)) {
        dropped = true;
        for (unsigned i = 0; i < 512; i++) {
            uint64_t entry = words_of(mfn(m))[i];
            if (slot_counts(kind, i, entry))
                put_entry(kind, entry);
        }
    }
    model[m].count--;
    forget_if_unused(m);
}

static bool get_type(uint64_t m, enum page_type kind);

static bool get_entry(enum page_type kind, uint64_t entry)
{
    uint64_t target = entry >> 12 & 0xffffffffff;
    uint64_t bad = kind == TYPE_L1 ? 0x98 : 0x198; /* PWT, PCD, PAT or PS, and above L1 G */

    if ((entry & bad) || !alive(target))
        return false;
    if (kind == TYPE_L1 && !(entry & PTE_WRITE)) {
        model[target].refs++;
        return true;
    }
    return get_type(target, kind == TYPE_L1 ? TYPE_WRITABLE : (enum page_type)(kind - 1));
}

static bool content_ok(uint64_t m, enum page_type kind)
{
    const uint64_t *words = words_of(mfn(m));

    if (kind == TYPE_DESCRIPTOR) {
        for (unsigned i = 0; i < 512; i++) {
            if ((words[i] >> 47 & 1) && !(words[i] >> 44 & 1) && (words[i] >> 40 & 15) != 0)
                return false; /* there are no gates in this game */
        }
    }
    if (!is_table(kind))
        return true;
    for (unsigned i = 0; i < 512; i++) {
        if (slot_counts(kind, i, words[i]) && !get_entry(kind, words[i])) {
            while (i--) {
                if (slot_counts(kind, i, words[i]))
                    put_entry(kind, words[i]);
            }
            return false;
        }
    }
    return true;
}

static bool get_type(uint64_t m, enum page_type kind)
{
    if (model[m].count) {
        if (model[m].kind != kind)
            return false;
        model[m].count++;
        return true;
    }
    model[m].kind = kind;
    model[m].count = 1;
    if (content_ok(m, kind))
        return true;
    model[m].count = 0;
    return false;
}

static bool change_entry(enum page_type kind, uint64_t old, uint64_t to)
{
    uint64_t matters = PTE_ADDRESS | PTE_PRESENT | (kind == TYPE_L1 ? PTE_WRITE : 0);
    bool same = (old & PTE_PRESENT) && !((old ^ to) & matters);

    if (same)
        return !(to & (kind == TYPE_L1 ? 0x98UL : 0x198UL));
    if ((to & PTE_PRESENT) && !get_entry(kind, to))
        return false;
    if (old & PTE_PRESENT)
        put_entry(kind, old);
    return true;
}

static bool model_update(uint64_t m, unsigned slot, uint64_t to)
{
    if (!alive(m))
        return false;
    if (!model[m].count || !is_table(model[m].kind)) {
        if (!get_type(m, TYPE_WRITABLE))
            return false;
        put_type(m);
        return true;
    }
    if (model[m].kind == TYPE_L4 && slot >= 256 && slot < 272)
        return false;
    return change_entry(model[m].kind, words_of(mfn(m))[slot], to);
}

static bool model_pin(uint64_t m, enum page_type kind)
{
    if (!alive(m) || !get_type(m, kind))
        return false;
    if (model[m].pinned) {
        put_type(m);
        return false;
    }
    model[m].pinned = true;
    return true;
}

static bool model_unpin(uint64_t m)
{
    if (!alive(m) || !model[m].pinned)
        return false;
    model[m].pinned = false;
    put_type(m);
    return true;
}

static bool model_root(uint64_t *root, uint64_t m, bool may_be_none)
{
    uint64_t old = *root;

    if (m == old)
        return true;
    if (!(m == 0 && may_be_none) && (!alive(m) || !get_type(m, TYPE_L4)))
        return false;
    *root = m;
    if (old)
        put_type(old);
    return true;
}

static bool model_update_va(uint64_t va, uint64_t to)
{
    uint64_t m = kernel_root;

    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t entry = words_of(mfn(m))[va >> shift & 511];
        if (!(entry & PTE_PRESENT))
            return false;
        m = entry >> 12 & 0xffffffffff;
    }
    return change_entry(TYPE_L1, words_of(mfn(m))[va >> 12 & 511], to);
}

/* --- The game --- */

static char history[4096];

#define TOLD(...) (void)snprintf(history, sizeof(history), __VA_ARGS__)

static uint64_t any_frame(void)
{
    uint64_t n = fake_random() % POOL;

    uint64_t other = fake_random() % (FRAMES + 4); /* not ours, free, or no RAM */

    if (fake_random() % 50 == 0 && !(frame_at(mfn(other))->state & FRAME_SPECIAL))
        return other;
    for (uint64_t m = 1;; m = m % (FRAMES - 1) + 1) {
        if (model[m].owned && n-- == 0)
            return m;
    }
}

static unsigned any_slot(void)
{
    static const unsigned slots[] = { 0, 1, 31, 32, 255, 256, 272, 511 };

    return slots[fake_random() % ARRAY_SIZE(slots)];
}

static uint64_t any_entry(void)
{
    uint64_t entry = any_frame() << 12;

    if (fake_random() % 5 == 0)
        return fake_random() % 2 ? 0 : fake_random() % 2 ? BAD_DESCRIPTOR : entry | PTE_WRITE;
    entry |= PTE_PRESENT;
    if (fake_random() % 3)
        entry |= PTE_WRITE;
    if (fake_random() % 2)
        entry |= PTE_USER;
    if (fake_random() % 30 == 0)
        entry |= 1UL << (3 + fake_random() % 6); /* PWT PCD A D PAT G */
    return entry;
}

static unsigned nr_owned(void)
{
    unsigned n = 0;

    for (unsigned m = 0; m < FRAMES; m++)
        n += model[m].owned;
    return n;
}

static void check_frame(uint64_t m)
{
    const struct model_frame *want = &model[m];
    mfn_t f = mfn(m);

    if (!want->owned) {
        ck_assert_msg(frame_at(f)->owner != d->id || (frame_at(f)->state & FRAME_SPECIAL),
                      "%s: frame %lx is still owned", history, m);
        return;
    }
    ck_assert_msg(frame_at(f)->owner == d->id, "%s: frame %lx was taken away", history, m);
    ck_assert_msg(count_of(f) == want->count && refs_of(f) == want->refs,
                  "%s: frame %lx: count %lu, should be %lu, references %lu, should be %lu", history,
                  m, count_of(f), want->count, refs_of(f), want->refs);
    ck_assert_msg(!want->count || type_of(f) == want->kind, "%s: frame %lx: type %u, should be %u",
                  history, m, type_of(f), want->kind);
    ck_assert_msg(!(frame_at(f)->state & FRAME_PINNED) == !want->pinned, "%s: frame %lx: pin",
                  history, m);
}

static void check_all(bool expected, long rc)
{
    ck_assert_msg(expected == (rc == 0), "%s: answered %ld, and the model says %s", history, rc,
                  expected ? "yes" : "no");
    for (uint64_t m = 0; m < FRAMES; m++)
        check_frame(m);
    ck_assert_uint_eq(d->vcpus[0]->kernel_root.v, kernel_root);
    ck_assert_uint_eq(d->vcpus[0]->user_root.v, user_root);
    audit_ok();
}

static void play_update(void)
{
    uint64_t m = any_frame(), to = any_entry();
    unsigned slot = any_slot();

    TOLD("entry %u of %lx becomes %016lx", slot, m, to);
    bool want = model_update(m, slot, to);
    long rc = set_entry_of(mfn(m), slot, to);
    check_all(want, rc);
    if (want && model[m].owned && !model[m].count)
        ck_assert_uint_eq(words_of(mfn(m))[slot], to);
}

/* Entry by entry into the model, for its answer about one depends on what the ones before wrote: so
 * the real batch is made of changes to tables, one a table and slot, whose old entries are still
 * there. */
static void play_batch(void)
{
    unsigned nr = 0, wanted = (unsigned)(fake_random() % 12) + 2;
    struct {
        uint64_t m;
        unsigned slot;
    } used[16];
    bool want = true;

    TOLD("a batch");
    dropped = false;
    while (nr < wanted && want) {
        uint64_t m = any_frame(), to = any_entry();
        unsigned slot = any_slot();
        bool again = !alive(m) || !model[m].count || !is_table(model[m].kind);
        for (unsigned i = 0; i < nr; i++)
            again |= used[i].m == m || used[i].m == (to >> 12 & 0xffffffffff);
        if (again || (nr && dropped && fake_random() % 2))
            break;
        used[nr].m = m;
        used[nr].slot = slot;
        guest_args[2 * nr] = (m << 12) + slot * 8;
        guest_args[2 * nr++ + 1] = to;
        want = model_update(m, slot, to);
        /* What the model recurses through later must be what the hypervisor will see by then. */
        if (want)
            break;
    }
    if (nr)
        check_all(want, hypercall(hypercall_mmu_update, GUEST_ARGS, nr, 0, DOMID_SELF));
}

static void play_pin(void)
{
    uint64_t m = any_frame();
    unsigned level = (unsigned)(fake_random() % 4) + 1;

    TOLD("pin L%u %lx", level, m);
    bool want = model_pin(m, (enum page_type)(TYPE_L1 + level - 1));
    check_all(want, pin(level, mfn(m)));
}

static void play_unpin(void)
{
    uint64_t m = any_frame();

    TOLD("unpin %lx", m);
    bool want = model_unpin(m);
    check_all(want, unpin(mfn(m)));
}

static void play_root(void)
{
    bool user = fake_random() % 2;
    uint64_t m = user && fake_random() % 4 == 0 ? 0 : any_frame();

    TOLD("%s root %lx", user ? "user" : "kernel", m);
    bool want = model_root(user ? &user_root : &kernel_root, m, user);
    check_all(want, mmuext(user ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_NEW_BASEPTR, mfn(m)));
}

static void play_update_va(void)
{
    uint64_t to = any_entry(), va = 0;

    for (unsigned shift = 12; shift <= 39; shift += 9)
        va |= (uint64_t)any_slot() << shift;
    va = (uint64_t)((int64_t)(va << 16) >> 16);
    if (va >= HYPERVISOR_START && va < HYPERVISOR_END)
        return;
    TOLD("what maps %016lx becomes %016lx", va, to);
    bool want = model_update_va(va, to);
    check_all(want, hypercall(hypercall_update_va_mapping, va, to, 0, 0));
}

static void play_clear(void)
{
    uint64_t m = any_frame();

    TOLD("clear %lx", m);
    bool want = alive(m) && get_type(m, TYPE_WRITABLE);
    if (want)
        put_type(m);
    check_all(want, mmuext(MMUEXT_CLEAR_PAGE, mfn(m)));
}

static void play_give_up(void)
{
    uint64_t m = any_frame();

    if (!alive(m) || !model[m].allocated || nr_owned() < POOL)
        return;
    TOLD("give up %lx", m);
    model[m].allocated = false;
    model[m].refs--;
    forget_if_unused(m);
    check_all(true, frame_drop_allocation(frame_at(mfn(m))) ? 0 : -1);
}

static void take_frame(void)
{
    mfn_t m = new_frame(d);

    ck_assert(!model[m.v].owned);
    model[m.v] = (struct model_frame){ .owned = true, .allocated = true, .refs = 1 };
}

static void play_descriptors(void)
{
    uint64_t m = any_frame();
    struct vcpu *v = d->vcpus[0];
    bool had = v->nr_gdt_frames;
    uint64_t old = v->gdt_frames[0].v;

    TOLD("GDT in %lx", m);
    bool want = alive(m) && get_type(m, TYPE_DESCRIPTOR);
    if (want && had)
        put_type(old);
    guest_args[0] = m;
    check_all(want, hypercall(hypercall_set_gdt, GUEST_ARGS, 512, 0, 0));
}

static void play(void)
{
    static void (*const moves[])(
        void) = { play_update,    play_update,    play_update, play_update,  play_update,
                  play_batch,     play_pin,       play_pin,    play_unpin,   play_root,
                  play_update_va, play_update_va, play_clear,  play_give_up, play_descriptors };

    fake_preempt(fake_random() % 3 ? (unsigned)(fake_random() % 40) : 0);
    moves[fake_random() % ARRAY_SIZE(moves)]();
    while (nr_owned() < POOL)
        take_frame();
}

static void start(uint64_t seed)
{
    d = paging_start(FRAMES);
    d->memory.max_pages = FRAMES / 2;
    fake_seed = seed;
    for (unsigned i = 0; i < POOL; i++)
        take_frame();
    kernel_root = any_frame();
    while (!alive(kernel_root))
        kernel_root = any_frame();
    ck_assert_int_eq(page_type_get(frame_at(mfn(kernel_root)), TYPE_L4), 0);
    model[kernel_root].kind = TYPE_L4;
    model[kernel_root].count = 1;
    d->vcpus[0]->kernel_root = mfn(kernel_root);
    d->vcpus[0]->initialised = true;
}

/* All is given back in the end, by whoever holds it. */
static void end(void)
{
    struct vcpu *v = d->vcpus[0];

    fake_preempt(0);
    v->initialised = false;
    page_type_put(frame_at(v->kernel_root));
    if (v->user_root.v)
        page_type_put(frame_at(v->user_root));
    gdt_release(v);
    for (uint64_t m = 0; m < FRAMES; m++) {
        struct frame *f = frame_at(mfn(m));
        if (f->owner != d->id || (f->state & FRAME_SPECIAL))
            continue;
        frame_drop_allocation(f);
        if (f->state & FRAME_PINNED) {
            f->state &= ~FRAME_PINNED;
            page_type_put(f);
        }
        if (f->owner == d->id)
            page_type_doom_partial(f);
    }
    ck_assert(page_type_drain(d));
    audit_ok();
    ck_assert_uint_eq(d->memory.nr_pages, 0);
    ck_assert_uint_eq(d->memory.first_frame, FRAME_NONE);
}

static void play_seed(uint64_t seed)
{
    start(seed);
    for (unsigned i = 0; i < STEPS; i++)
        play();
    end();
}

START_TEST(random_changes_agree_with_the_model)
{
    uint64_t first = 1, last = SEEDS;
    const char *seeds = getenv("TENON_SEEDS");

    if (seeds)
        ck_assert_int_eq(sscanf(seeds, "%lu-%lu", &first, &last), 2);
    if (first + (uint64_t)_i <= last)
        play_seed(first + (uint64_t)_i);
}
END_TEST

/* A guest need not come back to a call that stopped: whatever it leaves, the books balance. */
static void abandon(void)
{
    uint64_t m = any_frame();

    if (!alive(m))
        return;
    guest_args[0] = (m << 12) + any_slot() * 8;
    guest_args[1] = any_entry();
    struct mmuext_op op = { .cmd = (unsigned)(fake_random() % 5), .arg1.mfn = m };
    switch (fake_random() % 3) {
    case 0:
        hypercall_mmu_update(GUEST_ARGS, 1, 0, DOMID_SELF, 0);
        break;
    case 1:
        memcpy(guest_args, &op, sizeof(op));
        hypercall_mmuext_op(GUEST_ARGS, 1, 0, DOMID_SELF, 0);
        break;
    case 2:
        page_type_drain(d);
        break;
    }
    audit_ok();
}

START_TEST(calls_that_are_never_finished_leave_the_books_balanced)
{
    start(1000 + (uint64_t)_i);
    for (unsigned i = 0; i < 300; i++) {
        fake_preempt((unsigned)(fake_random() % 10));
        abandon();
    }
    end();
}
END_TEST

int main(void)
{
    const char *seeds = getenv("TENON_SEEDS");
    unsigned long first = 1, last = SEEDS;

    if (seeds && sscanf(seeds, "%lu-%lu", &first, &last) != 2) {
        fprintf(stderr, "TENON_SEEDS=FIRST-LAST is wanted\n");
        return 2;
    }
    const struct test tests[] = {
        { random_changes_agree_with_the_model, .rounds = (int)(last - first + 1) },
        { calls_that_are_never_finished_leave_the_books_balanced, .rounds = 8 },
    };
    return RUN_TESTS("paging/mmu_update", tests);
}
