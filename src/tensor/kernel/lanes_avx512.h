/* lanes_loop.h by AVX-512 F and DQ: 16 f32 at a time. Needs -mavx512f -mavx512dq -mfma. */
#ifndef AY_TENSOR_KERNEL_LANES_AVX512_H
#define AY_TENSOR_KERNEL_LANES_AVX512_H

#ifndef AY_LANES_ARE_LOOPS /* else the intrinsics are emulated */
#include <immintrin.h>
#endif

#include "tensor/kernel/lanes.h"

#define LANES        16
#define TILE_ROWS    8 /* 24 sums, 3 vectors of B, 1 of A: of 32 registers */
#define TILE_LANES   3
#define LOOKS_UP     32 /* by one permutation */
#define FILTER_LANES 4
#define FILTERS_LAID 0
/* Of K, so that a panel's part stays in the first-level cache beside what it meets of the image. */
#define FILTER_K 98

typedef __m512 vf;
typedef __m256 vh;
/* Two registers, worked on side by side: the second hides the latency of the first. */
typedef struct {
    __m512d low, high;
} vd;
typedef struct {
    __m512i low, high;
} vi;

AY_INLINE vf vf_bits(uint32_t bits)
{
    return _mm512_castsi512_ps(_mm512_set1_epi32((int)bits));
}
AY_INLINE __mmask16 first_mask(size_t n)
{
    return (__mmask16)((1U << n) - 1);
}

