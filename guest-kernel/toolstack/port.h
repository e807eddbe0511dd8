/* SPDX-License-Identifier: MIT */
/*
 * What the toolstack asks of the dom0 that it is linked into.
 */
#ifndef TOOLSTACK_PORT_H
#define TOOLSTACK_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>

struct session;
struct xs;

/* Files that dom0 was given. */
bool port_file(const char *name, const void **bytes, size_t *size);
/* Their names, one after the other: *at begins as 0. NULL: no more. */
const char *port_file_next(size_t *at);

/* A client of the store; requests do not wait. */
struct xs *port_xs(void);
/* A guest's ring is there: the store begins to serve it. False: ring or port cannot be had. */
bool port_store_introduce(domid_t domid, uint64_t gfn, uint32_t guest_port);
void port_store_release(domid_t domid);
void port_store_remove(const char *path);
/* Shows changes below the paths: as many as left, or until the session types or hangs up (left < 0).
 * Returns a command's status. */
int port_store_watch(struct session *session, int nr_paths, char **paths, long left);
/* NULL: all is as it must be. */
const char *port_store_audit(void);

/* A guest's console; what it says is kept. False: ring or port cannot be had, or no memory. */
bool port_console_connect(domid_t domid, const char *name, uint32_t guest_port);
/* What was said stays readable for a while. */
void port_console_disconnect(domid_t domid);
void port_console_rename(domid_t domid, const char *name);
/* Prints what is kept of a guest, dead ones too; with follow, goes on with what it says, and what
 * the session types goes to it until Ctrl-], or its end. False: there is no such console. */
bool port_console_show(struct session *session, const char *name, bool follow);

/* Types for a live guest, as far as there is room. False: there is no such console. */
bool port_console_type(const char *name, const char *text, size_t size);

/* Does what is kept of a guest hold this text? */
bool port_console_said(const char *name, const char *text);

/* What dom0 itself has in use. Consoles that are kept do not count. */
struct port_use {
    uint64_t pages, heap_bytes;
    uint64_t ports, mappings;
    uint64_t store_nodes, store_watches, store_guests;
};
void port_use(struct port_use *use);

/* Ends the machine, as dom0's command line wants it. */
void port_exit(void);

/* Nanoseconds since boot; seconds since 1970. */
uint64_t port_clock_ns(void);
uint64_t port_wallclock_s(void);
/* Others get their turn; at least so long. */
void port_sleep_ns(uint64_t ns);
void port_random(uint8_t *bytes, size_t size);

/* A line for whoever runs the machine. */
void port_log(const char *line);

#endif
