/* SPDX-License-Identifier: MIT */
/* Messages about a configuration: where, which key, what is allowed there. */
#include "toolstack/config_report.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void config_locate(const struct config_source *source, uint32_t offset, unsigned *line,
                   unsigned *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < source->size; i++) {
        if (source->text[i] == '\n') {
            ++*line;
            *column = 1;
        } else {
            ++*column;
        }
    }
}

/* "guest.cfg:3:10: memory: ", as far as each is known. */
static size_t put_head(struct config_message *m, const struct config_source *source)
{
    char *to = m->text;
    size_t size = sizeof(m->text), used;

    if (!m->line || source->words)
        used = (size_t)snprintf(to, size, "%.100s: ", source->name);
    else
        used = (size_t)snprintf(to, size, "%.100s:%u:%u: ", source->name, m->line, m->column);
    if (m->key[0])
        used += (size_t)snprintf(to + used, size - used, "%s: ", m->key);
    return used;
}

static void fill(struct config_message *m, const struct config_source *sources,
                 struct config_place place, const char *key, const char *format, va_list arguments)
{
    const struct config_source *source = &sources[place.source];

    memset(m, 0, sizeof(*m));
    m->place = place;
    if (place.offset != CONFIG_NOWHERE)
        config_locate(source, place.offset, &m->line, &m->column);
    snprintf(m->key, sizeof(m->key), "%s", key);
    size_t used = put_head(m, source);
    vsnprintf(m->text + used, sizeof(m->text) - used, format, arguments);
}

static bool before(struct config_place a, struct config_place b)
{
    return a.source != b.source ? a.source < b.source : a.offset < b.offset;
}

/* Makes room where the message belongs, and returns it; of too many, the last goes. NULL: that is
 * this one. */
static struct config_message *insert(struct config_message *messages, unsigned *nr, unsigned max,
                                     struct config_place place)
{
    unsigned i = *nr < max ? *nr : max - 1;
    bool full = *nr >= max;

    ++*nr;
    if (full && !before(place, messages[i].place))
        return NULL;
    for (; i > 0 && before(place, messages[i - 1].place); i--)
        messages[i] = messages[i - 1];
    return &messages[i];
}

void config_refuse(struct config_report *report, struct config_place place, const char *key,
                   const char *format, ...)
{
    struct config_message *m = insert(report->errors, &report->nr_errors, CONFIG_ERRORS, place);
    va_list arguments;

    if (!m)
        return;
    va_start(arguments, format);
    fill(m, report->sources, place, key, format, arguments);
    va_end(arguments);
}

void config_warn(struct config_report *report, struct config_place place, const char *key,
                 const char *format, ...)
{
    struct config_message *m =
        insert(report->warnings, &report->nr_warnings, CONFIG_WARNINGS, place);
    va_list arguments;

    if (!m)
        return;
    va_start(arguments, format);
    fill(m, report->sources, place, key, format, arguments);
    va_end(arguments);
}
