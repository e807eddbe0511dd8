/* SPDX-License-Identifier: MIT */
/*
 * dom0's console on the serial line, and the line's other use: three times Ctrl-A switches what is
 * typed between dom0 and the hypervisor, where each key is a debug key.
 *
 * ABI: console_io(cmd, count, buffer); VIRQ_CONSOLE says that there is something to read.
 */
#include <xen/xen.h>
#include "domain/refuse.h"
#include "domain/report.h"
#include "event/virq.h"
#include "hypercall/hypercall.h"
#include "machine/machine.h"
#include "memory/guest_copy.h"
#include "sched/schedule.h"
#include "trace/log.h"

#define PIECE        256U
#define INPUT_SIZE   512U
#define SWITCH_CHAR  1 /* Ctrl-A */
#define SWITCH_COUNT 3U

static struct {
    struct spinlock lock;
    char ring[INPUT_SIZE];
    uint32_t produced, consumed;
    unsigned switches; /* switch characters in a row */
    bool to_us;
} input = { .lock = SPINLOCK(LOCK_IRQ) };

void console_interrupt(void)
{
    cpu_request_work(this_cpu(), WORK_CONSOLE);
}

/* What does not fit is lost: nobody reads. */
static void keep_char(char c)
{
    irq_state_t state = spin_lock_irq(&input.lock);
    if (input.produced - input.consumed < INPUT_SIZE)
        input.ring[input.produced++ % INPUT_SIZE] = c;
    spin_unlock_irq(&input.lock, state);
}

static void take_char(char c)
{
    if (c == SWITCH_CHAR) {
        if (++input.switches == SWITCH_COUNT) {
            input.switches = 0;
            input.to_us = !input.to_us;
            log_line(LOG_ERROR, "input goes to %s", input.to_us ? "the hypervisor" : "dom0");
        }
        return;
    }
    input.switches = 0;
    if (input.to_us)
        report_key(c);
    else
        keep_char(c);
}

/* The interrupt goes to one processor: nobody else is here. */
void console_input(void)
{
    uint32_t before = input.produced;
    int c;

    while ((c = uart_get()) >= 0)
        take_char((char)c);
    if (input.produced != before)
        virq_raise_global(VIRQ_CONSOLE);
}

static long console_write(struct domain *d, uint64_t count, uint64_t buffer)
{
    char piece[PIECE];

    while (count) {
        size_t n = MIN(count, sizeof(piece));
        if (!copy_from_guest(piece, buffer, n))
            return refuse(d, XEN_EFAULT, "console_io: %016lx cannot be read", buffer);
        log_raw(piece, n);
        count -= n;
        buffer += n;
        if (count && preempt_needed())
            return hypercall_again(3, CONSOLEIO_write, count, buffer, 0);
    }
    return 0;
}

/* Copies what can be read; nothing is taken yet. "from" becomes the place of its first character. */
static size_t input_look(char *piece, size_t size, uint32_t *from)
{
    size_t n = 0;

    irq_state_t state = spin_lock_irq(&input.lock);
    uint32_t at = *from = input.consumed;
    while (n < size && at != input.produced)
        piece[n++] = input.ring[at++ % INPUT_SIZE];
    spin_unlock_irq(&input.lock, state);
    return n;
}

/* False: another reader was there first. */
static bool input_take(uint32_t from, size_t n)
{
    irq_state_t state = spin_lock_irq(&input.lock);
    bool taken = input.consumed == from;
    if (taken)
        input.consumed = from + (uint32_t)n;
    spin_unlock_irq(&input.lock, state);
    return taken;
}

/* What cannot be copied is not lost: it is taken after the copy, which the lock does not allow. */
static long console_read(struct domain *d, uint64_t count, uint64_t buffer)
{
    char piece[PIECE];
    uint32_t from;
    size_t n;

    if (count > INT32_MAX)
        return refuse(d, XEN_E2BIG, "console_io: a read of %lu characters", count);
    do {
        n = input_look(piece, MIN(count, sizeof(piece)), &from);
        if (n && !copy_to_guest(buffer, piece, n))
            return refuse(d, XEN_EFAULT, "console_io: %016lx cannot be written", buffer);
    } while (!input_take(from, n));
    return (long)n;
}

HYPERCALL(console_io)
{
    struct domain *dom = current_domain();

    UNUSED_ARGUMENT(d);
    UNUSED_ARGUMENT(e);
    if (!dom->privileged)
        return -XEN_EPERM;
    switch ((uint32_t)a) {
    case CONSOLEIO_write:
        return console_write(dom, (uint32_t)b, c);
    case CONSOLEIO_read:
        return console_read(dom, (uint32_t)b, c);
    }
    return -XEN_ENOSYS;
}
