/* SPDX-License-Identifier: MIT */
#include "memory/frame_alloc.h"
#include "lib/check.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "machine/machine.h"
#include "machine/paging_bits.h"
#include "memory/frame.h"

/*
 * Free blocks by order and by the width of their first frame's number. A block is aligned to its size, so
 * all its frames have that width, and a request for low frames looks into no list: which of a width hold
 * something is one word. (The block that begins at frame 0 has width 0; it begins with as many low frames
 * as anybody can ask for.)
 */
#define WIDTHS 33U /* frame numbers have 32 bits */

static struct spinlock lock = SPINLOCK(LOCK_FRAME_ALLOC);
static uint32_t free_lists[WIDTHS][FRAME_ORDER_MAX + 1]; /* first frame of each */
static uint32_t free_orders[WIDTHS];                     /* a bit for each list that is not empty */
static uint64_t nr_free, nr_total;

static unsigned width_of(uint32_t n)
{
    return n ? 32U - (unsigned)__builtin_clz(n) : 0;
}

/* A free block is known by its first frame: next, prev, progress = order + 1 (0: not the first). */

static void list_push(unsigned order, uint32_t n)
{
    struct frame *f = &frame_table[n];
    unsigned width = width_of(n);

    f->next = free_orders[width] >> order & 1 ? free_lists[width][order] : FRAME_NONE;
    f->prev = FRAME_NONE;
    f->progress = (uint16_t)(order + 1);
    if (f->next != FRAME_NONE)
        frame_table[f->next].prev = n;
    free_lists[width][order] = n;
    free_orders[width] |= 1U << order;
}

static void list_take(unsigned order, uint32_t n)
{
    struct frame *f = &frame_table[n];
    unsigned width = width_of(n);

    if (f->prev != FRAME_NONE)
        frame_table[f->prev].next = f->next;
    else if (f->next != FRAME_NONE)
        free_lists[width][order] = f->next;
    else
        free_orders[width] &= ~(1U << order);
    if (f->next != FRAME_NONE)
        frame_table[f->next].prev = f->prev;
    f->progress = 0;
}

static bool is_free_block(uint64_t n, unsigned order)
{
    return n < max_mfn && frame_table[n].owner == FRAME_OWNER_US && frame_table[n].state == 0 &&
           frame_table[n].progress == order + 1;
}

static void free_block(uint64_t n, unsigned order)
{
    while (order < FRAME_ORDER_MAX) {
        uint64_t buddy = n ^ (1UL << order);
        if (!is_free_block(buddy, order))
            break;
        list_take(order, (uint32_t)buddy);
        n = MIN(n, buddy);
        order++;
    }
    list_push(order, (uint32_t)n);
}

/* As high as may be, for low frames are for those who need them; then from the smallest block. */
static uint64_t take_block(unsigned order, unsigned width)
{
    while (!(free_orders[width] >> order)) {
        if (!width--)
            return MFN_NONE.v;
    }
    unsigned from = order + (unsigned)__builtin_ctz(free_orders[width] >> order);
    uint32_t n = free_lists[width][from];
    list_take(from, n);
    while (from > order) { /* the upper half goes back at each step */
        from--;
        list_push(from, n + (1U << from));
    }
    nr_free -= 1UL << order;
    return n;
}

mfn_t frame_alloc(unsigned order, unsigned address_bits)
{
    uint64_t stamp = 0;

    if (order > FRAME_ORDER_MAX || address_bits < PAGE_SHIFT + order)
        return MFN_NONE;

    irq_state_t state = spin_lock_irq(&lock);
    uint64_t n = take_block(order, MIN(address_bits - PAGE_SHIFT, width_of((uint32_t)max_mfn - 1)));
    spin_unlock_irq(&lock, state);
    if (n == MFN_NONE.v)
        return MFN_NONE;
    for (uint64_t i = n; i < n + (1UL << order); i++)
        stamp = MAX(stamp, frame_table[i].tlb_stamp);
    tlb_flush_since(cpus_online, stamp);
    return mfn(n);
}

void frame_free(mfn_t m, unsigned order)
{
    for (uint64_t i = m.v; i < m.v + (1UL << order); i++) {
        ASSERT(!(frame_table[i].state & (FRAME_REFS | FRAME_COUNT)));
        frame_table[i].state = 0;
        frame_table[i].owner = FRAME_OWNER_US;
    }
    memset(mfn_to_virt(m), 0, PAGE_SIZE << order);
    irq_state_t state = spin_lock_irq(&lock);
    free_block(m.v, order);
    nr_free += 1UL << order;
    spin_unlock_irq(&lock, state);
}

uint64_t frames_free(void)
{
    return READ_ONCE(nr_free);
}

uint64_t frames_total(void)
{
    return nr_total;
}

static void free_range(uint64_t from, uint64_t to)
{
    while (from < to) {
        unsigned order = 0;
        while (order < FRAME_ORDER_MAX && !(from & ((2UL << order) - 1)) &&
               from + (2UL << order) <= to)
            order++;
        free_block(from, order);
        nr_free += 1UL << order;
        from += 1UL << order;
    }
}

static void map_frame_table(void)
{
    uint64_t bytes = ROUND_UP(max_mfn * sizeof(struct frame), 2UL << 20);

    for (uint64_t at = 0; at < bytes; at += 2UL << 20) {
        uint64_t piece = boot_pages_alloc(2UL << 20, 2UL << 20);
        memset(maddr_to_virt(piece), 0, 2UL << 20);
        if (!hypervisor_map(FRAME_TABLE_BASE + at, piece, 2UL << 20, MAP_WRITE))
            panic("not enough memory for the frame table: give the machine more");
    }
}

void frame_table_boot(const struct ram_range *ram, unsigned nr)
{
    max_mfn = ram[nr - 1].end >> PAGE_SHIFT;
    map_frame_table();
}

void frame_table_mark_ram(const struct ram_range *ram, unsigned nr)
{
    for (uint64_t i = 0; i < max_mfn; i++)
        frame_table[i].owner = FRAME_OWNER_HOLE;
    for (unsigned r = 0; r < nr; r++) {
        for (uint64_t i = ram[r].start >> PAGE_SHIFT; i < ram[r].end >> PAGE_SHIFT; i++)
            frame_table[i].owner = FRAME_OWNER_US;
        nr_total += (ram[r].end - ram[r].start) >> PAGE_SHIFT;
    }
}

/* RAM keeps what it held through a restart: the last run's guests, the boot loader. Nobody gets to see it. */
void frame_alloc_boot(const struct ram_range *unused, unsigned nr)
{
    for (unsigned r = 0; r < nr; r++) {
        memset(maddr_to_virt(unused[r].start), 0, unused[r].end - unused[r].start);
        free_range(unused[r].start >> PAGE_SHIFT, unused[r].end >> PAGE_SHIFT);
    }
}
