/* Products of filters with patches of an image, as of a convolution: vectors run over filters, the
 * rows of a tile are patches, whose elements are read where they lie in the image, or, where that
 * pays (FILTERS_LAID), are laid side by side first. However few the image's columns are no lane is
 * idle. Each element is one chain.
 * Cost: near the core's peak of fma; for each column and filter about as much as 8 more of k. */
#ifndef AY_TENSOR_KERNEL_FILTER_LANES_H
#define AY_TENSOR_KERNEL_FILTER_LANES_H

#include "tensor/kernel/gemm_lanes.h"

#define FILTERS (FILTER_LANES * LANES) /* of a panel */
/* Elements from a patch to those whose part of the image is fetched meanwhile. */
#define FILTER_AHEAD 24
/* Rows of an image, apart, whose lines stay in the first-level cache. */
#define LINES_KEPT 192u
/* Patches of a tile, whose sums are as many as those of a tile of gemm. */
#define FILTER_ROWS 6
#define FILTER_ROWS_OF(vecs)                                                                       \
    (TILE_ROWS * TILE_LANES / (vecs) < FILTER_ROWS ? TILE_ROWS * TILE_LANES / (vecs) : FILTER_ROWS)

/* Tiles below each other. */
struct filter_tile {
    const struct ay_patches *w;
    uint32_t n, k0, k1; /* first column; this block of k */
    uint32_t count;
    const float *b; /* that block of a panel */
    float *sums;    /* (rows, FILTERS) */
    /* What is needed next: the panel's next block, a place for each k of all tiles, or after the
     * last one where results go, in the rows of C from here on. */
    const float *ahead;
    size_t ahead_step;
    bool last;
};

/* far: the image is not in the second-level cache yet. */
AY_INLINE void filter_tile(const struct filter_tile *of, const int rows, const int vecs,
                           const bool far)
{
    const struct filter_tile t = *of; /* stores to sums might change *of, for all that is known */
    const float *image = t.w->image, *ahead = t.ahead;
    const int32_t *n_at = t.w->n_at + t.n, *begin = t.w->k_at + t.k0, *end = t.w->k_at + t.k1;
    const int32_t *last_row = t.last && end - begin > FILTERS ? begin + FILTERS : end;
    float *sums = t.sums;
    for (uint32_t i = 0; i < t.count; i++, n_at += rows, sums += (size_t)rows * FILTERS) {
        const float *from[FILTER_ROWS], *b = t.b;
        vf sum[TILE_ROWS * TILE_LANES];
        AY_UNROLL
        for (int r = 0; r < rows; r++) from[r] = image + n_at[r];
        AY_UNROLL
        for (int r = 0; r < rows; r++) AY_UNROLL
        for (int v = 0; v < vecs; v++)
            sum[r * vecs + v] =
                t.k0 == 0 ? vf_set1(0) : vf_load(sums + (size_t)r * FILTERS + (size_t)v * LANES);
        if (t.last) ahead = t.ahead + (size_t)i * (size_t)rows;
        size_t step = t.ahead_step;
        for (const int32_t *k = begin, *stop = last_row; k < end; stop = end, step = 0)
            for (; k < stop; k++, b += FILTERS, ahead += step) {
                vf y[FILTER_LANES];
                AY_UNROLL
                for (int v = 0; v < vecs; v++) y[v] = vf_load(b + (size_t)v * LANES);
                __builtin_prefetch(ahead, 0, 2);
                if (far) __builtin_prefetch(from[rows - 1] + *k + FILTER_AHEAD, 0, 3);
                AY_UNROLL
                for (int r = 0; r < rows; r++) {
                    vf x = vf_set1(from[r][*k]);
                    AY_UNROLL
                    for (int v = 0; v < vecs; v++)
                        sum[r * vecs + v] = vf_fma(x, y[v], sum[r * vecs + v]);
                }
            }
        AY_UNROLL
        for (int r = 0; r < rows; r++) AY_UNROLL
        for (int v = 0; v < vecs; v++)
            vf_store(sums + (size_t)r * FILTERS + (size_t)v * LANES, sum[r * vecs + v]);
    }
}

#define AY_FILTER_TILE(rows, vecs)                                                                 \
    static void filter_tile_##rows##_##vecs(const struct filter_tile *t)                           \
    {                                                                                              \
        filter_tile(t, rows, vecs, false);                                                         \
    }
#define AY_FILTER_TILE_FAR(rows, vecs)                                                             \
    static void filter_tile_##rows##_##vecs##_far(const struct filter_tile *t)                     \
    {                                                                                              \
        filter_tile(t, rows, vecs, true);                                                          \
    }
#define AY_FILTER_NAME(rows, vecs)     filter_tile_##rows##_##vecs,
#define AY_FILTER_NAME_FAR(rows, vecs) filter_tile_##rows##_##vecs##_far,
#define AY_3_ROWS(_, vecs)             _(1, vecs) _(2, vecs) _(3, vecs)
#define AY_4_ROWS(_, vecs)             AY_3_ROWS(_, vecs) _(4, vecs)
#define AY_6_ROWS(_, vecs)             AY_4_ROWS(_, vecs) _(5, vecs) _(6, vecs)

