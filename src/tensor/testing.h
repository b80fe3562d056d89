/* What the tests of this folder share: a generator of numbers, an executor that is nothing but the
 * specification, and random programs. */
#ifndef AY_TENSOR_TESTING_H
#define AY_TENSOR_TESTING_H

#include "base/arena.h"
#include "tensor/exec.h"
#include "tensor/program.h"

#include <stddef.h>

/* splitmix64: the same numbers everywhere. */
static inline uint64_t ay_test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0..n-1. */
static inline uint32_t ay_test_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(ay_test_random(state) % n);
}

/* f32 in [-2, 2); with `odd`, now and then an infinity, a zero of either sign, a subnormal, NaN. */
void ay_test_floats(uint64_t *state, float *out, size_t n, bool odd);

/* Every op's output by ay_ref_eval, of any dtype: values[id] is allocated for each op's id. */
void ay_test_reference(const struct ay_work_program *p, const uint32_t *sizes, const void **values);

#define AY_TEST_OPS 24u
/* A random program that ay_program_check accepts, of up to AY_TEST_OPS ops over symbols 0 and 1,
 * with weights; *weights and all that the program holds are taken from the arena: 1 MiB is enough.
 */
void ay_test_program(uint64_t *state, struct ay_arena *arena, struct ay_work_program *out,
                     const void ***weights, bool odd);

/* n elements of a dtype: f32 as above; i32 and i64 in [-8, 32) and, with `odd`, now and then of any
 * size; others of all values. */
void ay_test_elements(uint64_t *state, uint32_t dtype, void *out, size_t n, bool odd);

/* The same over every kind of op, dtype, reduction and function, with symbol 0 alone, several
 * inputs and outputs; 1 MiB again. */
void ay_test_wide_program(uint64_t *state, struct ay_arena *arena, struct ay_work_program *out,
                          const void ***weights, bool odd);

#endif
