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
/* Up to so many k all panels are near: tiles follow each other across them, not down the rows. */
#define K_ACROSS 72
/* Rows of A that one pass over B's panels uses, whole tiles: with K_WHOLE, most of half of a
 * second-level cache. */
#define M_BLOCK (128 / TILE_ROWS * TILE_ROWS)

#define AFFINE_VECS 4  /* vectors of a row side by side */

/* Tiles below each other, or across panels. */
struct tile {
    const float *a, *b;
    float *c;
    size_t lda, ldc;
    size_t a_step;                 /* of A, from one k to the next */
    size_t a_tile, b_tile, c_tile; /* from one tile to the next */
    uint32_t m_tile, n_tile;
    size_t ldb;        /* from one k to the next */
    size_t panel_step; /* from one panel to the next */
    uint32_t k;        /* in this block */
    uint32_t count;
    bool first, last;               /* of the blocks of k */
    const struct ay_affine *affine; /* what follows the last one; NULL: none */
    uint32_t m, n;                  /* where the first tile is in it */
    /* What to pull into the second-level cache meanwhile: a place for each k, so many bytes on. */
    const char *ahead;
    size_t ahead_step;
};

/* Whether there may be a NaN: their sum is one then, and seldom else. */
AY_INLINE bool may_have_nan(const vf *x, const int count)
{
    vf even = x[0], odd = vf_set1(0);
    AY_UNROLL
    for (int i = 1; i < count; i++) {
        if (i % 2)
            odd = vf_add(odd, x[i]);
        else
            even = vf_add(even, x[i]);
    }
    even = vf_add(even, odd);
    return !vf_all_equal(even, even);
}

/* NaNs become the canonical one. */
AY_INLINE void canonical(vf *x, const int count)
{
    if (!may_have_nan(x, count)) return;
    AY_UNROLL
    for (int i = 0; i < count; i++) x[i] = vf_nan_of(x[i], x[i]);
}

/* x (rows, vecs) times, or plus, the numbers of the rows from m on, if there are any. */
AY_INLINE void by_rows(struct ay_per_row by, size_t m, const int rows, const int vecs,
                       const bool times, vf *x)
{
    if (!by.at) return;
    const float *at = by.at + m * by.step;
    AY_UNROLL
    for (int i = 0; i < rows * vecs; i++) {
        x[i] = times ? vf_mul(x[i], vf_set1(*at)) : vf_add(x[i], vf_set1(*at));
        if (i % vecs == vecs - 1) at += by.step;
    }
}

/* x plus what is added there, from column n on; `left` columns are the last vector's. */
AY_INLINE void add_rows(const struct ay_affine *t, size_t m, size_t n, const int rows,
                        const int vecs, size_t left, const bool scaled, vf *x)
{
    static const float one = 1.0F, none = -0.0F;
    struct ay_per_row scale = t->add_scale.at ? t->add_scale : (struct ay_per_row){&one, 0};
    struct ay_per_row shift = t->add_shift.at ? t->add_shift : (struct ay_per_row){&none, 0};
    const float *add = t->add + m * t->add_step + n;
    const float *times = scale.at + m * scale.step, *plus = shift.at + m * shift.step;
    AY_UNROLL
    for (int i = 0; i < rows * vecs; i++) {
        int v = i % vecs;
        vf y = get(add + (size_t)v * LANES, v + 1 < vecs ? LANES : left);
        x[i] = vf_add(x[i], scaled ? vf_add(vf_mul(y, vf_set1(*times)), vf_set1(*plus)) : y);
        if (v + 1 == vecs) add += t->add_step, times += scale.step, plus += shift.step;
    }
}

/* `vecs` vectors of each of the rows from m on, from column n on; `left` columns are the last
 * vector's. NaNs become the canonical one. */
AY_INLINE void affine_rows(const struct ay_affine *t, size_t m, size_t n, const int rows,
                           const int vecs, size_t left, vf *x)
{
    by_rows(t->scale, m, rows, vecs, true, x);
    by_rows(t->shift, m, rows, vecs, false, x);
    if (t->twice) {
        by_rows(t->scale_again, m, rows, vecs, true, x);
        by_rows(t->shift_again, m, rows, vecs, false, x);
    }
    if (t->add && (t->add_scale.at || t->add_shift.at))
        add_rows(t, m, n, rows, vecs, left, true, x);
    else if (t->add)
        add_rows(t, m, n, rows, vecs, left, false, x);
    const vf low = vf_set1(t->low), high = vf_set1(t->high);
    if (may_have_nan(x, rows * vecs)) {
        AY_UNROLL
        for (int i = 0; i < rows * vecs; i++)
            x[i] = vf_nan_of(x[i], vf_least(vf_most(x[i], low), high));
        return;
    }
    AY_UNROLL
    for (int i = 0; i < rows * vecs; i++) x[i] = vf_most(x[i], low);
    if (t->high == ay_f32(AY_INF_BITS)) return;
    AY_UNROLL
    for (int i = 0; i < rows * vecs; i++) x[i] = vf_least(x[i], high);
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
            affine_rows(a, m, n, 1, AFFINE_VECS, LANES, y);
            AY_UNROLL
            for (int v = 0; v < AFFINE_VECS; v++) vf_store(to + n + (size_t)v * LANES, y[v]);
        }
        for (; n < n1; n += LANES) {
            vf y = get(from + n, n1 - n);
            affine_rows(a, m, n, 1, 1, n1 - n, &y);
            put_as_is(to + n, n1 - n, y);
        }
    }
}

