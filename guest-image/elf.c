/* SPDX-License-Identifier: MIT */
#include "elf.h"
#include <xen/xen.h>
#include <xen/elfnote.h>
#include "basics.h"

#define CLASS_64      2
#define MACHINE_X86   62
#define MACHINE_I386  3
#define TYPE_EXEC     2
#define SEGMENT_LOAD  1
#define SEGMENT_NOTE  4
#define SECTION_NOTE  7
#define HEADERS_MAX   128U

/* XENFEAT_* that a kernel may require of us: those that every guest here has. */
#define FEATURE_WRITABLE_TABLES "writable_page_tables"
#define FEATURE_DOM0_BIT        11

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct section {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};

struct note {
    uint32_t namesz, descsz, type;
};

struct reader {
    const uint8_t *bytes;
    uint64_t size;
    const struct elf_header *header;
    struct kernel_image *out;
    bool any_note;
    bool version_ok, loader_ok;
    const char *wrong;
};

static const void *at(const struct reader *r, uint64_t offset, uint64_t size)
{
    if (offset > r->size || size > r->size - offset)
        return NULL;
    return r->bytes + offset;
}

static const struct segment *segment(const struct reader *r, unsigned i)
{
    return at(r, r->header->phoff + (uint64_t)i * r->header->phentsize, sizeof(struct segment));
}

static const struct section *section(const struct reader *r, unsigned i)
{
    return at(r, r->header->shoff + (uint64_t)i * r->header->shentsize, sizeof(struct section));
}

static uint64_t note_number(const uint8_t *desc, uint32_t size)
{
    uint64_t value = 0;

    memcpy(&value, desc, MIN(size, 8U));
    return value;
}

static bool text_begins(const uint8_t *desc, uint32_t size, const char *with)
{
    size_t length = strlen(with);

    return size >= length && !memcmp(desc, with, length);
}

static bool text_is(const uint8_t *desc, uint32_t size, const char *text)
{
    return strnlen((const char *)desc, size) == strlen(text) && text_begins(desc, size, text);
}

/* "a|!b|c": a name with '!' must be there. */
static void read_features(struct reader *r, const uint8_t *desc, uint32_t size)
{
    static const char *const known[] = { FEATURE_WRITABLE_TABLES, "pae_pgdir_above_4gb",
                                         "writable_descriptor_tables", "auto_translated_physmap",
                                         "supervisor_mode_kernel", "dom0" };
    size_t length = strnlen((const char *)desc, size), from = 0;

    while (from < length) {
        size_t to = from;
        while (to < length && desc[to] != '|')
            to++;
        if (desc[from] == '!') {
            from++;
            /* Of these we have tables by hypercall and by store, any L4 address, and dom0. */
            bool have = false;
            for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
                have |= strlen(known[i]) == to - from && !memcmp(known[i], desc + from, to - from) &&
                        (i == 0 || i == 1 || i == 5);
            if (!have)
                r->wrong = "the kernel requires a feature that PV guests do not have here";
        }
        from = to + 1;
    }
}

static void read_note(struct reader *r, uint32_t type, const uint8_t *desc, uint32_t size)
{
    struct kernel_image *out = r->out;

    r->any_note = true;
    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        out->entry = note_number(desc, size);
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        out->hypercall_page = note_number(desc, size);
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        out->virt_base = note_number(desc, size);
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        out->paddr_offset = note_number(desc, size);
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        r->version_ok = text_begins(desc, size, "xen-3.0");
        break;
    case XEN_ELFNOTE_LOADER:
        r->loader_ok |= text_begins(desc, size, "generic");
        break;
    case XEN_ELFNOTE_GUEST_OS:
        r->loader_ok |= text_begins(desc, size, "linux");
        break;
    case XEN_ELFNOTE_FEATURES:
        read_features(r, desc, size);
        break;
    case XEN_ELFNOTE_INIT_P2M:
        out->init_p2m = note_number(desc, size);
        break;
    case XEN_ELFNOTE_MOD_START_PFN:
        out->initrd_unmapped = note_number(desc, size) != 0;
        break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        out->dom0_capable = note_number(desc, size) >> FEATURE_DOM0_BIT & 1;
        break;
    }
}

static void read_notes(struct reader *r, uint64_t offset, uint64_t size)
{
    const uint8_t *notes = at(r, offset, size);

    if (!notes)
        return;
    for (uint64_t p = 0; p + sizeof(struct note) <= size;) {
        struct note n;
        memcpy(&n, notes + p, sizeof(n));
        uint64_t name = p + sizeof(n), desc = name + ROUND_UP((uint64_t)n.namesz, 4);
        uint64_t end = desc + ROUND_UP((uint64_t)n.descsz, 4);
        if (desc + n.descsz > size)
            return;
        if (text_is(notes + name, n.namesz, "Xen"))
            read_note(r, n.type, notes + desc, n.descsz);
        p = end;
    }
}

