/* SPDX-License-Identifier: MIT */
/* The first serial port (16550), polled for output, by interrupt for input. */
#include "machine/machine.h"
#include "machine/registers.h"

#define PORT 0x3f8

#define DATA          0 /* divisor's low byte while the latch bit is set */
#define INTERRUPT     1 /* divisor's high byte while the latch bit is set */
#define FIFO_CONTROL  2
#define LINE_CONTROL  3
#define MODEM_CONTROL 4
#define LINE_STATUS   5

#define LATCH_BIT      0x80
#define EIGHT_BITS     0x03
#define STATUS_INPUT   0x01
#define STATUS_CAN_PUT 0x20
#define CLOCK_BAUD     115200

void uart_boot(unsigned baud)
{
    unsigned divisor = CLOCK_BAUD / (baud ? baud : CLOCK_BAUD);

    port_out8(PORT + INTERRUPT, 0);
    port_out8(PORT + LINE_CONTROL, LATCH_BIT | EIGHT_BITS);
    port_out8(PORT + DATA, (uint8_t)divisor);
    port_out8(PORT + INTERRUPT, (uint8_t)(divisor >> 8));
    port_out8(PORT + LINE_CONTROL, EIGHT_BITS);
    port_out8(PORT + FIFO_CONTROL, 0x07);
    port_out8(PORT + MODEM_CONTROL, 0x0b); /* DTR, RTS, and OUT2, which lets its interrupt through */
}

static bool off;

void uart_off(void)
{
    off = true;
}

void uart_put(char c)
{
    if (off)
        return;
    /* Bounded: without a port there, all bits read as one and this does not wait at all. */
    for (unsigned i = 0; i < 1000000 && !(port_in8(PORT + LINE_STATUS) & STATUS_CAN_PUT); i++)
        cpu_relax();
    port_out8(PORT + DATA, (uint8_t)c);
}

int uart_get(void)
{
    uint8_t status = port_in8(PORT + LINE_STATUS);

    if (off || status == 0xff || !(status & STATUS_INPUT))
        return -1;
    return port_in8(PORT + DATA);
}

void uart_interrupt_on(void)
{
    port_out8(PORT + INTERRUPT, 0x01);
}
