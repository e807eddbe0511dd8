/* SPDX-License-Identifier: MIT */
/* Single words of guest memory: by the same checked copies as all else. */
#ifndef MACHINE_GUEST_ACCESS_H
#define MACHINE_GUEST_ACCESS_H

#include "machine/machine.h"

static inline bool guest_load64(uint64_t va, uint64_t *value)
{
    return guest_copy_in(value, va, sizeof(*value));
}

static inline bool guest_store64(uint64_t va, uint64_t value)
{
    return guest_copy_out(va, &value, sizeof(value));
}

#endif
