/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader tells us, by either Multiboot protocol, as one struct.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#include "lib/types.h"

#define MULTIBOOT1_MAGIC 0x2badb002U /* in EAX at entry */
#define MULTIBOOT2_MAGIC 0x36d76289U

#define BOOT_MODULES_MAX 8U
#define BOOT_REGIONS_MAX 64U
#define BOOT_TEXT_MAX    1024U

enum { REGION_RAM = 1, REGION_RESERVED = 2 }; /* types of the firmware's map; others pass as they are */

struct boot_region {
    uint64_t start, size;
    uint32_t type;
};

struct boot_module {
    uint64_t start, end;
    char words[BOOT_TEXT_MAX]; /* its command line, without the file's name if one comes first */
};

struct boot_info {
    char words[BOOT_TEXT_MAX]; /* our command line */
    unsigned nr_regions;
    struct boot_region regions[BOOT_REGIONS_MAX]; /* by address */
    unsigned nr_modules;
    struct boot_module modules[BOOT_MODULES_MAX];
    uint64_t rsdp; /* where ACPI's root pointer is, or 0 */
    unsigned ignored_modules, ignored_regions; /* there was no room for */
};

/*
 * Reads what stands at the machine address info. map gives memory to read it through: NULL where there
 * is none. Returns NULL, or what is wrong, in words.
 */
const char *boot_info_read(uint32_t magic, uint64_t info,
                           const void *(*map)(uint64_t maddr, uint64_t size),
                           struct boot_info *out);

#endif
