/* SPDX-License-Identifier: MIT */
/*
 * Who called is a guess: no unwinding tables are read. Whatever on the stack points behind a call instruction of a
 * function with a name is shown, so calls that ended before may stand between those that have not.
 *
 * ABI: struct vcpu_guest_context
 */
#include "toolstack/post_mortem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "symbols/symbols.h"
#include "toolstack/guest_view.h"
#include "toolstack/port.h"

#define LINE_SIZE   160
#define CODE_BEFORE 8u
#define CODE_SIZE   24u
#define STACK_WORDS 1024u /* looked at; a kernel's stack is often twice as large, and seldom full */
#define CALLS_MAX   24u
#define NAMES_MAX   48u   /* looked up a vCPU: what a guest's own tables make of that may be slow */
#define CALL_MAX    7u    /* bytes of a call instruction */
#define VCPUS_MAX   8u

struct report {
    const struct guest *guest;
    void (*say)(void *context, const char *line);
    void *context;
    const struct symbols *symbols;
    struct vcpu_guest_context cpu;
    struct guest_view view;
    uint64_t stack[STACK_WORDS];
};

__attribute__((format(printf, 2, 3))) static void say(const struct report *r, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    r->say(r->context, line);
}

/* "function+offset/size", empty if there is none. WITHIN: an address that is surely in it. */
static void print_place(const struct report *r, uint64_t address, uint64_t within, char *to, size_t size)
{
    struct symbol symbol;

    *to = 0;
    if (!symbols_find(r->symbols, within, &symbol))
        return;
    /* As much of the name as prints: it is the guest's. */
    for (char *c = symbol.name; *c != 0; c++)
        if (*c <= ' ' || *c > '~')
            *c = '?';
    snprintf(to, size, "%s+%#lx/%#lx", symbol.name, address - symbol.address, symbol.size);
}

static void say_registers(const struct report *r)
{
    const struct cpu_user_regs *u = &r->cpu.user_regs;

    say(r, "  rsp %016lx  rflags %08lx  cs %04x  ss %04x  root %lx", u->rsp, u->rflags, u->cs, u->ss, r->view.root);
    say(r, "  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", u->rax, u->rbx, u->rcx, u->rdx);
    say(r, "  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx", u->rsi, u->rdi, u->rbp, u->r8);
    say(r, "  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx", u->r9, u->r10, u->r11, u->r12);
    say(r, "  r13 %016lx  r14 %016lx  r15 %016lx", u->r13, u->r14, u->r15);
}

/* The bytes around the instruction, which begins at the brackets. */
static void say_code(struct report *r)
{
    uint64_t rip = r->cpu.user_regs.rip;
    char line[CODE_SIZE * 5], *to = line;
    uint8_t code[CODE_SIZE];
    unsigned before = CODE_BEFORE;

    if (rip < before || !guest_view_read(&r->view, rip - before, code, sizeof(code))) {
        before = 0; /* perhaps it begins a page */
        if (!guest_view_read(&r->view, rip, code, sizeof(code))) {
            say(r, "  code cannot be read");
            return;
        }
    }
    for (unsigned i = 0; i < CODE_SIZE; i++)
        to += sprintf(to, i == before ? " <%02x>" : " %02x", code[i]);
    say(r, "  code%s", line);
}

/* Does a call instruction end here? Direct (e8 and 4 bytes), or through a register or memory (ff /2, whose forms have 2 to
 * 7 bytes, but not 5). */
static bool is_behind_call(struct report *r, uint64_t address)
{
    uint8_t code[CALL_MAX];

    if (address < CALL_MAX || !guest_view_read(&r->view, address - CALL_MAX, code, sizeof(code)))
        return false;
    if (code[CALL_MAX - 5] == 0xe8)
        return true;
    for (unsigned length = 2; length <= CALL_MAX; length++) {
        const uint8_t *at = code + CALL_MAX - length;
        if (length != 5 && at[0] == 0xff && (at[1] & 0x38) == 0x10)
            return true;
    }
    return false;
}

/* As many words as are mapped, from RSP up. */
static unsigned read_stack(struct report *r)
{
    uint64_t rsp = r->cpu.user_regs.rsp & ~7UL;
    unsigned n = 0;

    while (n < STACK_WORDS && guest_view_read(&r->view, rsp + n * 8UL, &r->stack[n], 8))
        n++;
    return n;
}

/* The cheap questions come first. Reading the guest's memory lets others have their turn. */
static void say_calls(struct report *r)
{
    unsigned nr = read_stack(r), shown = 0, looked_up = 0;
    char place[LINE_SIZE - 40];

    for (unsigned i = 0; i < nr && shown < CALLS_MAX && looked_up < NAMES_MAX; i++) {
        if (!is_behind_call(r, r->stack[i]))
            continue;
        /* The call lies before: what it returns to may be the next function, if it never does. */
        print_place(r, r->stack[i], r->stack[i] - 1, place, sizeof(place));
        looked_up++;
        if (*place == 0)
            continue;
        if (shown++ == 0)
            say(r, "  called from, or calls that ended:");
        say(r, "    %016lx %s", r->stack[i], place);
    }
}

static void say_vcpu(struct report *r, unsigned vcpu)
{
    bool in_kernel = r->cpu.flags & VGCF_in_kernel;
    char place[LINE_SIZE - 60];

    guest_view_open(&r->view, r->guest->domid, r->cpu.ctrlreg[in_kernel ? 3 : 1] / GUEST_PAGE);
    print_place(r, r->cpu.user_regs.rip, r->cpu.user_regs.rip, place, sizeof(place));
    say(r, "vcpu %u in %s: rip %016lx %s", vcpu, in_kernel ? "its kernel" : "user mode", r->cpu.user_regs.rip,
        in_kernel ? place : "");
    say_registers(r);
    say_code(r);
    if (in_kernel)
        say_calls(r);
}

/* Of the kernel that was asked for last: one that crashes again and again is searched through once. */
static const struct symbols *symbols_of(const struct guest_config *c)
{
    static struct symbols symbols;
    static const void *known;
    const void *image = NULL, *map = NULL;
    size_t image_size = 0, map_size = 0;
    char name[256];

    snprintf(name, sizeof(name), "%s.map", c->kernel);
    port_file(name, &map, &map_size);
    if (port_file(c->kernel, &image, &image_size) && image != known) {
        symbols_open(&symbols, image, image_size, map, map_size);
        known = image;
    }
    return &symbols;
}

void post_mortem(const struct guest *guest, void (*say_line)(void *context, const char *line), void *context)
{
    struct report *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return;
    r->guest = guest;
    r->say = say_line;
    r->context = context;
    r->symbols = symbols_of(&guest->config);
    for (unsigned vcpu = 0, shown = 0; vcpu < guest->config.maxvcpus; vcpu++) {
        if (control_get_context(guest->domid, vcpu, &r->cpu) != 0 || !(r->cpu.flags & VGCF_online))
            continue;
        if (shown++ == VCPUS_MAX) {
            say(r, "... and others");
            break;
        }
        say_vcpu(r, vcpu);
    }
    free(r);
}
