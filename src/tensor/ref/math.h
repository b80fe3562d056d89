/* exp, log, tanh and erf of an f32, correctly rounded to nearest even over all 2^32 inputs, so that
 * their mathematics is their whole specification. Subnormals are kept; any NaN gives the canonical
 * one, as does log of a negative number; log(+-0) = -inf; tanh(-0) = erf(-0) = -0.
 * Method: binary64 with a relative error near 2^-51, then one rounding; five inputs of log are
 * listed. Cost: 3 to 8 ns on x86-64 with FMA. Proof: bench/prove_math.c against MPFR. */
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
