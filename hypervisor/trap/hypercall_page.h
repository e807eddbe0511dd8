/* SPDX-License-Identifier: MIT */
#ifndef TRAP_HYPERCALL_PAGE_H
#define TRAP_HYPERCALL_PAGE_H

/* Writes the 128 stubs of 32 bytes that guests call (ABI: the hypercall page). */
void hypercall_page_fill(void *page);

#endif
