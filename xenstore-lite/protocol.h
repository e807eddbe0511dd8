/* SPDX-License-Identifier: MIT */
/* A message, from its bytes to its reply. */
#ifndef XENSTORE_LITE_PROTOCOL_H
#define XENSTORE_LITE_PROTOCOL_H

#include "transaction.h"

struct request {
    struct store *store;
    struct store_client *client;
    struct transaction *tx;  /* NULL: in none */
    const struct path *path; /* of messages that have one */
    const char *rest;        /* what follows the first string, or all if there is no path */
    size_t rest_size;
    struct xsd_sockmsg *reply;
    char *out; /* the reply's payload: XENSTORE_PAYLOAD_MAX bytes */
};

/* What is wrong with a message is answered, never returned. */
void protocol_handle(struct store_client *client, const struct xsd_sockmsg *message,
                     const char *payload, struct xsd_sockmsg *reply, char *reply_payload);

void reply_bytes(struct request *request, const void *bytes, size_t size);
void reply_string(struct request *request, const char *text);
/* One more name in a reply. Returns false if there is no room for it. */
bool reply_name(struct request *request, const char *text, size_t length);

/* A decimal number that is all of the string, and at most max. */
bool parse_number(const char *text, uint64_t max, uint64_t *number);

/* The messages. Each returns 0 or the error to answer; without a reply of its own it is "OK". */
int request_directory(struct request *request);
int request_directory_part(struct request *request);
int request_read(struct request *request);
int request_get_perms(struct request *request);
int request_write(struct request *request);
int request_mkdir(struct request *request);
int request_rm(struct request *request);
int request_set_perms(struct request *request);
int request_watch(struct request *request);
int request_unwatch(struct request *request);
int request_reset_watches(struct request *request);
int request_transaction_start(struct request *request);
int request_transaction_end(struct request *request);
int request_introduce(struct request *request);
int request_release(struct request *request);
int request_get_domain_path(struct request *request);
int request_is_domain_introduced(struct request *request);
int request_resume(struct request *request);
int request_set_target(struct request *request);
int request_control(struct request *request);

#endif
