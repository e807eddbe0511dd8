/* SPDX-License-Identifier: MIT */
/*
 * How often something may happen: many times at once, then so many a second.
 */
#ifndef DOM0_BUDGET_H
#define DOM0_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    unsigned most, per_second;
    unsigned used;
    uint64_t since_ns; /* what was earned until then is counted */
};

/* False: it is used up, until time goes on. */
static inline bool budget_take(struct budget *budget, uint64_t now_ns)
{
    uint64_t step_ns = 1000000000ULL / budget->per_second, earned = (now_ns - budget->since_ns) / step_ns;

    budget->since_ns += earned * step_ns;
    budget->used = earned < budget->used ? budget->used - (unsigned)earned : 0;
    if (budget->used == budget->most)
        return false;
    budget->used++;
    return true;
}

#endif
