/* lanes_loop.h by AVX2 and FMA: 8 f32 at a time. Needs -mavx2 -mfma. */
#ifndef AY_TENSOR_KERNEL_LANES_AVX2_H
#define AY_TENSOR_KERNEL_LANES_AVX2_H

#include <immintrin.h>

#include "tensor/kernel/lanes.h"

#define LANES        8
#define TILE_ROWS    6 /* 12 sums, 2 vectors of B, 1 of A: all 16 registers */
#define TILE_LANES   2
#define LOOKS_UP     16 /* by two permutations */
#define FILTER_LANES 4
/* Patches that lie apart are laid side by side first, for tiles of gemm. */
#define FILTERS_LAID 1
/* Of K, so that a panel's part stays in the first-level cache beside what it meets of the image. */
#define FILTER_K 144

typedef __m256 vf;
typedef __m128 vh;
/* Two registers, worked on side by side: the second hides the latency of the first. */
typedef struct {
    __m256d low, high;
} vd;
typedef struct {
    __m256i low, high;
} vi;

AY_INLINE vf vf_bits(uint32_t bits)
{
    return _mm256_castsi256_ps(_mm256_set1_epi32((int)bits));
}
/* All ones in the first n lanes. */
AY_INLINE __m256i first_mask(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

AY_INLINE vf vf_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
AY_INLINE void vf_store(float *p, vf a)
{
    _mm256_storeu_ps(p, a);
}
AY_INLINE vf vf_load_part(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, first_mask(n));
}
AY_INLINE void vf_store_part(float *p, size_t n, vf a)
{
    _mm256_maskstore_ps(p, first_mask(n), a);
}
/* Of the n elements from p on, n < 16, those with an even index. */
AY_INLINE vf even_of(const float *p, size_t n)
{
    vf low = _mm256_maskload_ps(p, first_mask(n));
    vf high = _mm256_maskload_ps(p + LANES, first_mask(n > LANES ? n - LANES : 0));
    __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0x88));
    return _mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8));
}
AY_INLINE vf vf_load_even(const float *p)
{
    vf low = _mm256_loadu_ps(p), high = _mm256_loadu_ps(p + LANES - 1); /* 7.., 8 being odd here */
    __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0xd8));
    return _mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8));
}
AY_INLINE vf vf_load_even_part(const float *p, size_t n)
{
    return even_of(p, n ? 2 * n - 1 : 0);
}
AY_INLINE vf vf_gather(const float *p, const int32_t *at, size_t n)
{
    __m256i lanes = first_mask(n < LANES ? n : LANES), places = _mm256_maskload_epi32(at, lanes);
    return _mm256_mask_i32gather_ps(_mm256_setzero_ps(), p, places, _mm256_castsi256_ps(lanes), 4);
}
AY_INLINE vh vh_load(const float *p)
{
    return _mm_loadu_ps(p);
}
AY_INLINE void vh_store(float *p, vh a)
{
    _mm_storeu_ps(p, a);
}
AY_INLINE vh vh_fma1(float x, vh b, vh c)
{
    return _mm_fmadd_ps(_mm_set1_ps(x), b, c);
}
AY_INLINE vf vf_first(size_t n, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(first_mask(n)));
}
AY_INLINE vf vf_set1(float x)
{
    return _mm256_set1_ps(x);
}
AY_INLINE vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}
AY_INLINE vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}
AY_INLINE vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}
AY_INLINE vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}
AY_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}
AY_INLINE vf vf_sqrt(vf a)
{
    return _mm256_sqrt_ps(a);
}
AY_INLINE vf vf_neg(vf a)
{
    return _mm256_xor_ps(a, _mm256_set1_ps(-0.0F));
}
AY_INLINE vf vf_abs(vf a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a);
}
AY_INLINE vf vf_floor(vf a)
{
    return _mm256_floor_ps(a);
}
AY_INLINE vf vf_rint(vf a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
AY_INLINE vf vf_with_sign(vf a, vf b)
{
    return _mm256_or_ps(a, _mm256_and_ps(_mm256_set1_ps(-0.0F), b));
}
AY_INLINE vf vf_most(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}
AY_INLINE vf vf_least(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}
AY_INLINE vf vf_nan_of(vf x, vf y)
{
    return _mm256_blendv_ps(y, vf_bits(AY_NAN_BITS), _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
AY_INLINE bool vf_all_below(vf a, float b)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(a, _mm256_set1_ps(b), _CMP_LT_OQ)) == 0xff;
}
AY_INLINE bool vf_all_equal(vf a, vf b)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)) == 0xff;
}
AY_INLINE bool vf_both_equal(vf a, vf b, vf c, vf d)
{
    __m256 same = _mm256_cmp_ps(c, d, _CMP_EQ_OQ);
    return _mm256_movemask_ps(_mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ), same)) == 0xff;
}
AY_INLINE vf vf_where_below(vf a, vf b, vf then, vf otherwise)
{
    return _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
AY_INLINE vf vf_max(vf a, vf b)
{
    /* The instruction gives b for two zeros: both orders together keep -0 only if both are. */
    vf most = _mm256_and_ps(_mm256_max_ps(a, b), _mm256_max_ps(b, a));
    return _mm256_blendv_ps(most, vf_bits(AY_NAN_BITS), _mm256_cmp_ps(a, b, _CMP_UNORD_Q));
}
AY_INLINE vf vf_bits_max(vf a, vf b)
{
    return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
AY_INLINE vf vf_bits_min(vf a, vf b)
{
    return _mm256_castsi256_ps(_mm256_min_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}
AY_INLINE vf vf_where_sign(vf x, vf then, vf otherwise)
{
    return _mm256_blendv_ps(otherwise, then, x);
}
AY_INLINE vf vf_nan_unless_positive(vf x, vf y)
{
    return _mm256_blendv_ps(y, vf_bits(AY_NAN_BITS),
                            _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NGE_UQ));
}
AY_INLINE vf vf_where_bits(vf x, uint32_t bits, uint32_t then, vf y)
{
    __m256i same = _mm256_cmpeq_epi32(_mm256_castps_si256(x), _mm256_set1_epi32((int)bits));
    return _mm256_blendv_ps(y, vf_bits(then), _mm256_castsi256_ps(same));
}
AY_INLINE bool vf_all_from_to(vf a, float low, float high)
{
    __m256 below = _mm256_cmp_ps(vf_abs(a), _mm256_set1_ps(high), _CMP_LT_OQ);
    __m256 from = _mm256_cmp_ps(vf_abs(a), _mm256_set1_ps(low), _CMP_NLT_UQ);
    return _mm256_movemask_ps(_mm256_and_ps(below, from)) == 0xff;
}
AY_INLINE bool vf_all_equal_within(vf a, vf b, vf x, float end)
{
    __m256 within = _mm256_cmp_ps(vf_abs(x), _mm256_set1_ps(end), _CMP_LT_OQ);
    return _mm256_movemask_ps(_mm256_and_ps(within, _mm256_cmp_ps(a, b, _CMP_EQ_OQ))) == 0xff;
}
/* Where in a table of rows of four the row is that the low bits of each lane of s number, in the
 * low 16 bits of at[lane]. */
AY_INLINE void vf_store_rows(uint32_t at[LANES], vf s)
{
    _mm256_store_si256((__m256i *)(void *)at, _mm256_slli_epi32(_mm256_castps_si256(s), 2));
}
/* out[i] has element i of each lane's row. Two rows are joined as they are loaded, and transposed
 * within halves. */
AY_INLINE void vf_rows(const float *table, const uint32_t at[LANES], vf out[4])
{
    vf r[4], t[4];
    AY_UNROLL
    for (int i = 0; i < 4; i++)
        r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_load_ps(table + (uint16_t)at[i])),
                                    _mm_load_ps(table + (uint16_t)at[i + 4]), 1);
    AY_UNROLL
    for (int i = 0; i < 2; i++) {
        t[i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[i + 2] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    AY_UNROLL
    for (int i = 0; i < 4; i += 2) {
        out[i] = _mm256_shuffle_ps(t[i], t[i + 1], 0x44);
        out[i + 1] = _mm256_shuffle_ps(t[i], t[i + 1], 0xee);
    }
}
/* By the low three bits in each half of the table; the fourth, made a sign, chooses. */
AY_INLINE vf vf_look_up(const float table[LOOKS_UP], vf s)
{
    __m256i i = _mm256_castps_si256(s);
    __m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(table), i);
    __m256 high = _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), i);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)));
}
/* Of a table of 8, by the low three bits. */
AY_INLINE vf vf_look_up_8(const float table[8], vf s)
{
    return _mm256_permutevar8x32_ps(_mm256_load_ps(table), _mm256_castps_si256(s));
}
AY_INLINE vf vf_raise(vf a, vf s, const int by)
{
    __m256i more = _mm256_slli_epi32(_mm256_castps_si256(s), by);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), more));
}
AY_INLINE vf vf_swap(vf a, const int h)
{
    return h == 4   ? _mm256_permute2f128_ps(a, a, 1)
           : h == 2 ? _mm256_permute_ps(a, 0x4e)
                    : _mm256_permute_ps(a, 0xb1);
}
/* (r0 r1; r2 r3) 2x2 blocks of f64 or pairs of f32, first within halves, then across them. */
AY_INLINE void vf_transpose(vf r[LANES])
{
    vf t[LANES];
    AY_UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    AY_UNROLL
    for (int i = 0; i < 8; i += 4) AY_UNROLL
    for (int j = 0; j < 2; j++) {
        r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
        r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
    }
    AY_UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
    AY_UNROLL
    for (int i = 0; i < 8; i++) r[i] = t[i];
}

