/* exp, log, tanh, erf, sin, cos, atan and pow of f32, correctly rounded to nearest even over all
 * inputs, so that their mathematics is their whole specification. Subnormals are kept; any NaN
 * gives the canonical one, as do log of a negative number, sin and cos of +-inf, and a negative
 * number's power to what is no integer; log(+-0) = -inf. tanh, erf, sin and atan keep a zero's
 * sign. Angles are in radians. pow's special cases are those of IEEE 754: 1 to any power and
 * anything to 0 are 1.
 *
 * Method: binary64 with a relative error near 2^-51, then one rounding; the inputs for which that
 * is not enough are listed (five of log, two of sin, four of cos) or, for pow, decided in integers.
 *
 * Cost: 3 to 10 ns where the compiler knows of fma, otherwise 30 to 90; pow 1 us more where its
 * double does not decide, which is one pair in 2^23 unless they are chosen.
 *
 * Proof: bench/prove_math.c and bench/prove_pow.c against MPFR, docs/numerics.md. */
#ifndef AY_TENSOR_REF_MATH_H
#define AY_TENSOR_REF_MATH_H

float ay_ref_exp(float x);
float ay_ref_log(float x);
float ay_ref_tanh(float x);
float ay_ref_erf(float x);
float ay_ref_sin(float x);
float ay_ref_cos(float x);
float ay_ref_atan(float x);
float ay_ref_pow(float x, float y);

#endif
