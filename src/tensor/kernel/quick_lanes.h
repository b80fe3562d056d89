/* Functions in pairs of f32: a vector holds twice as many as of f64. What a pair leaves open is
 * less than a known doubt, so each function gives both ends of where its value lies; the result is
 * sure where they round to one f32, and else left to f64. docs/numerics.md says why that suffices.
 */
#ifndef AY_TENSOR_KERNEL_QUICK_LANES_H
#define AY_TENSOR_KERNEL_QUICK_LANES_H

#include "tensor/kernel/part_lanes.h"
#include "tensor/math_tables.h"

struct ends {
    vf low, high;
};

#if LOOKS_UP == 32
#define EXP_TABLE ay_exp_quick
#define EXP_LN2   ay_exp_quick_ln2
#define EXP_POLY  ay_exp_quick_poly
#define EXP_DOUBT AY_EXP_QUICK_DOUBT
#define EXP_RAISE 18 /* the first bit beyond those looked up, to the exponent's last */
#else
#define EXP_TABLE ay_exp_coarse
#define EXP_LN2   ay_exp_coarse_ln2
#define EXP_POLY  ay_exp_coarse_poly
#define EXP_DOUBT AY_EXP_COARSE_DOUBT
#define EXP_RAISE 19
#endif

/* x = k ln 2 / parts + r, of which the first step is exact; k in the low bits of s. */
struct exp_parts {
    vf s, k, r;
};
AY_INLINE struct exp_parts exp_parts_of(vf x, const float parts, const float ln2)
{
    vf magic = vf_set1(0x1.8p23F);
    vf s = vf_fma(x, vf_set1(AY_EXP_QUICK_SCALE / 32 * parts), magic), k = vf_sub(s, magic);
    return (struct exp_parts){s, k, vf_fma(k, vf_set1(-ln2), x)};
}

/* t times 1 + r + w, w below 2^-10: q r^2 and what `rest` makes of it. */
AY_INLINE struct ends exp_ends_by(vf t, vf r, vf q, vf rest, const float doubt)
{
    vf w = vf_fma(vf_fma(q, r, rest), r, rest);
    vf high = vf_fma(t, r, t), left = vf_fma(t, r, vf_sub(t, high)), low = vf_fma(t, w, left);
    return (struct ends){vf_add(high, low), vf_add(high, vf_fma(high, vf_set1(2 * doubt), low))};
}

/* e^x, |x| < AY_EXP_QUICK_END. */
AY_INLINE struct ends exp_ends(vf x)
{
    struct exp_parts p = exp_parts_of(x, LOOKS_UP, EXP_LN2[0]);
    vf rest = vf_fma(p.k, vf_set1(-EXP_LN2[1]), vf_look_up(EXP_TABLE[1], p.s));
    vf t = vf_raise(vf_look_up(EXP_TABLE[0], p.s), p.s, EXP_RAISE);
    vf q = vf_fma(vf_set1(EXP_POLY[2]), p.r, vf_set1(EXP_POLY[1]));
    return exp_ends_by(t, p.r, vf_fma(q, p.r, vf_set1(EXP_POLY[0])), rest, EXP_DOUBT);
}

/* The same, |x| < AY_EXP_NEAR_END, of ends further apart where that is quicker. */
AY_INLINE struct ends exp_ends_near(vf x)
{
#if LOOKS_UP == 32
    return exp_ends(x);
#else
    const float *c = ay_exp_near_poly;
    struct exp_parts p = exp_parts_of(x, 8, ay_exp_near_ln2[0]);
    vf rest = vf_fma(p.k, vf_set1(-ay_exp_near_ln2[1]), vf_look_up_8(ay_exp_near[1], p.s));
    vf t = vf_raise(vf_look_up_8(ay_exp_near[0], p.s), p.s, 20);
    vf q = vf_fma(vf_fma(vf_set1(c[3]), p.r, vf_set1(c[2])), p.r, vf_set1(c[1]));
    return exp_ends_by(t, p.r, vf_fma(q, p.r, vf_set1(c[0])), rest, AY_EXP_NEAR_DOUBT);
#endif
}

