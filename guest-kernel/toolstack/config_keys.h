/* SPDX-License-Identifier: MIT */
/*
 * The keys, a row each, and what may stand behind them.
 *
 * Three kinds: those that do something; those that xl knows and that have no effect here, with a
 * warning; those that xl knows and whose absence a guest would notice, refused with words. All
 * others are mistakes.
 */
#ifndef TOOLSTACK_CONFIG_KEYS_H
#define TOOLSTACK_CONFIG_KEYS_H

#include "toolstack/config_parse.h"

#define CONFIG_KEYS_MAX 112U

struct config_choice {
    const char *word; /* NULL: end of the choices */
    uint32_t value;
    const char *refused; /* not NULL: xl takes it; why it is not taken here */
};

struct config_key;

/* A value on its way to its member. */
struct config_setting {
    const struct config_key *key;
    struct config_cursor value;
    struct config_report *report;
    struct config_place place; /* of the value's first token */
};

struct config_key {
    const char *name;
    void (*set)(const struct config_setting *setting, void *member);
    size_t offset, size; /* of the member of struct guest_config */
    uint32_t min, max;   /* of a number; min of a text: its shortest length */
    const char *what;    /* what is wanted, or why it is refused */
    const struct config_choice *choices;
};

extern const struct config_key config_keys[];
extern const unsigned config_nr_keys;

/* The row of a key. NULL: there is none. */
const struct config_key *config_key_find(const char *name, size_t length);
/* The key that somebody may have meant. NULL: none is that close. */
const char *config_key_meant(const char *name, size_t length);

#endif
