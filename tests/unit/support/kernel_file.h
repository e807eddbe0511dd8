/* SPDX-License-Identifier: MIT */
/* A small kernel file, made piece by piece: one loaded segment, notes, and whatever a test bends.
 */
#ifndef KERNEL_FILE_H
#define KERNEL_FILE_H

#include <elf.h>
#include <xen/elfnote.h>
#include "lib/types.h"

#define KERNEL_FILE_MAX  0x4000U
#define KERNEL_BASE      0xffffffff80000000UL
#define KERNEL_PADDR     0x200000UL
#define KERNEL_TEXT_AT   0x1000U /* in the file */
#define KERNEL_TEXT_SIZE 0x1800U
#define KERNEL_MEM_SIZE  0x3000U
#define KERNEL_ENTRY     (KERNEL_BASE + KERNEL_PADDR + 0x40)
#define KERNEL_HYPERCALL (KERNEL_BASE + KERNEL_PADDR + 0x2000)

struct kernel_file {
    uint8_t bytes[KERNEL_FILE_MAX];
    size_t size;
};

/* Header, a segment to load (its bytes count up), a segment of notes with nothing in it. */
void kernel_file_begin(struct kernel_file *k);
void kernel_file_note(struct kernel_file *k, uint32_t type, const void *desc, uint32_t size);
void kernel_file_note_number(struct kernel_file *k, uint32_t type, uint64_t value);
void kernel_file_note_text(struct kernel_file *k, uint32_t type, const char *text);
/* All of it as a kernel for dom0 has it. */
void kernel_file_good(struct kernel_file *k);

static inline Elf64_Ehdr *kernel_file_header(struct kernel_file *k)
{
    return (Elf64_Ehdr *)k->bytes;
}

/* 0: what is loaded; 1: notes. */
static inline Elf64_Phdr *kernel_file_segment(struct kernel_file *k, unsigned n)
{
    return (Elf64_Phdr *)(k->bytes + sizeof(Elf64_Ehdr)) + n;
}

#endif
