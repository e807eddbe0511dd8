/* SPDX-License-Identifier: MIT */
/* Messages about domains, most of them the toolstack's. */
#include "protocol.h"
#include "quota.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The next string of a message, as a number. */
static bool take_number(struct request *request, uint64_t max, uint64_t *number)
{
    const char *text = request->rest;

    request->rest += strlen(text) + 1;
    return parse_number(text, max, number);
}

static bool take_domid(struct request *request, domid_t *domid)
{
    uint64_t number;

    if (!take_number(request, DOMID_FIRST_RESERVED - 1, &number))
        return false;
    *domid = (domid_t)number;
    return true;
}

static int ok_unless(struct request *request, int error)
{
    if (!error)
        reply_string(request, "OK");
    return error;
}

int request_introduce(struct request *request)
{
    uint64_t gfn, port;
    domid_t domid;

    if (!take_domid(request, &domid) || !take_number(request, UINT64_MAX, &gfn) ||
        !take_number(request, UINT32_MAX, &port))
        return EINVAL;
    return ok_unless(request, store_introduce(request->store, domid, gfn, (uint32_t)port));
}

int request_release(struct request *request)
{
    domid_t domid;

    if (!take_domid(request, &domid) || domid == 0)
        return EINVAL;
    return ok_unless(request, store_release(request->store, domid));
}

int request_get_domain_path(struct request *request)
{
    char text[32];
    domid_t domid;

    if (!take_domid(request, &domid))
        return EINVAL;
    snprintf(text, sizeof(text), "/local/domain/%u", domid);
    reply_string(request, text);
    return 0;
}

int request_is_domain_introduced(struct request *request)
{
    domid_t domid;

    if (!take_domid(request, &domid))
        return EINVAL;
    const struct store_domain *domain = domain_find(request->store, domid);
    reply_string(request, domain && (domain->privileged || domain->ring) ? "T" : "F");
    return 0;
}

int request_resume(struct request *request)
{
    domid_t domid;

    if (!take_domid(request, &domid))
        return EINVAL;
    struct store_domain *domain = domain_find(request->store, domid);
    if (!domain || !domain->ring)
        return ENOENT;
    domain->stop_told = false;
    return ok_unless(request, 0);
}

int request_set_target(struct request *request)
{
    domid_t domid, target;

    if (!take_domid(request, &domid) || !take_domid(request, &target))
        return EINVAL;
    return ok_unless(request, domain_set_target(request->store, domid, target));
}

/* --- Control --- */

static void print_quotas(struct request *request)
{
    size_t used = 0;

    for (unsigned i = 0; i < STORE_NR_QUOTAS; i++)
        used += (size_t)snprintf(request->out + used, XENSTORE_PAYLOAD_MAX - used, "%s %u\n",
                                 store_quota_name((enum store_quota)i),
                                 request->store->config.quota[i]);
    request->reply->len = (uint32_t)used + 1;
}

int request_control(struct request *request)
{
    const char *command = request->rest;

    if (strcmp(command, "help") == 0) {
        reply_string(request, "check: recount everything\nquota: what a domain may have\n");
    } else if (strcmp(command, "check") == 0) {
        const char *wrong = store_audit(request->store);
        reply_string(request, wrong ? wrong : "OK");
    } else if (strcmp(command, "quota") == 0) {
        print_quotas(request);
    } else {
        return EINVAL;
    }
    return 0;
}
