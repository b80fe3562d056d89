/* Which side of a midpoint x^y is on, in integers: what pow asks where its double does not tell.
 * No table, and no assumption about how near x^y may come, stands behind an answer;
 * docs/numerics.md has the argument. No heap, no state. */
#ifndef AY_TENSOR_REF_POW_COMPARE_H
#define AY_TENSOR_REF_POW_COMPARE_H

#include <stdint.h>

/* An unsigned number in fixed point: `words` words of 64 bits after the point, least significant
 * first, then one before it. */
#define AY_MAX_LOG2_WORDS 8
struct ay_fixed {
    uint64_t word[AY_MAX_LOG2_WORDS + 1];
};

/* |log2(m 2^e)| to within 4 units of its last place; 1 <= m < 2^32. */
void ay_log2_fixed(uint32_t m, int e, unsigned words, struct ay_fixed *out);

/* -1, 0 or 1 as x^y is below, at or above `middle`. x is finite, above zero and not 1; y is finite
 * and not 0; middle lies halfway between two neighbouring f32 (2^128 among them) and within 2^-24
 * of itself from x^y, which is middle if it has at most 25 bits. With w = 1, 2, 4 or 8 words it
 * decides where |log2(x^y / middle)| > 4 (1 + |y|) 2^-64w, in 1, 3, 13 or 90 us; pairs that need 4
 * are not known, and those that 8 would not decide would stop the process. */
int ay_pow_compare(float x, float y, double middle);

#endif
