/* Steps of a MAP that take or give 64-bit integers, over blocks of elements: plain loops, compiled
 * for each instruction set. What they give is that of the specification, so the choice changes
 * speed only. */
#ifndef AY_TENSOR_KERNEL_STEPS_H
#define AY_TENSOR_KERNEL_STEPS_H

#include <stddef.h>
#include <stdint.h>

struct ay_steps {
    /* fn: INT_ADD to INT_LE, but INT_SELECT (enum ay_work_fn). to may be x or y. */
    void (*integers)(uint32_t fn, const int64_t *x, const int64_t *y, int64_t *to, size_t n);
    /* EQ, LT, LE */
    void (*compare)(uint32_t fn, const float *x, const float *y, int64_t *to, size_t n);
    void (*to_int)(const float *x, int64_t *to, size_t n);
    void (*to_float)(const int64_t *x, float *to, size_t n);
    /* Elements of an integer dtype (enum ay_work_dtype) to and from 64 bits: widened, or taken
     * modulo 2^n (BOOL: whether not 0). */
    void (*widen)(uint32_t dtype, const void *x, int64_t *to, size_t n);
    void (*narrow)(uint32_t dtype, const int64_t *x, void *to, size_t n);
    /* n copies */
    void (*fill_f32)(float x, float *to, size_t n);
    void (*fill_int)(int64_t x, int64_t *to, size_t n);
};

extern const struct ay_steps ay_steps_scalar, ay_steps_avx2, ay_steps_avx512;

#endif
