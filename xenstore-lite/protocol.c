/* SPDX-License-Identifier: MIT */
/* Messages: what each must look like, who may send it, who answers it. ABI: <xen/io/xs_wire.h> */
#include <errno.h>
#include "protocol.h"
#include "quota.h"
#include <stdio.h>
#include <string.h>

enum shape {
    ANYTHING,   /* is not looked at */
    STRINGS,    /* so many, each with its NUL, and nothing else */
    FIRST_ONLY, /* a string with its NUL, then what may be anything */
};

static const struct message {
    int (*handle)(struct request *request);
    enum shape shape;
    unsigned strings;
    bool has_path;   /* the first string is one */
    bool special;    /* it may be @NAME */
    bool privileged; /* dom0's alone */
    bool no_tx;      /* its transaction id means nothing */
} messages[XS_TYPE_COUNT] = {
    [XS_DIRECTORY] = { request_directory, STRINGS, 1, .has_path = true },
    [XS_DIRECTORY_PART] = { request_directory_part, STRINGS, 2, .has_path = true },
    [XS_READ] = { request_read, STRINGS, 1, .has_path = true },
    [XS_GET_PERMS] = { request_get_perms, STRINGS, 1, .has_path = true, .special = true },
    [XS_WRITE] = { request_write, FIRST_ONLY, .has_path = true },
    [XS_MKDIR] = { request_mkdir, STRINGS, 1, .has_path = true },
    [XS_RM] = { request_rm, STRINGS, 1, .has_path = true },
    [XS_SET_PERMS] = { request_set_perms, FIRST_ONLY, .has_path = true, .special = true },
    [XS_WATCH] = { request_watch, STRINGS, 2, .has_path = true, .special = true, .no_tx = true },
    [XS_UNWATCH] = { request_unwatch, STRINGS, 2, .has_path = true, .special = true,
                     .no_tx = true },
    [XS_RESET_WATCHES] = { request_reset_watches, ANYTHING },
    [XS_TRANSACTION_START] = { request_transaction_start, ANYTHING },
    [XS_TRANSACTION_END] = { request_transaction_end, STRINGS, 1 },
    [XS_GET_DOMAIN_PATH] = { request_get_domain_path, STRINGS, 1 },
    [XS_INTRODUCE] = { request_introduce, STRINGS, 3, .privileged = true },
    [XS_RELEASE] = { request_release, STRINGS, 1, .privileged = true },
    [XS_IS_DOMAIN_INTRODUCED] = { request_is_domain_introduced, STRINGS, 1, .privileged = true },
    [XS_RESUME] = { request_resume, STRINGS, 1, .privileged = true },
    [XS_SET_TARGET] = { request_set_target, STRINGS, 2, .privileged = true },
    [XS_CONTROL] = { request_control, FIRST_ONLY, .privileged = true },
};

void reply_bytes(struct request *request, const void *bytes, size_t size)
{
    if (size)
        memcpy(request->out, bytes, size);
    request->reply->len = (uint32_t)size;
}

void reply_string(struct request *request, const char *text)
{
    reply_bytes(request, text, strlen(text) + 1);
}

bool reply_name(struct request *request, const char *text, size_t length)
{
    uint32_t used = request->reply->len;

    if (length + 1 > XENSTORE_PAYLOAD_MAX - used)
        return false;
    memcpy(request->out + used, text, length);
    request->out[used + length] = 0;
    request->reply->len = used + (uint32_t)length + 1;
    return true;
}

bool parse_number(const char *text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return value <= max;
}

static bool has_shape(const struct message *row, const char *payload, size_t size)
{
    unsigned nuls = 0;

    for (size_t i = 0; i < size; i++)
        nuls += !payload[i];
    switch (row->shape) {
    case ANYTHING:
        return true;
    case STRINGS:
        return nuls == row->strings && size && !payload[size - 1];
    case FIRST_ONLY:
        return nuls > 0;
    }
    return false;
}

static bool take_path(struct request *request, const struct message *row)
{
    struct store_domain *domain = request->client->domain;
    size_t length = strlen(request->rest);

    if (!quota_allows(request->store, domain, STORE_QUOTA_PATH_LENGTH, length) ||
        !path_set(&request->store->path, domain->id, request->rest) ||
        (path_is_special(&request->store->path) && !row->special))
        return false;
    request->path = &request->store->path;
    request->rest += length + 1;
    request->rest_size -= length + 1;
    return true;
}

static int handle(struct request *request, const struct xsd_sockmsg *message, const char *payload)
{
    const struct message *row = message->type < XS_TYPE_COUNT ? &messages[message->type] : NULL;

    if (!row || !row->handle)
        return ENOSYS;
    if (row->privileged && !request->client->domain->privileged)
        return EACCES;
    if (message->len > XENSTORE_PAYLOAD_MAX || !has_shape(row, payload, message->len))
        return EINVAL;
    request->rest = payload;
    request->rest_size = message->len;
    if (row->has_path && !take_path(request, row))
        return EINVAL;
    if (message->tx_id && !row->no_tx) {
        request->tx = transaction_find(request->client, message->tx_id);
        if (!request->tx)
            return ENOENT;
    }
    return row->handle(request);
}

static const char *error_name(int error)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        if (xsd_errors[i].errnum == error)
            return xsd_errors[i].errstring;
    return "EINVAL";
}

void protocol_handle(struct store_client *client, const struct xsd_sockmsg *message,
                     const char *payload, struct xsd_sockmsg *reply, char *reply_payload)
{
    struct request request = {
        .store = client->store, .client = client, .reply = reply, .out = reply_payload
    };

    *reply = (struct xsd_sockmsg){ .type = message->type,
                                   .req_id = message->req_id,
                                   .tx_id = message->tx_id };
    request.store->counters.requests++;
    int error = handle(&request, message, payload);
    if (error) {
        reply->type = XS_ERROR;
        reply_string(&request, error_name(error));
    }
}
