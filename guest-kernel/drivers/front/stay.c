/* SPDX-License-Identifier: MIT */
/*
 * Waiting for orders: by the console, and by control/shutdown in the store.
 */
#include "drivers/front/stay.h"

#include "arch/arch.h"
#include "drivers/front/xenbus.h"
#include "kernel/printf.h"
#include "kernel/string.h"

#define LINE_MAX 128

static struct doorbell something;

static void typed(void)
{
    doorbell_ring(&something);
}

static void repeat_lines(void)
{
    static char line[LINE_MAX];
    static size_t used;
    char c;

    while (arch_console_read(&c, 1) == 1) {
        if (c != '\r' && c != '\n' && used + 1 < LINE_MAX) {
            line[used++] = c;
            continue;
        }
        line[used] = 0;
        if (used > 0)
            kprintf("typed: %s\n", line);
        used = 0;
    }
}

static void obey(const char *order)
{
    if (strcmp(order, "reboot") == 0)
        arch_shutdown(ARCH_SHUTDOWN_REBOOT);
    if (strcmp(order, "poweroff") == 0 || strcmp(order, "halt") == 0)
        arch_shutdown(ARCH_SHUTDOWN_POWEROFF);
    kprintf("control/shutdown wants '%s', which nobody here knows\n", order);
}

/* An order is taken by emptying it. */
static void look_for_orders(struct xs *xs)
{
    char order[32];

    if (xs_read(xs, "control/shutdown", order, sizeof(order)) != NULL || order[0] == 0)
        return;
    xs_write(xs, "control/shutdown", "");
    obey(order);
}

void stay(void)
{
    static struct xs xs;
    bool has_store = xenbus_open(&xs);

    arch_console_listen(typed);
    if (has_store) {
        xenbus_on_change(&something);
        xs_watch(&xs, "control/shutdown", "orders");
        xs_write(&xs, "control/feature-poweroff", "1");
        xs_write(&xs, "control/feature-reboot", "1");
    }
    kprintf("waits for orders\n");
    for (;;) {
        repeat_lines();
        if (has_store)
            look_for_orders(&xs);
        doorbell_wait(&something);
    }
}
