/* SPDX-License-Identifier: MIT */
/*
 * Kernel files: the good one is understood to the last number, each bad one is refused with its own
 * reason, and no file, however bent, is read outside of its bytes (each is a block of its own:
 * ASan).
 */
#include "run.h"
#include "guest-image/elf.h"
#include "kernel_file.h"
#include "fake.h"
#include <stdlib.h>
#include <string.h>

static struct kernel_file file;

/* Reads from a block that ends where the file does, so that a look beyond it is seen. */
static const char *read_exact(const uint8_t *bytes, size_t size, struct kernel_image *out)
{
    uint8_t *block = malloc(size ? size : 1);

    memcpy(block, bytes, size);
    memset(out, 0x5a, sizeof(*out));
    const char *wrong = elf_read(block, size, out);
    free(block);
    return wrong;
}

static const char *refusal(void)
{
    struct kernel_image image;

    return read_exact(file.bytes, file.size, &image);
}

#define REFUSED(words)                                                                             \
    do {                                                                                           \
        const char *said = refusal();                                                              \
        ck_assert_msg(said &&strstr(said, words), "said: %s", said ? said : "(it is taken)");      \
    } while (0)

START_TEST(a_good_kernel_is_understood)
{
    struct kernel_image image;

    kernel_file_good(&file);
    ck_assert_ptr_null(read_exact(file.bytes, file.size, &image));
    ck_assert_uint_eq(image.virt_base, KERNEL_BASE);
    ck_assert_uint_eq(image.entry, KERNEL_ENTRY);
    ck_assert_uint_eq(image.hypercall_page, KERNEL_HYPERCALL);
    ck_assert_uint_eq(image.init_p2m, ELF_UNSET);
    ck_assert_uint_eq(image.paddr_offset, 0);
    ck_assert_uint_eq(image.start, KERNEL_BASE + KERNEL_PADDR);
    ck_assert_uint_eq(image.end, KERNEL_BASE + KERNEL_PADDR + KERNEL_MEM_SIZE);
    ck_assert(!image.initrd_unmapped);
    ck_assert(image.dom0_capable);
}
END_TEST

