/* SPDX-License-Identifier: MIT */
/*
 * dom0 controls domains: the hypervisor's control interface as functions. Each returns 0 or a negative error
 * (XEN_E*), unless it says otherwise.
 *
 * ABI: <xen/domctl.h>, <xen/sysctl.h>, <xen/memory.h>
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

struct control_config {
    unsigned nr_vcpus;
    unsigned max_ports;            /* the highest event channel */
    unsigned grant_frames, maptrack_frames;
    uint8_t handle[16];            /* its UUID */
};

/* A new domain, paused and empty. id: 0 lets the hypervisor choose. Returns the id. */
long control_create(domid_t id, const struct control_config *config);
/* Comes back when all is given back but what others map. */
long control_destroy(domid_t id);
long control_pause(domid_t id);
long control_unpause(domid_t id);
long control_max_mem(domid_t id, uint64_t kib);

/* What it is doing. -XEN_ESRCH if there is no such domain. */
long control_info(domid_t id, struct xen_domctl_getdomaininfo *info);
/* All domains from first on. Returns how many there are, at most max. */
long control_list(domid_t first, struct xen_domctl_getdomaininfo *info, unsigned max);
long control_physinfo(struct xen_sysctl_physinfo *info);

/* count pages, named pfn .. in the machine-to-physical table. frames gets their numbers. Returns how many came. */
long control_populate(domid_t id, uint64_t pfn, unsigned count, xen_pfn_t *frames);
long control_claim(domid_t id, uint64_t nr_pages);

long control_set_context(domid_t id, unsigned vcpu, struct vcpu_guest_context *context);
long control_get_context(domid_t id, unsigned vcpu, struct vcpu_guest_context *context);

/* One operation as it is; the version is filled in. */
long control_domctl(struct xen_domctl *op, uint32_t cmd, domid_t id);
long control_sysctl(struct xen_sysctl *op, uint32_t cmd);

/* Maps another domain's frame at an L1 entry of our own tables, and unmaps it. */
long control_map_foreign(uint64_t *pte, domid_t id, uint64_t frame, bool write);
long control_unmap(uint64_t *pte);

/* The frames of a domain's grant table. */
long control_grant_frames(domid_t id, unsigned first, unsigned count, xen_pfn_t *frames);

#endif
