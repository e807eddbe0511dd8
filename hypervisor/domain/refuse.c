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
    unsigned n = __atomic_fetch_add(&d->refusals.nr, 1, __ATOMIC_RELAXED);
    struct refusal *r = &d->refusals.kept[n % REFUSALS_KEPT];
    va_list args;

    va_start(args, format);
    format_string_v(r->text, sizeof(r->text) - 1, format, args);
    va_end(args);
    r->when = time_now();
    r->error = error;
    if (may_speak(d))
        log_guest(LOG_WARNING, "d%u: refused (%d): %s", d->id, -error, r->text);
    return -error;
}

void refusals_report(const struct domain *d)
{
    unsigned nr = READ_ONCE(d->refusals.nr);

    if (nr == 0)
        return;
    log_guest(LOG_ERROR, "  %u requests of d%u were refused, the last of them:", nr, d->id);
    for (unsigned n = nr > REFUSALS_KEPT ? nr - REFUSALS_KEPT : 0; n < nr; n++) {
        const struct refusal *r = &d->refusals.kept[n % REFUSALS_KEPT];
        log_guest(LOG_ERROR, "  %5lu.%06lu (%d) %s", r->when / SECOND_NS, r->when % SECOND_NS / 1000, -r->error,
                  r->text);
    }
}
