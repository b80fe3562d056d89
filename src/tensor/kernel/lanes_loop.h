/* Lanes in plain C, for any machine: 16 f32 at a time, as AVX-512 has them. What each operation
 * means is said here; lanes_avx2.h and lanes_avx512.h give the same by intrinsics.
 * vf: LANES f32. vh: half as many. vd: LANES f64. vi: as many 64-bit integers. */
#ifndef AY_TENSOR_KERNEL_LANES_LOOP_H
#define AY_TENSOR_KERNEL_LANES_LOOP_H

#define AY_LANES_ARE_LOOPS
#include "tensor/kernel/lanes.h"
#include "tensor/ref/ops.h"

#define LANES        16
#define TILE_ROWS    4  /* rows of a gemm tile */
#define TILE_LANES   1  /* vectors of a gemm panel */
#define LOOKS_UP     32 /* f32 that vf_look_up chooses from: where fewer, it takes longer */
#define FILTER_LANES 1  /* vectors of a panel of filters */
#define FILTERS_LAID 1  /* patches that lie apart are laid side by side first, for tiles of gemm */
#define FILTER_K     98 /* of k, at a time: a panel's part stays in the first-level cache */

typedef struct {
    float at[LANES];
} vf;
typedef struct {
    float at[LANES / 2];
} vh;
typedef struct {
    double at[LANES];
} vd;
typedef struct {
    uint64_t at[LANES];
} vi;

#define EACH(type, expr)                                                                           \
    type each;                                                                                     \
    for (int l = 0; l < LANES; l++) each.at[l] = (expr);                                           \
    return each
#define EACH_F(expr) EACH(vf, expr)
#define EACH_D(expr) EACH(vd, expr)
#define EACH_I(expr) EACH(vi, expr)

