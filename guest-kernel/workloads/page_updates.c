/* SPDX-License-Identifier: MIT */
/*
 * Promise: however an entry is changed (batch, single call, update_va_mapping, multicall, a store
 * to the table itself in any form that kernels use), the table then holds it, and the processor
 * obeys it.
 *
 * A long random sequence over a window is compared with a model: each touched entry is read back,
 * and its page read and written.
 *
 * ABI: HYPERVISOR_mmu_update, HYPERVISOR_update_va_mapping, VMASST_TYPE_writable_pagetables,
 * <xen/xen.h>
 */
#include "kernel/string.h"
#include "workloads/window.h"
#include "workloads/list.h"

#define NR_ENTRIES 48
#define NR_STEPS   1500
#define BATCH_MAX  16

static uint64_t model[NR_ENTRIES]; /* as stored, without A and D */
static uint64_t random_state = 0x9e3779b97f4a7c15UL;

static uint64_t random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t random_pte(void)
{
    static const uint64_t flags[] = {
        MAPPED_RW,          MAPPED_RO,          MAPPED_RW | PTE_AVAIL0,
        MAPPED_RW | PTE_NX, MAPPED_RO | PTE_US, MAPPED_RW | PTE_US,
    };

    if (random() % 4 == 0)
        return 0;
    return window_pte((unsigned)(random() % WINDOW_FRAMES), flags[random() % 6]);
}

static void note(unsigned index, uint64_t value)
{
    model[index] = pte_without_ad(pte_as_stored(value));
}

/* ---- the ways ---- */

static void by_batch(unsigned index)
{
    mmu_update_t list[BATCH_MAX];
    unsigned count = 1 + (unsigned)(random() % BATCH_MAX), done = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned at = (index + i) % NR_ENTRIES;

        list[i] = (mmu_update_t){ pte_maddr(&window_l1[at]), random_pte() };
        note(at, list[i].val);
    }
    CHECK_EQ(hypercall_mmu_update(list, count, &done, DOMID_SELF), 0);
    CHECK_EQ(done, count);
}

static void by_single(unsigned index)
{
    uint64_t value = random_pte();

    CHECK_EQ(pte_set(&window_l1[index], value), 0);
    note(index, value);
}

static void by_preserve_ad(unsigned index)
{
    uint64_t value = random_pte();
    mmu_update_t update = { pte_maddr(&window_l1[index]) | MMU_PT_UPDATE_PRESERVE_AD, value };

    CHECK_EQ(hypercall_mmu_update(&update, 1, NULL, DOMID_SELF), 0);
    /* A and D of before stay, even in an entry that was asked to be empty. */
    note(index, value);
}

static void by_va_mapping(unsigned index)
{
    static const unsigned long flags[] = {
        UVMF_NONE, UVMF_INVLPG, UVMF_TLB_FLUSH, UVMF_INVLPG | UVMF_ALL, UVMF_TLB_FLUSH | UVMF_ALL, 3
    };
    uint64_t value = random_pte();

    CHECK_EQ(hypercall_update_va_mapping(window_va(index), value, flags[random() % 6]), 0);
    note(index, value);
}

