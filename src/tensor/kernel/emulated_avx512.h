/* The intrinsics that lanes_avx512.h uses, in plain C as Intel's guide defines them, so that its
 * very text is tested on processors without AVX-512. For tests only: slow. */
#ifndef AY_TENSOR_KERNEL_EMULATED_AVX512_H
#define AY_TENSOR_KERNEL_EMULATED_AVX512_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    float f[8];
} __m256;
typedef struct {
    float f[16];
} __m512;
typedef struct {
    double f[8];
} __m512d;
typedef struct {
    uint64_t i[8];
} __m512i;
typedef uint16_t __mmask16;
typedef uint8_t __mmask8;

enum { _CMP_EQ_OQ = 0, _CMP_UNORD_Q = 3, _CMP_NLT_UQ = 5, _CMP_LT_OQ = 0x11, _CMP_NGE_UQ = 0x19 };

#define EMULATED static inline

/* A function of one, two or three vectors, lane by lane; l is the lane. */
#define EACH1(name, type, from, n, member, expr)                                                   \
    EMULATED type name(from a)                                                                     \
    {                                                                                              \
        type y;                                                                                    \
        for (int l = 0; l < (n); l++) y.member[l] = (expr);                                        \
        return y;                                                                                  \
    }
#define EACH2(name, type, from, n, member, expr)                                                   \
    EMULATED type name(from a, from b)                                                             \
    {                                                                                              \
        type y;                                                                                    \
        for (int l = 0; l < (n); l++) y.member[l] = (expr);                                        \
        return y;                                                                                  \
    }
#define EACH3(name, type, from, n, member, expr)                                                   \
    EMULATED type name(from a, from b, from c)                                                     \
    {                                                                                              \
        type y;                                                                                    \
        for (int l = 0; l < (n); l++) y.member[l] = (expr);                                        \
        return y;                                                                                  \
    }
#define CAST(name, type, from)                                                                     \
    EMULATED type name(from a)                                                                     \
    {                                                                                              \
        type y;                                                                                    \
        memcpy(&y, &a, sizeof y);                                                                  \
        return y;                                                                                  \
    }

EMULATED uint32_t emulated_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
EMULATED float emulated_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

EACH1(_mm512_set1_ps, __m512, float, 16, f, a)
EACH1(_mm256_set1_ps, __m256, float, 8, f, a)
EACH1(_mm512_set1_pd, __m512d, double, 8, f, a)
EACH1(_mm512_set1_epi64, __m512i, long long, 8, i, (uint64_t)a)
EACH1(_mm512_set1_epi32, __m512i, int, 8, i, (uint64_t)(uint32_t)a << 32 | (uint32_t)a)
CAST(_mm512_castsi512_ps, __m512, __m512i)
CAST(_mm512_castps_si512, __m512i, __m512)
CAST(_mm512_castpd_si512, __m512i, __m512d)
CAST(_mm512_castsi512_pd, __m512d, __m512i)

EACH2(_mm512_add_ps, __m512, __m512, 16, f, a.f[l] + b.f[l])
EACH2(_mm512_sub_ps, __m512, __m512, 16, f, a.f[l] - b.f[l])
EACH2(_mm512_mul_ps, __m512, __m512, 16, f, a.f[l] * b.f[l])
EACH2(_mm512_div_ps, __m512, __m512, 16, f, a.f[l] / b.f[l])
EACH2(_mm512_max_ps, __m512, __m512, 16, f, a.f[l] > b.f[l] ? a.f[l] : b.f[l])
EACH2(_mm512_min_ps, __m512, __m512, 16, f, a.f[l] < b.f[l] ? a.f[l] : b.f[l])
EACH1(_mm512_sqrt_ps, __m512, __m512, 16, f, sqrtf(a.f[l]))
EACH1(_mm512_floor_ps, __m512, __m512, 16, f, floorf(a.f[l]))
EMULATED __m512 _mm512_roundscale_ps(__m512 a, int control)
{
    (void)control; /* 8 alone is used */
    for (int l = 0; l < 16; l++) a.f[l] = rintf(a.f[l]);
    return a;
}
EACH3(_mm512_fmadd_ps, __m512, __m512, 16, f, fmaf(a.f[l], b.f[l], c.f[l]))
EACH3(_mm256_fmadd_ps, __m256, __m256, 8, f, fmaf(a.f[l], b.f[l], c.f[l]))
EACH2(_mm512_and_ps, __m512, __m512, 16, f,
      emulated_float(emulated_bits(a.f[l]) & emulated_bits(b.f[l])))
