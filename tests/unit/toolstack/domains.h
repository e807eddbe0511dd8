/* SPDX-License-Identifier: MIT */
/*
 * A made-up hypervisor behind control.h, with one domain: pages of host memory, full of rubbish until
 * somebody writes them. What is mapped is a copy, written back when it is unmapped: who uses it longer is
 * caught by ASan.
 */
#ifndef TOOLSTACK_DOMAINS_H
#define TOOLSTACK_DOMAINS_H

#include <check.h>
#include "control/control.h"

#define DOMAIN_ID    7
#define FRAMES_MAX   (1UL << 21) /* that there are; memory that is not touched costs nothing */
#define FRAME_FIRST  0x12345UL
#define FRAME_NOBODY (~0UL)

struct made_up {
    unsigned calls;       /* so far, but for those that cannot fail */
    unsigned fails_at;    /* the call that is refused; 0: none */
    const char *refused;  /* its name */
    bool no_extents;      /* memory is in single pages */
    uint64_t frames_left; /* in the machine */

    uint64_t nr_frames, claimed, max_mem_kib, map_bytes;
    unsigned nr_mapped, nr_maps; /* now; ever */
    xen_pfn_t shared_info, grants;
    xen_pfn_t stubs, root; /* FRAME_NOBODY: not asked for */
    bool has_context;
    struct vcpu_guest_context context;
};

/* For what is asked a million times: Check's own assertions send a message each. */
#define REQUIRE(condition, ...)         \
    do {                                \
        if (!(condition))               \
            ck_abort_msg(__VA_ARGS__);  \
    } while (0)

extern struct made_up domain;

void domains_start(void);
/* A frame's memory and its number in the domain, which only a hypervisor can see. */
void *frame_memory(xen_pfn_t frame);
uint64_t frame_name(xen_pfn_t frame);

#endif
