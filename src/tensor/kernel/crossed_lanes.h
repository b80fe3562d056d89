/* A table of products of integers over lanes of words of two 16 bits as int_layout.h lays them out,
 * by Winograd's inner product (A New Algorithm for Inner Product, IEEE Transactions on Computers
 * C-17, 1968): one product, of sums, for two words of a row and a column. The sums fit 16 bits; all
 * else is modulo 2^32, hence exact. It pays where an addition keeps a multiplier from its work, and
 * not where both are one instruction, as when aarch64 runs the scalar table. */
#ifndef AY_TENSOR_KERNEL_CROSSED_LANES_H
#define AY_TENSOR_KERNEL_CROSSED_LANES_H

#include "tensor/kernel/q8_lanes.h"

/* With two vectors of columns 8 sums, 4 vectors of B and 4 in the making: 16 registers. */
#define CROSSED_ROWS 4
/* So few, of blocks, wait for B alone, and do without its columns' parts. */
#define FEW_ROWS 2

/* Sums of `rows` rows with the first `vecs` vectors of a panel's columns, over two words, added to
 * acc. */
AY_INLINE void crossed_dots(const uint32_t *a, size_t lda, const uint32_t *b, const int rows,
                            const int vecs, vq *acc)
{
    vq y[TILE_LANES], y_next[TILE_LANES];
    AY_UNROLL
    for (int v = 0; v < vecs; v++) {
        y[v] = vq_load(b + (size_t)v * LANES);
        y_next[v] = vq_load(b + PANEL + (size_t)v * LANES);
    }
    AY_UNROLL
    for (int r = 0; r < rows; r++) {
        uint32_t x = a[(size_t)r * lda], x_next = a[(size_t)r * lda + 1];
        AY_UNROLL
        for (int v = 0; v < vecs; v++)
            acc[r * vecs + v] = vq_cross(acc[r * vecs + v], x, x_next, y[v], y_next[v]);
    }
}

/* The parts of those columns and of `rows` rows, which are `stride` words apart. */
AY_INLINE void crossed_parts(const uint32_t *columns, const uint32_t *of_rows, size_t stride,
                             const int rows, const int vecs, vq *acc)
{
    AY_UNROLL
    for (int i = 0; i < rows * vecs; i++)
        acc[i] = vq_add(vq_load(columns + (size_t)(i % vecs) * LANES),
                        vq_set1(of_rows[(size_t)(i / vecs) * stride]));
}

/* The first `cols` columns of a tile, which is a panel wide. */
static void crossed_put(const void *tile, uint32_t rows, uint32_t cols, void *c, size_t ldc)
{
    for (size_t r = 0; r < rows; r++)
        memcpy((uint32_t *)c + r * ldc, (const uint32_t *)tile + r * PANEL,
               cols * sizeof(uint32_t));
}

AY_INLINE void crossed_int_tile(const struct ay_int_gemm *g, uint32_t m, const uint32_t *panel,
                                const int rows, const int vecs, uint32_t *out, size_t ldo)
{
    vq acc[CROSSED_ROWS * TILE_LANES];
    size_t words = (g->k + GROUP - 1) / GROUP, w = 0;
    const uint32_t *a = g->a + m * g->lda, *b = panel + PANEL;
    crossed_parts(panel, (const uint32_t *)g->a_add + m, 1, rows, vecs, acc);
    for (; w + 2 <= words; w += 2) crossed_dots(a + w, g->lda, b + w * PANEL, rows, vecs, acc);
    if (w < words) dots(a + w, g->lda, b + w * PANEL, 1, rows, vecs, acc);
    AY_UNROLL
    for (int i = 0; i < rows * vecs; i++)
        vq_store(out + (size_t)(i / vecs) * ldo + (size_t)(i % vecs) * LANES, acc[i]);
}

AY_INLINE void crossed_int_rows(const struct ay_int_gemm *g, uint32_t m, const uint32_t *panel,
                                uint32_t rows, const int vecs, uint32_t *out, size_t ldo)
{
    switch (rows) {
        AY_ROWS_CASE(1, crossed_int_tile(g, m, panel, 1, vecs, out, ldo));
        AY_ROWS_CASE(2, crossed_int_tile(g, m, panel, 2, vecs, out, ldo));
        AY_ROWS_CASE(3, crossed_int_tile(g, m, panel, 3, vecs, out, ldo));
        AY_ROWS_CASE(4, crossed_int_tile(g, m, panel, 4, vecs, out, ldo));
    }
}

