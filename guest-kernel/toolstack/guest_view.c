/* SPDX-License-Identifier: MIT */
#include "toolstack/guest_view.h"

#include <string.h>

#include "control/control.h"

#define LEVELS       4u
#define PRESENT      1u
#define FRAME_BITS   0x000ffffffffff000UL
#define ENTRY_BITS   9u
#define NOT_SHOWN    (~0UL)

void guest_view_open(struct guest_view *view, domid_t domid, uint64_t root)
{
    view->domid = domid;
    view->root = root;
    view->shown = NOT_SHOWN;
}

/* SIZE bytes at OFFSET of a frame. */
static bool read_frame(domid_t domid, xen_pfn_t frame, size_t offset, void *to, size_t size)
{
    uint8_t *page = control_map(domid, &frame, 1, false);

    if (page == NULL)
        return false;
    memcpy(to, page + offset, size);
    control_unmap(page, 1);
    return true;
}

static bool show(struct guest_view *view, uint64_t address)
{
    uint64_t frame = view->root, entry;

    if (view->shown == address)
        return true;
    view->shown = NOT_SHOWN;
    for (unsigned level = LEVELS; level > 0; level--) {
        size_t index = address >> (12 + ENTRY_BITS * (level - 1)) & ((1u << ENTRY_BITS) - 1);
        if (!read_frame(view->domid, frame, index * sizeof(entry), &entry, sizeof(entry)) || !(entry & PRESENT))
            return false;
        frame = (entry & FRAME_BITS) / GUEST_PAGE;
    }
    if (!read_frame(view->domid, frame, 0, view->bytes, GUEST_PAGE))
        return false;
    view->shown = address;
    return true;
}

bool guest_view_read(struct guest_view *view, uint64_t address, void *to, size_t size)
{
    for (size_t done = 0, n; done < size; done += n) {
        uint64_t at = address + done;
        size_t offset = at % GUEST_PAGE;

        n = size - done < GUEST_PAGE - offset ? size - done : GUEST_PAGE - offset;
        if (!show(view, at - offset))
            return false;
        memcpy((uint8_t *)to + done, view->bytes + offset, n);
    }
    return true;
}