/* By vectors - 1 and rows - 1; where patches are not laid out, after whole panels their far form. */
#if FILTER_LANES == 1
AY_4_ROWS(AY_FILTER_TILE, 1)
#elif TILE_ROWS * TILE_LANES < 24
AY_6_ROWS(AY_FILTER_TILE, 1)
AY_6_ROWS(AY_FILTER_TILE, 2)
AY_4_ROWS(AY_FILTER_TILE, 3)
AY_3_ROWS(AY_FILTER_TILE, 4)
#else
AY_6_ROWS(AY_FILTER_TILE, 1)
AY_6_ROWS(AY_FILTER_TILE, 2)
AY_6_ROWS(AY_FILTER_TILE, 3)
AY_6_ROWS(AY_FILTER_TILE, 4)
AY_6_ROWS(AY_FILTER_TILE_FAR, 4)
#endif
static void (*const filter_tiles[][FILTER_ROWS])(const struct filter_tile *) = {
#if FILTER_LANES == 1
    {AY_4_ROWS(AY_FILTER_NAME, 1)}
#elif TILE_ROWS * TILE_LANES < 24
    {AY_6_ROWS(AY_FILTER_NAME, 1)}, {AY_6_ROWS(AY_FILTER_NAME, 2)},
    {AY_4_ROWS(AY_FILTER_NAME, 3)}, {AY_3_ROWS(AY_FILTER_NAME, 4)},
#else
    {AY_6_ROWS(AY_FILTER_NAME, 1)}, {AY_6_ROWS(AY_FILTER_NAME, 2)},
    {AY_6_ROWS(AY_FILTER_NAME, 3)}, {AY_6_ROWS(AY_FILTER_NAME, 4)},
    {AY_6_ROWS(AY_FILTER_NAME_FAR, 4)},
#endif
};

/* The chains of columns n0..n1 with the filters m0..m1 of one panel, the first of them or not. */
static void filter_panel(const struct ay_filter_gemm *g, bool first, uint32_t m0, uint32_t m1,
                         uint32_t n0, uint32_t n1, float *sums)
{
    const float *b = g->filters + (size_t)m0 * g->patches->k;
    uint32_t vecs = (m1 - m0 + LANES - 1) / LANES, form = vecs - 1;
    if (!FILTERS_LAID && first && g->patches->apart && m1 - m0 == FILTERS) form = FILTER_LANES;
    struct split s = split_of(n1 - n0, FILTER_ROWS_OF(vecs));
    struct filter_tile t = {.w = g->patches};
    for (; t.k0 < g->patches->k; t.k0 = t.k1) {
        t.k1 = g->patches->k - t.k0 <= FILTER_K + FILTER_K / 2 ? g->patches->k : t.k0 + FILTER_K;
        t.b = b + (size_t)t.k0 * FILTERS;
        t.last = t.k1 == g->patches->k;
        t.ahead_step = t.last ? g->ldc : (FILTERS + s.count - 1) / s.count;
        for (uint32_t i = 0, n = 0, rows; i < s.count; i += t.count, n += rows * t.count) {
            t.count = alike(&s, i, &rows);
            t.n = n0 + n;
            t.sums = sums + (size_t)n * FILTERS;
            t.ahead = t.last ? g->c + (size_t)m0 * g->ldc + t.n
                             : b + (size_t)t.k1 * FILTERS + (t.k1 - t.k0) * i * t.ahead_step;
            filter_tiles[form][rows - 1](&t);
        }
    }
}

/* `rows` filters from m on, `left` columns from n on: their sums become elements of C. */
static void filter_square(const struct ay_filter_gemm *g, const float *sums, size_t m, size_t n,
                          size_t rows, size_t left)
{
    vf square[LANES];
    AY_UNROLL
    for (size_t j = 0; j < LANES; j++)
        square[j] = j < left ? vf_load(sums + j * FILTERS) : vf_set1(0);
    vf_transpose(square);
    if (!g->affine)
        canonical(square, LANES);
    else if (rows == LANES)
        affine_rows(g->affine, m, n, LANES, 1, left, square);
    else
        for (size_t r = 0; r < rows; r++)
            affine_rows(g->affine, m + r, n, 1, 1, left, &square[r]);
    AY_UNROLL
    for (size_t r = 0; r < LANES; r++)
        if (r < rows) put_as_is(g->c + (m + r) * g->ldc + n, left, square[r]);
}

static void filter_finish(const struct ay_filter_gemm *g, const float *sums, uint32_t m0,
                          uint32_t m1, uint32_t n0, uint32_t n1)
{
    for (uint32_t m = m0; m < m1; m += LANES)
        for (uint32_t n = n0; n < n1; n += LANES)
            filter_square(g, sums + (size_t)(n - n0) * FILTERS + (m - m0), m, n,
                          m1 - m < LANES ? m1 - m : LANES, n1 - n < LANES ? n1 - n : LANES);
}