START_TEST(what_the_notes_do_not_say_has_its_default)
{
    struct kernel_image image;

    kernel_file_begin(&file);
    kernel_file_note_text(&file, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    kernel_file_note_text(&file, XEN_ELFNOTE_GUEST_OS, "linux");
    kernel_file_header(&file)->e_entry = KERNEL_PADDR + 8;
    ck_assert_ptr_null(read_exact(file.bytes, file.size, &image));
    ck_assert_uint_eq(image.virt_base, 0);
    ck_assert_uint_eq(image.entry, KERNEL_PADDR + 8);
    ck_assert_uint_eq(image.hypercall_page, ELF_UNSET);
}
END_TEST

START_TEST(notes_about_memory_and_features_are_read)
{
    struct kernel_image image;

    kernel_file_good(&file);
    kernel_file_note_number(&file, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    kernel_file_note_number(&file, XEN_ELFNOTE_MOD_START_PFN, 1);
    kernel_file_note_text(&file, XEN_ELFNOTE_FEATURES, "writable_page_tables|!pae_pgdir_above_4gb");
    kernel_file_note_number(&file, XEN_ELFNOTE_SUPPORTED_FEATURES, 1U << 11);
    ck_assert_ptr_null(read_exact(file.bytes, file.size, &image));
    ck_assert_uint_eq(image.init_p2m, 0x8000000000);
    ck_assert(image.initrd_unmapped && image.dom0_capable);
    kernel_file_note_number(&file, XEN_ELFNOTE_SUPPORTED_FEATURES, 1U << 10);
    ck_assert_ptr_null(read_exact(file.bytes, file.size, &image));
    ck_assert(!image.dom0_capable);
}
END_TEST

START_TEST(an_offset_of_physical_addresses_is_taken_off)
{
    struct kernel_image image;

    kernel_file_good(&file);
    kernel_file_note_number(&file, XEN_ELFNOTE_PADDR_OFFSET, KERNEL_BASE);
    kernel_file_segment(&file, 0)->p_paddr = KERNEL_BASE + KERNEL_PADDR;
    ck_assert_ptr_null(read_exact(file.bytes, file.size, &image));
    ck_assert_uint_eq(image.start, KERNEL_BASE + KERNEL_PADDR);
}
END_TEST

START_TEST(what_is_no_kernel_for_us_is_named)
{
    kernel_file_good(&file);
    file.bytes[1] = 'e';
    REFUSED("not an ELF file");
    kernel_file_good(&file);
    kernel_file_header(&file)->e_ident[EI_CLASS] = ELFCLASS32;
    kernel_file_header(&file)->e_machine = EM_386;
    REFUSED("32-bit");
    kernel_file_good(&file);
    kernel_file_header(&file)->e_machine = EM_AARCH64;
    REFUSED("not for x86-64");
    kernel_file_good(&file);
    kernel_file_header(&file)->e_type = ET_DYN;
    REFUSED("not an executable");
    kernel_file_good(&file);
    file.size = 0;
    REFUSED("not an ELF file");
    file.size = sizeof(Elf64_Ehdr) - 1;
    REFUSED("not an ELF file");
}
END_TEST

/* Who gives a kernel as the distribution ships it is told what it is, and that it can be helped. */
START_TEST(what_compressed_a_kernel_is_named)
{
    static const struct {
        size_t at, size;
        const char *mark, *name;
    } kinds[] = {
        { 0, 2, "\x1f\x8b", "gzip" },
        { 0, 6, "\xfd\x37\x7a\x58\x5a\0", "xz" },
        { 0, 4, "\x28\xb5\x2f\xfd", "zstd" },
        { 0, 4, "\x02\x21\x4c\x18", "lz4" },
        { 0, 4, "\x04\x22\x4d\x18", "lz4" },
        { 0, 3, "BZh", "bzip2" },
        { 0x1fe, 8, "\x55\xaa\xeb\x66HdrS", "bzImage" },
    };

    memset(&file, 0, sizeof(file));
    memcpy(file.bytes + kinds[_i].at, kinds[_i].mark, kinds[_i].size);
    file.size = kinds[_i].at + kinds[_i].size;
    REFUSED(kinds[_i].name);
    REFUSED("unpack it first");
    file.size--;
    REFUSED("not an ELF file");
    /* One byte of the mark is another: it is something else. */
    file.size = kinds[_i].at + kinds[_i].size;
    file.bytes[kinds[_i].at]++;
    REFUSED("not an ELF file");
}
END_TEST

START_TEST(what_is_elf_is_elf_whatever_it_contains)
{
    kernel_file_good(&file);
    memcpy(file.bytes + 0x1fe, "\x55\xaa", 2);
    memcpy(file.bytes + 0x202, "HdrS", 4);
    const char *said = refusal();
    ck_assert_msg(!said || !strstr(said, "bzImage"), "said: %s", said);
}
END_TEST

START_TEST(program_headers_that_cannot_be_are_refused)
{
    kernel_file_good(&file);
    kernel_file_header(&file)->e_phnum = 0;
    REFUSED("program headers");
    kernel_file_header(&file)->e_phnum = 129;
    REFUSED("program headers");
    kernel_file_good(&file);
    kernel_file_header(&file)->e_phentsize = sizeof(Elf64_Phdr) - 1;
    REFUSED("program headers");
    kernel_file_good(&file);
    kernel_file_header(&file)->e_phnum = 3;
    kernel_file_header(&file)->e_phoff = file.size - 2 * sizeof(Elf64_Phdr);
    ck_assert_ptr_nonnull(refusal());
    kernel_file_good(&file);
    kernel_file_header(&file)->e_phoff = ~0UL - 20;
    ck_assert_ptr_nonnull(refusal());
}
END_TEST

START_TEST(a_kernel_without_its_notes_is_told_which)
{
    kernel_file_begin(&file);
    REFUSED("XEN_ELFNOTE_XEN_VERSION");
    kernel_file_note_number(&file, XEN_ELFNOTE_VIRT_BASE, KERNEL_BASE);
    REFUSED("XEN_VERSION");
    kernel_file_note_text(&file, XEN_ELFNOTE_XEN_VERSION, "xen-2.0");
    REFUSED("XEN_VERSION");
    kernel_file_note_text(&file, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    REFUSED("LOADER");
    kernel_file_good(&file);
    kernel_file_note_text(&file, XEN_ELFNOTE_FEATURES, "!auto_translated_physmap");
    REFUSED("feature");
    kernel_file_good(&file);
    kernel_file_note_text(&file, XEN_ELFNOTE_FEATURES, "a|!nonsense|b");
    REFUSED("feature");
}
END_TEST

/* Notes of others, and one whose name or content goes beyond the segment, are not ours to read. */
START_TEST(notes_that_are_cut_short_are_not_read)
{
    kernel_file_good(&file);
    uint64_t whole = kernel_file_segment(&file, 1)->p_filesz;

    for (uint64_t size = 0; size < whole; size++) {
        struct kernel_image image;
        kernel_file_segment(&file, 1)->p_filesz = size;
        const char *wrong = read_exact(file.bytes, file.size, &image);
        if (!wrong)
            ck_assert(image.hypercall_page == ELF_UNSET || size + 4 > whole);
    }
    kernel_file_good(&file);
    kernel_file_segment(&file, 1)->p_filesz = file.size;
    REFUSED("no Xen notes");
    kernel_file_good(&file);
    memcpy(file.bytes + kernel_file_segment(&file, 1)->p_offset, "\xff\xff\xff\xff\xff\xff\xff\xff",
           8);
    REFUSED("no Xen notes");
}
END_TEST

START_TEST(a_segment_outside_of_the_file_is_refused)
{
    static const struct {
        uint64_t offset, filesz, memsz;
    } rows[] = {
        { KERNEL_TEXT_AT, KERNEL_TEXT_SIZE + 1, KERNEL_MEM_SIZE },
        { KERNEL_TEXT_AT + 1, KERNEL_TEXT_SIZE, KERNEL_MEM_SIZE },
        { ~0UL, 2, KERNEL_MEM_SIZE },
        { 2, ~0UL, KERNEL_MEM_SIZE },
        { KERNEL_TEXT_AT, KERNEL_TEXT_SIZE, KERNEL_TEXT_SIZE - 1 },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        kernel_file_good(&file);
        Elf64_Phdr *s = kernel_file_segment(&file, 0);
        s->p_offset = rows[i].offset;
        s->p_filesz = rows[i].filesz;
        s->p_memsz = rows[i].memsz;
        REFUSED("a segment is cut short");
    }
    kernel_file_good(&file);
    kernel_file_segment(&file, 0)->p_paddr = -0x100000UL;
    REFUSED("below the kernel's base");
    kernel_file_good(&file);
    kernel_file_segment(&file, 0)->p_memsz = ~0UL;
    REFUSED("below the kernel's base"); /* it wraps around */
    kernel_file_good(&file);
    kernel_file_segment(&file, 0)->p_type = PT_NULL;
    REFUSED("nothing to load");
}
END_TEST

START_TEST(an_entry_or_page_outside_of_the_kernel_is_refused)
{
    static const uint64_t entries[] = { 0, KERNEL_BASE, KERNEL_BASE + KERNEL_PADDR - 1, ~0UL - 1,
                                        KERNEL_BASE + KERNEL_PADDR + KERNEL_MEM_SIZE };
    static const uint64_t pages[] = { 0, KERNEL_BASE, KERNEL_HYPERCALL + 8,
                                      KERNEL_BASE + KERNEL_PADDR + KERNEL_MEM_SIZE,
                                      ~0xfffUL /* its end is address zero */ };

    for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
        kernel_file_good(&file);
        kernel_file_note_number(&file, XEN_ELFNOTE_ENTRY, entries[i]);
        REFUSED("entry lies outside");
    }
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        kernel_file_good(&file);
        kernel_file_note_number(&file, XEN_ELFNOTE_HYPERCALL_PAGE, pages[i]);
        REFUSED("hypercall page lies outside");
    }
    kernel_file_good(&file);
    kernel_file_note_number(&file, XEN_ELFNOTE_INIT_P2M, 0x8000000001);
    REFUSED("p2m");
}
END_TEST

/* Addresses that the builder could only stumble over: they are the file's fault, and it is told so.
 */
START_TEST(a_base_that_no_guest_can_have_is_refused)
{
    static const uint64_t bases[] = { HYPERVISOR_START, HYPERVISOR_END - 0x400000,
                                      KERNEL_BASE + 0x10, 0x0000900000000000 };

    for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
        kernel_file_good(&file);
        kernel_file_note_number(&file, XEN_ELFNOTE_VIRT_BASE, bases[i]);
        kernel_file_note_number(&file, XEN_ELFNOTE_ENTRY, bases[i] + KERNEL_PADDR);
        kernel_file_note_number(&file, XEN_ELFNOTE_HYPERCALL_PAGE,
                                ROUND_UP(bases[i] + KERNEL_PADDR, 4096));
        REFUSED("base address");
    }
}
END_TEST

