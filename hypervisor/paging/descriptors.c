/* SPDX-License-Identifier: MIT */
#include "paging/descriptors.h"
#include "domain/refuse.h"
#include "hypercall/hypercall.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "machine/registers.h"
#include "memory/frame_alloc.h"
#include "memory/guest_copy.h"
#include "paging/root.h"

#define WINDOW_SIZE (32 * PAGE_SIZE)

#define GDT_GUEST_PAGES   14U
#define GDT_GUEST_ENTRIES (GDT_GUEST_PAGES * 512U)
#define GDT_OUR_PAGE      14U

#define DESCRIPTOR_PRESENT (1UL << 47)
#define DESCRIPTOR_CODE_OR_DATA (1UL << 44)
#define DESCRIPTOR_DPL     (3UL << 45)
#define DESCRIPTOR_TYPE(d) ((d) >> 40 & 15)
#define TYPE_CALL_GATE     12U
#define SELECTOR_OF_GATE(d) ((d) >> 16 & 0xffff)

/* Guest pages in a window: supervisor only, and writable, since processors set the accessed bit. */
#define WINDOW_GUEST_PAGE (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NX)
#define WINDOW_EMPTY_PAGE (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_NX)

static uint8_t empty_page[PAGE_SIZE] __attribute__((aligned(4096)));

/* A gate may lead only to code of ring 3, and not at all to ours: its use then is a #GP, which we
 * recognise by the privilege that was asked for. */
static bool check_call_gate(uint64_t *d)
{
    unsigned selector = SELECTOR_OF_GATE(*d), dpl = (unsigned)((*d & DESCRIPTOR_DPL) >> 45);

    if (!(selector & ~3U))
        return true; /* nowhere: faults when used */
    if ((selector & 4) == 0 && (selector >> 3) >= GDT_GUEST_ENTRIES &&
        (selector | 3) != SEL_GUEST_CODE)
        return false;
    *d = (*d & ~(DESCRIPTOR_DPL | (3UL << 16))) | (uint64_t)dpl << 16;
    return true;
}

bool descriptor_check(uint64_t *descriptor)
{
    uint64_t d = *descriptor;

    if (!(d & DESCRIPTOR_PRESENT))
        return true;
    if (d & DESCRIPTOR_CODE_OR_DATA) {
        *descriptor = d | DESCRIPTOR_DPL;
        return true;
    }
    if (DESCRIPTOR_TYPE(d) == 0)
        return true;
    return DESCRIPTOR_TYPE(d) == TYPE_CALL_GATE && check_call_gate(descriptor);
}

int descriptors_validate(struct domain *d, uint64_t *page)
{
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++) {
        if (!descriptor_check(&page[i]))
            return refuse(d, XEN_EINVAL, "descriptor %u: %016lx is not one that a guest may have", i,
                          page[i]);
    }
    return 0;
}

static uint64_t empty_entry(void)
{
    return (*hypervisor_pte((uint64_t)empty_page) & PTE_ADDRESS) | WINDOW_EMPTY_PAGE;
}

/* The window's entries, 32 of them in one table. */
static uint64_t *window_entries(const struct vcpu *v)
{
    return hypervisor_pte(v->window);
}

static void set_entry(const struct vcpu *v, unsigned page, uint64_t entry)
{
    WRITE_ONCE(window_entries(v)[page], entry);
    tlb_invalidate_page(v->window + page * PAGE_SIZE);
}

/* Taken from the lowest up, so that there are no more tables for them than vCPUs at once needed. */
static uint64_t windows[BITMAP_WORDS(MAX_DOMAINS * MAX_VCPUS)];

static bool window_take(unsigned *index)
{
    for (unsigned word = 0; word < ARRAY_SIZE(windows); word++) {
        if (~READ_ONCE(windows[word])) {
            *index = word * BITS_PER_WORD + bit_lowest(~windows[word]);
            if (!bit_test_and_set(windows, *index))
                return true;
            word--; /* somebody else was faster */
        }
    }
    return false;
}

void descriptor_window_free(struct vcpu *v)
{
    if (v->window)
        bit_clear(windows, (unsigned)((v->window - WINDOW_BASE) / WINDOW_SIZE));
    v->window = 0;
}

bool descriptor_window_create(struct vcpu *v)
{
    unsigned index;

    if (!window_take(&index))
        return false;
    v->window = WINDOW_BASE + index * WINDOW_SIZE;
    if (!hypervisor_map(v->window, empty_entry() & PTE_ADDRESS, PAGE_SIZE, MAP_LOCAL)) {
        descriptor_window_free(v);
        return false;
    }
    for (unsigned i = 0; i < GDT_GUEST_PAGES; i++)
        window_entries(v)[i] = empty_entry();
    for (unsigned i = GDT_GUEST_PAGES; i < 32; i++)
        window_entries(v)[i] = 0;
    return true;
}

void gdt_release(struct vcpu *v)
{
    for (unsigned i = 0; i < v->nr_gdt_frames; i++) {
        set_entry(v, i, empty_entry());
        page_type_put(frame_at(v->gdt_frames[i]));
    }
    v->nr_gdt_frames = 0;
    v->gdt_entries = 0;
}

