/* SPDX-License-Identifier: MIT */
/*
 * Keeping what a command says.
 */
#include "toolstack/capture.h"

#include <stdlib.h>
#include <string.h>

static void keep(struct session *session, const char *text, size_t size)
{
    struct capture *capture = (struct capture *)session;
    size_t room = CAPTURE_MAX - capture->size;

    if (size > room)
        size = room;
    memcpy(capture->text + capture->size, text, size);
    capture->size += size;
    capture->text[capture->size] = 0;
}

static long read_outer(struct session *session, char *to, size_t size)
{
    struct session *outer = ((struct capture *)session)->outer;

    return outer->read(outer, to, size);
}

static bool outer_gone(struct session *session)
{
    return session_gone(((struct capture *)session)->outer);
}

bool capture_begin(struct capture *capture, struct session *outer)
{
    *capture = (struct capture){
        .session = { .write = keep, .write_error = keep, .read = read_outer, .gone = outer_gone, .bell = outer->bell },
        .outer = outer,
        .text = malloc(CAPTURE_MAX + 1),
    };
    if (capture->text == NULL)
        return false;
    capture->text[0] = 0;
    return true;
}

void capture_end(struct capture *capture)
{
    free(capture->text);
}

static const char *skip_blanks(const char *text)
{
    while (*text == ' ')
        text++;
    return text;
}

static bool begins_with(const char *text, const char *wanted);

static bool holds_in_line(const char *text, const char *wanted)
{
    for (; *text != 0 && *text != '\n'; text++)
        if (begins_with(text, wanted))
            return true;
    return *wanted == 0;
}

static bool begins_with(const char *text, const char *wanted)
{
    while (*wanted != 0) {
        if (*wanted == '*')
            return holds_in_line(text, wanted + 1);
        if (*wanted != *text)
            return false;
        if (*wanted == ' ') {
            wanted = skip_blanks(wanted);
            text = skip_blanks(text);
        } else {
            wanted++;
            text++;
        }
    }
    return true;
}

bool capture_holds(const struct capture *capture, const char *wanted)
{
    const char *end = capture->text + capture->size;

    for (const char *at = capture->text; at <= end; at++)
        if (begins_with(at, wanted))
            return true;
    return false;
}

void capture_print(const struct capture *capture)
{
    capture->outer->write_error(capture->outer, capture->text, capture->size);
}
