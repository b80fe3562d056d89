/* How operands of products of integers lie: words of 32 bits, each of GROUP neighbouring elements
 * of K, four bytes (BYTES) or two of 16 bits. Where the processor multiplies unsigned bytes by
 * signed ones alone (SUMS), a signed byte of A is taken plus 128, an unsigned one of B less 128,
 * and what that adds is taken off again by a column's sum or a row's. Q8_SUMS: a column of a block
 * of 32 has its sum, for that purpose. */
#ifndef AY_TENSOR_KERNEL_INT_LAYOUT_H
#define AY_TENSOR_KERNEL_INT_LAYOUT_H

#include <string.h>

#include "tensor/kernel/integers.h"
#include "tensor/kernel/part_lanes.h"

#define GROUP       (BYTES ? 4u : 2u)
#define BLOCK       AY_INT_Q8_BLOCK
#define BLOCK_WORDS (BLOCK / GROUP)
#define Q8_COLUMN   (BLOCK_WORDS + 1 + Q8_SUMS) /* words of a column and block */

/* `count` <= GROUP elements as a word; each is given the offset, and is 0 where there is none. */
static uint32_t word_of(const void *from, bool is_signed, int offset, uint32_t count)
{
    const int8_t *i8 = from;
    const uint8_t *u8 = from;
    uint32_t word = 0;
    for (uint32_t i = 0; i < count; i++) {
        int x = (is_signed ? i8[i] : u8[i]) + offset;
        word |= BYTES ? (uint32_t)(uint8_t)x << 8 * i : (uint32_t)(uint16_t)x << 16 * i;
    }
    return word;
}

static void words_of(const void *from, bool is_signed, int offset, uint32_t k, uint32_t *out,
                     size_t stride)
{
    const uint8_t *at = from;
    uint32_t whole = k / GROUP;
    for (uint32_t w = 0; w < whole; w++, at += GROUP)
        out[w * stride] = word_of(at, is_signed, offset, GROUP);
    if (k % GROUP) out[whole * stride] = word_of(at, is_signed, offset, k % GROUP);
}

static int32_t sum_of(const void *from, bool is_signed, uint32_t k)
{
    const int8_t *i8 = from;
    const uint8_t *u8 = from;
    int32_t sum = 0;
    for (uint32_t i = 0; i < k; i++) sum += is_signed ? i8[i] : u8[i];
    return sum;
}

static int32_t row(const void *a, bool is_signed, bool b_signed, uint32_t k, uint32_t *out)
{
    words_of(a, is_signed, SUMS && is_signed ? 128 : 0, k, out, 1);
    return SUMS && !b_signed ? 128 * sum_of(a, is_signed, k) : 0;
}

/* A column's sum is that of the bytes as packed. */
static void pack(const void *b, bool is_signed, uint32_t n, uint32_t k, void *out)
{
    size_t column = (k + GROUP - 1) / GROUP + SUMS;
    int offset = SUMS && !is_signed ? -128 : 0;
    for (uint32_t j = 0; j < (n + PANEL - 1) / PANEL * PANEL; j++) {
        uint32_t *panel = (uint32_t *)out + j / PANEL * PANEL * column + j % PANEL;
        const uint8_t *from = (const uint8_t *)b + (size_t)(j < n ? j : 0) * k;
        if (SUMS) *panel = (uint32_t)(sum_of(from, is_signed, k) + offset * (int32_t)k);
        words_of(from, is_signed, offset, k, panel + SUMS * PANEL, PANEL);
    }
}

#if BYTES
typedef uint8_t weave_bytes __attribute__((vector_size(16)));
typedef uint16_t weave_pairs __attribute__((vector_size(16)));

static weave_bytes weave_load(const uint8_t *x, uint8_t flip)
{
    weave_bytes y;
    memcpy(&y, x, sizeof y);
    return y ^ flip;
}

/* Two by two the bytes of four rows, then their pairs; how many words it made. */
static size_t weave_four(const uint8_t *x, size_t stride, uint8_t flip, size_t n, uint32_t *out)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        weave_bytes a = weave_load(x + i, flip), b = weave_load(x + stride + i, flip);
        weave_bytes c = weave_load(x + 2 * stride + i, flip);
        weave_bytes d = weave_load(x + 3 * stride + i, flip);
        weave_pairs ab[] = {(weave_pairs)__builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19,
                                                                 4, 20, 5, 21, 6, 22, 7, 23),
                            (weave_pairs)__builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27,
                                                                 12, 28, 13, 29, 14, 30, 15, 31)};
        weave_pairs cd[] = {(weave_pairs)__builtin_shufflevector(c, d, 0, 16, 1, 17, 2, 18, 3, 19,
                                                                 4, 20, 5, 21, 6, 22, 7, 23),
                            (weave_pairs)__builtin_shufflevector(c, d, 8, 24, 9, 25, 10, 26, 11, 27,
                                                                 12, 28, 13, 29, 14, 30, 15, 31)};
        for (uint32_t h = 0; h < 2; h++) {
            weave_pairs low = __builtin_shufflevector(ab[h], cd[h], 0, 8, 1, 9, 2, 10, 3, 11);
            weave_pairs high = __builtin_shufflevector(ab[h], cd[h], 4, 12, 5, 13, 6, 14, 7, 15);
            memcpy(out + i + 8 * h, &low, sizeof low);
            memcpy(out + i + 8 * h + 4, &high, sizeof high);
        }
    }
    return i;
}
#endif

