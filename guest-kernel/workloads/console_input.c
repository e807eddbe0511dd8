/* SPDX-License-Identifier: MIT */
/*
 * Promise: what is typed on the serial line reaches dom0: VIRQ_CONSOLE says that there is
 * something, a read takes as many characters as it has room for, in order, and one that fails takes
 * none.
 *
 * Nobody types unless the word typed=TEXT says so: then TEXT and an end of line must come
 * (tests/guest/cases types it once the line "console-input waits" is there).
 *
 * ABI: CONSOLEIO_read, VIRQ_CONSOLE, <xen/xen.h>
 */
#include "arch/pv/pv.h"
#include "kernel/printf.h"
#include "kernel/string.h"
#include "workloads/ports.h"
#include "workloads/workload.h"
#include "workloads/list.h"

#define PIECE    3 /* at a time, so that there is a rest */
#define TEXT_MAX 128

static evtchn_port_t port;

static void refused(void)
{
    static char buffer[16];

    CHECK_EQ(hypercall_console_io(CONSOLEIO_read, 0x80000000U, buffer), -XEN_E2BIG);
    CHECK_EQ(hypercall_console_io(CONSOLEIO_read, 0, buffer), 0);
    CHECK_EQ(hypercall_console_io(9, sizeof(buffer), buffer), -XEN_ENOSYS);
    CHECK_EQ(hypercall_console_io(CONSOLEIO_write, 1, (void *)0x1000), -XEN_EFAULT);
    CHECK_EQ(hypercall_console_io(CONSOLEIO_write, 1, (void *)HYPERVISOR_VIRT_START), -XEN_EFAULT);
}

/* With nothing to read nothing is written, and so no address is wrong. */
static void nothing_typed(void)
{
    static char buffer[16];

    CHECK_EQ(hypercall_console_io(CONSOLEIO_read, sizeof(buffer), buffer), 0);
    CHECK_EQ(hypercall_console_io(CONSOLEIO_read, sizeof(buffer), (void *)0x1000), 0);
}

static void wait_for_event(void)
{
    struct sched_poll poll = { .nr_ports = 1 };

    set_xen_guest_handle(poll.ports, &port);
    CHECK_EQ(hypercall_sched_op(SCHEDOP_poll, &poll), 0);
    CHECK(event_is_pending(port));
    event_clear(port);
}

/* Until the end of a line, which is not part of TEXT. */
static void read_line(char *text, size_t size)
{
    size_t used = 0;
    long count;

    while (used + PIECE < size) {
        count = hypercall_console_io(CONSOLEIO_read, PIECE, text + used);
        if (!CHECK(count >= 0 && count <= PIECE))
            break;
        if (count == 0)
            wait_for_event();
        used += (size_t)count;
        if (used > 0 && text[used - 1] == '\n') {
            used--;
            break;
        }
    }
    text[used] = 0;
}

static void typed(const char *expected)
{
    static char text[TEXT_MAX];

    kprintf("console-input waits\n");
    wait_for_event();
    CHECK_EQ(hypercall_console_io(CONSOLEIO_read, 1, (void *)0x1000), -XEN_EFAULT);
    CHECK_EQ(hypercall_console_io(CONSOLEIO_read, 1, (void *)(HYPERVISOR_VIRT_START + 0x1000)),
             -XEN_EFAULT);
    read_line(text, sizeof(text));
    check_context("(got '%s')", text);
    CHECK(strcmp(text, expected) == 0);
    check_context("%s", "");
    nothing_typed();
}

void workload_console_input(void)
{
    long bound;

    if (!(start_info->flags & SIF_INITDOMAIN)) {
        CHECK_EQ(hypercall_console_io(CONSOLEIO_read, 0, NULL), -XEN_EPERM);
        workload_skip("only dom0 has the serial line");
        return;
    }
    bound = event_bind_virq(VIRQ_CONSOLE, 0);
    if (!CHECK(bound > 0))
        return;
    port = (evtchn_port_t)bound;
    CHECK_EQ(event_bind_virq(VIRQ_CONSOLE, 0), -XEN_EEXIST);
    refused();
    if (cmdline.typed != NULL)
        typed(cmdline.typed);
    else
        nothing_typed();
    CHECK_EQ(port_close(port), 0);
}
