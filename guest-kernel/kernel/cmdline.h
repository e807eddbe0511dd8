/* SPDX-License-Identifier: MIT */
/*
 * The command line: words, some with a value.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include <stdbool.h>

#include "arch/arch.h"

#define NAMES_MAX 128

/* A list "a,b,c" cut into its names. */
struct name_list {
    unsigned count;
    const char *names[NAMES_MAX];
};

struct cmdline {
    bool list;
    bool bench;             /* benchmarks instead of workloads */
    bool bench_ticks;       /* what the TSC counts: instructions (-icount) or ticks */
    unsigned rounds;        /* 0: each row's own */
    const char *typed;      /* what somebody will type on the console; NULL: nobody */
    const char *crash;      /* NULL: none */
    const char *flood;      /* what to do without end; NULL: nothing */
    const char *script;     /* dom0: commands to carry out; NULL: none */
    bool shell;             /* dom0: commands are typed */
    bool line;              /* dom0: commands come by the second serial line */
    const char *meet;       /* where guests meet in the store; NULL: nowhere */
    unsigned peers;         /* how many others come there */
    bool stay;              /* when all is done, wait to be told to end */
    enum arch_shutdown end; /* how to shut down when all is done */
    bool run_wanted;        /* the word "run" was there */
    struct name_list run;   /* empty: all */
    struct name_list rows;  /* empty: all */
};

extern struct cmdline cmdline;

/* Reports words that it does not know, and ignores them. */
void cmdline_parse(const char *text);

#endif
