#include "tensor/ref/math.h"

#include <stdbool.h>

#include "tensor/math_tables.h"
#include "tensor/ref/float.h"
#include "tensor/ref/pow_compare.h"

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

/* e^(a + low); low is below 2^-12. */
static double exp_sum(double a, double low)
{
    /* Beyond these an f32 is 0 or inf whatever the value. */
    a = a < -150.0 ? -150.0 : a > 130.0 ? 130.0 : a;
    /* a = (k + r) ln 2, k an integer that the addition leaves in the low bits of s. */
    double s = FMA(a, ay_exp_scale[0], 0x1.8p52), k = s - 0x1.8p52;
    double r = FMA(a, ay_exp_scale[1], FMA(a, ay_exp_scale[0], -k));
    r = FMA(low, ay_exp_scale[0], r);
    double y = FMA(poly(ay_exp_poly, 1, AY_EXP_DEGREE, r), r, 1.0);
    return ay_f64(ay_f64_bits(y) + (ay_f64_bits(s) << 52));
}

static double exp_f64(float x)
{
    return exp_sum((double)x, 0);
}

/* ln x = high + low + r + q r; high and r are exact. */
struct log_terms {
    double high, low, r, q;
};

/* x finite and above zero. */
static struct log_terms log_terms(float x)
{
    /* x = m 2^e, m in [0.75, 1.5); as a double even a subnormal f32 is normal. */
    uint64_t u = ay_f64_bits((double)x) - 0x3fe8000000000000u;
    unsigned i = u >> 48 & 15;
    double e = (double)((int64_t)u >> 52);
    double m = ay_f64((u & 0xfffffffffffffu) + 0x3fe8000000000000u);
    double r = FMA(m, ay_log_cols[0][i], -1.0);
    return (struct log_terms){.high = FMA(e, ay_log_ln2[0], ay_log_cols[1][i]),
                              .low = FMA(e, ay_log_ln2[1], ay_log_cols[2][i]),
                              .r = r,
                              .q = poly(ay_log_poly, 1, AY_LOG_DEGREE, r) * r};
}

static double log_f64(float x)
{
    struct log_terms t = log_terms(x);
    return t.high + (FMA(t.q, t.r, t.r) + t.low);
}

