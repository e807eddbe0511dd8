/* SPDX-License-Identifier: MIT */
/*
 * Kernels for guests: 64-bit ELF files that say by notes (or by a section of text, the older way) how
 * they want to be started.
 *
 * ABI: <xen/elfnote.h>
 */
#ifndef GUEST_IMAGE_ELF_H
#define GUEST_IMAGE_ELF_H

#include <stdbool.h>
#include <stdint.h>

#define ELF_UNSET (~0UL)

struct kernel_image {
    const uint8_t *bytes;
    uint64_t size;
    /* Virtual addresses, ELF_UNSET where the kernel asks for none. */
    uint64_t entry, virt_base, hypercall_page, init_p2m;
    uint64_t paddr_offset;
    uint64_t start, end;  /* of the loaded kernel */
    bool initrd_unmapped; /* MOD_START_PFN: start_info names the initrd by frame number */
    bool dom0_capable;    /* false: it lists its features, and dom0 is not among them */
};

/* Reads headers and notes; nothing is loaded. Returns NULL, or what is wrong with the file, in words. */
const char *elf_read(const void *bytes, uint64_t size, struct kernel_image *out);

/* Does [start, end) lie where a guest may have its own: canonical, in one half, and not in the
 * hypervisor's part? */
bool kernel_range_ok(uint64_t start, uint64_t end);

/* Calls store for each piece: size bytes from data (NULL: zeroes) go to this virtual address. Returns
 * false if a call did. */
bool elf_load(const struct kernel_image *image, void *context,
              bool (*store)(void *context, uint64_t va, const void *data, uint64_t size));

#endif
