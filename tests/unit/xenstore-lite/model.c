/* SPDX-License-Identifier: MIT */
/* A store that knows only the rules. */
#include "model.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#define MAX_NODES   400
#define MAX_WATCHES 200
#define MAX_CHANGES 200000
#define MAX_PATH    80

struct entry {
    char letter;
    unsigned domid;
};

struct model_node {
    char path[MAX_PATH];
    char value[64];
    struct entry perms[8];
    unsigned nr_perms;
};

static struct model_node nodes[MAX_NODES];
static size_t nr_nodes;

struct model_watch {
    unsigned who;
    char path[MAX_PATH], token[16];
};

static struct model_watch watches[MAX_WATCHES];
static size_t nr_watches;
static char *fired[16];
static char changes[MAX_CHANGES][MAX_PATH];
static size_t nr_changes;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "model: %s\n", what);
    abort();
}

void model_begin(void)
{
    nr_nodes = 1;
    nr_watches = nr_changes = 0;
    nodes[0] = (struct model_node){ .path = "/", .nr_perms = 1, .perms = { { 'n', 0 } } };
}

static struct model_node *find(const char *path)
{
    for (size_t i = 0; i < nr_nodes; i++)
        if (strcmp(nodes[i].path, path) == 0)
            return &nodes[i];
    return NULL;
}

static void parent_of(const char *path, char *parent)
{
    memmove(parent, path, strlen(path) + 1);
    char *slash = strrchr(parent, '/');
    slash[slash == parent] = 0;
}