AY_INLINE vf vf_load(const float *p)
{
    EACH_F(p[l]);
}
AY_INLINE void vf_store(float *p, vf a)
{
    for (int l = 0; l < LANES; l++) p[l] = a.at[l];
}
/* The first n < LANES elements; the other lanes are +0. */
AY_INLINE vf vf_load_part(const float *p, size_t n)
{
    EACH_F((size_t)l < n ? p[l] : 0.0F);
}
AY_INLINE void vf_store_part(float *p, size_t n, vf a)
{
    for (size_t l = 0; l < n; l++) p[l] = a.at[l];
}
/* p[0], p[2], p[4], ..; reads nothing after the last of them. */
AY_INLINE vf vf_load_even(const float *p)
{
    EACH_F(p[2 * l]);
}
AY_INLINE vf vf_load_even_part(const float *p, size_t n)
{
    EACH_F((size_t)l < n ? p[2 * l] : 0.0F);
}
/* p[at[lane]] of the first n. */
AY_INLINE vf vf_gather(const float *p, const int32_t *at, size_t n)
{
    EACH_F((size_t)l < n ? p[at[l]] : 0.0F);
}
AY_INLINE vh vh_load(const float *p)
{
    vh a;
    memcpy(a.at, p, sizeof a.at);
    return a;
}
AY_INLINE void vh_store(float *p, vh a)
{
    memcpy(p, a.at, sizeof a.at);
}
/* x b + c. */
AY_INLINE vh vh_fma1(float x, vh b, vh c)
{
    for (int l = 0; l < LANES / 2; l++) c.at[l] = fmaf(x, b.at[l], c.at[l]);
    return c;
}
/* The first n lanes of a, then those of b. */
AY_INLINE vf vf_first(size_t n, vf a, vf b)
{
    EACH_F((size_t)l < n ? a.at[l] : b.at[l]);
}
AY_INLINE vf vf_set1(float x)
{
    EACH_F(x);
}
AY_INLINE vf vf_add(vf a, vf b)
{
    EACH_F(a.at[l] + b.at[l]);
}
AY_INLINE vf vf_sub(vf a, vf b)
{
    EACH_F(a.at[l] - b.at[l]);
}
AY_INLINE vf vf_mul(vf a, vf b)
{
    EACH_F(a.at[l] * b.at[l]);
}
AY_INLINE vf vf_div(vf a, vf b)
{
    EACH_F(a.at[l] / b.at[l]);
}
AY_INLINE vf vf_fma(vf a, vf b, vf c)
{
    EACH_F(fmaf(a.at[l], b.at[l], c.at[l]));
}
AY_INLINE vf vf_sqrt(vf a)
{
    EACH_F(sqrtf(a.at[l]));
}
AY_INLINE vf vf_neg(vf a)
{
    EACH_F(-a.at[l]);
}
AY_INLINE vf vf_abs(vf a)
{
    EACH_F(fabsf(a.at[l]));
}
AY_INLINE vf vf_floor(vf a)
{
    EACH_F(floorf(a.at[l]));
}
/* To the nearest integer, ties to even. */
AY_INLINE vf vf_rint(vf a)
{
    EACH_F(rintf(a.at[l]));
}
/* a >= +0 with the sign of b. */
AY_INLINE vf vf_with_sign(vf a, vf b)
{
    EACH_F(copysignf(a.at[l], b.at[l]));
}
/* The larger and the smaller; b where either is a NaN. */
AY_INLINE vf vf_most(vf a, vf b)
{
    EACH_F(a.at[l] > b.at[l] ? a.at[l] : b.at[l]);
}
AY_INLINE vf vf_least(vf a, vf b)
{
    EACH_F(a.at[l] < b.at[l] ? a.at[l] : b.at[l]);
}
/* Whether every lane is below b; a NaN is not. */
AY_INLINE bool vf_all_below(vf a, float b)
{
    int below = 0;
    for (int l = 0; l < LANES; l++) below += a.at[l] < b;
    return below == LANES;
}
/* Whether every lane of a equals that of b; a NaN does not. */
AY_INLINE bool vf_all_equal(vf a, vf b)
{
    int equal = 0;
    for (int l = 0; l < LANES; l++) equal += a.at[l] == b.at[l];
    return equal == LANES;
}
/* The same of two pairs. */
AY_INLINE bool vf_both_equal(vf a, vf b, vf c, vf d)
{
    return vf_all_equal(a, b) && vf_all_equal(c, d);
}
/* then where a < b, otherwise where not. */
AY_INLINE vf vf_where_below(vf a, vf b, vf then, vf otherwise)
{
    EACH_F(a.at[l] < b.at[l] ? then.at[l] : otherwise.at[l]);
}
/* NaN if either is; -0 < +0. */
AY_INLINE vf vf_max(vf a, vf b)
{
    EACH_F(ay_ref_max(a.at[l], b.at[l]));
}
/* The greater and the lesser, their bits taken as signed integers. */
AY_INLINE vf vf_bits_max(vf a, vf b)
{
    EACH_F((int32_t)ay_f32_bits(a.at[l]) > (int32_t)ay_f32_bits(b.at[l]) ? a.at[l] : b.at[l]);
}
AY_INLINE vf vf_bits_min(vf a, vf b)
{
    EACH_F((int32_t)ay_f32_bits(a.at[l]) < (int32_t)ay_f32_bits(b.at[l]) ? a.at[l] : b.at[l]);
}
/* then where x has the sign bit, otherwise where not. */
AY_INLINE vf vf_where_sign(vf x, vf then, vf otherwise)
{
    EACH_F(ay_f32_bits(x.at[l]) >> 31 ? then.at[l] : otherwise.at[l]);
}
/* y, but the canonical NaN where x is a NaN. */
AY_INLINE vf vf_nan_of(vf x, vf y)
{
    EACH_F(x.at[l] != x.at[l] ? ay_f32(AY_NAN_BITS) : y.at[l]);
}
/* y, but the canonical NaN where x is below zero or a NaN. */
AY_INLINE vf vf_nan_unless_positive(vf x, vf y)
{
    EACH_F(x.at[l] >= 0 ? y.at[l] : ay_f32(AY_NAN_BITS));
}
/* y, but `then` where x has these bits, which are no NaN's. */
AY_INLINE vf vf_where_bits(vf x, uint32_t bits, uint32_t then, vf y)
{
    EACH_F(ay_f32_bits(x.at[l]) == bits ? ay_f32(then) : y.at[l]);
}
/* Whether every lane is of a magnitude from low on and below high. */
AY_INLINE bool vf_all_from_to(vf a, float low, float high)
{
    int yes = 0;
    for (int l = 0; l < LANES; l++) yes += fabsf(a.at[l]) >= low && fabsf(a.at[l]) < high;
    return yes == LANES;
}
/* Whether in every lane a equals b and |x| is below end; a NaN does and is neither. */
AY_INLINE bool vf_all_equal_within(vf a, vf b, vf x, float end)
{
    int yes = 0;
    for (int l = 0; l < LANES; l++) yes += a.at[l] == b.at[l] && fabsf(x.at[l]) < end;
    return yes == LANES;
}
/* Each lane takes the element of the table that the low bits of s say, as many as it takes. */
AY_INLINE vf vf_look_up(const float table[LOOKS_UP], vf s)
{
    EACH_F(table[ay_f32_bits(s.at[l]) & (LOOKS_UP - 1)]);
}
/* a, to whose bits those of s are added, shifted to the left. */
AY_INLINE vf vf_raise(vf a, vf s, const int by)
{
    EACH_F(ay_f32(ay_f32_bits(a.at[l]) + (ay_f32_bits(s.at[l]) << by)));
}
/* Lane l takes lane l ^ h of a; h is a power of two below LANES. */
AY_INLINE vf vf_swap(vf a, const int h)
{
    EACH_F(a.at[l ^ h]);
}
/* Transposes LANES vectors as a square. */
AY_INLINE void vf_transpose(vf r[LANES])
{
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < i; j++) {
            float t = r[i].at[j];
            r[i].at[j] = r[j].at[i];
            r[j].at[i] = t;
        }
}

