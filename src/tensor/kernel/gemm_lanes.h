/* The matmul chain over lanes. A tile of C lives in registers while k runs; vectors run over
 * columns only, so each element stays one chain. K is cut into blocks that go on with the chain
 * through C. B comes in panels of PANEL columns, each k's row of a panel contiguous; where M is
 * small a tile takes several panels, so that enough chains are in flight.
 * Cost: near the core's peak of fma from 4 rows on; one pass over B below. */
#ifndef AY_TENSOR_KERNEL_GEMM_LANES_H
#define AY_TENSOR_KERNEL_GEMM_LANES_H

#include "tensor/kernel/kernels.h"
#include "tensor/kernel/rows_lanes.h"

/* A longer k is cut into blocks of K_BLOCK, so that their part of a panel and the rows of A beside
 * it stay in the first-level cache. */
#define K_WHOLE 384
#define K_BLOCK 256
/* Rows of A that one pass over B's panels uses, whole tiles: with K_WHOLE, most of half of a
 * second-level cache. */
#define M_BLOCK (128 / TILE_ROWS * TILE_ROWS)

#define AHEAD_ROWS  8u /* at a time */
#define AFFINE_VECS 4  /* vectors of a row side by side */

struct tile {
    const float *a, *b;
    float *c;
    size_t lda, ldc;
    size_t a_step;                  /* of A, from one k to the next */
    size_t ldb;                     /* from one k to the next */
    size_t panel_step;              /* from one panel to the next */
    uint32_t k;                     /* in this block */
    bool first, last;               /* of the blocks of k */
    const struct ay_affine *affine; /* what follows the last one; NULL: none */
    uint32_t m, n;                  /* where the tile is in it */
    /* What to pull into the second-level cache meanwhile: a line of each of AHEAD_ROWS rows, bytes
     * apart, and so many bytes on the next ones. */
    const char *ahead;
    size_t ahead_row, ahead_step;
};

AY_INLINE vf of_row(struct ay_per_row p, size_t m)
{
    return vf_set1(p.at[m * p.step]);
}

/* `vecs` vectors of row m from column n on; `left` columns are the last one's. NaNs become the
 * canonical one. */
AY_INLINE void affine_row(const struct ay_affine *t, size_t m, size_t n, const int vecs,
                          size_t left, vf *x)
{
    vf scale = of_row(t->scale, m), shift = of_row(t->shift, m);
    AY_UNROLL
    for (int v = 0; v < vecs; v++) x[v] = vf_add(vf_mul(x[v], scale), shift);
    if (t->twice) {
        scale = of_row(t->scale_again, m), shift = of_row(t->shift_again, m);
        AY_UNROLL
        for (int v = 0; v < vecs; v++) x[v] = vf_add(vf_mul(x[v], scale), shift);
    }
    if (t->add) {
        const float *add = t->add + m * t->add_step + n;
        scale = of_row(t->add_scale, m), shift = of_row(t->add_shift, m);
        AY_UNROLL
        for (int v = 0; v < vecs; v++) {
            vf y = get(add + (size_t)v * LANES, v + 1 < vecs ? LANES : left);
            x[v] = vf_add(x[v], vf_add(vf_mul(y, scale), shift));
        }
    }
    vf low = vf_set1(t->low), high = vf_set1(t->high);
    AY_UNROLL
    for (int v = 0; v < vecs; v++) x[v] = vf_nan_of(x[v], vf_least(vf_most(x[v], low), high));
}

static void affine(const struct ay_affine *a, const float *x, size_t ldx, size_t m0, size_t m1,
                   size_t n0, size_t n1, float *out, size_t ldo)
{
    for (size_t m = m0; m < m1; m++) {
        const float *from = x + m * ldx;
        float *to = out + m * ldo;
        size_t n = n0;
        for (; n + AFFINE_VECS * LANES <= n1; n += AFFINE_VECS * LANES) {
            vf y[AFFINE_VECS];
            AY_UNROLL
            for (int v = 0; v < AFFINE_VECS; v++) y[v] = vf_load(from + n + (size_t)v * LANES);
            affine_row(a, m, n, AFFINE_VECS, LANES, y);
            AY_UNROLL
            for (int v = 0; v < AFFINE_VECS; v++) vf_store(to + n + (size_t)v * LANES, y[v]);
        }
        for (; n < n1; n += LANES) {
            vf y = get(from + n, n1 - n);
            affine_row(a, m, n, 1, n1 - n, &y);
            put_as_is(to + n, n1 - n, y);
        }
    }
}

