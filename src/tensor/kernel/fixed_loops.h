/* Fixed point: sums to bytes, sums of bytes, tables of a byte. Plain loops, compiled for each
 * instruction set as steps.c is; where 16 words of 32 bits go at once, by even and odd ones. */
#ifndef AY_TENSOR_KERNEL_FIXED_LOOPS_H
#define AY_TENSOR_KERNEL_FIXED_LOOPS_H

#include <string.h>

#include "tensor/kernel/steps.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

/* Keeps the sign, s within 0 and 63. AVX2 has no such shift of 64 bits, but one of unsigned. */
static inline int64_t shifted(int64_t x, uint32_t s)
{
#if defined(__AVX2__) && !defined(__AVX512F__)
    const uint64_t top = 1ull << 63;
    return (int64_t)((((uint64_t)x + top) >> s) - (top >> s));
#else
    return x >> s;
#endif
}

static inline uint8_t byte_of(int64_t x, int32_t low, int32_t high)
{
    x = x < low ? low : x;
    return (uint8_t)(x > high ? high : x);
}

#ifdef __AVX512F__
/* Of each pair of words the lower one. */
static inline __m512i rounded(__m512i x, __m512i multiplier, __m512i offset, __m128i shift,
                              __m512i low, __m512i high)
{
    __m512i y = _mm512_add_epi64(_mm512_mul_epi32(x, multiplier), offset);
    y = _mm512_max_epi64(_mm512_sra_epi64(y, shift), low);
    return _mm512_min_epi64(y, high);
}

static size_t round_row_vectors(const int32_t *x, const struct ay_fixed_row *r, uint8_t *out,
                                size_t n)
{
    __m512i multiplier = _mm512_set1_epi64(r->multiplier), offset = _mm512_set1_epi64(r->offset);
    __m512i low = _mm512_set1_epi64(r->low), high = _mm512_set1_epi64(r->high);
    __m128i shift = _mm_cvtsi32_si128((int)r->shift);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512i even = _mm512_loadu_si512(x + i), odd = _mm512_srli_epi64(even, 32);
        even = rounded(even, multiplier, offset, shift, low, high);
        odd = rounded(odd, multiplier, offset, shift, low, high);
        even = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm512_cvtepi32_epi8(even));
    }
    return i;
}

static size_t round_columns_vectors(const int32_t *x, const struct ay_fixed_columns *c,
                                    uint8_t *out, size_t n)
{
    __m512i low = _mm512_set1_epi64(c->low), high = _mm512_set1_epi64(c->high);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i *from = (const __m256i *)(const void *)(x + i);
        const __m256i *by = (const __m256i *)(const void *)(c->multiplier + i);
        const __m256i *shifts = (const __m256i *)(const void *)(c->shift + i);
        __m512i y = _mm512_mul_epi32(_mm512_cvtepi32_epi64(_mm256_loadu_si256(from)),
                                     _mm512_cvtepi32_epi64(_mm256_loadu_si256(by)));
        y = _mm512_add_epi64(y, _mm512_loadu_si512(c->offset + i));
        __m256i shift = _mm256_max_epi32(_mm256_loadu_si256(shifts), _mm256_setzero_si256());
        shift = _mm256_min_epi32(shift, _mm256_set1_epi32(63));
        y = _mm512_srav_epi64(y, _mm512_cvtepi32_epi64(shift));
        y = _mm512_min_epi64(_mm512_max_epi64(y, low), high);
        _mm_storel_epi64((__m128i *)(void *)(out + i), _mm512_cvtepi64_epi8(y));
    }
    return i;
}

static size_t sum_bytes_vectors(const uint8_t *a, const uint8_t *b, const struct ay_fixed_sum *s,
                                uint8_t *out, size_t n)
{
    __m512i by_a = _mm512_set1_epi32(s->multiplier[0]), by_b = _mm512_set1_epi32(s->multiplier[1]);
    __m512i low = _mm512_set1_epi32(s->low), high = _mm512_set1_epi32(s->high);
    __m512i offset = _mm512_set1_epi32(s->offset);
    __m128i shift = _mm_cvtsi32_si128((int)s->shift);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512i x = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(a + i)));
        __m512i y = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(b + i)));
        x = _mm512_add_epi32(_mm512_mullo_epi32(x, by_a), _mm512_mullo_epi32(y, by_b));
        x = _mm512_sra_epi32(_mm512_add_epi32(x, offset), shift);
        x = _mm512_min_epi32(_mm512_max_epi32(x, low), high);
        _mm_storeu_si128((__m128i *)(void *)(out + i), _mm512_cvtepi32_epi8(x));
    }
    return i;
}
#else
static size_t round_row_vectors(const int32_t *x, const struct ay_fixed_row *r, uint8_t *out,
                                size_t n)
{
    (void)x, (void)r, (void)out, (void)n;
    return 0;
}

static size_t round_columns_vectors(const int32_t *x, const struct ay_fixed_columns *c,
                                    uint8_t *out, size_t n)
{
    (void)x, (void)c, (void)out, (void)n;
    return 0;
}

