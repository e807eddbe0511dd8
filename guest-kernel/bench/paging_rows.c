/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks of changing page-table entries: by batches, single calls, multicalls, and direct
 * stores.
 *
 * Each alternates between two states of the same entries, in a window that nothing else uses. State
 * one maps frame A; what state two is makes the row.
 */
#include "arch/pv/page_table.h"
#include "bench/bench.h"
#include "kernel/page_alloc.h"

#define WINDOW     0xffffc90000000000UL
#define TABLE_SPAN (PTES_PER_TABLE * PAGE_SIZE)
#define NR_TABLES  8
#define MAPPED     (PTE_P | PTE_RW | PTE_A | PTE_D)

static uint64_t *tables[NR_TABLES]; /* the window's L1 tables */
static uint8_t *frame_a, *frame_b;
static mmu_update_t updates[2][BATCH_MAX];
static multicall_entry_t calls[2][BATCH_MAX];

static uint64_t pte_a(void)
{
    return pte_make(address_to_mfn(frame_a), MAPPED);
}

static uint64_t pte_b(void)
{
    return pte_make(address_to_mfn(frame_b), MAPPED);
}

static bool window_setup(void)
{
    if (frame_a == NULL) {
        frame_a = page_alloc();
        frame_b = page_alloc();
    }
    for (unsigned t = 0; t < NR_TABLES; t++) {
        tables[t] = pte_get(WINDOW + t * TABLE_SPAN);
        if (tables[t] == NULL)
            return false;
    }
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        if (pte_set(&tables[0][i], pte_a()) != 0)
            return false;
    for (unsigned t = 1; t < NR_TABLES; t++)
        if (pte_set(&tables[t][0], pte_a()) != 0)
            return false;
    return true;
}

