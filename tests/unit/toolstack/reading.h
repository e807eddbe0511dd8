/* SPDX-License-Identifier: MIT */
/* Reading a configuration from bytes. */
#ifndef READING_H
#define READING_H

#include "run.h"
#include <string.h>
#include "toolstack/config.h"

static struct guest_config config;
static struct config_report report;

/* A copy without room behind it, so that ASan sees who reads on. */
static struct config_source source(const char *name, const char *text, size_t size, bool words)
{
    char *copy = malloc(size ? size : 1);

    memcpy(copy, text, size);
    return (struct config_source){ name, copy, size, words };
}

static bool read_bytes(const char *text, size_t size, const char *words)
{
    static struct config_source sources[2]; /* the report looks into them; the process ends soon */

    free((char *)sources[0].text);
    free((char *)sources[1].text);
    sources[0] = source("guest.cfg", text, size, false);
    sources[1] = source("command line", words ? words : "", words ? strlen(words) : 0, true);
    memset(&config, 0xaa, sizeof(config));
    memset(&report, 0xaa, sizeof(report));
    return config_read(&config, &report, sources, words ? 2 : 1);
}

#endif
