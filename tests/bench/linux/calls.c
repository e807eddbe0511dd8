/* SPDX-License-Identifier: MIT */
/* System calls that do next to nothing, and signals. */
#define _GNU_SOURCE
#include "bench.h"
#include "raw_call.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static uint64_t null_call(unsigned rounds)
{
    uint64_t begun = timed_begin();

    for (unsigned i = 0; i < rounds; i++)
        raw_call(SYS_getppid, 0, 0, 0);
    return timed_end(begun);
}

/* ---- null I/O ---- */

static int zero, null;

static void open_devices(void)
{
    zero = open("/dev/zero", O_RDONLY);
    null = open("/dev/null", O_WRONLY);
    must(zero >= 0 && null >= 0, "opening /dev/zero and /dev/null");
}

static uint64_t null_io(unsigned rounds)
{
    uint64_t begun, took;
    long wrong = 0;
    char byte;

    begun = timed_begin();
    for (unsigned i = 0; i < rounds; i++) {
        wrong |= raw_call(SYS_read, zero, (long)&byte, 1) ^ 1;
        wrong |= raw_call(SYS_write, null, (long)&byte, 1) ^ 1;
    }
    took = timed_end(begun);
    must(wrong == 0, "reading or writing one byte");
    return took;
}

/* ---- signals ---- */

static volatile unsigned nr_signals;

static void count_signal(int signal)
{
    (void)signal;
    nr_signals++;
}

static void handle_signals(void)
{
    struct sigaction action = { .sa_handler = count_signal };

    must(sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
}

static uint64_t signal_handled(unsigned rounds)
{
    long self = getpid();
    uint64_t begun, took;

    nr_signals = 0;
    begun = timed_begin();
    for (unsigned i = 0; i < rounds; i++)
        raw_call(SYS_kill, self, SIGUSR1, 0);
    took = timed_end(begun);
    must(nr_signals == rounds, "handling each signal once");
    return took;
}

/* ---- protection faults ---- */

static char *read_only;

/* "movb $0,(%rdi)" is three bytes long; the handler has the process go on behind it. */
#define STORE_SIZE 3

static void skip_store(int signal, siginfo_t *info, void *context)
{
    ucontext_t *user = context;

    (void)signal;
    if (info->si_addr != read_only)
        fail("a fault at %p", info->si_addr);
    user->uc_mcontext.gregs[REG_RIP] += STORE_SIZE;
    nr_signals++;
}

static void handle_faults(void)
{
    struct sigaction action = { .sa_sigaction = skip_store, .sa_flags = SA_SIGINFO };

    read_only = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(read_only != MAP_FAILED, "mmap");
    *read_only = 1;
    must(mprotect(read_only, PAGE, PROT_READ) == 0, "mprotect");
    must(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
}

static uint64_t fault_to_signal(unsigned rounds)
{
    uint64_t begun, took;

    nr_signals = 0;
    begun = timed_begin();
    for (unsigned i = 0; i < rounds; i++)
        __asm__ volatile(".byte 0xc6, 0x07, 0x00" ::"D"(read_only) : "memory");
    took = timed_end(begun);
    must(nr_signals == rounds, "handling each fault once");
    return took;
}

const struct row call_rows[] = {
    { "null-call", null_call, 1000, 1, NULL, NULL },
    { "null-io", null_io, 500, 1, open_devices, NULL },
    { "signal", signal_handled, 200, 1, handle_signals, NULL },
    { "fault-signal", fault_to_signal, 200, 1, handle_faults, NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
