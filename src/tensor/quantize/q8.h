/* The profile q8: products with weights become MATMUL_Q8 (docs/numerics.md), their weights i8 in
 * blocks of 32 along K with a scale each; tables of rows become i8 with a scale a row
 * (docs/quantize.md). */
#ifndef AY_TENSOR_QUANTIZE_Q8_H
#define AY_TENSOR_QUANTIZE_Q8_H

#include "base/arena.h"
#include "tensor/program.h"

#define AY_Q8_BLOCK 32u
/* The largest f16. */
#define AY_Q8_MAX_SCALE 65504.0F

static inline uint32_t ay_q8_blocks(uint32_t k)
{
    return k / AY_Q8_BLOCK + (k % AY_Q8_BLOCK != 0);
}

/* w (n, k) f32 to q (n, k) and scale (n, blocks of `block` along k): scale = max |w| / 127 over a
 * block, rounded to f16; q = rint(w / scale) within +-127, or 0 where the scale is 0; ties to even
 * throughout. AY_E_FORMAT: a weight is not finite. AY_E_RANGE: a scale is above AY_Q8_MAX_SCALE. */
enum ay_code ay_q8_weights(const float *w, uint32_t n, uint32_t k, uint32_t block, int8_t *q,
                           float *scale) AY_MUST;

/* w (n, k), each column times its factor. */
void ay_q8_scale_columns(float *w, uint32_t n, uint32_t k, const float *factors);

enum ay_q8_part { AY_Q8_KEPT, AY_Q8_BYTES, AY_Q8_SCALES, AY_Q8_INVERSES };

/* Where a weight of the new program comes from. */
struct ay_q8_source {
    enum ay_q8_part part;
    uint32_t weight;      /* of the old one; not of AY_Q8_INVERSES */
    const float *factors; /* of its columns, or to be inverted; NULL: 1 each */
};

/* The program with MATMUL_Q8 for each f32 MATMUL by a weight (N, K), and GATHER of i8, of scales
 * and their product for each GATHER of an f32 weight's rows, where nothing else reads the weight.
 * factors has for each operand id NULL or (K) powers of two (tensor/quantize/balance.h): the
 * operand of a product is multiplied by their inverses first, a weight of the program (K). Roots of
 * weights that are not AY_Q8_KEPT are zero. *sources has one a weight of *out; both lie in the
 * arena, or are borrowed from p, which must be checked, and from factors. AY_E_UNSUPPORTED: there
 * is no such op. AY_E_LIMIT: arena full, or too many weights or ops. */
enum ay_code ay_q8_program(const struct ay_work_program *p, float *const *factors,
                           struct ay_arena *arena, struct ay_work_program *out,
                           const struct ay_q8_source **sources) AY_MUST;

#endif
