/* Loop and Scan: how often they run, along which axes, and when they cannot. */
#include "tensor/lower/lower.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOOL AY_WORK_DTYPE_BOOL
#define F32  AY_WORK_DTYPE_F32
#define I64  AY_WORK_DTYPE_I64

#define MOST 4u

/* A model of one node of control flow, whose body adds two of its values. */
struct sample {
    struct ay_slice names[3 * MOST];
    struct ay_graph_port in[MOST], out[MOST], body_in[MOST], body_out[MOST];
    struct ay_graph_node outer, inner;
    struct ay_graph_attribute attributes[6];
    struct ay_graph_graph graphs[2];
    struct ay_graph_opset opset;
    struct ay_graph_model model;
    struct ay_tape *tape;
    const struct ay_value *outs[MOST];
};

static void list(struct ay_slice *names, struct ay_graph_port *ports, const char *const *texts,
                 uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (names) names[i] = ay_slice_str(texts[i]);
        ports[i].name = ay_slice_str(texts[i]);
        ports[i].dtype = F32;
    }
}

/* Lists of names, each ended by NULL; the body's one node adds its last input to `addend`. */
static void make(struct sample *s, const char *op, const char *const *in, const char *const *out,
                 const char *const *body_in, const char *const *body_out, const char *addend)
{
    *s = (struct sample){.opset = {.version = 16}};
    uint32_t counts[4] = {0};
    const char *const *lists[] = {in, out, body_in, body_out};
    for (uint32_t i = 0; i < 4; i++)
        while (lists[i][counts[i]]) counts[i]++;
    list(s->names, s->in, in, counts[0]);
    list(s->names + MOST, s->out, out, counts[1]);
    list(NULL, s->body_in, body_in, counts[2]);
    list(NULL, s->body_out, body_out, counts[3]);
    s->names[2 * MOST] = s->body_in[counts[2] - 1].name;
    s->names[2 * MOST + 1] = ay_slice_str(addend);
    s->names[2 * MOST + 2] = ay_slice_str("sum");
    s->attributes[0] = (struct ay_graph_attribute){
        .name = ay_slice_str("body"), .kind = AY_GRAPH_ATTRIBUTE_SUBGRAPH, .index = 1};
    s->outer = (struct ay_graph_node){.op = ay_slice_str(op),
                                      .in = s->names,
                                      .in_count = counts[0],
                                      .out = s->names + MOST,
                                      .out_count = counts[1],
                                      .attributes = s->attributes,
                                      .attributes_count = 1};
    s->inner = (struct ay_graph_node){.op = ay_slice_str("Add"),
                                      .in = &s->names[2 * MOST],
                                      .in_count = 2,
                                      .out = &s->names[2 * MOST + 2],
                                      .out_count = 1};
    s->graphs[0] = (struct ay_graph_graph){.inputs = s->in,
                                           .inputs_count = counts[0],
                                           .outputs = s->out,
                                           .outputs_count = counts[1],
                                           .nodes = &s->outer,
                                           .nodes_count = 1};
    s->graphs[1] = (struct ay_graph_graph){.inputs = s->body_in,
                                           .inputs_count = counts[2],
                                           .outputs = s->body_out,
                                           .outputs_count = counts[3],
                                           .nodes = &s->inner,
                                           .nodes_count = 1};
    s->model = (struct ay_graph_model){&s->opset, 1, s->graphs, 2};
    assert_int_equal(ay_tape_open(&(struct ay_tape_options){.threads = 1}, &s->tape), AY_OK);
}

static void set_ints(struct sample *s, const char *name, uint32_t kind, const int64_t *ints,
                     uint32_t count)
{
    s->attributes[s->outer.attributes_count++] = (struct ay_graph_attribute){
        .name = ay_slice_str(name), .kind = kind, .ints = ints, .ints_count = count};
}

#define NAMES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/* x doubled as often as the trips and the condition, which stays, allow. The state is also given
 * out each time. */
