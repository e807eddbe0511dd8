/* SPDX-License-Identifier: MIT */
/*
 * The store's commands: xenstore-ls and its kin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/commands.h"
#include "toolstack/port.h"
#include "xs/xs.h"

#define DEPTH_MAX  64
#define PIECE_SIZE 512

static int failed(struct session *session, const char *path, const char *error)
{
    return session_fail(session, "%s: %s", path, error);
}

/* Bytes that are no text are shown as a backslash and three octal digits. */
static void print_value(struct session *session, const char *value, size_t size)
{
    char piece[PIECE_SIZE + 1];
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (value[i] >= ' ' && value[i] < 0x7f && value[i] != '\\')
            piece[used++] = value[i];
        else
            used += (size_t)snprintf(piece + used, 5, "\\%03o", (unsigned char)value[i]);
        if (used > PIECE_SIZE - 4 || i + 1 == size) {
            session->write(session, piece, used);
            used = 0;
        }
    }
}

static int read_one(struct session *session, const char *path)
{
    struct xs *xs = port_xs();
    const char *error = xs_request(xs, XS_READ, path, NULL, false);

    if (error != NULL)
        return failed(session, path, error);
    session->write(session, xs->reply, xs->reply_size);
    session_print(session, "\n");
    return 0;
}

static int store_read(struct session *session, int argc, char **argv)
{
    int status = 0;

    for (int i = 1; i < argc; i++)
        status |= read_one(session, argv[i]);
    return status;
}

static int store_write(struct session *session, int argc, char **argv)
{
    const char *error = NULL;

    if (argc % 2 == 0)
        return session_fail(session, "a value for each path is wanted"), 2;
    for (int i = 1; i < argc; i += 2) {
        error = xs_write(port_xs(), argv[i], argv[i + 1]);
        if (error != NULL)
            return failed(session, argv[i], error);
    }
    return 0;
}

static int store_rm(struct session *session, int argc, char **argv)
{
    int status = 0;

    for (int i = 1; i < argc; i++) {
        const char *error = xs_rm(port_xs(), argv[i]);

        if (error != NULL)
            status = failed(session, argv[i], error);
    }
    return status;
}

static int store_exists(struct session *session, int argc, char **argv)
{
    (void)session;
    for (int i = 1; i < argc; i++)
        if (xs_request(port_xs(), XS_READ, argv[i], NULL, false) != NULL)
            return 1;
    return 0;
}

/* What the store answered last, with a NUL behind it, in memory that the caller frees: dom0's other threads use the
 * same client while this one waits for its reader. NULL: no memory. */
static char *copy_reply(size_t *size)
{
    struct xs *xs = port_xs();
    char *copy = malloc(xs->reply_size + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, xs->reply, xs->reply_size);
    copy[xs->reply_size] = 0;
    *size = xs->reply_size;
    return copy;
}

/* The names below a path, each with its NUL, in memory that the caller frees; NULL: error says why. */
static char *names_below(const char *path, size_t *size, const char **error)
{
    char *names;

    *error = xs_directory(port_xs(), path);
    if (*error != NULL)
        return NULL;
    names = copy_reply(size);
    if (names == NULL)
        *error = "ENOMEM";
    return names;
}

static int store_list(struct session *session, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *error;
        size_t size;
        char *names = names_below(argv[i], &size, &error);

        if (names == NULL)
            return failed(session, argv[i], error);
        for (const char *name = names; name < names + size; name += strlen(name) + 1)
            session_print(session, "%s\n", name);
        free(names);
    }
    return 0;
}

static void print_permissions(struct session *session, const char *path)
{
    char *list;
    size_t size;

    if (xs_get_permissions(port_xs(), path) != NULL || (list = copy_reply(&size)) == NULL)
        return;
    session_print(session, "   (");
    for (const char *one = list; one < list + size; one += strlen(one) + 1)
        session_print(session, "%s%s", one == list ? "" : ",", one);
    session_print(session, ")");
    free(list);
}

struct walk {
    struct session *session;
    bool permissions;
    char path[XENSTORE_ABS_PATH_MAX + 1];
    unsigned depth;
};

