/* SPDX-License-Identifier: MIT */
/*
 * Page tables under direct paging.
 *
 * The builder maps the image and a little more. page_table_init extends that mapping over all
 * pages, taking its new tables from what is mapped already.
 *
 * ABI: HYPERVISOR_mmu_update, HYPERVISOR_update_va_mapping, HYPERVISOR_mmuext_op, <xen/xen.h>
 */
#include "arch/pv/page_table.h"
#include "kernel/page_alloc.h"
#include "kernel/panic.h"
#include "kernel/string.h"

/* Two gigabytes lie above VIRT_BASE; one of them is plenty and needs a single L2 table. */
#define DIRECT_MAP_PAGES_MAX (1UL << 18)

uint64_t *kernel_l4;

static unsigned long *p2m(void)
{
    return (unsigned long *)start_info->mfn_list;
}

unsigned long pfn_to_mfn(unsigned long pfn)
{
    return pfn < start_info->nr_pages ? p2m()[pfn] : ~0UL;
}

void p2m_set(unsigned long pfn, unsigned long mfn)
{
    p2m()[pfn] = mfn;
}

unsigned long mfn_to_pfn(unsigned long mfn)
{
    return machine_to_phys_mapping[mfn];
}

void *arch_page_address(unsigned long pfn)
{
    return (void *)(VIRT_BASE + (pfn << PAGE_SHIFT));
}

unsigned long arch_page_number(const void *address)
{
    return ((unsigned long)address - VIRT_BASE) >> PAGE_SHIFT;
}

unsigned long address_to_mfn(const void *address)
{
    return pfn_to_mfn(arch_page_number(address));
}

void *mfn_to_address(unsigned long mfn)
{
    return arch_page_address(mfn_to_pfn(mfn));
}

uint64_t *pte_find_in(uint64_t *l4, unsigned long va, int level)
{
    uint64_t *table = l4;

    for (int at = 4; at > level; at--) {
        uint64_t entry = table[pte_index(va, at)];

        if (!(entry & PTE_P))
            return NULL;
        table = mfn_to_address(pte_mfn(entry));
    }
    return &table[pte_index(va, level)];
}

uint64_t *pte_find(unsigned long va, int level)
{
    return pte_find_in(kernel_l4, va, level);
}

uint64_t pte_maddr(const uint64_t *pte)
{
    return pte_make(address_to_mfn(pte), (unsigned long)pte & (PAGE_SIZE - 1));
}

long pte_set(uint64_t *pte, uint64_t value)
{
    mmu_update_t update = { .ptr = pte_maddr(pte) | MMU_NORMAL_PT_UPDATE, .val = value };

    return hypercall_mmu_update(&update, 1, NULL, DOMID_SELF);
}

static long page_set_flags(void *page, uint64_t flags)
{
    return hypercall_update_va_mapping((unsigned long)page,
                                       pte_make(address_to_mfn(page), flags | PTE_P | PTE_A),
                                       UVMF_INVLPG | UVMF_ALL);
}

long page_set_readonly(void *page)
{
    return page_set_flags(page, 0);
}

long page_set_writable(void *page)
{
    return page_set_flags(page, PTE_RW | PTE_D);
}

long mmuext_frame(unsigned cmd, unsigned long mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

long mmuext_plain(unsigned cmd, unsigned long linear_addr)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.linear_addr = linear_addr };

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

long page_pin(void *page, int level)
{
    return mmuext_frame(MMUEXT_PIN_L1_TABLE + (unsigned)level - 1, address_to_mfn(page));
}

long page_unpin(void *page)
{
    return mmuext_frame(MMUEXT_UNPIN_TABLE, address_to_mfn(page));
}

/* Hangs a fresh, empty table into ENTRY. */
static bool table_add(uint64_t *entry)
{
    void *table = page_alloc();

    if (table == NULL)
        return false;
    memset(table, 0, PAGE_SIZE);
    if (page_set_readonly(table) != 0 || pte_set(entry, pte_make(address_to_mfn(table), PTE_TABLE)))
        panic("the hypervisor refused an empty page table");
    return true;
}

uint64_t *pte_get(unsigned long va)
{
    for (int level = 4; level > 1; level--) {
        uint64_t *entry = pte_find(va, level);

        if (!(*entry & PTE_P) && !table_add(entry))
            return NULL;
    }
    return pte_find(va, 1);
}

bool arch_page_map(unsigned long va, unsigned long pfn, unsigned flags)
{
    uint64_t bits = PTE_P | PTE_A | PTE_D;
    uint64_t *pte = pte_get(va);

    if (pte == NULL)
        return false;
    bits |= (flags & ARCH_PAGE_WRITE) ? PTE_RW : 0;
    bits |= (flags & ARCH_PAGE_EXEC) ? 0 : PTE_NX;
    bits |= (flags & ARCH_PAGE_USER) ? PTE_US : 0;
    return hypercall_update_va_mapping(va, pte_make(pfn_to_mfn(pfn), bits),
                                       UVMF_INVLPG | UVMF_ALL) == 0;
}

unsigned long arch_page_unmap(unsigned long va)
{
    uint64_t pte = *pte_find(va, 1);

    if (hypercall_update_va_mapping(va, 0, UVMF_INVLPG | UVMF_ALL) != 0)
        panic("unmapping %lx was refused", va);
    return mfn_to_pfn(pte_mfn(pte));
}

/* Maps the 2 MiB from BASE_PFN by a table in the (mapped) page TABLE. */
static void direct_map_table(uint64_t *table, unsigned long base_pfn, unsigned long nr_pages)
{
    unsigned long va = (unsigned long)arch_page_address(base_pfn);

    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        unsigned long pfn = base_pfn + i;

        table[i] = pfn < nr_pages ? pte_make(pfn_to_mfn(pfn), PTE_P | PTE_RW | PTE_A | PTE_D) : 0;
    }
    if (page_set_readonly(table) != 0 ||
        pte_set(pte_find(va, 2), pte_make(address_to_mfn(table), PTE_TABLE)) != 0)
        panic("the hypervisor refused a table of the direct map at %lx", va);
}

/* The builder's last table may be partly filled: fill it up entry by entry. */
static void direct_map_rest(unsigned long pfn, unsigned long end)
{
    for (; pfn < end; pfn++) {
        unsigned long va = (unsigned long)arch_page_address(pfn);
        uint64_t *pte = pte_find(va, 1);

        if (!(*pte & PTE_P) &&
            pte_set(pte, pte_make(pfn_to_mfn(pfn), PTE_P | PTE_RW | PTE_A | PTE_D)) != 0)
            panic("the hypervisor refused to map page %lx", pfn);
    }
}

unsigned long page_table_init(unsigned long *first_free, unsigned long nr_pages)
{
    unsigned long end = nr_pages < DIRECT_MAP_PAGES_MAX ? nr_pages : DIRECT_MAP_PAGES_MAX;

    for (unsigned long base = 0; base < end; base += PTES_PER_TABLE) {
        unsigned long va = (unsigned long)arch_page_address(base);
        uint64_t *l2 = pte_find(va, 2);

        if (l2 == NULL)
            panic("no L2 table for the direct map at %lx", va);
        if (*l2 & PTE_P)
            direct_map_rest(base, base + PTES_PER_TABLE < end ? base + PTES_PER_TABLE : end);
        else
            direct_map_table(arch_page_address((*first_free)++), base, end);
    }
    return end;
}