/* --- The older way: KEY=value,KEY=value --- */

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

/* Decimal, or 0x and hexadecimal, up to the first character that is no digit. What is too large is no
 * address either: 0. */
static uint64_t text_number(const char *text)
{
    unsigned base = 10;
    uint64_t value = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    for (; digit_value(*text) < base; text++) {
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit_value(*text), &value))
            return 0;
    }
    return value;
}

static bool begins(const char *text, const char *with)
{
    return text_begins((const uint8_t *)text, (uint32_t)strlen(text), with);
}

static bool is(const char *text, const char *other)
{
    return strlen(text) == strlen(other) && begins(text, other);
}

static void read_pair(struct reader *r, const char *key, const char *value)
{
    struct kernel_image *out = r->out;

    r->any_note = true;
    if (is(key, "VIRT_BASE"))
        out->virt_base = text_number(value);
    else if (is(key, "VIRT_ENTRY"))
        out->entry = text_number(value);
    else if (is(key, "ELF_PADDR_OFFSET"))
        out->paddr_offset = text_number(value);
    else if (is(key, "HYPERCALL_PAGE"))
        out->hypercall_page = text_number(value) << PAGE_SHIFT; /* plus virt_base, once known */
    else if (is(key, "XEN_VER"))
        r->version_ok = begins(value, "xen-3.0");
    else if (is(key, "LOADER"))
        r->loader_ok |= begins(value, "generic");
    else if (is(key, "GUEST_OS"))
        r->loader_ok |= begins(value, "linux");
}

static void read_guest_section(struct reader *r, const struct section *s)
{
    const char *text = at(r, s->offset, s->size);
    char pair[128];
    size_t used = 0;

    r->out->paddr_offset = ELF_UNSET;
    for (uint64_t i = 0; text && i <= s->size; i++) {
        bool ends = i == s->size || text[i] == ',' || !text[i];
        if (!ends && used < sizeof(pair) - 1)
            pair[used++] = text[i];
        if (!ends)
            continue;
        pair[used] = 0;
        char *value = pair;
        while (*value && *value != '=')
            value++;
        if (*value)
            *value++ = 0;
        read_pair(r, pair, value);
        used = 0;
        if (i < s->size && !text[i])
            break;
    }
    if (r->out->virt_base == ELF_UNSET)
        r->out->virt_base = 0;
    if (r->out->paddr_offset == ELF_UNSET)
        r->out->paddr_offset = r->out->virt_base;
    if (r->out->hypercall_page != ELF_UNSET)
        r->out->hypercall_page += r->out->virt_base;
}

static void find_notes(struct reader *r)
{
    for (unsigned i = 0; i < r->header->phnum; i++) {
        const struct segment *s = segment(r, i);
        if (s && s->type == SEGMENT_NOTE)
            read_notes(r, s->offset, s->filesz);
    }
    for (unsigned i = 0; !r->any_note && i < r->header->shnum; i++) {
        const struct section *s = section(r, i);
        if (s && s->type == SECTION_NOTE)
            read_notes(r, s->offset, s->size);
    }
    const struct section *names = section(r, r->header->shstrndx);
    for (unsigned i = 0; !r->any_note && names && i < r->header->shnum; i++) {
        const struct section *s = section(r, i);
        const char *name = s ? at(r, names->offset + s->name, sizeof("__xen_guest")) : NULL;
        if (name && !memcmp(name, "__xen_guest", sizeof("__xen_guest")))
            read_guest_section(r, s);
    }
}

/* --- Segments --- */

bool kernel_range_ok(uint64_t start, uint64_t end)
{
    return start <= end && (end <= LOWER_HALF_END || start >= HYPERVISOR_VIRT_END);
}

static const char *check_segments(struct reader *r)
{
    struct kernel_image *out = r->out;

    out->start = ~0UL;
    out->end = 0;
    for (unsigned i = 0; i < r->header->phnum; i++) {
        const struct segment *s = segment(r, i);
        if (!s)
            return "its program headers are cut short";
        if (s->type != SEGMENT_LOAD || !s->memsz)
            continue;
        uint64_t va = s->paddr - out->paddr_offset + out->virt_base;
        if (!at(r, s->offset, s->filesz) || s->filesz > s->memsz)
            return "a segment is cut short";
        if (va < out->virt_base || va + s->memsz < va)
            return "a segment lies below the kernel's base address";
        out->start = MIN(out->start, va);
        out->end = MAX(out->end, va + s->memsz);
    }
    if (out->start >= out->end)
        return "it has nothing to load";
    if (out->virt_base % PAGE_SIZE || !kernel_range_ok(out->virt_base, out->end))
        return "its base address is not on a page boundary, or not where a guest may have one";
    if (out->entry < out->start || out->entry >= out->end)
        return "its entry lies outside of what it loads";
    if (out->hypercall_page != ELF_UNSET &&
        (out->hypercall_page % PAGE_SIZE || out->hypercall_page < out->start ||
         out->hypercall_page > ROUND_UP(out->end, PAGE_SIZE) - PAGE_SIZE))
        return "its hypercall page lies outside of what it loads";
    if (out->init_p2m != ELF_UNSET && out->init_p2m % PAGE_SIZE)
        return "its address for the p2m list is not on a page boundary";
    return NULL;
}