AY_INLINE vf vf_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
AY_INLINE void vf_store(float *p, vf a)
{
    _mm512_storeu_ps(p, a);
}
AY_INLINE vf vf_load_part(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(first_mask(n), p);
}
AY_INLINE void vf_store_part(float *p, size_t n, vf a)
{
    _mm512_mask_storeu_ps(p, first_mask(n), a);
}
/* Of the n elements from p on, n < 32, those with an even index. */
AY_INLINE vf even_of(const float *p, size_t n)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    uint32_t mask = (1U << n) - 1;
    return _mm512_permutex2var_ps(_mm512_maskz_loadu_ps((__mmask16)mask, p), even,
                                  _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), p + LANES));
}
AY_INLINE vf vf_load_even(const float *p)
{
    return even_of(p, 2 * LANES - 1);
}
AY_INLINE vf vf_load_even_part(const float *p, size_t n)
{
    return even_of(p, n ? 2 * n - 1 : 0);
}
AY_INLINE vf vf_gather(const float *p, const int32_t *at, size_t n)
{
    __mmask16 lanes = first_mask(n < LANES ? n : LANES);
    vf places = _mm512_maskz_loadu_ps(lanes, (const float *)(const void *)at);
    return _mm512_mask_i32gather_ps(_mm512_set1_ps(0), lanes, _mm512_castps_si512(places), p, 4);
}
AY_INLINE vh vh_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
AY_INLINE void vh_store(float *p, vh a)
{
    _mm256_storeu_ps(p, a);
}
AY_INLINE vh vh_fma1(float x, vh b, vh c)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(x), b, c);
}
AY_INLINE vf vf_first(size_t n, vf a, vf b)
{
    return _mm512_mask_mov_ps(b, first_mask(n), a);
}
AY_INLINE vf vf_set1(float x)
{
    return _mm512_set1_ps(x);
}
AY_INLINE vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}
AY_INLINE vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}
AY_INLINE vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}
AY_INLINE vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}
AY_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}
AY_INLINE vf vf_sqrt(vf a)
{
    return _mm512_sqrt_ps(a);
}
AY_INLINE vf vf_neg(vf a)
{
    return _mm512_xor_ps(a, _mm512_set1_ps(-0.0F));
}
AY_INLINE vf vf_abs(vf a)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0F), a);
}
AY_INLINE vf vf_floor(vf a)
{
    return _mm512_floor_ps(a);
}
AY_INLINE vf vf_rint(vf a)
{
    return _mm512_roundscale_ps(a, 8); /* to integers, nearest, no exception */
}
AY_INLINE vf vf_with_sign(vf a, vf b)
{
    return _mm512_or_ps(a, _mm512_and_ps(_mm512_set1_ps(-0.0F), b));
}
AY_INLINE vf vf_most(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}
AY_INLINE vf vf_least(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}
AY_INLINE vf vf_nan_of(vf x, vf y)
{
    return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), vf_bits(AY_NAN_BITS));
}
AY_INLINE bool vf_all_below(vf a, float b)
{
    return _mm512_cmp_ps_mask(a, _mm512_set1_ps(b), _CMP_LT_OQ) == 0xffff;
}
AY_INLINE bool vf_all_equal(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ) == 0xffff;
}
AY_INLINE bool vf_both_equal(vf a, vf b, vf c, vf d)
{
    __mmask16 same = _mm512_cmp_ps_mask(c, d, _CMP_EQ_OQ);
    return _mm512_mask_cmp_ps_mask(same, a, b, _CMP_EQ_OQ) == 0xffff;
}
AY_INLINE vf vf_where_below(vf a, vf b, vf then, vf otherwise)
{
    return _mm512_mask_mov_ps(otherwise, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), then);
}
AY_INLINE vf vf_max(vf a, vf b)
{
    /* The instruction gives b for two zeros: both orders together keep -0 only if both are. */
    vf most = _mm512_and_ps(_mm512_max_ps(a, b), _mm512_max_ps(b, a));
    return _mm512_mask_mov_ps(most, _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q), vf_bits(AY_NAN_BITS));
}
AY_INLINE vf vf_bits_max(vf a, vf b)
{
    return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
AY_INLINE vf vf_bits_min(vf a, vf b)
{
    return _mm512_castsi512_ps(_mm512_min_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
AY_INLINE vf vf_where_sign(vf x, vf then, vf otherwise)
{
    return _mm512_mask_mov_ps(otherwise, _mm512_movepi32_mask(_mm512_castps_si512(x)), then);
}
AY_INLINE vf vf_nan_unless_positive(vf x, vf y)
{
    return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, _mm512_set1_ps(0), _CMP_NGE_UQ),
                              vf_bits(AY_NAN_BITS));
}
AY_INLINE vf vf_where_bits(vf x, uint32_t bits, uint32_t then, vf y)
{
    __mmask16 same = _mm512_cmpeq_epi32_mask(_mm512_castps_si512(x), _mm512_set1_epi32((int)bits));
    return _mm512_mask_mov_ps(y, same, vf_bits(then));
}
AY_INLINE bool vf_all_from_to(vf a, float low, float high)
{
    __mmask16 below = _mm512_cmp_ps_mask(vf_abs(a), _mm512_set1_ps(high), _CMP_LT_OQ);
    return _mm512_mask_cmp_ps_mask(below, vf_abs(a), _mm512_set1_ps(low), _CMP_NLT_UQ) == 0xffff;
}
AY_INLINE bool vf_all_equal_within(vf a, vf b, vf x, float end)
{
    __mmask16 within = _mm512_cmp_ps_mask(vf_abs(x), _mm512_set1_ps(end), _CMP_LT_OQ);
    return _mm512_mask_cmp_ps_mask(within, a, b, _CMP_EQ_OQ) == 0xffff;
}
AY_INLINE vf vf_look_up(const float table[LOOKS_UP], vf s)
{
    return _mm512_permutex2var_ps(_mm512_load_ps(table), _mm512_castps_si512(s),
                                  _mm512_load_ps(table + 16));
}
AY_INLINE vf vf_raise(vf a, vf s, const int by)
{
    __m512i more = _mm512_slli_epi32(_mm512_castps_si512(s), (unsigned)by);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), more));
}
AY_INLINE vf vf_swap(vf a, const int h)
{
    return h == 8   ? _mm512_shuffle_f32x4(a, a, 0x4e)
           : h == 4 ? _mm512_shuffle_f32x4(a, a, 0xb1)
           : h == 2 ? _mm512_permute_ps(a, 0x4e)
                    : _mm512_permute_ps(a, 0xb1);
}
/* Quarters are transposed as 4x4 first, then they change places. */
AY_INLINE void vf_transpose(vf r[LANES])
{
    vf t[LANES];
    AY_UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    AY_UNROLL
    for (int i = 0; i < 16; i += 4) AY_UNROLL
    for (int j = 0; j < 2; j++) {
        r[i + 2 * j] = _mm512_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
        r[i + 2 * j + 1] = _mm512_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
    }
    AY_UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
    AY_UNROLL
    for (int i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    }
}

