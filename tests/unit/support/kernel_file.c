/* SPDX-License-Identifier: MIT */
#include "kernel_file.h"
#include <assert.h>
#include <string.h>

#define NOTES_AT 0x200U

void kernel_file_begin(struct kernel_file *k)
{
    memset(k, 0, sizeof(*k));
    *kernel_file_header(k) = (Elf64_Ehdr){
        .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = KERNEL_BASE + KERNEL_PADDR,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
        .e_shentsize = sizeof(Elf64_Shdr),
    };
    *kernel_file_segment(k, 0) = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W | PF_X,
        .p_offset = KERNEL_TEXT_AT,
        .p_vaddr = KERNEL_BASE + KERNEL_PADDR,
        .p_paddr = KERNEL_PADDR,
        .p_filesz = KERNEL_TEXT_SIZE,
        .p_memsz = KERNEL_MEM_SIZE,
    };
    *kernel_file_segment(k, 1) = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = NOTES_AT };
    for (unsigned i = 0; i < KERNEL_TEXT_SIZE; i++)
        k->bytes[KERNEL_TEXT_AT + i] = (uint8_t)(i * 7 + 1);
    k->size = KERNEL_TEXT_AT + KERNEL_TEXT_SIZE;
}

void kernel_file_note(struct kernel_file *k, uint32_t type, const void *desc, uint32_t size)
{
    Elf64_Phdr *notes = kernel_file_segment(k, 1);
    uint8_t *to = k->bytes + NOTES_AT + notes->p_filesz;
    uint32_t head[3] = { 4, size, type };

    notes->p_filesz += sizeof(head) + 4 + ROUND_UP(size, 4U);
    assert(NOTES_AT + notes->p_filesz <= KERNEL_TEXT_AT);
    memcpy(to, head, sizeof(head));
    memcpy(to + sizeof(head), "Xen", 4);
    memcpy(to + sizeof(head) + 4, desc, size);
}

void kernel_file_note_number(struct kernel_file *k, uint32_t type, uint64_t value)
{
    kernel_file_note(k, type, &value, sizeof(value));
}

void kernel_file_note_text(struct kernel_file *k, uint32_t type, const char *text)
{
    kernel_file_note(k, type, text, (uint32_t)strlen(text) + 1);
}

void kernel_file_good(struct kernel_file *k)
{
    kernel_file_begin(k);
    kernel_file_note_text(k, XEN_ELFNOTE_GUEST_OS, "tenon-test");
    kernel_file_note_text(k, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    kernel_file_note_text(k, XEN_ELFNOTE_LOADER, "generic");
    kernel_file_note_number(k, XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE);
    kernel_file_note_number(k, XEN_ELFNOTE_ENTRY, KERNEL_ENTRY);
    kernel_file_note_number(k, XEN_ELFNOTE_HYPERCALL_PAGE, KERNEL_HYPERCALL);
}
