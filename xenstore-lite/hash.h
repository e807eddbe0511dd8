/* SPDX-License-Identifier: MIT */
/* A keyed hash: guests choose the names, and without the key cannot choose two that collide. */
#ifndef XENSTORE_LITE_HASH_H
#define XENSTORE_LITE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 of a name below what `parent` is the hash of; 0 for the top. */
uint64_t hash_name(const uint64_t key[2], uint64_t parent, const void *name, size_t length);

#endif
