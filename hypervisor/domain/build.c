/* SPDX-License-Identifier: MIT */
/*
 * Building dom0: its memory, its first vCPU, and the hypercall page. What goes where in that memory, and
 * what is written there, is the same for every guest, and done by guest-image/.
 */
#include "domain/build.h"
#include "domain/vcpu.h"
#include "guest-image/fill.h"
#include "lib/check.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/frame_alloc.h"
#include "memory/m2p.h"
#include "paging/page_type.h"
#include "trace/log.h"
#include "trap/hypercall_page.h"

#define CHUNK_ORDER 9U

struct build {
    struct domain *d;
    struct image_layout layout;
    uint64_t *p2m; /* frame numbers, by the domain's own */
};

static void *page(void *context, uint64_t pfn)
{
    const struct build *b = context;

    ASSERT(pfn < b->layout.nr_pages);
    return mfn_to_virt(mfn(b->p2m[pfn]));
}

/* --- Memory ------------------------------------------------------------------------------------- */

static const char *allocate(struct build *b)
{
    uint64_t pfn = 0, nr_pages = b->layout.nr_pages;
    unsigned order = CHUNK_ORDER;

    b->p2m = heap_alloc(nr_pages * sizeof(uint64_t));
    if (!b->p2m)
        return "not enough memory for its list of frames";
    while (pfn < nr_pages) {
        while (order && pfn + (1UL << order) > nr_pages)
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

static void fill(struct build *b, const struct build_module *kernel, const struct build_module *initrd)
{
    struct image_memory memory = { .p2m = b->p2m, .page = page, .context = b };
    struct image_contents contents = {
        .initrd = initrd->bytes,
        .words = kernel->words ? kernel->words : "",
        .shared_info = virt_to_mfn(b->d->shared_info).v << PAGE_SHIFT,
    };
    uint64_t stubs = b->layout.kernel.hypercall_page;

    if (strlen(contents.words) > IMAGE_WORDS_MAX)
        log_line(LOG_WARNING, "dom0's command line is longer than %u characters: cut", IMAGE_WORDS_MAX);
    bool filled = image_fill(&b->layout, &memory, &contents);
    ASSERT(filled); /* it fits, and all of RAM can be reached */
    if (stubs != ELF_UNSET)
        hypercall_page_fill(page(b, image_page(&b->layout, stubs)));
}

/* --- The first vCPU ------------------------------------------------------------------------------ */

static const char *start_first_vcpu(struct build *b)
{
    const struct image_layout *l = &b->layout;
    struct vcpu *v = b->d->vcpus[0];
    mfn_t root = mfn(b->p2m[l->tables]);
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
        .rip = l->kernel.entry,
        .rsp = image_address(l, l->stack + 1),
        .rsi = image_address(l, l->start_info),
        .cs = SEL_GUEST_CODE,
        .ss = SEL_GUEST_DATA,
        .rflags = EFLAGS_IF | 2,
    };
    v->kernel_sp = v->regs.rsp;
    v->kernel_ss = SEL_GUEST_DATA;
    v->initialised = true;
    vcpu_up(v);
    return NULL;
}

/* --- In order ----------------------------------------------------------------------------------- */

static const char *lay_out(struct image_layout *l, uint64_t nr_pages, const struct build_module *kernel,
                           const struct build_module *initrd)
{
    struct kernel_image image;
    const char *wrong = elf_read(kernel->bytes, kernel->size, &image);

    if (!wrong && !image.dom0_capable)
        wrong = "its notes say that it cannot be dom0";
    if (!wrong)
        wrong = image_lay_out(l, &image, IMAGE_DOM0, nr_pages, initrd->bytes ? initrd->size : 0);
    if (!wrong && l->nr_used > nr_pages)
        wrong = "kernel, initrd and tables are larger than dom0's memory: raise dom0_mem, or give the "
                "machine more";
    return wrong;
}

static void log_layout(const struct image_layout *l)
{
    uint64_t tables = image_address(l, l->tables);

    log_line(LOG_INFO, "dom0: kernel %lx-%lx, start_info %lx, tables %lx-%lx, stack %lx, mapped to %lx, "
                       "p2m %lx, entry %lx",
             l->kernel.start, l->kernel.end, image_address(l, l->start_info), tables,
             tables + l->nr_tables * PAGE_SIZE, image_address(l, l->stack + 1), l->mapped.end,
             l->nr_p2m_frames ? l->p2m_apart.start : image_address(l, l->p2m), l->kernel.entry);
}

const char *build_dom0(struct domain *d, uint64_t nr_pages, const struct build_module *kernel,
                       const struct build_module *initrd)
{
    struct build b = { .d = d };
    const char *wrong = lay_out(&b.layout, nr_pages, kernel, initrd);

    if (!wrong)
        wrong = allocate(&b);
    if (!wrong) {
        fill(&b, kernel, initrd);
        wrong = start_first_vcpu(&b);
    }
    if (wrong)
        return wrong;
    log_layout(&b.layout);
    heap_free(b.p2m, nr_pages * sizeof(uint64_t));
    return NULL;
}