/* Where a tile will be stored, and what is added to it, are on their way while it is computed: a
 * line for each 16 columns. */
AY_INLINE void fetch_result(const struct ay_affine *affine, size_t m, size_t n, const float *c,
                            size_t ldc, const int rows, const int vecs)
{
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v += 16 / LANES)
        __builtin_prefetch(c + (size_t)r * ldc + (size_t)v * LANES, 1, 3);
    if (!affine || !affine->add) return;
    const float *add = affine->add + m * affine->add_step + n;
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v += 16 / LANES)
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

AY_INLINE void tile(const struct tile *of, const int rows, const int vecs)
{
    const struct tile t = *of; /* stores to C might change *of, for all the compiler knows */
    const struct ay_affine *affine = t.last ? t.affine : NULL;
    const float *first_a = t.a, *first_b = t.b;
    const char *ahead = t.ahead;
    float *c = t.c;
    size_t m = t.m, n = t.n;
    for (uint32_t i = 0; i < t.count;
         i++, first_a += t.a_tile, first_b += t.b_tile, c += t.c_tile) {
        vf sum[TILE_ROWS * TILE_LANES];
        fetch_result(affine, m, n, c, t.ldc, rows, vecs);
        AY_UNROLL
        for (int r = 0; r < rows; r++) AY_UNROLL
        for (int v = 0; v < vecs; v++)
            sum[r * vecs + v] =
                t.first ? vf_set1(0) : vf_load(c + (size_t)r * t.ldc + (size_t)v * LANES);
        const float *a = first_a, *b = first_b;
        for (uint32_t k = 0; k < t.k; k++, a += t.a_step, b += t.ldb, ahead += t.ahead_step) {
            __builtin_prefetch(ahead, 0, 2);
            tile_step(&t, a, b, rows, vecs, sum);
        }
        if (affine)
            affine_rows(affine, m, n, rows, vecs, LANES, sum);
        else if (t.last)
            canonical(sum, rows * vecs);
        AY_UNROLL
        for (int r = 0; r < rows; r++) AY_UNROLL
        for (int v = 0; v < vecs; v++)
            vf_store(c + (size_t)r * t.ldc + (size_t)v * LANES, sum[r * vecs + v]);
        m += t.m_tile;
        n += t.n_tile;
    }
}

/* Of a panel half a vector, one tile: for the one or few columns that many matrices have left. */
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

static void run_tiles(const struct tile *t, uint32_t rows, uint32_t panels)
{
    bool few = panels > 1 && panels < TILE_ROWS / rows;
    (few ? parts[rows - 1][panels] : tiles[rows - 1][panels > 1 ? WIDE : NARROW])(t);
}

/* What holds so many columns, fewer than a panel. */
static unsigned form_of(uint32_t cols)
{
    return cols <= LANES / 2 ? HALF : cols <= LANES ? SINGLE : cols <= 2 * LANES ? DOUBLE : NARROW;
}

/* The last panel, if its vectors are not full: its products go to a full tile beside, whose true
 * columns are copied. */
static void tiles_ragged(const struct tile *whole, uint32_t rows, uint32_t cols)
{
    float c[TILE_ROWS * PANEL], *to = whole->c;
    struct tile t = *whole;
    t.c = c;
    t.ldc = PANEL;
    t.affine = NULL;
    t.count = 1;
    for (uint32_t i = 0; i < whole->count; i++, t.a += t.a_tile, t.m += rows) {
        for (size_t r = 0; r < rows && !t.first; r++)
            for (size_t j = 0; j < cols; j += LANES)
                vf_store(c + r * PANEL + j, get(to + r * whole->ldc + j, cols - j));
        tiles[rows - 1][form_of(cols)](&t);
        for (size_t r = 0; r < rows; r++, to += whole->ldc)
            for (size_t j = 0; j < cols; j += LANES) {
                vf x = get(c + r * PANEL + j, cols - j);
                if (t.last && whole->affine)
                    affine_rows(whole->affine, t.m + r, t.n + j, 1, 1, cols - j, &x);
                if (t.last) x = vf_nan_of(x, x);
                put_as_is(to + j, cols - j, x);
            }
    }
}

