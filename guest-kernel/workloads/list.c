/* SPDX-License-Identifier: MIT */
/*
 * All workloads, in the order in which they run: what others rely on comes first.
 */
#include "workloads/list.h"

/* name, function, description */
#define WORKLOADS(row)                                                                             \
    row("boot-state", workload_boot_state, "registers, start info, p2m and tables at entry")

#define DECLARE(name, function, description) void function(void);
#define ROW(name, function, description) { name, description, function },

WORKLOADS(DECLARE)

const struct workload workloads[] = { WORKLOADS(ROW) };
const unsigned nr_workloads = sizeof(workloads) / sizeof(workloads[0]);
