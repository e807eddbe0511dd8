/* SPDX-License-Identifier: MIT */
/*
 * Building a PV guest in a domain that exists: created, paused, with its vCPUs, and with nothing in it yet.
 *
 * ABI: <xen/xen.h>, "Start-of-day memory layout"
 */
#ifndef TOOLSTACK_BUILD_H
#define TOOLSTACK_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/control.h"

struct build_order {
    domid_t id;
    uint64_t nr_pages;  /* memory that it begins with */
    uint64_t max_pages; /* what it may grow to: the end of its memory map */
    const void *kernel; /* an ELF file */
    size_t kernel_size;
    const void *ramdisk; /* NULL: none */
    size_t ramdisk_size;
    const char *cmdline; /* "": none */
    evtchn_port_t console_port, store_port; /* in the guest, unbound, for us */
};

struct build_result {
    xen_pfn_t console_frame, store_frame; /* of the rings */
};

/*
 * Memory, kernel, ramdisk, page tables, start_info, rings, grants of the rings to domain 0, the first
 * vCPU: to be unpaused. Nothing is asked of the hypervisor before it is certain that kernel and ramdisk fit
 * in the memory.
 *
 * Returns false with what is wrong in LINE, a line without its end, cut to SIZE. Then nothing is mapped,
 * claimed or allocated here any more; the domain is half built, and the caller's to destroy.
 *
 * What it may have (max_mem) is set to its memory and 1 MiB, as xl does: a balloon that gives and takes
 * needs a little air. To let it grow, raise that together with its target.
 */
bool build_guest(const struct build_order *order, struct build_result *result, char *line, size_t size);

#endif
