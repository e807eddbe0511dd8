/* SPDX-License-Identifier: MIT */
/*
 * Time from the time-stamp counter, whose rate the PIT tells: ns = ticks * mul / 2^32, shifted before.
 */
#include "machine/clock.h"
#include "lib/check.h"
#include "machine/apic.h"
#include "machine/machine.h"
#include "machine/registers.h"
#include "machine/scale.h"

#define PIT_HZ      1193182UL
#define PIT_COUNT   11932U /* 10 ms */
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61

#define ROUNDS 3

uint64_t tsc_khz;
uint32_t tsc_mul;
int8_t tsc_shift;

static uint64_t tsc_boot;
static uint64_t boot_seconds;
static uint32_t apic_mul; /* APIC ticks = ns * mul / 2^32, shifted before */
static int8_t apic_shift;
static uint64_t apic_max_ns;

struct measure {
    uint64_t tsc, apic;
};

static struct measure measure_once(void)
{
    uint8_t gate = port_in8(PIT_GATE) & 0xfc;

    port_out8(PIT_GATE, gate);
    port_out8(PIT_COMMAND, 0xb0); /* channel 2, low and high byte, mode 0: output rises at zero */
    port_out8(PIT_CHANNEL2, PIT_COUNT & 0xff);
    port_out8(PIT_CHANNEL2, PIT_COUNT >> 8);
    apic_timer_set(0xffffffff);
    uint64_t start = tsc_read();
    port_out8(PIT_GATE, gate | 1);
    while (!(port_in8(PIT_GATE) & 0x20))
        cpu_relax();
    struct measure m = { tsc_read() - start, 0xffffffff - apic_timer_left() };
    apic_timer_set(0);
    return m;
}

static uint8_t cmos(uint8_t reg)
{
    port_out8(0x70, reg);
    return port_in8(0x71);
}

static unsigned from_bcd(uint8_t value, bool bcd)
{
    return bcd ? (value >> 4) * 10U + (value & 15U) : value;
}

static uint64_t read_wallclock(void)
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

void clock_boot(void)
{
    struct measure best = { ~0UL, ~0UL };

    /* What disturbs a round makes it look longer: the shortest is the true one. */
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct measure m = measure_once();
        if (m.tsc < best.tsc)
            best = m;
    }
    uint64_t tsc_hz = best.tsc * PIT_HZ / PIT_COUNT;
    uint64_t apic_hz = best.apic * PIT_HZ / PIT_COUNT;
    if (tsc_hz < 1000000 || apic_hz < 1000)
        panic("cannot measure the clocks against the PIT: is there one in this machine?");

    tsc_khz = tsc_hz / 1000;
    scale_find(tsc_hz, 1000000000UL, &tsc_mul, &tsc_shift);
    scale_find(1000000000UL, apic_hz, &apic_mul, &apic_shift);
    apic_max_ns = 0xf0000000UL * 1000000UL / (apic_hz / 1000);
    tsc_boot = tsc_read();
    boot_seconds = read_wallclock();
}

uint64_t tsc_now(void)
{
    return tsc_read();
}

uint64_t time_of_tsc(uint64_t tsc)
{
    return scale(tsc - tsc_boot, tsc_mul, tsc_shift);
}

uint64_t time_now(void)
{
    return time_of_tsc(tsc_read());
}

uint64_t wallclock_boot_seconds(void)
{
    return boot_seconds;
}

void timer_program(uint64_t when_ns)
{
    uint64_t now = time_now();

    if (when_ns == ~0UL) {
        apic_timer_set(0);
        return;
    }
    /* Far away: interrupt early, and the next call goes on from there. Past: at once. */
    uint64_t delta = when_ns > now ? MIN(when_ns - now, apic_max_ns) : 0;
    apic_timer_set((uint32_t)scale(delta, apic_mul, apic_shift) + 1);
}