static void make_loop(struct sample *s)
{
    make(s, "Loop", NAMES("trips", "go", "x"), NAMES("y", "all"), NAMES("i", "ok", "s"),
         NAMES("ok", "sum", "sum"), "s");
}

static enum ay_code run_loop(struct sample *s, int64_t trips, const struct ay_value *go)
{
    const struct ay_value *inputs[] = {ay_tape_int(s->tape, I64, trips), go,
                                       ay_tape_f32(s->tape, 1.0F)};
    return ay_lower_model(s->tape, &s->model, NULL, 0, false, inputs, s->outs);
}

static void test_loop_known_trips_runs_that_often(void **state)
{
    (void)state;
    struct sample s;
    const float doubled[] = {2.0F, 4.0F, 8.0F};
    make_loop(&s);
    assert_int_equal(run_loop(&s, 3, ay_tape_int(s.tape, BOOL, 1)), AY_OK);
    assert_memory_equal(s.outs[0]->data, &doubled[2], sizeof(float));
    assert_int_equal(s.outs[1]->dims[0], 3);
    assert_memory_equal(s.outs[1]->data, doubled, sizeof doubled);
    ay_tape_close(s.tape);
}

static void test_loop_no_trip_gives_what_it_was_given(void **state)
{
    (void)state;
    struct sample s;
    const float one = 1.0F;
    make_loop(&s);
    assert_int_equal(run_loop(&s, 5, ay_tape_int(s.tape, BOOL, 0)), AY_OK);
    assert_memory_equal(s.outs[0]->data, &one, sizeof one);
    assert_int_equal(s.outs[1]->rank, 1);
    assert_int_equal(s.outs[1]->dims[0], 0);
    ay_tape_close(s.tape);
}

static void test_loop_unknown_condition_fails_with_state(void **state)
{
    (void)state;
    struct sample s;
    make_loop(&s);
    assert_int_equal(run_loop(&s, 10, ay_tape_input(s.tape, BOOL, 0, NULL)), AY_E_STATE);
    assert_non_null(strstr(ay_tape_reason(s.tape), "cond"));
    ay_tape_close(s.tape);
}

static void test_loop_without_end_is_refused(void **state)
{
    (void)state;
    struct sample s;
    make_loop(&s);
    assert_int_equal(run_loop(&s, INT64_MAX, ay_tape_int(s.tape, BOOL, 1)), AY_E_LIMIT);
    assert_non_null(strstr(ay_tape_reason(s.tape), "65536 iterations"));
    ay_tape_close(s.tape);
}

static void test_scan_reversed_along_other_axes_sums_columns_from_the_last(void **state)
{
    (void)state;
    struct sample s;
    const float zero[] = {0, 0}, x[] = {1, 2, 3, 10, 20, 30};
    /* sums of columns 3, 2, 1; put first to last, each as a column */
    const float last[] = {6, 60}, all[] = {6, 5, 3, 60, 50, 30};
    const int64_t one[] = {1};
    make(&s, "Scan", NAMES("start", "x"), NAMES("last", "all"), NAMES("s", "e"),
         NAMES("sum", "sum"), "s");
    set_ints(&s, "num_scan_inputs", AY_GRAPH_ATTRIBUTE_INT, one, 1);
    set_ints(&s, "scan_input_axes", AY_GRAPH_ATTRIBUTE_INTS, one, 1);
    set_ints(&s, "scan_input_directions", AY_GRAPH_ATTRIBUTE_INTS, one, 1);
    set_ints(&s, "scan_output_axes", AY_GRAPH_ATTRIBUTE_INTS, one, 1);
    set_ints(&s, "scan_output_directions", AY_GRAPH_ATTRIBUTE_INTS, one, 1);
    const struct ay_value *inputs[] = {ay_tape_known(s.tape, F32, 1, (const uint64_t[]){2}, zero),
                                       ay_tape_known(s.tape, F32, 2, (const uint64_t[]){2, 3}, x)};
    if (ay_lower_model(s.tape, &s.model, NULL, 0, false, inputs, s.outs) != AY_OK)
        fail_msg("%s", ay_tape_reason(s.tape));
    assert_memory_equal(s.outs[0]->data, last, sizeof last);
    assert_int_equal(s.outs[1]->dims[0], 2);
    assert_memory_equal(s.outs[1]->data, all, sizeof all);
    ay_tape_close(s.tape);
}

