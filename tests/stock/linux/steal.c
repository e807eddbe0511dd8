/* SPDX-License-Identifier: MIT */
/*
 * Stolen time: where vCPUs share processors, the kernel knows how long each waited for one. Started for a guest with
 * more vCPUs than the machine has processors.
 */
#include "checks.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUSY_NS 3000000000U

/* Hundredths of seconds of all CPUs since boot. */
static bool read_stat(uint64_t *busy, uint64_t *steal)
{
    unsigned long user, nice, system, idle, iowait, irq, softirq, stolen;
    FILE *f = fopen("/proc/stat", "r");

    if (f == NULL)
        return failed("no /proc/stat");
    int n = fscanf(f, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &user, &nice, &system, &idle, &iowait, &irq, &softirq,
                   &stolen);
    fclose(f);
    *busy = user + nice + system;
    *steal = stolen;
    return CHECK(n == 8);
}

void check_steal(void)
{
    uint64_t busy, steal, busy_after, steal_after;
    int status;

    if (!CHECK(nr_cpus() > 1) || !read_stat(&busy, &steal))
        return;
    for (unsigned i = 0; i < nr_cpus(); i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            run_on(i);
            for (uint64_t end = now_ns() + BUSY_NS; now_ns() < end;)
                ;
            _exit(0);
        }
    }
    while (wait(&status) > 0)
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (!read_stat(&busy_after, &steal_after))
        return;
    busy = busy_after - busy;
    steal = steal_after - steal;
    if (steal * 4 < busy)
        failed("%lu hundredths of a second stolen beside %lu busy ones", steal, busy);
}