AY_INLINE vd vd_widen(vf a)
{
    return (vd){_mm256_cvtps_pd(_mm256_castps256_ps128(a)),
                _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1))};
}
AY_INLINE vf vf_round(vd a)
{
    vf low = _mm256_castps128_ps256(_mm256_cvtpd_ps(a.low));
    return _mm256_insertf128_ps(low, _mm256_cvtpd_ps(a.high), 1);
}
AY_INLINE vd vd_set1(double x)
{
    return (vd){_mm256_set1_pd(x), _mm256_set1_pd(x)};
}
AY_INLINE vd vd_add(vd a, vd b)
{
    return (vd){_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)};
}
AY_INLINE vd vd_sub(vd a, vd b)
{
    return (vd){_mm256_sub_pd(a.low, b.low), _mm256_sub_pd(a.high, b.high)};
}
AY_INLINE vd vd_mul(vd a, vd b)
{
    return (vd){_mm256_mul_pd(a.low, b.low), _mm256_mul_pd(a.high, b.high)};
}
AY_INLINE vd vd_div(vd a, vd b)
{
    return (vd){_mm256_div_pd(a.low, b.low), _mm256_div_pd(a.high, b.high)};
}
AY_INLINE vd vd_most(vd a, vd b)
{
    return (vd){_mm256_max_pd(a.low, b.low), _mm256_max_pd(a.high, b.high)};
}
AY_INLINE vd vd_least(vd a, vd b)
{
    return (vd){_mm256_min_pd(a.low, b.low), _mm256_min_pd(a.high, b.high)};
}
AY_INLINE vd vd_fma(vd a, vd b, vd c)
{
    return (vd){_mm256_fmadd_pd(a.low, b.low, c.low), _mm256_fmadd_pd(a.high, b.high, c.high)};
}
AY_INLINE vd vd_fms(vd a, vd b, vd c)
{
    return (vd){_mm256_fmsub_pd(a.low, b.low, c.low), _mm256_fmsub_pd(a.high, b.high, c.high)};
}
AY_INLINE vd vd_fnma(vd a, vd b, vd c)
{
    return (vd){_mm256_fnmadd_pd(a.low, b.low, c.low), _mm256_fnmadd_pd(a.high, b.high, c.high)};
}

