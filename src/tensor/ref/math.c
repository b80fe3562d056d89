#include "tensor/ref/math.h"

#include <math.h>

#include "tensor/math_tables.h"
#include "tensor/ref/float.h"

#define FMA __builtin_fma

/* The polynomial with coefficients c[0], c[stride], .. c[degree * stride], four at a time: each
 * group of four by its own short rule, the groups by Horner's in t^4. */
static double poly(const double *c, int stride, int degree, double t)
{
    double t2 = t * t, t4 = t2 * t2, q = 0;
    const int top = degree / 4 * 4;
    for (int first = top; first >= 0; first -= 4) {
        const double *p = c + first * stride;
        const int after = degree - first; /* coefficients of this group after its first, or more */
        double low = after > 0 ? FMA(p[stride], t, p[0]) : p[0];
        double high =
            after > 2 ? FMA(p[3 * stride], t, p[2 * stride]) : (after > 1 ? p[2 * stride] : 0);
        double four = after > 1 ? FMA(high, t2, low) : low;
        q = first == top ? four : FMA(q, t4, four);
    }
    return q;
}

static double exp_f64(float x)
{
    /* Beyond these the result is 0 or inf whatever the value. */
    double a = x < -150.0F ? -150.0 : x > 130.0F ? 130.0 : (double)x;
    /* x = (k + r) ln 2, k an integer that the addition leaves in the low bits of s. */
    double s = FMA(a, ay_exp_scale[0], 0x1.8p52), k = s - 0x1.8p52;
    double r = FMA(a, ay_exp_scale[1], FMA(a, ay_exp_scale[0], -k));
    double y = FMA(poly(ay_exp_poly, 1, AY_EXP_DEGREE, r), r, 1.0);
    return ay_f64(ay_f64_bits(y) + (ay_f64_bits(s) << 52));
}

/* x finite and above zero. */
static double log_f64(float x)
{
    /* x = m 2^e, m in [0.75, 1.5); as a double even a subnormal f32 is normal. */
    uint64_t u = ay_f64_bits((double)x) - 0x3fe8000000000000u;
    unsigned i = u >> 48 & 15;
    double e = (double)((int64_t)u >> 52);
    double m = ay_f64((u & 0xfffffffffffffu) + 0x3fe8000000000000u);
    double r = FMA(m, ay_log_cols[0][i], -1.0);
    double y = FMA(poly(ay_log_poly, 1, AY_LOG_DEGREE, r) * r, r, r);
    double high = FMA(e, ay_log_ln2[0], ay_log_cols[1][i]);
    double low = FMA(e, ay_log_ln2[1], ay_log_cols[2][i]);
    return high + (y + low);
}

/* |x| times its interval's polynomial, for an odd function that rounds to 1 from `end` on. */
static double odd_f64(float x, const double (*cols)[16], int degree, double width, float per_width,
                      float end)
{
    float a = x < 0 ? -x : x;
    if (a > end) a = end;
    int i = (int)(a * per_width);
    double t = (double)a - ((double)i * width + width / 2);
    return (double)a * poly(&cols[0][i], 16, degree, t);
}

static double tanh_f64(float x)
{
    return odd_f64(x, ay_tanh_cols, AY_TANH_DEGREE, AY_TANH_WIDTH, AY_TANH_PER_WIDTH, AY_TANH_END);
}

static double erf_f64(float x)
{
    return odd_f64(x, ay_erf_cols, AY_ERF_DEGREE, AY_ERF_WIDTH, AY_ERF_PER_WIDTH, AY_ERF_END);
}

float ay_ref_exp(float x)
{
    return x != x ? ay_f32(AY_NAN_BITS) : (float)exp_f64(x);
}

float ay_ref_log(float x)
{
    static const uint32_t special[][2] = AY_LOG_SPECIAL;
    for (unsigned i = 0; i < sizeof special / sizeof special[0]; i++)
        if (ay_f32_bits(x) == special[i][0]) return ay_f32(special[i][1]);
    return x > 0 ? (float)log_f64(x) : ay_f32(AY_NAN_BITS);
}

float ay_ref_tanh(float x)
{
    return x != x ? ay_f32(AY_NAN_BITS) : __builtin_copysignf((float)tanh_f64(x), x);
}

float ay_ref_erf(float x)
{
    return x != x ? ay_f32(AY_NAN_BITS) : __builtin_copysignf((float)erf_f64(x), x);
}

float ay_ref_sin(float x)
{
    return (float)sin((double)x);
}

float ay_ref_cos(float x)
{
    return (float)cos((double)x);
}

float ay_ref_atan(float x)
{
    return (float)atan((double)x);
}

float ay_ref_pow(float x, float y)
{
    return (float)pow((double)x, (double)y);
}
