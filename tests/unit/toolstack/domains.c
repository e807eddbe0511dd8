/* SPDX-License-Identifier: MIT */
#include "domains.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/errno.h>

#define PAGE    4096UL
#define RUBBISH 0xa5
#define EXTENT  512UL

struct mapping {
    struct mapping *next;
    void *address;
    unsigned count;
    bool write;
    xen_pfn_t frames[];
};

struct made_up domain;

static uint8_t *memory;
static bool touched[FRAMES_MAX];
static uint64_t names[FRAMES_MAX];
static uint64_t next_extent, next_single; /* extents from below, single pages from above: never in order */
static struct mapping *mappings;

void domains_start(void)
{
    memory = mmap(NULL, FRAMES_MAX * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    memset(names, 0xff, sizeof(names));
    next_extent = 0;
    next_single = FRAMES_MAX - 2;
    domain = (struct made_up){ .frames_left = FRAMES_MAX - 1024,
                               .shared_info = FRAME_FIRST + FRAMES_MAX - 1,
                               .grants = FRAME_FIRST + FRAMES_MAX - 2,
                               .stubs = FRAME_NOBODY,
                               .root = FRAME_NOBODY };
    memset(frame_memory(domain.shared_info), 0, PAGE);
    memset(frame_memory(domain.grants), 0, PAGE);
}

static uint64_t number(xen_pfn_t frame)
{
    REQUIRE(frame - FRAME_FIRST < FRAMES_MAX, "there is no frame %lx", frame);
    return frame - FRAME_FIRST;
}

void *frame_memory(xen_pfn_t frame)
{
    uint64_t n = number(frame);

    if (!touched[n])
        memset(memory + n * PAGE, RUBBISH, PAGE);
    touched[n] = true;
    return memory + n * PAGE;
}

uint64_t frame_name(xen_pfn_t frame)
{
    return names[number(frame)];
}

static bool refused(domid_t id, const char *name)
{
    ck_assert_uint_eq(id, DOMAIN_ID);
    if (++domain.calls != domain.fails_at)
        return false;
    domain.refused = name;
    return true;
}

/* --- Memory --- */

static xen_pfn_t give(uint64_t first, uint64_t count, uint64_t pfn)
{
    for (uint64_t i = 0; i < count; i++)
        names[first + i] = pfn + i;
    domain.nr_frames += count;
    domain.frames_left -= count;
    return FRAME_FIRST + first;
}

long control_populate_extents(domid_t id, unsigned order, unsigned count, xen_pfn_t *extents)
{
    ck_assert_uint_eq(1UL << order, EXTENT);
    if (refused(id, "extents") || domain.no_extents)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        if (domain.frames_left < EXTENT)
            return i;
        extents[i] = give(next_extent, EXTENT, extents[i]);
        next_extent += EXTENT;
    }
    return count;
}

long control_populate(domid_t id, uint64_t pfn, unsigned count, xen_pfn_t *frames)
{
    if (refused(id, "pages"))
        return count - 1;
    for (unsigned i = 0; i < count; i++) {
        if (!domain.frames_left)
            return i;
        frames[i] = give(--next_single, 1, pfn + i);
    }
    return count;
}

long control_claim(domid_t id, uint64_t nr_pages)
{
    if (nr_pages && refused(id, "claim"))
        return -XEN_EPERM;
    if (nr_pages > domain.frames_left)
        return -XEN_ENOMEM;
    domain.claimed = nr_pages;
    return 0;
}

long control_max_mem(domid_t id, uint64_t kib)
{
    if (refused(id, "max_mem"))
        return -XEN_EPERM;
    domain.max_mem_kib = kib;
    return 0;
}

long control_set_memory_map(domid_t id, uint64_t size_bytes)
{
    if (refused(id, "memory map"))
        return -XEN_EPERM;
    domain.map_bytes = size_bytes;
    return 0;
}

/* --- Mapping --- */

static bool may_map(xen_pfn_t frame)
{
    return frame == domain.shared_info || frame == domain.grants || frame_name(frame) != FRAME_NOBODY;
}

void *control_map(domid_t id, const xen_pfn_t *frames, unsigned count, bool write)
{
    struct mapping *m;

    if (refused(id, "map"))
        return NULL;
    m = malloc(sizeof(*m) + count * sizeof(*frames));
    *m = (struct mapping){ mappings, aligned_alloc(PAGE, count * PAGE), count, write };
    memcpy(m->frames, frames, count * sizeof(*frames));
    for (unsigned i = 0; i < count; i++) {
        REQUIRE(may_map(frames[i]), "frame %lx is not the domain's", frames[i]);
        memcpy((uint8_t *)m->address + i * PAGE, frame_memory(frames[i]), PAGE);
    }
    mappings = m;
    domain.nr_mapped += count;
    domain.nr_maps++;
    return m->address;
}

void control_unmap(void *address, unsigned count)
{
    struct mapping **at = &mappings;

    while (*at && (*at)->address != address)
        at = &(*at)->next;
    struct mapping *m = *at;
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->count, count);
    for (unsigned i = 0; m->write && i < count; i++)
        memcpy(frame_memory(m->frames[i]), (uint8_t *)address + i * PAGE, PAGE);
    domain.nr_mapped -= count;
    *at = m->next;
    free(address);
    free(m);
}

/* --- The rest --- */

long control_info(domid_t id, struct xen_domctl_getdomaininfo *info)
{
    if (refused(id, "info"))
        return -XEN_ESRCH;
    *info = (struct xen_domctl_getdomaininfo){ .domain = id, .shared_info_frame = domain.shared_info };
    return 0;
}

long control_grant_frames(domid_t id, unsigned first, unsigned count, xen_pfn_t *frames)
{
    if (refused(id, "grant frames"))
        return -XEN_EINVAL;
    ck_assert(first == 0 && count == 1);
    *frames = domain.grants;
    return 0;
}

long control_hypercall_page(domid_t id, uint64_t frame)
{
    if (refused(id, "stubs"))
        return -XEN_EACCES;
    ck_assert_uint_eq(domain.nr_mapped, 0); /* or unmapping would undo it, here */
    memset(frame_memory(frame), 0xcc, PAGE);
    domain.stubs = frame;
    return 0;
}

long control_pin_root(domid_t id, uint64_t frame)
{
    if (refused(id, "pin"))
        return -XEN_EINVAL;
    ck_assert_uint_eq(domain.nr_mapped, 0); /* what can be written cannot be a table */
    domain.root = frame;
    return 0;
}

long control_set_context(domid_t id, unsigned vcpu, struct vcpu_guest_context *context)
{
    if (refused(id, "context"))
        return -XEN_EINVAL;
    ck_assert_uint_eq(vcpu, 0);
    ck_assert_uint_eq(domain.nr_mapped, 0);
    domain.context = *context;
    domain.has_context = true;
    return 0;
}
