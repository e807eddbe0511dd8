/* SPDX-License-Identifier: MIT */
/*
 * Filling the registers of FPU and SSE with something to recognise. The kernel itself uses none of
 * them.
 */
#ifndef WORKLOADS_FPU_IMAGE_H
#define WORKLOADS_FPU_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct fpu_image {
    uint64_t xmm[16][2];
    uint64_t st0;
    uint32_t mxcsr;
    uint64_t high[16][2]; /* upper halves of the AVX registers, if fpu_image_avx */
} __attribute__((aligned(16)));

/* Whether the AVX registers are part of it. Whoever sets it has called fpu_image_enable_avx. */
extern bool fpu_image_avx;
/* Turns on AVX for this vCPU. False if it cannot be had. */
bool fpu_image_enable_avx(void);

/* Different for every seed. */
void fpu_image_fill(struct fpu_image *image, uint64_t seed);
void fpu_image_load(const struct fpu_image *image); /* into the registers */
void fpu_image_store(struct fpu_image *image);      /* from the registers */
/* A workload's check that both are the same. */
void fpu_image_compare(const struct fpu_image *expected, const struct fpu_image *got);

#endif
