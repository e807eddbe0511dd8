/* SPDX-License-Identifier: MIT */
/* What fork-exec runs: the C library's start and end, and nothing between. */
int main(void)
{
    return 0;
}
