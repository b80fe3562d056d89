/* Where f32 values come from that DequantizeLinear made: their bytes can then be moved, and
 * multiplied, as they are. Internal. */
#ifndef AY_TENSOR_LOWER_ORIGIN_H
#define AY_TENSOR_LOWER_ORIGIN_H

#include "tensor/lower/quantize.h"

/* (q.x - q.zero) scale. Scale and zero point are one number, or one a place of the axis (rank 1).
 */
struct ay_origin {
    struct ay_quantized q; /* x i8, u8 or i32; zero may be NULL */
    term scale;
    uint32_t axis;
};

/* Owns its table. All zero: empty. */
struct ay_origins {
    struct ay_origins_entry {
        term value; /* NULL: free */
        struct ay_origin of;
    } * entries;
    uint32_t cap, count; /* cap: 0 or a power of two */
};
void ay_origins_close(struct ay_origins *origins);

/* Remembers what the value comes from. */
void ay_origin_put(const struct ay_lower *l, term value, const struct ay_origin *origin);
/* false: it comes from elsewhere, or is NULL. */
bool ay_origin_of(const struct ay_lower *l, term value, struct ay_origin *out);

/* Whether there is one scale and one zero point for all. */
bool ay_origin_is_single(const struct ay_origin *origin);

/* Carries out an operator that only moves elements of its first operand, or takes the largest of
 * some, on the bytes that these come from. false, and nothing is done, where that is not so. */
bool ay_origin_move(const struct ay_lower *l, const struct ay_operator *op,
                    const struct ay_operands *o);
/* The bytes that x comes from, where quantising it gives nothing else; NULL otherwise. */
term ay_origin_again(const struct ay_lower *l, term x, term scale, term zero, uint32_t dtype);

/* --- products of values that come from bytes (quantize_linear.c): NULL where they do not --- */
/* numpy's matmul */
term ay_qdq_matmul(const struct ay_lower *l, term a, term b);
/* a (M, K) times b, (N, K) where b_rows, else (K, N), plus c, which may be NULL. */
term ay_qdq_gemm(const struct ay_lower *l, term a, term b, bool b_rows, term c);
/* The bias c of sums (N) or (1, N) that are multiplied by `scale`, as what is added to the sums
 * themselves, with the shape of c, I32: where it comes from integers of that scale which leave room
 * in 31 bits. */
term ay_qdq_bias(const struct ay_lower *l, term c, term scale);
/* Conv (quantize_conv.c) */
term ay_qdq_conv(const struct ay_lower *l, const struct ay_operands *o);

/* Products of two differences of bytes that, with a bias, stay within 31 bits. */
#define AY_MAX_QDQ_PRODUCTS 16384u

#endif
