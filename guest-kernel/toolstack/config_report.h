/* SPDX-License-Identifier: MIT */
/* Places in the text of a configuration. */
#ifndef TOOLSTACK_CONFIG_REPORT_H
#define TOOLSTACK_CONFIG_REPORT_H

#include "toolstack/config.h"

/* Line and column of an offset, from 1. */
void config_locate(const struct config_source *source, uint32_t offset, unsigned *line,
                   unsigned *column);

#endif
