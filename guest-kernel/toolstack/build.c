/* SPDX-License-Identifier: MIT */
/*
 * What a guest's memory holds is guest-image/'s to say; here it is had, reached through a window of some
 * pages, and given to the hypervisor to check.
 *
 * Page tables are written as plain memory, and pinned when nothing of it is mapped here any more: what
 * somebody may write cannot become a table.
 */
#include "toolstack/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/errno.h>
#include <xen/grant_table.h>

#include "guest-image/fill.h"

#define PAGE_SIZE    4096u
#define KIB_PER_PAGE (PAGE_SIZE / 1024)
#define SLACK_KIB    1024u /* of max_mem */
#define CHUNK_ORDER  9u
#define CHUNK        (1u << CHUNK_ORDER)
#define WINDOW       64u /* pages that are mapped at a time */
#define BACK_END     0   /* the domain that serves console and store */
#define FLAG_IF      0x200u

struct build {
    const struct build_order *order;
    struct image_layout layout;
    xen_pfn_t *p2m;
    xen_pfn_t shared_info; /* frame */
    /* Pages of the guest that are mapped now, NULL: none. */
    uint8_t *window;
    uint64_t window_first;
    unsigned window_count;
    char *line;
    size_t line_size;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct build *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->line, b->line_size, format, args);
    va_end(args);
    return false;
}

/* ERROR is what a function of control.h returned. */
static bool granted(struct build *b, const char *what, long error)
{
    return error == 0 || fail(b, "%s: the hypervisor refuses it (error %ld)", what, -error);
}

/* --- The guest's memory seen from here --- */

static void window_close(struct build *b)
{
    if (b->window != NULL)
        control_unmap(b->window, b->window_count);
    b->window = NULL;
}

static void *page(void *context, uint64_t number)
{
    struct build *b = context;

    if (b->window == NULL || number - b->window_first >= b->window_count) {
        uint64_t left = b->order->nr_pages - number;
        window_close(b);
        b->window_first = number;
        b->window_count = left < WINDOW ? (unsigned)left : WINDOW;
        b->window = control_map(b->order->id, b->p2m + number, b->window_count, true);
    }
    return b->window != NULL ? b->window + (number - b->window_first) * PAGE_SIZE : NULL;
}

/* --- Before anything is done to the domain --- */

static bool check_order(struct build *b)
{
    const struct build_order *o = b->order;

    if (o->max_pages > UINT64_MAX / PAGE_SIZE)
        return fail(b, "memory: no guest can be as large as that");
    if (o->max_pages < o->nr_pages)
        return fail(b, "memory: it begins with %lu KiB, more than the %lu KiB that it may have at most",
                    o->nr_pages * KIB_PER_PAGE, o->max_pages * KIB_PER_PAGE);
    if (strlen(o->cmdline) > IMAGE_WORDS_MAX)
        return fail(b, "the kernel's command line is longer than %u characters", IMAGE_WORDS_MAX);
    return true;
}

static bool lay_out(struct build *b)
{
    const struct build_order *o = b->order;
    struct kernel_image image;
    const char *wrong = elf_read(o->kernel, o->kernel_size, &image);

    if (wrong == NULL)
        wrong = image_lay_out(&b->layout, &image, IMAGE_DOMU, o->nr_pages,
                              o->ramdisk != NULL ? o->ramdisk_size : 0);
    if (wrong != NULL)
        return fail(b, "kernel: %s", wrong);
    if (b->layout.nr_used > o->nr_pages)
        return fail(b, "memory: kernel, ramdisk and tables need %lu KiB, and there are %lu KiB",
                    b->layout.nr_used * KIB_PER_PAGE, o->nr_pages * KIB_PER_PAGE);
    return true;
}

/* --- Memory --- */

/* COUNT pages from NUMBER on: in one piece, which costs the hypervisor and the guest's TLB less, or as
 * they come. */
static bool get_pages(struct build *b, uint64_t number, unsigned count)
{
    xen_pfn_t first = number;

    if (count == CHUNK && control_populate_extents(b->order->id, CHUNK_ORDER, 1, &first) == 1) {
        for (unsigned i = 0; i < count; i++)
            b->p2m[number + i] = first + i;
        return true;
    }
    return control_populate(b->order->id, number, count, b->p2m + number) == (long)count;
}

static bool get_memory(struct build *b)
{
    uint64_t nr_pages = b->order->nr_pages;

    b->p2m = nr_pages <= SIZE_MAX / sizeof(*b->p2m) ? malloc(nr_pages * sizeof(*b->p2m)) : NULL;
    if (b->p2m == NULL)
        return fail(b, "memory: domain 0 has too little of its own to list %lu KiB of a guest's",
                    nr_pages * KIB_PER_PAGE);
    for (uint64_t number = 0; number < nr_pages; number += CHUNK) {
        uint64_t left = nr_pages - number;
        if (!get_pages(b, number, left < CHUNK ? (unsigned)left : CHUNK))
            return fail(b, "memory: the machine has only about %lu KiB of %lu KiB left",
                        number * KIB_PER_PAGE, nr_pages * KIB_PER_PAGE);
    }
    return true;
}

/* --- What stands in it --- */

