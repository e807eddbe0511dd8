/* SPDX-License-Identifier: MIT */
/*
 * What a guest finds about itself in the store, as Xen's own toolstack writes it.
 *
 * ABI: docs/misc/xenstore-paths of Xen
 */
#ifndef TOOLSTACK_GUEST_KEYS_H
#define TOOLSTACK_GUEST_KEYS_H

#include <xen/xen.h>
#include <xen/event_channel.h>

#include "toolstack/guests.h"

struct guest_rings {
    xen_pfn_t store_frame, console_frame;
    evtchn_port_t store_port, console_port;
};

/* All keys of a new guest, in one transaction. NULL, or the store's error. */
const char *guest_keys_write(const struct guest *guest, const struct guest_rings *rings);
const char *guest_keys_rename(const struct guest *guest);
void guest_keys_remove(const struct guest *guest);
/* One key of it: path is below /local/domain/<its id>/. */
const char *guest_key_write(const struct guest *guest, const char *path, const char *value);
const char *guest_key_write_number(const struct guest *guest, const char *path, uint64_t value);
/* dom0's own. */
void dom0_keys_write(void);

#endif