EACH2(_mm512_andnot_ps, __m512, __m512, 16, f,
      emulated_float(~emulated_bits(a.f[l]) & emulated_bits(b.f[l])))
EACH2(_mm512_or_ps, __m512, __m512, 16, f,
      emulated_float(emulated_bits(a.f[l]) | emulated_bits(b.f[l])))
EACH2(_mm512_xor_ps, __m512, __m512, 16, f,
      emulated_float(emulated_bits(a.f[l]) ^ emulated_bits(b.f[l])))

EACH2(_mm512_add_pd, __m512d, __m512d, 8, f, a.f[l] + b.f[l])
EACH2(_mm512_sub_pd, __m512d, __m512d, 8, f, a.f[l] - b.f[l])
EACH2(_mm512_mul_pd, __m512d, __m512d, 8, f, a.f[l] * b.f[l])
EACH2(_mm512_div_pd, __m512d, __m512d, 8, f, a.f[l] / b.f[l])
EACH2(_mm512_max_pd, __m512d, __m512d, 8, f, a.f[l] > b.f[l] ? a.f[l] : b.f[l])
EACH2(_mm512_min_pd, __m512d, __m512d, 8, f, a.f[l] < b.f[l] ? a.f[l] : b.f[l])
EACH3(_mm512_fmadd_pd, __m512d, __m512d, 8, f, fma(a.f[l], b.f[l], c.f[l]))
EACH3(_mm512_fmsub_pd, __m512d, __m512d, 8, f, fma(a.f[l], b.f[l], -c.f[l]))
EACH3(_mm512_fnmadd_pd, __m512d, __m512d, 8, f, fma(-a.f[l], b.f[l], c.f[l]))
EACH2(_mm512_add_epi64, __m512i, __m512i, 8, i, a.i[l] + b.i[l])
EACH2(_mm512_and_si512, __m512i, __m512i, 8, i, a.i[l] & b.i[l])
EACH2(_mm512_or_si512, __m512i, __m512i, 8, i, a.i[l] | b.i[l])
EACH2(_mm512_xor_si512, __m512i, __m512i, 8, i, a.i[l] ^ b.i[l])

EMULATED __m512i _mm512_slli_epi64(__m512i a, unsigned n)
{
    for (int l = 0; l < 8; l++) a.i[l] <<= n;
    return a;
}
EMULATED __m512i _mm512_srli_epi64(__m512i a, unsigned n)
{
    for (int l = 0; l < 8; l++) a.i[l] >>= n;
    return a;
}

typedef struct {
    uint32_t i[16];
} emulated_words;
CAST(emulated_words_of, emulated_words, __m512i)
CAST(emulated_of_words, __m512i, emulated_words)
#define EACH_WORD(name, expr)                                                                      \
    EMULATED __m512i name(__m512i x, __m512i y)                                                    \
    {                                                                                              \
        emulated_words a = emulated_words_of(x), b = emulated_words_of(y);                         \
        for (int l = 0; l < 16; l++) a.i[l] = (expr);                                              \
        return emulated_of_words(a);                                                               \
    }
