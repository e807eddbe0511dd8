/* SPDX-License-Identifier: MIT */
/* What stands behind keys: each of these reads a value into a member, or says what is allowed
 * there. */
#ifndef TOOLSTACK_CONFIG_VALUES_H
#define TOOLSTACK_CONFIG_VALUES_H

#include "toolstack/config_keys.h"

void config_set_text(const struct config_setting *s, void *member);   /* char[] */
void config_set_name(const struct config_setting *s, void *member);   /* char[] */
void config_set_number(const struct config_setting *s, void *member); /* uint32_t */
void config_set_choice(const struct config_setting *s,
                       void *member); /* an enum, or nothing to store */
void config_set_uuid(const struct config_setting *s, void *member);     /* uint8_t[16] */
void config_set_affinity(const struct config_setting *s, void *member); /* struct config_affinity */
void config_set_devices(const struct config_setting *s, void *member);  /* struct config_devices */
void config_set_nothing(const struct config_setting *s, void *member);  /* without effect here */
void config_set_never(const struct config_setting *s, void *member);    /* refused */

#endif
