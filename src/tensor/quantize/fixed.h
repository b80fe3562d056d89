/* Ratios in fixed point (docs/quantize.md). Internal to this folder. */
#ifndef AY_TENSOR_QUANTIZE_FIXED_H
#define AY_TENSOR_QUANTIZE_FIXED_H

#include <stdint.h>

/* multiplier / 2^shift. */
struct ay_ratio {
    int32_t multiplier;
    int32_t shift;
};

#define AY_MOST_SHIFT      53
#define AY_MOST_MEAN_SHIFT 31

/* The ratio, which is positive and finite, with as many bits as 31 hold and a shift of 1 to
 * `most_shift`: multiplier = min(rint(ratio 2^shift), 2^31 - 1). */
struct ay_ratio ay_ratio_of(double ratio, int32_t most_shift);

/* Two ratios with one shift, of 21 bits: sums of bytes times them stay within 32 bits. */
struct ay_ratio_pair {
    int32_t multiplier[2], shift;
};
struct ay_ratio_pair ay_ratio_pair_of(double a, double b);

#endif