/* Sums of what a batch of two sequences has, one reversed within its length. */
static void make_old_scan(struct sample *s, const int64_t *reversed)
{
    static const int64_t one[] = {1};
    make(s, "Scan", NAMES("lens", "start", "x"), NAMES("last", "all"), NAMES("s", "e"),
         NAMES("sum", "sum"), "s");
    s->opset.version = 8;
    set_ints(s, "num_scan_inputs", AY_GRAPH_ATTRIBUTE_INT, one, 1);
    set_ints(s, "directions", AY_GRAPH_ATTRIBUTE_INTS, reversed, 1);
}

static enum ay_code run_old_scan(struct sample *s, const int64_t *lens)
{
    static const float start[] = {0, 100}, x[] = {1, 2, 3, 10, 20, 30};
    const uint64_t lens_dims[] = {2};
    const struct ay_value *inputs[] = {
        ay_tape_known(s->tape, I64, 1, lens_dims, lens),
        ay_tape_known(s->tape, F32, 2, (const uint64_t[]){2, 1}, start),
        ay_tape_known(s->tape, F32, 3, (const uint64_t[]){2, 3, 1}, x)};
    return ay_lower_model(s->tape, &s->model, NULL, 0, false, inputs, s->outs);
}

static void test_scan_before_version_9_runs_each_sample_as_long_as_it_is(void **state)
{
    (void)state;
    const int64_t lens[] = {3, 2};
    const float last[][2] = {{6, 130}, {6, 130}};
    const float all[][6] = {{1, 3, 6, 110, 130, 0}, {3, 5, 6, 120, 130, 0}};
    for (int64_t reversed = 0; reversed < 2; reversed++) {
        struct sample s;
        make_old_scan(&s, &reversed);
        if (run_old_scan(&s, lens) != AY_OK) fail_msg("%s", ay_tape_reason(s.tape));
        assert_int_equal(s.outs[0]->rank, 2);
        assert_memory_equal(s.outs[0]->data, last[reversed], sizeof last[reversed]);
        assert_int_equal(s.outs[1]->rank, 3);
        assert_int_equal(s.outs[1]->dims[1], 3);
        assert_memory_equal(s.outs[1]->data, all[reversed], sizeof all[reversed]);
        ay_tape_close(s.tape);
    }
}

static void test_scan_before_version_9_of_no_such_length_is_refused(void **state)
{
    (void)state;
    static const int64_t lens[][2] = {{3, 4}, {0, 3}, {-1, 1}};
    for (uint32_t i = 0; i < 3; i++) {
        struct sample s;
        make_old_scan(&s, (const int64_t[]){0});
        assert_int_equal(run_old_scan(&s, lens[i]), AY_E_FORMAT);
        assert_non_null(strstr(ay_tape_reason(s.tape), "sequence_lens"));
        ay_tape_close(s.tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_known_trips_runs_that_often),
        cmocka_unit_test(test_loop_no_trip_gives_what_it_was_given),
        cmocka_unit_test(test_loop_unknown_condition_fails_with_state),
        cmocka_unit_test(test_loop_without_end_is_refused),
        cmocka_unit_test(test_scan_reversed_along_other_axes_sums_columns_from_the_last),
        cmocka_unit_test(test_scan_before_version_9_runs_each_sample_as_long_as_it_is),
        cmocka_unit_test(test_scan_before_version_9_of_no_such_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
