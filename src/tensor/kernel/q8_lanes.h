/* Products by blocks of 32 over lanes of 32-bit words as int_layout.h lays them out. */
#ifndef AY_TENSOR_KERNEL_Q8_LANES_H
#define AY_TENSOR_KERNEL_Q8_LANES_H

#include "tensor/kernel/int_layout.h"

#define Q8_ROWS (TILE_ROWS / 2) /* of a tile that has sums and accumulators */

/* Sums of `rows` rows with the first `vecs` vectors of a panel's columns, over `words` words, added
 * to acc. */
AY_INLINE void dots(const uint32_t *a, size_t lda, const uint32_t *b, size_t words, const int rows,
                    const int vecs, vq *acc)
{
    for (size_t w = 0; w < words; w++, b += PANEL) {
        vq y[TILE_LANES];
        AY_UNROLL
        for (int v = 0; v < vecs; v++) y[v] = vq_load(b + (size_t)v * LANES);
        AY_UNROLL
        for (int r = 0; r < rows; r++) {
            uint32_t x = a[(size_t)r * lda + w];
            AY_UNROLL
            for (int v = 0; v < vecs; v++) acc[r * vecs + v] = vq_dot(acc[r * vecs + v], x, y[v]);
        }
    }
}

#define AY_ROWS_CASE(count, call)                                                                  \
    case count: call; break

AY_INLINE void q8_tile(const struct ay_q8_gemm *g, uint32_t m, const uint32_t *panel,
                       const int rows, float *out)
{
    vf acc[Q8_ROWS * TILE_LANES];
    uint32_t blocks = (g->k + BLOCK - 1) / BLOCK;
    const float *scale = g->scale + (size_t)m * blocks;
    const uint32_t *a = g->a + m * g->lda;
    AY_UNROLL
    for (int i = 0; i < rows * TILE_LANES; i++) acc[i] = vf_set1(0);
    for (uint32_t b = 0; b < blocks; b++, panel += Q8_COLUMN * PANEL, a += Q8_ROW) {
        vq sum[Q8_ROWS * TILE_LANES];
        AY_UNROLL
        for (int i = 0; i < rows * TILE_LANES; i++)
            sum[i] = Q8_BEFORE ? vq_load(panel + (size_t)(i % TILE_LANES) * LANES) : vq_set1(0);
        const uint32_t *scales = panel + Q8_BEFORE * PANEL;
        dots(a + CROSSED, g->lda, scales + PANEL, BLOCK_WORDS, rows, TILE_LANES, sum);
        AY_UNROLL
        for (int i = 0; i < rows * TILE_LANES; i++) {
            const uint32_t *d = scales + (size_t)(i % TILE_LANES) * LANES;
            vf dx = vf_set1(scale[(size_t)(i / TILE_LANES) * blocks + b]);
            acc[i] = vf_fma(vf_of_vq(sum[i]), vf_mul(vf_of_words(vq_load(d)), dx), acc[i]);
        }
    }
    AY_UNROLL
    for (int i = 0; i < rows * TILE_LANES; i++)
        vf_store(out + (size_t)i * LANES, vf_nan_of(acc[i], acc[i]));
}

static void gemm_q8_lanes(const struct ay_q8_gemm *g, uint32_t n0, uint32_t n1)
{
    float out[Q8_ROWS * PANEL];
    size_t blocks = (g->k + BLOCK - 1) / BLOCK, column = blocks * Q8_COLUMN;
    for (uint32_t n = n0; n < n1; n += PANEL) {
        const uint32_t *panel = (const uint32_t *)g->b + n * column;
        uint32_t cols = n1 - n < PANEL ? n1 - n : PANEL;
        for (uint32_t m = 0, rows; m < g->m; m += rows) {
            rows = g->m - m < Q8_ROWS ? g->m - m : Q8_ROWS;
            switch (rows) {
                AY_ROWS_CASE(1, q8_tile(g, m, panel, 1, out));
                AY_ROWS_CASE(2, q8_tile(g, m, panel, 2, out));
#if TILE_ROWS >= 6
                AY_ROWS_CASE(3, q8_tile(g, m, panel, 3, out));
#endif
#if TILE_ROWS >= 8
                AY_ROWS_CASE(4, q8_tile(g, m, panel, 4, out));
#endif
            }
            for (size_t r = 0; r < rows; r++)
                memcpy(g->c + (m + r) * g->ldc + n, out + r * PANEL, cols * sizeof *out);
        }
    }
}

#endif
