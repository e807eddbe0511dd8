/* SPDX-License-Identifier: MIT */
/*
 * dom0: the workloads or benchmarks that it was told to run, then the services and the commands.
 */
#include <stdio.h>
#include <string.h>

#include "arch/pv/pv.h"
#include "bench/bench.h"
#include "dom0/archive.h"
#include "dom0/services.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/printf.h"
#include "kernel/smp.h"
#include "toolstack/guests.h"
#include "toolstack/port.h"
#include "workloads/workload.h"

#define BETWEEN_LOOKS_NS 5000000ULL

static struct doorbell ended;

void service_thread(struct thread *thread, void (*function)(void *))
{
    if (!thread_create(thread, function, NULL))
        panic("no memory for the stack of a service");
}

/* ---- the toolstack's port: what is nobody else's ---- */

bool port_file(const char *name, const void **bytes, size_t *size)
{
    struct archive_file file;

    if (!archive_find(name, &file))
        return false;
    *bytes = file.bytes;
    *size = file.size;
    return true;
}

const char *port_file_next(size_t *at)
{
    struct archive_file file;

    return archive_next(at, &file) ? file.name : NULL;
}

uint64_t port_clock_ns(void)
{
    return arch_clock_ns();
}

uint64_t port_wallclock_s(void)
{
    return arch_wallclock_s();
}

void port_sleep_ns(uint64_t ns)
{
    struct doorbell silent = { false };

    doorbell_wait_until(&silent, arch_clock_ns() + ns);
}

/* The time at which this runs, to the cycle, mixed: there is no better source on every machine. */
void port_random(uint8_t *bytes, size_t size)
{
    static uint64_t state;

    for (size_t i = 0; i < size; i++) {
        state = (state ^ arch_cycles() ^ arch_wallclock_s()) * 0x9e3779b97f4a7c15UL;
        state ^= state >> 29;
        bytes[i] = (uint8_t)(state >> 32);
    }
}

void port_log(const char *line)
{
    kprintf("dom0: %s\n", line);
}

void port_exit(void)
{
    arch_shutdown(cmdline.end);
}

/* ---- guests that end ---- */

static void domain_ended(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    store_look_at_domains();
    doorbell_ring(&ended);
}

static void look_after_guests(void *argument)
{
    uint64_t later = 0;

    (void)argument;
    for (;;) {
        doorbell_wait_until(&ended, later);
        later = guests_look();
        port_sleep_ns(BETWEEN_LOOKS_NS); /* whoever waits for the list of guests gets it */
    }
}

static void life_start(void)
{
    static struct thread thread;
    long port = event_bind_virq(VIRQ_DOM_EXC, 0);

    if (port < 0)
        panic("VIRQ_DOM_EXC is refused: %ld", port);
    service_thread(&thread, look_after_guests);
    event_attach((evtchn_port_t)port, 0, domain_ended, NULL);
}

/* ---- the start ---- */

static void services_start(void)
{
    const char *wrong = start_info->mod_len == 0 ?
                            NULL :
                            archive_open((const void *)start_info->mod_start, start_info->mod_len);

    if (wrong != NULL)
        kprintf("dom0: %s\n", wrong);
    store_start();
    consoles_start();
    guests_start();
    life_start();
    if (cmdline.line)
        line_start();
}

void kernel_main(void)
{
    bool well = true, services;

    kernel_begin();
    if (cmdline.bench) {
        bench_run(&cmdline.rows);
        arch_shutdown(cmdline.end);
    }
    services = cmdline.script != NULL || cmdline.shell || cmdline.line;
    if (cmdline.run_wanted || !services)
        workloads_run(&cmdline.run);
    if (!services)
        arch_shutdown(cmdline.end);
    services_start();
    if (cmdline.script != NULL)
        well = shell_run_script(cmdline.script);
    if (cmdline.script != NULL)
        kprintf("SCRIPT %s %s\n", cmdline.script, well ? "done" : "failed");
    if (cmdline.shell || cmdline.script == NULL)
        shell_run_typed();
    arch_shutdown(cmdline.end);
}