static void by_multicall(unsigned index)
{
    multicall_entry_t calls[4];

    for (unsigned i = 0; i < 4; i++) {
        unsigned at = (index + i) % NR_ENTRIES;

        calls[i] = (multicall_entry_t){ .op = __HYPERVISOR_update_va_mapping, .result = 77 };
        calls[i].args[0] = window_va(at);
        calls[i].args[1] = random_pte();
        calls[i].args[2] = UVMF_INVLPG;
        note(at, calls[i].args[1]);
    }
    CHECK_EQ(hypercall_multicall(calls, 4), 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(calls[i].result, 0);
}

static void by_store(unsigned index)
{
    uint64_t value = random_pte();

    *(volatile uint64_t *)&window_l1[index] = value;
    note(index, value);
}

static void by_store_zero(unsigned index)
{
    asm volatile("movq $0, %0" : "=m"(window_l1[index]));
    note(index, 0);
}

static void by_xchg(unsigned index)
{
    uint64_t value = random_pte(), old = value;

    asm volatile("xchg %0, %1" : "+r"(old), "+m"(window_l1[index]));
    CHECK_EQ(pte_without_ad(old), model[index]);
    note(index, value);
}

static void by_cmpxchg(unsigned index)
{
    uint64_t old = window_l1[index], value = random_pte(), wrong = old ^ PTE_AVAIL0, found = wrong;

    asm volatile("lock cmpxchg %2, %1" : "+a"(found), "+m"(window_l1[index]) : "r"(value) : "cc");
    CHECK_EQ(pte_without_ad(found), model[index]); /* not exchanged */
    CHECK_EQ(pte_without_ad(window_l1[index]), model[index]);
    found = old;
    asm volatile("lock cmpxchg %2, %1" : "+a"(found), "+m"(window_l1[index]) : "r"(value) : "cc");
    CHECK_EQ(found, old);
    note(index, value);
}

static void by_and(unsigned index)
{
    asm volatile("lock andq %1, %0" : "+m"(window_l1[index]) : "r"(~PTE_RW) : "cc");
    model[index] &= ~PTE_RW;
}

static void by_and_byte(unsigned index)
{
    asm volatile("lock andb $0xfd, %0" : "+m"(*(uint8_t *)&window_l1[index])::"cc");
    model[index] &= ~PTE_RW;
}

static void by_or(unsigned index)
{
    asm volatile("lock orq %1, %0" : "+m"(window_l1[index]) : "r"(PTE_AVAIL0) : "cc");
    model[index] |= PTE_AVAIL0;
}

static void by_btr(unsigned index)
{
    uint8_t was;

    asm volatile("lock btrq $1, %0; setc %1" : "+m"(window_l1[index]), "=r"(was)::"cc");
    CHECK_EQ(was, !!(model[index] & PTE_RW));
    model[index] &= ~PTE_RW;
}

/* In halves, the half with the present bit last in and first out. */
static void by_halves(unsigned index)
{
    volatile uint32_t *half = (volatile uint32_t *)&window_l1[index];
    uint64_t value = random_pte();

    half[0] = 0;
    CHECK_EQ((uint32_t)window_l1[index], 0);
    half[1] = (uint32_t)(value >> 32);
    half[0] = (uint32_t)value;
    note(index, value);
}

static const struct way {
    const char *name;
    void (*change)(unsigned index);
} ways[] = {
    { "batch", by_batch },
    { "single", by_single },
    { "preserve-ad", by_preserve_ad },
    { "va-mapping", by_va_mapping },
    { "multicall", by_multicall },
    { "store", by_store },
    { "store-zero", by_store_zero },
    { "xchg", by_xchg },
    { "cmpxchg", by_cmpxchg },
    { "and", by_and },
    { "and-byte", by_and_byte },
    { "or", by_or },
    { "btr", by_btr },
    { "halves", by_halves },
};

/* ---- what then holds ---- */

static int read_page(unsigned long va, uint64_t *value)
{
    trap_expect();
    asm volatile("mov %1, %%rdi\n" MAY_TRAP("mov (%%rdi), %%rax") "mov %%rax, %0"
                 : "=m"(*value)
                 : "r"(va)
                 : "rax", "rdi", "memory");
    return trap_last()->vector == VECTOR_NONE ? 0 : (int)trap_last()->frame.error | 0x100;
}

static int write_page(unsigned long va, uint64_t value)
{
    trap_expect();
    asm volatile("mov %0, %%rdi\n mov %1, %%rax\n" MAY_TRAP("mov %%rax, 8(%%rdi)")::"r"(va),
                 "r"(value)
                 : "rax", "rdi", "memory");
    return trap_last()->vector == VECTOR_NONE ? 0 : (int)trap_last()->frame.error | 0x100;
}

static void check_entry(unsigned index, uint64_t stamp)
{
    unsigned long va = window_va(index);
    uint64_t value = 0, *frame;

    CHECK_EQ(pte_without_ad(window_l1[index]), model[index]);
    if (!(model[index] & PTE_P)) {
        CHECK_EQ(read_page(va, &value), 0x100);
        CHECK_EQ(write_page(va, stamp), 0x102);
        return;
    }
    frame = mfn_to_address(pte_mfn(model[index]));
    CHECK_EQ(read_page(va, &value), 0);
    CHECK_EQ(value, frame[0]);
    if (model[index] & PTE_RW) {
        CHECK_EQ(write_page(va, stamp), 0);
        CHECK_EQ(frame[1], stamp);
    } else {
        CHECK_EQ(write_page(va, stamp), 0x103);
        CHECK(frame[1] != stamp);
    }
}

void workload_page_updates(void)
{
    if (!window_open())
        return;
    memset(model, 0, sizeof(model));
    for (unsigned step = 0; step < NR_STEPS; step++) {
        const struct way *way = &ways[random() % (sizeof(ways) / sizeof(ways[0]))];
        unsigned index = (unsigned)(random() % NR_ENTRIES);

        check_context("(step %u, %s)", step, way->name);
        way->change(index);
        mmuext_plain(MMUEXT_TLB_FLUSH_LOCAL, 0);
        for (unsigned i = 0; i < BATCH_MAX; i++)
            check_entry((index + i) % NR_ENTRIES, step * 1000UL + i + 1);
    }
    for (unsigned i = 0; i < NR_ENTRIES; i++)
        check_entry(i, 0x5555000 + i);
    check_context("%s", "");
    window_close();
}
