/* SPDX-License-Identifier: MIT */
#include "fill.h"
#include <xen/xen.h>
#include "basics.h"
#include "tables.h"

#define PTE_PRESENT  0x01UL
#define PTE_WRITE    0x02UL
#define PTE_USER     0x04UL
#define PTE_ACCESSED 0x20UL
#define PTE_DIRTY    0x40UL

#define TABLE_ENTRY (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define LEAF_ENTRY  (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)

struct filler {
    const struct image_layout *l;
    const struct image_memory *m;
};

static void *page(const struct filler *f, uint64_t number)
{
    return f->m->page(f->m->context, number);
}

/* Bytes that follow each other from an address of the mapped area on; data NULL: zeroes. */
static bool store(void *context, uint64_t va, const void *data, uint64_t size)
{
    const struct filler *f = context;
    const uint8_t *from = data;

    while (size) {
        uint64_t offset = va % PAGE_SIZE, piece = MIN(size, PAGE_SIZE - offset);
        uint8_t *to = page(f, image_page(f->l, va));
        if (!to)
            return false;
        if (from) {
            memcpy(to + offset, from, piece);
            from += piece;
        } else {
            memset(to + offset, 0, piece);
        }
        va += piece;
        size -= piece;
    }
    return true;
}

/* Whole pages: what follows the data in the last one is zero. */
static bool store_pages(const struct filler *f, uint64_t number, const void *data, uint64_t size)
{
    const uint8_t *from = data;

    for (; size; number++) {
        uint64_t piece = MIN(size, PAGE_SIZE);
        uint8_t *to = page(f, number);
        if (!to)
            return false;
        memcpy(to, from, piece);
        memset(to + piece, 0, PAGE_SIZE - piece);
        from += piece;
        size -= piece;
    }
    return true;
}

static bool clear_page(const struct filler *f, uint64_t number)
{
    void *to = page(f, number);

    if (to)
        memset(to, 0, PAGE_SIZE);
    return to != NULL;
}

/* --- Page tables --- */

static uint64_t page_in(const struct image_area *a, uint64_t number)
{
    bool within = a->start != a->end && number >= table_of(a->start, 0) && number <= table_of(a->end - 1, 0);

    return within ? a->page + number - table_of(a->start, 0) : IMAGE_NO_PAGE;
}

static uint64_t table_in(const struct image_area *a, unsigned level, uint64_t number)
{
    const struct image_tables *t = &a->level[level];

    return number - t->first < t->nr ? t->page + number - t->first : IMAGE_NO_PAGE;
}

/* The page of that table, of a level below 4; level 0: what is mapped there. */
static uint64_t find(const struct image_layout *l, unsigned level, uint64_t number)
{
    if (!level) {
        uint64_t found = page_in(&l->mapped, number);
        return found != IMAGE_NO_PAGE ? found : page_in(&l->p2m_apart, number);
    }
    uint64_t found = table_in(&l->mapped, level, number);
    return found != IMAGE_NO_PAGE ? found : table_in(&l->p2m_apart, level, number);
}

static uint64_t entry_for(const struct filler *f, unsigned level, uint64_t number)
{
    uint64_t target = find(f->l, level - 1, number);

    if (target == IMAGE_NO_PAGE)
        return 0;
    uint64_t frame = f->m->p2m[target] << PAGE_SHIFT;
    if (level > 1)
        return frame | TABLE_ENTRY;
    /* A page table is mapped read-only, or the hypervisor would not take it for one. */
    return frame | (target - f->l->tables < f->l->nr_tables ? LEAF_ENTRY & ~PTE_WRITE : LEAF_ENTRY);
}

static bool write_table(const struct filler *f, unsigned level, uint64_t number, uint64_t at)
{
    uint64_t *table = page(f, at);

    for (unsigned i = 0; table && i < TABLE_ENTRIES; i++)
        table[i] = entry_for(f, level, number * TABLE_ENTRIES + i);
    return table != NULL;
}

static bool write_tables_of(const struct filler *f, const struct image_area *a)
{
    for (unsigned level = 3; level; level--) {
        const struct image_tables *t = &a->level[level];
        for (uint64_t i = 0; i < t->nr; i++)
            if (!write_table(f, level, t->first + i, t->page + i))
                return false;
    }
    return true;
}

static bool write_tables(const struct filler *f)
{
    return write_table(f, 4, 0, f->l->tables) && write_tables_of(f, &f->l->mapped) &&
           write_tables_of(f, &f->l->p2m_apart);
}

/* --- What the kernel is told --- */

static void tell_initrd(const struct image_layout *l, struct start_info *s)
{
    if (!l->initrd_size)
        return;
    s->mod_len = l->initrd_size;
    s->mod_start = l->kernel.initrd_unmapped ? l->initrd : image_address(l, l->initrd);
    s->flags |= l->kernel.initrd_unmapped ? SIF_MOD_START_PFN : 0;
}

static void tell_rings(const struct filler *f, const struct image_contents *c, struct start_info *s)
{
    if (f->l->whose == IMAGE_DOM0) {
        /* No text console by VGA: dom0's console is console_io. */
        s->console.dom0.info_off = sizeof(*s);
        return;
    }
    s->store_mfn = f->m->p2m[f->l->store_ring];
    s->store_evtchn = c->store_port;
    s->console.domU.mfn = f->m->p2m[f->l->console_ring];
    s->console.domU.evtchn = c->console_port;
}

static bool write_start_info(const struct filler *f, const struct image_contents *c)
{
    static const char magic[] = "xen-3.0-x86_64";
    const struct image_layout *l = f->l;
    struct start_info *s = page(f, l->start_info);

    if (!s)
        return false;
    memset(s, 0, PAGE_SIZE);
    memcpy(s->magic, magic, sizeof(magic));
    s->nr_pages = l->nr_pages;
    s->shared_info = c->shared_info;
    s->flags = l->whose == IMAGE_DOM0 ? SIF_PRIVILEGED | SIF_INITDOMAIN : SIF_VIRT_P2M_4TOOLS;
    s->pt_base = image_address(l, l->tables);
    s->nr_pt_frames = l->nr_tables;
    s->mfn_list = l->nr_p2m_frames ? l->p2m_apart.start : image_address(l, l->p2m);
    s->first_p2m_pfn = l->nr_p2m_frames ? l->p2m : 0;
    s->nr_p2m_frames = l->nr_p2m_frames;
    memcpy(s->cmd_line, c->words, strnlen(c->words, IMAGE_WORDS_MAX));
    tell_initrd(l, s);
    tell_rings(f, c, s);
    return true;
}

static bool clear_rings(const struct filler *f)
{
    return f->l->whose == IMAGE_DOM0 ||
           (clear_page(f, f->l->store_ring) && clear_page(f, f->l->console_ring));
}

bool image_fill(const struct image_layout *l, const struct image_memory *m, const struct image_contents *c)
{
    struct filler f = { l, m };

    return l->nr_used <= l->nr_pages && elf_load(&l->kernel, &f, store) &&
           store_pages(&f, l->initrd, c->initrd, l->initrd_size) &&
           store_pages(&f, l->p2m, m->p2m, l->nr_pages * sizeof(uint64_t)) && write_start_info(&f, c) &&
           clear_rings(&f) && write_tables(&f);
}