/* Of a k-major B, which is first copied, as reading past its last column is not ours to do. */
static __attribute__((noinline)) void tiles_ragged_k_major(const struct tile *whole, uint32_t rows,
                                                           uint32_t cols)
{
    float b[K_WHOLE * PANEL];
    struct tile t = *whole;
    for (size_t k = 0; k < t.k; k++)
        for (size_t j = 0; j < cols; j += LANES)
            vf_store(b + k * PANEL + j, get(whole->b + k * whole->ldb + j, cols - j));
    t.b = b;
    t.ldb = PANEL;
    tiles_ragged(&t, rows, cols);
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

static uint32_t rows_of(const struct split *s, uint32_t i)
{
    return s->least + (i < s->larger);
}

/* The tiles of as many rows as the i-th, from it on: how many there are, and their rows. */
static uint32_t alike(const struct split *s, uint32_t i, uint32_t *rows)
{
    *rows = rows_of(s, i);
    return i < s->larger ? s->larger : s->count - i;
}

/* What the tiles of a block of k have in common. */
static struct tile tile_of(const struct ay_gemm *g, uint32_t k0, uint32_t k1)
{
    bool packed = g->ldb == 0;
    return (struct tile){.lda = g->lda,
                         .ldc = g->ldc,
                         .a_step = 1,
                         .k = k1 - k0,
                         .first = k0 == 0 && !g->resume,
                         .last = k1 == g->k,
                         .affine = g->affine,
                         .ldb = packed ? PANEL : g->ldb,
                         .panel_step = packed ? (size_t)PANEL * g->k : PANEL};
}

/* Rows m0..m1 and columns n0..n1 of a short k, whose panels stay in the first-level cache: a tile's
 * rows across all of them, so that C, most of what goes through memory, is written along a few rows
 * at a time. */
static void gemm_across(const struct ay_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0, uint32_t n1)
{
    struct split s = split_of(m1 - m0, TILE_ROWS);
    struct tile t = tile_of(g, 0, g->k);
    t.b_tile = t.panel_step;
    t.c_tile = t.n_tile = PANEL;
    uint32_t whole = (n1 - n0) / PANEL, rest = (n1 - n0) % PANEL;
    for (uint32_t i = 0, m = m0, rows; i < s.count; i++, m += rows) {
        rows = rows_of(&s, i);
        t.a = g->a + (size_t)m * g->lda;
        t.b = g->b + (size_t)n0 * g->k;
        t.c = g->c + (size_t)m * g->ldc + n0;
        t.ahead = (const char *)t.a;
        t.m = m;
        t.n = n0;
        t.count = whole;
        tiles[rows - 1][NARROW](&t);
        t.n += whole * PANEL;
        t.b += whole * t.b_tile;
        t.c += whole * t.c_tile;
        t.count = 1;
        if (rest % LANES != 0)
            tiles_ragged(&t, rows, rest);
        else if (rest > 0)
            tiles[rows - 1][form_of(rest)](&t);
    }
}

/* One block of k and rows m0..m1, columns n0..n1. */
static void gemm_block(const struct ay_gemm *g, uint32_t k0, uint32_t k1, uint32_t m0, uint32_t m1,
                       uint32_t n0, uint32_t n1)
{
    bool packed = g->ldb == 0;
    struct split s = split_of(m1 - m0, TILE_ROWS);
    struct tile t = tile_of(g, k0, k1);
    for (uint32_t n = n0, panels, cols; n < n1; n += panels * PANEL) {
        panels = panels_together(s.least + (s.larger > 0), (n1 - n) / PANEL);
        cols = n1 - n < panels * PANEL ? n1 - n : panels * PANEL;
        t.n = n;
        t.b = g->b + (packed ? (size_t)n * g->k + (size_t)k0 * PANEL : (size_t)k0 * g->ldb + n);
        /* The next panel, shared among the tiles; or at the beginning all of the rows to come. */
        bool rows_ahead = g->a_from_memory && n == n0 && k0 == 0;
        t.ahead = (const char *)(t.b + (packed ? panels * t.panel_step : 0));
        t.ahead_step = packed ? (sizeof(float) * PANEL + s.count - 1) / s.count : 0;
        for (uint32_t i = 0, m = m0, rows; i < s.count; i += t.count, m += rows * t.count) {
            t.count = alike(&s, i, &rows);
            t.m = m;
            t.a = g->a + (size_t)m * g->lda + k0;
            t.a_tile = rows * g->lda;
            t.c_tile = rows * g->ldc;
            t.m_tile = rows;
            t.c = g->c + (size_t)m * g->ldc + n;
            if (rows_ahead) {
                t.ahead = (const char *)(t.a + t.a_tile);
                t.ahead_step = sizeof(float) * t.a_tile / t.k;
            }
            if (cols % LANES != 0)
                (packed ? tiles_ragged : tiles_ragged_k_major)(&t, rows, cols);
            else if (cols < PANEL)
                tiles[rows - 1][form_of(cols)](&t);
            else
                run_tiles(&t, rows, panels);
            t.ahead += t.ahead_step * t.k * t.count;
        }
    }
}

static void gemm(const struct ay_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0, uint32_t n1)
{
    AY_ASSERT(m1 <= g->m && n1 <= g->n && g->k > 0);
    AY_ASSERT(n0 % PANEL == 0 && (n1 % PANEL == 0 || n1 == g->n));
    if (g->ldb == 0 && g->k <= K_ACROSS && !g->resume && m1 - m0 > FEW_ROWS) {
        gemm_across(g, m0, m1, n0, n1);
        return;
    }
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
