/* SPDX-License-Identifier: MIT */
/*
 * The address map of the made-up machine: what the hypervisor reaches through addresses of its own
 * are areas of the test program, mapped at fixed places by fake_machine_start. What only guests see
 * stays.
 */
#ifndef FAKE_MACHINE_LAYOUT_H
#define FAKE_MACHINE_LAYOUT_H

#include_next "machine/layout.h"

#undef M2P_WRITABLE_BASE
#undef FRAME_TABLE_BASE
#undef DIRECT_MAP_BASE

#define M2P_WRITABLE_BASE 0x210000000000
#define FRAME_TABLE_BASE  0x220000000000
#define DIRECT_MAP_BASE   0x230000000000

#endif
