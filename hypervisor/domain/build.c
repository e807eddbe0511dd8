/* SPDX-License-Identifier: MIT */
/*
 * Building dom0.
 *
 * From VIRT_BASE upwards, pages and frame numbers in step:
 *
 *    kernel | initrd | p2m list | start_info | page tables | stack | to the next 4 MiB, with 512 KiB free
 *
 * initrd and p2m list move behind all that, unmapped or at an address of their own, where the kernel's
 * notes say so.
 */
#include "domain/build.h"
#include "domain/elf.h"
#include "domain/vcpu.h"
#include "lib/check.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "paging/page_type.h"
#include "trace/log.h"
#include "trap/hypercall_page.h"

#define CHUNK_ORDER   9U
#define MAPPED_ALIGN  (4UL << 20)
#define MAPPED_SPARE  (512UL << 10)

#define TABLE_ENTRY (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define LEAF_ENTRY  (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)

struct range {
    uint64_t start, end; /* virtual addresses */
};

struct build {
    struct domain *d;
    struct kernel_image kernel;
    uint64_t nr_pages;
    uint64_t *p2m; /* frame numbers, by the domain's own */
    uint64_t base; /* VIRT_BASE */
    struct range initrd, p2m_list, start_info, tables, stack;
    uint64_t end;        /* of the mapped area */
    uint64_t nr_tables;  /* of the mapped area */
    uint64_t next_table; /* the first unused page of tables */
    uint64_t initrd_pfn, p2m_pfn, p2m_tables_pfn;
    uint64_t nr_p2m_frames; /* list and its tables, where it is apart */
};

static uint64_t pages_of(uint64_t bytes)
{
    return ROUND_UP(bytes, PAGE_SIZE) / PAGE_SIZE;
}

static void *page(const struct build *b, uint64_t pfn)
{
    ASSERT(pfn < b->nr_pages);
    return mfn_to_virt(mfn(b->p2m[pfn]));
}

static uint64_t pfn_of(const struct build *b, uint64_t va)
{
    return (va - b->base) >> PAGE_SHIFT;
}

static bool store(void *context, uint64_t va, const void *data, uint64_t size)
{
    const struct build *b = context;

    while (size) {
        uint64_t piece = MIN(size, PAGE_SIZE - va % PAGE_SIZE);
        uint8_t *to = (uint8_t *)page(b, pfn_of(b, va)) + va % PAGE_SIZE;
        if (data) {
            memcpy(to, data, piece);
            data = (const uint8_t *)data + piece;
        } else {
            memset(to, 0, piece);
        }
        va += piece;
        size -= piece;
    }
    return true;
}

static void store_pfn(const struct build *b, uint64_t pfn, const void *data, uint64_t size)
{
    store((void *)b, b->base + (pfn << PAGE_SHIFT), data, size);
}

/* --- Layout ------------------------------------------------------------------------------------- */

static struct range place(uint64_t *at, uint64_t bytes)
{
    struct range r = { *at, *at + bytes };

    *at = ROUND_UP(r.end, PAGE_SIZE);
    return r;
}

/* How many tables of a level the range [start, end) touches. */
static uint64_t tables_of_level(uint64_t start, uint64_t end, unsigned level)
{
    unsigned shift = PAGE_SHIFT + 9 * level;

    return ((end - 1) >> shift) - (start >> shift) + 1;
}

static uint64_t tables_for(uint64_t start, uint64_t end)
{
    return tables_of_level(start, end, 1) + tables_of_level(start, end, 2) +
           tables_of_level(start, end, 3);
}

/* Tables map themselves: more of them may need one more. */
static void place_tables(struct build *b, uint64_t at)
{
    for (b->nr_tables = 1;; b->nr_tables++) {
        uint64_t p = at;
        b->tables = place(&p, b->nr_tables * PAGE_SIZE);
        b->stack = place(&p, PAGE_SIZE);
        b->end = ROUND_UP(p + MAPPED_SPARE, MAPPED_ALIGN);
        if (1 + tables_for(b->base, b->end) <= b->nr_tables)
            break;
    }
    b->nr_tables = 1 + tables_for(b->base, b->end);
    b->next_table = b->tables.start;
}

