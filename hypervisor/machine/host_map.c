/* SPDX-License-Identifier: MIT */
#include "machine/host_map.h"

char boot_words[1024];

static struct host_map_entry entries[HOST_MAP_MAX];
static unsigned nr_entries;

void host_map_add(uint64_t start, uint64_t size, uint32_t type)
{
    if (nr_entries < HOST_MAP_MAX)
        entries[nr_entries++] = (struct host_map_entry){ start, size, type };
}

unsigned host_map_entries(void)
{
    return nr_entries;
}

struct host_map_entry host_map_entry(unsigned n)
{
    return entries[n];
}
