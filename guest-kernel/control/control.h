/* SPDX-License-Identifier: MIT */
/*
 * dom0 controls domains: the hypervisor's control interface as functions. Each returns 0 or a negative
 * error (XEN_E*), unless it says otherwise.
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

/* count pages, named pfn .. in the machine-to-physical table. frames gets their numbers. Returns how many
 * came. */
long control_populate(domid_t id, uint64_t pfn, unsigned count, xen_pfn_t *frames);
/* The same for pieces of 2^order pages (order: at most 9). extents: what the first page of each is named;
 * gets the first frame of each. */
long control_populate_extents(domid_t id, unsigned order, unsigned count, xen_pfn_t *extents);
/* That many pages are the domain's to have, and nobody else's; 0: what is left of a claim is given up. */
long control_claim(domid_t id, uint64_t nr_pages);
/* The memory map that it is told: RAM from 0 on. */
long control_set_memory_map(domid_t id, uint64_t size_bytes);

/* Stubs for hypercalls into one of its frames. */
long control_hypercall_page(domid_t id, uint64_t frame);
/* Its frame becomes a root of page tables; all below it is checked. It must not be mapped to be written. */
long control_pin_root(domid_t id, uint64_t frame);
long control_set_context(domid_t id, unsigned vcpu, struct vcpu_guest_context *context);
long control_get_context(domid_t id, unsigned vcpu, struct vcpu_guest_context *context);

/* A bit a processor. Hard: where the vCPU may run; soft: where it likes to; 0: that one stays as it is. */
long control_set_affinity(domid_t id, unsigned vcpu, uint64_t hard, uint64_t soft);
long control_get_affinity(domid_t id, unsigned vcpu, uint64_t *hard, uint64_t *soft);
long control_vcpu_info(domid_t id, unsigned vcpu, struct xen_domctl_getvcpuinfo *info);

/* A port of the domain's that waits for one of ours. Returns it. */
long control_alloc_port(domid_t id);

/* What xen_version answers to one of XENVER_*. */
long control_version(unsigned what, void *answer);
/* The next piece of the hypervisor's log: *at begins as 0. Returns its size, 0 at the end. */
long control_read_log(char *to, uint32_t size, uint32_t *at);
long control_clear_log(void);
long control_debug_keys(const char *keys, uint32_t count);

/* One operation as it is; the version is filled in. */
long control_domctl(struct xen_domctl *op, uint32_t cmd, domid_t id);
long control_sysctl(struct xen_sysctl *op, uint32_t cmd);

/* Maps another domain's frame at an L1 entry of our own tables, and unmaps it. */
long control_map_foreign(uint64_t *pte, domid_t id, uint64_t frame, bool write);
long control_unmap_foreign(uint64_t *pte);

/*
 * Maps frames of a domain side by side, and unmaps them: all that one call mapped. Not executable. NULL:
 * refused (no such domain, a frame that is not its own, a page table to be written), or the window of 512
 * pages is full. From any thread of one CPU.
 */
void *control_map(domid_t id, const xen_pfn_t *frames, unsigned count, bool write);
void control_unmap(void *address, unsigned count);

/* The frames of a domain's grant table. */
long control_grant_frames(domid_t id, unsigned first, unsigned count, xen_pfn_t *frames);

#endif
