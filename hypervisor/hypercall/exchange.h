/* SPDX-License-Identifier: MIT */
#ifndef HYPERCALL_EXCHANGE_H
#define HYPERCALL_EXCHANGE_H

#include "lib/types.h"

/* XENMEM_exchange with its argument at a guest address. */
long memory_exchange(uint64_t arg);

#endif
