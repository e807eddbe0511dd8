/* SPDX-License-Identifier: MIT */
/*
 * The assembly of handlers.S.
 */
#ifndef BENCH_HANDLERS_H
#define BENCH_HANDLERS_H

#include <stdint.h>

extern const uint8_t bench_return[], bench_sysret[], bench_skip_fault[], bench_event[];

/* For bench_event: entry time; vcpu_info; the word of evtchn_pending that it clears. */
extern volatile uint64_t bench_event_entry;
extern void *bench_event_info;
extern void *bench_event_pending;

#endif
