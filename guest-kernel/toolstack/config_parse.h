/* SPDX-License-Identifier: MIT */
/*
 * The language of configuration files, without what keys mean.
 *
 *     text    = { [ KEY "=" value ] ( newline | ";" ) }
 *     value   = atom | "[" [ atom { "," atom } [ "," ] ] "]"
 *     atom    = NUMBER | STRING
 *
 * Newlines may stand anywhere in a list.
 *
 * A value is kept as its place in the text and read again where it is needed, so that no room is
 * set apart for it.
 */
#ifndef TOOLSTACK_CONFIG_PARSE_H
#define TOOLSTACK_CONFIG_PARSE_H

#include "toolstack/config_token.h"

#define CONFIG_ITEMS_MAX 64U /* of a list */

/*
 * Reads a text, and calls set for each setting with its key and where its value begins; the value
 * is well-formed. Returns false at the first thing that is not of the language, with an error in
 * the report.
 */
bool config_parse(const struct config_source *sources, unsigned index, struct config_report *report,
                  void (*set)(void *context, const struct config_token *key,
                              struct config_cursor value),
                  void *context);

/* The next atom of a value that config_parse went over; in_list: it is a list. False: there is
 * none. */
bool config_next_atom(struct config_cursor *value, bool in_list, struct config_token *atom);

#endif