static const char *lay_out(struct build *b, uint64_t initrd_size)
{
    uint64_t at = ROUND_UP(b->kernel.end, PAGE_SIZE), pfn;
    bool apart = b->kernel.init_p2m != ELF_UNSET;
    uint64_t p2m_bytes = b->nr_pages * sizeof(uint64_t);

    b->base = b->kernel.virt_base;
    if (initrd_size && !b->kernel.initrd_unmapped)
        b->initrd = place(&at, initrd_size);
    if (!apart)
        b->p2m_list = place(&at, p2m_bytes);
    b->start_info = place(&at, PAGE_SIZE);
    place_tables(b, at);
    if (b->end < b->base)
        return "its addresses wrap around";

    pfn = pfn_of(b, b->end);
    b->initrd_pfn = b->initrd.end ? pfn_of(b, b->initrd.start) : pfn;
    if (initrd_size && b->kernel.initrd_unmapped)
        pfn += pages_of(initrd_size);
    if (apart) {
        b->p2m_list = (struct range){ b->kernel.init_p2m, b->kernel.init_p2m + p2m_bytes };
        if (!kernel_range_ok(b->p2m_list.start, b->p2m_list.end) ||
            (b->p2m_list.start < b->end && b->p2m_list.end > b->base))
            return "its address for the p2m list (INIT_P2M) is one that it cannot have, or in use";
        b->p2m_pfn = pfn;
        b->p2m_tables_pfn = pfn + pages_of(p2m_bytes);
        b->nr_p2m_frames = pages_of(p2m_bytes) + tables_for(b->p2m_list.start, b->p2m_list.end);
        pfn += b->nr_p2m_frames;
    } else {
        b->p2m_pfn = pfn_of(b, b->p2m_list.start);
    }
    if (pfn > b->nr_pages)
        return "kernel, initrd and tables are larger than dom0's memory: raise dom0_mem, or give the "
               "machine more";
    return NULL;
}

/* --- Memory ------------------------------------------------------------------------------------- */

static const char *allocate(struct build *b)
{
    uint64_t pfn = 0;
    unsigned order = CHUNK_ORDER;

    b->p2m = heap_alloc(b->nr_pages * sizeof(uint64_t));
    if (!b->p2m)
        return "not enough memory for its list of frames";
    while (pfn < b->nr_pages) {
        while (order && pfn + (1UL << order) > b->nr_pages)
            order--;
        mfn_t m = domain_alloc_frames(b->d, order, 64);
        if (m.v == MFN_NONE.v) {
            if (!order--)
                return "not enough free memory: lower dom0_mem, or give the machine more";
            continue;
        }
        for (uint64_t i = 0; i < 1UL << order; i++, pfn++) {
            b->p2m[pfn] = m.v + i;
            m2p_set(mfn(m.v + i), pfn);
        }
    }
    return NULL;
}

/* --- Page tables -------------------------------------------------------------------------------- */

/* The entry for va in the table of that level, with all tables above it. new_table gives pages. */
static uint64_t *table_entry(struct build *b, uint64_t va, unsigned level,
                             uint64_t (*new_table)(struct build *b))
{
    uint64_t *table = page(b, pfn_of(b, b->tables.start));

    for (unsigned l = 4; l > level; l--) {
        uint64_t *entry = &table[va >> (PAGE_SHIFT + 9 * (l - 1)) & 511];
        if (!(*entry & PTE_PRESENT))
            *entry = b->p2m[new_table(b)] << PAGE_SHIFT | TABLE_ENTRY;
        table = mfn_to_virt(pte_mfn(*entry));
    }
    return &table[va >> (PAGE_SHIFT + 9 * (level - 1)) & 511];
}

static uint64_t table_of_area(struct build *b)
{
    uint64_t pfn = pfn_of(b, b->next_table);

    ASSERT(b->next_table < b->tables.end);
    b->next_table += PAGE_SIZE;
    return pfn;
}

static uint64_t table_of_p2m(struct build *b)
{
    return b->p2m_tables_pfn++;
}

static void map_page(struct build *b, uint64_t va, uint64_t pfn, uint64_t flags,
                     uint64_t (*new_table)(struct build *b))
{
    *table_entry(b, va, 1, new_table) = b->p2m[pfn] << PAGE_SHIFT | flags;
}

static void make_tables(struct build *b)
{
    uint64_t p2m_tables = b->p2m_tables_pfn;

    b->next_table += PAGE_SIZE; /* the first is the root */
    for (uint64_t va = b->base; va < b->end; va += PAGE_SIZE) {
        bool is_table = va >= b->tables.start && va < b->tables.end;
        map_page(b, va, pfn_of(b, va), is_table ? LEAF_ENTRY & ~PTE_WRITE : LEAF_ENTRY,
                 table_of_area);
    }
    ASSERT(b->next_table == b->tables.end);
    if (!b->nr_p2m_frames)
        return;
    for (uint64_t i = 0; i < pages_of(b->nr_pages * sizeof(uint64_t)); i++)
        map_page(b, b->p2m_list.start + i * PAGE_SIZE, b->p2m_pfn + i, LEAF_ENTRY, table_of_p2m);
    /* If the list shares tables with the mapped area, fewer of its own were needed. */
    b->nr_p2m_frames -= tables_for(b->p2m_list.start, b->p2m_list.end) - (b->p2m_tables_pfn - p2m_tables);
}