static void weave(const void *from, size_t stride, uint32_t count, bool is_signed, size_t n,
                  uint32_t *out)
{
    const uint8_t *x = from;
    uint32_t offset = SUMS && !is_signed ? 0x80 : 0; /* less 128, modulo 256 */
    uint32_t wide = !BYTES && is_signed ? 0x80 : 0;  /* extends the sign to 16 bits */
    size_t first = 0;
#if BYTES
    if (count == GROUP) first = weave_four(x, stride, (uint8_t)offset, n, out);
#endif
    for (size_t i = first; i < n; i++) out[i] = 0;
    for (uint32_t g = 0; g < count; g++)
        for (size_t i = first; i < n; i++) {
            uint32_t byte = x[g * stride + i] ^ offset;
            out[i] |= (((byte ^ wide) - wide) & (BYTES ? 0xffu : 0xffffu)) << (32 / GROUP * g);
        }
}

/* They are products with ones. */
AY_INLINE void panel_sums(uint32_t *panel, size_t words)
{
    vq sum[TILE_LANES];
    AY_UNROLL
    for (int v = 0; v < TILE_LANES; v++) sum[v] = vq_set1(0);
    for (size_t i = 1; i <= words; i++) AY_UNROLL
    for (int v = 0; v < TILE_LANES; v++)
        sum[v] = vq_dot(sum[v], 0x01010101u, vq_load(panel + i * PANEL + (size_t)v * LANES));
    AY_UNROLL
    for (int v = 0; v < TILE_LANES; v++) vq_store(panel + (size_t)v * LANES, sum[v]);
}

static void pack_woven(const struct ay_patches *w, uint32_t n0, uint32_t n1, void *out)
{
    uint32_t *panel = out;
    if (n1 - n0 < PANEL) memset(panel, 0, PANEL * (w->k + SUMS) * sizeof *panel);
    pack_patches(w, 0, w->k, n0, n1, (float *)(void *)(panel + SUMS * PANEL));
    if (SUMS) panel_sums(panel, w->k);
}

/* --- blocks of 32 --- */

static void row_q8(const float *a, uint32_t k, uint32_t *out, float *scale)
{
    for (uint32_t first = 0; first < k; first += BLOCK, out += BLOCK_WORDS, scale++) {
        float part[BLOCK] = {0};
        const float *from = a + first;
        vf x[BLOCK / LANES], most = vf_set1(0);
        bool finite = true;
        if (k - first < BLOCK) from = memcpy(part, from, (k - first) * sizeof *part);
        AY_UNROLL
        for (uint32_t i = 0; i < BLOCK / LANES; i++) {
            x[i] = vf_load(from + (size_t)i * LANES);
            finite = finite && vf_all_below(vf_abs(x[i]), ay_f32(AY_INF_BITS));
            most = vf_most(vf_abs(x[i]), most);
        }
        *scale = finite ? vf_largest(most) / 127.0F : ay_f32(AY_NAN_BITS);
        bool zero = !finite || *scale == 0;
        vf by = vf_set1(zero ? 1 : *scale);
        AY_UNROLL
        for (uint32_t i = 0; i < BLOCK / LANES; i++) {
            vf y = zero ? vf_set1(0) : vf_div(x[i], by);
            x[i] = vf_least(vf_most(y, vf_set1(-127.0F)), vf_set1(127.0F));
        }
        vq_store_block(out, x);
    }
}

static void pack_q8(const int8_t *w, const float *d, uint32_t n, uint32_t k, void *out)
{
    uint32_t blocks = (k + BLOCK - 1) / BLOCK;
    size_t panel_words = (size_t)blocks * Q8_COLUMN * PANEL;
    memset(out, 0, (n + PANEL - 1) / PANEL * panel_words * sizeof(uint32_t));
    for (uint32_t j = 0; j < n; j++)
        for (uint32_t b = 0; b < blocks; b++) {
            uint32_t *at = (uint32_t *)out + j / PANEL * panel_words + j % PANEL;
            uint32_t count = k - b * BLOCK < BLOCK ? k - b * BLOCK : BLOCK;
            const int8_t *from = w + (size_t)j * k + b * BLOCK;
            at += (size_t)b * Q8_COLUMN * PANEL;
            if (Q8_SUMS) *at = (uint32_t)(-128 * sum_of(from, true, count));
            at += Q8_SUMS * PANEL;
            *at = ay_f32_bits(d[(size_t)j * blocks + b]);
            words_of(from, true, 0, count, at + PANEL, PANEL);
        }
}

/* The table of what this file and another hold. */
#define INTEGERS_TABLE(gemm_of_integers, gemm_of_blocks)                                           \
    const struct ay_int_kernels AY_INTEGERS = {.name = AY_INTEGERS_NAME,                           \
                                               .panel = PANEL,                                     \
                                               .group = GROUP,                                     \
                                               .sums = SUMS,                                       \
                                               .sums_q8 = Q8_SUMS,                                 \
                                               .row = row,                                         \
                                               .pack = pack,                                       \
                                               .weave = weave,                                     \
                                               .pack_woven = pack_woven,                           \
                                               .gemm = gemm_of_integers,                           \
                                               .row_q8 = row_q8,                                   \
                                               .pack_q8 = pack_q8,                                 \
                                               .gemm_q8 = gemm_of_blocks}

#endif
