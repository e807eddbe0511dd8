/* SPDX-License-Identifier: MIT */
/*
 * Filling the registers of FPU and SSE with something to recognise.
 */
#include "workloads/fpu_image.h"
#include "kernel/string.h"
#include "workloads/workload.h"

void fpu_image_load(const struct fpu_image *image)
{
    asm volatile("fninit\n fldl 256(%0)\n ldmxcsr 264(%0)\n"
                 "movdqa 0(%0), %%xmm0\n movdqa 16(%0), %%xmm1\n movdqa 32(%0), %%xmm2\n"
                 "movdqa 48(%0), %%xmm3\n movdqa 64(%0), %%xmm4\n movdqa 80(%0), %%xmm5\n"
                 "movdqa 96(%0), %%xmm6\n movdqa 112(%0), %%xmm7\n movdqa 128(%0), %%xmm8\n"
                 "movdqa 144(%0), %%xmm9\n movdqa 160(%0), %%xmm10\n movdqa 176(%0), %%xmm11\n"
                 "movdqa 192(%0), %%xmm12\n movdqa 208(%0), %%xmm13\n movdqa 224(%0), %%xmm14\n"
                 "movdqa 240(%0), %%xmm15\n" ::"r"(image)
                 : "memory");
}

void fpu_image_store(struct fpu_image *image)
{
    asm volatile("fstl 256(%0)\n stmxcsr 264(%0)\n"
                 "movdqa %%xmm0, 0(%0)\n movdqa %%xmm1, 16(%0)\n movdqa %%xmm2, 32(%0)\n"
                 "movdqa %%xmm3, 48(%0)\n movdqa %%xmm4, 64(%0)\n movdqa %%xmm5, 80(%0)\n"
                 "movdqa %%xmm6, 96(%0)\n movdqa %%xmm7, 112(%0)\n movdqa %%xmm8, 128(%0)\n"
                 "movdqa %%xmm9, 144(%0)\n movdqa %%xmm10, 160(%0)\n movdqa %%xmm11, 176(%0)\n"
                 "movdqa %%xmm12, 192(%0)\n movdqa %%xmm13, 208(%0)\n movdqa %%xmm14, 224(%0)\n"
                 "movdqa %%xmm15, 240(%0)\n" ::"r"(image)
                 : "memory");
}

void fpu_image_fill(struct fpu_image *image, uint64_t seed)
{
    memset(image, 0, sizeof(*image));
    for (unsigned i = 0; i < 16; i++) {
        image->xmm[i][0] = seed * (2 * i + 3);
        image->xmm[i][1] = ~seed * (2 * i + 5);
    }
    image->st0 = 0x4009000000000000UL | (seed & 0xffffff); /* some number between 3 and 4 */
    image->mxcsr = 0x1f80 | (uint32_t)((seed & 3) << 13);  /* the rounding mode */
}

void fpu_image_compare(const struct fpu_image *expected, const struct fpu_image *got)
{
    CHECK_EQ(memcmp(expected->xmm, got->xmm, sizeof(got->xmm)), 0);
    CHECK_EQ(got->st0, expected->st0);
    CHECK_EQ(got->mxcsr & ~0x3fu, expected->mxcsr);
}
