/* SPDX-License-Identifier: MIT */
/*
 * The back end of guests' consoles. The toolstack's side of it is in toolstack/port.h.
 */
#ifndef DOM0_CONSOLES_H
#define DOM0_CONSOLES_H

#include <stddef.h>

struct session;

/* From now on this session sees the lines of all guests, each behind its guest's name; NULL: nobody. */
void consoles_follow(struct session *session);

/* Memory that consoles have, kept ones of dead guests included. */
size_t consoles_bytes(void);

#endif
