/* SPDX-License-Identifier: MIT */
/*
 * What is said to whoever gives commands.
 */
#include "toolstack/session.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX 1024

static size_t fitted(int length)
{
    return length < 0 ? 0 : length < TEXT_MAX ? (size_t)length : TEXT_MAX - 1;
}

void session_print(struct session *session, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, format);
    session->write(session, text, fitted(vsnprintf(text, sizeof(text), format, args)));
    va_end(args);
}

void session_drain(struct session *session)
{
    if (session->drain != NULL)
        session->drain(session);
}

int session_fail(struct session *session, const char *format, ...)
{
    char text[TEXT_MAX], line[TEXT_MAX];
    size_t used;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    used = fitted(snprintf(line, sizeof(line) - 1, "%s: %s", session->command, text));
    /* A line that was cut ends as well. */
    if (used > TEXT_MAX - 2)
        used = TEXT_MAX - 2;
    line[used++] = '\n';
    session->write_error(session, line, used);
    return 1;
}

bool session_gone(struct session *session)
{
    return session->gone != NULL && session->gone(session);
}
