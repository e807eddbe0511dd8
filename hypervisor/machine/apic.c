/* SPDX-License-Identifier: MIT */
#include "machine/apic.h"
#include "lib/check.h"
#include "machine/machine.h"
#include "machine/registers.h"

#define LOCAL_VA DEVICE_BASE
#define IO_VA    (DEVICE_BASE + PAGE_SIZE)

#define MSI_WINDOW      0xfee00000UL
#define MSI_WINDOW_SIZE 0x00100000UL

#define REG_ID            0x020
#define REG_TASK_PRIORITY 0x080
#define REG_EOI           0x0b0
#define REG_SPURIOUS      0x0f0
#define REG_COMMAND_LOW   0x300
#define REG_COMMAND_HIGH  0x310
#define REG_LVT_TIMER     0x320
#define REG_LVT_LINT0     0x350
#define REG_LVT_LINT1     0x360
#define REG_LVT_ERROR     0x370
#define REG_TIMER_INITIAL 0x380
#define REG_TIMER_LEFT    0x390
#define REG_TIMER_DIVIDE  0x3e0

#define LVT_MASKED         0x10000U
#define SPURIOUS_ENABLE    0x100U
#define DIVIDE_BY_1        0xbU
#define COMMAND_PENDING    0x1000U
#define COMMAND_ASSERT     0x4000U
#define COMMAND_LEVEL      0x8000U
#define COMMAND_NMI        0x400U
#define COMMAND_INIT       0x500U
#define COMMAND_STARTUP    0x600U
#define COMMAND_ALL_OTHERS 0xc0000U

static uint64_t io_apic_maddr;

static uint32_t local_read(unsigned reg)
{
    return *(volatile uint32_t *)(LOCAL_VA + reg);
}

static void local_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(LOCAL_VA + reg) = value;
}

static void io_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)IO_VA = reg;
    *(volatile uint32_t *)(IO_VA + 0x10) = value;
}

bool machine_keeps_frame(mfn_t m, bool to_write)
{
    uint64_t maddr = m.v << PAGE_SHIFT;

    /* Local APIC and the window of message-signalled interrupts: not even to read. */
    if (maddr >= MSI_WINDOW && maddr < MSI_WINDOW + MSI_WINDOW_SIZE)
        return true;
    return to_write && maddr == io_apic_maddr;
}

static void legacy_pics_off(void)
{
    /* Moved out of the exceptions' way first: a late spurious one must not look like a fault. */
    port_out8(0x20, 0x11);
    port_out8(0xa0, 0x11);
    port_out8(0x21, 0xd0);
    port_out8(0xa1, 0xd8);
    port_out8(0x21, 4);
    port_out8(0xa1, 2);
    port_out8(0x21, 1);
    port_out8(0xa1, 1);
    port_out8(0x21, 0xff);
    port_out8(0xa1, 0xff);
}

void apic_map(const struct acpi_topology *topology)
{
    if (!hypervisor_map(LOCAL_VA, topology->local_apic, PAGE_SIZE, MAP_WRITE | MAP_UNCACHED) ||
        !hypervisor_map(IO_VA, topology->io_apic & PAGE_MASK, PAGE_SIZE, MAP_WRITE | MAP_UNCACHED))
        panic("no memory to map the interrupt controllers");
    io_apic_maddr = topology->io_apic & PAGE_MASK;
    legacy_pics_off();
}

void apic_enable(void)
{
    local_write(REG_SPURIOUS, SPURIOUS_ENABLE | APIC_VECTOR_SPURIOUS);
    local_write(REG_TASK_PRIORITY, 0);
    local_write(REG_LVT_LINT0, LVT_MASKED);
    local_write(REG_LVT_LINT1, LVT_MASKED);
    local_write(REG_LVT_ERROR, LVT_MASKED);
    local_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    local_write(REG_LVT_TIMER, APIC_VECTOR_TIMER);
}

unsigned apic_id(void)
{
    return local_read(REG_ID) >> 24;
}

void apic_end_of_interrupt(void)
{
    local_write(REG_EOI, 0);
}

static void command(unsigned target, uint32_t low)
{
    irq_state_t state = interrupts_save();

    while (local_read(REG_COMMAND_LOW) & COMMAND_PENDING)
        cpu_relax();
    local_write(REG_COMMAND_HIGH, target << 24);
    local_write(REG_COMMAND_LOW, low);
    interrupts_restore(state);
}

void apic_send(unsigned target, unsigned vector)
{
    command(target, COMMAND_ASSERT | vector);
}

void apic_send_all_stop(void)
{
    command(0, COMMAND_ALL_OTHERS | COMMAND_ASSERT | COMMAND_NMI);
}

static void wait_ns(uint64_t ns)
{
    for (uint64_t end = time_now() + ns; time_now() < end;)
        cpu_relax();
}

void apic_reset_processor(unsigned target)
{
    command(target, COMMAND_INIT | COMMAND_LEVEL | COMMAND_ASSERT);
    wait_ns(200000);
    command(target, COMMAND_INIT | COMMAND_LEVEL);
    wait_ns(10000000);
}

void apic_start_processor(unsigned target, unsigned start_page)
{
    apic_reset_processor(target);
    command(target, COMMAND_STARTUP | start_page);
    wait_ns(200000);
    command(target, COMMAND_STARTUP | start_page);
}

void apic_uart_route(const struct acpi_topology *topology)
{
    uint32_t low = APIC_VECTOR_UART;

    if (topology->uart_low)
        low |= 1U << 13;
    if (topology->uart_level)
        low |= 1U << 15;
    io_write(0x10 + 2 * topology->uart_gsi + 1, apic_id() << 24);
    io_write(0x10 + 2 * topology->uart_gsi, low);
    uart_interrupt_on();
}

void apic_timer_set(uint32_t count)
{
    local_write(REG_TIMER_INITIAL, count);
}

uint32_t apic_timer_left(void)
{
    return local_read(REG_TIMER_LEFT);
}