#if LOOKS_UP == 32
/* erf a, 0 <= a <= AY_ERF_QUICK_END, of which `widths` is about so many widths. */
AY_INLINE struct ends erf_ends(vf a, vf widths)
{
    enum { SQUARE = 4, CUBE = 6, TOP = AY_ERF_QUICK_DEGREE + 3 };
    vf magic = vf_set1(0x1.8p23F), doubt = vf_set1(2 * AY_ERF_QUICK_DOUBT), c[TOP + 1];
    vf s = vf_add(widths, magic), t = vf_fma(vf_sub(s, magic), vf_set1(-AY_ERF_QUICK_WIDTH), a);
    AY_UNROLL
    for (int i = 0; i <= TOP; i++) c[i] = vf_look_up(ay_erf_quick[i], s);
    vf q = c[TOP];
    AY_UNROLL
    for (int i = TOP - 1; i >= CUBE; i--) q = vf_fma(q, t, c[i]);
    q = vf_fma(q, t, c[SQUARE + 1]);
    vf slope = vf_fma(t, c[SQUARE], c[2]), slope_left = vf_fma(t, c[SQUARE], vf_sub(c[2], slope));
    vf rest = vf_fma(q, t, vf_add(slope_left, c[3]));
    vf high = vf_fma(t, slope, c[0]), left = vf_fma(t, slope, vf_sub(c[0], high));
    vf low = vf_fma(t, rest, vf_add(left, c[1]));
    return (struct ends){vf_add(high, low), vf_add(high, vf_add(low, doubt))};
}
#else
/* Of erf(c + t) what needs no row of the table: w, of which slope t w is added to the tangent. */
AY_INLINE vf erf_bend(vf c, vf t)
{
    vf third = vf_fma(vf_mul(c, c), vf_set1(2.0F / 3), vf_set1(-1.0F / 3));
    return vf_mul(vf_fma(c, vf_set1(-AY_ERF_FINE_BEND), vf_mul(third, t)), t);
}

/* The rest, by the row of c. */
AY_INLINE struct ends erf_ends_by_row(vf t, vf w, const vf row[4])
{
    vf doubt = vf_set1(2 * AY_ERF_FINE_DOUBT), slope = row[2];
    vf high = vf_fma(t, slope, row[0]), left = vf_fma(t, slope, vf_sub(row[0], high));
    vf low = vf_fma(t, vf_fma(slope, w, row[3]), vf_add(left, row[1]));
    return (struct ends){vf_add(high, low), vf_add(high, vf_add(low, doubt))};
}
#endif

/* What x / s needs of s: r = 1 / s rounded, `left` what that leaves, and -s. */
struct divisor {
    vf minus, r, left, s;
    bool quick;
};

/* Where it is quick, a quotient by fma of x of a magnitude in AY_DIV_FROM..AY_DIV_TO is the rounded
 * one (docs/numerics.md). Loops leave the fma to a library: there a division is quicker. */
#define AY_DIV_FROM      0x1p-60F
#define AY_DIV_TO        0x1p60F
#define AY_DIV_QUICK_END 0x1p30F
AY_INLINE struct divisor divisor_of(float s)
{
    float r = 1.0F / s;
    bool near_two = (ay_f32_bits(s) & 0x7fffffu) >= 0x7ffffcu;
    struct divisor d = {.minus = vf_set1(-s),
                        .r = vf_set1(r),
                        .left = vf_set1(fmaf(-s, r, 1.0F) * r),
                        .s = vf_set1(s)};
#ifndef AY_LANES_ARE_LOOPS
    d.quick = fabsf(s) > 1 / AY_DIV_QUICK_END && fabsf(s) < AY_DIV_QUICK_END && !near_two;
#else
    (void)near_two;
#endif
    return d;
}

AY_INLINE vf div_quick(vf x, const struct divisor *d)
{
    vf q = vf_fma(x, d->r, vf_mul(x, d->left));
    return vf_fma(vf_fma(q, d->minus, x), d->r, q);
}

AY_INLINE vf div_by(vf x, const struct divisor *d)
{
    if (d->quick && vf_all_from_to(x, AY_DIV_FROM, AY_DIV_TO)) return div_quick(x, d);
    return vf_div(x, d->s);
}

#endif