/* Is it that path, or below? */
static bool is_in(const char *path, const char *top)
{
    size_t length = strlen(top);

    if (strcmp(top, "/") == 0)
        return true;
    return strncmp(path, top, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* "r", "w", or "o" for the owner's right. */
static bool may(const struct model_node *node, unsigned who, char what)
{
    char letter = node->perms[0].letter;

    if (who == 0 || node->perms[0].domid == who)
        return true;
    for (unsigned i = 1; i < node->nr_perms; i++)
        if (node->perms[i].domid == who) {
            letter = node->perms[i].letter;
            break;
        }
    return letter == what || (letter == 'b' && what != 'o');
}

/* --- Watches --- */

void model_watch(unsigned who, const char *path, const char *token)
{
    struct model_watch *watch = &watches[nr_watches++];

    require(nr_watches < MAX_WATCHES, "too many watches");
    watch->who = who;
    snprintf(watch->path, sizeof(watch->path), "%s", path);
    snprintf(watch->token, sizeof(watch->token), "%s", token);
}

static struct model_watch *find_watch(unsigned who, const char *path, const char *token)
{
    for (size_t i = 0; i < nr_watches; i++)
        if (watches[i].who == who && strcmp(watches[i].path, path) == 0 &&
            strcmp(watches[i].token, token) == 0)
            return &watches[i];
    return NULL;
}

bool model_watches(unsigned who, const char *path, const char *token)
{
    return find_watch(who, path, token);
}

bool model_unwatch(unsigned who, const char *path, const char *token)
{
    struct model_watch *watch = find_watch(who, path, token);

    if (watch)
        *watch = watches[--nr_watches];
    return watch;
}

static void tell(const struct model_watch *watch, const char *path)
{
    size_t used = fired[watch->who] ? strlen(fired[watch->who]) : 0;

    fired[watch->who] = realloc(fired[watch->who], used + 2UL * MAX_PATH);
    sprintf(fired[watch->who] + used, "%s %s;", path, watch->token);
}

static void fire(const struct model_node *node, bool exact)
{
    require(nr_changes < MAX_CHANGES, "too many changes");
    strcpy(changes[nr_changes++], node->path);
    for (size_t i = 0; i < nr_watches; i++) {
        bool concerned =
            exact ? strcmp(node->path, watches[i].path) == 0 : is_in(node->path, watches[i].path);
        if (concerned && may(node, watches[i].who, 'r'))
            tell(&watches[i], node->path);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *sorted_events(const char *text)
{
    static char sorted[2][1U << 16];
    static unsigned which;
    static char copy[1U << 16];
    char *parts[4000];
    size_t nr = 0, used = 0;
    char *to = sorted[which++ % 2];

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *part = strtok(copy, ";"); part; part = strtok(NULL, ";"))
        parts[nr++] = part;
    qsort(parts, nr, sizeof(parts[0]), compare);
    to[0] = 0;
    for (size_t i = 0; i < nr; i++)
        if (i == 0 || strcmp(parts[i], parts[i - 1]) != 0)
            used += (size_t)sprintf(to + used, "%s;", parts[i]);
    return to;
}

const char *model_events(unsigned who)
{
    const char *sorted = sorted_events(fired[who] ? fired[who] : "");

    free(fired[who]);
    fired[who] = NULL;
    return sorted;
}

/* --- Requests --- */

static void format_perms(const struct model_node *node, char *text)
{
    text[0] = 0;
    for (unsigned i = 0; i < node->nr_perms; i++)
        sprintf(text + strlen(text), "%s%c%u", i ? " " : "", node->perms[i].letter,
                node->perms[i].domid);
}

static const char *list_children(const char *path)
{
    static char text[1U << 14];
    char parent[MAX_PATH], *names[MAX_NODES];
    size_t nr = 0, used = 0;

    for (size_t i = 0; i < nr_nodes; i++) {
        parent_of(nodes[i].path, parent);
        if (strcmp(nodes[i].path, "/") != 0 && strcmp(parent, path) == 0)
            names[nr++] = strrchr(nodes[i].path, '/') + 1;
    }
    qsort(names, nr, sizeof(names[0]), compare);
    text[0] = 0;
    for (size_t i = 0; i < nr; i++)
        used += (size_t)sprintf(text + used, "%s ", names[i]);
    return text;
}

static struct model_node *create(unsigned who, const char *path)
{
    char parent[MAX_PATH];
    struct model_node *above;

    parent_of(path, parent);
    above = find(parent);
    if (!above)
        above = create(who, parent);
    strcpy(changes[nr_changes++], path);
    require(nr_nodes < MAX_NODES, "too many nodes");
    struct model_node *node = &nodes[nr_nodes++];
    *node = *above;
    snprintf(node->path, sizeof(node->path), "%s", path);
    node->value[0] = 0;
    if (who)
        node->perms[0].domid = who;
    return node;
}

static const char *write_node(unsigned who, struct model_node *node, const char *path,
                              const char *value)
{
    if (!node)
        node = create(who, path);
    snprintf(node->value, sizeof(node->value), "%s", value);
    fire(node, false);
    return "OK";
}

static const char *remove_node(const char *path)
{
    if (strcmp(path, "/") == 0)
        return "!EINVAL";
    fire(find(path), false);
    for (size_t i = 0; i < nr_nodes; i++)
        if (strcmp(nodes[i].path, path) != 0 && is_in(nodes[i].path, path))
            fire(&nodes[i], true);
    for (size_t i = 0; i < nr_nodes;)
        if (is_in(nodes[i].path, path))
            nodes[i] = nodes[--nr_nodes];
        else
            i++;
    return "OK";
}

static const char *set_perms(unsigned who, struct model_node *node, const char *text)
{
    struct model_node next = *node;

    next.nr_perms = 0;
    for (; text && *text; text = strchr(text, ' ') ? strchr(text, ' ') + 1 : NULL) {
        struct entry *entry = &next.perms[next.nr_perms++];
        require(sscanf(text, "%c%u", &entry->letter, &entry->domid) == 2, "permissions");
    }
    if (who && next.perms[0].domid != node->perms[0].domid)
        return "!EPERM";
    fire(node, false);
    *node = next;
    fire(node, false);
    return "OK";
}

const char *model_do(unsigned who, uint32_t type, const char *path, const char *text)
{
    static char perms[128];
    struct model_node *node = find(path), *near = node;
    char above[MAX_PATH];

    snprintf(above, sizeof(above), "%s", path);
    while (!near) {
        parent_of(above, above);
        near = find(above);
    }
    char need = type == XS_SET_PERMS                                    ? 'o'
                : type == XS_WRITE || type == XS_MKDIR || type == XS_RM ? 'w'
                                                                        : 'r';
    if (!may(near, who, need))
        return "!EACCES";
    if (type == XS_WRITE)
        return write_node(who, node, path, text);
    if (type == XS_MKDIR)
        return node ? "OK" : write_node(who, NULL, path, "");
    parent_of(path, above);
    if (!node)
        return type == XS_RM && find(above) ? "OK" : "!ENOENT";
    if (type == XS_RM)
        return remove_node(path);
    if (type == XS_READ)
        return node->value;
    if (type == XS_DIRECTORY)
        return list_children(path);
    if (type == XS_SET_PERMS)
        return set_perms(who, node, text);
    format_perms(node, perms);
    return perms;
}

size_t model_nr_changes(void)
{
    return nr_changes;
}

const char *model_change(size_t i)
{
    return changes[i];
}

void model_each(void (*each)(const char *path, const char *value, const char *perms))
{
    char perms[128];

    for (size_t i = 0; i < nr_nodes; i++) {
        format_perms(&nodes[i], perms);
        each(nodes[i].path, nodes[i].value, perms);
    }
}
