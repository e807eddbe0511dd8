/* SPDX-License-Identifier: MIT */
/* Watches. */
#include "watch.h"
#include "client.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct watched_path *path_find(struct store *store, uint64_t hash, const struct path *path)
{
    return (struct watched_path *)names_find(&store->watched, hash, path->text, path->length,
                                             &store->counters.steps);
}

static struct watch_group *group_find(struct store *store, const struct watched_path *path,
                                      domid_t domid)
{
    return (struct watch_group *)names_find(&path->groups, domid, (const char *)&domid,
                                            sizeof(domid), &store->counters.steps);
}

/* --- Making and ending --- */

static struct watched_path *path_get(struct store *store, uint64_t hash, const struct path *path)
{
    struct watched_path *watched = path_find(store, hash, path);

    if (watched)
        return watched;
    watched = malloc(sizeof(*watched) + path->length);
    if (!watched)
        return NULL;
    watched->name =
        (struct name){ .hash = hash, .length = (uint32_t)path->length, .text = watched->text };
    memcpy(watched->text, path->text, path->length);
    names_init(&watched->groups);
    names_add(&store->watched, &watched->name);
    return watched;
}

static void path_put(struct store *store, struct watched_path *watched)
{
    if (watched->groups.nr)
        return;
    names_remove(&store->watched, &watched->name);
    names_free(&watched->groups);
    free(watched);
}

static struct watch_group *group_get(struct store *store, struct watched_path *path, domid_t domid)
{
    struct watch_group *group = group_find(store, path, domid);

    if (group)
        return group;
    group = malloc(sizeof(*group));
    if (!group)
        return NULL;
    *group = (struct watch_group){ .domid = domid, .path = path };
    group->name = (struct name){ .hash = domid,
                                 .length = sizeof(domid),
                                 .text = (const char *)&group->domid };
    list_init(&group->watches);
    names_add(&path->groups, &group->name);
    return group;
}

static void group_put(struct store *store, struct watch_group *group)
{
    struct watched_path *path = group->path;

    if (!list_is_empty(&group->watches))
        return;
    names_remove(&path->groups, &group->name);
    free(group);
    path_put(store, path);
}

struct watch *watch_find(struct store_client *client, const struct path *path, const char *token)
{
    struct store *store = client->store;
    struct watched_path *watched = path_find(store, tree_hash_path(store, path), path);
    struct watch_group *group = watched ? group_find(store, watched, client->domain->id) : NULL;

    if (!group)
        return NULL;
    LIST_EACH (link, &group->watches) {
        struct watch *watch = LIST_ENTRY(link, struct watch, in_group);
        store->counters.steps++;
        if (watch->client == client && strcmp(watch->token, token) == 0)
            return watch;
    }
    return NULL;
}

int watch_add(struct store_client *client, const struct path *path, const char *token,
              struct watch **result)
{
    struct store *store = client->store;
    size_t length = strlen(token);

    if (watch_find(client, path, token))
        return EEXIST;
    struct watch *watch = malloc(sizeof(*watch) + length + 1);
    if (!watch)
        return ENOMEM;
    struct watched_path *watched = path_get(store, tree_hash_path(store, path), path);
    struct watch_group *group = watched ? group_get(store, watched, client->domain->id) : NULL;
    if (!group) {
        if (watched)
            path_put(store, watched);
        free(watch);
        return ENOMEM;
    }
    *watch = (struct watch){
        .client = client, .group = group, .given = path->given, .token_length = length
    };
    memcpy(watch->token, token, length + 1);
    list_init(&watch->overflowed);
    list_append(&group->watches, &watch->in_group);
    list_append(&client->watches, &watch->in_client);
    client->domain->watches++;
    store->counters.watches++;
    *result = watch;
    return 0;
}

void watch_remove(struct watch *watch)
{
    struct store *store = watch->client->store;
    struct watch_group *group = watch->group;

    event_forget(watch);
    watch->client->domain->watches--;
    store->counters.watches--;
    list_remove(&watch->in_group);
    list_remove(&watch->in_client);
    free(watch);
    group_put(store, group);
}

