/* SPDX-License-Identifier: MIT */
#include "toolstack/config_keys.h"
#include <string.h>
#include "toolstack/config_values.h"

#define MEMBER(name)                                                                               \
    offsetof(struct guest_config, name), sizeof(((struct guest_config *)NULL)->name)
#define NO_DUMPS       "no core dumps are written here"
#define WITHOUT_EFFECT config_set_nothing, 0, 0
#define REFUSED        config_set_never, 0, 0, 0, 0

static const struct config_choice actions[] = {
    { "destroy", CONFIG_DESTROY, NULL },
    { "restart", CONFIG_RESTART, NULL },
    { "rename-restart", CONFIG_RENAME_RESTART, NULL },
    { "preserve", CONFIG_PRESERVE, NULL },
    { "coredump-destroy", 0, NO_DUMPS },
    { "coredump-restart", 0, NO_DUMPS },
    { "soft-reset", 0, "a guest cannot be reset and go on here" },
    { NULL, 0, NULL },
};
#define ACTION "destroy, restart, rename-restart or preserve"

static const struct config_choice types[] = {
    { "pv", 0, NULL },
    { "pvh", 0, "only paravirtualized guests (pv) run here" },
    { "hvm", 0, "only paravirtualized guests (pv) run here" },
    { NULL, 0, NULL },
};

static const struct config_choice builders[] = {
    { "generic", 0, NULL },
    { "hvm", 0, "only paravirtualized guests (generic) run here" },
    { NULL, 0, NULL },
};

const struct config_key config_keys[] = {
    /* What a guest is. */
    { "name", config_set_name, MEMBER(name), 1, 0, "a name" },
    { "type", config_set_choice, 0, 0, 0, 0, "\"pv\"", types },
    { "builder", config_set_choice, 0, 0, 0, 0, "\"generic\"", builders },
    { "uuid", config_set_uuid, MEMBER(uuid), 0, 0,
      "a UUID such as 01234567-89ab-cdef-0123-456789abcdef" },
    { "kernel", config_set_text, MEMBER(kernel), 1, 0, "a file's name" },
    { "ramdisk", config_set_text, MEMBER(ramdisk), 0, 0, "a file's name" },
    { "cmdline", config_set_text, MEMBER(cmdline), 0, 0, "the kernel's words" },
    { "root", config_set_text, MEMBER(root), 0, 0, "a device's name" },
    { "extra", config_set_text, MEMBER(extra), 0, 0, "the kernel's words" },
    { "memory", config_set_number, MEMBER(memory_mib), 1, 1U << 20, "a whole number of MiB" },
    { "maxmem", config_set_number, MEMBER(maxmem_mib), 1, 1U << 20, "a whole number of MiB" },
    { "vcpus", config_set_number, MEMBER(vcpus), 1, CONFIG_VCPUS, "a whole number" },
    { "maxvcpus", config_set_number, MEMBER(maxvcpus), 1, CONFIG_VCPUS, "a whole number" },
    { "cpus", config_set_affinity, MEMBER(cpus), 0, 0,
      "a list of processors such as \"0-3,^2\" or \"all\"" },
    { "cpus_soft", config_set_affinity, MEMBER(cpus_soft), 0, 0,
      "a list of processors such as \"0-3,^2\" or \"all\"" },
    { "on_poweroff", config_set_choice, MEMBER(on_poweroff), 0, 0, ACTION, actions },
    { "on_reboot", config_set_choice, MEMBER(on_reboot), 0, 0, ACTION, actions },
    { "on_crash", config_set_choice, MEMBER(on_crash), 0, 0, ACTION, actions },
    { "on_watchdog", config_set_choice, MEMBER(on_watchdog), 0, 0, ACTION, actions },
    { "max_grant_frames", config_set_number, MEMBER(max_grant_frames), 1, 64, "a whole number" },
    { "max_maptrack_frames", config_set_number, MEMBER(max_maptrack_frames), 0, 1024,
      "a whole number" },
    { "event_channels", config_set_number, MEMBER(event_channels), 1, 4095, "a whole number" },
    { "disk", config_set_devices, MEMBER(disk), 0, 0, "a list such as [ \"...\", \"...\" ]" },
    { "vif", config_set_devices, MEMBER(vif), 0, 0, "a list such as [ \"...\", \"...\" ]" },

    /* Its guest would wait for what never comes, or have what it should not. */
    { "bootloader", REFUSED,
      "no program looks for kernels on disks here: give kernel, and ramdisk if need be" },
    { "pci", REFUSED, "no device of the machine can be handed to a guest here" },
    { "usbdev", REFUSED, "no device of the machine can be handed to a guest here" },
    { "iomem", REFUSED, "no device of the machine can be handed to a guest here" },
    { "ioports", REFUSED, "no device of the machine can be handed to a guest here" },
    { "irqs", REFUSED, "no device of the machine can be handed to a guest here" },
    { "vscsi", REFUSED, "there is no back end for it: give disk" },
    { "p9", REFUSED, "there is no back end for it" },
    { "vtpm", REFUSED, "there is no back end for it" },
    { "pvh", REFUSED, "only paravirtualized guests run here; type = \"pv\" says so" },
    { "firmware", REFUSED, "paravirtualized guests have none: give kernel" },

    /* What is scheduled, and where it lies. */
    { "cpu_weight", WITHOUT_EFFECT },
    { "cap", WITHOUT_EFFECT },
    { "pool", WITHOUT_EFFECT },
    { "period", WITHOUT_EFFECT },
    { "slice", WITHOUT_EFFECT },
    { "budget", WITHOUT_EFFECT },
    { "latency", WITHOUT_EFFECT },
    { "extratime", WITHOUT_EFFECT },
    { "vnuma", WITHOUT_EFFECT },
    { "nomigrate", WITHOUT_EFFECT },
    { "suspend_cancel", WITHOUT_EFFECT },

    /* What it would see of a machine. */
    { "localtime", WITHOUT_EFFECT },
    { "rtc_timeoffset", WITHOUT_EFFECT },
    { "tsc_mode", WITHOUT_EFFECT },
    { "timer_mode", WITHOUT_EFFECT },
    { "cpuid", WITHOUT_EFFECT },
    { "e820_host", WITHOUT_EFFECT },
    { "nestedhvm", WITHOUT_EFFECT },
    { "altp2m", WITHOUT_EFFECT },
    { "hap", WITHOUT_EFFECT },
    { "shadow_memory", WITHOUT_EFFECT },
    { "pae", WITHOUT_EFFECT },
    { "acpi", WITHOUT_EFFECT },
    { "apic", WITHOUT_EFFECT },
    { "nx", WITHOUT_EFFECT },
    { "hpet", WITHOUT_EFFECT },
    { "viridian", WITHOUT_EFFECT },
    { "bios", WITHOUT_EFFECT },
    { "boot", WITHOUT_EFFECT },
    { "on_soft_reset", WITHOUT_EFFECT },
    { "xen_platform_pci", WITHOUT_EFFECT },
    { "passthrough", WITHOUT_EFFECT },
    { "bootloader_args", WITHOUT_EFFECT },
    { "seclabel", WITHOUT_EFFECT },
    { "init_seclabel", WITHOUT_EFFECT },
    { "device_model_version", WITHOUT_EFFECT },
    { "device_model_override", WITHOUT_EFFECT },
    { "device_model_args", WITHOUT_EFFECT },
    { "device_model_stubdomain_override", WITHOUT_EFFECT },

    /* Screens, sounds and the like; guests here have a console. */
    { "nics", WITHOUT_EFFECT },
    { "vfb", WITHOUT_EFFECT },
    { "vkb", WITHOUT_EFFECT },
    { "vsnd", WITHOUT_EFFECT },
    { "vdispl", WITHOUT_EFFECT },
    { "vga", WITHOUT_EFFECT },
    { "stdvga", WITHOUT_EFFECT },
    { "videoram", WITHOUT_EFFECT },
    { "sdl", WITHOUT_EFFECT },
    { "opengl", WITHOUT_EFFECT },
    { "vnc", WITHOUT_EFFECT },
    { "vnclisten", WITHOUT_EFFECT },
    { "vncdisplay", WITHOUT_EFFECT },
    { "vncunused", WITHOUT_EFFECT },
    { "vncpasswd", WITHOUT_EFFECT },
    { "vncconsole", WITHOUT_EFFECT },
    { "nographic", WITHOUT_EFFECT },
    { "keymap", WITHOUT_EFFECT },
    { "spice", WITHOUT_EFFECT },
    { "soundhw", WITHOUT_EFFECT },
    { "usb", WITHOUT_EFFECT },
    { "usbdevice", WITHOUT_EFFECT },
    { "usbctrl", WITHOUT_EFFECT },
    { "serial", WITHOUT_EFFECT },
    { "parallel", WITHOUT_EFFECT },
    { "channel", WITHOUT_EFFECT },
    { "pvcalls", WITHOUT_EFFECT },
    { "driver_domain", WITHOUT_EFFECT },
};

