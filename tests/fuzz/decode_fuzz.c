/* SPDX-License-Identifier: MIT */
/* An instruction that is known ends within its bytes, and is the same without what follows. */
#include "trap/decode.h"
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct insn insn, again;
    struct cpu_user_regs regs;

    if (!insn_decode(data, (unsigned)size, &insn))
        return 0;
    require(insn.length && insn.length <= size && insn.length <= INSN_MAX);
    require(insn.size == 1 || insn.size == 2 || insn.size == 4 || insn.size == 8);
    require(insn_decode(data, insn.length, &again) && !memcmp(&insn, &again, sizeof(insn)));
    require(!insn_decode(data, insn.length - 1U, &again));
    memset(&regs, 0, sizeof(regs));
    insn_reg_set(&regs, &insn, ~0UL);
    require(insn_reg_get(&regs, &insn) == size_mask(insn.size));
    return 0;
}
