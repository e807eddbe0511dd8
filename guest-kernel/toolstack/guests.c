/* SPDX-License-Identifier: MIT */
/*
 * Making guests, and ending them.
 */
#include "toolstack/guests.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "toolstack/build.h"
#include "toolstack/guest_keys.h"
#include "toolstack/port.h"

#define PAGES_PER_MIB 256u

/* What a guest may use of us unless its configuration says otherwise. */
#define DEFAULT_GRANT_FRAMES    64u
#define DEFAULT_MAPTRACK_FRAMES 1024u

#define BURIAL_LOOKS 100u
#define BURIAL_NS    2000000u

#define LOCK_NS 1000000u

static struct guest *guests;
static bool locked;

/* ---- finding ---- */

void guests_lock(void)
{
    while (locked)
        port_sleep_ns(LOCK_NS);
    locked = true;
}

void guests_unlock(void)
{
    locked = false;
}

struct guest *guest_next(struct guest *guest)
{
    return guest != NULL ? guest->next : guests;
}

struct guest *guest_of(domid_t domid)
{
    struct guest *guest = guests;

    while (guest != NULL && guest->domid != domid)
        guest = guest->next;
    return guest;
}

static struct guest *guest_named(const char *name)
{
    struct guest *guest = guests;

    while (guest != NULL && strcmp(guest->config.name, name) != 0)
        guest = guest->next;
    return guest;
}

struct guest *guest_find(const char *name)
{
    char *end;
    unsigned long domid = strtoul(name, &end, 10);

    if (*name >= '0' && *name <= '9' && *end == 0)
        return domid > 0 && domid < DOMID_FIRST_RESERVED ? guest_of((domid_t)domid) : NULL;
    return guest_named(name);
}

static void guest_add(struct guest *guest)
{
    struct guest **at = &guests;

    while (*at != NULL)
        at = &(*at)->next;
    *at = guest;
}

static void guest_remove(struct guest *guest)
{
    struct guest **at = &guests;

    while (*at != guest)
        at = &(*at)->next;
    *at = guest->next;
    free(guest);
}

/* ---- making ---- */

struct making {
    struct guest *guest;
    struct build_order order;
    struct build_result built;
    char *reason;
    size_t size;
};

static bool fail(struct making *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct making *m, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(m->reason, m->size, format, args);
    va_end(args);
    return false;
}

static bool find_file(struct making *m, const char *key, const char *name, const void **bytes, size_t *size)
{
    char names[256] = "";
    const char *each;
    size_t at = 0;

    if (port_file(name, bytes, size))
        return true;
    while ((each = port_file_next(&at)) != NULL)
        snprintf(names + strlen(names), sizeof(names) - strlen(names), " %s", each);
    return fail(m, "%s: there is no file '%s' in dom0's archive; it holds:%s", key, name,
                names[0] != 0 ? names : " nothing");
}

static bool find_files(struct making *m)
{
    const struct guest_config *c = &m->guest->config;

    if (!find_file(m, "kernel", c->kernel, &m->order.kernel, &m->order.kernel_size))
        return false;
    return c->ramdisk[0] == 0 ||
           find_file(m, "ramdisk", c->ramdisk, &m->order.ramdisk, &m->order.ramdisk_size);
}

static bool is_possible(struct making *m)
{
    const struct guest_config *c = &m->guest->config;
    struct xen_sysctl_physinfo info;

    if (guest_named(c->name) != NULL)
        return fail(m, "name: there is a guest called '%s' already, domain %u", c->name,
                    guest_named(c->name)->domid);
    for (struct guest *other = guests; other != NULL; other = other->next)
        if (c->uuid_given && memcmp(other->config.uuid, c->uuid, sizeof(c->uuid)) == 0)
            return fail(m, "uuid: '%s' has that one", other->config.name);
    if (c->disk.count > 0 || c->vif.count > 0)
        return fail(m, "%s: guests have no devices here yet but console and store",
                    c->disk.count > 0 ? "disk" : "vif");
    if (control_physinfo(&info) == 0 && info.free_pages < (uint64_t)c->memory_mib * PAGES_PER_MIB)
        return fail(m, "memory: %u MiB are wanted, %lu MiB are free", c->memory_mib,
                    info.free_pages / PAGES_PER_MIB);
    return find_files(m);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == CONFIG_DEFAULT ? otherwise : value;
}