/* Where the tile will be stored, and what is added to it, are on their way while it is computed. */
AY_INLINE void fetch_result(const struct tile *t, const int rows, const int vecs)
{
    const struct ay_affine *affine = t->last ? t->affine : NULL;
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v++)
        __builtin_prefetch(t->c + (size_t)r * t->ldc + (size_t)v * LANES, 1, 3);
    if (!affine || !affine->add) return;
    const float *add = affine->add + t->m * affine->add_step + t->n;
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v++)
        __builtin_prefetch(add + (size_t)r * affine->add_step + (size_t)v * LANES, 0, 3);
}

/* One k of the chains. */
AY_INLINE void tile_step(const struct tile *t, const float *a, const float *b, const int rows,
                         const int vecs, vf *sum)
{
    vf y[TILE_ROWS * TILE_LANES];
    AY_UNROLL
    for (int v = 0; v < vecs; v++)
        y[v] = vf_load(b + (size_t)(v / TILE_LANES) * t->panel_step +
                       (size_t)(v % TILE_LANES) * LANES);
    AY_UNROLL
    for (int r = 0; r < rows; r++) {
        vf x = vf_set1(a[(size_t)r * t->lda]);
        AY_UNROLL
        for (int v = 0; v < vecs; v++) sum[r * vecs + v] = vf_fma(x, y[v], sum[r * vecs + v]);
    }
}

AY_INLINE void tile(const struct tile *t, const int rows, const int vecs)
{
    vf sum[TILE_ROWS * TILE_LANES];
    const float *a = t->a, *b = t->b;
    float *c = t->c; /* a store to it might change *t, for all the compiler knows */
    const size_t ldc = t->ldc;
    const bool last = t->last;
    fetch_result(t, rows, vecs);
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v++)
        sum[r * vecs + v] =
            t->first ? vf_set1(0) : vf_load(c + (size_t)r * ldc + (size_t)v * LANES);
    const char *ahead = t->ahead;
    uint32_t k = 0;
    for (; k + AHEAD_ROWS <= t->k; k += AHEAD_ROWS, ahead += t->ahead_step) {
        const char *row = ahead;
        for (const float *end = a + AHEAD_ROWS * t->a_step; a != end; row += t->ahead_row) {
            __builtin_prefetch(row, 0, 2);
            tile_step(t, a, b, rows, vecs, sum);
            a += t->a_step;
            b += t->ldb;
        }
    }
    for (; k < t->k; k++, a += t->a_step, b += t->ldb) tile_step(t, a, b, rows, vecs, sum);
    if (last && t->affine) {
        AY_UNROLL
        for (int r = 0; r < rows; r++)
            affine_row(t->affine, t->m + (size_t)r, t->n, vecs, LANES, sum + r * vecs);
    }
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v++) {
        vf x = sum[r * vecs + v];
        vf_store(c + (size_t)r * ldc + (size_t)v * LANES, last ? vf_nan_of(x, x) : x);
    }
}

/* Of a panel half a vector: for the one or few columns that many matrices have left. */
AY_INLINE void tile_half(const struct tile *t, const int rows)
{
    vh sum[TILE_ROWS];
    const float *a = t->a, *b = t->b;
    const vh none = {0};
    AY_UNROLL
    for (int r = 0; r < rows; r++) sum[r] = t->first ? none : vh_load(t->c + (size_t)r * t->ldc);
    for (uint32_t k = 0; k < t->k; k++, a++, b += t->ldb) {
        vh y = vh_load(b);
        AY_UNROLL
        for (int r = 0; r < rows; r++) sum[r] = vh_fma1(a[(size_t)r * t->lda], y, sum[r]);
    }
    AY_UNROLL
    for (int r = 0; r < rows; r++) vh_store(t->c + (size_t)r * t->ldc, sum[r]);
}

#define AY_TILE(rows)                                                                              \
    static void tile_##rows##_half(const struct tile *t)                                           \
    {                                                                                              \
        tile_half(t, rows);                                                                        \
    }                                                                                              \
    static void tile_##rows##_single(const struct tile *t)                                         \
    {                                                                                              \
        tile(t, rows, 1);                                                                          \
    }                                                                                              \
    static void tile_##rows##_double(const struct tile *t)                                         \
    {                                                                                              \
        tile(t, rows, TILE_LANES < 2 ? TILE_LANES : 2);                                            \
    }                                                                                              \
    static void tile_##rows##_narrow(const struct tile *t)                                         \
    {                                                                                              \
        tile(t, rows, TILE_LANES);                                                                 \
    }                                                                                              \
    static void tile_##rows##_wide(const struct tile *t)                                           \
    {                                                                                              \
        tile(t, rows, TILE_ROWS / rows * TILE_LANES);                                              \
    }