EACH_WORD(_mm512_add_epi32, a.i[l] + b.i[l])
EACH_WORD(_mm512_max_epi32, (int32_t)a.i[l] > (int32_t)b.i[l] ? a.i[l] : b.i[l])
EACH_WORD(_mm512_min_epi32, (int32_t)a.i[l] < (int32_t)b.i[l] ? a.i[l] : b.i[l])
EMULATED __mmask16 _mm512_movepi32_mask(__m512i x)
{
    emulated_words a = emulated_words_of(x);
    uint32_t mask = 0;
    for (int l = 0; l < 16; l++) mask |= a.i[l] >> 31 << l;
    return (__mmask16)mask;
}
EMULATED __m512i _mm512_slli_epi32(__m512i x, unsigned n)
{
    emulated_words a = emulated_words_of(x);
    for (int l = 0; l < 16; l++) a.i[l] <<= n;
    return emulated_of_words(a);
}

/* Between f32 and f64, and halves. */
EMULATED __m256 _mm512_castps512_ps256(__m512 a)
{
    __m256 y;
    memcpy(y.f, a.f, sizeof y.f);
    return y;
}
EMULATED __m512 _mm512_castps256_ps512(__m256 a)
{
    __m512 y; /* the upper half is undefined */
    memset(y.f, 0xa5, sizeof y.f);
    memcpy(y.f, a.f, sizeof a.f);
    return y;
}
EMULATED __m256 _mm512_extractf32x8_ps(__m512 a, int half)
{
    __m256 y;
    memcpy(y.f, a.f + 8 * half, sizeof y.f);
    return y;
}
EMULATED __m512 _mm512_insertf32x8(__m512 a, __m256 b, int half)
{
    memcpy(a.f + 8 * half, b.f, sizeof b.f);
    return a;
}
EACH1(_mm512_cvtps_pd, __m512d, __m256, 8, f, (double)a.f[l])
EACH1(_mm512_cvtpd_ps, __m256, __m512d, 8, f, (float)a.f[l])

/* Memory and masks. */
EMULATED __m512 _mm512_loadu_ps(const float *p)
{
    __m512 y;
    memcpy(y.f, p, sizeof y.f);
    return y;
}
EMULATED void _mm512_storeu_ps(float *p, __m512 a)
{
    memcpy(p, a.f, sizeof a.f);
}
EMULATED __m256 _mm256_loadu_ps(const float *p)
{
    __m256 y;
    memcpy(y.f, p, sizeof y.f);
    return y;
}
EMULATED void _mm256_storeu_ps(float *p, __m256 a)
{
    memcpy(p, a.f, sizeof a.f);
}
EMULATED __m512 _mm512_load_ps(const float *p)
{
    return _mm512_loadu_ps(p);
}
EMULATED __m512d _mm512_load_pd(const double *p)
{
    __m512d y;
    memcpy(y.f, p, sizeof y.f);
    return y;
}
EMULATED __m512 _mm512_mask_i32gather_ps(__m512 other, __mmask16 m, __m512i at, const float *p,
                                         int scale)
{
    int32_t places[16];
    memcpy(places, &at, sizeof places);
    for (int l = 0; l < 16; l++)
        if (m >> l & 1) memcpy(&other.f[l], (const char *)p + (int64_t)places[l] * scale, 4);
    return other;
}
EMULATED __m512 _mm512_maskz_loadu_ps(__mmask16 m, const float *p)
{
    __m512 y;
    for (int l = 0; l < 16; l++) y.f[l] = m >> l & 1 ? p[l] : 0;
    return y;
}
EMULATED void _mm512_mask_storeu_ps(float *p, __mmask16 m, __m512 a)
{
    for (int l = 0; l < 16; l++)
        if (m >> l & 1) p[l] = a.f[l];
}
EMULATED __m512 _mm512_mask_mov_ps(__m512 a, __mmask16 m, __m512 b)
{
    for (int l = 0; l < 16; l++)
        if (m >> l & 1) a.f[l] = b.f[l];
    return a;
}
EMULATED __m512d _mm512_mask_mov_pd(__m512d a, __mmask8 m, __m512d b)
{
    for (int l = 0; l < 8; l++)
        if (m >> l & 1) a.f[l] = b.f[l];
    return a;
}
EMULATED __mmask8 _mm512_test_epi64_mask(__m512i a, __m512i b)
{
    unsigned m = 0;
    for (int l = 0; l < 8; l++) m |= (unsigned)((a.i[l] & b.i[l]) != 0) << l;
    return (__mmask8)m;
}
EMULATED __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int predicate)
{
    unsigned m = 0;
    for (int l = 0; l < 16; l++) {
        float x = a.f[l], y = b.f[l];
        unsigned unordered = x != x || y != y;
        unsigned yes = predicate == _CMP_UNORD_Q  ? unordered
                       : predicate == _CMP_NGE_UQ ? !(x >= y)
                       : predicate == _CMP_NLT_UQ ? !(x < y)
                       : predicate == _CMP_EQ_OQ  ? x == y
                                                  : x < y;
        m |= yes << l;
    }
    return (__mmask16)m;
}
EMULATED __mmask16 _mm512_mask_cmp_ps_mask(__mmask16 m, __m512 a, __m512 b, int predicate)
{
    return m & _mm512_cmp_ps_mask(a, b, predicate);
}
EMULATED __mmask16 _mm512_cmpeq_epi32_mask(__m512i a, __m512i b)
{
    unsigned m = 0;
    for (int l = 0; l < 16; l++) {
        uint32_t x = (uint32_t)(a.i[l / 2] >> 32 * (l % 2)),
                 y = (uint32_t)(b.i[l / 2] >> 32 * (l % 2));
        m |= (unsigned)(x == y) << l;
    }
    return (__mmask16)m;
}