static bool make_domain(struct making *m)
{
    struct guest_config *c = &m->guest->config;
    struct control_config config = {
        .nr_vcpus = c->maxvcpus,
        .max_ports = c->event_channels,
        .grant_frames = or_default(c->max_grant_frames, DEFAULT_GRANT_FRAMES),
        .maptrack_frames = or_default(c->max_maptrack_frames, DEFAULT_MAPTRACK_FRAMES),
    };
    long id;

    if (!c->uuid_given) {
        port_random(c->uuid, sizeof(c->uuid));
        c->uuid[6] = (uint8_t)((c->uuid[6] & 0x0f) | 0x40); /* version 4: random */
        c->uuid[8] = (uint8_t)((c->uuid[8] & 0x3f) | 0x80);
        c->uuid_given = true;
    }
    memcpy(config.handle, c->uuid, sizeof(config.handle));
    id = control_create(0, &config);
    if (id < 0)
        return fail(m, "the hypervisor made no domain: error %ld", id);
    m->guest->domid = (domid_t)id;
    return true;
}

static bool set_affinities(struct making *m)
{
    const struct guest_config *c = &m->guest->config;

    for (unsigned vcpu = 0; vcpu < c->maxvcpus; vcpu++) {
        long error = control_set_affinity(m->guest->domid, vcpu, c->cpus.cpus[vcpu], c->cpus_soft.cpus[vcpu]);

        if (error != 0)
            return fail(m, "cpus: vCPU %u cannot have the processors that are wanted: error %ld", vcpu, error);
    }
    return true;
}

static bool make_ports(struct making *m)
{
    long store = control_alloc_port(m->guest->domid), console = control_alloc_port(m->guest->domid);

    if (store < 0 || console < 0)
        return fail(m, "no event channel: error %ld", store < 0 ? store : console);
    m->order.store_port = (evtchn_port_t)store;
    m->order.console_port = (evtchn_port_t)console;
    return true;
}

static bool build(struct making *m)
{
    const struct guest_config *c = &m->guest->config;

    m->order.id = m->guest->domid;
    m->order.nr_pages = (uint64_t)c->memory_mib * PAGES_PER_MIB;
    m->order.max_pages = (uint64_t)c->maxmem_mib * PAGES_PER_MIB;
    m->order.cmdline = c->cmdline;
    return build_guest(&m->order, &m->built, m->reason, m->size);
}

static bool connect(struct making *m)
{
    const struct guest *guest = m->guest;
    struct guest_rings rings = { .store_frame = m->built.store_frame,
                                 .store_port = m->order.store_port,
                                 .console_frame = m->built.console_frame,
                                 .console_port = m->order.console_port };
    const char *error = guest_keys_write(guest, &rings);

    if (error != NULL)
        return fail(m, "the store: %s", error);
    if (!port_store_introduce(guest->domid, rings.store_frame, rings.store_port))
        return fail(m, "the store cannot reach its ring");
    if (!port_console_connect(guest->domid, guest->config.name, rings.console_port))
        return fail(m, "its console cannot be reached");
    return true;
}

/* All that leads to it goes first: what dom0 maps of it would keep it. It is paused so that it says nothing more; that it
 * is so already, or dead, is no error here. False: others map pages of it. */
static bool unmake(const struct guest *guest)
{
    struct xen_domctl_getdomaininfo info;

    control_pause(guest->domid);
    port_console_disconnect(guest->domid);
    port_store_release(guest->domid);
    guest_keys_remove(guest);
    control_destroy(guest->domid);
    /* It is buried soon, unless somebody else maps pages of it: they are not waited for. */
    for (unsigned i = 0; i < BURIAL_LOOKS; i++) {
        if (control_info(guest->domid, &info) != 0)
            return true;
        port_sleep_ns(BURIAL_NS);
    }
    return false;
}

struct guest *guest_create(const struct guest_config *config, bool paused, char *reason, size_t size)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    struct making m = { .guest = guest, .reason = reason, .size = size };

    if (guest == NULL) {
        fail(&m, "dom0 has no memory left");
        return NULL;
    }
    guest->config = *config;
    guest->started_s = port_wallclock_s();
    if (!is_possible(&m) || !make_domain(&m)) {
        free(guest);
        return NULL;
    }
    if (!set_affinities(&m) || !make_ports(&m) || !build(&m) || !connect(&m)) {
        unmake(guest);
        free(guest);
        return NULL;
    }
    guest_add(guest);
    guest->started_ns = port_clock_ns();
    if (!paused)
        control_unpause(guest->domid);
    return guest;
}

bool guest_destroy(struct guest *guest)
{
    bool buried = unmake(guest);

    guest_remove(guest);
    return buried;
}

/* The name in the store is for others to see: the record's is the one that counts. */
bool guest_rename(struct guest *guest, const char *name)
{
    if (guest_named(name) != NULL)
        return false;
    strncpy(guest->config.name, name, sizeof(guest->config.name) - 1);
    port_console_rename(guest->domid, guest->config.name);
    if (guest_keys_rename(guest) != NULL)
        port_log("the store does not take a guest's new name");
    return true;
}

void uuid_print(char *to, const uint8_t *uuid)
{
    for (unsigned i = 0; i < 16; i++)
        to += sprintf(to, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}
