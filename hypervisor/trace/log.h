/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor has to say: lines on the serial port, kept in a ring for whoever reads later.
 * Each line begins with "(TEN) ".
 */
#ifndef TRACE_LOG_H
#define TRACE_LOG_H

#include <stdarg.h>
#include "lib/check.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern enum log_level log_level;       /* lines of the hypervisor above it are not printed */
extern enum log_level log_guest_level; /* the same for lines that a guest caused */

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_line_v(enum log_level level, const char *format, va_list args);
void log_guest(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A guest's own text, as it stands. */
void log_raw(const char *text, size_t size);

/* From now on who has interrupts off does not wait for the port: what it says waits for log_send, which
 * whoever does a processor's WORK_LOG calls, with interrupts on. It sends a piece; true: there is more. */
void log_in_background(void);
bool log_send(void);

/* The machine is about to stop: sends all that is left. After this, locks are not taken. */
void log_last_words(void);

/* Copies from the ring, beginning at *index (or the oldest there is), and moves it on. */
size_t log_read(char *buffer, size_t size, uint32_t *index);
void log_clear(void);

#endif
