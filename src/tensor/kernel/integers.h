/* Products of 8-bit integers, exact in i32, and of f32 with weights of 8 bits in blocks
 * (MATMUL_Q8 of docs/numerics.md); bit for bit those of tensor/ref. Operands are first laid out:
 * rows of A as words of neighbouring elements, B in panels of columns. How many elements a word
 * has is the instruction set's choice. */
#ifndef AY_TENSOR_KERNEL_INTEGERS_H
#define AY_TENSOR_KERNEL_INTEGERS_H

#include <stddef.h>

#include "tensor/kernel/kernels.h"

/* C = A B^T modulo 2^32. */
struct ay_int_gemm {
    const uint32_t *a;    /* m rows made by `row`, lda words apart */
    const int32_t *a_add; /* (m): what `row` returned */
    const void *b;        /* made by `pack` */
    int32_t *c;           /* (m, n), rows ldc apart */
    size_t lda, ldc;
    uint32_t m, n, k;
    bool a_signed, b_signed; /* i8, else u8 */
};

/* C = A W^T by blocks of 32 along K. */
struct ay_q8_gemm {
    const uint32_t *a;  /* m rows made by `row_q8`, lda words apart */
    const float *scale; /* (m, ceil(k / 32)) likewise */
    const void *b;      /* made by `pack_q8` */
    float *c;           /* (m, n), rows ldc apart */
    size_t lda, ldc;
    uint32_t m, n, k;
};

struct ay_int_kernels {
    const char *name;
    uint32_t panel;         /* columns */
    uint32_t group;         /* elements of a word */
    uint32_t sums, sums_q8; /* words beside a packed column's, or its block's of 32: 0 or 1 */
    uint32_t row_sums_q8;   /* likewise a row's block */

    /* One row of A (k), i8 if is_signed else u8; out: ay_int_words words. b_signed says what B is.
     */
    int32_t (*row)(const void *a, bool is_signed, bool b_signed, uint32_t k, uint32_t *out);
    /* B (n, k), rows contiguous; out: ay_int_pack_bytes, 64-byte aligned. */
    void (*pack)(const void *b, bool is_signed, uint32_t n, uint32_t k, void *out);
    /* Elements of B as an image of words: of its n words out[i] holds x[i], x[stride + i], ..,
     * count
     * <= group of them. */
    void (*weave)(const void *x, size_t stride, uint32_t count, bool is_signed, size_t n,
                  uint32_t *out);
    /* The panel of columns n0..n1, at most `panel`, of patches of such an image, whose f32 are
     * words: what `pack` makes of (n, w->k * group). */
    void (*pack_woven)(const struct ay_patches *w, uint32_t n0, uint32_t n1, void *out);
    /* Columns n0..n1; n0 is a multiple of panel, n1 too or it is n. */
    void (*gemm)(const struct ay_int_gemm *g, uint32_t n0, uint32_t n1);

    /* One row of f32 (k), quantised; scale (ceil(k / 32)). */
    void (*row_q8)(const float *a, uint32_t k, uint32_t *out, float *scale);
    /* Columns n0..n1, as of `gemm_q8`, of W i8 (n, k) with d f32 (n, ceil(k / 32)); out: that of
     * all n, ay_q8_pack_bytes, 64-byte aligned. */
    void (*pack_q8)(const int8_t *w, const float *d, uint32_t n, uint32_t k, uint32_t n0,
                    uint32_t n1, void *out);
    /* As `gemm`. */
    void (*gemm_q8)(const struct ay_q8_gemm *g, uint32_t n0, uint32_t n1);
};

extern const struct ay_int_kernels ay_integers_scalar, ay_integers_avx2, ay_integers_vnni,
    ay_integers_amx;

/* The fastest that may be used beside that table on this processor. Where it is AMX the process has
 * the kernel's leave to use it from then on. */
const struct ay_int_kernels *ay_integers_beside(const struct ay_kernels *kernels);
/* By name ("scalar", "avx2", "vnni", "amx"); NULL: there is none that runs here. */
const struct ay_int_kernels *ay_integers_named(const char *name);

#define AY_INT_Q8_BLOCK 32u

/* Words of a row of k; of MATMUL_Q8, whose last block is filled up. */
static inline size_t ay_int_words(const struct ay_int_kernels *i, uint32_t k)
{
    return ((size_t)k + i->group - 1) / i->group;
}
static inline size_t ay_q8_words(const struct ay_int_kernels *i, uint32_t k)
{
    return ((size_t)k + AY_INT_Q8_BLOCK - 1) / AY_INT_Q8_BLOCK *
           (AY_INT_Q8_BLOCK / i->group + i->row_sums_q8);
}

/* A panel has a word for each column and group, and `sums` a column; or for each block of 32
 * `sums_q8` and a scale. */
static inline size_t ay_int_pack_bytes(const struct ay_int_kernels *i, uint32_t n, uint32_t k)
{
    size_t columns = ((size_t)n + i->panel - 1) / i->panel * i->panel;
    return columns * (ay_int_words(i, k) + i->sums) * sizeof(uint32_t);
}
static inline size_t ay_q8_pack_bytes(const struct ay_int_kernels *i, uint32_t n, uint32_t k)
{
    size_t columns = ((size_t)n + i->panel - 1) / i->panel * i->panel;
    size_t blocks = ((size_t)k + AY_INT_Q8_BLOCK - 1) / AY_INT_Q8_BLOCK;
    return columns * blocks * (AY_INT_Q8_BLOCK / i->group + 1 + i->sums_q8) * sizeof(uint32_t);
}

#endif
