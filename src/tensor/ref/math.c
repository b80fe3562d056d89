#include "tensor/ref/math.h"

#include "tensor/math_tables.h"
#include "tensor/ref/float.h"

#define FMA __builtin_fma

float ay_ref_exp(float x)
{
    if (x != x) return ay_f32(AY_NAN_BITS);
    /* Beyond these the result is 0 or inf whatever the value. */
    double a = x < -150.0F ? -150.0 : x > 130.0F ? 130.0 : (double)x;
    /* x = (k + r) ln 2 / 16, k an integer that the addition leaves in the low bits of s. */
    double s = FMA(a, ay_exp_scale[0], 0x1.8p52), k = s - 0x1.8p52;
    double r = FMA(a, ay_exp_scale[1], FMA(a, ay_exp_scale[0], -k));
    /* q = 2^(r/16) - 1 */
    const double *p = ay_exp_poly;
    double r2 = r * r, low = FMA(p[3], r, p[2]), mid = FMA(p[5], r, p[4]);
    double high = FMA(p[7], r, p[6]);
    double q = FMA(FMA(FMA(high, r2, mid), r2, low), r2, p[1] * r);
    /* 2^((k mod 16) / 16) (1 + q), then floor(k / 16) added to its exponent. */
    uint64_t n = ay_f64_bits(s);
    double t = ay_exp_pow[n & 15], y = FMA(t, q, t);
    return (float)ay_f64(ay_f64_bits(y) + (n >> 4 << 52));
}

float ay_ref_log(float x)
{
    static const uint32_t special[][2] = AY_LOG_SPECIAL;
    for (unsigned i = 0; i < sizeof special / sizeof special[0]; i++)
        if (ay_f32_bits(x) == special[i][0]) return ay_f32(special[i][1]);
    if (!(x > 0)) return ay_f32(AY_NAN_BITS);
    /* x = m 2^e, m in [0.75, 1.5); as a double even a subnormal f32 is normal. */
    uint64_t u = ay_f64_bits((double)x) - 0x3fe8000000000000u;
    unsigned i = u >> 48 & 15;
    double e = (double)((int64_t)u >> 52);
    double m = ay_f64((u & 0xfffffffffffffu) + 0x3fe8000000000000u);
    double r = FMA(m, ay_log_cols[0][i], -1.0), q = ay_log_poly[AY_LOG_DEGREE];
    for (int k = AY_LOG_DEGREE - 1; k > 0; k--) q = FMA(q, r, ay_log_poly[k]);
    double y = FMA(q * r, r, r);
    double high = FMA(e, ay_log_ln2[0], ay_log_cols[1][i]);
    double low = FMA(e, ay_log_ln2[1], ay_log_cols[2][i]);
    return (float)(high + (y + low));
}

/* An odd function that rounds to 1 from 16 widths on: x times the interval's polynomial. */
static float odd(float x, const double (*cols)[16], int degree, double width)
{
    if (x != x) return ay_f32(AY_NAN_BITS);
    double end = 16 * width * (1 - 0x1p-40), a = __builtin_fabs((double)x);
    if (a > end) a = end;
    int i = (int)(a * (1 / width));
    double t = a - ((double)i * width + width / 2), q = cols[degree][i];
    for (int k = degree - 1; k >= 0; k--) q = FMA(q, t, cols[k][i]);
    return (float)__builtin_copysign(a * q, (double)x);
}

float ay_ref_tanh(float x)
{
    return odd(x, ay_tanh_cols, AY_TANH_DEGREE, AY_TANH_WIDTH);
}

float ay_ref_erf(float x)
{
    return odd(x, ay_erf_cols, AY_ERF_DEGREE, AY_ERF_WIDTH);
}
