/* Fast kernels behind one table, chosen at start. Every entry of every table gives the bits of
 * tensor/ref/ops.h, for any NaN the canonical one; so the choice can change speed only.
 *
 * All tensors are f32. A "row" is contiguous. Functions touch only the ranges they are given, use
 * no heap and no state, and leave threads to the caller: split rows, or columns by panels.
 * Output may be the input itself (same address) where a function maps element to element. */
#ifndef AY_TENSOR_KERNEL_KERNELS_H
#define AY_TENSOR_KERNEL_KERNELS_H

#include <stddef.h>

#include "base/code.h"
#include "tensor/kernel/steps.h"
#include "tensor/ref/ops.h"

/* One number for each row, `step` elements apart; NULL: none. */
struct ay_per_row {
    const float *at;
    size_t step;
};

/* What often follows a product: x of C[m, n] becomes min(max(((x * scale[m]) + shift[m]) +
 * ((add[m, n] * add_scale[m]) + add_shift[m]), low), high), as MUL, ADD, MAX and MIN of the
 * specification; or, `twice`, x * scale[m] + shift[m] does so in place of x, with scale_again and
 * shift_again. Numbers that are none change nothing, nor do infinite bounds. low is neither NaN nor
 * -0, high neither NaN nor 0. */
struct ay_affine {
    struct ay_per_row scale, shift;
    bool twice;
    struct ay_per_row scale_again, shift_again;
    const float *add; /* NULL: none; rows add_step apart */
    size_t add_step;
    struct ay_per_row add_scale, add_shift;
    float low, high;
};

/* x becomes (x * min(max((x * scale) + shift, low), high)) / by, as HardSwish. Where one is
 * missing, 1 and -0 change nothing. low is neither NaN nor -0, high neither NaN nor 0. */
struct ay_hard_gate {
    float scale, shift, low, high, by;
};

/* C = A B^T as chains: C[m, n] = fma over k ascending of A[m, k] B[n, k], from +0. */
struct ay_gemm {
    const float *a; /* (m, k), rows lda apart */
    const float *b; /* packed by `pack` (ldb = 0), or k-major: (k, n), rows ldb apart */
    float *c;       /* (m, n), rows ldc apart; must not overlap a or b */
    size_t lda, ldb, ldc;
    uint32_t m, n, k;               /* each >= 1 */
    bool resume;                    /* c holds the chains so far: they go on with these k */
    bool a_from_memory;             /* A is what must be fetched from far, not B; for speed alone */
    const struct ay_affine *affine; /* of the finished elements; NULL: none */
};

/* A matrix (k, n) whose element (i, j) is image[k_at[i] + n_at[j]]: the patches that a convolution
 * or a pooling takes of an image, a column each. From column j on, run[j] >= 1 columns follow each
 * other, each `step` elements (1 or 2) after the one before. */
struct ay_patches {
    const float *image;
    const int32_t *k_at, *n_at;
    const uint32_t *run;
    uint32_t k, step;
    bool apart; /* each k lies on lines of its own, if the image is in no cache; for speed alone */
};

/* C = A W as chains, where W (k, n) are patches. */
struct ay_filter_gemm {
    const struct ay_patches *patches;
    const float *filters; /* A (m, k), packed by `pack_filters` */
    float *c;             /* (m, n), rows ldc apart; must not overlap what is read */
    size_t ldc;
    uint32_t m;
    bool laid;                      /* the room still has these columns from the call before */
    const struct ay_affine *affine; /* of the finished elements; NULL: none */
};

/* Windows over a plane (height, width): element (i, j) of that of output (y, x) lies in row
 * y * row_stride + i * row_gap + top and column x * column_stride + j * column_gap + left of the
 * plane, or outside it and is `fill`. */
struct ay_stencil {
    uint32_t height, width, rows, columns; /* of the plane, of the output */
    uint32_t kernel_height, kernel_width;
    uint32_t row_stride, column_stride; /* the columns' is 1 or 2, but for maxima */
    uint32_t row_gap, column_gap;
    int32_t top, left;
    float fill;
};

