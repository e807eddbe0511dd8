/* SPDX-License-Identifier: MIT */
#ifndef DOMAIN_BUILD_H
#define DOMAIN_BUILD_H

#include "domain/domain.h"

struct build_module {
    const void *bytes; /* NULL: none */
    uint64_t size;
    const char *words;
};

/*
 * Fills a new domain with its kernel and starts its first vCPU: memory, kernel, initrd, p2m list,
 * start_info, page tables, stack, as the ABI lays them out for dom0. Runs at boot.
 * Returns NULL, or what is wrong, in words.
 */
const char *build_dom0(struct domain *d, uint64_t nr_pages, const struct build_module *kernel,
                       const struct build_module *initrd);

#endif