/* Permutations: by 4 f32 within each quarter, by quarters, and by f64 of two registers. */
EACH2(_mm512_unpacklo_ps, __m512, __m512, 16, f, (l % 2 ? b : a).f[l / 4 * 4 + l % 4 / 2])
EACH2(_mm512_unpackhi_ps, __m512, __m512, 16, f, (l % 2 ? b : a).f[l / 4 * 4 + 2 + l % 4 / 2])
EMULATED __m512 _mm512_permute_ps(__m512 a, int control)
{
    __m512 y;
    for (int l = 0; l < 16; l++) y.f[l] = a.f[l / 4 * 4 + (control >> 2 * (l % 4) & 3)];
    return y;
}
EMULATED __m512 _mm512_shuffle_ps(__m512 a, __m512 b, int control)
{
    __m512 y;
    for (int l = 0; l < 16; l++)
        y.f[l] = (l % 4 < 2 ? a : b).f[l / 4 * 4 + (control >> 2 * (l % 4) & 3)];
    return y;
}
EMULATED __m512 _mm512_shuffle_f32x4(__m512 a, __m512 b, int control)
{
    __m512 y;
    for (int l = 0; l < 16; l++)
        y.f[l] = (l < 8 ? a : b).f[(control >> 2 * (l / 4) & 3) * 4 + l % 4];
    return y;
}
EMULATED __m512i _mm512_setr_epi32(int a, int b, int c, int d, int e, int f, int g, int h, int i,
                                   int j, int k, int l, int m, int n, int o, int p)
{
    int x[16] = {a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p};
    __m512i y;
    memcpy(&y, x, sizeof y);
    return y;
}
EMULATED __m512 _mm512_permutex2var_ps(__m512 a, __m512i index, __m512 b)
{
    __m512 y;
    for (int l = 0; l < 16; l++) {
        uint32_t at = (uint32_t)(index.i[l / 2] >> 32 * (l % 2));
        y.f[l] = (at & 16 ? b : a).f[at & 15];
    }
    return y;
}
EMULATED __m512d _mm512_permutex2var_pd(__m512d a, __m512i index, __m512d b)
{
    __m512d y;
    for (int l = 0; l < 8; l++) y.f[l] = (index.i[l] & 8 ? b : a).f[index.i[l] & 7];
    return y;
}

#endif
