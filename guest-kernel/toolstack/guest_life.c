/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a guest that ended, and asking one to end.
 *
 * ABI: SHUTDOWN_* , <xen/sched.h>; XEN_DOMINF_shutdown, <xen/domctl.h>; control/shutdown in the store
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "toolstack/guest_keys.h"
#include "toolstack/guests.h"
#include "toolstack/port.h"
#include "toolstack/post_mortem.h"

#include <xen/sched.h>

/* A guest that ends soon after its start is made again later and later, so that it does not keep dom0 busy. */
#define SOON_NS     10000000000ULL
#define PAUSE_NS    1000000000ULL
#define DOUBLED_MAX 6u

/* Predecessors that others do not let go of: more of them would use up the hypervisor's domains. */
#define UNBURIED_MAX 4u

#define TRIES_MAX 8u /* to make one again, when there is no room for it */

static enum config_action action_for(const struct guest_config *c, unsigned reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        return c->on_poweroff;
    case SHUTDOWN_reboot:
        return c->on_reboot;
    case SHUTDOWN_watchdog:
        return c->on_watchdog;
    case SHUTDOWN_suspend: /* nobody here asked for it */
        return CONFIG_PRESERVE;
    }
    return c->on_crash;
}

static const char *reason_name(unsigned reason)
{
    static const char *const names[] = {
        [SHUTDOWN_poweroff] = "powered off", [SHUTDOWN_reboot] = "wants to reboot",
        [SHUTDOWN_suspend] = "suspended",    [SHUTDOWN_crash] = "crashed",
        [SHUTDOWN_watchdog] = "let its watchdog bite",
    };

    return reason < sizeof(names) / sizeof(names[0]) && names[reason] != NULL ? names[reason] : "stopped";
}

static void say(const struct guest *guest, const char *what)
{
    char line[192];

    snprintf(line, sizeof(line), "%s (domain %u) %s", guest->config.name, guest->domid, what);
    port_log(line);
}

/* ---- making again ---- */

/* What the next one inherits, and is to become. One at a time: guests_lock is held. */
struct heir {
    struct heir *next;
    struct guest_config config;
    unsigned nr_restarts, nr_quick, nr_unburied;
    unsigned nr_tries;
    uint64_t due_ns;
};

static struct heir *heirs; /* those that there was no room for */

static uint64_t pause_of(unsigned times)
{
    return PAUSE_NS << (times < DOUBLED_MAX ? times : DOUBLED_MAX);
}

static void say_of(const struct heir *heir, const char *what)
{
    char line[384];

    snprintf(line, sizeof(line), "%s is not made again: %s", heir->config.name, what);
    port_log(line);
}

/* True: it is there, or nobody tries any more. */
static bool make_again(struct heir *heir)
{
    char reason[256];
    struct guest *guest = guest_create(&heir->config, false, reason, sizeof(reason));

    if (guest != NULL) {
        guest->nr_restarts = heir->nr_restarts;
        guest->nr_quick = heir->nr_quick;
        guest->nr_unburied = heir->nr_unburied;
        return true;
    }
    say_of(heir, reason);
    heir->due_ns = port_clock_ns() + pause_of(heir->nr_tries);
    return ++heir->nr_tries == TRIES_MAX;
}

static void make_or_keep(struct heir *heir)
{
    if (heir->nr_unburied > UNBURIED_MAX) {
        say_of(heir, "others keep pages of its predecessors");
        free(heir);
    } else if (make_again(heir)) {
        free(heir);
    } else {
        heir->next = heirs;
        heirs = heir;
    }
}

/* True: one whose time had come was tried. */
static bool try_heirs(uint64_t *later)
{
    for (struct heir **at = &heirs; *at != NULL; at = &(*at)->next) {
        struct heir *heir = *at;

        if (port_clock_ns() >= heir->due_ns) {
            *at = heir->next;
            make_or_keep(heir);
            return true;
        }
        if (*later == 0 || heir->due_ns < *later)
            *later = heir->due_ns;
    }
    return false;
}

static struct heir *heir_of(const struct guest *guest)
{
    struct heir *heir = calloc(1, sizeof(*heir));

    if (heir == NULL)
        return NULL;
    heir->config = guest->config;
    heir->nr_restarts = guest->nr_restarts + 1;
    heir->nr_quick = port_clock_ns() - guest->started_ns < SOON_NS ? guest->nr_quick + 1 : 0;
    heir->nr_unburied = guest->nr_unburied;
    return heir;
}

static void restart(struct guest *guest)
{
    struct heir *heir = heir_of(guest);

    if (heir == NULL) { /* better kept than lost */
        guest->ended = true;
        return;
    }
    heir->nr_unburied += !guest_destroy(guest);
    make_or_keep(heir);
}

/* The old one stays, by another name, for somebody to look at it. */
static void rename_and_restart(struct guest *guest)
{
    struct heir *heir = heir_of(guest);
    char name[sizeof(guest->config.name)];

    guest->ended = true;
    for (unsigned i = 1; heir != NULL && i < 1000; i++) {
        snprintf(name, sizeof(name), "%.56s-%u", heir->config.name, i);
        if (guest_rename(guest, name))
            break;
    }
    if (heir == NULL)
        return;
    heir->config.uuid_given = false; /* the old one still has it */
    make_or_keep(heir);
}

/* ---- looking ---- */

static void act(struct guest *guest, enum config_action action)
{
    switch (action) {
    case CONFIG_PRESERVE:
        guest->ended = true;
        break;
    case CONFIG_DESTROY:
        guest_destroy(guest);
        break;
    case CONFIG_RESTART:
        restart(guest);
        break;
    case CONFIG_RENAME_RESTART:
        rename_and_restart(guest);
        break;
    }
}

static void log_line(void *context, const char *line)
{
    (void)context;
    port_log(line);
}

/* True: it was acted on. LATER becomes the time for another look, if that is to come first. */
static bool look_at(struct guest *guest, uint64_t *later)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t ripe = guest->started_ns + pause_of(guest->nr_quick);
    enum config_action action;
    unsigned reason;

    if (guest->ended || control_info(guest->domid, &info) != 0 || !(info.flags & XEN_DOMINF_shutdown))
        return false;
    reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    action = action_for(&guest->config, reason);
    if ((action == CONFIG_RESTART || action == CONFIG_RENAME_RESTART) && port_clock_ns() < ripe) {
        if (*later == 0 || ripe < *later)
            *later = ripe;
        return false;
    }
    say(guest, reason_name(reason));
    if (reason == SHUTDOWN_crash)
        post_mortem(guest, log_line, NULL);
    act(guest, action);
    return true;
}

/* One that is acted on changes the list: the next look begins anew. */
uint64_t guests_look(void)
{
    uint64_t later = 0;
    struct guest *guest;

    guests_lock();
    guest = guest_next(NULL);
    while (guest != NULL && !look_at(guest, &later))
        guest = guest_next(guest);
    if (guest != NULL || try_heirs(&later))
        later = port_clock_ns();
    guests_unlock();
    return later;
}

const char *guest_ask(const struct guest *guest, const char *what)
{
    return guest_key_write(guest, "control/shutdown", what);
}

void guests_start(void)
{
    dom0_keys_write();
}