/* Elements of a plane that the kernels copy at a time: what the windows of 16 neighbours meet, or
 * of 32 next to each other, must be as few. */
#define AY_STENCIL_FRAME 4096u

static inline bool ay_stencil_fits(const struct ay_stencil *s)
{
    uint64_t high = (uint64_t)(s->kernel_height - 1) * s->row_gap + 1;
    uint64_t wide = (uint64_t)(s->kernel_width - 1) * s->column_gap + 1;
    uint64_t moved = s->column_stride > 2 ? (uint64_t)s->column_stride * 16 : 32;
    return high <= AY_STENCIL_FRAME && wide + moved <= AY_STENCIL_FRAME / high;
}

typedef void ay_unary(const float *a, float *out, size_t n);
typedef void ay_vector_vector(const float *a, const float *b, float *out, size_t n);
typedef void ay_vector_scalar(const float *a, float b, float *out, size_t n);
typedef void ay_scalar_vector(float a, const float *b, float *out, size_t n);
typedef float ay_reduce(const float *x, size_t n);
typedef void ay_reduce_columns(const float *x, size_t ld, uint32_t n, uint32_t cols, float *out);

struct ay_kernels {
    const char *name; /* as in ASSAY_CPU */
    uint32_t panel;   /* columns of a packed panel: what splits of n must be multiples of */

    /* Packs B (n, k), rows ldb apart, for gemm; out has ay_packed_floats(panel, n, k) floats,
     * 64-byte aligned for speed. A split of n packs each part at out + n0 * k. */
    void (*pack)(const float *b, size_t ldb, uint32_t n, uint32_t k, float *out);
    /* Rows m0..m1 and columns n0..n1 of C; n0 is a multiple of panel, n1 too or it is n. */
    void (*gemm)(const struct ay_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0, uint32_t n1);
    /* Another form of it, for a constant A and B's that are patches: packs A (m, k) in panels of
     * `filters` rows, to ay_packed_floats(filters, m, k) floats. */
    uint32_t filters;
    /* From which k on it is the faster one however many columns, of patches that lie apart. */
    uint32_t apart_least_k;
    /* Whether these are laid out in its room first: better of few columns and once. */
    bool lays_apart;
    void (*pack_filters)(const float *a, uint32_t m, uint32_t k, float *out);
    /* Rows m0..m1 and columns n0..n1 of C; m0 is a multiple of `filters`, m1 too or it is m.
     * room: ay_filter_room() floats. */
    void (*gemm_filters)(const struct ay_filter_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0,
                         uint32_t n1, float *room);
    /* Rows k0..k1 and columns n0..n1 of patches, as `pack` would lay them out. */
    void (*pack_patches)(const struct ay_patches *w, uint32_t k0, uint32_t k1, uint32_t n0,
                         uint32_t n1, float *out);
    /* For columns n0..n1, one f32 each: the chain with a (k); the sum and the maximum as of REDUCE,
     * the latter of what has canonical NaNs alone. */
    void (*chain_patches)(const struct ay_patches *w, const float *a, uint32_t n0, uint32_t n1,
                          float *out);
    void (*sum_patches)(const struct ay_patches *w, uint32_t n0, uint32_t n1, float *out);
    void (*max_patches)(const struct ay_patches *w, uint32_t n0, uint32_t n1, float *out);
    /* For each window of a plane, a row after the other: the chain with a (kernel height * width)
     * and what may follow (row 0 of it; NULL: nothing), or as of REDUCE the maximum, of what has
     * canonical NaNs alone, or the sum, of windows of 2 x 2 or 3 x 3. */
    void (*chain_stencil)(const struct ay_stencil *s, const float *plane, const float *a,
                          const struct ay_affine *affine, float *out);
    void (*max_stencil)(const struct ay_stencil *s, const float *plane, float *out);
    void (*sum_stencil)(const struct ay_stencil *s, const float *plane, float *out);

