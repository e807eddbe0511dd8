/* SPDX-License-Identifier: MIT */
/*
 * Promise: a page is a table for exactly as long as somebody uses it as one. Linking and pinning
 * count; while the count is not zero nobody may write to it, and the moment it is zero everybody
 * may again.
 *
 * A long random sequence of linking, unlinking, pinning and changing of a few L1 tables is compared
 * with a model of their counts and contents.
 *
 * ABI: HYPERVISOR_mmu_update, MMUEXT_PIN_L1_TABLE, MMUEXT_UNPIN_TABLE, <xen/xen.h>
 */
#include "kernel/page_alloc.h"
#include "kernel/string.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define NR_TABLES  5
#define NR_SLOTS   8 /* of the L2, each 2 MiB of addresses */
#define NR_LEAVES  6 /* entries of each table that are used */
#define NR_STEPS   1200
#define FIRST_SLOT 64 /* away from what page-updates uses */
#define NO_TABLE   NR_TABLES

static struct {
    uint64_t *table;
    unsigned links;
    bool pinned;
    uint64_t leaves[NR_LEAVES]; /* as stored */
} tables[NR_TABLES];

static unsigned slots[NR_SLOTS]; /* which table hangs there */
static uint64_t *l2;
static uint64_t random_state = 0x2545f4914f6cdd1dUL;

static unsigned random(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 20) % below;
}

static bool is_table(unsigned t)
{
    return tables[t].links > 0 || tables[t].pinned;
}

/* Validation gives every entry the form in which the hypervisor stores it. */
static void became_table(unsigned t)
{
    for (unsigned i = 0; i < NR_LEAVES; i++)
        tables[t].leaves[i] = pte_as_stored(tables[t].leaves[i]);
}

static void step_link(void)
{
    unsigned slot = random(NR_SLOTS), t = random(NR_TABLES), old = slots[slot];
    uint64_t value = pte_make(address_to_mfn(tables[t].table), PTE_TABLE);

    CHECK_EQ(pte_set(&l2[FIRST_SLOT + slot], value), 0);
    tables[t].links++;
    became_table(t);
    slots[slot] = t;
    if (old != NO_TABLE)
        tables[old].links--;
}

static void step_unlink(void)
{
    unsigned slot = random(NR_SLOTS);

    CHECK_EQ(pte_set(&l2[FIRST_SLOT + slot], 0), 0);
    if (slots[slot] != NO_TABLE)
        tables[slots[slot]].links--;
    slots[slot] = NO_TABLE;
}

static void step_pin(void)
{
    unsigned t = random(NR_TABLES);

    CHECK_EQ(page_pin(tables[t].table, 1), tables[t].pinned ? -XEN_EINVAL : 0);
    tables[t].pinned = true;
    became_table(t);
}

static void step_unpin(void)
{
    unsigned t = random(NR_TABLES);

    CHECK_EQ(page_unpin(tables[t].table), tables[t].pinned ? 0 : -XEN_EINVAL);
    tables[t].pinned = false;
}

/* By request, whether it is a table just now or an ordinary page. */
static void step_change(void)
{
    unsigned t = random(NR_TABLES), i = random(NR_LEAVES);
    uint64_t value = random(3) == 0 ? 0 : window_pte(random(WINDOW_FRAMES), MAPPED_RW);

    CHECK_EQ(pte_set(&tables[t].table[i], value), 0);
    tables[t].leaves[i] = is_table(t) ? pte_as_stored(value) : value;
}

static void step_make_writable(void)
{
    unsigned t = random(NR_TABLES);

    CHECK_EQ(page_set_writable(tables[t].table), is_table(t) ? -XEN_EBUSY : 0);
    if (is_table(t))
        return;
    tables[t].table[0] = tables[t].leaves[0] = window_pte(0, MAPPED_RW);
    /* While it can be written it is no table. */
    CHECK_EQ(page_pin(tables[t].table, 1), -XEN_EINVAL);
    CHECK(pte_set(&l2[FIRST_SLOT + NR_SLOTS],
                  pte_make(address_to_mfn(tables[t].table), PTE_TABLE)) < 0);
    CHECK_EQ(page_set_readonly(tables[t].table), 0);
}

static void step_wrong_type(void)
{
    unsigned t = random(NR_TABLES);

    if (is_table(t))
        CHECK_EQ(page_pin(tables[t].table, 2), -XEN_EINVAL);
}

static const struct step {
    const char *name;
    void (*run)(void);
} steps[] = {
    { "link", step_link },
    { "unlink", step_unlink },
    { "pin", step_pin },
    { "unpin", step_unpin },
    { "change", step_change },
    { "make writable", step_make_writable },
    { "wrong type", step_wrong_type },
};

static unsigned long slot_va(unsigned slot)
{
    return WINDOW_VA + (FIRST_SLOT + slot) * (PTES_PER_TABLE * PAGE_SIZE);
}

static bool is_readable(unsigned long va)
{
    trap_expect();
    asm volatile("mov %0, %%rdi\n" MAY_TRAP("mov (%%rdi), %%rax")::"r"(va)
                 : "rax", "rdi", "memory");
    return trap_last()->vector == VECTOR_NONE;
}

/* What the processor finds through each slot is what the model says hangs there. */
static void check_slots(void)
{
    for (unsigned slot = 0; slot < NR_SLOTS; slot++) {
        for (unsigned i = 0; i < NR_LEAVES; i++) {
            unsigned long va = slot_va(slot) + i * PAGE_SIZE;
            uint64_t leaf = slots[slot] != NO_TABLE ? tables[slots[slot]].leaves[i] : 0;

            CHECK_EQ(is_readable(va), leaf & PTE_P);
            if (leaf & PTE_P)
                CHECK_EQ(*(uint64_t *)va, *(uint64_t *)mfn_to_address(pte_mfn(leaf)));
        }
    }
}

static void check_contents(void)
{
    for (unsigned t = 0; t < NR_TABLES; t++)
        for (unsigned i = 0; i < NR_LEAVES; i++)
            CHECK_EQ(pte_without_ad(tables[t].table[i]), pte_without_ad(tables[t].leaves[i]));
}

static void tear_down(void)
{
    for (unsigned slot = 0; slot < NR_SLOTS; slot++)
        CHECK_EQ(pte_set(&l2[FIRST_SLOT + slot], 0), 0);
    mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0);
    for (unsigned t = 0; t < NR_TABLES; t++) {
        if (tables[t].pinned)
            CHECK_EQ(page_unpin(tables[t].table), 0);
        free_table(tables[t].table); /* nothing holds it any more */
    }
    memset(tables, 0, sizeof(tables));
}

void workload_table_life(void)
{
    if (!window_open())
        return;
    l2 = (uint64_t *)((uint64_t)pte_find(WINDOW_VA, 2) & ~(PAGE_SIZE - 1));
    for (unsigned t = 0; t < NR_TABLES; t++)
        tables[t].table = fresh_table();
    for (unsigned slot = 0; slot < NR_SLOTS; slot++)
        slots[slot] = NO_TABLE;
    for (unsigned i = 0; i < NR_STEPS; i++) {
        const struct step *step = &steps[random(sizeof(steps) / sizeof(steps[0]))];

        check_context("(step %u, %s)", i, step->name);
        step->run();
        mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0);
        check_slots();
        check_contents();
    }
    check_context("%s", "");
    tear_down();
    window_close();
}
