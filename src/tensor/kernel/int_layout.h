/* How operands of products of integers lie: words of 32 bits, each of GROUP neighbouring elements
 * of K, four bytes (BYTES) or two of 16 bits. Some products add too much, a part by the column
 * alone and a part by the row, which are made with the words. Where SUMS, a packed column begins
 * with a word for its part, and `row` returns the row's; Q8_SUMS is the same for blocks of 32.
 *
 * OFFSET, bytes where the processor multiplies unsigned ones by signed ones alone: a signed byte of
 * A is taken plus 128, an unsigned one of B less 128. The column's word is its sum, the row's part
 * 128 times its own. In blocks of 32 only A is offset, and the word comes before the scale.
 *
 * CROSSED, pairs of 16 bits: words x0, x1 of a row and y0, y1 of a column are multiplied at once,
 * as (x0 + y1) (x1 + y0), whose x0 x1 + y0 y1 is too much. Both parts are kept negative, to be
 * added. A row's block of 32 begins with its part. Those of columns follow the last panel: few
 * rows, which take as long as B takes to come, are multiplied word by word and do without. */
#ifndef AY_TENSOR_KERNEL_INT_LAYOUT_H
#define AY_TENSOR_KERNEL_INT_LAYOUT_H

#include <string.h>

#include "tensor/kernel/integers.h"
#include "tensor/kernel/part_lanes.h"

#define OFFSET      (BYTES && SUMS)
#define CROSSED     (!BYTES && SUMS)
#define GROUP       (BYTES ? 4u : 2u)
#define BLOCK       AY_INT_Q8_BLOCK
#define BLOCK_WORDS (BLOCK / GROUP)
#define Q8_BEFORE   (BYTES && Q8_SUMS)            /* words before a column's scale */
#define Q8_COLUMN   (BLOCK_WORDS + 1 + Q8_BEFORE) /* words of a column and block */
#define Q8_ROW      (BLOCK_WORDS + CROSSED)       /* of a row and block */

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

#if CROSSED
static int32_t row(const void *a, bool is_signed, bool b_signed, uint32_t k, uint32_t *out)
{
    (void)b_signed;
    const uint8_t *from = a;
    vq part = vq_set1(0);
    uint32_t last[LANES] = {0}, left = k;
    for (; left >= GROUP * LANES; left -= GROUP * LANES, from += GROUP * LANES, out += LANES) {
        vq x = vq_of_bytes(from, is_signed);
        vq_store(out, x);
        part = vq_less_pairs(part, x);
    }
    words_of(from, is_signed, 0, left, last, 1);
    memcpy(out, last, (left + GROUP - 1) / GROUP * sizeof *out);
    return (int32_t)vq_total(vq_less_pairs(part, vq_load(last)));
}
#else
static int32_t row(const void *a, bool is_signed, bool b_signed, uint32_t k, uint32_t *out)
{
    words_of(a, is_signed, OFFSET && is_signed ? 128 : 0, k, out, 1);
    return OFFSET && !b_signed ? 128 * sum_of(a, is_signed, k) : 0;
}
#endif

/* What a panel's columns have beside `words` words: products of each two, or as sums those with
 * ones. */
AY_INLINE void column_parts(const uint32_t *panel, size_t words, uint32_t *out)
{
    vq part[TILE_LANES];
    AY_UNROLL
    for (int v = 0; v < TILE_LANES; v++) part[v] = vq_set1(0);
#if CROSSED
    for (size_t w = 0; w + 2 <= words; w += 2, panel += (size_t)2 * PANEL) AY_UNROLL
    for (int v = 0; v < TILE_LANES; v++) {
        const uint32_t *at = panel + (size_t)v * LANES;
        part[v] = vq_less(part[v], vq_load(at), vq_load(at + PANEL));
    }
#else
    for (size_t w = 0; w < words; w++, panel += PANEL) AY_UNROLL
    for (int v = 0; v < TILE_LANES; v++)
        part[v] = vq_dot(part[v], 0x01010101u, vq_load(panel + (size_t)v * LANES));
#endif
    AY_UNROLL
    for (int v = 0; v < TILE_LANES; v++) vq_store(out + (size_t)v * LANES, part[v]);
}

