/* SPDX-License-Identifier: MIT */
/*
 * dom0's services: what main.c starts, and what they want of each other.
 *
 * All run on one CPU as threads that give up their turn by waiting; interrupt handlers only note
 * what happened and ring.
 */
#ifndef DOM0_SERVICES_H
#define DOM0_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/front/grant.h"
#include "drivers/front/port.h"
#include "kernel/thread.h"

/* ---- store.c ---- */
void store_start(void);
/* Domains came to their end: VIRQ_DOM_EXC. */
void store_look_at_domains(void);
/* Fills in what is the store's. */
struct port_use;
void store_use(struct port_use *use);

/* ---- consoles.c ---- */
void consoles_start(void);

/* ---- shell.c, line.c: who gives commands ---- */

/* The commands of a file of the archive, with all guests' lines shown. False: one failed, and the
 * rest was not carried out. */
bool shell_run_script(const char *name);
/* Commands that are typed. */
void shell_run_typed(void) __attribute__((noreturn));
void line_start(void);

/* ---- libc.c ---- */

/* Pages that malloc has. */
unsigned long heap_pages(void);

/* A thread for good, or panic. */
void service_thread(struct thread *thread, void (*function)(void *));

#endif
