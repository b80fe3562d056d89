/* Integers in plain C; what each operation means is said here. vq: LANES words. */
#include "tensor/kernel/integers.h"
#include "tensor/kernel/lanes_loop.h"

#define BYTES   0
#define SUMS    0
#define Q8_SUMS 0

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
AY_INLINE vq vq_mul(vq a, vq b)
{
    EACH_Q(a.at[l] * b.at[l]);
}
/* acc plus the products of x's elements with those of b's lane. */
AY_INLINE vq vq_dot(vq acc, uint32_t x, vq b)
{
    int32_t low = (int16_t)x, high = (int16_t)(x >> 16);
    EACH_Q(acc.at[l] + (uint32_t)(low * (int16_t)b.at[l] + high * (int16_t)(b.at[l] >> 16)));
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
#include "tensor/kernel/int_lanes.h"
