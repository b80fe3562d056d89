/* Map functions over lanes: the arithmetic of ref/math.c, step for step, and the element loops.
 * Included once by each instruction set's file, after its lanes. */
#ifndef AY_TENSOR_KERNEL_FN_LANES_H
#define AY_TENSOR_KERNEL_FN_LANES_H

#include "tensor/kernel/quick_lanes.h"
#include "tensor/ref/math.h"

/* One group of a polynomial, of `count` coefficients. */
AY_INLINE vd four(const vd c[4], const int count, vd t, vd t2)
{
    vd low = count > 1 ? vd_fma(c[1], t, c[0]) : c[0];
    if (count < 3) return low;
    return vd_fma(count > 3 ? vd_fma(c[3], t, c[2]) : c[2], t2, low);
}

/* One polynomial for all lanes. */
AY_INLINE vd poly(const double *p, const int degree, vd t)
{
    vd t2 = vd_mul(t, t), t4 = vd_mul(t2, t2), q = t;
    const int top = degree / 4 * 4;
    AY_UNROLL
    for (int first = top; first >= 0; first -= 4) {
        const int count = degree - first < 3 ? degree - first + 1 : 4;
        vd c[4];
        AY_UNROLL
        for (int k = 0; k < count; k++) c[k] = vd_set1(p[first + k]);
        vd group = four(c, count, t, t2);
        q = first == top ? group : vd_fma(q, t4, group);
    }
    return q;
}

/* Each lane with its interval's polynomial. */
AY_INLINE vd poly_at(const double (*cols)[16], const double (*rows)[16], const int degree, vi i,
                     vd t)
{
    vd t2 = vd_mul(t, t), t4 = vd_mul(t2, t2), q = t;
    const int top = degree / 4 * 4;
    vrows r = vrows_of(i);
    AY_UNROLL
    for (int first = top; first >= 0; first -= 4) {
        const int count = degree - first < 3 ? degree - first + 1 : 4;
        vd c[4];
        vd_coefficients(cols, rows[0], 16, r, first, count, c);
        vd group = four(c, count, t, t2);
        q = first == top ? group : vd_fma(q, t4, group);
    }
    return q;
}

/* x = (k + r) ln 2; k is in the low bits of the result. */
AY_INLINE vd exp_reduce(vd x, vd *r)
{
    vd magic = vd_set1(0x1.8p52), scale = vd_set1(ay_exp_scale[0]);
    vd s = vd_fma(x, scale, magic), k = vd_sub(s, magic);
    *r = vd_fma(x, vd_set1(ay_exp_scale[1]), vd_fms(x, scale, k));
    return s;
}

AY_INLINE vd exp_reduced(vd s, vd r)
{
    vd y = vd_fma(poly(ay_exp_poly, AY_EXP_DEGREE, r), r, vd_set1(1.0));
    return vd_of(vi_add(vi_of(y), vi_left(vi_of(s), 52)));
}

AY_INLINE vd exp_f64(vd x)
{
    vd r, s = exp_reduce(x, &r);
    return exp_reduced(s, r);
}

static __attribute__((noinline)) vf exp_slow(vf x)
{
    if (vf_all_below(x, AY_EXP_ZERO_END)) return vf_set1(0); /* masked out of a softmax */
    vf y = vf_round(exp_f64(vd_widen(vf_least(vf_set1(130.0F), vf_most(vf_set1(-150.0F), x)))));
    return vf_nan_of(y, y);
}

/* Where |x| < AY_EXP_NEAR_END, or a NaN. */
AY_INLINE vf vf_exp_near(vf x)
{
    struct ends y = exp_ends_near(x);
    return vf_all_equal(y.low, y.high) ? y.low : exp_slow(x);
}

AY_INLINE vf vf_exp(vf x)
{
    struct ends y = exp_ends(x);
    return vf_all_equal_within(y.low, y.high, x, AY_EXP_QUICK_END) ? y.low : exp_slow(x);
}

struct log_terms {
    vd high, low, r, q;
};

