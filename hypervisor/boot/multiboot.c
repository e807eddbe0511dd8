/* SPDX-License-Identifier: MIT */
/*
 * Layouts and numbers are those of the Multiboot (0.6.96) and Multiboot2 (2.0) specifications.
 *
 * QEMU puts the file's name first in each command line, GRUB's Multiboot2 does not: a first word that
 * is a path is not an argument. Everything is copied: the memory it stands in is reused soon.
 */
#include "boot/multiboot.h"
#include "lib/string.h"

#define MB1_FLAG_CMDLINE 0x004U
#define MB1_FLAG_MODULES 0x008U
#define MB1_FLAG_MAP     0x040U

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
    uint32_t mmap_length, mmap_addr;
} __attribute__((packed));

struct mb1_module {
    uint32_t start, end, cmdline, reserved;
} __attribute__((packed));

struct mb1_region {
    uint32_t size; /* of what follows */
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

enum {
    MB2_END = 0,
    MB2_CMDLINE = 1,
    MB2_MODULE = 3,
    MB2_MAP = 6,
    MB2_ACPI_OLD = 14,
    MB2_ACPI_NEW = 15,
};

struct mb2_tag {
    uint32_t type, size;
} __attribute__((packed));

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
    char cmdline[];
} __attribute__((packed));

struct mb2_map {
    struct mb2_tag tag;
    uint32_t entry_size, entry_version;
} __attribute__((packed));

struct mb2_region {
    uint64_t base, length;
    uint32_t type, zero;
} __attribute__((packed));

typedef const void *(*map_fn)(uint64_t maddr, uint64_t size);

static bool is_path(const char *word)
{
    for (; *word && *word != ' ' && *word != '='; word++) {
        if (*word == '/' || !strncmp(word, ".elf", 4))
            return true;
    }
    return false;
}

static void copy_words(char *to, const char *from, size_t max)
{
    size_t length = strnlen(from, max);
    char text[BOOT_TEXT_MAX];

    length = MIN(length, sizeof(text) - 1);
    memcpy(text, from, length);
    text[length] = 0;
    const char *p = text;
    while (*p == ' ')
        p++;
    if (is_path(p)) {
        while (*p && *p != ' ')
            p++;
        while (*p == ' ')
            p++;
    }
    string_copy(to, p, BOOT_TEXT_MAX);
}

/*
 * No room for one more region: some RAM is left unused, the smallest piece there is. What is no RAM stays,
 * so that it is not used as such where the two overlap. Returns false if the new one is to go.
 */
static bool make_room(struct boot_info *out, uint64_t size, uint32_t type)
{
    unsigned smallest = BOOT_REGIONS_MAX;

    out->ignored_regions++;
    for (unsigned i = 0; i < BOOT_REGIONS_MAX; i++) {
        if (out->regions[i].type == REGION_RAM && (type != REGION_RAM || out->regions[i].size < size)) {
            smallest = i;
            size = out->regions[i].size;
            type = REGION_RAM;
        }
    }
    if (smallest == BOOT_REGIONS_MAX)
        return false;
    out->nr_regions--;
    memmove(&out->regions[smallest], &out->regions[smallest + 1],
            (out->nr_regions - smallest) * sizeof(out->regions[0]));
    return true;
}

/* Regions by address; the map of some firmware is not in order. */
static void add_region(struct boot_info *out, uint64_t start, uint64_t size, uint32_t type)
{
    if (!size || start + size < start)
        return;
    if (out->nr_regions == BOOT_REGIONS_MAX && !make_room(out, size, type))
        return;
    unsigned at = out->nr_regions;
    while (at && out->regions[at - 1].start > start) {
        out->regions[at] = out->regions[at - 1];
        at--;
    }
    out->regions[at] = (struct boot_region){ start, size, type };
    out->nr_regions++;
}

static struct boot_module *add_module(struct boot_info *out, uint64_t start, uint64_t end)
{
    if (out->nr_modules == BOOT_MODULES_MAX) {
        out->ignored_modules++;
        return NULL;
    }
    struct boot_module *m = &out->modules[out->nr_modules++];
    m->start = start;
    m->end = end;
    m->words[0] = 0;
    return m;
}

