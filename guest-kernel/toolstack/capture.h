/* SPDX-License-Identifier: MIT */
/*
 * A session that keeps what is said to it, for who wants to look into it.
 */
#ifndef TOOLSTACK_CAPTURE_H
#define TOOLSTACK_CAPTURE_H

#include "toolstack/session.h"

#define CAPTURE_MAX 65536u /* what comes after it is lost */

struct capture {
    struct session session; /* first: the functions find the rest by it */
    struct session *outer;  /* what is typed comes from there */
    char *text;             /* with a NUL behind it */
    size_t size;
};

/* False: no memory. */
bool capture_begin(struct capture *capture, struct session *outer);
void capture_end(struct capture *capture);

/* Output and errors both. In WANTED a blank stands for any number of them, and * for anything within a line. */
bool capture_holds(const struct capture *capture, const char *wanted);
/* To the outer session, as errors. */
void capture_print(const struct capture *capture);

#endif
