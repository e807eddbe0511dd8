/* SPDX-License-Identifier: MIT */
/*
 * The first program of the initial archive. Its first instruction is the mark that ends what began
 * with the guest, or with the machine (row "boot"); it says so, and becomes the benchmark. Without
 * a C library: nothing runs before it.
 */
#include "bench.h"
#include "raw_call.h"
#include <sys/syscall.h>

/* On entry: the number of arguments, they, NULL, the environment, NULL. */
void start(const long *stack) __attribute__((noreturn, used));

__asm__(".globl _start\n"
        "_start:\n"
        "    nopl 0x54454e02(%rax,%rax,1)\n"
        "    nopl 0x54454e03(%rax,%rax,1)\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call start\n");

void start(const long *stack)
{
    static const char said[] = "BENCHINIT\n", lost[] = "BENCHERROR init: there is no /bench\n";
    const long *argv = stack + 1, *environment = argv + stack[0] + 1;

    raw_call(SYS_write, 1, (long)said, sizeof(said) - 1);
    raw_call(SYS_execve, (long)"/bench", (long)argv, (long)environment);
    raw_call(SYS_write, 1, (long)lost, sizeof(lost) - 1);
    for (;;)
        raw_call(SYS_exit_group, 1, 0, 0); /* the kernel panics, which ends the machine */
}
