/* A table of products of integers over lanes of 32-bit words as int_layout.h lays them out. All is
 * modulo 2^32, hence exact. */
#ifndef AY_TENSOR_KERNEL_INT_LANES_H
#define AY_TENSOR_KERNEL_INT_LANES_H

#include "tensor/kernel/q8_lanes.h"

/* What takes off again what was added to the bytes of row m and of a column. */
AY_INLINE vq first_sum(const struct ay_int_gemm *g, uint32_t m, const uint32_t *sums)
{
    if (!SUMS) return vq_set1(0);
    vq times = vq_set1(g->a_signed ? (uint32_t)-128 : 0);
    return vq_add(vq_mul(vq_load(sums), times), vq_set1((uint32_t)g->a_add[m]));
}

/* out: rows of PANEL. */
AY_INLINE void int_tile(const struct ay_int_gemm *g, uint32_t m, const uint32_t *panel,
                        const int rows, const int vecs, uint32_t *out)
{
    vq acc[TILE_ROWS * TILE_LANES];
    size_t words = (g->k + GROUP - 1) / GROUP;
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v++)
        acc[r * vecs + v] = first_sum(g, m + (uint32_t)r, panel + (size_t)v * LANES);
    dots(g->a + m * g->lda, g->lda, panel + SUMS * PANEL, words, rows, vecs, acc);
    AY_UNROLL
    for (int r = 0; r < rows; r++) AY_UNROLL
    for (int v = 0; v < vecs; v++)
        vq_store(out + (size_t)r * PANEL + (size_t)v * LANES, acc[r * vecs + v]);
}

AY_INLINE void int_rows(const struct ay_int_gemm *g, uint32_t m, const uint32_t *panel,
                        uint32_t rows, const int vecs, uint32_t *out)
{
    switch (rows) {
        AY_ROWS_CASE(1, int_tile(g, m, panel, 1, vecs, out));
        AY_ROWS_CASE(2, int_tile(g, m, panel, 2, vecs, out));
        AY_ROWS_CASE(3, int_tile(g, m, panel, 3, vecs, out));
        AY_ROWS_CASE(4, int_tile(g, m, panel, 4, vecs, out));
#if TILE_ROWS >= 8
        AY_ROWS_CASE(5, int_tile(g, m, panel, 5, vecs, out));
        AY_ROWS_CASE(6, int_tile(g, m, panel, 6, vecs, out));
        AY_ROWS_CASE(7, int_tile(g, m, panel, 7, vecs, out));
        AY_ROWS_CASE(8, int_tile(g, m, panel, 8, vecs, out));
#endif
    }
}

static void gemm_int(const struct ay_int_gemm *g, uint32_t n0, uint32_t n1)
{
    uint32_t out[TILE_ROWS * PANEL];
    size_t words = (g->k + GROUP - 1) / GROUP;
    for (uint32_t n = n0; n < n1; n += PANEL) {
        const uint32_t *panel = (const uint32_t *)g->b + n * (words + SUMS);
        uint32_t cols = n1 - n < PANEL ? n1 - n : PANEL;
        for (uint32_t m = 0, rows; m < g->m; m += rows) {
            rows = g->m - m < TILE_ROWS ? g->m - m : TILE_ROWS;
#if TILE_LANES == 3
            if (cols <= LANES)
                int_rows(g, m, panel, rows, 1, out);
            else if (cols <= 2 * LANES)
                int_rows(g, m, panel, rows, 2, out);
            else
#endif
                int_rows(g, m, panel, rows, TILE_LANES, out);
            for (size_t r = 0; r < rows; r++)
                memcpy(g->c + (m + r) * g->ldc + n, out + r * PANEL, cols * sizeof *out);
        }
    }
}

INTEGERS_TABLE(gemm_int, gemm_q8_lanes);

#endif