/* Not part of print_below, which recurses: what this has on the stack would be there at each level. */
static __attribute__((noinline)) void print_node(struct walk *w, const char *name)
{
    char *value = NULL;
    size_t size;

    session_print(w->session, "%*s%s = \"", (int)w->depth, "", name);
    if (xs_request(port_xs(), XS_READ, w->path, NULL, false) == NULL)
        value = copy_reply(&size);
    if (value != NULL)
        print_value(w->session, value, size);
    free(value);
    session_print(w->session, "\"");
    if (w->permissions)
        print_permissions(w->session, w->path);
    session_print(w->session, "\n");
    session_drain(w->session);
}

/* What goes away while this looks is left out; what cannot be shown is told. */
static void print_below(struct walk *w)
{
    size_t length = strlen(w->path), size;
    const char *error = NULL;
    char *names = w->depth < DEPTH_MAX ? names_below(w->path, &size, &error) : NULL;

    if (names == NULL && (error == NULL || strcmp(error, "ENOENT") != 0))
        session_print(w->session, "%*s(%s)\n", (int)w->depth, "", error != NULL ? error : "and what is below");
    if (names == NULL)
        return;
    for (const char *name = names; name < names + size; name += strlen(name) + 1) {
        if ((size_t)snprintf(w->path + length, sizeof(w->path) - length, "%s%s", length == 1 ? "" : "/", name) >=
            sizeof(w->path) - length)
            continue;
        print_node(w, name);
        w->depth++;
        print_below(w);
        w->depth--;
    }
    w->path[length] = 0;
    free(names);
}

static int store_ls(struct session *session, int argc, char **argv)
{
    struct walk *w = calloc(1, sizeof(*w));
    const char *path = "/", *error;

    if (w == NULL)
        return session_fail(session, "dom0 has no memory left");
    w->session = session;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-p") == 0)
            w->permissions = true;
        else
            path = argv[i];
    }
    snprintf(w->path, sizeof(w->path), "%s", path);
    error = xs_directory(port_xs(), path);
    if (error == NULL)
        print_below(w);
    free(w);
    return error == NULL ? 0 : failed(session, path, error);
}

static int store_chmod(struct session *session, int argc, char **argv)
{
    char permissions[256] = "";
    const char *error;

    for (int i = 2; i < argc; i++)
        snprintf(permissions + strlen(permissions), sizeof(permissions) - strlen(permissions), "%s%s", i > 2 ? " " : "",
                 argv[i]);
    error = xs_set_permissions(port_xs(), argv[1], permissions);
    return error == NULL ? 0 : failed(session, argv[1], error);
}

/* A count of events first, as xenstore-watch has it: -n 3. Otherwise until somebody types, or hangs up. */
static int store_watch(struct session *session, int argc, char **argv)
{
    long left = -1;
    int first = 1;
    char *end;

    if (strcmp(argv[1], "-n") == 0) {
        left = argc > 3 ? strtol(argv[2], &end, 10) : 0;
        first = 3;
        if (left <= 0 || *end != 0)
            return session_fail(session, "used as: -n COUNT PATH..., with a count from 1 on"), 2;
    }
    return port_store_watch(session, argc - first, argv + first, left);
}

/* clang-format off: a row a command */
const struct command store_commands[] = {
    { "xenstore-ls", "xenstore-ls [-p] [PATH]", "all nodes below; -p: with permissions", 0, 2, store_ls },
    { "xenstore-read", "xenstore-read PATH...", "values", 1, -1, store_read },
    { "xenstore-write", "xenstore-write PATH VALUE ...", "changes or makes nodes", 2, -1, store_write },
    { "xenstore-rm", "xenstore-rm PATH...", "removes nodes and all below them", 1, -1, store_rm },
    { "xenstore-list", "xenstore-list PATH...", "names of the nodes right below", 1, -1, store_list },
    { "xenstore-exists", "xenstore-exists PATH...", "status 0 if all are there", 1, -1, store_exists },
    { "xenstore-watch", "xenstore-watch [-n COUNT] PATH...", "shows changes, until a key is pressed", 1, 8, store_watch },
    { "xenstore-chmod", "xenstore-chmod PATH MODE...", "n5 (owner 5, others nothing), r0, w3, b2 (both)", 2, 16, store_chmod },
    { NULL },
};
/* clang-format on */