AY_INLINE vi vi_of(vd a)
{
    return (vi){_mm256_castpd_si256(a.low), _mm256_castpd_si256(a.high)};
}
AY_INLINE vd vd_of(vi a)
{
    return (vd){_mm256_castsi256_pd(a.low), _mm256_castsi256_pd(a.high)};
}
AY_INLINE vi vi_set1(uint64_t x)
{
    return (vi){_mm256_set1_epi64x((long long)x), _mm256_set1_epi64x((long long)x)};
}
AY_INLINE vi vi_add(vi a, vi b)
{
    return (vi){_mm256_add_epi64(a.low, b.low), _mm256_add_epi64(a.high, b.high)};
}
AY_INLINE vi vi_and(vi a, vi b)
{
    return (vi){_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}
AY_INLINE vi vi_or(vi a, vi b)
{
    return (vi){_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
AY_INLINE vi vi_xor(vi a, vi b)
{
    return (vi){_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
}
AY_INLINE vi vi_left(vi a, const int n)
{
    return (vi){_mm256_slli_epi64(a.low, n), _mm256_slli_epi64(a.high, n)};
}
AY_INLINE vi vi_right(vi a, const int n)
{
    return (vi){_mm256_srli_epi64(a.low, n), _mm256_srli_epi64(a.high, n)};
}
AY_INLINE __m256d where_odd(__m256i n, __m256d then, __m256d otherwise)
{
    return _mm256_blendv_pd(otherwise, then, _mm256_castsi256_pd(_mm256_slli_epi64(n, 63)));
}
AY_INLINE vd vd_where_odd(vi n, vd then, vd otherwise)
{
    return (vd){where_odd(n.low, then.low, otherwise.low),
                where_odd(n.high, then.high, otherwise.high)};
}

typedef struct {
    uint32_t at[2 * LANES]; /* the even ones, which are the low halves of i */
} vrows;
AY_INLINE vrows vrows_of(vi i)
{
    vrows r;
    _mm256_storeu_si256((__m256i *)(void *)r.at, i.low);
    _mm256_storeu_si256((__m256i *)(void *)(r.at + LANES), i.high);
    return r;
}
/* Two neighbouring f64 of four rows, as two vectors. Half rows are joined while they are loaded,
 * so that no lane has to cross afterwards. */
AY_INLINE void transpose_rows(const double *const row[4], __m256d out[2])
{
    __m256d even =
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_load_pd(row[0])), _mm_load_pd(row[2]), 1);
    __m256d odd =
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_load_pd(row[1])), _mm_load_pd(row[3]), 1);
    out[0] = _mm256_unpacklo_pd(even, odd);
    out[1] = _mm256_unpackhi_pd(even, odd);
}
AY_INLINE void vd_coefficients(const double (*cols)[16], const double *rows, const int row_len,
                               vrows r, const int first, const int count, vd out[4])
{
    (void)cols;
    AY_UNROLL
    for (int k = 0; k < count; k += 2) {
        const double *row[LANES];
        __m256d low[2], high[2];
        AY_UNROLL
        for (int l = 0; l < LANES; l++)
            row[l] = rows + (size_t)r.at[2 * l] * (size_t)row_len + first + k;
        transpose_rows(row, low);
        transpose_rows(row + 4, high);
        out[k] = (vd){low[0], high[0]};
        out[k + 1] = (vd){low[1], high[1]};
    }
}

#endif