void watch_remove_all(struct store_client *client)
{
    LIST_EACH_SAFE (link, &client->watches)
        watch_remove(LIST_ENTRY(link, struct watch, in_client));
}

/* --- Firing --- */

void watch_fire_first(struct watch *watch)
{
    struct path *path = &watch->client->store->event_path;
    const struct watched_path *watched = watch->group->path;

    path->length = watched->name.length;
    memcpy(path->text, watched->text, path->length);
    event_queue(watch, watched->name.hash, path);
}

/* A change that is being told. */
struct firing {
    struct store *store;
    const struct node *node;
    const struct perms *perms;
    const struct path *path; /* the node's */
};

static void fire_group(const struct firing *firing, struct watch_group *group)
{
    if (!group)
        return;
    LIST_EACH (link, &group->watches) {
        firing->store->counters.steps++;
        event_queue(LIST_ENTRY(link, struct watch, in_group), firing->node->name.hash,
                    firing->path);
    }
}

static void fire_domain(const struct firing *firing, const struct watched_path *watched,
                        const struct store_domain *domain)
{
    if (domain && perms_allow(firing->store, firing->perms, domain) & PERM_READ)
        fire_group(firing, group_find(firing->store, watched, domain->id));
}

/* Where only those may read that are named, and whoever acts for them. */
static void fire_some(const struct firing *firing, const struct watched_path *watched)
{
    fire_domain(firing, watched, domain_find(firing->store, 0));
    for (uint32_t i = 0; i < firing->perms->nr; i++) {
        const struct store_domain *domain =
            domain_find(firing->store, firing->perms->entry[i].domid);
        if (!domain || domain->privileged)
            continue;
        fire_domain(firing, watched, domain);
        fire_domain(firing, watched, domain->served_by);
    }
}

/* Where all may read but those who are named otherwise. */
static void fire_all(const struct firing *firing, const struct watched_path *watched)
{
    LIST_EACH (link, &watched->groups.order) {
        struct watch_group *group = (struct watch_group *)LIST_ENTRY(link, struct name, order);
        const struct store_domain *domain = domain_find(firing->store, group->domid);
        firing->store->counters.steps++;
        if (domain && perms_allow(firing->store, firing->perms, domain) & PERM_READ)
            fire_group(firing, group);
    }
}

/* Those who watch the path that is the first `length` bytes. */
static void fire_prefix(const struct firing *firing, uint64_t hash, size_t length)
{
    struct store *store = firing->store;
    const struct watched_path *watched = (struct watched_path *)names_find(
        &store->watched, hash, firing->path->text, length, &store->counters.steps);

    if (!watched)
        return;
    if (firing->perms->entry[0].bits & PERM_READ)
        fire_all(firing, watched);
    else
        fire_some(firing, watched);
}

/* A path is put together only if somebody seems to want to know. */
static bool may_be_watched(struct store *store, const struct node *node, bool exact)
{
    for (; node; node = exact ? NULL : node->parent)
        if (names_may_have(&store->watched, node->name.hash, &store->counters.steps))
            return true;
    return false;
}

/* `exact`: this one only, not what stands above. */
static void fire(struct store *store, const struct node *node, const struct perms *perms,
                 bool exact)
{
    struct firing firing = { store, node, perms, &store->event_path };

    if (!store->watched.nr || !may_be_watched(store, node, exact))
        return;
    tree_path_of(node, &store->event_path);
    size_t length = store->event_path.length;
    fire_prefix(&firing, node->name.hash, length);
    while (!exact && node->parent) {
        length -= node->name.length + 1;
        node = node->parent;
        fire_prefix(&firing, node->name.hash, length ? length : 1);
    }
}

void watch_fire(struct store *store, const struct node *node, const struct perms *perms)
{
    fire(store, node, perms, false);
}

void watch_fire_removal(struct store *store, const struct node *top)
{
    fire(store, top, top->perms, false);
    for (const struct node *node = tree_walk(top, top); node; node = tree_walk(top, node)) {
        store->counters.steps++;
        fire(store, node, node->perms, true);
    }
}