static int get_gdt_frame(struct domain *d, mfn_t m)
{
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), d->id))
        return refuse(d, XEN_EINVAL, "set_gdt: frame %lx is not its own", m.v);
    int rc = page_type_get(frame_at(m), TYPE_DESCRIPTOR);
    frame_put(frame_at(m));
    if (rc && rc != HYPERCALL_CONTINUE)
        return refuse(d, XEN_EINVAL, "set_gdt: frame %lx cannot hold descriptors (type %u)", m.v,
                      state_type(frame_at(m)->state));
    return rc;
}

int gdt_set(struct vcpu *v, const uint64_t *frames, unsigned nr_frames, unsigned entries)
{
    for (unsigned i = 0; i < nr_frames; i++) {
        int rc = get_gdt_frame(v->domain, mfn(frames[i]));
        if (rc) {
            while (i--)
                page_type_put(frame_at(mfn(frames[i])));
            return rc;
        }
    }
    gdt_release(v);
    for (unsigned i = 0; i < nr_frames; i++) {
        v->gdt_frames[i] = mfn(frames[i]);
        set_entry(v, i, frames[i] << PAGE_SHIFT | WINDOW_GUEST_PAGE);
    }
    v->nr_gdt_frames = nr_frames;
    v->gdt_entries = entries;
    return 0;
}

/* ABI: set_gdt(frame list, entries). */
HYPERCALL(set_gdt)
{
    struct vcpu *v = current_vcpu();
    uint64_t frames[GDT_GUEST_PAGES];
    unsigned entries = (unsigned)b, nr = (entries + 511) / 512;

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (entries > GDT_GUEST_ENTRIES)
        return refuse(v->domain, XEN_EINVAL, "set_gdt: %u entries, at most %u", entries,
                      GDT_GUEST_ENTRIES);
    if (!copy_from_guest(frames, a, nr * sizeof(frames[0])))
        return refuse(v->domain, XEN_EFAULT, "set_gdt: cannot read the list of frames");
    int rc = gdt_set(v, frames, nr, entries);
    return rc == HYPERCALL_CONTINUE ? hypercall_again(2, a, b, 0, 0) : rc;
}

/* ABI: update_descriptor(machine address, descriptor). */
HYPERCALL(update_descriptor)
{
    struct domain *dom = current_domain();
    mfn_t m = mfn_of_maddr(a);
    uint64_t descriptor = b;
    struct frame *f;

    UNUSED_ARGUMENT(c);
    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (a % 8 || !descriptor_check(&descriptor))
        return refuse(dom, XEN_EINVAL, "update_descriptor: %016lx at %016lx", b, a);
    if (!mfn_is_ram(m) || !frame_get(frame_at(m), dom->id))
        return refuse(dom, XEN_EINVAL, "update_descriptor: frame %lx is not its own", m.v);
    f = frame_at(m);
    int rc = 0;
    if (!page_type_get_existing(f, TYPE_DESCRIPTOR, dom->id))
        rc = page_type_get(f, TYPE_WRITABLE);
    if (!rc) {
        WRITE_ONCE(((uint64_t *)mfn_to_virt(m))[a % PAGE_SIZE / 8], descriptor);
        page_type_put(f);
    } else if (rc == HYPERCALL_CONTINUE) {
        rc = (int)hypercall_again(2, a, b, 0, 0);
    } else {
        rc = refuse(dom, XEN_EINVAL, "update_descriptor: frame %lx is a table", m.v);
    }
    frame_put(f);
    return rc;
}

/* --- LDT ---------------------------------------------------------------------------------------- */

HOT void ldt_forget(struct vcpu *v)
{
    for (unsigned i = 0; v->ldt_mapped; i++) {
        if (!(v->ldt_mapped & (1U << i)))
            continue;
        uint64_t entry = window_entries(v)[16 + i];
        v->ldt_mapped &= ~(1U << i);
        set_entry(v, 16 + i, 0);
        page_type_put(frame_at(pte_mfn(entry)));
    }
}

void ldt_set(struct vcpu *v, uint64_t base, unsigned entries)
{
    ldt_forget(v);
    v->ldt_base = base;
    v->ldt_entries = entries;
    ldt_load(v->window + LDT_WINDOW, entries);
}

int ldt_map_page(struct vcpu *v, unsigned page)
{
    uint64_t entry = guest_walk(v->kernel_root, v->ldt_base + page * PAGE_SIZE);
    mfn_t m = pte_mfn(entry);

    if (!entry || !mfn_is_ram(m) || !frame_get(frame_at(m), v->domain->id))
        return -XEN_EFAULT;
    int rc = page_type_get(frame_at(m), TYPE_DESCRIPTOR);
    frame_put(frame_at(m));
    if (rc)
        return rc;
    if (v->ldt_mapped & (1U << page)) {
        page_type_put(frame_at(m));
        return 0;
    }
    v->ldt_mapped |= 1U << page;
    set_entry(v, 16 + page, m.v << PAGE_SHIFT | WINDOW_GUEST_PAGE);
    return 0;
}

int ldt_map_selector(struct vcpu *v, uint16_t selector)
{
    uint64_t offset = selector & ~7UL;

    if (!(selector & 4) || offset >= v->ldt_entries * 8UL)
        return -XEN_EINVAL;
    return ldt_map_page(v, (unsigned)(offset / PAGE_SIZE));
}

void descriptor_tables_load(struct vcpu *v)
{
    set_entry(v, GDT_OUR_PAGE, gdt_reserved_page_entry(this_cpu()->id));
    gdt_load(v->window);
    ldt_load(v->window + LDT_WINDOW, v->ldt_entries);
}
