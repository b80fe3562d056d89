/* What the tests of operators share: one node at work, over known and unknown operands. Each test
 * that includes it has its own generator, `seed`. */
#ifndef AY_TENSOR_LOWER_TESTING_H
#define AY_TENSOR_LOWER_TESTING_H

#include "tensor/exec.h"
#include "tensor/lower/lower.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 20251127;

#define F32  AY_WORK_DTYPE_F32
#define I8   AY_WORK_DTYPE_I8
#define U8   AY_WORK_DTYPE_U8
#define I32  AY_WORK_DTYPE_I32
#define I64  AY_WORK_DTYPE_I64
#define BOOL AY_WORK_DTYPE_BOOL

#define MOST_OPERANDS   14u
#define MOST_RESULTS    4u
#define MOST_ATTRIBUTES 16u

/* Memory as long as a test. */
static _Alignas(64) uint8_t memory[8u << 20];
static struct ay_arena arena;

static inline void *take(size_t bytes)
{
    void *at = ay_arena_take(&arena, bytes + 1, 1);
    assert_non_null(at);
    return at;
}

static inline int begin(void **state)
{
    (void)state;
    arena = ay_arena_over(memory, sizeof memory);
    return 0;
}

/* --- one node at work --- */

struct tensor {
    uint32_t dtype, rank;
    uint64_t dims[AY_MAX_RANK];
    void *data; /* NULL: an operand that is left out */
};

struct work {
    const char *op, *domain;
    int64_t opset;
    struct ay_graph_attribute attributes[MOST_ATTRIBUTES];
    uint32_t attributes_count;
    struct tensor in[MOST_OPERANDS], out[MOST_RESULTS];
    uint32_t in_count, out_count;
    enum ay_code code;
    struct ay_reason reason;
};

static inline struct work work(const char *op, int64_t opset, uint32_t out_count)
{
    return (struct work){.op = op, .domain = "", .opset = opset, .out_count = out_count};
}

static inline struct ay_graph_attribute *attribute(struct work *w, const char *name, uint32_t kind)
{
    struct ay_graph_attribute *a = &w->attributes[w->attributes_count++];
    assert_true(w->attributes_count <= MOST_ATTRIBUTES);
    a->name = ay_slice_str(name);
    a->kind = kind;
    return a;
}

static inline void set_ints(struct work *w, const char *name, const int64_t *ints, uint32_t count)
{
    struct ay_graph_attribute *a = attribute(w, name, AY_GRAPH_ATTRIBUTE_INTS);
    a->ints = memcpy(take(count * sizeof *ints), ints, count * sizeof *ints);
    a->ints_count = count;
}

static inline void set_int(struct work *w, const char *name, int64_t value)
{
    set_ints(w, name, &value, 1);
    w->attributes[w->attributes_count - 1].kind = AY_GRAPH_ATTRIBUTE_INT;
}

static inline void set_float(struct work *w, const char *name, float x)
{
    struct ay_graph_attribute *a = attribute(w, name, AY_GRAPH_ATTRIBUTE_FLOAT);
    a->floats = memcpy(take(sizeof x), &x, sizeof x);
    a->floats_count = 1;
}

static inline void set_text(struct work *w, const char *name, const char *text)
{
    struct ay_graph_attribute *a = attribute(w, name, AY_GRAPH_ATTRIBUTE_STRING);
    struct ay_slice *string = take(sizeof *string);
    *string = ay_slice_str(text);
    a->strings = string;
    a->strings_count = 1;
}

static inline uint64_t elements(const struct tensor *t)
{
    uint64_t n = 1;
    for (uint32_t d = 0; d < t->rank; d++) n *= t->dims[d];
    return n;
}

/* Adds an operand; without data it has random elements. */
static inline struct tensor *give(struct work *w, uint32_t dtype, uint32_t rank,
                                  const uint64_t *dims, const void *data)
{
    assert_true(w->in_count < MOST_OPERANDS);
    struct tensor *t = &w->in[w->in_count++];
    *t = (struct tensor){.dtype = dtype, .rank = rank};
    for (uint32_t d = 0; d < rank; d++) t->dims[d] = dims[d];
    uint64_t bytes = elements(t) * ay_dtype_bytes(dtype);
    t->data = take(bytes);
    if (data)
        memcpy(t->data, data, bytes);
    else
        ay_test_elements(&seed, dtype, t->data, elements(t), false);
    return t;
}