AY_TILE(1)
AY_TILE(2)
AY_TILE(3)
AY_TILE(4)
#if TILE_ROWS >= 6
AY_TILE(5)
AY_TILE(6)
#endif
#if TILE_ROWS >= 8
AY_TILE(7)
AY_TILE(8)
#endif

/* By rows - 1; the wide form takes TILE_ROWS / rows panels, the others but the narrow one a panel's
 * first vectors; the half one leaves NaNs as they come. */
#define AY_TILES(rows)                                                                             \
    {                                                                                              \
        tile_##rows##_narrow, tile_##rows##_wide, tile_##rows##_half, tile_##rows##_single,        \
            tile_##rows##_double                                                                   \
    }
enum { NARROW, WIDE, HALF, SINGLE, DOUBLE, FORMS };
static void (*const tiles[TILE_ROWS][FORMS])(const struct tile *) = {
    AY_TILES(1), AY_TILES(2), AY_TILES(3), AY_TILES(4),
#if TILE_ROWS >= 6
    AY_TILES(5), AY_TILES(6),
#endif
#if TILE_ROWS >= 8
    AY_TILES(7), AY_TILES(8),
#endif
};

/* One or two rows over some panels, fewer than the wide form's. */
#define FEW_ROWS 2u
#define AY_PART(rows, panels)                                                                      \
    static void tile_##rows##_over_##panels(const struct tile *t)                                  \
    {                                                                                              \
        tile(t, rows, (panels)*TILE_LANES);                                                        \
    }
AY_PART(1, 2)
AY_PART(1, 3)
#if TILE_ROWS >= 6
AY_PART(1, 4)
AY_PART(1, 5)
AY_PART(2, 2)
#endif
#if TILE_ROWS >= 8
AY_PART(1, 6)
AY_PART(1, 7)
AY_PART(2, 3)
#endif
static void (*const parts[FEW_ROWS][TILE_ROWS])(const struct tile *) = {
    [0][2] = tile_1_over_2, [0][3] = tile_1_over_3,
#if TILE_ROWS >= 6
    [0][4] = tile_1_over_4, [0][5] = tile_1_over_5, [1][2] = tile_2_over_2,
#endif
#if TILE_ROWS >= 8
    [0][6] = tile_1_over_6, [0][7] = tile_1_over_7, [1][3] = tile_2_over_3,
#endif
};

/* How many of the panels left go together: the wide form's, or where rows are few as many as make
 * even parts, since a tile of a panel waits for its own sums. */
static uint32_t panels_together(uint32_t rows, uint32_t left)
{
    uint32_t wide = TILE_ROWS / rows;
    if (rows > FEW_ROWS || left < 2) return wide > 1 && left >= wide ? wide : 1;
    uint32_t count = (left + wide - 1) / wide;
    return (left + count - 1) / count;
}

static void run_tile(const struct tile *t, uint32_t rows, uint32_t panels)
{
    bool few = panels > 1 && panels < TILE_ROWS / rows;
    (few ? parts[rows - 1][panels] : tiles[rows - 1][panels > 1 ? WIDE : NARROW])(t);
}

/* What holds so many columns, fewer than a panel. */
static unsigned form_of(uint32_t cols)
{
    return cols <= LANES / 2 ? HALF : cols <= LANES ? SINGLE : cols <= 2 * LANES ? DOUBLE : NARROW;
}

/* The last panel, if its vectors are not full: its product goes to a full tile beside, whose true
 * columns are copied. */
static void tile_ragged(const struct tile *whole, uint32_t rows, uint32_t cols)
{
    float c[TILE_ROWS * PANEL];
    struct tile t = *whole;
    t.c = c;
    t.ldc = PANEL;
    t.affine = NULL;
    for (size_t r = 0; r < rows && !t.first; r++)
        for (size_t j = 0; j < cols; j += LANES)
            vf_store(c + r * PANEL + j, get(whole->c + r * whole->ldc + j, cols - j));
    tiles[rows - 1][form_of(cols)](&t);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < cols; j += LANES) {
            vf x = get(c + r * PANEL + j, cols - j);
            if (t.last && whole->affine)
                affine_row(whole->affine, whole->m + r, whole->n + j, 1, cols - j, &x);
            if (t.last) x = vf_nan_of(x, x);
            if (cols - j >= LANES)
                vf_store(whole->c + r * whole->ldc + j, x);
            else
                vf_store_part(whole->c + r * whole->ldc + j, cols - j, x);
        }
}

