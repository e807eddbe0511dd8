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

#define PIT_HZ       1193182UL
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61
#define PIT_START    0xffffU
#define PIT_WINDOW   35795U /* 30 ms; the counter wraps after 55, should we be held up */
#define SHRINKS_MAX  5U     /* to 1 ms */

#define LATCH_CHANNEL2 0x80
#define LOAD_CHANNEL2  0xb0 /* low and high byte, mode 0: the output rises at zero */
#define OUTPUT2        0x20

#define ROUNDS        5      /* that came to their end */
#define ROUNDS_MAX    60     /* on a busy host many do not */
#define TRIES         8      /* for a sample that nothing disturbed */
#define SAMPLES_MAX   64
#define FIRST_WAIT    1000U  /* ticks of the TSC */
#define GOOD_PPM      50U    /* a round with no more doubt is the last one */

uint64_t tsc_khz;
uint32_t tsc_mul;
int8_t tsc_shift;

static uint64_t tsc_boot;
static uint32_t apic_mul; /* APIC ticks = ns * mul / 2^32, shifted before */
static int8_t apic_shift;
static uint64_t apic_max_ns;

/* All counters at one moment; doubt: within how many ticks of the TSC. */
struct sample {
    uint64_t tsc, doubt;
    uint32_t apic;
    uint16_t pit;
};

static struct sample sample_once(void)
{
    struct sample s;

    uint64_t before = tsc_read();
    port_out8(PIT_COMMAND, LATCH_CHANNEL2);
    s.apic = apic_timer_left();
    uint64_t after = tsc_read();
    s.pit = port_in8(PIT_CHANNEL2);
    s.pit |= (uint16_t)(port_in8(PIT_CHANNEL2) << 8);
    s.doubt = after - before;
    s.tsc = before + s.doubt / 2;
    return s;
}

static struct sample sample(void)
{
    struct sample best = sample_once();

    for (unsigned i = 1; i < TRIES; i++) {
        struct sample s = sample_once();
        if (s.doubt < best.doubt)
            best = s;
    }
    return best;
}

/* What passed meanwhile. */
struct round {
    uint64_t tsc, doubt;
    uint32_t apic, pit;
};

/* How many ticks of the TSC until the window is over. At most as many as have passed, so that what the first few of the
 * PIT's say of the rate does not matter. */
static uint64_t wait_for(uint64_t so_far, uint32_t passed, uint32_t window)
{
    uint64_t rest = passed ? so_far * (window - passed) / passed : FIRST_WAIT;

    return MIN(rest, so_far + FIRST_WAIT);
}

/* False: the PIT does not count, or went past zero. Asks it seldom: that takes long where it is emulated. */
static bool measure(struct round *r, uint32_t window)
{
    uint8_t gate = port_in8(PIT_GATE) & 0xfc;
    uint32_t passed = 0;

    port_out8(PIT_GATE, gate);
    port_out8(PIT_COMMAND, LOAD_CHANNEL2);
    port_out8(PIT_CHANNEL2, PIT_START & 0xff);
    port_out8(PIT_CHANNEL2, PIT_START >> 8);
    apic_timer_set(0xffffffff);
    port_out8(PIT_GATE, gate | 1);
    struct sample first = sample(), last = first;
    for (unsigned i = 0; i < SAMPLES_MAX && passed < window; i++) {
        uint64_t until = last.tsc + wait_for(last.tsc - first.tsc, passed, window);
        while (tsc_read() < until)
            cpu_relax();
        last = sample();
        if (port_in8(PIT_GATE) & OUTPUT2)
            break; /* it went past zero: the count means nothing */
        passed = (uint16_t)(first.pit - last.pit);
    }
    apic_timer_set(0);
    *r = (struct round){ last.tsc - first.tsc, first.doubt + last.doubt, first.apic - last.apic, passed };
    return passed >= window;
}

/* A round's doubt in millionths of what it measured. */
static uint64_t doubt_ppm(const struct round *r)
{
    return r->tsc ? r->doubt * 1000000 / r->tsc : ~0UL;
}

void clock_boot(void)
{
    struct round best = { 0 }, r;
    unsigned shrinks = 0;

    for (unsigned i = 0, done = 0; i < ROUNDS_MAX && done < ROUNDS && doubt_ppm(&best) > GOOD_PPM; i++) {
        if (measure(&r, PIT_WINDOW >> shrinks)) {
            done++;
            if (doubt_ppm(&r) < doubt_ppm(&best))
                best = r;
        } else if (i % 4 == 3 && shrinks < SHRINKS_MAX) {
            shrinks++; /* we seldom run for that long without being held up */
        }
    }
    uint64_t tsc_hz = best.tsc ? best.tsc * PIT_HZ / best.pit : 0;
    uint64_t apic_hz = best.tsc ? best.apic * PIT_HZ / best.pit : 0;
    if (tsc_hz < 1000000 || apic_hz < 1000)
        panic("cannot measure the clocks against the PIT: is there one in this machine?");

    tsc_khz = tsc_hz / 1000;
    scale_find(tsc_hz, 1000000000UL, &tsc_mul, &tsc_shift);
    scale_find(1000000000UL, apic_hz, &apic_mul, &apic_shift);
    apic_max_ns = 0xf0000000UL * 1000000UL / (apic_hz / 1000);
    tsc_boot = tsc_read();
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
