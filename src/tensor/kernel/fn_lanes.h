/* Map functions over lanes: the arithmetic of ref/math.c, step for step, and the element loops.
 * Included once by each instruction set's file, after its lanes. */
#ifndef AY_TENSOR_KERNEL_FN_LANES_H
#define AY_TENSOR_KERNEL_FN_LANES_H

#include "tensor/math_tables.h"

/* A loop with a constant count: registers only come of it when it is unrolled. */
#if defined(__clang__)
#define AY_UNROLL _Pragma("clang loop unroll(full)")
#else
#define AY_UNROLL _Pragma("GCC unroll 48")
#endif

AY_INLINE vf get(const float *p, size_t left)
{
    return left >= LANES ? vf_load(p) : vf_load_part(p, left);
}

/* Stores what may be a NaN. */
AY_INLINE void put(float *p, size_t left, vf x)
{
    vf y = vf_nan_of(x, x);
    if (left >= LANES)
        vf_store(p, y);
    else
        vf_store_part(p, left, y);
}

AY_INLINE vd exp_f64(vd x)
{
    x = vd_min(vd_max(x, vd_set1(-150.0)), vd_set1(130.0));
    vd magic = vd_set1(0x1.8p52), scale = vd_set1(ay_exp_scale[0]);
    vd s = vd_fma(x, scale, magic), k = vd_sub(s, magic);
    vd r = vd_fma(x, vd_set1(ay_exp_scale[1]), vd_fms(x, scale, k));
    const double *p = ay_exp_poly;
    vd r2 = vd_mul(r, r);
    vd low = vd_fma(vd_set1(p[3]), r, vd_set1(p[2])), mid = vd_fma(vd_set1(p[5]), r, vd_set1(p[4]));
    vd high = vd_fma(vd_set1(p[7]), r, vd_set1(p[6]));
    vd q = vd_fma(vd_fma(vd_fma(high, r2, mid), r2, low), r2, vd_mul(vd_set1(p[1]), r));
    vi n = vi_of(s);
    vd t = vd_pick(ay_exp_pow, n), y = vd_fma(t, q, t);
    return vd_of(vi_add(vi_of(y), vi_left(vi_right(n, 4), 52)));
}

AY_INLINE vf vf_exp(vf x)
{
    return vf_nan_of(x, vf_join(exp_f64(vd_low(x)), exp_f64(vd_high(x))));
}

AY_INLINE vd log_f64(vd x)
{
    vi u = vi_add(vi_of(x), vi_set1(0 - 0x3fe8000000000000u)), i = vi_right(u, 48);
    /* The exponent is the signed top of u: made positive, put into a double's low bits. */
    vi biased = vi_right(vi_add(u, vi_set1(1ULL << 63)), 52);
    vd e = vd_sub(vd_of(vi_or(biased, vi_of(vd_set1(0x1p52)))), vd_set1(0x1p52 + 2048));
    vd m = vd_of(vi_add(vi_and(u, vi_set1(0xfffffffffffffu)), vi_set1(0x3fe8000000000000u)));
    vd c[3];
    vd_pick3(ay_log_cols, ay_log_rows, i, c);
    vd r = vd_fms(m, c[0], vd_set1(1.0)), q = vd_set1(ay_log_poly[AY_LOG_DEGREE]);
    AY_UNROLL
    for (int k = AY_LOG_DEGREE - 1; k > 0; k--) q = vd_fma(q, r, vd_set1(ay_log_poly[k]));
    vd y = vd_fma(vd_mul(q, r), r, r);
    vd high = vd_fma(e, vd_set1(ay_log_ln2[0]), c[1]);
    vd low = vd_fma(e, vd_set1(ay_log_ln2[1]), c[2]);
    return vd_add(high, vd_add(y, low));
}

AY_INLINE vf vf_log(vf x)
{
    static const uint32_t special[][2] = AY_LOG_SPECIAL;
    vf y = vf_nan_unless_positive(x, vf_join(log_f64(vd_low(x)), log_f64(vd_high(x))));
    AY_UNROLL
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        y = vf_where_bits(x, special[i][0], special[i][1], y);
    return y;
}

AY_INLINE vd odd_f64(vd x, const double (*cols)[16], const double (*rows)[16], const int degree,
                     const double width)
{
    vd a = vd_min(vd_abs(x), vd_set1(16 * width * (1 - 0x1p-40)));
    vd interval = vd_floor(vd_mul(a, vd_set1(1 / width)));
    vi i = vi_of(vd_add(interval, vd_set1(0x1p52)));
    vd t = vd_sub(a, vd_fma(interval, vd_set1(width), vd_set1(width / 2)));
    return vd_with_sign(vd_mul(a, vd_poly(cols, rows, degree, i, t)), x);
}

AY_INLINE vd tanh_f64(vd x)
{
    return odd_f64(x, ay_tanh_cols, ay_tanh_rows, AY_TANH_DEGREE, AY_TANH_WIDTH);
}

AY_INLINE vd erf_f64(vd x)
{
    return odd_f64(x, ay_erf_cols, ay_erf_rows, AY_ERF_DEGREE, AY_ERF_WIDTH);
}

AY_INLINE vf vf_tanh(vf x)
{
    return vf_nan_of(x, vf_join(tanh_f64(vd_low(x)), tanh_f64(vd_high(x))));
}

AY_INLINE vf vf_erf(vf x)
{
    return vf_nan_of(x, vf_join(erf_f64(vd_low(x)), erf_f64(vd_high(x))));
}

/* The element loops: one form for a function of one operand, three for one of two. */
#define AY_UNARY_LOOP(fn)                                                                          \
    static void each_##fn(const float *a, float *out, size_t n)                                    \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES) put(out + i, n - i, vf_##fn(get(a + i, n - i)));     \
    }
#define AY_BINARY_LOOPS(fn)                                                                        \
    static void each_##fn##_vv(const float *a, const float *b, float *out, size_t n)               \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            put(out + i, n - i, vf_##fn(get(a + i, n - i), get(b + i, n - i)));                    \
    }                                                                                              \
    static void each_##fn##_vs(const float *a, float b, float *out, size_t n)                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            put(out + i, n - i, vf_##fn(get(a + i, n - i), vf_set1(b)));                           \
    }                                                                                              \
    static void each_##fn##_sv(float a, const float *b, float *out, size_t n)                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            put(out + i, n - i, vf_##fn(vf_set1(a), get(b + i, n - i)));                           \
    }
AY_BINARY_LOOPS(add)
AY_BINARY_LOOPS(sub)
AY_BINARY_LOOPS(mul)
AY_BINARY_LOOPS(div)
AY_BINARY_LOOPS(max)
AY_UNARY_LOOP(neg)
AY_UNARY_LOOP(sqrt)
AY_UNARY_LOOP(exp)
AY_UNARY_LOOP(log)
AY_UNARY_LOOP(tanh)
AY_UNARY_LOOP(erf)

#endif
