/* Graphs of fewer bits: a network of every part that the profiles change, written to a folder and
 * run beside the one it is made from, under every instruction set. */
#include "tensor/graph_run.h"
#include "tensor/quantize/graph.h"
#include "tensor/testing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SEED    77u
#define SAMPLES 3u

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define NAMES(...)                                                                                 \
    (const struct ay_slice[])                                                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define DIMS(...)                                                                                  \
    (const uint64_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* x (1, 3, 12, 12): Conv, BatchNormalization, Relu, MaxPool: p. Conv of p, depthwise, plus p: Relu:
 * r. Flatten, Gemm with transB and bias, Tanh, MatMul: y. */
static const struct ay_graph_constant constants[] = {
    {NAME("w0"), AY_WORK_DTYPE_F32, DIMS(8, 3, 3, 3), 4, 0},
    {NAME("scale"), AY_WORK_DTYPE_F32, DIMS(8), 1, 1024},
    {NAME("shift"), AY_WORK_DTYPE_F32, DIMS(8), 1, 1088},
    {NAME("mean"), AY_WORK_DTYPE_F32, DIMS(8), 1, 1152},
    {NAME("var"), AY_WORK_DTYPE_F32, DIMS(8), 1, 1216},
    {NAME("w1"), AY_WORK_DTYPE_F32, DIMS(8, 1, 3, 3), 4, 1280},
    {NAME("b1"), AY_WORK_DTYPE_F32, DIMS(8), 1, 1600},
    {NAME("w2"), AY_WORK_DTYPE_F32, DIMS(40, 288), 2, 1664},
    {NAME("b2"), AY_WORK_DTYPE_F32, DIMS(40), 1, 47744},
    {NAME("w3"), AY_WORK_DTYPE_F32, DIMS(40, 5), 2, 47936},
    {NAME("never"), AY_WORK_DTYPE_F32, DIMS(16), 1, 48768},
    {NAME("w4"), AY_WORK_DTYPE_F32, DIMS(8, 8, 1, 1), 4, 48832},
    {NAME("w5"), AY_WORK_DTYPE_F32, DIMS(10, 576), 2, 49088},
    {NAME("three"), AY_WORK_DTYPE_F32, NULL, 0, 72128},
    {NAME("six"), AY_WORK_DTYPE_F32, DIMS(1), 1, 72192},
    {NAME("zero"), AY_WORK_DTYPE_F32, NULL, 0, 72256},
    {NAME("b4"), AY_WORK_DTYPE_F32, DIMS(8), 1, 72320},
    {NAME(""), AY_WORK_DTYPE_I64, DIMS(4), 1, 72384},
};
#define WEIGHTS_BYTES  72448u
#define SHAPE_CONSTANT 17u /* the last of them */

static const int64_t ones[] = {1, 1, 1, 1}, twos[] = {2, 2}, threes[] = {3, 3}, eight = 8, yes = 1;
#define INTS(name, at, n)                                                                          \
    {                                                                                              \
        NAME(name), AY_GRAPH_ATTRIBUTE_INTS, at, n                                                 \
    }
#define INT(name, at)                                                                              \
    {                                                                                              \
        NAME(name), AY_GRAPH_ATTRIBUTE_INT, at, 1                                                  \
    }
static const struct ay_graph_attribute
    padded[] = {INTS("pads", ones, 4)},
    depthwise[] = {INTS("pads", ones, 4), INT("group", &eight)},
    pooled[] = {INTS("kernel_shape", twos, 2), INTS("strides", twos, 2)},
    turned[] = {INT("transB", &yes)},
    mean[] = {INTS("kernel_shape", threes, 2), INTS("strides", twos, 2), INTS("pads", ones, 4)},
    joined[] = {INT("axis", &yes)},
    shape[] = {{.name = NAME("value"), .kind = AY_GRAPH_ATTRIBUTE_TENSOR, .index = SHAPE_CONSTANT}};
#define NODE(op, in, n, out, ...)                                                                  \
    {                                                                                              \
        {0}, {0}, NAME(op), in, n, NAMES(NAME(out)), 1, __VA_ARGS__                                \
    }
static const struct ay_graph_node nodes[] = {
    NODE("Conv", NAMES(NAME("x"), NAME("w0")), 2, "c", padded, 1),
    NODE("BatchNormalization",
         NAMES(NAME("c"), NAME("scale"), NAME("shift"), NAME("mean"), NAME("var")), 5, "n", NULL),
    NODE("Relu", NAMES(NAME("n")), 1, "r0", NULL),
    NODE("MaxPool", NAMES(NAME("r0")), 1, "p", pooled, 2),
    NODE("Conv", NAMES(NAME("p"), NAME("w1"), NAME("b1")), 3, "d", depthwise, 2),
    NODE("Add", NAMES(NAME("d"), NAME("p")), 2, "s", NULL),
    NODE("Relu", NAMES(NAME("s")), 1, "r", NULL),
    NODE("Flatten", NAMES(NAME("r")), 1, "f", NULL),
    NODE("Gemm", NAMES(NAME("f"), NAME("w2"), NAME("b2")), 3, "g", turned, 1),
    NODE("Tanh", NAMES(NAME("g")), 1, "t", NULL),
    NODE("MatMul", NAMES(NAME("t"), NAME("w3")), 2, "y", NULL),
};
/* Conv, HardSwish in five nodes: h. What a small network, its bias an Add of a constant that is
 * made by nodes, makes of the mean of h times h: e. Means and maxima of e beside each other: r. A
 * product: y. */
static const struct ay_graph_node parts[] = {
    NODE("Conv", NAMES(NAME("x"), NAME("w0")), 2, "c", padded, 1),
    NODE("Add", NAMES(NAME("c"), NAME("three")), 2, "c3", NULL),
    NODE("Clip", NAMES(NAME("c3"), NAME("zero"), NAME("six")), 3, "cut", NULL),
    NODE("Mul", NAMES(NAME("c"), NAME("cut")), 2, "m", NULL),
    NODE("Div", NAMES(NAME("m"), NAME("six")), 2, "h", NULL),
    NODE("GlobalAveragePool", NAMES(NAME("h")), 1, "g", NULL),
    NODE("Constant", NULL, 0, "shape", shape, 1),
    NODE("Reshape", NAMES(NAME("b4"), NAME("shape")), 2, "b", NULL),
    NODE("Conv", NAMES(NAME("g"), NAME("w4")), 2, "k0", NULL),
    NODE("Add", NAMES(NAME("k0"), NAME("b")), 2, "k", NULL),
    NODE("Sigmoid", NAMES(NAME("k")), 1, "s", NULL),
    NODE("Mul", NAMES(NAME("h"), NAME("s")), 2, "e", NULL),
    NODE("AveragePool", NAMES(NAME("e")), 1, "a", mean, 3),
    NODE("MaxPool", NAMES(NAME("e")), 1, "p", pooled, 2),
    NODE("Concat", NAMES(NAME("a"), NAME("p")), 2, "r", joined, 1),
    NODE("Flatten", NAMES(NAME("r")), 1, "f", NULL),
    NODE("Gemm", NAMES(NAME("f"), NAME("w5")), 2, "y", turned, 1),
};
static const struct ay_graph_dim image[] = {{1, {0}}, {3, {0}}, {12, {0}}, {12, {0}}};
static const struct ay_graph_port inputs[] = {{NAME("x"), AY_WORK_DTYPE_F32, true, image, 4}},
                                  outputs[] = {{NAME("y"), AY_WORK_DTYPE_F32, false, NULL, 0},
                                               {NAME("r"), AY_WORK_DTYPE_F32, false, NULL, 0}};
#define COUNT(list) (uint32_t)(sizeof(list) / sizeof((list)[0]))
static const struct ay_graph_graph graph = {
    {0}, inputs, 1, outputs, COUNT(outputs), constants, COUNT(constants), nodes, COUNT(nodes)};
static const struct ay_graph_graph parts_graph = {
    {0}, inputs, 1, outputs, COUNT(outputs), constants, COUNT(constants), parts, COUNT(parts)};
static const struct ay_graph_opset opset = {{0}, 17};

static _Alignas(64) float weights[WEIGHTS_BYTES / sizeof(float)];
static float images[SAMPLES][3 * 12 * 12];
static struct ay_graph_folder folder, parts_folder;
static struct ay_ndarray samples[SAMPLES];
static char place[] = "/tmp/assay_quantize_XXXXXX";

static int set_up(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    static char nothing[] = "";
    printf("seed %u\n", SEED);
    ay_test_floats(&state, weights, 72320 / 4, false);
    /* So that tanh does not saturate. */
    for (uint32_t i = 0; i < 40 * 288; i++) weights[1664 / 4 + i] *= 0.02F;
    for (uint32_t i = 0; i < 8; i++) weights[1216 / 4 + i] = fabsf(weights[1216 / 4 + i]) + 0.5F;
    folder = (struct ay_graph_folder){.model = {&opset, 1, &graph, 1},
                                      .weights = (const uint8_t *)weights,
                                      .weights_bytes = WEIGHTS_BYTES,
                                      .name = nothing,
                                      .licence = nothing,
                                      .source = nothing};
    for (uint32_t i = 0; i < 3; i++) weights[(72128 + 64 * i) / 4] = (const float[]){3, 6, 0}[i];
    for (uint32_t i = 0; i < 8; i++) weights[72320 / 4 + i] = (float)i - 3;
    const int64_t dims[] = {1, -1, 1, 1};
    memcpy((uint8_t *)weights + 72384, dims, sizeof dims);
    parts_folder = folder;
    parts_folder.model.graphs = &parts_graph;
    for (uint32_t s = 0; s < SAMPLES; s++) {
        ay_test_floats(&state, images[s], COUNT(images[s]), false);
        samples[s] = (struct ay_ndarray){AY_WORK_DTYPE_F32, 4, {1, 3, 12, 12}, images[s]};
    }
    return mkdtemp(place) ? 0 : -1;
}

static void path_of(const char *name, char *path, size_t cap)
{
    (void)snprintf(path, cap, "%s/%s", place, name);
}

static void remove_folder(const char *name)
{
    static const char *const files[] = {"graph.bin", "weights.bin", "model.json"};
    char dir[200], path[240];
    path_of(name, dir, sizeof dir);
    for (uint32_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static int tear_down(void **unused)
{
    (void)unused;
    remove_folder("q8");
    remove_folder("int8");
    remove_folder("parts");
    return rmdir(place);
}

/* Outputs of sample s; a registered program must come of it. */
static void run(const struct ay_graph_folder *f, uint32_t s, uint32_t threads,
                struct ay_ndarray out[2])
{
    struct ay_graph_runner *runner = NULL;
    struct ay_graph_runner_options options = {.threads = threads};
    struct ay_reason reason = {""};
    const struct ay_tape_program *program = NULL;
    assert_int_equal(ay_graph_runner_open(f, &options, &runner), AY_OK);
    if (ay_graph_run(runner, &samples[s], 1, out, &reason) != AY_OK) fail_msg("%s", reason.text);
    assert_non_null(ay_graph_runner_exec(runner, &program));
    assert_int_equal(ay_program_check(&program->program, NULL), AY_OK);
    ay_graph_runner_close(runner);
}

static double cosine(const struct ay_ndarray *a, const struct ay_ndarray *b)
{
    uint64_t bytes, other;
    double ab = 0, aa = 0, bb = 0;
    const float *x = a->data, *y = b->data;
    assert_int_equal(ay_ndarray_bytes(a, &bytes), AY_OK);
    assert_int_equal(ay_ndarray_bytes(b, &other), AY_OK);
    assert_true(bytes == other);
    for (size_t i = 0; i < bytes / sizeof *x; i++) {
        ab += (double)x[i] * (double)y[i];
        aa += (double)x[i] * (double)x[i];
        bb += (double)y[i] * (double)y[i];
    }
    return ab / sqrt(aa * bb);
}

static void check_near(const struct ay_graph_folder *before, const struct ay_graph_folder *after,
                       double least)
{
    for (uint32_t s = 0; s < SAMPLES; s++) {
        struct ay_ndarray a[2], b[2];
        run(before, s, 1, a);
        run(after, s, 1, b);
        for (uint32_t i = 0; i < 2; i++) {
            double near = cosine(&a[i], &b[i]);
            if (near < least) fail_msg("sample %u, output %u: cosine %f", s, i, near);
            ay_ndarray_free(&a[i]);
            ay_ndarray_free(&b[i]);
        }
    }
}

static void check_same(const struct ay_graph_folder *f)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    const struct ay_kernels *kernels;
    struct ay_ndarray wanted[2], got[2];
    uint64_t bytes;
    run(f, 0, 1, wanted);
    for (uint32_t i = 0; i < 6; i++) {
        if (ay_kernels_named(names[i / 2], &kernels) != AY_OK) continue;
        assert_int_equal(setenv("ASSAY_CPU", names[i / 2], 1), 0);
        run(f, 0, 1 + i % 2, got);
        for (uint32_t o = 0; o < 2; o++) {
            assert_int_equal(ay_ndarray_bytes(&wanted[o], &bytes), AY_OK);
            assert_memory_equal(got[o].data, wanted[o].data, bytes);
            ay_ndarray_free(&got[o]);
        }
    }
    assert_int_equal(unsetenv("ASSAY_CPU"), 0);
    for (uint32_t o = 0; o < 2; o++) ay_ndarray_free(&wanted[o]);
}

static uint32_t count_of(const struct ay_graph_folder *f, const char *op)
{
    uint32_t n = 0;
    const struct ay_graph_graph *g = &f->model.graphs[0];
    for (uint32_t i = 0; i < g->nodes_count; i++)
        n += ay_slice_equal(g->nodes[i].op, ay_slice_str(op));
    return n;
}

static bool has_constant(const struct ay_graph_folder *f, const char *name)
{
    const struct ay_graph_graph *g = &f->model.graphs[0];
    for (uint32_t i = 0; i < g->constants_count; i++)
        if (ay_slice_equal(g->constants[i].name, ay_slice_str(name))) return true;
    return false;
}

static struct ay_graph_folder *open_made(const char *name)
{
    char dir[200];
    struct ay_graph_folder *made = NULL;
    struct ay_reason reason = {""};
    path_of(name, dir, sizeof dir);
    if (ay_graph_folder_open(dir, &made, &reason) != AY_OK) fail_msg("%s", reason.text);
    return made;
}

static void test_quantize_graph_q8_linear_layers_alone_change(void **unused)
{
    (void)unused;
    char dir[200];
    struct ay_reason reason = {""};
    path_of("q8", dir, sizeof dir);
    assert_int_equal(ay_quantize_graph_q8(&folder, dir, &reason), AY_OK);
    struct ay_graph_folder *made = open_made("q8");
    assert_int_equal(count_of(made, "MatMulQ8"), 2);
    assert_int_equal(count_of(made, "Gemm") + count_of(made, "MatMul"), 0);
    assert_int_equal(count_of(made, "Conv"), 2);
    assert_false(has_constant(made, "w2"));
    assert_false(has_constant(made, "never"));
    assert_true(has_constant(made, "w0"));
    assert_true(made->weights_bytes < WEIGHTS_BYTES / 2);
    check_near(&folder, made, 0.9995);
    check_same(made);
    ay_graph_folder_close(made);
    assert_int_equal(ay_quantize_graph_q8(&folder, dir, &reason), AY_E_EXISTS);
}

static void test_quantize_graph_int8_values_stay_bytes_between_layers(void **unused)
{
    (void)unused;
    char dir[200];
    struct ay_reason reason = {""};
    const struct ay_samples given = {samples, SAMPLES, 1};
    path_of("int8", dir, sizeof dir);
    struct ay_int8_report report;
    assert_int_equal(ay_quantize_graph_int8(&folder, &given, dir, &report, &reason), AY_OK);
    struct ay_graph_folder *made = open_made("int8");
    assert_int_equal(count_of(made, "QConv"), 2);
    assert_int_equal(count_of(made, "QAdd"), 1);
    assert_int_equal(count_of(made, "QMatMul"), 1);
    assert_int_equal(count_of(made, "QTable"), 1);
    assert_int_equal(count_of(made, "MatMulIntegerToFloat"), 1);
    /* Of x alone; of r, which is an output. */
    assert_int_equal(count_of(made, "QuantizeLinear"), 1);
    assert_int_equal(count_of(made, "DequantizeLinear"), 1);
    assert_int_equal(count_of(made, "Relu") + count_of(made, "BatchNormalization"), 0);
    assert_int_equal(report.integer, COUNT(nodes));
    assert_int_equal(report.f32, 0);
    assert_true(made->weights_bytes < WEIGHTS_BYTES / 2);
    check_near(&folder, made, 0.995);
    check_same(made);
    ay_graph_folder_close(made);
}

static void test_quantize_graph_int8_functions_and_means_stay_integers(void **unused)
{
    (void)unused;
    char dir[200];
    struct ay_reason reason = {""};
    struct ay_int8_report report;
    const struct ay_samples given = {samples, SAMPLES, 1};
    path_of("parts", dir, sizeof dir);
    assert_int_equal(ay_quantize_graph_int8(&parts_folder, &given, dir, &report, &reason), AY_OK);
    struct ay_graph_folder *made = open_made("parts");
    /* HardSwish and Sigmoid; the mean is made to the scale of r, the maximum is brought to it. */
    assert_int_equal(count_of(made, "QTable"), 3);
    assert_int_equal(count_of(made, "QMul"), 1);
    assert_int_equal(count_of(made, "QAveragePool") + count_of(made, "QGlobalAveragePool"), 2);
    assert_int_equal(count_of(made, "QuantizeLinear"), 1);
    assert_int_equal(count_of(made, "DequantizeLinear"), 1);
    assert_int_equal(report.integer, COUNT(parts) - 2); /* two are constants */
    assert_int_equal(count_of(made, "Reshape") + count_of(made, "Constant"), 0);
    assert_int_equal(report.f32, 0);
    assert_string_equal(report.names, "");
    check_near(&parts_folder, made, 0.998);
    check_same(made);
    ay_graph_folder_close(made);
}

static void test_quantize_graph_without_weights_is_refused(void **unused)
{
    (void)unused;
    struct ay_graph_graph plain = graph;
    struct ay_graph_folder bare = folder;
    struct ay_reason reason = {""};
    const struct ay_samples given = {samples, SAMPLES, 1};
    struct ay_int8_report report;
    char dir[200];
    plain.nodes = &nodes[2];
    plain.nodes_count = 1;
    bare.model.graphs = &plain;
    path_of("none", dir, sizeof dir);
    assert_int_equal(ay_quantize_graph_q8(&bare, dir, &reason), AY_E_UNSUPPORTED);
    assert_int_equal(ay_quantize_graph_int8(&bare, &given, dir, &report, &reason),
                     AY_E_UNSUPPORTED);
    assert_int_not_equal(access(dir, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantize_graph_q8_linear_layers_alone_change),
        cmocka_unit_test(test_quantize_graph_int8_values_stay_bytes_between_layers),
        cmocka_unit_test(test_quantize_graph_int8_functions_and_means_stay_integers),
        cmocka_unit_test(test_quantize_graph_without_weights_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
