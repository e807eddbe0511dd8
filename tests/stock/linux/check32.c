/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit program, with no library: system calls by int 0x80 and by the way that the kernel offers (its vDSO), and
 * segments of its own. Prints "CHECK 32-bit PASS" or what is wrong.
 */
#define SYS_EXIT   1
#define SYS_WRITE  4
#define SYS_GETPID 20
#define AT_SYSINFO 32

static int call(int nr, int a, const void *b, int c)
{
    int result;

    asm volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static int call_fast(unsigned entry, int nr)
{
    int result;

    asm volatile("call *%1" : "=a"(result) : "r"(entry), "a"(nr) : "memory", "ecx", "edx");
    return result;
}

static void print(const char *text)
{
    int length = 0;

    while (text[length])
        length++;
    call(SYS_WRITE, 1, text, length);
}

__attribute__((used)) void start(unsigned *stack)
{
    unsigned entry = 0, *at = stack + 1 + *stack + 1;
    int pid = call(SYS_GETPID, 0, 0, 0), bad = pid <= 0;

    while (*at++) /* the environment */
        ;
    for (; at[0]; at += 2)
        if (at[0] == AT_SYSINFO)
            entry = at[1];
    for (int i = 0; i < 1000 && entry; i++)
        bad |= call_fast(entry, SYS_GETPID) != pid;
    print(bad ? "CHECK 32-bit FAIL system calls differ\n" : "CHECK 32-bit PASS\n");
    call(SYS_EXIT, bad, 0, 0);
}

asm(".globl _start\n_start: mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n pushl %eax\n call start\n");