AY_INLINE struct log_terms log_terms(vd x)
{
    vi u = vi_add(vi_of(x), vi_set1(0 - 0x3fe8000000000000u));
    vi i = vi_and(vi_right(u, 48), vi_set1(15));
    /* The exponent is the signed top of u: made positive, put into a double's low bits. */
    vi biased = vi_right(vi_add(u, vi_set1(1ULL << 63)), 52);
    vd e = vd_sub(vd_of(vi_or(biased, vi_of(vd_set1(0x1p52)))), vd_set1(0x1p52 + 2048));
    vd m = vd_of(vi_add(vi_and(u, vi_set1(0xfffffffffffffu)), vi_set1(0x3fe8000000000000u)));
    vd c[4];
    vd_coefficients(ay_log_cols, ay_log_rows[0], 4, vrows_of(i), 0, 3, c);
    vd r = vd_fms(m, c[0], vd_set1(1.0));
    return (struct log_terms){.high = vd_fma(e, vd_set1(ay_log_ln2[0]), c[1]),
                              .low = vd_fma(e, vd_set1(ay_log_ln2[1]), c[2]),
                              .r = r,
                              .q = vd_mul(poly(ay_log_poly, AY_LOG_DEGREE, r), r)};
}

AY_INLINE vd log_f64(vd x)
{
    struct log_terms t = log_terms(x);
    return vd_add(t.high, vd_add(vd_fma(t.q, t.r, t.r), t.low));
}

AY_INLINE vf vf_log(vf x)
{
    static const uint32_t special[][2] = AY_LOG_SPECIAL;
    vf y = vf_nan_unless_positive(x, vf_round(log_f64(vd_widen(x))));
    AY_UNROLL
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        y = vf_where_bits(x, special[i][0], special[i][1], y);
    return y;
}

AY_INLINE vf odd(vf x, const double (*cols)[16], const double (*rows)[16], const int degree,
                 const double width, const float per_width, const float end)
{
    vf a = vf_least(vf_abs(x), vf_set1(end));
    vd wide = vd_widen(a), interval = vd_widen(vf_floor(vf_mul(a, vf_set1(per_width))));
    vi i = vi_of(vd_add(interval, vd_set1(0x1p52)));
    vd t = vd_sub(wide, vd_fma(interval, vd_set1(width), vd_set1(width / 2)));
    vf y = vf_round(vd_mul(wide, poly_at(cols, rows, degree, i, t)));
    return vf_nan_of(x, vf_with_sign(y, x));
}

AY_INLINE vf vf_tanh(vf x)
{
    return odd(x, ay_tanh_cols, ay_tanh_rows, AY_TANH_DEGREE, AY_TANH_WIDTH, AY_TANH_PER_WIDTH,
               AY_TANH_END);
}

static __attribute__((noinline)) vf erf_far(vf x)
{
    return odd(x, ay_erf_cols, ay_erf_rows, AY_ERF_DEGREE, AY_ERF_WIDTH, AY_ERF_PER_WIDTH,
               AY_ERF_END);
}

AY_INLINE vf vf_erf(vf x)
{
    if (!vf_all_below(vf_abs(x), AY_ERF_NEAR_END)) return erf_far(x);
    vd a = vd_widen(x), t = vd_fms(a, a, vd_set1(2.0));
    return vf_round(vd_mul(a, poly(ay_erf_near, AY_ERF_NEAR_DEGREE, t)));
}

AY_INLINE vd sin_f64(vd x, const uint64_t quadrant)
{
    vd magic = vd_set1(0x1.8p52);
    vd s = vd_fma(x, vd_set1(AY_TWO_OVER_PI), magic), k = vd_sub(s, magic);
    vd r = vd_fnma(k, vd_set1(ay_half_pi[0]), x);
    r = vd_fnma(k, vd_set1(ay_half_pi[2]), vd_fnma(k, vd_set1(ay_half_pi[1]), r));
    vd z = vd_mul(r, r), one = vd_set1(1.0);
    vd c = vd_fma(vd_mul(z, z), poly(ay_cos_poly, AY_COS_DEGREE, z), vd_fnma(z, vd_set1(0.5), one));
    vd y = vd_mul(r, vd_fma(z, poly(ay_sin_poly, AY_SIN_DEGREE, z), one));
    vi n = vi_add(vi_of(s), vi_set1(quadrant));
    y = vd_where_odd(n, c, y);
    return vd_of(vi_xor(vi_of(y), vi_left(vi_and(n, vi_set1(2)), 62)));
}