/* --- What the kernel is told -------------------------------------------------------------------- */

static void fill_start_info(struct build *b, const struct build_module *kernel,
                            const struct build_module *initrd)
{
    struct start_info *s = page(b, pfn_of(b, b->start_info.start));

    memset(s, 0, PAGE_SIZE);
    string_copy(s->magic, "xen-3.0-x86_64", sizeof(s->magic));
    s->nr_pages = b->nr_pages;
    s->shared_info = virt_to_mfn(b->d->shared_info).v << PAGE_SHIFT;
    s->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    s->pt_base = b->tables.start;
    s->nr_pt_frames = b->nr_tables;
    s->mfn_list = b->p2m_list.start;
    s->first_p2m_pfn = b->nr_p2m_frames ? b->p2m_pfn : 0;
    s->nr_p2m_frames = b->nr_p2m_frames;
    if (initrd->bytes) {
        s->mod_len = initrd->size;
        s->mod_start = b->kernel.initrd_unmapped ? b->initrd_pfn : b->initrd.start;
        if (b->kernel.initrd_unmapped)
            s->flags |= SIF_MOD_START_PFN;
    }
    /* A text console by VGA is nothing we offer: dom0's console is console_io. */
    s->console.dom0.info_off = sizeof(*s);
    s->console.dom0.info_size = 0;
    if (!string_copy((char *)s->cmd_line, kernel->words ? kernel->words : "", sizeof(s->cmd_line)))
        log_line(LOG_WARNING, "dom0's command line is longer than %u characters: cut",
                 (unsigned)sizeof(s->cmd_line) - 1);
}

static const char *start_first_vcpu(struct build *b)
{
    struct vcpu *v = b->d->vcpus[0];
    mfn_t root = mfn(b->p2m[pfn_of(b, b->tables.start)]);
    int rc;

    /* One reference for the pin, one for the vCPU. */
    for (unsigned i = 0; i < 2; i++) {
        do
            rc = page_type_get(frame_at(root), TYPE_L4);
        while (rc == HYPERCALL_CONTINUE);
        if (rc)
            return "its first page tables are not valid";
    }
    __atomic_or_fetch(&frame_at(root)->state, FRAME_PINNED, __ATOMIC_SEQ_CST);
    v->kernel_root = root;
    v->regs = (struct cpu_user_regs){
        .rip = b->kernel.entry,
        .rsp = b->stack.end,
        .rsi = b->start_info.start,
        .cs = SEL_GUEST_CODE,
        .ss = SEL_GUEST_DATA,
        .rflags = EFLAGS_IF | 2,
    };
    v->kernel_sp = b->stack.end;
    v->kernel_ss = SEL_GUEST_DATA;
    v->initialised = true;
    vcpu_up(v);
    return NULL;
}

static const char *fill(struct build *b, const struct build_module *kernel,
                        const struct build_module *initrd)
{
    elf_load(&b->kernel, b, store);
    if (b->kernel.hypercall_page != ELF_UNSET)
        hypercall_page_fill(page(b, pfn_of(b, b->kernel.hypercall_page)));
    if (initrd->bytes)
        store_pfn(b, b->initrd_pfn, initrd->bytes, initrd->size);
    make_tables(b);
    for (uint64_t i = 0; i < pages_of(b->nr_pages * sizeof(uint64_t)); i++) {
        uint64_t words = MIN(512UL, b->nr_pages - i * 512);
        store_pfn(b, b->p2m_pfn + i, b->p2m + i * 512, words * sizeof(uint64_t));
    }
    fill_start_info(b, kernel, initrd);
    return start_first_vcpu(b);
}

const char *build_dom0(struct domain *d, uint64_t nr_pages, const struct build_module *kernel,
                       const struct build_module *initrd)
{
    struct build b = { .d = d, .nr_pages = nr_pages };
    const char *wrong = elf_read(kernel->bytes, kernel->size, &b.kernel);

    if (!wrong && !b.kernel.dom0_capable)
        wrong = "its notes say that it cannot be dom0";
    if (!wrong)
        wrong = lay_out(&b, initrd->bytes ? initrd->size : 0);
    if (!wrong)
        wrong = allocate(&b);
    if (!wrong)
        wrong = fill(&b, kernel, initrd);
    if (wrong)
        return wrong;
    log_line(LOG_INFO, "dom0: kernel %lx-%lx, start_info %lx, tables %lx-%lx, stack %lx, mapped to %lx, "
                       "p2m %lx, entry %lx",
             b.kernel.start, b.kernel.end, b.start_info.start, b.tables.start, b.tables.end,
             b.stack.start, b.end, b.p2m_list.start, b.kernel.entry);
    heap_free(b.p2m, nr_pages * sizeof(uint64_t));
    return NULL;
}
