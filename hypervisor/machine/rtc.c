/* SPDX-License-Identifier: MIT */
/*
 * The wall clock of the machine: the battery-backed clock counts whole seconds, so what time it is can be told exactly
 * only when one begins.
 */
#include "machine/clock.h"
#include "machine/machine.h"
#include "machine/registers.h"
#include "machine/scale.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

#define SECOND_NS   1000000000UL
#define WAIT_MAX_NS 1100000000UL /* a clock that does not tick is not waited for */
#define STEP_NS     200000UL

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

static uint64_t read_seconds(void)
{
    unsigned s, second;
    uint64_t t;

    do { /* until two reads of the seconds agree: no update in between */
        while (cmos(10) & 0x80)
            cpu_relax();
        bool bcd = !(cmos(11) & 4);
        s = cmos(0);
        t = wallclock_of_date(2000 + from_bcd(cmos(9), bcd), from_bcd(cmos(8), bcd),
                              from_bcd(cmos(7), bcd));
        t += from_bcd(cmos(4) & 0x7f, bcd) * 3600UL + from_bcd(cmos(2), bcd) * 60UL +
             from_bcd((uint8_t)s, bcd);
        second = cmos(0);
    } while (s != second);
    return t;
}

void wallclock_boot(void)
{
    uint64_t start = time_now();
    uint8_t second = cmos(0);

    while (cmos(0) == second && time_now() - start < WAIT_MAX_NS) {
        interrupts_off(); /* until it waits for it */
        timer_program(time_now() + STEP_NS);
        cpu_wait();
    }
    uint64_t now = time_now();
    boot_ns = read_seconds() * SECOND_NS - now;
}

uint64_t wallclock_boot_ns(void)
{
    return boot_ns;
}