static void window_teardown(void)
{
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        pte_set(&tables[0][i], 0);
    for (unsigned t = 1; t < NR_TABLES; t++)
        pte_set(&tables[t][0], 0);
    mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

/* ROUNDS calls, alternating; the number of entries is the batch's, all in one table. */
static uint64_t alternate(unsigned rounds, unsigned batch, uint64_t first, uint64_t second)
{
    unsigned which = 0;

    for (unsigned i = 0; i < batch; i++) {
        updates[0][i] = (mmu_update_t){ pte_maddr(&tables[0][i]), first };
        updates[1][i] = (mmu_update_t){ pte_maddr(&tables[0][i]), second };
    }
    BENCH_LOOP(rounds, hypercall_mmu_update(updates[which], batch, NULL, DOMID_SELF); which ^= 1);
}

static uint64_t toggle_flag(unsigned rounds, unsigned batch)
{
    return alternate(rounds, batch, pte_a() | PTE_AVAIL0, pte_a());
}

static uint64_t toggle_writable(unsigned rounds, unsigned batch)
{
    return alternate(rounds, batch, pte_a() & ~PTE_RW, pte_a());
}

static uint64_t remap(unsigned rounds, unsigned batch)
{
    return alternate(rounds, batch, pte_b(), pte_a());
}

static uint64_t map_unmap(unsigned rounds, unsigned batch)
{
    return alternate(rounds, batch, 0, pte_a());
}

static uint64_t eight_tables(unsigned rounds, unsigned batch)
{
    unsigned which = 0;

    for (unsigned i = 0; i < batch; i++) {
        updates[0][i] = (mmu_update_t){ pte_maddr(&tables[i][0]), pte_b() };
        updates[1][i] = (mmu_update_t){ pte_maddr(&tables[i][0]), pte_a() };
    }
    BENCH_LOOP(rounds, hypercall_mmu_update(updates[which], batch, NULL, DOMID_SELF); which ^= 1);
}

static uint64_t va_mapping(unsigned rounds, unsigned long flags)
{
    uint64_t now = pte_b(), next = pte_a();

    BENCH_LOOP(rounds, hypercall_update_va_mapping(WINDOW, now, flags); now ^= next; next ^= now;
               now ^= next);
}

static uint64_t va_mapping_noflush(unsigned rounds, unsigned batch)
{
    (void)batch;
    return va_mapping(rounds, UVMF_NONE);
}

static uint64_t va_mapping_invlpg(unsigned rounds, unsigned batch)
{
    (void)batch;
    return va_mapping(rounds, UVMF_INVLPG | UVMF_LOCAL);
}

static uint64_t va_mapping_flush(unsigned rounds, unsigned batch)
{
    (void)batch;
    return va_mapping(rounds, UVMF_TLB_FLUSH | UVMF_LOCAL);
}

static uint64_t multicall_va_mapping(unsigned rounds, unsigned batch)
{
    unsigned which = 0;

    for (unsigned i = 0; i < batch; i++) {
        calls[0][i].op = calls[1][i].op = __HYPERVISOR_update_va_mapping;
        calls[0][i].args[0] = calls[1][i].args[0] = WINDOW + i * PAGE_SIZE;
        calls[0][i].args[1] = pte_b();
        calls[1][i].args[1] = pte_a();
        calls[0][i].args[2] = calls[1][i].args[2] = UVMF_NONE;
    }
    BENCH_LOOP(rounds, hypercall_multicall(calls[which], batch); which ^= 1);
}

/* Stores to the table itself: each faults, is decoded and done by the hypervisor. */
static uint64_t trapped_store(unsigned rounds, uint64_t other)
{
    volatile uint64_t *pte = &tables[0][0];
    uint64_t now = other, next = pte_a();

    BENCH_LOOP(rounds, *pte = now; now ^= next; next ^= now; now ^= next);
}

static uint64_t trapped_remap(unsigned rounds, unsigned batch)
{
    (void)batch;
    return trapped_store(rounds, pte_b());
}

static uint64_t trapped_map_unmap(unsigned rounds, unsigned batch)
{
    (void)batch;
    return trapped_store(rounds, 0);
}

static uint64_t trapped_xchg(unsigned rounds, unsigned batch)
{
    uint64_t *pte = &tables[0][0];
    uint64_t now = pte_b(), next = pte_a();

    (void)batch;
    BENCH_LOOP(rounds, __atomic_exchange_n(pte, now, __ATOMIC_SEQ_CST); now ^= next; next ^= now;
               now ^= next);
}

#define WINDOW_ROW(name, batches, rounds, run)                                                     \
    {                                                                                              \
        name, batches, rounds, run, window_setup, window_teardown                                  \
    }

const struct bench_row bench_paging_rows[] = {
    WINDOW_ROW("mmu-toggle-flag", BATCH_DOUBLE, 1024, toggle_flag),
    WINDOW_ROW("mmu-toggle-writable", BATCH_DOUBLE, 1024, toggle_writable),
    WINDOW_ROW("mmu-remap", BATCH_DOUBLE, 1024, remap),
    WINDOW_ROW("mmu-map-unmap", BATCH_DOUBLE, 1024, map_unmap),
    WINDOW_ROW("mmu-8-tables", BATCH_EIGHT, 1024, eight_tables),
    WINDOW_ROW("va-mapping-noflush", BATCH_ONE, 2048, va_mapping_noflush),
    WINDOW_ROW("va-mapping-invlpg", BATCH_ONE, 2048, va_mapping_invlpg),
    WINDOW_ROW("va-mapping-flush", BATCH_ONE, 1024, va_mapping_flush),
    WINDOW_ROW("multicall-va-mapping", BATCH_DOUBLE, 1024, multicall_va_mapping),
    WINDOW_ROW("trapped-remap", BATCH_ONE, 1024, trapped_remap),
    WINDOW_ROW("trapped-map-unmap", BATCH_ONE, 1024, trapped_map_unmap),
    WINDOW_ROW("trapped-xchg", BATCH_ONE, 1024, trapped_xchg),
    { NULL, BATCH_ONE, 0, NULL, NULL, NULL },
};
