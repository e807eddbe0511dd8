/* SPDX-License-Identifier: MIT */
#include "memory/guest_copy.h"
#include "trap/decode.h"

unsigned insn_fetch(uint64_t rip, uint8_t bytes[INSN_MAX])
{
    unsigned first = (unsigned)MIN((uint64_t)INSN_MAX, PAGE_SIZE - rip % PAGE_SIZE);

    if (!copy_from_guest(bytes, rip, first))
        return 0;
    if (first == INSN_MAX || !copy_from_guest(bytes + first, rip + first, INSN_MAX - first))
        return first;
    return INSN_MAX;
}