/* f of ref/ on each lane: for the few whose way is another. */
static __attribute__((noinline)) vf each_lane(float (*f)(float), vf x)
{
    float at[LANES];
    vf_store(at, x);
    for (int l = 0; l < LANES; l++) at[l] = f(at[l]);
    return vf_load(at);
}

AY_INLINE vf vf_sin(vf x)
{
    static const uint32_t special[][2] = AY_SIN_SPECIAL;
    if (!vf_all_below(vf_abs(x), AY_TRIG_NEAR_END)) return each_lane(ay_ref_sin, x);
    vf y = vf_round(sin_f64(vd_widen(x), 0));
    AY_UNROLL
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        y = vf_where_bits(x, special[i][0], special[i][1], y);
    return y;
}

AY_INLINE vf vf_cos(vf x)
{
    if (!vf_all_below(vf_abs(x), AY_TRIG_NEAR_END)) return each_lane(ay_ref_cos, x);
    return vf_round(sin_f64(vd_widen(x), 1));
}

AY_INLINE vf vf_atan(vf x)
{
    vf a = vf_abs(x), one = vf_set1(1.0F);
    vd z = vd_div(vd_widen(vf_least(a, one)), vd_widen(vf_most(a, one)));
    vd y = vd_mul(z, poly(ay_atan_poly, AY_ATAN_DEGREE, vd_fms(z, z, vd_set1(0.5))));
    vd above = vd_sub(vd_set1(ay_half_pi[0]), vd_sub(y, vd_set1(ay_half_pi[1])));
    /* The sign of 1 - a, as the lowest bit. */
    vi sign = vi_right(vi_of(vd_sub(vd_set1(1.0), vd_widen(a))), 63);
    return vf_nan_of(x, vf_with_sign(vf_round(vd_where_odd(sign, above, y)), x));
}

/* x^y where low and high differ or one is a NaN, otherwise `decided`. */
static __attribute__((noinline)) vf pow_undecided(vf x, vf y, vf low, vf high, vf decided)
{
    float a[LANES], b[LANES], l[LANES], h[LANES], at[LANES];
    vf_store(a, x);
    vf_store(b, y);
    vf_store(l, low);
    vf_store(h, high);
    vf_store(at, decided);
    for (int i = 0; i < LANES; i++)
        if (!(l[i] == h[i])) at[i] = ay_ref_pow(a[i], b[i]);
    return vf_load(at);
}

/* x finite and above zero. */
AY_INLINE vd pow_f64(vd x, vd y)
{
    struct log_terms t = log_terms(x);
    vd sum = vd_add(t.high, t.r);
    vd rest = vd_add(vd_add(vd_sub(t.high, sum), t.r), vd_fma(t.q, t.r, t.low));
    vd log = vd_add(sum, rest), log_low = vd_add(vd_sub(sum, log), rest);
    vd a = vd_mul(log, y), low = vd_fma(log_low, y, vd_fms(log, y, a));
    vd r, s = exp_reduce(vd_least(vd_set1(130.0), vd_most(vd_set1(-150.0), a)), &r);
    return exp_reduced(s, vd_fma(low, vd_set1(ay_exp_scale[0]), r));
}

AY_INLINE vf vf_pow(vf x, vf y)
{
    vf a = vf_abs(x), zero = vf_set1(0), nan = vf_set1(ay_f32(AY_NAN_BITS));
    vf by = vf_least(vf_set1(AY_POW_MOST), vf_most(vf_set1(-AY_POW_MOST), y));
    vd p = pow_f64(vd_widen(a), vd_widen(by));
    vf low = vf_round(vd_mul(p, vd_set1(1 - AY_POW_DOUBT)));
    vf high = vf_round(vd_mul(p, vd_set1(1 + AY_POW_DOUBT)));
    low = vf_where_below(zero, a, low, nan);
    low = vf_where_below(a, vf_set1(ay_f32(AY_INF_BITS)), low, nan);
    /* Of a negative x: the other sign if y is odd, NaN if it is no integer. */
    vf half = vf_mul(y, vf_set1(0.5F));
    vf negative = vf_where_below(vf_floor(half), half, vf_neg(low), low);
    negative = vf_where_below(vf_floor(y), y, nan, negative);
    vf out = vf_where_below(x, zero, negative, low);
    return vf_all_equal(low, high) ? out : pow_undecided(x, y, low, high, out);
}

