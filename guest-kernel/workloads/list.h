/* SPDX-License-Identifier: MIT */
/*
 * All workloads, in the order in which they run.
 */
#ifndef WORKLOADS_LIST_H
#define WORKLOADS_LIST_H

#include "workloads/workload.h"

extern const struct workload workloads[];
extern const unsigned nr_workloads;

#endif
