/* SPDX-License-Identifier: MIT */
#include "machine/acpi.h"
#include "lib/string.h"
#include "machine/paging_bits.h"
#include "trace/log.h"

#define MAPPED_END (4UL << 30)

#define MADT_LOCAL_APIC 0
#define MADT_IO_APIC    1
#define MADT_OVERRIDE   2

#define LOCAL_APIC_ENABLED 1U
#define UART_ISA_IRQ       4

struct header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct root_pointer {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
} __attribute__((packed));

struct madt {
    struct header header;
    uint32_t local_apic, flags;
} __attribute__((packed));

struct madt_entry {
    uint8_t type, length;
    union {
        struct {
            uint8_t acpi_id, apic_id;
            uint32_t flags;
        } __attribute__((packed)) local;
        struct {
            uint8_t id, reserved;
            uint32_t address, gsi_base;
        } __attribute__((packed)) io;
        struct {
            uint8_t bus, source;
            uint32_t gsi;
            uint16_t flags;
        } __attribute__((packed)) override;
    };
} __attribute__((packed));

static bool sums_to_zero(const void *p, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)p)[i]);
    return sum == 0;
}

static const struct root_pointer *check_root(uint64_t at)
{
    const struct root_pointer *root = maddr_to_virt(at);

    if (at + sizeof(*root) > MAPPED_END || memcmp(root->signature, "RSD PTR ", 8) ||
        !sums_to_zero(root, 20))
        return NULL;
    return root;
}

static const struct root_pointer *find_root(uint64_t hint)
{
    const struct root_pointer *root = hint ? check_root(hint) : NULL;
    uint64_t ebda = (uint64_t) * (const uint16_t *)maddr_to_virt(0x40e) << 4;

    for (uint64_t at = ebda; !root && ebda >= 0x80000 && at < ebda + 1024; at += 16)
        root = check_root(at);
    for (uint64_t at = 0xe0000; !root && at < 0x100000; at += 16)
        root = check_root(at);
    return root;
}

static const struct header *check_table(uint64_t at)
{
    const struct header *table = maddr_to_virt(at);

    if (at + sizeof(*table) > MAPPED_END || table->length < sizeof(*table) ||
        table->length > 1 << 20 || at + table->length > MAPPED_END ||
        !sums_to_zero(table, table->length))
        return NULL;
    return table;
}

static const struct header *find_table(const struct root_pointer *root, const char *signature)
{
    bool wide = root->revision >= 2 && root->xsdt && root->xsdt < MAPPED_END;
    const struct header *list = check_table(wide ? root->xsdt : root->rsdt);
    unsigned size = wide ? 8 : 4;

    if (!list)
        return NULL;
    for (uint32_t at = sizeof(*list); at + size <= list->length; at += size) {
        uint64_t address = 0;
        memcpy(&address, (const uint8_t *)list + at, size);
        if (address >= MAPPED_END)
            continue;
        const struct header *table = check_table(address);
        if (table && !memcmp(table->signature, signature, 4))
            return table;
    }
    return NULL;
}

static void read_entry(const struct madt_entry *e, struct acpi_topology *out)
{
    switch (e->type) {
    case MADT_LOCAL_APIC:
        if (!(e->local.flags & LOCAL_APIC_ENABLED))
            break;
        if (out->nr_processors == NR_CPUS)
            out->ignored_processors++;
        else
            out->apic_ids[out->nr_processors++] = e->local.apic_id;
        break;
    case MADT_IO_APIC:
        if (e->io.gsi_base == 0)
            out->io_apic = e->io.address;
        break;
    case MADT_OVERRIDE:
        if (e->override.source == UART_ISA_IRQ) {
            out->uart_gsi = e->override.gsi;
            out->uart_low = (e->override.flags & 3) == 3;
            out->uart_level = (e->override.flags >> 2 & 3) == 3;
        }
        break;
    }
}

void acpi_read(uint64_t rsdp, struct acpi_topology *out)
{
    const struct root_pointer *root = find_root(rsdp);
    const struct header *table = root ? find_table(root, "APIC") : NULL;

    *out = (struct acpi_topology){ .local_apic = 0xfee00000,
                                   .io_apic = 0xfec00000,
                                   .uart_gsi = UART_ISA_IRQ };
    if (!table || table->length < sizeof(struct madt)) {
        log_line(LOG_WARNING, "no ACPI table of processors: using one");
        return;
    }
    out->local_apic = ((const struct madt *)table)->local_apic;
    for (uint32_t at = sizeof(struct madt); at + 2 <= table->length;) {
        const struct madt_entry *e = (const void *)((const uint8_t *)table + at);
        if (e->length < 8 || at + e->length > table->length)
            break;
        read_entry(e, out);
        at += e->length;
    }
}
