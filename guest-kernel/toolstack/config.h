/* SPDX-License-Identifier: MIT */
/*
 * Guests' configuration files, in the language of xl.cfg(5): KEY = VALUE, a line each.
 *
 * Every byte is somebody's guess or malice. All members of the result have a fixed size, nothing is
 * allocated, and a configuration is taken as a whole or refused with the place and what is allowed
 * there.
 */
#ifndef TOOLSTACK_CONFIG_H
#define TOOLSTACK_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_TEXT_MAX 65536U /* bytes of one source */
#define CONFIG_VCPUS    32U
#define CONFIG_CPUS     64U /* processors that an affinity can name */
#define CONFIG_DEVICES  8U
#define CONFIG_ERRORS   8U
#define CONFIG_WARNINGS 16U
#define CONFIG_DEFAULT  UINT32_MAX /* a limit that is left to the hypervisor */

/* A text to read. What stands in a later one goes before what stands in an earlier one. */
struct config_source {
    const char *name; /* how messages call it: "guest.cfg", "command line" */
    const char *text; /* needs no NUL at its end */
    size_t size;
    bool words; /* its lines are words of a command line: messages leave the place out */
};

struct config_place {
    uint32_t source;
    uint32_t offset; /* in its text; CONFIG_NOWHERE: it is about the whole */
};
#define CONFIG_NOWHERE UINT32_MAX

struct config_message {
    struct config_place place;
    unsigned line, column; /* from 1; 0: about the whole. Columns are counted in bytes. */
    char key[32];          /* "": none; cut if longer */
    char text[320];        /* all of it: "guest.cfg:3:10: memory: a whole number ..." */
};

/* The first of each kind, in the order of the texts; the numbers count all. */
struct config_report {
    const struct config_source *sources; /* must stay as long as messages are added */
    unsigned nr_errors, nr_warnings;
    struct config_message errors[CONFIG_ERRORS];
    struct config_message warnings[CONFIG_WARNINGS];
};

enum config_action { CONFIG_DESTROY, CONFIG_RESTART, CONFIG_RENAME_RESTART, CONFIG_PRESERVE };

struct config_affinity {
    unsigned nr_listed;          /* entries of the list form; 0: one value for all */
    uint64_t cpus[CONFIG_VCPUS]; /* a bit a processor, all set: any. Those listed, then: any */
};

/* Descriptions of back ends' devices, as given: whoever makes them reads them. */
struct config_devices {
    struct config_place place; /* of the value */
    unsigned count;
    char text[CONFIG_DEVICES][256];
};

struct guest_config {
    char name[64];
    char kernel[128], ramdisk[128]; /* names in dom0's archive; ramdisk "": none */
    char cmdline[1024];             /* the kernel's: cmdline, or root and extra put together */
    char root[256], extra[1024];    /* as given */
    uint32_t memory_mib, maxmem_mib;
    uint32_t vcpus, maxvcpus;
    struct config_affinity cpus, cpus_soft;
    enum config_action on_poweroff, on_reboot, on_crash, on_watchdog;
    bool uuid_given;
    uint8_t uuid[16];
    uint32_t max_grant_frames, max_maptrack_frames; /* CONFIG_DEFAULT: not given */
    uint32_t event_channels;                        /* the highest port */
    struct config_devices disk, vif;
};

/*
 * Reads all sources, one at least, into config, with some 4 KiB of stack. The sources and their
 * texts must stay while the report is used. False: it is refused, report holds at least one error,
 * and config means nothing. Warnings may be there either way.
 */
bool config_read(struct guest_config *config, struct config_report *report,
                 const struct config_source *sources, unsigned nr_sources);

/* The checks that a verb's arguments need as well. Why this is no name for a guest: NULL: it is one. */
const char *config_name_wrong(const char *name);
/* Which processors does a list such as "0-3,^1" name? False: it is no list. */
bool config_cpus_read(const char *text, uint64_t *cpus);

/* Further messages about a configuration that was read, for those who find out later. key: "" for
 * none. */
__attribute__((format(printf, 4, 5))) void config_refuse(struct config_report *report,
                                                         struct config_place place, const char *key,
                                                         const char *format, ...);
__attribute__((format(printf, 4, 5))) void config_warn(struct config_report *report,
                                                       struct config_place place, const char *key,
                                                       const char *format, ...);

#endif
