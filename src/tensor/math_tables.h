/* Constants behind the correctly rounded functions, shared by ref/ and kernel/. Each table of 16
 * intervals is given twice: `cols` [coefficient][interval], for lanes that look up by permuting
 * registers, and `rows` [interval][coefficient], for lanes that load and transpose.
 * Source: tools/gen_math_tables.py. Proof that they suffice: bench/prove_math.c, docs/numerics.md.
 */
#ifndef AY_TENSOR_MATH_TABLES_H
#define AY_TENSOR_MATH_TABLES_H

#include <stdint.h>

/* f(x) / x as a polynomial in x - centre on 16 intervals of this width, whose inverse is given as
 * an f32; from the end on, the last f32 below 16 widths, f rounds to 1. */
#define AY_ERF_WIDTH      0x1p-2
#define AY_ERF_PER_WIDTH  0x1p+2F
#define AY_ERF_END        0x1.fffffep+1F
#define AY_TANH_WIDTH     0x1.24p-1
#define AY_TANH_PER_WIDTH 0x1.c0e070p+0F
#define AY_TANH_END       0x1.23fffep+3F
enum { AY_ERF_DEGREE = 12, AY_TANH_DEGREE = 15, AY_EXP_DEGREE = 10, AY_LOG_DEGREE = 10 };
extern const double ay_erf_cols[AY_ERF_DEGREE + 1][16], ay_erf_rows[16][16];
extern const double ay_tanh_cols[AY_TANH_DEGREE + 1][16], ay_tanh_rows[16][16];

/* erf(x) / x for |x| <= 2 in x^2 - 2: a quicker way there. */
#define AY_ERF_NEAR_END 2.0F
enum { AY_ERF_NEAR_DEGREE = 19 };
extern const double ay_erf_near[AY_ERF_NEAR_DEGREE + 1];

/* (2^r - 1) / r on |r| <= 1/2; 1/ln 2 as high + low. Below the end e^x rounds to 0. */
#define AY_EXP_ZERO_END (-104.0F)
extern const double ay_exp_poly[AY_EXP_DEGREE + 1], ay_exp_scale[2];

/* The same in pairs of f32, for kernels that check how their result rounds. 2^(i / 32), lowered by
 * i parts of 32 of the exponent's last bit, and what is left of it, relative; ln 2 / 32 as high +
 * low; (e^r - 1 - r) / r^2 on |r| <= ln 2 / 64. Up to the end in magnitude no term is subnormal. */
#define AY_EXP_QUICK_SCALE 0x1.715476p+5F
#define AY_EXP_QUICK_DOUBT 0x1.4p-36F
#define AY_EXP_QUICK_END   76.0F
extern const float ay_exp_quick[2][32], ay_exp_quick_ln2[2], ay_exp_quick_poly[3];

/* By 16 parts, for lanes to which looking up is dear. */
#define AY_EXP_COARSE_DOUBT 0x1.8p-34F
extern const float ay_exp_coarse[2][16], ay_exp_coarse_ln2[2], ay_exp_coarse_poly[3];

/* By 8 parts and with one more term, up to an end of its own: quicker, if left open more often. */
#define AY_EXP_NEAR_DOUBT 0x1.fp-33F
#define AY_EXP_NEAR_END   41.0F
extern const float ay_exp_near[2][8], ay_exp_near_ln2[2], ay_exp_near_poly[4];

/* erf(c + t) as a polynomial in t around 32 multiples c of the width, its first three coefficients
 * as high + low; good to the doubt, not relative. From the end on, erf rounds to 1. */
#define AY_ERF_QUICK_WIDTH     0x1.01p-3F
#define AY_ERF_QUICK_PER_WIDTH 0x1.fe01fep+2F
#define AY_ERF_QUICK_DOUBT     0x1p-35F
#define AY_ERF_QUICK_END       3.945F
enum { AY_ERF_QUICK_DEGREE = 6 };
extern const float ay_erf_quick[AY_ERF_QUICK_DEGREE + 4][32];

/* The same by rows, for lanes that load them: erf c and its slope, each as high + low, for the
 * multiples c of 1 / AY_ERF_FINE_PER_ONE of either sign, the last of which is near the end above.
 * erf(c + t) = erf c + slope (t + t w), w = t (t (2 c^2 - 1) / 3 - bend c). */
#define AY_ERF_FINE_PER_ONE 128
#define AY_ERF_FINE_LAST    505
#define AY_ERF_FINE_BEND    0x1.ffff8p-1F
#define AY_ERF_FINE_DOUBT   0x1p-36F
extern const float ay_erf_fine[2 * AY_ERF_FINE_LAST + 1][4];

/* 1/c, ln c as high + low for 16 centres c of [0.75, 1.5); (ln(1 + r) - r) / r^2; ln 2 as
 * high + low. */
extern const double ay_log_cols[3][16], ay_log_rows[16][4];
extern const double ay_log_poly[AY_LOG_DEGREE + 1], ay_log_ln2[2];

/* pi / 2 as a sum of three, each the nearest to what the ones before leave; 2 / pi in fixed point,
 * two bits before the point, most significant word first. */
#define AY_TWO_OVER_PI 0x1.45f306dc9c883p-1
extern const double ay_half_pi[3];
extern const uint64_t ay_two_over_pi[4];

/* sin r = r (1 + z S(z)), cos r = 1 - z / 2 + z^2 C(z), z = r^2, |r| <= pi / 4. Up to its end in
 * magnitude an argument is reduced by ay_half_pi, beyond by ay_two_over_pi. */
#define AY_TRIG_NEAR_END 0x1p40F
enum { AY_SIN_DEGREE = 5, AY_COS_DEGREE = 5, AY_ATAN_DEGREE = 22 };
extern const double ay_sin_poly[AY_SIN_DEGREE + 1], ay_cos_poly[AY_COS_DEGREE + 1];

/* atan(x) / x for |x| <= 1 in x^2 - 1/2. */
extern const double ay_atan_poly[AY_ATAN_DEGREE + 1];

/* pow's double decides unless it rounds to two f32 when moved by this much of itself. Its exponent
 * is so held where a larger one changes no result: |ln x| >= 2^-24 unless x = 1. */
#define AY_POW_DOUBT 0x1p-48
#define AY_POW_MOST  0x1p32F

/* The five f32 whose logarithm lies so near a rounding boundary that the double falls on its wrong
 * side, and what ln 0 and ln inf are: bits of x, bits of the result. */
#define AY_LOG_SPECIAL                                                                             \
    {                                                                                              \
        {0x3c413d3a, 0xc08e158f}, {0x41178feb, 0x400fe5e7}, {0x4c5d65a5, 0x418f034b},              \
            {0x65d890d3, 0x4254d1f9}, {0x6f31a8ec, 0x42845a89}, {0x00000000, 0xff800000},          \
            {0x80000000, 0xff800000}, {0x7f800000, 0x7f800000},                                    \
    }

/* The same of sine; and of cosine, whose all are beyond AY_TRIG_NEAR_END. */
#define AY_SIN_SPECIAL                                                                             \
    {                                                                                              \
        {0x46199998, 0xbeb1fa5d}, {0xc6199998, 0x3eb1fa5d},                                        \
    }
#define AY_COS_SPECIAL                                                                             \
    {                                                                                              \
        {0x5f18b878, 0x3f7f14bb}, {0xdf18b878, 0x3f7f14bb}, {0x6115cb11, 0x3f78142f},              \
            {0xe115cb11, 0x3f78142f},                                                              \
    }

#endif
