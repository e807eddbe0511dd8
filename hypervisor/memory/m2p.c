/* SPDX-License-Identifier: MIT */
#include "memory/m2p.h"
#include "lib/check.h"
#include "lib/string.h"
#include "machine/machine.h"
#include "machine/paging_bits.h"
#include "memory/frame.h"
#include "memory/frame_alloc.h"

#define PIECE (2UL << 20)

static uint64_t table_bytes(void)
{
    return ROUND_UP(max_mfn * sizeof(uint64_t), PIECE);
}

void m2p_boot(void)
{
    for (uint64_t at = 0; at < table_bytes(); at += PIECE) {
        uint64_t piece = boot_pages_alloc(PIECE, PIECE);
        memset(maddr_to_virt(piece), 0xff, PIECE);
        if (!hypervisor_map(M2P_BASE + at, piece, PIECE, MAP_GUEST) ||
            !hypervisor_map(M2P_WRITABLE_BASE + at, piece, PIECE, MAP_WRITE))
            panic("not enough memory for the machine-to-physical table: give the machine more");
    }
}
