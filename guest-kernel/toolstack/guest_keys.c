/* SPDX-License-Identifier: MIT */
/*
 * A guest's keys in the store.
 *
 * What is dom0's to say the guest may read; where the guest says something, the node is its own.
 */
#include "toolstack/guest_keys.h"

#include <stdio.h>
#include <string.h>

#include "toolstack/port.h"
#include "xs/xs.h"

#define PATH_SIZE 128
#define TRIES     32

enum owner { OURS, ITS };

/* Begun by guest_keys_write; the first error stays. */
struct keys {
    const struct guest *guest;
    struct xs *xs;
    const char *error;
};

static void set_owner(struct keys *k, const char *path, enum owner owner)
{
    char list[24];
    unsigned domid = k->guest->domid;

    if (owner == ITS)
        snprintf(list, sizeof(list), "n%u", domid);
    else
        snprintf(list, sizeof(list), "n0 r%u", domid);
    if (k->error == NULL)
        k->error = xs_set_permissions(k->xs, path, list);
}

static void put_at(struct keys *k, const char *path, const char *value, enum owner owner)
{
    if (k->error == NULL)
        k->error = xs_write(k->xs, path, value);
    set_owner(k, path, owner);
}

static void put(struct keys *k, const char *key, const char *value, enum owner owner)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", k->guest->domid, key);
    put_at(k, path, value, owner);
}

static void put_number(struct keys *k, const char *key, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%lu", number);
    put(k, key, text, OURS);
}

static void vm_path(const struct guest *guest, const char *key, char *path)
{
    char uuid[37];

    uuid_print(uuid, guest->config.uuid);
    snprintf(path, PATH_SIZE, "/vm/%s%s", uuid, key);
}

static void put_vm(struct keys *k)
{
    const struct guest_config *c = &k->guest->config;
    char path[PATH_SIZE], value[40];

    vm_path(k->guest, "", path);
    put_at(k, path, "", OURS);
    put(k, "vm", path, OURS);
    vm_path(k->guest, "/uuid", path);
    uuid_print(value, c->uuid);
    put_at(k, path, value, OURS);
    vm_path(k->guest, "/name", path);
    put_at(k, path, c->name, OURS);
    vm_path(k->guest, "/start_time", path);
    snprintf(value, sizeof(value), "%lu.00", k->guest->started_s);
    put_at(k, path, value, OURS);
}

static void put_cpus(struct keys *k)
{
    char key[40];

    put(k, "cpu", "", OURS);
    for (unsigned i = 0; i < k->guest->config.maxvcpus; i++) {
        snprintf(key, sizeof(key), "cpu/%u", i);
        put(k, key, "", OURS);
        snprintf(key, sizeof(key), "cpu/%u/availability", i);
        put(k, key, i < k->guest->config.vcpus ? "online" : "offline", OURS);
    }
}

static void put_memory(struct keys *k)
{
    const struct guest_config *c = &k->guest->config;

    put(k, "memory", "", OURS);
    put_number(k, "memory/static-max", (uint64_t)c->maxmem_mib * 1024);
    put_number(k, "memory/target", (uint64_t)c->memory_mib * 1024);
    put_number(k, "memory/videoram", 0);
}

static void put_rings(struct keys *k, const struct guest_rings *rings)
{
    put(k, "store", "", OURS);
    put_number(k, "store/port", rings->store_port);
    put_number(k, "store/ring-ref", rings->store_frame);
    put(k, "console", "", OURS);
    put(k, "console/backend-id", "0", OURS);
    put(k, "console/type", "xenconsoled", OURS);
    put(k, "console/output", "pty", OURS);
    put(k, "console/limit", "65536", OURS);
    put(k, "console/tty", "", OURS);
    put_number(k, "console/port", rings->console_port);
    put_number(k, "console/ring-ref", rings->console_frame);
}

/* Requests to the guest, which it acknowledges by emptying them; and what it says it can do. */
static void put_control(struct keys *k)
{
    static const char *const its[] = {
        "control/shutdown",         "control/feature-poweroff",
        "control/feature-reboot",   "control/feature-suspend",
        "control/feature-halt",     "control/sysrq",
        "data",                     "drivers",
        "feature",                  "attr",
        "error",                    "device/suspend",
        "device/suspend/event-channel",
    };

    put(k, "control", "", OURS);
    put(k, "control/platform-feature-multiprocessor-suspend", "1", OURS);
    put(k, "control/platform-feature-xs_reset_watches", "1", OURS);
    put(k, "device", "", OURS);
    for (unsigned i = 0; i < sizeof(its) / sizeof(its[0]); i++)
        put(k, its[i], "", ITS);
}

static void put_all(struct keys *k, const struct guest_rings *rings)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/local/domain/%u", k->guest->domid);
    put_at(k, path, "", OURS);
    put(k, "name", k->guest->config.name, OURS);
    put_number(k, "domid", k->guest->domid);
    put_vm(k);
    put_memory(k);
    put_cpus(k);
    put_rings(k, rings);
    put_control(k);
}

const char *guest_keys_write(const struct guest *guest, const struct guest_rings *rings)
{
    struct keys k = { .guest = guest, .xs = port_xs() };

    for (unsigned i = 0; i < TRIES; i++) {
        const char *end;

        k.error = xs_begin(k.xs);
        if (k.error != NULL)
            return k.error;
        put_all(&k, rings);
        if (k.error != NULL) {
            char kept[sizeof(k.xs->error)];

            strcpy(kept, k.error);
            xs_end(k.xs, false);
            return strcpy(k.xs->error, kept);
        }
        end = xs_end(k.xs, true);
        if (end == NULL || strcmp(end, "EAGAIN") != 0)
            return end;
    }
    return "EAGAIN";
}

const char *guest_key_write(const struct guest *guest, const char *key, const char *value)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", guest->domid, key);
    return xs_write(port_xs(), path, value);
}

const char *guest_key_write_number(const struct guest *guest, const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lu", value);
    return guest_key_write(guest, key, text);
}

const char *guest_keys_rename(const struct guest *guest)
{
    char path[PATH_SIZE];
    const char *error = guest_key_write(guest, "name", guest->config.name);

    vm_path(guest, "/name", path);
    return error != NULL ? error : xs_write(port_xs(), path, guest->config.name);
}

void guest_keys_remove(const struct guest *guest)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "/local/domain/%u", guest->domid);
    port_store_remove(path);
    vm_path(guest, "", path);
    port_store_remove(path);
}

void dom0_keys_write(void)
{
    struct xs *xs = port_xs();

    xs_write(xs, "/local/domain/0/name", "Domain-0");
    xs_write(xs, "/local/domain/0/domid", "0");
    xs_mkdir(xs, "/vm");
    xs_mkdir(xs, "/tool");
}