START_TEST(a_kernel_that_fills_the_address_space_is_refused)
{
    kernel_file_begin(&file);
    kernel_file_note_text(&file, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    kernel_file_note_text(&file, XEN_ELFNOTE_LOADER, "generic");
    kernel_file_note_number(&file, XEN_ELFNOTE_ENTRY, KERNEL_PADDR);
    kernel_file_segment(&file, 0)->p_memsz = -KERNEL_PADDR - 1;
    REFUSED("base address");
    kernel_file_segment(&file, 0)->p_memsz = (1UL << 47) - KERNEL_PADDR + 1;
    REFUSED("base address");
}
END_TEST

/* The older way, by a section of text, as mini-os and GRUB's PV image have it. */
START_TEST(a_guest_section_says_the_same)
{
    static const char text[] =
        "GUEST_OS=old,XEN_VER=xen-3.0,VIRT_BASE=0x400000,ELF_PADDR_OFFSET=0x400000,"
        "VIRT_ENTRY=0x401000,HYPERCALL_PAGE=0x2,LOADER=generic";
    struct kernel_image image;

    kernel_file_begin(&file);
    Elf64_Ehdr *h = kernel_file_header(&file);
    Elf64_Shdr *sections = (Elf64_Shdr *)(file.bytes + 0x400);
    memcpy(file.bytes + 0x600, "\0__xen_guest", 13);
    memcpy(file.bytes + 0x700, text, sizeof(text) - 1);
    h->e_shoff = 0x400;
    h->e_shnum = 3;
    h->e_shstrndx = 1;
    sections[1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = 0x600, .sh_size = 13 };
    sections[2] = (Elf64_Shdr){
        .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = 0x700, .sh_size = sizeof(text) - 1
    };
    kernel_file_segment(&file, 0)->p_paddr = 0x401000;
    ck_assert_ptr_null(read_exact(file.bytes, file.size, &image));
    ck_assert_uint_eq(image.virt_base, 0x400000);
    ck_assert_uint_eq(image.entry, 0x401000);
    ck_assert_uint_eq(image.hypercall_page, 0x402000);
    ck_assert_uint_eq(image.start, 0x401000);
    for (uint64_t size = 0; size < sizeof(text); size++) {
        sections[2].sh_size = size;
        read_exact(file.bytes, file.size, &image);
    }
    sections[2].sh_size = ~0UL;
    REFUSED("no Xen notes");
}
END_TEST

struct sink {
    uint8_t memory[KERNEL_MEM_SIZE];
    unsigned calls;
    bool fail;
};

static bool store(void *context, uint64_t va, const void *data, uint64_t size)
{
    struct sink *s = context;

    s->calls++;
    ck_assert_uint_ge(va, KERNEL_BASE + KERNEL_PADDR);
    va -= KERNEL_BASE + KERNEL_PADDR;
    ck_assert_uint_le(va + size, sizeof(s->memory));
    if (data)
        memcpy(s->memory + va, data, size);
    else
        memset(s->memory + va, 0, size);
    return !s->fail;
}

START_TEST(loading_copies_what_the_file_has_and_clears_the_rest)
{
    struct kernel_image image;
    struct sink sink;

    memset(&sink, 0xee, sizeof(sink));
    sink.fail = false;
    kernel_file_good(&file);
    ck_assert_ptr_null(elf_read(file.bytes, file.size, &image));
    ck_assert(elf_load(&image, &sink, store));
    ck_assert_mem_eq(sink.memory, file.bytes + KERNEL_TEXT_AT, KERNEL_TEXT_SIZE);
    for (unsigned i = KERNEL_TEXT_SIZE; i < KERNEL_MEM_SIZE; i++)
        ck_assert_uint_eq(sink.memory[i], 0);
    sink.fail = true;
    ck_assert(!elf_load(&image, &sink, store));
}
END_TEST

/* It takes no memory, so nobody looked where its bytes are: nobody copies them either. */
START_TEST(a_segment_without_memory_is_not_loaded)
{
    struct kernel_image image;
    static struct sink sink;

    kernel_file_good(&file);
    kernel_file_header(&file)->e_phnum = 3;
    *kernel_file_segment(&file, 2) =
        (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = 1UL << 40, .p_filesz = 8, .p_paddr = 1 };
    ck_assert_ptr_null(elf_read(file.bytes, file.size, &image));
    ck_assert(elf_load(&image, &sink, store));
    ck_assert_uint_eq(sink.calls, 2);
}
END_TEST

START_TEST(a_file_that_ends_anywhere_is_refused)
{
    kernel_file_good(&file);
    size_t whole = file.size;

    for (file.size = 0; file.size < whole; file.size++)
        ck_assert_msg(refusal(), "%zu bytes of %zu are taken", file.size, whole);
}
END_TEST

static bool store_anywhere(void *context, uint64_t va, const void *data, uint64_t size)
{
    const struct kernel_image *image = context;
    volatile uint8_t sum = 0;

    ck_assert_uint_ge(va, image->start);
    ck_assert_uint_le(va + size, image->end);
    for (uint64_t i = 0; data && i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
    return true;
}

/* What is taken can be loaded, and lies where the answer says. */
START_TEST(no_mutation_leads_outside)
{
    unsigned taken = 0;

    fake_seed = (uint64_t)_i + 1;
    for (unsigned round = 0; round < 4000; round++) {
        struct kernel_image image;
        kernel_file_good(&file);
        size_t notes_end =
            kernel_file_segment(&file, 1)->p_offset + kernel_file_segment(&file, 1)->p_filesz;
        for (unsigned n = (unsigned)(fake_random() % 4) + 1; n; n--) {
            static const uint64_t values[] = {
                0, 1, 0x7f, 0x80, 0xff, 0xfffff000, 0x7fffffffffffffff, ~0UL
            };
            uint64_t value =
                fake_random() % 2 ? values[fake_random() % ARRAY_SIZE(values)] : fake_random();
            memcpy(file.bytes + fake_random() % notes_end, &value, 1U << fake_random() % 4);
        }
        uint8_t *block = malloc(file.size);
        memcpy(block, file.bytes, file.size);
        const char *wrong = elf_read(block, file.size, &image);
        if (!wrong) {
            ck_assert_uint_lt(image.start, image.end);
            ck_assert(elf_load(&image, &image, store_anywhere));
            taken++;
        }
        free(block);
    }
    ck_assert_uint_gt(taken, 100); /* else nothing was tried */
    ck_assert_uint_lt(taken, 3900);
}
END_TEST

int main(void)
{
    const struct test tests[] = {
        { a_good_kernel_is_understood },
        { what_the_notes_do_not_say_has_its_default },
        { notes_about_memory_and_features_are_read },
        { an_offset_of_physical_addresses_is_taken_off },
        { what_is_no_kernel_for_us_is_named },
        { what_compressed_a_kernel_is_named, .rounds = 7 },
        { what_is_elf_is_elf_whatever_it_contains },
        { program_headers_that_cannot_be_are_refused },
        { a_kernel_without_its_notes_is_told_which },
        { notes_that_are_cut_short_are_not_read },
        { a_segment_outside_of_the_file_is_refused },
        { an_entry_or_page_outside_of_the_kernel_is_refused },
        { a_base_that_no_guest_can_have_is_refused },
        { a_kernel_that_fills_the_address_space_is_refused },
        { a_guest_section_says_the_same },
        { loading_copies_what_the_file_has_and_clears_the_rest },
        { a_segment_without_memory_is_not_loaded },
        { a_file_that_ends_anywhere_is_refused },
        { no_mutation_leads_outside, .rounds = 4 },
    };
    return RUN_TESTS("guest-image/elf", tests);
}
