/* SPDX-License-Identifier: MIT */
/*
 * The guests that this toolstack made: what each was made of, and what becomes of it when it ends.
 *
 * One command at a time changes them: who does holds guests_lock, which may wait for another's end.
 */
#ifndef TOOLSTACK_GUESTS_H
#define TOOLSTACK_GUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include "toolstack/config.h"
#include "toolstack/session.h"

struct guest {
    struct guest *next; /* in the order of their making */
    domid_t domid;
    bool ended;         /* it shut down, that was seen to, and it stays for somebody to look at it */
    unsigned nr_restarts;
    unsigned nr_quick;    /* how often, one after the other, it or its predecessors ended soon */
    unsigned nr_unburied; /* predecessors of which others still map pages */
    uint64_t started_s;   /* since 1970 */
    uint64_t started_ns;  /* when it first ran; port_clock_ns */
    struct guest_config config;
};

/* dom0's own entries of the store. */
void guests_start(void);

void guests_lock(void);
void guests_unlock(void);

/* The next of a guest; NULL begins, and NULL ends. */
struct guest *guest_next(struct guest *guest);
/* By name, or by number. NULL: there is none. */
struct guest *guest_find(const char *name_or_domid);
struct guest *guest_of(domid_t domid);

/* Makes one, and lets it run unless paused. Returns it, or NULL, with the reason in words and nothing left of it. */
struct guest *guest_create(const struct guest_config *config, bool paused, char *reason, size_t size);
/* False: others map pages of it, and until they let go the hypervisor keeps it as a dying domain. */
bool guest_destroy(struct guest *guest);
/* False: the new name is taken or cannot be one. */
bool guest_rename(struct guest *guest, const char *name);
/* Asks it by the store (control/shutdown): "poweroff", "reboot". NULL, or the store's error. */
const char *guest_ask(const struct guest *guest, const char *what);

/* Something may have ended: does with one guest that did what its configuration says. Returns when to look again
 * (port_clock_ns) if nothing happens before; 0: there is no need. Others are to have their turn between two looks. */
uint64_t guests_look(void);

/* A UUID as text; to has room for 37 characters. */
void uuid_print(char *to, const uint8_t *uuid);

#endif