/* --- Files that are none --- */

#define UNPACK "unpack it first (./tenon does)"

static const struct compression {
    unsigned length;
    const char *mark; /* that a file begins with */
    const char *words;
} compressions[] = {
    { 2, "\x1f\x8b", "it is compressed with gzip: " UNPACK },
    { 6, "\xfd\x37zXZ\0", "it is compressed with xz: " UNPACK },
    { 4, "\x28\xb5\x2f\xfd", "it is compressed with zstd: " UNPACK },
    { 4, "\x02\x21\x4c\x18", "it is compressed with lz4: " UNPACK },
    { 4, "\x04\x22\x4d\x18", "it is compressed with lz4: " UNPACK },
    { 3, "BZh", "it is compressed with bzip2: " UNPACK },
};

/* A boot sector's signature, and Linux's header behind it. */
static bool is_bzimage(const struct reader *r)
{
    const uint8_t *found = at(r, 0x1fe, 8);

    return found && found[0] == 0x55 && found[1] == 0xaa && !memcmp(found + 4, "HdrS", 4);
}

static const char *what_else_it_is(const struct reader *r)
{
    if (is_bzimage(r))
        return "it is a bzImage, a compressed kernel: " UNPACK;
    for (unsigned i = 0; i < ARRAY_SIZE(compressions); i++) {
        const struct compression *c = &compressions[i];
        if (r->size >= c->length && !memcmp(r->bytes, c->mark, c->length))
            return c->words;
    }
    return "it is not an ELF file: give an uncompressed kernel built for Xen PV";
}

static const char *check_header(const struct reader *r)
{
    const struct elf_header *h = r->header;

    if (r->size < sizeof(*h) || memcmp(h->ident, "\177ELF", 4))
        return what_else_it_is(r);
    if (h->ident[4] != CLASS_64 || h->machine != MACHINE_X86)
        return h->machine == MACHINE_I386 ? "it is a 32-bit kernel: only 64-bit ones run here"
                                          : "it is not for x86-64: only x86-64 kernels run here";
    if (h->type != TYPE_EXEC)
        return "it is not an executable file";
    if (!h->phnum || h->phnum > HEADERS_MAX || h->phentsize < sizeof(struct segment))
        return "its program headers are not usable";
    return NULL;
}

const char *elf_read(const void *bytes, uint64_t size, struct kernel_image *out)
{
    struct reader r = { .bytes = bytes, .size = size, .header = bytes, .out = out };

    *out = (struct kernel_image){ .bytes = bytes,
                                  .size = size,
                                  .entry = ELF_UNSET,
                                  .virt_base = ELF_UNSET,
                                  .hypercall_page = ELF_UNSET,
                                  .init_p2m = ELF_UNSET,
                                  .dom0_capable = true };
    const char *wrong = check_header(&r);
    if (wrong)
        return wrong;
    find_notes(&r);
    if (!r.any_note)
        return "it has no Xen notes (XEN_ELFNOTE_XEN_VERSION and others): it was not built for Xen PV";
    if (!r.version_ok)
        return "its note XEN_VERSION is missing or not \"xen-3.0\"";
    if (!r.loader_ok)
        return "its note LOADER is not \"generic\"";
    if (r.wrong)
        return r.wrong;
    if (out->virt_base == ELF_UNSET)
        out->virt_base = 0;
    if (out->entry == ELF_UNSET)
        out->entry = r.header->entry;
    return check_segments(&r);
}

bool elf_load(const struct kernel_image *image, void *context,
              bool (*store)(void *context, uint64_t va, const void *data, uint64_t size))
{
    struct reader r = { .bytes = image->bytes, .size = image->size, .header = (void *)image->bytes };

    for (unsigned i = 0; i < r.header->phnum; i++) {
        const struct segment *s = segment(&r, i);
        if (s->type != SEGMENT_LOAD || !s->memsz)
            continue;
        uint64_t va = s->paddr - image->paddr_offset + image->virt_base;
        if (!store(context, va, image->bytes + s->offset, s->filesz) ||
            !store(context, va + s->filesz, NULL, s->memsz - s->filesz))
            return false;
    }
    return true;
}