const unsigned config_nr_keys = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX,
               "settings have a place for each key");

const struct config_key *config_key_find(const char *name, size_t length)
{
    for (unsigned i = 0; i < config_nr_keys; i++) {
        if (strlen(config_keys[i].name) == length && !memcmp(config_keys[i].name, name, length))
            return &config_keys[i];
    }
    return NULL;
}

/* --- What somebody may have meant --- */

#define CLOSE      2U /* changes at most */
#define LENGTH_MAX 24U

static uint8_t least(unsigned a, unsigned b)
{
    return (uint8_t)(a < b ? a : b);
}

/*
 * How many letters must be put in, left out, changed or swapped with the next to make b of a. Rows
 * of the usual table: row[i][j] is the distance of the first i letters of a and the first j of b.
 */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    uint8_t row[LENGTH_MAX + 1][LENGTH_MAX + 1];

    for (unsigned i = 0; i <= a_length; i++) {
        for (unsigned j = 0; j <= b_length; j++) {
            row[i][j] = (uint8_t)(i + j);
            if (!i || !j)
                continue;
            row[i][j] = least(row[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
                              least(row[i - 1][j], row[i][j - 1]) + 1U);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[i][j] = least(row[i][j], row[i - 2][j - 2] + 1U);
        }
    }
    return row[a_length][b_length];
}

const char *config_key_meant(const char *name, size_t length)
{
    const char *meant = NULL;
    unsigned best = least(CLOSE, (unsigned)length / 2) + 1U; /* more than half of it is no slip */

    if (length > LENGTH_MAX)
        return NULL;
    for (unsigned i = 0; i < config_nr_keys; i++) {
        size_t n = strlen(config_keys[i].name);
        unsigned d = n <= LENGTH_MAX ? distance(name, length, config_keys[i].name, n) : best;
        if (d < best) {
            best = d;
            meant = config_keys[i].name;
        }
    }
    return meant;
}
