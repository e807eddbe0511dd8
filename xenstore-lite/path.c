/* SPDX-License-Identifier: MIT */
/* Paths. */
#include "path.h"
#include <stdio.h>
#include <string.h>

#define ALLOWED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@"

bool path_set(struct path *path, domid_t domid, const char *text)
{
    size_t length = strlen(text);

    path->given = 0;
    if (length == 0 || strspn(text, ALLOWED) != length || strstr(text, "//"))
        return false;
    if (text[length - 1] == '/' && length > 1)
        return false;
    if (text[0] != '/' && text[0] != '@') {
        if (length > XENSTORE_REL_PATH_MAX)
            return false;
        path->given = (size_t)snprintf(path->text, sizeof(path->text), "/local/domain/%u/", domid);
    } else if (length > XENSTORE_ABS_PATH_MAX) {
        return false;
    }
    memcpy(path->text + path->given, text, length + 1);
    path->length = path->given + length;
    return true;
}

bool path_next(const struct path *path, size_t from, struct component *component)
{
    if (from + 1 >= path->length)
        return false;
    component->text = path->text + from + 1;
    const char *slash = memchr(component->text, '/', path->length - from - 1);
    component->end = slash ? (size_t)(slash - path->text) : path->length;
    component->length = component->end - from - 1;
    return true;
}

void path_build(struct path *path)
{
    path->length = 0;
    path->given = 0;
    path->text[PATH_MAX_SIZE - 1] = 0;
}

/* What is there stands at the end of the buffer meanwhile. */
bool path_prepend(struct path *path, const char *text, size_t length)
{
    if (path->length + length + 1 > XENSTORE_ABS_PATH_MAX)
        return false;
    path->length += length + 1;
    char *start = path->text + PATH_MAX_SIZE - 1 - path->length;
    start[0] = '/';
    memcpy(start + 1, text, length);
    return true;
}

void path_built(struct path *path)
{
    if (path->length == 0) {
        strcpy(path->text, "/");
        path->length = 1;
        return;
    }
    memmove(path->text, path->text + PATH_MAX_SIZE - 1 - path->length, path->length + 1);
}