AY_INLINE vd vd_widen(vf a)
{
    EACH_D((double)a.at[l]);
}
/* Rounds each f64 to f32, once. */
AY_INLINE vf vf_round(vd a)
{
    EACH_F((float)a.at[l]);
}
AY_INLINE vd vd_set1(double x)
{
    EACH_D(x);
}
AY_INLINE vd vd_add(vd a, vd b)
{
    EACH_D(a.at[l] + b.at[l]);
}
AY_INLINE vd vd_sub(vd a, vd b)
{
    EACH_D(a.at[l] - b.at[l]);
}
AY_INLINE vd vd_mul(vd a, vd b)
{
    EACH_D(a.at[l] * b.at[l]);
}
AY_INLINE vd vd_div(vd a, vd b)
{
    EACH_D(a.at[l] / b.at[l]);
}
AY_INLINE vd vd_most(vd a, vd b)
{
    EACH_D(a.at[l] > b.at[l] ? a.at[l] : b.at[l]);
}
AY_INLINE vd vd_least(vd a, vd b)
{
    EACH_D(a.at[l] < b.at[l] ? a.at[l] : b.at[l]);
}
AY_INLINE vd vd_fma(vd a, vd b, vd c)
{
    EACH_D(fma(a.at[l], b.at[l], c.at[l]));
}
AY_INLINE vd vd_fms(vd a, vd b, vd c)
{
    EACH_D(fma(a.at[l], b.at[l], -c.at[l]));
}
/* c - a b */
AY_INLINE vd vd_fnma(vd a, vd b, vd c)
{
    EACH_D(fma(-a.at[l], b.at[l], c.at[l]));
}

AY_INLINE vi vi_of(vd a)
{
    EACH_I(ay_f64_bits(a.at[l]));
}
AY_INLINE vd vd_of(vi a)
{
    EACH_D(ay_f64(a.at[l]));
}
AY_INLINE vi vi_set1(uint64_t x)
{
    EACH_I(x);
}
AY_INLINE vi vi_add(vi a, vi b)
{
    EACH_I(a.at[l] + b.at[l]);
}
AY_INLINE vi vi_and(vi a, vi b)
{
    EACH_I(a.at[l] & b.at[l]);
}
AY_INLINE vi vi_or(vi a, vi b)
{
    EACH_I(a.at[l] | b.at[l]);
}
AY_INLINE vi vi_xor(vi a, vi b)
{
    EACH_I(a.at[l] ^ b.at[l]);
}
AY_INLINE vi vi_left(vi a, const int n)
{
    EACH_I(a.at[l] << n);
}
AY_INLINE vi vi_right(vi a, const int n)
{
    EACH_I(a.at[l] >> n);
}
/* then where n is odd, otherwise where not. */
AY_INLINE vd vd_where_odd(vi n, vd then, vd otherwise)
{
    EACH_D(n.at[l] & 1 ? then.at[l] : otherwise.at[l]);
}

/* Where each lane's coefficients are: its interval, 0..15, in the low 32 bits of i. */
typedef vi vrows;
AY_INLINE vrows vrows_of(vi i)
{
    EACH_I(i.at[l] & 15);
}
/* out[k] has each lane's coefficient first + k, k < count <= 4, of a table in both the layouts of
 * math_tables.h; a row is row_len f64. */
AY_INLINE void vd_coefficients(const double (*cols)[16], const double *rows, const int row_len,
                               vrows r, const int first, const int count, vd out[4])
{
    (void)rows, (void)row_len;
    for (int k = 0; k < count; k++)
        for (int l = 0; l < LANES; l++) out[k].at[l] = cols[first + k][r.at[l]];
}

#endif
