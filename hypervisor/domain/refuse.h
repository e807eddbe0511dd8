/* SPDX-License-Identifier: MIT */
#ifndef DOMAIN_REFUSE_H
#define DOMAIN_REFUSE_H

struct domain;

/*
 * A request of this domain breaks a rule: says which (a limited number of lines a second) and returns
 * -error, so that a handler can write: return refuse(d, XEN_EINVAL, "...", ...).
 */
int refuse(struct domain *d, int error, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

#endif
