/* SPDX-License-Identifier: MIT */
/* Messages about nodes. */
#include "protocol.h"
#include "quota.h"
#include "view.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int find(struct request *request, struct place *place)
{
    return place_find(request->client, request->tx, request->path, place);
}

/* A node that is there, and may be used so. */
static int find_for(struct request *request, struct place *place, unsigned need)
{
    int error = find(request, place);

    return error ? error : place_check(place, need);
}

/* The node of a special path, which is in no transaction. NULL: none of that name. */
static struct node *find_special(struct request *request)
{
    for (unsigned i = 0; i < NR_SPECIALS; i++) {
        struct node *node = request->store->special[i];
        if (node->name.length == request->path->length &&
            memcmp(node->text, request->path->text, node->name.length) == 0)
            return node;
    }
    return NULL;
}

/* --- Reading --- */

int request_read(struct request *request)
{
    struct place place;
    int error = find_for(request, &place, PERM_READ);

    if (error)
        return error;
    const struct value *value = place_value(&place);
    reply_bytes(request, value->bytes, value->length);
    return 0;
}

struct listing {
    struct request *request;
    size_t skip; /* bytes of names that come before the part that is wanted */
    bool is_full, is_split;
};

static bool list_one(void *context, const struct name *child)
{
    struct listing *listing = context;

    if (listing->skip) {
        listing->is_split = listing->skip < child->length + 1;
        listing->skip -= listing->is_split ? listing->skip : child->length + 1;
        return !listing->is_split;
    }
    listing->is_full = !reply_name(listing->request, child->text, child->length);
    return !listing->is_full;
}

int request_directory(struct request *request)
{
    struct listing listing = { .request = request };
    struct place place;
    int error = find_for(request, &place, PERM_READ);

    if (error)
        return error;
    place_children(&place, list_one, &listing);
    return listing.is_full ? E2BIG : 0;
}

/* A number that tells whether the parts belong together, names from that offset on, and after the
 * last an empty one. */
int request_directory_part(struct request *request)
{
    struct listing listing = { .request = request };
    struct place place;
    uint64_t offset;
    char generation[24];

    if (!parse_number(request->rest, UINT32_MAX, &offset))
        return EINVAL;
    int error = find_for(request, &place, PERM_READ);
    if (error)
        return error;
    snprintf(generation, sizeof(generation), "%llu", (unsigned long long)place_generation(&place));
    reply_string(request, generation);
    listing.skip = offset;
    place_children(&place, list_one, &listing);
    if (listing.is_split)
        return EINVAL;
    if (!listing.is_full)
        reply_name(request, "", 0); /* no room: then the next part has only that */
    return 0;
}

int request_get_perms(struct request *request)
{
    const struct perms *perms;

    if (path_is_special(request->path)) {
        const struct node *node = find_special(request);
        if (!node)
            return ENOENT;
        if (!(perms_allow(request->store, node->perms, request->client->domain) & PERM_READ))
            return EACCES;
        perms = node->perms;
    } else {
        struct place place;
        int error = find_for(request, &place, PERM_READ);
        if (error)
            return error;
        perms = place_perms(&place);
    }
    size_t size = perms_format(request->store, perms, request->out, XENSTORE_PAYLOAD_MAX);
    request->reply->len = (uint32_t)size;
    return size ? 0 : E2BIG;
}

/* --- Changing --- */

int request_write(struct request *request)
{
    struct place place;

    if (!quota_allows(request->store, request->client->domain, STORE_QUOTA_NODE_SIZE,
                      request->rest_size))
        return ENOSPC;
    int error = find_for(request, &place, PERM_WRITE);
    if (error == ENOENT)
        error = place_create(&place, request->rest, request->rest_size);
    else if (!error)
        error = place_write(&place, request->rest, request->rest_size);
    if (!error)
        reply_string(request, "OK");
    return error;
}

int request_mkdir(struct request *request)
{
    struct place place;
    int error = find_for(request, &place, PERM_WRITE);

    if (error == ENOENT)
        error = place_create(&place, "", 0);
    if (!error)
        reply_string(request, "OK");
    return error;
}

int request_rm(struct request *request)
{
    struct place place;
    int error = find_for(request, &place, PERM_WRITE);

    if (error && !(error == ENOENT && place_has_parent(&place)))
        return error;
    if (!error && request->path->length == 1)
        return EINVAL; /* the root */
    if (!error)
        error = place_remove(&place);
    else
        error = 0;
    if (!error)
        reply_string(request, "OK");
    return error;
}

/* A guest gives nothing away. dom0 may, and does not look at what was: so that it does not conflict
 * with it. */
static int check_owner(const struct place *place, const struct perms *wanted)
{
    if (place->domain->privileged)
        return 0;
    return place_perms(place)->entry[0].domid == wanted->entry[0].domid ? 0 : EPERM;
}

/* Takes the permissions over if it returns 0. */
static int set_special_perms(struct request *request, struct perms *perms)
{
    struct node *node = find_special(request);

    if (!node)
        return ENOENT;
    if (!request->client->domain->privileged)
        return EACCES;
    perms_put(node->perms);
    node->perms = perms;
    return 0;
}

static int set_node_perms(struct request *request, struct perms *perms)
{
    struct place place;
    int error = find_for(request, &place, PERM_OWNER);

    if (!error)
        error = check_owner(&place, perms);
    if (!error)
        place_set_perms(&place, perms);
    return error;
}

int request_set_perms(struct request *request)
{
    struct store_domain *domain = request->client->domain;
    struct perms *perms;
    int error =
        perms_parse(request->store, request->rest, request->rest_size, domain->privileged, &perms);

    if (error)
        return error;
    if (!quota_allows(request->store, domain, STORE_QUOTA_PERMISSIONS, perms->nr))
        error = ENOSPC;
    else if (path_is_special(request->path))
        error = set_special_perms(request, perms);
    else
        error = set_node_perms(request, perms);
    if (error)
        perms_put(perms);
    else
        reply_string(request, "OK");
    return error;
}
