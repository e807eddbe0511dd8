/* SPDX-License-Identifier: MIT */
/* The hypervisor's command line: Xen's words, as far as we have them, and a few of ours. */
#ifndef BOOT_CMDLINE_H
#define BOOT_CMDLINE_H

#include "lib/types.h"
#include "machine/boot_cpu.h"

struct boot_options {
    unsigned com1_baud;
    bool console_com1;
    unsigned loglvl, guest_loglvl; /* enum log_level */
    uint64_t dom0_mem;             /* bytes; 0: all that is free */
    unsigned dom0_max_vcpus;       /* 0: one a processor */
    bool noreboot;
    enum global_pages global_pages;
    bool audit;          /* audit when dom0 stops */
    uint16_t debug_exit; /* port of QEMU's isa-debug-exit; 0: none */
};

/*
 * Parses a line of words into options (with defaults). For each word that is not known or not
 * understood, complain(word, what is wrong) is called; the word changes nothing.
 */
void cmdline_parse(const char *line, struct boot_options *options,
                   void (*complain)(const char *word, const char *what));

#endif