/* A text whose end we do not know: reads as much of it as is there. */
static void copy_text(char *to, uint64_t from, map_fn map)
{
    size_t max = 0;

    for (size_t step = BOOT_TEXT_MAX; step; step /= 2) {
        if (max + step <= BOOT_TEXT_MAX && map(from, max + step))
            max += step;
    }
    if (max)
        copy_words(to, map(from, max), max);
}

static const char *read_1(uint64_t at, map_fn map, struct boot_info *out)
{
    const struct mb1_info *info = map(at, sizeof(*info));

    if (!info)
        return "the boot information lies outside of memory";
    if (info->flags & MB1_FLAG_CMDLINE)
        copy_text(out->words, info->cmdline, map);
    if (!(info->flags & MB1_FLAG_MAP))
        return "the boot loader gives no memory map";
    for (uint64_t p = info->mmap_addr, end = p + info->mmap_length; p < end;) {
        const struct mb1_region *r = map(p, sizeof(*r));
        if (!r || p + sizeof(*r) > end || r->size < sizeof(*r) - sizeof(r->size))
            return "the memory map is cut short";
        add_region(out, r->base, r->length, r->type);
        p += (uint64_t)r->size + sizeof(r->size);
    }
    for (uint32_t i = 0; (info->flags & MB1_FLAG_MODULES) && i < info->mods_count; i++) {
        const struct mb1_module *m = map(info->mods_addr + i * sizeof(*m), sizeof(*m));
        if (!m || m->end < m->start)
            return "the list of modules is cut short";
        struct boot_module *to = add_module(out, m->start, m->end);
        if (to && m->cmdline)
            copy_text(to->words, m->cmdline, map);
    }
    return NULL;
}

static const char *read_map_tag(const struct mb2_tag *tag, struct boot_info *out)
{
    const struct mb2_map *m = (const void *)tag;

    if (tag->size < sizeof(*m) || m->entry_size < sizeof(struct mb2_region))
        return "the memory map is cut short";
    for (uint64_t p = sizeof(*m); p + m->entry_size <= tag->size; p += m->entry_size) {
        const struct mb2_region *r = (const void *)((const uint8_t *)tag + p);
        add_region(out, r->base, r->length, r->type);
    }
    return NULL;
}

static const char *read_module_tag(const struct mb2_tag *tag, struct boot_info *out)
{
    const struct mb2_module *m = (const void *)tag;

    if (tag->size < sizeof(*m) || m->end < m->start)
        return "a module's description is cut short";
    struct boot_module *to = add_module(out, m->start, m->end);
    if (to)
        copy_words(to->words, m->cmdline, tag->size - sizeof(*m));
    return NULL;
}

static const char *read_tag(const struct mb2_tag *tag, uint64_t at, struct boot_info *out)
{
    switch (tag->type) {
    case MB2_CMDLINE:
        copy_words(out->words, (const char *)(tag + 1), tag->size - sizeof(*tag));
        break;
    case MB2_MODULE:
        return read_module_tag(tag, out);
    case MB2_MAP:
        return read_map_tag(tag, out);
    case MB2_ACPI_OLD:
    case MB2_ACPI_NEW: /* the tag holds a copy of the pointer */
        out->rsdp = at + sizeof(*tag);
        break;
    }
    return NULL;
}

static const char *read_2(uint64_t at, map_fn map, struct boot_info *out)
{
    const uint32_t *size = map(at, 8);
    const uint8_t *all = size ? map(at, *size) : NULL;
    const char *wrong;

    if (!all)
        return "the boot information lies outside of memory";
    for (uint64_t p = 8; p + sizeof(struct mb2_tag) <= *size;) {
        const struct mb2_tag *tag = (const void *)(all + p);
        if (tag->type == MB2_END)
            return out->nr_regions ? NULL : "the boot loader gives no memory map";
        if (tag->size < sizeof(*tag) || p + tag->size > *size)
            return "the boot information is cut short";
        wrong = read_tag(tag, at + p, out);
        if (wrong)
            return wrong;
        p += ROUND_UP((uint64_t)tag->size, 8);
    }
    return "the boot information has no end";
}

const char *boot_info_read(uint32_t magic, uint64_t info, map_fn map, struct boot_info *out)
{
    memset(out, 0, sizeof(*out));
    if (magic == MULTIBOOT1_MAGIC)
        return read_1(info, map, out);
    if (magic == MULTIBOOT2_MAGIC)
        return read_2(info, map, out);
    return "it was not started by a Multiboot loader";
}