AY_INLINE vf vf_min(vf a, vf b)
{
    return vf_neg(vf_max(vf_neg(a), vf_neg(b)));
}

AY_INLINE vf vf_ceil(vf x)
{
    return vf_neg(vf_floor(vf_neg(x)));
}

AY_INLINE vf vf_trunc(vf x)
{
    return vf_with_sign(vf_floor(vf_abs(x)), x);
}

/* The element loops: one form for a function of one operand, three for one of two. */
#define AY_UNARY_LOOP(fn)                                                                          \
    static void each_##fn(const float *a, float *out, size_t n)                                    \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES) put(out + i, n - i, vf_##fn(get(a + i, n - i)));     \
    }
#define AY_VECTOR_LOOPS(fn)                                                                        \
    static void each_##fn##_vv(const float *a, const float *b, float *out, size_t n)               \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            put(out + i, n - i, vf_##fn(get(a + i, n - i), get(b + i, n - i)));                    \
    }                                                                                              \
    static void each_##fn##_sv(float a, const float *b, float *out, size_t n)                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            put(out + i, n - i, vf_##fn(vf_set1(a), get(b + i, n - i)));                           \
    }
#define AY_BINARY_LOOPS(fn)                                                                        \
    AY_VECTOR_LOOPS(fn)                                                                            \
    static void each_##fn##_vs(const float *a, float b, float *out, size_t n)                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            put(out + i, n - i, vf_##fn(get(a + i, n - i), vf_set1(b)));                           \
    }
AY_BINARY_LOOPS(add)
AY_BINARY_LOOPS(sub)
AY_BINARY_LOOPS(mul)
AY_VECTOR_LOOPS(div)
AY_BINARY_LOOPS(max)
AY_BINARY_LOOPS(min)
AY_BINARY_LOOPS(pow)
AY_UNARY_LOOP(neg)
AY_UNARY_LOOP(abs)
AY_UNARY_LOOP(floor)
AY_UNARY_LOOP(ceil)
AY_UNARY_LOOP(trunc)
AY_UNARY_LOOP(rint)
AY_UNARY_LOOP(sqrt)
AY_UNARY_LOOP(log)
AY_UNARY_LOOP(tanh)
AY_UNARY_LOOP(erf)
AY_UNARY_LOOP(sin)
AY_UNARY_LOOP(cos)
AY_UNARY_LOOP(atan)

static void each_exp(const float *a, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) put_as_is(out + i, n - i, vf_exp(get(a + i, n - i)));
}

static void each_div_vs(const float *a, float b, float *out, size_t n)
{
    struct divisor by = divisor_of(b);
    for (size_t i = 0; i < n; i += LANES) put(out + i, n - i, div_by(get(a + i, n - i), &by));
}

AY_INLINE void hard_gate_by(const struct ay_hard_gate *g, const float *x, float *out, size_t n,
                            const bool divide)
{
    vf scale = vf_set1(g->scale), shift = vf_set1(g->shift), low = vf_set1(g->low);
    vf high = vf_set1(g->high);
    struct divisor by = divisor_of(g->by);
    for (size_t i = 0; i < n; i += LANES) {
        vf h = get(x + i, n - i);
        vf gate = vf_add(vf_mul(h, scale), shift);
        vf y = vf_nan_of(gate, vf_mul(h, vf_least(vf_most(gate, low), high)));
        put(out + i, n - i, divide ? div_by(y, &by) : y);
    }
}

static void hard_gate(const struct ay_hard_gate *g, const float *x, float *out, size_t n)
{
    if (g->by == 1.0F)
        hard_gate_by(g, x, out, n, false);
    else
        hard_gate_by(g, x, out, n, true);
}

#endif
