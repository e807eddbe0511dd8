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
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    session->write_error(session, line, fitted(snprintf(line, sizeof(line), "%s: %s\n", session->command, text)));
    return 1;
}
