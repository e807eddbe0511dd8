/* SPDX-License-Identifier: MIT */
/*
 * A client of the store.
 */
#include "xs/xs.h"
#include "kernel/printf.h"
#include "kernel/string.h"

/* A name is capitals and digits; whatever else came is none. */
static const char *error_name(struct xs *xs)
{
    size_t length = 0;

    while ((xs->reply[length] >= 'A' && xs->reply[length] <= 'Z') ||
           (xs->reply[length] >= '0' && xs->reply[length] <= '9'))
        length++;
    if (xs->reply[0] != 'E' || xs->reply[length] != 0 || length >= sizeof(xs->error))
        return "EIO";
    memcpy(xs->error, xs->reply, length + 1);
    return xs->error;
}

static const char *send(struct xs *xs, uint32_t type, size_t size)
{
    struct xsd_sockmsg message = { .type = type, .tx_id = xs->transaction, .len = (uint32_t)size };

    if (!xs->exchange(xs, &message, xs->request))
        return "EIO";
    xs->reply_size = message.len;
    xs->reply[message.len] = 0;
    if (message.type == XS_ERROR)
        return error_name(xs);
    return message.type == type ? NULL : "EIO";
}

/* Puts a text and, unless bare, its NUL. */
static bool put(struct xs *xs, size_t *used, const char *text, bool bare)
{
    size_t size = strlen(text) + !bare;

    if (size > sizeof(xs->request) - *used)
        return false;
    memcpy(xs->request + *used, text, size);
    *used += size;
    return true;
}

const char *xs_request(struct xs *xs, uint32_t type, const char *first, const char *second, bool bare)
{
    size_t used = 0;

    if (!put(xs, &used, first, bare && second == NULL) ||
        (second != NULL && !put(xs, &used, second, bare)))
        return "E2BIG";
    return send(xs, type, used);
}

const char *xs_read(struct xs *xs, const char *path, char *value, size_t size)
{
    const char *error = xs_request(xs, XS_READ, path, NULL, false);

    value[0] = 0;
    if (error == NULL)
        ksnprintf(value, size, "%s", xs->reply);
    return error;
}

const char *xs_read_number(struct xs *xs, const char *path, uint64_t *number)
{
    const char *error = xs_request(xs, XS_READ, path, NULL, false), *digit = xs->reply;

    if (error != NULL)
        return error;
    if (xs->reply_size == 0 || xs->reply_size > 18)
        return "EINVAL";
    *number = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        *number = *number * 10 + (uint64_t)(*digit - '0');
    return digit == xs->reply + xs->reply_size ? NULL : "EINVAL";
}

const char *xs_write(struct xs *xs, const char *path, const char *value)
{
    return xs_request(xs, XS_WRITE, path, value, true);
}

const char *xs_write_number(struct xs *xs, const char *path, uint64_t number)
{
    char text[24];

    ksnprintf(text, sizeof(text), "%lu", number);
    return xs_write(xs, path, text);
}

const char *xs_mkdir(struct xs *xs, const char *path)
{
    return xs_request(xs, XS_MKDIR, path, NULL, false);
}

const char *xs_rm(struct xs *xs, const char *path)
{
    return xs_request(xs, XS_RM, path, NULL, false);
}

const char *xs_directory(struct xs *xs, const char *path)
{
    return xs_request(xs, XS_DIRECTORY, path, NULL, false);
}

const char *xs_get_permissions(struct xs *xs, const char *path)
{
    return xs_request(xs, XS_GET_PERMS, path, NULL, false);
}

const char *xs_set_permissions(struct xs *xs, const char *path, const char *list)
{
    size_t used = 0;

    if (!put(xs, &used, path, false) || !put(xs, &used, list, false))
        return "E2BIG";
    for (char *c = xs->request + strlen(path); c < xs->request + used; c++)
        if (*c == ' ')
            *c = 0;
    return send(xs, XS_SET_PERMS, used);
}

const char *xs_watch(struct xs *xs, const char *path, const char *token)
{
    return xs_request(xs, XS_WATCH, path, token, false);
}

const char *xs_unwatch(struct xs *xs, const char *path, const char *token)
{
    return xs_request(xs, XS_UNWATCH, path, token, false);
}

const char *xs_begin(struct xs *xs)
{
    const char *error;
    uint64_t id = 0;

    xs->transaction = 0;
    error = xs_request(xs, XS_TRANSACTION_START, "", NULL, false);
    for (const char *digit = xs->reply; error == NULL && *digit >= '0' && *digit <= '9'; digit++)
        id = id * 10 + (uint64_t)(*digit - '0');
    xs->transaction = (uint32_t)id;
    return error;
}

const char *xs_end(struct xs *xs, bool commit)
{
    const char *error = xs_request(xs, XS_TRANSACTION_END, commit ? "T" : "F", NULL, false);

    xs->transaction = 0;
    return error;
}
