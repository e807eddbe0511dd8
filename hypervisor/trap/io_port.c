/* SPDX-License-Identifier: MIT */
/*
 * Ports. Two questions: may this mode of the vCPU use ports (virtual IOPL, or a bitmap of its own)? And
 * does the domain have the port? A port that it does not have reads as ones and swallows writes.
 */
#include "machine/registers.h"
#include "memory/guest_copy.h"
#include "trap/privileged.h"

/* The hypervisor's own devices, which dom0 does not get either. */
static const struct {
    uint16_t first, last;
} kept[] = {
    { 0x20, 0x21 },   /* interrupt controllers */
    { 0xa0, 0xa1 },
    { 0x40, 0x43 },   /* PIT */
    { 0x61, 0x61 },
    { 0x3f8, 0x3ff }, /* our serial port */
};

bool io_port_permitted(const struct vcpu *v, unsigned port, unsigned size)
{
    uint8_t bits[2];

    if (v->iopl >= (v->in_kernel ? 1U : 3U))
        return true;
    if (!v->io_bitmap || port + size > v->io_bitmap_ports ||
        !copy_from_guest(bits, v->io_bitmap + port / 8, port / 8 == (port + size - 1) / 8 ? 1 : 2))
        return false;
    for (unsigned i = 0; i < size; i++) {
        if (bits[(port + i) / 8 - port / 8] >> ((port + i) % 8) & 1)
            return false;
    }
    return true;
}

static bool has_port(const struct vcpu *v, unsigned port, unsigned size)
{
    if (!v->domain->privileged || port + size > 0x10000)
        return false;
    for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
        if (port <= kept[i].last && port + size > kept[i].first)
            return false;
    }
    return true;
}

uint32_t io_port_read(struct vcpu *v, unsigned port, unsigned size)
{
    if (!has_port(v, port, size))
        return ~0U;
    switch (size) {
    case 1:
        return port_in8((uint16_t)port);
    case 2:
        return port_in16((uint16_t)port);
    }
    return port_in32((uint16_t)port);
}

void io_port_write(struct vcpu *v, unsigned port, unsigned size, uint32_t value)
{
    if (!has_port(v, port, size))
        return;
    if (size == 1)
        port_out8((uint16_t)port, (uint8_t)value);
    else if (size == 2)
        port_out16((uint16_t)port, (uint16_t)value);
    else
        port_out32((uint16_t)port, value);
}
