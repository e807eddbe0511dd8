/* SPDX-License-Identifier: MIT */
/*
 * Filling the registers of FPU and SSE with something to recognise.
 */
#include "workloads/fpu_image.h"
#include "kernel/string.h"
#include "workloads/workload.h"

#define CPUID1_ECX_XSAVE (1u << 26)
#define CPUID1_ECX_AVX   (1u << 28)
#define CR4_OSXSAVE      (1UL << 18)
#define XCR0_AVX_STATE   7u /* x87, SSE, AVX */

bool fpu_image_avx;

bool fpu_image_enable_avx(void)
{
    uint32_t leaf = 1, features = 0;
    uint64_t cr4;

    asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                 : "+a"(leaf), "+c"(features)::"rbx", "rdx", "memory");
    if (!(features & CPUID1_ECX_XSAVE) || !(features & CPUID1_ECX_AVX))
        return false;
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    asm volatile("mov %0, %%cr4" ::"r"(cr4 | CR4_OSXSAVE) : "memory");
    asm volatile("xsetbv" ::"c"(0), "a"(XCR0_AVX_STATE), "d"(0) : "memory");
    return true;
}

static void load_high(const struct fpu_image *image)
{
    asm volatile("vinsertf128 $1, 0(%0), %%ymm0, %%ymm0\n"
                 "vinsertf128 $1, 16(%0), %%ymm1, %%ymm1\n"
                 "vinsertf128 $1, 32(%0), %%ymm2, %%ymm2\n"
                 "vinsertf128 $1, 48(%0), %%ymm3, %%ymm3\n"
                 "vinsertf128 $1, 64(%0), %%ymm4, %%ymm4\n"
                 "vinsertf128 $1, 80(%0), %%ymm5, %%ymm5\n"
                 "vinsertf128 $1, 96(%0), %%ymm6, %%ymm6\n"
                 "vinsertf128 $1, 112(%0), %%ymm7, %%ymm7\n"
                 "vinsertf128 $1, 128(%0), %%ymm8, %%ymm8\n"
                 "vinsertf128 $1, 144(%0), %%ymm9, %%ymm9\n"
                 "vinsertf128 $1, 160(%0), %%ymm10, %%ymm10\n"
                 "vinsertf128 $1, 176(%0), %%ymm11, %%ymm11\n"
                 "vinsertf128 $1, 192(%0), %%ymm12, %%ymm12\n"
                 "vinsertf128 $1, 208(%0), %%ymm13, %%ymm13\n"
                 "vinsertf128 $1, 224(%0), %%ymm14, %%ymm14\n"
                 "vinsertf128 $1, 240(%0), %%ymm15, %%ymm15\n" ::"r"(image->high)
                 : "memory");
}

static void store_high(struct fpu_image *image)
{
    asm volatile("vextractf128 $1, %%ymm0, 0(%0)\n"
                 "vextractf128 $1, %%ymm1, 16(%0)\n"
                 "vextractf128 $1, %%ymm2, 32(%0)\n"
                 "vextractf128 $1, %%ymm3, 48(%0)\n"
                 "vextractf128 $1, %%ymm4, 64(%0)\n"
                 "vextractf128 $1, %%ymm5, 80(%0)\n"
                 "vextractf128 $1, %%ymm6, 96(%0)\n"
                 "vextractf128 $1, %%ymm7, 112(%0)\n"
                 "vextractf128 $1, %%ymm8, 128(%0)\n"
                 "vextractf128 $1, %%ymm9, 144(%0)\n"
                 "vextractf128 $1, %%ymm10, 160(%0)\n"
                 "vextractf128 $1, %%ymm11, 176(%0)\n"
                 "vextractf128 $1, %%ymm12, 192(%0)\n"
                 "vextractf128 $1, %%ymm13, 208(%0)\n"
                 "vextractf128 $1, %%ymm14, 224(%0)\n"
                 "vextractf128 $1, %%ymm15, 240(%0)\n" ::"r"(image->high)
                 : "memory");
}

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
    if (fpu_image_avx)
        load_high(image);
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
    if (fpu_image_avx)
        store_high(image);
}

void fpu_image_fill(struct fpu_image *image, uint64_t seed)
{
    memset(image, 0, sizeof(*image));
    for (unsigned i = 0; i < 16; i++) {
        image->xmm[i][0] = seed * (2 * i + 3);
        image->xmm[i][1] = ~seed * (2 * i + 5);
        image->high[i][0] = seed * (2 * i + 37);
        image->high[i][1] = ~seed * (2 * i + 39);
    }
    image->st0 = 0x4009000000000000UL | (seed & 0xffffff); /* some number between 3 and 4 */
    image->mxcsr = 0x1f80 | (uint32_t)((seed & 3) << 13);  /* the rounding mode */
}

void fpu_image_compare(const struct fpu_image *expected, const struct fpu_image *got)
{
    CHECK_EQ(memcmp(expected->xmm, got->xmm, sizeof(got->xmm)), 0);
    CHECK_EQ(got->st0, expected->st0);
    CHECK_EQ(got->mxcsr & ~0x3fu, expected->mxcsr);
    if (fpu_image_avx)
        CHECK_EQ(memcmp(expected->high, got->high, sizeof(got->high)), 0);
}