    /* What it says of x (rows, columns), rows ldx apart, to out, rows ldo apart: rows m0..m1 and
     * columns n0..n1. out may be x, or what is added, where rows are as far apart. */
    void (*affine)(const struct ay_affine *a, const float *x, size_t ldx, size_t m0, size_t m1,
                   size_t n0, size_t n1, float *out, size_t ldo);

    /* By enum ay_fn, on n contiguous elements; NULL where the arity differs. */
    ay_unary *unary[AY_FN_COUNT];
    ay_vector_vector *vv[AY_FN_COUNT];
    ay_vector_scalar *vs[AY_FN_COUNT];
    ay_scalar_vector *sv[AY_FN_COUNT];

    const struct ay_steps *steps; /* of integers */

    /* Along a row: ay_ref_reduce_*. */
    ay_reduce *sum, *sumsq, *max;
    /* Along the first axis of x (n, cols), rows ld apart, to out (cols). */
    ay_reduce_columns *sum_columns, *sumsq_columns, *max_columns;

    /* Each row of n >= 1, ldx apart, of the result ldo: e = exp(x * scale - max(x) * scale),
     * e / sum(e). out may be x. */
    void (*softmax)(const float *x, size_t ldx, float scale, float *out, size_t ldo, size_t rows,
                    size_t n);
    /* One row: d = x - sum(x) / n, ((d / sqrt(sumsq(d) / n + eps)) * gain) + bias, n as f32. out
     * may be x. */
    void (*layer_norm)(const float *x, const float *gain, const float *bias, float eps, float *out,
                       size_t n);
    /* One row, h = x + bias, or x where bias is NULL: (h * (erf(h / sqrt2) + 1)) * 0.5, sqrt2 =
     * AY_SQRT2. out may be x or bias. */
    void (*gelu)(const float *x, const float *bias, float *out, size_t n);
    /* What it says of n contiguous elements; out may be x. */
    void (*hard_gate)(const struct ay_hard_gate *g, const float *x, float *out, size_t n);
    /* y = 1 / (1 + exp(-h)), h = x + add, or h y, of n contiguous elements. Where nothing is to be
     * added, -0 changes nothing. out may be x. */
    void (*sigmoid)(const float *x, float add, bool times, float *out, size_t n);
    /* erf(x / sqrt 2) + 1; out may be x. */
    void (*gelu_gate)(const float *x, float *out, size_t n);
    /* out[c, r] = x[r, c]: x (rows, cols), rows ldx apart; out (cols, rows), rows ldo apart. */
    void (*transpose)(const float *x, size_t ldx, uint32_t rows, uint32_t cols, float *out,
                      size_t ldo);
};

#define AY_SQRT2 0x1.6a09e6p+0f

static inline size_t ay_packed_floats(uint32_t panel, uint32_t n, uint32_t k)
{
    return ((size_t)n + panel - 1) / panel * panel * k;
}

/* Floats that gemm_filters has beside its operands while it works on so many columns: sums of a
 * panel of so many filters, and k of each column laid out (0: they are not). */
static inline size_t ay_filter_room(uint32_t filters, uint32_t columns, uint32_t k)
{
    return (size_t)columns * (filters + k) + 16;
}

/* The table called `name` ("scalar", "avx2", "avx512"), static. AY_E_USAGE: there is no such name;
 * AY_E_UNSUPPORTED: this processor or build cannot run it. *out is untouched then. */
AY_MUST enum ay_code ay_kernels_named(const char *name, const struct ay_kernels **out);

/* The table that the environment's ASSAY_CPU names, or without one the fastest that runs here.
 * Errors as above. Reads the environment and CPUID: call it once, at start. */
AY_MUST enum ay_code ay_kernels_select(const struct ay_kernels **out);

#endif
