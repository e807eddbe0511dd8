/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a guest that ended, and asking one to end.
 *
 * ABI: SHUTDOWN_* , <xen/sched.h>; XEN_DOMINF_shutdown, <xen/domctl.h>; control/shutdown in the store
 */
#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "toolstack/guest_keys.h"
#include "toolstack/guests.h"
#include "toolstack/port.h"

#include <xen/sched.h>

/* A guest that ends at once is not made again before it is so old: else it would keep dom0 busy. */
#define AGE_MIN_NS 1000000000ULL

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

static void make_again(const struct guest_config *config, unsigned nr_restarts)
{
    char reason[256], line[384];
    struct guest *again = guest_create(config, false, reason, sizeof(reason));

    if (again != NULL) {
        again->nr_restarts = nr_restarts;
        return;
    }
    snprintf(line, sizeof(line), "%s cannot be made again: %s", config->name, reason);
    port_log(line);
}

/* The old one stays, by another name, for somebody to look at it. */
static void rename_and_make_again(struct guest *guest)
{
    static struct guest_config config; /* too large for a stack; guests_lock is held */
    unsigned nr_restarts = guest->nr_restarts + 1;
    char name[sizeof(config.name)];

    config = guest->config;
    for (unsigned i = 1; i < 1000; i++) {
        snprintf(name, sizeof(name), "%.56s-%u", config.name, i);
        if (guest_rename(guest, name))
            break;
    }
    guest->ended = true;
    config.uuid_given = false; /* the old one still has it */
    make_again(&config, nr_restarts);
}

static void act(struct guest *guest, enum config_action action)
{
    static struct guest_config config; /* as above */
    unsigned nr_restarts = guest->nr_restarts + 1;

    config = guest->config;
    switch (action) {
    case CONFIG_PRESERVE:
        guest->ended = true;
        break;
    case CONFIG_DESTROY:
        guest_destroy(guest);
        break;
    case CONFIG_RESTART:
        guest_destroy(guest);
        make_again(&config, nr_restarts);
        break;
    case CONFIG_RENAME_RESTART:
        rename_and_make_again(guest);
        break;
    }
}

/* True: it was acted on. LATER becomes the time for another look, if that is to come first. */
static bool look_at(struct guest *guest, uint64_t *later)
{
    struct xen_domctl_getdomaininfo info;
    uint64_t ripe = guest->started_ns + AGE_MIN_NS;
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
    act(guest, action);
    return true;
}

/* Each that is acted on changes the list: begin again after it. */
uint64_t guests_look(void)
{
    struct guest *guest;
    uint64_t later;

    guests_lock();
    do {
        later = 0;
        guest = guest_next(NULL);
        while (guest != NULL && !look_at(guest, &later))
            guest = guest_next(guest);
    } while (guest != NULL);
    guests_unlock();
    return later;
}

void guest_ask(const struct guest *guest, const char *what)
{
    guest_key_write(guest, "control/shutdown", what);
}

void guests_start(void)
{
    dom0_keys_write();
}