static bool fill(struct build *b)
{
    const struct build_order *o = b->order;
    struct image_memory memory = { .p2m = b->p2m, .page = page, .context = b };
    struct image_contents contents = {
        .initrd = o->ramdisk,
        .words = o->cmdline,
        .shared_info = (uint64_t)b->shared_info * PAGE_SIZE,
        .store_port = o->store_port,
        .console_port = o->console_port,
    };
    bool filled = image_fill(&b->layout, &memory, &contents);

    window_close(b);
    return filled || fail(b, "memory: the guest's pages cannot be mapped");
}

static bool add_hypercall_page(struct build *b)
{
    uint64_t address = b->layout.kernel.hypercall_page;

    if (address == ELF_UNSET)
        return true;
    return granted(b, "hypercall page",
                   control_hypercall_page(b->order->id, b->p2m[image_page(&b->layout, address)]));
}

/* --- What the hypervisor keeps for it --- */

static bool find_shared_info(struct build *b)
{
    struct xen_domctl_getdomaininfo info;

    if (!granted(b, "asking for the domain", control_info(b->order->id, &info)))
        return false;
    b->shared_info = info.shared_info_frame;
    return true;
}

/* A guest begins with its events masked: it is the builder who sees to it (ABI). */
static bool mask_events(struct build *b)
{
    struct shared_info *shared = control_map(b->order->id, &b->shared_info, 1, true);

    if (shared == NULL)
        return fail(b, "the page that the guest shares with the hypervisor cannot be mapped");
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        shared->vcpu_info[i].evtchn_upcall_mask = 1;
    control_unmap(shared, 1);
    return true;
}

static void grant(grant_entry_v1_t *entry, xen_pfn_t frame)
{
    entry->domid = BACK_END;
    entry->frame = (uint32_t)frame;
    __atomic_store_n(&entry->flags, GTF_permit_access, __ATOMIC_RELEASE); /* which makes it valid: last */
}

static bool grant_rings(struct build *b)
{
    const struct image_layout *l = &b->layout;
    xen_pfn_t frame;

    if (!granted(b, "grant table", control_grant_frames(b->order->id, 0, 1, &frame)))
        return false;
    grant_entry_v1_t *entries = control_map(b->order->id, &frame, 1, true);
    if (entries == NULL)
        return fail(b, "the guest's grant table cannot be mapped");
    grant(&entries[GNTTAB_RESERVED_CONSOLE], b->p2m[l->console_ring]);
    grant(&entries[GNTTAB_RESERVED_XENSTORE], b->p2m[l->store_ring]);
    control_unmap(entries, 1);
    return true;
}

/* --- The first vCPU --- */

static void first_context(const struct build *b, struct vcpu_guest_context *c)
{
    const struct image_layout *l = &b->layout;

    memset(c, 0, sizeof(*c));
    c->flags = VGCF_in_kernel | VGCF_online;
    c->user_regs.rip = l->kernel.entry;
    c->user_regs.rsp = image_address(l, l->stack + 1);
    c->user_regs.rsi = image_address(l, l->start_info);
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->user_regs.rflags = FLAG_IF;
    c->kernel_sp = c->user_regs.rsp;
    c->kernel_ss = FLAT_KERNEL_SS;
    c->ctrlreg[3] = (uint64_t)b->p2m[l->tables] * PAGE_SIZE;
}

static bool set_first_vcpu(struct build *b)
{
    struct vcpu_guest_context *c = malloc(sizeof(*c)); /* more than a stack of dom0 should bear */

    if (c == NULL)
        return fail(b, "domain 0 has too little memory of its own");
    first_context(b, c);
    long error = control_set_context(b->order->id, 0, c);
    free(c);
    return granted(b, "the first vCPU's state", error);
}

/* --- In order --- */

static bool set_limits(struct build *b)
{
    const struct build_order *o = b->order;

    return granted(b, "limit of memory", control_max_mem(o->id, o->nr_pages * KIB_PER_PAGE + SLACK_KIB)) &&
           granted(b, "memory map", control_set_memory_map(o->id, o->max_pages * PAGE_SIZE));
}

static bool pin_tables(struct build *b)
{
    return granted(b, "page tables", control_pin_root(b->order->id, b->p2m[b->layout.tables]));
}

static bool give_it_all(struct build *b)
{
    return get_memory(b) && fill(b) && add_hypercall_page(b) && mask_events(b) && grant_rings(b) &&
           pin_tables(b) && set_first_vcpu(b);
}

static bool claim_and_give(struct build *b)
{
    const struct build_order *o = b->order;

    long error = control_claim(o->id, o->nr_pages);

    if (error == -XEN_ENOMEM)
        return fail(b, "memory: the machine has less than %lu KiB left", o->nr_pages * KIB_PER_PAGE);
    if (!granted(b, "memory", error))
        return false;
    bool given = give_it_all(b);
    control_claim(o->id, 0);
    return given;
}

bool build_guest(const struct build_order *order, struct build_result *result, char *line, size_t size)
{
    struct build b = { .order = order, .line = line, .line_size = size };
    bool built = check_order(&b) && lay_out(&b) && find_shared_info(&b) && set_limits(&b) &&
                 claim_and_give(&b);

    if (built) {
        result->console_frame = b.p2m[b.layout.console_ring];
        result->store_frame = b.p2m[b.layout.store_ring];
    }
    free(b.p2m);
    return built;
}