/* Of a k-major B, which is first copied, as reading past its last column is not ours to do. */
static __attribute__((noinline)) void tile_ragged_k_major(const struct tile *whole, uint32_t rows,
                                                          uint32_t cols)
{
    float b[K_WHOLE * PANEL];
    struct tile t = *whole;
    for (size_t k = 0; k < t.k; k++)
        for (size_t j = 0; j < cols; j += LANES)
            vf_store(b + k * PANEL + j, get(whole->b + k * whole->ldb + j, cols - j));
    t.b = b;
    t.ldb = PANEL;
    tile_ragged(&t, rows, cols);
}

/* Rows as even tiles: `larger` of them have least + 1 rows, the others least. */
struct split {
    uint32_t count, least, larger;
};

static struct split split_of(uint32_t rows, uint32_t most)
{
    uint32_t count = (rows + most - 1) / most;
    return (struct split){count, rows / count, rows % count};
}

/* One block of k and rows m0..m1, columns n0..n1. */
static void gemm_block(const struct ay_gemm *g, uint32_t k0, uint32_t k1, uint32_t m0, uint32_t m1,
                       uint32_t n0, uint32_t n1)
{
    bool packed = g->ldb == 0;
    struct split s = split_of(m1 - m0, TILE_ROWS);
    struct tile t = {.lda = g->lda, .ldc = g->ldc, .a_step = 1, .k = k1 - k0};
    t.first = k0 == 0 && !g->resume;
    t.last = k1 == g->k;
    t.affine = g->affine;
    t.ldb = packed ? PANEL : g->ldb;
    t.panel_step = packed ? (size_t)PANEL * g->k : PANEL;
    for (uint32_t n = n0, panels; n < n1; n += panels * PANEL) {
        panels = panels_together(s.least + (s.larger > 0), (n1 - n) / PANEL);
        const float *b =
            g->b + (packed ? (size_t)n * g->k + (size_t)k0 * PANEL : (size_t)k0 * g->ldb + n);
        size_t bytes = sizeof(float) * PANEL * t.k; /* of one panel, shared among the tiles */
        const char *next = (const char *)(b + (packed ? panels * t.panel_step : 0));
        bool next_a = g->a_from_memory && n == n0; /* else the next panel of B */
        size_t step = packed ? (bytes / t.k + s.count - 1) / s.count : 0;
        t.ahead_row = next_a ? t.lda * sizeof(float) : step;
        t.ahead_step = AHEAD_ROWS * (next_a ? sizeof(float) : step);
        for (uint32_t i = 0, m = m0, rows; i < s.count; i++, m += rows) {
            rows = s.least + (i < s.larger);
            uint32_t cols = n1 - n < panels * PANEL ? n1 - n : panels * PANEL;
            t.m = m;
            t.n = n;
            t.a = g->a + (size_t)m * g->lda + k0;
            t.b = b;
            t.c = g->c + (size_t)m * g->ldc + n;
            t.ahead = next_a ? (const char *)(t.a + rows * t.lda) : next + i * step * t.k;
            if (cols % LANES != 0)
                (packed ? tile_ragged : tile_ragged_k_major)(&t, rows, cols);
            else if (cols < PANEL)
                tiles[rows - 1][form_of(cols)](&t);
            else
                run_tile(&t, rows, panels);
        }
    }
}

static void gemm(const struct ay_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0, uint32_t n1)
{
    AY_ASSERT(m1 <= g->m && n1 <= g->n && g->k > 0);
    AY_ASSERT(n0 % PANEL == 0 && (n1 % PANEL == 0 || n1 == g->n));
    for (uint32_t m = m0; m < m1; m += M_BLOCK)
        for (uint32_t k = 0, size; k < g->k; k += size) {
            size = g->k - k <= K_WHOLE ? g->k - k : K_BLOCK;
            gemm_block(g, k, k + size, m, m1 - m < M_BLOCK ? m1 : m + M_BLOCK, n0, n1);
        }
}

/* Panels of so many columns, the last one filled up. */
static void pack_panels(const float *b, size_t ldb, uint32_t n, uint32_t k, uint32_t width,
                        float *out)
{
    for (uint32_t j = 0; j < n; j += width) {
        uint32_t cols = n - j < width ? n - j : width;
        float *panel = out + (size_t)j * k;
        if (cols < width) memset(panel, 0, sizeof(float) * width * k);
        transpose(b + j * ldb, ldb, cols, k, panel, width);
    }
}

static void pack(const float *b, size_t ldb, uint32_t n, uint32_t k, float *out)
{
    pack_panels(b, ldb, n, k, PANEL, out);
}

#endif