AY_INLINE vd vd_widen(vf a)
{
    return (vd){_mm512_cvtps_pd(_mm512_castps512_ps256(a)),
                _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1))};
}
AY_INLINE vf vf_round(vd a)
{
    vf low = _mm512_castps256_ps512(_mm512_cvtpd_ps(a.low));
    return _mm512_insertf32x8(low, _mm512_cvtpd_ps(a.high), 1);
}
AY_INLINE vd vd_set1(double x)
{
    return (vd){_mm512_set1_pd(x), _mm512_set1_pd(x)};
}
AY_INLINE vd vd_add(vd a, vd b)
{
    return (vd){_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)};
}
AY_INLINE vd vd_sub(vd a, vd b)
{
    return (vd){_mm512_sub_pd(a.low, b.low), _mm512_sub_pd(a.high, b.high)};
}
AY_INLINE vd vd_mul(vd a, vd b)
{
    return (vd){_mm512_mul_pd(a.low, b.low), _mm512_mul_pd(a.high, b.high)};
}
AY_INLINE vd vd_div(vd a, vd b)
{
    return (vd){_mm512_div_pd(a.low, b.low), _mm512_div_pd(a.high, b.high)};
}
AY_INLINE vd vd_most(vd a, vd b)
{
    return (vd){_mm512_max_pd(a.low, b.low), _mm512_max_pd(a.high, b.high)};
}
AY_INLINE vd vd_least(vd a, vd b)
{
    return (vd){_mm512_min_pd(a.low, b.low), _mm512_min_pd(a.high, b.high)};
}
AY_INLINE vd vd_fma(vd a, vd b, vd c)
{
    return (vd){_mm512_fmadd_pd(a.low, b.low, c.low), _mm512_fmadd_pd(a.high, b.high, c.high)};
}
AY_INLINE vd vd_fms(vd a, vd b, vd c)
{
    return (vd){_mm512_fmsub_pd(a.low, b.low, c.low), _mm512_fmsub_pd(a.high, b.high, c.high)};
}
AY_INLINE vd vd_fnma(vd a, vd b, vd c)
{
    return (vd){_mm512_fnmadd_pd(a.low, b.low, c.low), _mm512_fnmadd_pd(a.high, b.high, c.high)};
}

AY_INLINE vi vi_of(vd a)
{
    return (vi){_mm512_castpd_si512(a.low), _mm512_castpd_si512(a.high)};
}
AY_INLINE vd vd_of(vi a)
{
    return (vd){_mm512_castsi512_pd(a.low), _mm512_castsi512_pd(a.high)};
}
AY_INLINE vi vi_set1(uint64_t x)
{
    return (vi){_mm512_set1_epi64((long long)x), _mm512_set1_epi64((long long)x)};
}
AY_INLINE vi vi_add(vi a, vi b)
{
    return (vi){_mm512_add_epi64(a.low, b.low), _mm512_add_epi64(a.high, b.high)};
}
AY_INLINE vi vi_and(vi a, vi b)
{
    return (vi){_mm512_and_si512(a.low, b.low), _mm512_and_si512(a.high, b.high)};
}
AY_INLINE vi vi_or(vi a, vi b)
{
    return (vi){_mm512_or_si512(a.low, b.low), _mm512_or_si512(a.high, b.high)};
}
AY_INLINE vi vi_xor(vi a, vi b)
{
    return (vi){_mm512_xor_si512(a.low, b.low), _mm512_xor_si512(a.high, b.high)};
}
AY_INLINE vi vi_left(vi a, const int n)
{
    return (vi){_mm512_slli_epi64(a.low, (unsigned)n), _mm512_slli_epi64(a.high, (unsigned)n)};
}
AY_INLINE vi vi_right(vi a, const int n)
{
    return (vi){_mm512_srli_epi64(a.low, (unsigned)n), _mm512_srli_epi64(a.high, (unsigned)n)};
}
AY_INLINE __m512d where_odd(__m512i n, __m512d then, __m512d otherwise)
{
    return _mm512_mask_mov_pd(otherwise, _mm512_test_epi64_mask(n, _mm512_set1_epi64(1)), then);
}
AY_INLINE vd vd_where_odd(vi n, vd then, vd otherwise)
{
    return (vd){where_odd(n.low, then.low, otherwise.low),
                where_odd(n.high, then.high, otherwise.high)};
}

typedef vi vrows;
AY_INLINE vrows vrows_of(vi i)
{
    return i;
}
/* Sixteen f64 fill two registers: one permutation, by the low four bits, looks them up. */
AY_INLINE void vd_coefficients(const double (*cols)[16], const double *rows, const int row_len,
                               vrows r, const int first, const int count, vd out[4])
{
    (void)rows, (void)row_len;
    AY_UNROLL
    for (int k = 0; k < count; k++) {
        const double *c = cols[first + k];
        __m512d first8 = _mm512_load_pd(c), last8 = _mm512_load_pd(c + 8);
        out[k] = (vd){_mm512_permutex2var_pd(first8, r.low, last8),
                      _mm512_permutex2var_pd(first8, r.high, last8)};
    }
}

#endif
