/* Integers in plain C; what each operation means is said here. vq: LANES words. */
#include "tensor/kernel/integers.h"
#include "tensor/kernel/lanes_loop.h"

#define BYTES 0

typedef struct {
    uint32_t at[LANES];
} vq;
#define EACH_Q(expr) EACH(vq, expr)

AY_INLINE vq vq_load(const uint32_t *p)
{
    EACH_Q(p[l]);
}
AY_INLINE void vq_store(uint32_t *p, vq a)
{
    for (int l = 0; l < LANES; l++) p[l] = a.at[l];
}
AY_INLINE vq vq_set1(uint32_t x)
{
    EACH_Q(x);
}
AY_INLINE vq vq_add(vq a, vq b)
{
    EACH_Q(a.at[l] + b.at[l]);
}
/* The elements of a word. */
AY_INLINE int32_t low(uint32_t x)
{
    return (int16_t)x;
}
AY_INLINE int32_t high(uint32_t x)
{
    return (int16_t)(x >> 16);
}
/* acc plus the products of x's elements with those of b's lane. */
AY_INLINE vq vq_dot(vq acc, uint32_t x, vq b)
{
    EACH_Q(acc.at[l] + (uint32_t)(low(x) * low(b.at[l]) + high(x) * high(b.at[l])));
}
/* acc plus the products of x + y_next and x_next + y, element by element. */
AY_INLINE vq vq_cross(vq acc, uint32_t x, uint32_t x_next, vq y, vq y_next)
{
    EACH_Q(acc.at[l] + (uint32_t)((low(x) + low(y_next.at[l])) * (low(x_next) + low(y.at[l])) +
                                  (high(x) + high(y_next.at[l])) * (high(x_next) + high(y.at[l]))));
}
/* acc less the products of the elements of y and y_next. */
AY_INLINE vq vq_less(vq acc, vq y, vq y_next)
{
    EACH_Q(acc.at[l] -
           (uint32_t)(low(y.at[l]) * low(y_next.at[l]) + high(y.at[l]) * high(y_next.at[l])));
}
/* Likewise of each two neighbouring lanes of x, in the former. */
AY_INLINE vq vq_less_pairs(vq acc, vq x)
{
    for (int l = 0; l < LANES; l += 2)
        acc.at[l] -=
            (uint32_t)(low(x.at[l]) * low(x.at[l + 1]) + high(x.at[l]) * high(x.at[l + 1]));
    return acc;
}
/* The sum of all lanes. */
AY_INLINE uint32_t vq_total(vq a)
{
    uint32_t total = 0;
    for (int l = 0; l < LANES; l++) total += a.at[l];
    return total;
}
/* Two bytes a lane, as 16 bits each. */
AY_INLINE vq vq_of_bytes(const void *from, bool is_signed)
{
    const int8_t *i8 = from;
    const uint8_t *u8 = from;
    EACH_Q(is_signed ? (uint16_t)i8[2 * l] | (uint32_t)i8[2 * l + 1] << 16
                     : u8[2 * l] | (uint32_t)u8[2 * l + 1] << 16);
}
/* Words as integers, converted; and as the bits of f32. */
AY_INLINE vf vf_of_vq(vq a)
{
    EACH_F((float)(int32_t)a.at[l]);
}
AY_INLINE vf vf_of_words(vq a)
{
    EACH_F(ay_f32(a.at[l]));
}
/* The largest lane; none is NaN. */
AY_INLINE float vf_largest(vf a)
{
    float largest = a.at[0];
    for (int l = 1; l < LANES; l++) largest = a.at[l] > largest ? a.at[l] : largest;
    return largest;
}
/* AY_INT_Q8_BLOCK f32 of at most 127, rounded to integers, ties to even, as words of a row. */
AY_INLINE void vq_store_block(uint32_t *to, const vf *x)
{
    for (uint32_t i = 0; i < AY_INT_Q8_BLOCK; i += 2) {
        const float *pair = &x[i / LANES].at[i % LANES];
        to[i / 2] = (uint16_t)(int32_t)rintf(pair[0]) | (uint32_t)(int32_t)rintf(pair[1]) << 16;
    }
}

#define AY_INTEGERS      ay_integers_scalar
#define AY_INTEGERS_NAME "scalar"
#include "tensor/kernel/crossed_lanes.h"