static void pack(const void *b, bool is_signed, uint32_t n, uint32_t k, void *out)
{
    size_t words = (k + GROUP - 1) / GROUP;
    int offset = OFFSET && !is_signed ? -128 : 0;
    uint32_t *panel = out;
    for (uint32_t n0 = 0; n0 < n; n0 += PANEL, panel += (words + SUMS) * PANEL) {
        for (uint32_t j = 0; j < PANEL; j++) {
            const uint8_t *from = (const uint8_t *)b + (size_t)(n0 + j < n ? n0 + j : 0) * k;
            words_of(from, is_signed, offset, k, panel + SUMS * PANEL + j, PANEL);
        }
        if (SUMS) column_parts(panel + PANEL, words, panel);
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
    uint32_t offset = OFFSET && !is_signed ? 0x80 : 0; /* less 128, modulo 256 */
    uint32_t wide = !BYTES && is_signed ? 0x80 : 0;    /* extends the sign to 16 bits */
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

static void pack_woven(const struct ay_patches *w, uint32_t n0, uint32_t n1, void *out)
{
    uint32_t *panel = out;
    if (n1 - n0 < PANEL) memset(panel, 0, PANEL * (w->k + SUMS) * sizeof *panel);
    pack_patches(w, 0, w->k, n0, n1, (float *)(void *)(panel + SUMS * PANEL));
    if (SUMS) column_parts(panel + PANEL, w->k, panel);
}

/* --- blocks of 32 --- */

/* What a row's block has beside its words. */
AY_INLINE uint32_t block_part(const uint32_t *words)
{
#if CROSSED
    vq part = vq_set1(0);
    AY_UNROLL
    for (uint32_t w = 0; w < BLOCK_WORDS; w += LANES)
        part = vq_less_pairs(part, vq_load(words + w));
    return vq_total(part);
#else
    (void)words;
    return 0;
#endif
}

static void row_q8(const float *a, uint32_t k, uint32_t *out, float *scale)
{
    float part[BLOCK] = {0}; /* of the last block */
    for (uint32_t first = 0; first < k; first += BLOCK, out += Q8_ROW, scale++) {
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
        vq_store_block(out + CROSSED, x);
        if (CROSSED) *out = block_part(out + CROSSED);
    }
}

/* Where the parts of a panel's columns are, block by block; j: its first column. */
static inline size_t q8_parts_at(uint32_t n, uint32_t j, size_t blocks)
{
    size_t panels = ((size_t)n + PANEL - 1) / PANEL;
    return (panels * Q8_COLUMN + j / PANEL) * blocks * PANEL;
}

static void pack_q8(const int8_t *w, const float *d, uint32_t n, uint32_t k, uint32_t n0,
                    uint32_t n1, void *out)
{
    size_t blocks = ((size_t)k + BLOCK - 1) / BLOCK;
    for (uint32_t first = n0; first < n1; first += PANEL) {
        uint32_t *at = (uint32_t *)out + first * blocks * Q8_COLUMN;
        uint32_t *parts = (uint32_t *)out + q8_parts_at(n, first, blocks);
        uint32_t cols = n1 - first < PANEL ? n1 - first : PANEL;
        memset(at, 0, blocks * Q8_COLUMN * PANEL * sizeof *at);
        for (size_t b = 0; b < blocks; b++, at += Q8_COLUMN * PANEL, parts += PANEL) {
            uint32_t *scales = at + Q8_BEFORE * PANEL, done = (uint32_t)b * BLOCK;
            uint32_t count = k - done < BLOCK ? k - done : BLOCK;
            for (uint32_t j = 0; j < cols; j++) {
                const int8_t *from = w + (size_t)(first + j) * k + done;
                if (Q8_BEFORE) at[j] = (uint32_t)(-128 * sum_of(from, true, count));
                scales[j] = ay_f32_bits(d[(first + j) * blocks + b]);
                words_of(from, true, 0, count, scales + PANEL + j, PANEL);
            }
            if (CROSSED) column_parts(scales + PANEL, BLOCK_WORDS, parts);
        }
    }
}

/* The table of what this file and another hold. */
#define INTEGERS_TABLE(gemm_of_integers, gemm_of_blocks)                                           \
    const struct ay_int_kernels AY_INTEGERS = {.name = AY_INTEGERS_NAME,                           \
                                               .panel = PANEL,                                     \
                                               .group = GROUP,                                     \
                                               .sums = SUMS,                                       \
                                               .sums_q8 = Q8_SUMS,                                 \
                                               .row_sums_q8 = CROSSED,                             \
                                               .row = row,                                         \
                                               .pack = pack,                                       \
                                               .weave = weave,                                     \
                                               .pack_woven = pack_woven,                           \
                                               .gemm = gemm_of_integers,                           \
                                               .row_q8 = row_q8,                                   \
                                               .pack_q8 = pack_q8,                                 \
                                               .gemm_q8 = gemm_of_blocks}

#endif
