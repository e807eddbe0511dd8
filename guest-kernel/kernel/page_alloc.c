/* SPDX-License-Identifier: MIT */
/*
 * Pages of memory: first fit over a bitmap, from where the last search ended.
 */
#include "arch/arch.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"

#define PAGES_MAX     (1UL << 18)
#define BITS_PER_WORD 64

static uint64_t free_bits[PAGES_MAX / BITS_PER_WORD];
static unsigned long nr_total, nr_free, next_search;
static struct spinlock lock;

static bool is_free(unsigned long pfn)
{
    return (free_bits[pfn / BITS_PER_WORD] >> (pfn % BITS_PER_WORD)) & 1;
}

static void flip(unsigned long pfn)
{
    free_bits[pfn / BITS_PER_WORD] ^= 1UL << (pfn % BITS_PER_WORD);
}

void page_alloc_init(unsigned long nr_pages)
{
    nr_total = nr_pages < PAGES_MAX ? nr_pages : PAGES_MAX;
}

void page_alloc_add(unsigned long first, unsigned long end)
{
    for (unsigned long pfn = first; pfn < end && pfn < nr_total; pfn++) {
        flip(pfn);
        nr_free++;
    }
}

/* The first run of COUNT free pages in [from, to), or TO. */
static unsigned long find_run(unsigned long from, unsigned long to, unsigned long count,
                              unsigned long align)
{
    unsigned long pfn = (from + align - 1) / align * align;

    for (; pfn + count <= to; pfn += align) {
        unsigned long length = 0;

        while (length < count && is_free(pfn + length))
            length++;
        if (length == count)
            return pfn;
    }
    return to;
}

void *page_alloc_contiguous(unsigned long count, unsigned long align)
{
    bool enabled = arch_irq_disable();
    unsigned long pfn;

    spin_lock(&lock);
    pfn = find_run(next_search, nr_total, count, align);
    if (pfn == nr_total)
        pfn = find_run(0, nr_total, count, align);
    if (pfn != nr_total) {
        for (unsigned long i = 0; i < count; i++)
            flip(pfn + i);
        nr_free -= count;
        next_search = pfn + count;
    }
    spin_unlock(&lock);
    arch_irq_restore(enabled);
    return pfn != nr_total ? arch_page_address(pfn) : NULL;
}

void page_free_contiguous(void *pages, unsigned long count)
{
    unsigned long pfn = arch_page_number(pages);
    bool enabled = arch_irq_disable();

    spin_lock(&lock);
    for (unsigned long i = 0; i < count; i++) {
        if (is_free(pfn + i))
            panic("page %lx freed twice", pfn + i);
        flip(pfn + i);
    }
    nr_free += count;
    spin_unlock(&lock);
    arch_irq_restore(enabled);
}

void *page_alloc(void)
{
    return page_alloc_contiguous(1, 1);
}

void page_free(void *page)
{
    page_free_contiguous(page, 1);
}

unsigned long page_alloc_free_count(void)
{
    return nr_free;
}
