/* lanes_loop.h by AVX2 and FMA: 8 f32 at a time. Needs -mavx2 -mfma. */
#ifndef AY_TENSOR_KERNEL_LANES_AVX2_H
#define AY_TENSOR_KERNEL_LANES_AVX2_H

#include <immintrin.h>
#include <math.h>

#include "tensor/ref/float.h"

#define LANES      8
#define TILE_ROWS  6 /* 12 sums, 2 vectors of B, 1 of A: all 16 registers */
#define TILE_LANES 2
#define AY_INLINE  static inline __attribute__((always_inline))

typedef __m256 vf;
typedef __m256d vd;
typedef __m256i vi;

AY_INLINE vf vf_bits(uint32_t bits) { return _mm256_castsi256_ps(_mm256_set1_epi32((int)bits)); }
/* All ones in the first n lanes. */
AY_INLINE vi first_mask(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

AY_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
AY_INLINE void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
AY_INLINE vf vf_load_part(const float *p, size_t n) { return _mm256_maskload_ps(p, first_mask(n)); }
AY_INLINE void vf_store_part(float *p, size_t n, vf a) { _mm256_maskstore_ps(p, first_mask(n), a); }
AY_INLINE vf vf_first(size_t n, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(first_mask(n)));
}
AY_INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
AY_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
AY_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
AY_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
AY_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
AY_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
AY_INLINE vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
AY_INLINE vf vf_neg(vf a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0F)); }
AY_INLINE vf vf_nan_of(vf x, vf y)
{
    return _mm256_blendv_ps(y, vf_bits(AY_NAN_BITS), _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
AY_INLINE vf vf_max(vf a, vf b)
{
    /* The instruction gives b for two zeros: both orders together keep -0 only if both are. */
    vf most = _mm256_and_ps(_mm256_max_ps(a, b), _mm256_max_ps(b, a));
    return _mm256_blendv_ps(most, vf_bits(AY_NAN_BITS), _mm256_cmp_ps(a, b, _CMP_UNORD_Q));
}
AY_INLINE vf vf_nan_unless_positive(vf x, vf y)
{
    return _mm256_blendv_ps(y, vf_bits(AY_NAN_BITS),
                            _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NGE_UQ));
}
AY_INLINE vf vf_where_bits(vf x, uint32_t bits, uint32_t then, vf y)
{
    vi same = _mm256_cmpeq_epi32(_mm256_castps_si256(x), _mm256_set1_epi32((int)bits));
    return _mm256_blendv_ps(y, vf_bits(then), _mm256_castsi256_ps(same));
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
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
            r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
    for (int i = 0; i < 8; i++) r[i] = t[i];
}

AY_INLINE vd vd_low(vf a) { return _mm256_cvtps_pd(_mm256_castps256_ps128(a)); }
AY_INLINE vd vd_high(vf a) { return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)); }
AY_INLINE vf vf_join(vd a, vd b)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(a)), _mm256_cvtpd_ps(b), 1);
}
AY_INLINE vd vd_set1(double x) { return _mm256_set1_pd(x); }
AY_INLINE vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
AY_INLINE vd vd_sub(vd a, vd b) { return _mm256_sub_pd(a, b); }
AY_INLINE vd vd_mul(vd a, vd b) { return _mm256_mul_pd(a, b); }
AY_INLINE vd vd_fma(vd a, vd b, vd c) { return _mm256_fmadd_pd(a, b, c); }
AY_INLINE vd vd_fms(vd a, vd b, vd c) { return _mm256_fmsub_pd(a, b, c); }
AY_INLINE vd vd_max(vd a, vd b) { return _mm256_max_pd(a, b); }
AY_INLINE vd vd_min(vd a, vd b) { return _mm256_min_pd(a, b); }
AY_INLINE vd vd_floor(vd a) { return _mm256_floor_pd(a); }
AY_INLINE vd vd_abs(vd a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
AY_INLINE vd vd_with_sign(vd a, vd b)
{
    return _mm256_or_pd(a, _mm256_and_pd(_mm256_set1_pd(-0.0), b));
}

AY_INLINE vi vi_of(vd a) { return _mm256_castpd_si256(a); }
AY_INLINE vd vd_of(vi a) { return _mm256_castsi256_pd(a); }
AY_INLINE vi vi_set1(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
AY_INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi64(a, b); }
AY_INLINE vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
AY_INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
AY_INLINE vi vi_left(vi a, const int n) { return _mm256_slli_epi64(a, n); }
AY_INLINE vi vi_right(vi a, const int n) { return _mm256_srli_epi64(a, n); }

AY_INLINE vd vd_pick(const double table[16], vi i)
{
    return _mm256_i64gather_pd(table, _mm256_and_si256(i, vi_set1(15)), 8);
}

/* Four neighbouring f64 of four rows, transposed: out[k] has each lane's k-th. Half rows are
 * joined as they are loaded, so that no lane has to cross afterwards. */
AY_INLINE void load_rows(const double *const row[4], int first, vd out[4])
{
    for (int h = 0; h < 4; h += 2) {
        vd even = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_load_pd(row[0] + first + h)),
                                       _mm_load_pd(row[2] + first + h), 1);
        vd odd = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_load_pd(row[1] + first + h)),
                                      _mm_load_pd(row[3] + first + h), 1);
        out[h] = _mm256_unpacklo_pd(even, odd);
        out[h + 1] = _mm256_unpackhi_pd(even, odd);
    }
}

AY_INLINE void vd_pick3(const double cols[3][16], const double rows[16][4], vi i, vd out[3])
{
    (void)cols;
    uint64_t at[4];
    _mm256_storeu_si256((__m256i *)at, _mm256_and_si256(i, vi_set1(15)));
    const double *const row[4] = {rows[at[0]], rows[at[1]], rows[at[2]], rows[at[3]]};
    vd four[4];
    load_rows(row, 0, four);
    for (int k = 0; k < 3; k++) out[k] = four[k];
}

AY_INLINE vd vd_poly(const double (*cols)[16], const double (*rows)[16], const int degree, vi i,
                     vd t)
{
    (void)cols;
    uint64_t at[4];
    _mm256_storeu_si256((__m256i *)at, _mm256_and_si256(i, vi_set1(15)));
    const double *const row[4] = {rows[at[0]], rows[at[1]], rows[at[2]], rows[at[3]]};
    vd c[4], q = t;
#pragma GCC unroll 4
    for (int first = degree / 4 * 4; first >= 0; first -= 4) {
        load_rows(row, first, c);
#pragma GCC unroll 4
        for (int k = 3; k >= 0; k--)
            if (first + k <= degree) q = first + k == degree ? c[k] : vd_fma(q, t, c[k]);
    }
    return q;
}

#endif