static size_t sum_bytes_vectors(const uint8_t *a, const uint8_t *b, const struct ay_fixed_sum *s,
                                uint8_t *out, size_t n)
{
    (void)a, (void)b, (void)s, (void)out, (void)n;
    return 0;
}
#endif

static void round_row(const int32_t *restrict x, const struct ay_fixed_row *r,
                      uint8_t *restrict out, size_t n)
{
    const struct ay_fixed_row f = *r;
    for (size_t i = round_row_vectors(x, r, out, n); i < n; i++)
        out[i] = byte_of(shifted((int64_t)x[i] * f.multiplier + f.offset, f.shift), f.low, f.high);
}

static void round_columns(const int32_t *restrict x, const struct ay_fixed_columns *c,
                          uint8_t *restrict out, size_t n)
{
    const struct ay_fixed_columns f = *c;
    for (size_t i = round_columns_vectors(x, c, out, n); i < n; i++) {
        int32_t shift = f.shift[i] < 0 ? 0 : f.shift[i] > 63 ? 63 : f.shift[i];
        int64_t y = (int64_t)x[i] * f.multiplier[i] + f.offset[i];
        out[i] = byte_of(shifted(y, (uint32_t)shift), f.low, f.high);
    }
}

static void sum_bytes(const uint8_t *a, const uint8_t *b, const struct ay_fixed_sum *s,
                      uint8_t *out, size_t n)
{
    const struct ay_fixed_sum f = *s;
    for (size_t i = sum_bytes_vectors(a, b, s, out, n); i < n; i++) {
        int32_t x = a[i] * f.multiplier[0] + b[i] * f.multiplier[1] + f.offset;
        out[i] = byte_of(x >> f.shift, f.low, f.high);
    }
}

static void table_bytes(const uint8_t *x, const uint8_t table[256], uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = table[x[i]];
}

static void largest_bytes(const uint8_t *restrict x, size_t step, uint8_t *restrict to, size_t n)
{
    if (step == 1)
        for (size_t i = 0; i < n; i++) to[i] = x[i] > to[i] ? x[i] : to[i];
    else if (step == 2)
        for (size_t i = 0; i < n; i++) to[i] = x[2 * i] > to[i] ? x[2 * i] : to[i];
    else
        for (size_t i = 0; i < n; i++) to[i] = x[step * i] > to[i] ? x[step * i] : to[i];
}

#ifdef __AVX512F__
/* 16 elements, `step` (1 or 2) apart. */
static inline __m512i widened(const uint8_t *x, bool is_signed, size_t step)
{
    if (step == 1) {
        __m128i y = _mm_loadu_si128((const __m128i *)(const void *)x);
        return is_signed ? _mm512_cvtepi8_epi32(y) : _mm512_cvtepu8_epi32(y);
    }
    __m256i y = _mm256_slli_epi16(_mm256_loadu_si256((const __m256i *)(const void *)x), 8);
    y = is_signed ? _mm256_srai_epi16(y, 8) : _mm256_srli_epi16(y, 8);
    return _mm512_cvtepi16_epi32(y);
}

static bool sum_taps_vectors(const struct ay_fixed_taps *t, int32_t *sums, size_t n)
{
    if (t->step > 2) return false;
    for (size_t i = 0; i < n; i += 32) {
        __m512i y[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        for (size_t k = 0; k < t->count; k++) {
            const uint8_t *x = t->x + t->at[k] + t->step * i;
            __m512i by = _mm512_set1_epi32(t->by[k]);
            for (size_t v = 0; v < 2; v++)
                y[v] = _mm512_add_epi32(
                    y[v],
                    _mm512_mullo_epi32(widened(x + 16 * v * t->step, t->is_signed, t->step), by));
        }
        _mm512_storeu_si512(sums + i, y[0]);
        _mm512_storeu_si512(sums + i + 16, y[1]);
    }
    return true;
}
#else
static bool sum_taps_vectors(const struct ay_fixed_taps *t, int32_t *sums, size_t n)
{
    (void)t, (void)sums, (void)n;
    return false;
}
#endif

#define ADD_TIMES(type, place)                                                                     \
    for (size_t i = 0; i < n; i++) sums[i] += by * ((const type *)(const void *)x)[place]
static void sum_taps(const struct ay_fixed_taps *t, int32_t *restrict sums, size_t n)
{
    const size_t step = t->step;
    if (sum_taps_vectors(t, sums, n)) return;
    memset(sums, 0, n * sizeof *sums);
    for (size_t k = 0; k < t->count; k++) {
        const uint8_t *restrict x = t->x + t->at[k];
        const int32_t by = t->by[k];
        if (t->is_signed)
            ADD_TIMES(int8_t, step * i);
        else if (step == 1)
            ADD_TIMES(uint8_t, i);
        else
            ADD_TIMES(uint8_t, step * i);
    }
}

#endif
