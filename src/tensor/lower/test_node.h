/* What tests of operators share: one node at work, with each operand known or unknown. A failure
 * ends the test. */
#ifndef AY_TENSOR_LOWER_TEST_NODE_H
#define AY_TENSOR_LOWER_TEST_NODE_H

#include "base/arena.h"
#include "tensor/lower/terms.h"
#include "tensor/testing.h"

#define AY_TEST_OPERANDS   14u
#define AY_TEST_RESULTS    4u
#define AY_TEST_ATTRIBUTES 16u

extern uint64_t ay_test_seed;
extern struct ay_arena ay_test_arena; /* memory as long as a test */

struct ay_test_tensor {
    uint32_t dtype, rank;
    uint64_t dims[AY_MAX_RANK];
    void *data; /* NULL: an operand that is left out */
};

struct ay_test_work {
    const char *op, *domain;
    int64_t opset;
    struct ay_graph_attribute attributes[AY_TEST_ATTRIBUTES];
    uint32_t attributes_count;
    struct ay_test_tensor in[AY_TEST_OPERANDS], out[AY_TEST_RESULTS];
    uint32_t in_count, out_count;
    enum ay_code code;
    struct ay_reason reason;
};

int ay_test_begin(void **state); /* a test's setup: empties the arena */
void *ay_test_take(size_t bytes);
/* A node without operands, of the standard domain. */
struct ay_test_work ay_test_work(const char *op, int64_t opset, uint32_t out_count);
void ay_test_set_ints(struct ay_test_work *w, const char *name, const int64_t *ints,
                      uint32_t count);
void ay_test_set_int(struct ay_test_work *w, const char *name, int64_t value);
void ay_test_set_floats(struct ay_test_work *w, const char *name, const float *x, uint32_t count);
void ay_test_set_float(struct ay_test_work *w, const char *name, float x);
void ay_test_set_texts(struct ay_test_work *w, const char *name, const char *const *texts,
                       uint32_t count);
void ay_test_set_text(struct ay_test_work *w, const char *name, const char *text);
uint64_t ay_test_count(const struct ay_test_tensor *t);         /* of elements */
int64_t ay_test_at(const struct ay_test_tensor *t, uint64_t i); /* element of U8, I8 or I32 */
uint32_t ay_test_byte_dtype(void);                              /* U8 or I8 */
/* Adds an operand; without data it has random elements. */
struct ay_test_tensor *ay_test_give(struct ay_test_work *w, uint32_t dtype, uint32_t rank,
                                    const uint64_t *dims, const void *data);
/* Adds a left-out one. */
void ay_test_leave_out(struct ay_test_work *w);
/* Runs it with the operands of the mask unknown; results in w->out, or w->code and w->reason. */
void ay_test_lower(struct ay_test_work *w, uint32_t unknown);
void ay_test_lowered(struct ay_test_work *w, uint32_t unknown); /* which must succeed */
void ay_test_same(const struct ay_test_tensor *a, const struct ay_test_tensor *b);
/* Whether operands are known or not, the bits are the same. */
void ay_test_either_way(struct ay_test_work *w, uint32_t unknown);

#endif
