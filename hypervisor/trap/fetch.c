/* SPDX-License-Identifier: MIT */
#include "memory/guest_copy.h"
#include "trap/decode.h"

HOT unsigned insn_fetch(uint64_t rip, uint8_t bytes[INSN_BUFFER])
{
    uint64_t words[2];

    /* Two words, where they lie in one page; else whatever can be read. */
    if (likely(rip % PAGE_SIZE <= PAGE_SIZE - sizeof(words)) &&
        likely(guest_words_ok(rip, sizeof(words))) && likely(guest_load64(rip, &words[0])) &&
        likely(guest_load64(rip + 8, &words[1]))) {
        __builtin_memcpy(bytes, words, sizeof(words));
        return INSN_MAX;
    }
    unsigned first = (unsigned)MIN((uint64_t)INSN_MAX, PAGE_SIZE - rip % PAGE_SIZE);

    if (!copy_from_guest(bytes, rip, first))
        return 0;
    if (first == INSN_MAX || !copy_from_guest(bytes + first, rip + first, INSN_MAX - first))
        return first;
    return INSN_MAX;
}
