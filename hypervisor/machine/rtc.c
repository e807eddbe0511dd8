/* SPDX-License-Identifier: MIT */
/*
 * The wall clock of the machine: the battery-backed clock counts whole seconds, so what time it is can be told exactly
 * only when one begins.
 */
#include "machine/clock.h"
#include "machine/machine.h"
#include "machine/registers.h"
#include "machine/scale.h"
#include "trace/log.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

#define SECOND_NS     1000000000UL
#define WAIT_MAX_NS   1100000000UL /* a clock that does not tick is not waited for */
#define STEP_NS       200000UL
#define UPDATE_MAX_NS 10000000UL /* an update takes 2 ms */
#define LATE_NS       100000000UL
#define TRIES         3

static uint64_t boot_ns;

static uint8_t cmos(uint8_t reg)
{
    port_out8(CMOS_INDEX, reg);
    return port_in8(CMOS_DATA);
}

static unsigned from_bcd(uint8_t value, bool bcd)
{
    return bcd ? (value >> 4) * 10U + (value & 15U) : value;
}

/* Registers change together, with bit 7 of register 10 set meanwhile. False: it never clears, so there is no clock. */
static bool wait_for_update(void)
{
    for (uint64_t start = time_now(); cmos(10) & 0x80;)
        if (time_now() - start > UPDATE_MAX_NS)
            return false;
    return true;
}

static uint64_t read_seconds(void)
{
    bool bcd = !(cmos(11) & 4);
    unsigned hours = cmos(4), h = from_bcd(hours & 0x7f, bcd);

    if (!(cmos(11) & 2)) /* of 12; bit 7: in the afternoon */
        h = h % 12 + (hours & 0x80 ? 12 : 0);
    return wallclock_of_date(2000 + from_bcd(cmos(9), bcd), from_bcd(cmos(8), bcd), from_bcd(cmos(7), bcd)) +
           h * 3600UL + from_bcd(cmos(2), bcd) * 60UL + from_bcd(cmos(0), bcd);
}

/* Waits, idle, for another second to begin, at most for one and a little. */
static void wait_for_second(void)
{
    uint64_t start = time_now();
    uint8_t second = cmos(0);

    while (cmos(0) == second && time_now() - start < WAIT_MAX_NS) {
        interrupts_off(); /* until it waits for it */
        timer_program(time_now() + STEP_NS);
        cpu_wait();
    }
}

void wallclock_boot(void)
{
    if (!wait_for_update()) {
        log_line(LOG_WARNING, "no clock tells what time it is");
        return;
    }
    /* Should we be held up between the two, another second may have begun. */
    for (unsigned i = 0; i < TRIES; i++) {
        wait_for_second();
        uint64_t now = time_now(), seconds;
        if (!wait_for_update())
            return;
        seconds = read_seconds();
        boot_ns = seconds * SECOND_NS - now;
        if (time_now() - now < LATE_NS)
            return;
    }
}

uint64_t wallclock_boot_ns(void)
{
    return boot_ns;
}
