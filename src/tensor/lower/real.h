/* Functions of binary64 by IEEE 754's own operations alone, so that tables made of them are the
 * same on every machine; good to about 2^-50. For tables, not for tensors. Private to this
 * folder. */
#ifndef AY_TENSOR_LOWER_REAL_H
#define AY_TENSOR_LOWER_REAL_H

#include <stdint.h>

/* Cosine and sine of k / n of a full turn; n in [1, 2^32). */
void ay_real_turn(uint64_t k, uint64_t n, double *cosine, double *sine);
/* Natural logarithm of a finite x > 0. */
double ay_real_log(double x);
/* |x| at most 700. */
double ay_real_exp(double x);

#endif