#define SHAPE(...)                                                                                 \
    (uint32_t)(sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)), (const uint64_t[])     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static inline void fetch(struct work *w, struct ay_tape *tape, const struct ay_value **outs,
                         const struct ay_run *inputs)
{
    struct ay_tape_program written;
    struct ay_run run = *inputs;
    const struct ay_value *unknown[MOST_RESULTS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->out_count; i++) {
        struct tensor *t = &w->out[i];
        *t = (struct tensor){.dtype = outs[i]->dtype, .rank = outs[i]->rank};
        memcpy(t->dims, outs[i]->dims, sizeof t->dims);
        uint64_t bytes = elements(t) * ay_dtype_bytes(t->dtype);
        t->data = take(bytes);
        if (outs[i]->data) {
            memcpy(t->data, outs[i]->data, bytes);
        } else {
            run.outputs[count] = t->data;
            unknown[count++] = outs[i];
        }
    }
    if (!count) return;
    if (ay_tape_program(tape, unknown, count, &written) != AY_OK)
        fail_msg("%s: %s", w->op, ay_tape_reason(tape));
    struct ay_exec *exec = NULL;
    assert_int_equal(ay_exec_open(&written.program, written.weights,
                                  &(struct ay_exec_options){.threads = 1}, &exec),
                     AY_OK);
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    ay_exec_close(exec);
}

/* Runs it with the operands of the mask unknown; results in w->out, or w->code. */
static inline void lower(struct work *w, uint32_t unknown)
{
    const struct ay_value *in[MOST_OPERANDS] = {NULL}, *outs[MOST_RESULTS] = {NULL};
    struct ay_slice name = ay_slice_str("y");
    const struct ay_graph_node node = {.op = ay_slice_str(w->op),
                                       .out = &name,
                                       .out_count = 1,
                                       .attributes = w->attributes,
                                       .attributes_count = w->attributes_count};
    const struct ay_graph_graph graph = {.nodes = &node, .nodes_count = 1};
    const struct ay_graph_model model = {.graphs = &graph, .graphs_count = 1};
    struct ay_tape *tape = NULL;
    struct ay_run run = {0};
    uint32_t inputs = 0;
    arena.used = (arena.used + 63) / 64 * 64;
    assert_int_equal(
        ay_tape_open(&(struct ay_tape_options){.threads = 1, .limit_bytes = 1u << 28}, &tape),
        AY_OK);
    for (uint32_t i = 0; i < w->in_count; i++) {
        struct tensor *t = &w->in[i];
        if (!t->data) continue;
        bool known = !(unknown >> i & 1) || elements(t) == 0;
        in[i] = known ? ay_tape_copy(tape, t->dtype, t->rank, t->dims, t->data, NULL)
                      : ay_tape_input(tape, t->dtype, t->rank, t->dims);
        if (!known) run.inputs[inputs++] = t->data;
    }
    const struct ay_lower l = {
        .tape = tape, .model = &model, .graph = &graph, .node = &node, .opset = w->opset};
    const struct ay_operator *op = ay_operator_find(ay_slice_str(w->domain), node.op);
    assert_non_null(op);
    op->lower(&l, &(struct ay_operands){in, w->in_count, outs, w->out_count});
    w->code = ay_tape_code(tape);
    strcpy(w->reason.text, ay_tape_reason(tape));
    if (w->code == AY_OK) fetch(w, tape, outs, &run);
    ay_tape_close(tape);
}

static inline void lowered(struct work *w, uint32_t unknown)
{
    lower(w, unknown);
    if (w->code != AY_OK) fail_msg("%s: %s", w->op, w->reason.text);
}

static inline void same_tensors(const struct tensor *a, const struct tensor *b)
{
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(a->rank, b->rank);
    for (uint32_t d = 0; d < a->rank; d++) assert_int_equal(a->dims[d], b->dims[d]);
    assert_memory_equal(a->data, b->data, elements(a) * ay_dtype_bytes(a->dtype));
}

/* Whether operands are known or not, the bits are the same. */
static inline void same_either_way(struct work *w, uint32_t unknown)
{
    struct tensor known[MOST_RESULTS];
    lowered(w, 0);
    memcpy(known, w->out, sizeof known);
    lowered(w, unknown);
    for (uint32_t i = 0; i < w->out_count; i++) same_tensors(&known[i], &w->out[i]);
}

static inline int64_t at(const struct tensor *t, uint64_t i)
{
    return t->dtype == U8   ? ((const uint8_t *)t->data)[i]
           : t->dtype == I8 ? ((const int8_t *)t->data)[i]
                            : ((const int32_t *)t->data)[i];
}

static inline uint32_t byte_dtype(void)
{
    return ay_test_below(&seed, 2) ? U8 : I8;
}

#endif
