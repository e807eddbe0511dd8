/* SPDX-License-Identifier: MIT */
/* The machine's memory map, kept for dom0 in the ABI's form (struct e820 entries). */
#ifndef MACHINE_HOST_MAP_H
#define MACHINE_HOST_MAP_H

#include "lib/types.h"

#define HOST_MAP_MAX 64U

struct host_map_entry {
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed));

/* The command line that we were started with. */
extern char boot_words[1024];

void host_map_add(uint64_t start, uint64_t size, uint32_t type);
unsigned host_map_entries(void);
struct host_map_entry host_map_entry(unsigned n);

#endif
