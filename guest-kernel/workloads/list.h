/* SPDX-License-Identifier: MIT */
/*
 * All workloads. Their promises stand atop their files.
 */
#ifndef WORKLOADS_LIST_H
#define WORKLOADS_LIST_H

#include "workloads/workload.h"

void workload_boot_state(void);
void workload_versions(void);
void workload_hypercall_entry(void);
void workload_exceptions_kernel(void);
void workload_exceptions_user(void);
void workload_int_n(void);
void workload_iret(void);
void workload_masking(void);
void workload_event_ports(void);
void workload_console_input(void);
void workload_timers(void);
void workload_page_updates(void);
void workload_table_life(void);
void workload_translations(void);
void workload_long_work(void);
void workload_mmu_refusals(void);
void workload_mmuext(void);
void workload_devices(void);
void workload_memory(void);
void workload_multicall(void);
void workload_descriptors(void);
void workload_modes(void);
void workload_emulation(void);
void workload_callbacks(void);
void workload_failsafe(void);
void workload_fpu(void);
void workload_threads(void);
void workload_vcpu_ops(void);
void workload_smp(void);
void workload_domains(void);
void workload_grants(void);
void workload_sysctl(void);
void workload_meeting(void);
void workload_pointers(void);
void workload_sweep(void);

/* In the order in which they run. */
extern const struct workload workloads[];
extern const unsigned nr_workloads;

#endif