/* Straight from the image. */
static void filters_direct(const struct ay_filter_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0,
                           uint32_t n1, float *sums)
{
    for (uint32_t m = m0, next; m < m1; m = next) {
        next = m1 - m < FILTERS ? m1 : m + FILTERS;
        filter_panel(g, m == m0, m, next, n0, n1, sums);
        filter_finish(g, sums, m, next, n0, n1);
    }
}

/* --- patches laid side by side first --- */

/* Of each k of k0..k1 the elements of `rows` columns from n on. */
static void lay_columns(const struct ay_patches *w, uint32_t k0, uint32_t k1, uint32_t n,
                        uint32_t rows, float *out)
{
    const float *from[TILE_ROWS];
    for (uint32_t r = 0; r < rows; r++) from[r] = w->image + w->n_at[n + r];
    const bool whole = w->run[n] >= LANES && w->step == 1; /* a vector of it, more than is needed */
    for (uint32_t k = k0; k < k1; k++, out += rows) {
        const float *at = from[0] + w->k_at[k];
        if (w->run[n] < rows) {
            for (uint32_t r = 0; r < rows; r++) out[r] = from[r][w->k_at[k]];
            continue;
        }
        __builtin_prefetch(at + FILTER_AHEAD, 0, 3);
        vf x = whole ? vf_load(at) : w->step == 1 ? get(at, rows) : patch_get(at, rows, 2);
        put_as_is(out, (size_t)(k1 - k) * rows, x); /* the rest is overwritten next */
    }
}

/* Each tile's columns lie together, (k, rows of the tile). Some k of all, while their lines are in
 * the first-level cache. */
static void lay_out(const struct ay_patches *w, const struct split *s, uint32_t n0, float *out)
{
    for (uint32_t k0 = 0, k1; k0 < w->k; k0 = k1) {
        k1 = w->k - k0 <= LINES_KEPT ? w->k : k0 + LINES_KEPT;
        for (uint32_t i = 0, n = 0, rows; i < s->count; i++, n += rows) {
            rows = s->least + (i < s->larger);
            lay_columns(w, k0, k1, n0 + n, rows, out + (size_t)n * w->k + (size_t)k0 * rows);
        }
    }
}

/* room: the patches laid out, then the sums of a panel. */
static void filters_apart(const struct ay_filter_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0,
                          uint32_t n1, float *room)
{
    const struct ay_patches *w = g->patches;
    const struct split s = split_of(n1 - n0, TILE_ROWS);
    const uint32_t blocks = (w->k + K_WHOLE - 1) / K_WHOLE, block = (w->k + blocks - 1) / blocks;
    float *sums = room + (size_t)(n1 - n0) * w->k + LANES;
    const float *b = g->filters + (size_t)m0 * w->k;
    struct tile t = {.lda = 1, .ldb = FILTERS, .ldc = FILTERS};
    if (!g->laid) lay_out(w, &s, n0, room);
    t.ahead_step = (sizeof(float) * PANEL + s.count - 1) / s.count;
    for (uint32_t m = m0; m < m1; m += FILTERS) {
        uint32_t next = m1 - m < FILTERS ? m1 : m + FILTERS;
        for (uint32_t k0 = 0; k0 < w->k; k0 += t.k, b += (size_t)FILTERS * t.k) {
            t.k = w->k - k0 <= block ? w->k - k0 : block;
            t.first = k0 == 0;
            t.ahead = (const char *)(b + (size_t)FILTERS * t.k);
            for (uint32_t part = 0; part < next - m; part += PANEL) {
                t.b = b + part;
                for (uint32_t i = 0, n = 0, rows; i < s.count; i += t.count, n += rows * t.count) {
                    t.count = alike(&s, i, &rows);
                    t.a_step = rows;
                    t.a = room + (size_t)n * w->k + (size_t)k0 * rows;
                    t.a_tile = (size_t)rows * w->k;
                    t.c_tile = (size_t)rows * FILTERS;
                    t.c = sums + (size_t)n * FILTERS + part;
                    tiles[rows - 1][NARROW](&t);
                    t.ahead += t.ahead_step * t.k * t.count;
                }
            }
        }
        filter_finish(g, sums, m, next, n0, n1);
    }
}

static void gemm_filters(const struct ay_filter_gemm *g, uint32_t m0, uint32_t m1, uint32_t n0,
                         uint32_t n1, float *room)
{
    AY_ASSERT(m0 % FILTERS == 0 && (m1 % FILTERS == 0 || m1 == g->m));
    (FILTERS_LAID && g->patches->apart ? filters_apart : filters_direct)(g, m0, m1, n0, n1, room);
}

static void pack_filters(const float *a, uint32_t m, uint32_t k, float *out)
{
    pack_panels(a, k, m, k, FILTERS, out);
}

#endif
