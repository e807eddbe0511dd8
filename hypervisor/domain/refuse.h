/* SPDX-License-Identifier: MIT */
/*
 * Refused requests: said as they come, some of them a second, and the last of each domain kept for when it dies.
 */
#ifndef DOMAIN_REFUSE_H
#define DOMAIN_REFUSE_H

#include "lib/types.h"

#define REFUSALS_KEPT 8U

struct domain;

/* Changed without a lock: vCPUs that are refused at the same time may mix up each other's lines, and no more. */
struct refusals {
    uint64_t window_start; /* of log lines */
    unsigned lines, dropped;
    unsigned nr; /* of all */
    struct refusal {
        uint64_t when; /* ns since boot */
        int error;
        char text[160]; /* its last byte is never written */
    } kept[REFUSALS_KEPT];
};

/*
 * A request of this domain breaks a rule: says which (a limited number of lines a second), keeps it, and returns
 * -error, so that a handler can write: return refuse(d, XEN_EINVAL, "...", ...).
 */
int refuse(struct domain *d, int error, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* Says what was refused last. */
void refusals_report(const struct domain *d);

#endif