static void gemm_int(const struct ay_int_gemm *g, uint32_t n0, uint32_t n1)
{
    uint32_t tile[CROSSED_ROWS * PANEL];
    size_t column = (g->k + GROUP - 1) / GROUP + SUMS;
    for (uint32_t n = n0; n < n1; n += PANEL) {
        const uint32_t *panel = (const uint32_t *)g->b + n * column;
        bool whole = n1 - n >= PANEL;
        size_t ldo = whole ? g->ldc : PANEL;
        for (uint32_t m = 0, rows; m < g->m; m += rows) {
            int32_t *c = g->c + m * g->ldc + n;
            uint32_t *out = whole ? (uint32_t *)c : tile;
            rows = g->m - m < CROSSED_ROWS ? g->m - m : CROSSED_ROWS;
            if (n1 - n <= LANES)
                crossed_int_rows(g, m, panel, rows, 1, out, ldo);
            else
                crossed_int_rows(g, m, panel, rows, TILE_LANES, out, ldo);
            if (!whole) crossed_put(tile, rows, n1 - n, c, g->ldc);
        }
    }
}

/* The chains are in memory, as they go on once a block; the sums need the registers. */
AY_INLINE void crossed_q8_tile(const struct ay_q8_gemm *g, uint32_t m, const uint32_t *panel,
                               const uint32_t *parts, const int rows, float *out, size_t ldo)
{
    _Alignas(64) float acc[CROSSED_ROWS * PANEL] = {0};
    size_t blocks = ((size_t)g->k + BLOCK - 1) / BLOCK, lda = g->lda;
    const uint32_t *a = g->a + m * lda;
    const float *scale = g->scale + m * blocks;
    for (size_t b = 0; b < blocks; b++, panel += Q8_COLUMN * PANEL, parts += PANEL, a += Q8_ROW) {
        vq sum[CROSSED_ROWS * TILE_LANES];
        crossed_parts(parts, a, lda, rows, TILE_LANES, sum);
        for (size_t w = 1; w < Q8_ROW; w += 2)
            crossed_dots(a + w, lda, panel + w * PANEL, rows, TILE_LANES, sum);
        AY_UNROLL
        for (int r = 0; r < rows; r++) {
            vf dx = vf_set1(scale[(size_t)r * blocks + b]);
            AY_UNROLL
            for (int v = 0; v < TILE_LANES; v++) {
                float *to = acc + (size_t)(r * TILE_LANES + v) * LANES;
                vf by = vf_mul(vf_of_words(vq_load(panel + (size_t)v * LANES)), dx);
                vf_store(to, vf_fma(vf_of_vq(sum[r * TILE_LANES + v]), by, vf_load(to)));
            }
        }
    }
    AY_UNROLL
    for (int i = 0; i < rows * TILE_LANES; i++)
        put(out + (size_t)(i / TILE_LANES) * ldo + (size_t)(i % TILE_LANES) * LANES, LANES,
            vf_load(acc + (size_t)i * LANES));
}

static void gemm_q8(const struct ay_q8_gemm *g, uint32_t n0, uint32_t n1)
{
    if (g->m <= FEW_ROWS) {
        gemm_q8_lanes(g, n0, n1);
        return;
    }
    float tile[CROSSED_ROWS * PANEL];
    size_t blocks = ((size_t)g->k + BLOCK - 1) / BLOCK;
    for (uint32_t n = n0; n < n1; n += PANEL) {
        const uint32_t *panel = (const uint32_t *)g->b + n * blocks * Q8_COLUMN;
        const uint32_t *parts = (const uint32_t *)g->b + q8_parts_at(g->n, n, blocks);
        bool whole = n1 - n >= PANEL;
        size_t ldo = whole ? g->ldc : PANEL;
        for (uint32_t m = 0, rows; m < g->m; m += rows) {
            float *c = g->c + m * g->ldc + n, *out = whole ? c : tile;
            rows = g->m - m < CROSSED_ROWS ? g->m - m : CROSSED_ROWS;
            switch (rows) {
                AY_ROWS_CASE(1, crossed_q8_tile(g, m, panel, parts, 1, out, ldo));
                AY_ROWS_CASE(2, crossed_q8_tile(g, m, panel, parts, 2, out, ldo));
                AY_ROWS_CASE(3, crossed_q8_tile(g, m, panel, parts, 3, out, ldo));
                AY_ROWS_CASE(4, crossed_q8_tile(g, m, panel, parts, 4, out, ldo));
            }
            if (!whole) crossed_put(tile, rows, n1 - n, c, g->ldc);
        }
    }
}

INTEGERS_TABLE(gemm_int, gemm_q8);

#endif
