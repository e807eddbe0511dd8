/* SPDX-License-Identifier: MIT */
#include "domain/refuse.h"
#include "domain/domain.h"
#include "lib/format.h"
#include "trace/log.h"

#define LINES_PER_SECOND 10U
#define SECOND_NS        1000000000UL

/* Counted without a lock: two processors may let one line too many through, and that is all. */
static bool may_speak(struct domain *d)
{
    uint64_t now = time_now();

    if (now - d->refusals.window_start >= SECOND_NS) {
        if (d->refusals.dropped)
            log_guest(LOG_WARNING, "d%u: %u more requests were refused", d->id, d->refusals.dropped);
        d->refusals.window_start = now;
        d->refusals.lines = d->refusals.dropped = 0;
    }
    if (d->refusals.lines++ < LINES_PER_SECOND)
        return true;
    d->refusals.dropped++;
    return false;
}

int refuse(struct domain *d, int error, const char *format, ...)
{
    char text[160];
    va_list args;

    if (may_speak(d)) {
        va_start(args, format);
        format_string_v(text, sizeof(text), format, args);
        va_end(args);
        log_guest(LOG_WARNING, "d%u: refused (%d): %s", d->id, -error, text);
    }
    return -error;
}
