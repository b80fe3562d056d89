#include "tensor/lower/test_node.h"

#include "tensor/exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

uint64_t ay_test_seed = 20251127;

static _Alignas(64) uint8_t memory[32u << 20];
struct ay_arena ay_test_arena;

void *ay_test_take(size_t bytes)
{
    void *at = ay_arena_take(&ay_test_arena, bytes + 1, 1);
    assert_non_null(at);
    return at;
}

int ay_test_begin(void **state)
{
    (void)state;
    ay_test_arena = ay_arena_over(memory, sizeof memory);
    return 0;
}

/* --- one node at work --- */

struct ay_test_work ay_test_work(const char *op, int64_t opset, uint32_t out_count)
{
    return (struct ay_test_work){.op = op, .domain = "", .opset = opset, .out_count = out_count};
}

static struct ay_graph_attribute *attribute(struct ay_test_work *w, const char *name, uint32_t kind)
{
    struct ay_graph_attribute *a = &w->attributes[w->attributes_count++];
    assert_true(w->attributes_count <= AY_TEST_ATTRIBUTES);
    a->name = ay_slice_str(name);
    a->kind = kind;
    return a;
}

void ay_test_set_ints(struct ay_test_work *w, const char *name, const int64_t *ints, uint32_t count)
{
    struct ay_graph_attribute *a = attribute(w, name, AY_GRAPH_ATTRIBUTE_INTS);
    a->ints = memcpy(ay_test_take(count * sizeof *ints), ints, count * sizeof *ints);
    a->ints_count = count;
}

void ay_test_set_int(struct ay_test_work *w, const char *name, int64_t value)
{
    ay_test_set_ints(w, name, &value, 1);
    w->attributes[w->attributes_count - 1].kind = AY_GRAPH_ATTRIBUTE_INT;
}

void ay_test_set_floats(struct ay_test_work *w, const char *name, const float *x, uint32_t count)
{
    struct ay_graph_attribute *a = attribute(w, name, AY_GRAPH_ATTRIBUTE_FLOATS);
    a->floats = memcpy(ay_test_take(count * sizeof *x), x, count * sizeof *x);
    a->floats_count = count;
}

void ay_test_set_float(struct ay_test_work *w, const char *name, float x)
{
    ay_test_set_floats(w, name, &x, 1);
    w->attributes[w->attributes_count - 1].kind = AY_GRAPH_ATTRIBUTE_FLOAT;
}

void ay_test_set_texts(struct ay_test_work *w, const char *name, const char *const *texts,
                       uint32_t count)
{
    struct ay_graph_attribute *a = attribute(w, name, AY_GRAPH_ATTRIBUTE_STRINGS);
    struct ay_slice *strings = ay_test_take(count * sizeof *strings);
    for (uint32_t i = 0; i < count; i++) strings[i] = ay_slice_str(texts[i]);
    a->strings = strings;
    a->strings_count = count;
}

void ay_test_set_text(struct ay_test_work *w, const char *name, const char *text)
{
    ay_test_set_texts(w, name, &text, 1);
    w->attributes[w->attributes_count - 1].kind = AY_GRAPH_ATTRIBUTE_STRING;
}

uint64_t ay_test_count(const struct ay_test_tensor *t)
{
    uint64_t n = 1;
    for (uint32_t d = 0; d < t->rank; d++) n *= t->dims[d];
    return n;
}

int64_t ay_test_at(const struct ay_test_tensor *t, uint64_t i)
{
    return t->dtype == U8   ? ((const uint8_t *)t->data)[i]
           : t->dtype == I8 ? ((const int8_t *)t->data)[i]
                            : ((const int32_t *)t->data)[i];
}

uint32_t ay_test_byte_dtype(void)
{
    return ay_test_below(&ay_test_seed, 2) ? U8 : I8;
}

struct ay_test_tensor *ay_test_give(struct ay_test_work *w, uint32_t dtype, uint32_t rank,
                                    const uint64_t *dims, const void *data)
{
    assert_true(w->in_count < AY_TEST_OPERANDS);
    struct ay_test_tensor *t = &w->in[w->in_count++];
    *t = (struct ay_test_tensor){.dtype = dtype, .rank = rank};
    for (uint32_t d = 0; d < rank; d++) t->dims[d] = dims[d];
    uint64_t bytes = ay_test_count(t) * ay_dtype_bytes(dtype);
    t->data = ay_test_take(bytes);
    if (data)
        memcpy(t->data, data, bytes);
    else
        ay_test_elements(&ay_test_seed, dtype, t->data, ay_test_count(t), false);
    return t;
}

void ay_test_leave_out(struct ay_test_work *w)
{
    assert_true(w->in_count < AY_TEST_OPERANDS);
    w->in[w->in_count++] = (struct ay_test_tensor){0};
}

static void fetch(struct ay_test_work *w, struct ay_tape *tape, const struct ay_value **outs,
                  const struct ay_run *inputs)
{
    struct ay_tape_program written;
    struct ay_run run = *inputs;
    const struct ay_value *unknown[AY_TEST_RESULTS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->out_count; i++) {
        struct ay_test_tensor *t = &w->out[i];
        *t = (struct ay_test_tensor){.dtype = outs[i]->dtype, .rank = outs[i]->rank};
        memcpy(t->dims, outs[i]->dims, sizeof t->dims);
        uint64_t bytes = ay_test_count(t) * ay_dtype_bytes(t->dtype);
        t->data = ay_test_take(bytes);
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

void ay_test_lower(struct ay_test_work *w, uint32_t unknown)
{
    const struct ay_value *in[AY_TEST_OPERANDS] = {NULL}, *outs[AY_TEST_RESULTS] = {NULL};
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
    ay_test_arena.used = (ay_test_arena.used + 63) / 64 * 64;
    assert_int_equal(
        ay_tape_open(&(struct ay_tape_options){.threads = 1, .limit_bytes = 1u << 28}, &tape),
        AY_OK);
    for (uint32_t i = 0; i < w->in_count; i++) {
        struct ay_test_tensor *t = &w->in[i];
        if (!t->data) continue;
        bool known = !(unknown >> i & 1) || ay_test_count(t) == 0;
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

void ay_test_lowered(struct ay_test_work *w, uint32_t unknown)
{
    ay_test_lower(w, unknown);
    if (w->code != AY_OK) fail_msg("%s: %s", w->op, w->reason.text);
}

void ay_test_same(const struct ay_test_tensor *a, const struct ay_test_tensor *b)
{
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(a->rank, b->rank);
    for (uint32_t d = 0; d < a->rank; d++) assert_int_equal(a->dims[d], b->dims[d]);
    assert_memory_equal(a->data, b->data, ay_test_count(a) * ay_dtype_bytes(a->dtype));
}

void ay_test_either_way(struct ay_test_work *w, uint32_t unknown)
{
    struct ay_test_tensor known[AY_TEST_RESULTS];
    ay_test_lowered(w, 0);
    memcpy(known, w->out, sizeof known);
    ay_test_lowered(w, unknown);
    for (uint32_t i = 0; i < w->out_count; i++) ay_test_same(&known[i], &w->out[i]);
}
