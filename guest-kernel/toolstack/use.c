/* SPDX-License-Identifier: MIT */
/*
 * What is in use, now and earlier: whatever was made and ended in between must have left nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "toolstack/checks.h"
#include "toolstack/port.h"

#define DOMAINS_MAX 1024u
#define PATIENCE_NS 20000000000ULL
#define STEP_NS     20000000ULL
#define SETTLED_NS  300000000ULL

enum kind { FREE_FRAMES, DOMAINS, OWN_PAGES, HEAP_BYTES, PORTS, MAPPINGS, STORE_NODES, STORE_WATCHES, STORE_GUESTS, NR_KINDS };

/* The slack is for what is made when it is first wanted and then kept: page tables, the hypervisor's
 * heap, tables of the store that grew, holes in malloc's memory. */
static const struct {
    const char *name;
    uint64_t slack;
} kinds[NR_KINDS] = {
    [FREE_FRAMES] = { "free frames of the machine", 64 },
    [DOMAINS] = { "domains", 0 },
    [OWN_PAGES] = { "pages of dom0, but for malloc's", 8 },
    [HEAP_BYTES] = { "bytes of malloc, but for consoles'", 65536 },
    [PORTS] = { "event ports of dom0", 0 },
    [MAPPINGS] = { "granted pages that dom0 maps", 0 },
    [STORE_NODES] = { "nodes of the store", 0 },
    [STORE_WATCHES] = { "watches of the store", 0 },
    [STORE_GUESTS] = { "guests of the store", 0 },
};

static uint64_t remembered[NR_KINDS];
static bool has_remembered;

static bool count_domains(uint64_t *count)
{
    struct xen_domctl_getdomaininfo *infos = calloc(DOMAINS_MAX, sizeof(*infos));
    long got = infos != NULL ? control_list(0, infos, DOMAINS_MAX) : -1;

    free(infos);
    *count = (uint64_t)got;
    return got > 0;
}

static bool look(uint64_t *use)
{
    struct xen_sysctl_physinfo info;
    struct port_use own;

    if (!count_domains(&use[DOMAINS]) || control_physinfo(&info) != 0)
        return false;
    port_use(&own);
    use[FREE_FRAMES] = info.free_pages;
    use[OWN_PAGES] = own.pages;
    use[HEAP_BYTES] = own.heap_bytes;
    use[PORTS] = own.ports;
    use[MAPPINGS] = own.mappings;
    use[STORE_NODES] = own.store_nodes;
    use[STORE_WATCHES] = own.store_watches;
    use[STORE_GUESTS] = own.store_guests;
    return true;
}

/* What is under way (a domain that dies) is given time to end. */
int run_remember(struct session *session, int argc, char **argv)
{
    uint64_t before[NR_KINDS], end = port_clock_ns() + PATIENCE_NS;

    (void)argc;
    (void)argv;
    has_remembered = look(remembered);
    do {
        memcpy(before, remembered, sizeof(before));
        port_sleep_ns(SETTLED_NS);
        has_remembered = has_remembered && look(remembered);
    } while (has_remembered && memcmp(before, remembered, sizeof(before)) != 0 && port_clock_ns() < end);
    return has_remembered ? 0 : session_fail(session, "the hypervisor does not tell");
}

static bool differs(const uint64_t *use, unsigned kind)
{
    uint64_t more = use[kind] > remembered[kind] ? use[kind] - remembered[kind] : remembered[kind] - use[kind];

    return more > kinds[kind].slack;
}

static bool any_differs(const uint64_t *use)
{
    for (unsigned kind = 0; kind < NR_KINDS; kind++)
        if (differs(use, kind))
            return true;
    return false;
}

static void print(struct session *session, const uint64_t *use)
{
    for (unsigned kind = 0; kind < NR_KINDS; kind++)
        session_print(session, "%-40s %10lu now, %10lu then%s\n", kinds[kind].name, use[kind], remembered[kind],
                      differs(use, kind) ? " (differs)" : "");
}

int run_unchanged(struct session *session, int argc, char **argv)
{
    uint64_t use[NR_KINDS], end = port_clock_ns() + PATIENCE_NS;
    bool known;

    (void)argc;
    (void)argv;
    if (!has_remembered)
        return session_fail(session, "there was no 'remember' before"), 2;
    while ((known = look(use)) && any_differs(use) && port_clock_ns() < end && !session_gone(session))
        port_sleep_ns(STEP_NS);
    if (!known)
        return session_fail(session, "the hypervisor does not tell");
    print(session, use);
    return any_differs(use) ? session_fail(session, "something was left, or is missing") : 0;
}
