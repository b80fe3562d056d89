/* Random programs of every op and dtype, and of the shapes that convolutions and poolings have,
 * written with the tape. For tests. */
#ifndef AY_TENSOR_TESTING_OPS_H
#define AY_TENSOR_TESTING_OPS_H

#include "tensor/tape.h"

#define AY_TEST_INPUT 19950u /* elements of an input, at most */

/* A program of two inputs, which the tape holds. */
struct ay_test_ops {
    struct ay_tape *tape;
    struct ay_tape_program p;
    float inputs[2][AY_TEST_INPUT];
};

/* odd: now and then a NaN, an infinity, ... among inputs and constants. *out is large; its tape is
 * the caller's to close. Fails the test that called where the tape does. */
void ay_test_ops(uint64_t *seed, bool odd, struct ay_test_ops *out);

/* Known values: f32 as of ay_test_floats, integers in [low, low + span). */
const struct ay_value *ay_test_known_floats(struct ay_tape *tape, uint64_t *seed, uint32_t rank,
                                            const uint64_t *dims, bool odd);
const struct ay_value *ay_test_known_integers(struct ay_tape *tape, uint64_t *seed, uint32_t dtype,
                                              uint32_t rank, const uint64_t *dims, int32_t low,
                                              uint32_t span);

#endif
