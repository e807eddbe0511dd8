/* SPDX-License-Identifier: MIT */
/*
 * A made-up machine with some RAM, some processors, a clock that stands still, and guest memory
 * that a test declares piece by piece.
 */
#ifndef FAKE_H
#define FAKE_H

#include "domain/domain.h"

/* --- The machine --- */

/* RAM from address 0, all of it free. Once a process: Check gives each test a process of its own.
 */
void fake_machine_start(uint64_t nr_frames);

extern _Thread_local unsigned fake_cpu; /* which processor we are: a thread may be one */
extern bool fake_threads; /* they are, several of them: who waits for a lock lets others run */
extern struct cpu fake_cpus[4];
/* 0: nothing ever turns up; n: each look for work finds some, one time in n. */
void fake_preempt(unsigned one_in);
extern uint64_t fake_seed; /* of fake_random */
uint64_t fake_random(void);

#define FAKE_OUR_DEVICE 0xfee00U /* a frame of device memory that no guest may map */

extern uint64_t fake_time_ns, fake_tsc, fake_wallclock;
extern uint64_t fake_timer_ns[4]; /* what each processor's timer is set to; ~0: none */

extern unsigned fake_flushes; /* of TLBs, whole or page, of any processor */
extern uint64_t fake_last_flush_mask, fake_last_flush_va;
extern void (*fake_at_flush)(void); /* runs at each: what is so when TLBs forget */
/* Runs once when the flush clock has been read: what another processor does before the reader goes on. */
extern void (*fake_at_clock)(void);
extern mfn_t fake_root; /* what is loaded */

/* What was logged; begins anew with fake_log_clear. */
extern char fake_log[1U << 16];
extern void (*fake_at_uart)(void); /* runs while a character goes out, once at a time */
void fake_log_clear(void);

/* vCPUs that were kicked, woken from poll and so on, since the test cleared them: a bit a vCPU id.
 */
extern uint32_t fake_kicked, fake_polls_ended, fake_woken;

/* All processors have nothing half done: what was asked of stop_machine_soon happens. */
void fake_rest(void);

extern void (*fake_at_pause)(struct vcpu *v); /* runs before a vCPU is paused */

extern bool fake_shut_down; /* domain_shutdown was called */

/* --- Guest memory --- */

/* [va, va + size) of the guest is this memory from now on. */
void fake_guest_map(uint64_t va, void *memory, size_t size);
/* Runs before each copy from or to the guest, once at a time: what another vCPU does meanwhile. */
extern void (*fake_meanwhile)(void);
/* The guest's page here can be read only; 0: all can be written. */
extern uint64_t fake_read_only;

/* --- A domain to work with --- */

/* A domain with that many frames, made current with its first vCPU on processor 0. */
struct domain *fake_domain(domid_t id, unsigned nr_vcpus, uint64_t nr_frames, bool privileged);
void fake_switch_to(struct vcpu *v);

#endif
