/* SPDX-License-Identifier: MIT */
/* Threads on all processors, and time as each of them sees it. */
#define _GNU_SOURCE
#include "checks.h"
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 32U

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t plain, atomic;

static void *count(void *argument)
{
    run_on((unsigned)(uintptr_t)argument % nr_cpus());
    for (unsigned i = 0; i < 20000; i++) {
        __atomic_fetch_add(&atomic, 1, __ATOMIC_SEQ_CST);
        pthread_mutex_lock(&lock);
        plain++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* Two that hand a word to and fro: each wakes the other, maybe on another processor. */
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static unsigned turn;

static void *alternate(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;

    run_on(me % nr_cpus());
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < 2000; i++) {
        while (turn % 2 != me)
            pthread_cond_wait(&turned, &lock);
        turn++;
        pthread_cond_signal(&turned);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void run_threads(unsigned nr, void *(*function)(void *))
{
    pthread_t threads[THREADS_MAX];

    for (unsigned i = 0; i < nr; i++)
        CHECK(pthread_create(&threads[i], NULL, function, (void *)(uintptr_t)i) == 0);
    for (unsigned i = 0; i < nr; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

void check_threads(void)
{
    unsigned nr = 2 * nr_cpus() < THREADS_MAX ? 2 * nr_cpus() : THREADS_MAX;

    run_threads(nr, count);
    CHECK(plain == nr * 20000UL);
    CHECK(atomic == nr * 20000UL);
    run_threads(2, alternate);
    CHECK(turn == 4000);
}

/* ---- clocks ---- */

static uint64_t latest; /* that any thread saw */

/* Nobody sees a time before one that somebody saw. */
static void *look_at_clock(void *argument)
{
    run_on((unsigned)(uintptr_t)argument % nr_cpus());
    for (unsigned i = 0; i < 50000; i++) {
        uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST), now = now_ns();
        if (now < before) {
            failed("the clock went back by %lu ns on processor %lu", before - now, (uintptr_t)argument);
            break;
        }
        while (before < now && !__atomic_compare_exchange_n(&latest, &before, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
    }
    return NULL;
}

void check_clocks(void)
{
    struct timespec real;

    run_threads(nr_cpus() < THREADS_MAX ? nr_cpus() : THREADS_MAX, look_at_clock);
    clock_gettime(CLOCK_REALTIME, &real);
    CHECK(real.tv_sec > 1577836800); /* 2020 */
}

/* ---- timers ---- */

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
    (void)signal;
    ticks++;
}

/* On each processor: sleeping is never too short, and a timer goes on. */
void check_timers(void)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec every = { .it_value.tv_nsec = 2000000, .it_interval.tv_nsec = 2000000 };
    timer_t timer;

    for (unsigned cpu = 0; cpu < nr_cpus(); cpu++) {
        run_on(cpu);
        for (unsigned ms = 1; ms <= 16; ms *= 2) {
            uint64_t start = now_ns();
            usleep(ms * 1000);
            CHECK(now_ns() - start >= ms * 1000000UL);
        }
    }
    signal(SIGUSR1, tick);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &every, NULL) == 0);
    while (ticks < 50)
        pause();
    CHECK(timer_delete(timer) == 0);
}
