/* SPDX-License-Identifier: MIT */
/* The control of domains by dom0: <xen/domctl.h>. */
#ifndef HYPERCALL_DOMCTL_H
#define HYPERCALL_DOMCTL_H

#include <xen/domctl.h>
#include <xen/errno.h>
#include "domain/domain.h"

struct domctl {
    struct domain *caller;
    struct domain *d; /* the subject */
    struct xen_domctl op;
};

/* What getdomaininfo and getdomaininfolist tell. */
void domain_info(const struct domain *d, struct xen_domctl_getdomaininfo *info);

/* Operations on one vCPU: hypercall/domctl_vcpu.c. */
long domctl_setvcpucontext(struct domctl *r);
long domctl_getvcpucontext(struct domctl *r);
long domctl_getvcpuinfo(struct domctl *r);
long domctl_setvcpuaffinity(struct domctl *r);
long domctl_getvcpuaffinity(struct domctl *r);

#endif