/* x^y, x finite and above zero, y no NaN. ln x is a sum of two, and so is its product with y. */
static double pow_f64(float x, float y)
{
    struct log_terms t = log_terms(x);
    /* Of each two that are added the first is the larger in magnitude, or 0: what the sum loses is
     * then exact. */
    double sum = t.high + t.r, rest = (t.high - sum) + t.r + FMA(t.q, t.r, t.low);
    double log = sum + rest, log_low = (sum - log) + rest;
    const double most = AY_POW_MOST, by = y < -most ? -most : y > most ? most : (double)y;
    double a = log * by;
    return exp_sum(a, FMA(log_low, by, FMA(log, by, -a)));
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

/* x = n pi / 2 + r with |r| <= pi / 4, or a little more; only n's low two bits matter. */
static double reduce_near(float x, uint64_t *n)
{
    double s = FMA((double)x, AY_TWO_OVER_PI, 0x1.8p52), k = s - 0x1.8p52;
    *n = ay_f64_bits(s);
    /* The first step is exact: both of its terms are multiples of 2^-52, or k is 0. */
    double r = FMA(-k, ay_half_pi[0], (double)x);
    return FMA(-k, ay_half_pi[2], FMA(-k, ay_half_pi[1], r));
}

/* The same for |x| from AY_TRIG_NEAR_END on (Payne and Hanek): x = m 2^e, and of 2^e 2 / pi only
 * what it leaves modulo 4 is multiplied by m. 126 bits after the point leave 102 right ones, and no
 * f32 is nearer than 2^-30 to a multiple of pi / 2 but 0. */
static double reduce_far(float x, uint64_t *n)
{
    uint32_t u = ay_f32_bits(x), e = (u >> 23 & 0xff) - 150, m = (u & 0x7fffff) | 0x800000;
    const uint64_t *word = &ay_two_over_pi[e / 64];
    unsigned __int128 window = (unsigned __int128)word[0] << 64 | word[1];
    if (e % 64 != 0) window = window << e % 64 | word[2] >> (64 - e % 64);
    unsigned __int128 turns = window * m;
    *n = (uint64_t)(turns >> 126) + (uint64_t)(turns >> 125 & 1);
    double f = (double)(__int128)(turns << 2) * 0x1p-128;
    double r = FMA(f, ay_half_pi[0], f * ay_half_pi[1]);
    if (x > 0) return r;
    *n = 0 - *n;
    return -r;
}

/* sin(x + quadrant pi / 2), x finite. */
static double sin_f64(float x, uint64_t quadrant)
{
    uint64_t n;
    bool near = x < AY_TRIG_NEAR_END && x > -AY_TRIG_NEAR_END;
    double r = near ? reduce_near(x, &n) : reduce_far(x, &n), z = r * r, y;
    n += quadrant;
    if (n & 1)
        y = FMA(z * z, poly(ay_cos_poly, 1, AY_COS_DEGREE, z), FMA(z, -0.5, 1.0));
    else
        y = r * FMA(z, poly(ay_sin_poly, 1, AY_SIN_DEGREE, z), 1.0);
    return n & 2 ? -y : y;
}

static double atan_f64(float x)
{
    float a = x < 0 ? -x : x;
    /* atan a = pi / 2 - atan(1 / a) */
    double z = (double)(a < 1 ? a : 1) / (double)(a < 1 ? 1 : a);
    double y = z * poly(ay_atan_poly, 1, AY_ATAN_DEGREE, FMA(z, z, -0.5));
    return a > 1 ? ay_half_pi[0] - (y - ay_half_pi[1]) : y;
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
    static const uint32_t special[][2] = AY_SIN_SPECIAL;
    for (unsigned i = 0; i < sizeof special / sizeof special[0]; i++)
        if (ay_f32_bits(x) == special[i][0]) return ay_f32(special[i][1]);
    return x - x == 0 ? (float)sin_f64(x, 0) : ay_f32(AY_NAN_BITS);
}

float ay_ref_cos(float x)
{
    return x - x == 0 ? (float)sin_f64(x, 1) : ay_f32(AY_NAN_BITS);
}

float ay_ref_atan(float x)
{
    return x != x ? ay_f32(AY_NAN_BITS) : __builtin_copysignf((float)atan_f64(x), x);
}

/* a^y for finite a > 0 and y. */
static float power(float a, float y)
{
    double p = pow_f64(a, y);
    float low = (float)(p * (1 - AY_POW_DOUBT)), high = (float)(p * (1 + AY_POW_DOUBT));
    if (low == high) return low;
    /* As doubles, whose range is wider: low and high enclose one midpoint of two f32. */
    double middle = ((double)low + (high - high == 0 ? (double)high : 0x1p128)) / 2;
    int order = ay_pow_compare(a, y, middle);
    return order < 0 ? low : order > 0 ? high : (float)middle;
}

float ay_ref_pow(float x, float y)
{
    if (y == 0 || x == 1) return 1;
    if (x != x || y != y) return ay_f32(AY_NAN_BITS);
    const float a = __builtin_fabsf(x), b = __builtin_fabsf(y), inf = ay_f32(AY_INF_BITS);
    /* From 2^24 on an f32 is an even number. */
    const bool whole = b >= 0x1p24F || (float)(int32_t)b == b;
    const bool odd = b < 0x1p24F && whole && (int32_t)b % 2 != 0;
    const float sign = odd ? __builtin_copysignf(1, x) : 1;
    if (a == 0 || a == inf || b == inf) {
        bool grows = (a > 1) == (y > 0);
        return sign * (a == 1 ? 1 : grows ? inf : 0);
    }
    if (x < 0 && !whole) return ay_f32(AY_NAN_BITS);
    return sign * power(a, y);
}
