/* Graphs: what a lowering gives as a program and on known inputs is the same to the bit, bodies see
 * the values around them, and what is wrong with a model is said with the place. What each operator
 * means is tested by ONNX's own cases (make onnx-suite). */
#include "tensor/graph_run.h"
#include "tensor/lower/lower.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define F32       AY_WORK_DTYPE_F32
#define I64       AY_WORK_DTYPE_I64
#define MAX_NODES 64u

static uint64_t seed = 20250512;

/* --- graphs written as text: "Conv x w b = y | strides i 2 2 | group n 2 | alpha f 0.5 | mode s
 * CRD"; "_" is an operand left out. Memory is of the arena, which is as long as a test. */

static _Alignas(16) uint8_t memory[1 << 20];
static struct ay_arena arena;

static struct ay_slice word(char **at)
{
    while (**at == ' ') ++*at;
    char *begin = *at;
    while (**at && **at != ' ') ++*at;
    struct ay_slice out = ay_slice(begin, (uint32_t)(*at - begin));
    return ay_slice_equal(out, ay_slice_str("_")) ? ay_slice_str("") : out;
}

static void *take(size_t count, size_t size)
{
    void *at = ay_arena_take(&arena, count, size);
    assert_non_null(at);
    return at;
}

static struct ay_graph_attribute attribute(char *text)
{
    struct ay_graph_attribute a = {.name = word(&text)};
    char kind = (char)word(&text).data[0];
    int64_t *ints = take(8, sizeof *ints);
    uint32_t *bits = take(1, sizeof *bits);
    struct ay_slice *string = take(1, sizeof *string);
    a.ints = ints;
    a.floats = bits;
    a.strings = string;
    if (kind == 'i' || kind == 'n') {
        a.kind = kind == 'i' ? AY_GRAPH_ATTRIBUTE_INTS : AY_GRAPH_ATTRIBUTE_INT;
        while (*(text += strspn(text, " "))) ints[a.ints_count++] = strtol(text, &text, 10);
    } else if (kind == 'f') {
        float x = strtof(text, NULL);
        memcpy(bits, &x, sizeof x);
        a.kind = AY_GRAPH_ATTRIBUTE_FLOAT;
        a.floats_count = 1;
    } else if (kind == 'g') {
        a.kind = AY_GRAPH_ATTRIBUTE_SUBGRAPH;
        a.index = (uint32_t)strtoul(text, NULL, 10);
    } else {
        a.kind = AY_GRAPH_ATTRIBUTE_STRING;
        *string = word(&text);
        a.strings_count = 1;
    }
    return a;
}

static struct ay_graph_node node(const char *text)
{
    char *copy = take(strlen(text) + 1, 1), *rest = strcpy(copy, text);
    struct ay_slice *in = take(8, sizeof *in), *out = take(8, sizeof *out);
    struct ay_graph_attribute *attributes = take(8, sizeof *attributes);
    struct ay_graph_node n = {.in = in, .out = out, .attributes = attributes};
    char *part = strsep(&rest, "|");
    for (char *more; (more = strsep(&rest, "|"));)
        attributes[n.attributes_count++] = attribute(more);
    char *results = part, *operands = strsep(&results, "=");
    n.op = word(&operands);
    for (char *p = operands; *(p += strspn(p, " "));) in[n.in_count++] = word(&p);
    for (char *p = results; *(p += strspn(p, " "));) out[n.out_count++] = word(&p);
    n.name = out[0];
    return n;
}

static struct ay_graph_port *ports(const char *names, uint32_t *count)
{
    char *p = take(strlen(names) + 1, 1);
    struct ay_graph_port *list = take(MAX_NODES, sizeof *list);
    strcpy(p, names);
    *count = 0;
    while (*(p += strspn(p, " "))) list[(*count)++].name = word(&p);
    return list;
}

static struct ay_graph_graph graph(const char *inputs, const char *outputs,
                                   const char *const *nodes, uint32_t count)
{
    struct ay_graph_graph g = {.nodes_count = count};
    struct ay_graph_node *list = take(count, sizeof *list);
    for (uint32_t i = 0; i < count; i++) list[i] = node(nodes[i]);
    g.nodes = list;
    g.inputs = ports(inputs, &g.inputs_count);
    g.outputs = ports(outputs, &g.outputs_count);
    return g;
}

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof(array)[0]))

static struct ay_graph_model model_of(const struct ay_graph_graph *graphs, uint32_t count,
                                      uint64_t opset)
{
    struct ay_graph_opset *version = take(1, sizeof *version);
    version->version = opset;
    return (struct ay_graph_model){version, 1, graphs, count};
}

/* --- known and unknown --- */

static const char *const network[] = {
    "Shape image = dims",
    "Gather dims zero = batch",
    "Conv image kernel bias = conv | strides i 2 2 | pads i 1 1 1 1",
    "BatchNormalization conv scale shift average spread = bn",
    "HardSwish bn = act",
    "GlobalAveragePool act = squeezed",
    "HardSigmoid squeezed = gate",
    "Mul act gate = excited",
    "Conv excited depthwise _ = dw | group n 6 | pads i 1 1 1 1",
    "Add excited dw = residual",
    "Clip residual low high = clipped",
    "MaxPool clipped = pooled places | kernel_shape i 3 3 | strides i 2 2 | pads i 1 1 1 1",
    "MaxUnpool pooled places = back | kernel_shape i 2 2 | strides i 2 2",
    "AveragePool clipped = smooth | kernel_shape i 3 3 | ceil_mode n 1 | strides i 2 2",
    "LpPool clipped = power | kernel_shape i 2 2",
    "ConvTranspose pooled upkernel = up | strides i 2 2 | pads i 1 0 1 0",
    "LRN up = lrn | size n 3",
    "Conv image kernel8 = conv8",
    "DepthToSpace conv8 = deep | blocksize n 2 | mode s CRD",
    "Pad pooled pads = padded | mode s reflect",
    "Concat smooth pooled = both | axis n 1",
    "Split both = left right | axis n 1",
    "PRelu left slope = prelu",
    "InstanceNormalization right six six = instance",
    "Transpose prelu = nhwc | perm i 0 2 3 1",
    "Reshape nhwc rows = tokens",
    "LayerNormalization tokens six six = normed",
    "MatMul normed wide = q",
    "Gelu q = gelu",
    "MatMul gelu narrow = k",
    "Transpose k = kt | perm i 0 2 1",
    "MatMul tokens kt = scores",
    "Trilu scores = causal | upper n 0",
    "Softmax causal = weights | axis n -1",
    "Einsum weights tokens = context | equation s bij,bjk->bik",
    "LogSoftmax context = logs | axis n 1",
    "ReduceMean logs axis1 = mean | keepdims n 0",
    "ReduceL2 logs axis1 = length | keepdims n 0",
    "ReduceLogSumExp logs = lse",
    "ArgMax logs = best | axis n 2 | select_last_index n 1",
    "CumSum context one = running | reverse n 1",
    "Slice context from to axes steps = sliced",
    "Tile sliced twice = tiled",
    "Expand mean grown = expanded",
    "GatherElements tokens best = picked | axis n 2",
    "GreaterOrEqual tokens context = above",
    "Where above tokens context = chosen",
    "Cast above = ones | to n 7",
    "ReduceSum ones axis1 = counts",
    "Mod counts seven = rest",
    "OneHot rest depth offon = hot",
    "ScatterElements tokens best picked = scattered | axis n 2 | reduction s add",
    "Erf scattered = erf",
    "Asinh erf = asinh",
    "Sinh asinh = sinh",
    "Softplus sinh = soft",
    "Pow soft three = cube",
    "Sum cube chosen context = final",
};

/* What the network is given: these integers, or random numbers. */
static const struct given {
    const char *name;
    uint32_t dtype, rank;
    uint64_t dims[4];
    int64_t ints[8];
} givens[] = {
    {"image", F32, 4, {2, 4, 12, 12}, {0}},
    {"kernel", F32, 4, {6, 4, 3, 3}, {0}},
    {"bias", F32, 1, {6}, {0}},
    {"scale", F32, 1, {6}, {0}},
    {"shift", F32, 1, {6}, {0}},
    {"average", F32, 1, {6}, {0}},
    {"spread", F32, 1, {6}, {0}},
    {"six", F32, 1, {6}, {0}},
    {"depthwise", F32, 4, {6, 1, 3, 3}, {0}},
    {"upkernel", F32, 4, {6, 3, 3, 3}, {0}},
    {"kernel8", F32, 4, {8, 4, 1, 1}, {0}},
    {"slope", F32, 3, {6, 1, 1}, {0}},
    {"wide", F32, 2, {6, 8}, {0}},
    {"narrow", F32, 2, {8, 6}, {0}},
    {"low", F32, 0, {0}, {0}},
    {"high", F32, 0, {0}, {0}},
    {"offon", F32, 1, {2}, {0}},
    /* known whatever else is not: shapes and the like */
    {"three", F32, 0, {0}, {0}},
    {"zero", I64, 0, {0}, {0}},
    {"one", I64, 0, {0}, {1}},
    {"seven", I64, 0, {0}, {7}},
    {"depth", I64, 0, {0}, {7}},
    {"axis1", I64, 1, {1}, {1}},
    {"pads", I64, 1, {8}, {0, 0, 1, 2, 0, 0, 2, 1}},
    {"rows", I64, 1, {3}, {0, -1, 6}},
    {"from", I64, 1, {2}, {0, -1}},
    {"to", I64, 1, {2}, {2, 0}},
    {"axes", I64, 1, {2}, {0, 1}},
    {"steps", I64, 1, {2}, {1, -2}},
    {"twice", I64, 1, {3}, {1, 2, 1}},
    {"grown", I64, 1, {3}, {3, 1, 6}},
};
enum { GIVENS = sizeof givens / sizeof givens[0], WEIGHTS = 17 };

static void fill_givens(const void **data, bool odd)
{
    for (uint32_t i = 0; i < GIVENS; i++) {
        const struct given *g = &givens[i];
        size_t n = 1;
        for (uint32_t d = 0; d < g->rank; d++) n *= g->dims[d];
        float *floats = take(n, sizeof *floats);
        if (g->dtype == F32) ay_test_floats(&seed, floats, n, odd && i == 0);
        if (strcmp(g->name, "spread") == 0 || strcmp(g->name, "high") == 0)
            for (size_t e = 0; e < n; e++) floats[e] = 2.5F + floats[e];
        if (strcmp(g->name, "three") == 0) *floats = 3;
        data[i] = g->dtype == F32 ? (const void *)floats : g->ints;
    }
}

/* The outputs of a model whose first `unknown` inputs are the program's. */
static struct ay_tape *lowered(const struct ay_graph_model *model, const void *const *data,
                               uint32_t unknown, const struct ay_value **outs)
{
    struct ay_tape *tape = NULL;
    const struct ay_tape_options options = {.threads = 1};
    const struct ay_value *inputs[GIVENS];
    assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
    for (uint32_t i = 0; i < GIVENS; i++) {
        const struct given *g = &givens[i];
        inputs[i] = i < unknown ? ay_tape_input(tape, g->dtype, g->rank, g->dims)
                                : ay_tape_known(tape, g->dtype, g->rank, g->dims, data[i]);
    }
    if (ay_lower_model(tape, model, NULL, 0, false, inputs, outs) != AY_OK)
        fail_msg("%s", ay_tape_reason(tape));
    return tape;
}

/* Runs the program for those outputs that are unknown and holds each against the known value. */
static uint32_t compare(struct ay_tape *tape, const void *const *data,
                        const struct ay_value *const *unknown, const struct ay_value *const *known,
                        uint32_t count)
{
    const struct ay_value *outputs[MAX_NODES], *wanted[MAX_NODES];
    struct ay_run run = {0};
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bytes = ay_value_elements(known[i]) * ay_dtype_bytes(known[i]->dtype);
        assert_non_null(known[i]->data);
        assert_int_equal(known[i]->dtype, unknown[i]->dtype);
        assert_int_equal(known[i]->rank, unknown[i]->rank);
        assert_memory_equal(known[i]->dims, unknown[i]->dims, known[i]->rank * sizeof(uint64_t));
        if (unknown[i]->data) {
            assert_memory_equal(unknown[i]->data, known[i]->data, bytes);
            continue;
        }
        outputs[n] = unknown[i];
        wanted[n] = known[i];
        run.outputs[n] = malloc(bytes);
        assert_non_null(run.outputs[n++]);
    }
    struct ay_tape_program p;
    if (ay_tape_program(tape, outputs, n, &p) != AY_OK) fail_msg("%s", ay_tape_reason(tape));
    for (uint32_t i = 0; i < p.program.inputs_count; i++) run.inputs[i] = data[i];
    struct ay_exec *exec = NULL;
    const struct ay_exec_options options = {.threads = 2, .divide = true};
    assert_int_equal(ay_exec_open(&p.program, p.weights, &options, &exec), AY_OK);
    assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
    ay_exec_close(exec);
    for (uint32_t i = 0; i < n; i++) {
        assert_memory_equal(run.outputs[i], wanted[i]->data,
                            ay_value_elements(wanted[i]) * ay_dtype_bytes(wanted[i]->dtype));
        free(run.outputs[i]);
    }
    return p.program.ops_count;
}

static const char *names_of_givens(void)
{
    char *names = take(1024, 1);
    for (uint32_t i = 0; i < GIVENS; i++) {
        strcat(names, givens[i].name);
        strcat(names, " ");
    }
    return names;
}

/* With every result as an output, and with the last alone, before which all may be merged; with the
 * image unknown, and with the weights too. */
static void test_lower_network_gives_the_same_bits_as_a_program_and_on_known_inputs(void **context)
{
    (void)context;
    static const char *const outputs[] = {
        "dims batch conv bn act squeezed gate excited dw residual clipped pooled places back "
        "smooth power up lrn conv8 deep padded both left right prelu instance nhwc tokens normed q "
        "gelu k kt scores causal weights context logs mean length lse best running sliced tiled "
        "expanded picked above chosen ones counts rest hot scattered erf asinh sinh soft cube "
        "final",
        "final"};
    print_message("seed %llu\n", (unsigned long long)seed);
    uint32_t ops[2] = {0};
    for (uint32_t round = 0; round < 8; round++) {
        arena = ay_arena_over(memory, sizeof memory);
        uint32_t all = round % 2 == 0;
        struct ay_graph_graph g = graph(names_of_givens(), outputs[!all], network, COUNT(network));
        struct ay_graph_model model = model_of(&g, 1, 20);
        const struct ay_value *known[MAX_NODES], *unknown[MAX_NODES];
        const void *data[GIVENS];
        fill_givens(data, round >= 6);
        struct ay_tape *interpreter = lowered(&model, data, 0, known);
        struct ay_tape *tape = lowered(&model, data, round < 4 ? 1 : WEIGHTS, unknown);
        ops[all] = compare(tape, data, unknown, known, g.outputs_count);
        ay_tape_close(interpreter);
        ay_tape_close(tape);
    }
    assert_true(ops[0] < ops[1]);
}

/* --- values that are quantised and at once f32 again --- */

static const char *const quantised[] = {
    "Cast seven = z | to n 2",
    "Cast seven = seven_f | to n 1",
    "Div three seven_f = s",
    "Div s seven_f = t",
    "QuantizeLinear image t z = qi",
    "DequantizeLinear qi t z = x",
    "QuantizeLinear kernel t z = qk",
    "DequantizeLinear qk t z = w",
    "Conv x w bias = conv | strides i 2 2 | pads i 1 1 1 1",
    "QuantizeLinear conv s z = qc",
    "DequantizeLinear qc s z = c",
    "MaxPool c = pooled | kernel_shape i 2 2",
    "Transpose pooled = turned | perm i 0 2 3 1",
    "QuantizeLinear turned s z = same",
    "DequantizeLinear same s z = rows",
    "QuantizeLinear wide t z = qw",
    "DequantizeLinear qw t z = weights",
    "MatMul rows weights = product",
    "Transpose rows = columns | perm i 0 1 3 2",
    "MatMul rows columns = scores",
    "Softmax scores = probabilities",
    "Split rows = one_half other_half | axis n 3 | num_outputs n 2",
    "Relu one_half = positive",
    "Add product product = sum",
};

/* Products of f32 of the last output's program. */
static uint32_t products_of_f32(struct ay_tape *tape, const struct ay_value *output)
{
    struct ay_tape_program p;
    uint32_t found = 0;
    assert_int_equal(ay_tape_program(tape, &output, 1, &p), AY_OK);
    for (uint32_t i = 0; i < p.program.ops_count; i++) {
        struct ay_tensor_type type;
        if (p.program.ops[i].kind != AY_WORK_OP_MATMUL) continue;
        ay_program_type(&p.program, p.program.ops[i].in[0], &type);
        found += type.dtype == F32;
    }
    return found;
}

static void test_lower_quantised_values_are_multiplied_as_bytes_known_or_not(void **context)
{
    (void)context;
    static const char outputs[] = "x w conv c pooled turned same rows product scores probabilities "
                                  "one_half other_half positive sum";
    for (uint32_t round = 0; round < 6; round++) {
        arena = ay_arena_over(memory, sizeof memory);
        struct ay_graph_graph g = graph(names_of_givens(), outputs, quantised, COUNT(quantised));
        struct ay_graph_model model = model_of(&g, 1, 20);
        const struct ay_value *known[MAX_NODES], *unknown[MAX_NODES];
        const void *data[GIVENS];
        fill_givens(data, round == 5);
        struct ay_tape *interpreter = lowered(&model, data, 0, known);
        struct ay_tape *tape = lowered(&model, data, round % 2 ? 1 : WEIGHTS, unknown);
        compare(tape, data, unknown, known, g.outputs_count);
        for (uint32_t i = 0; i < g.outputs_count; i++)
            if (!unknown[i]->data) assert_int_equal(products_of_f32(tape, unknown[i]), 0);
        /* What is quantised again as it was is the bytes that were moved. */
        assert_int_equal(unknown[6]->dtype, AY_WORK_DTYPE_U8);
        ay_tape_close(interpreter);
        ay_tape_close(tape);
    }
}

/* --- graphs within graphs, and refusals --- */

static enum ay_code lower_small(const struct ay_graph_model *model, bool both_branches,
                                const struct ay_value **outs, struct ay_tape **out)
{
    static const float x[] = {1, -2, 3};
    static const uint8_t yes = 1;
    struct ay_tape *tape = NULL;
    const struct ay_tape_options options = {.threads = 1};
    assert_int_equal(ay_tape_open(&options, &tape), AY_OK);
    *out = tape;
    const struct ay_value *inputs[] = {ay_tape_known(tape, F32, 1, (const uint64_t[]){3}, x),
                                       ay_tape_known(tape, AY_WORK_DTYPE_BOOL, 0, NULL, &yes),
                                       ay_tape_input(tape, AY_WORK_DTYPE_BOOL, 0, NULL)};
    return ay_lower_model(tape, model, NULL, 0, both_branches, inputs, outs);
}

static void test_lower_body_sees_and_hides_the_values_around_it(void **context)
{
    (void)context;
    arena = ay_arena_over(memory, sizeof memory);
    static const char *const outer[] = {
        "Neg x = y", "If yes = z | then_branch g 1 | else_branch g 2", "Add z y = w"};
    static const char *const then[] = {"Add y y = t", "Neg t = y2"};
    static const char *const otherwise[] = {"Exp x = t"};
    const struct ay_graph_graph graphs[] = {graph("x yes maybe", "w", outer, COUNT(outer)),
                                            graph("", "y2", then, COUNT(then)),
                                            graph("", "t", otherwise, COUNT(otherwise))};
    struct ay_graph_model model = model_of(graphs, 3, 19);
    const struct ay_value *w = NULL;
    struct ay_tape *tape;
    assert_int_equal(lower_small(&model, false, &w, &tape), AY_OK);
    const float wanted[] = {1, -2, 3}; /* -(-x - x) + -x */
    assert_memory_equal(w->data, wanted, sizeof wanted);
    ay_tape_close(tape);
}

/* An If of a condition that is no weight, whose branches make t; y is -x. */
static enum ay_code lower_choice(const char *then, const char *otherwise,
                                 const struct ay_value **out, struct ay_tape **tape)
{
    static const char *const outer[] = {"Neg x = y",
                                        "If maybe = z | then_branch g 1 | else_branch g 2"};
    arena = ay_arena_over(memory, sizeof memory);
    const struct ay_graph_graph graphs[] = {graph("x yes maybe", "z", outer, COUNT(outer)),
                                            graph("", "t", &then, 1),
                                            graph("", "t", &otherwise, 1)};
    struct ay_graph_model model = model_of(graphs, 3, 19);
    return lower_small(&model, true, out, tape);
}

static void test_lower_unknown_condition_chooses_between_both_branches(void **context)
{
    (void)context;
    static const float wanted[2][3] = {{1, 2, 3}, {-2, 4, -6}};
    const struct ay_value *z = NULL;
    struct ay_tape *tape;
    struct ay_tape_program p;
    assert_int_equal(lower_choice("Add y y = t", "Abs x = t", &z, &tape), AY_OK);
    assert_int_equal(ay_tape_program(tape, &z, 1, &p), AY_OK);
    const struct ay_exec_options options = {.threads = 1};
    struct ay_exec *exec = NULL;
    assert_int_equal(ay_exec_open(&p.program, p.weights, &options, &exec), AY_OK);
    for (uint8_t condition = 0; condition < 2; condition++) {
        float got[3];
        const struct ay_run run = {.inputs = {&condition}, .outputs = {got}};
        assert_int_equal(ay_exec_run(exec, &run, 1), AY_OK);
        assert_memory_equal(got, wanted[condition], sizeof got);
    }
    ay_exec_close(exec);
    ay_tape_close(tape);

    /* Of unlike shapes, or no tensors, there is no choosing. */
    static const char *const others[2][2] = {
        {"Add y y = t", "ReduceSum x = t"},
        {"SequenceConstruct x y = t", "SequenceConstruct y x = t"}};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(lower_choice(others[i][0], others[i][1], &z, &tape), AY_E_STATE);
        assert_non_null(strstr(ay_tape_reason(tape), "cond depends on the inputs"));
        ay_tape_close(tape);
    }
}

static void refused(const char *const *nodes, uint32_t count, enum ay_code code, const char *reason)
{
    arena = ay_arena_over(memory, sizeof memory);
    struct ay_graph_graph g = graph("x yes maybe", "out", nodes, count);
    struct ay_graph_model model = model_of(&g, 1, 19);
    const struct ay_value *out = NULL;
    struct ay_tape *tape;
    assert_int_equal(lower_small(&model, false, &out, &tape), code);
    assert_non_null(strstr(ay_tape_reason(tape), reason));
    ay_tape_close(tape);
}

#define REFUSED(code, reason, ...)                                                                 \
    do {                                                                                           \
        static const char *const nodes[] = {__VA_ARGS__};                                          \
        refused(nodes, COUNT(nodes), code, reason);                                                \
    } while (0)

static void test_lower_wrong_model_is_refused_with_the_place(void **context)
{
    (void)context;
    REFUSED(AY_E_UNSUPPORTED, "missing: Nope, Never", "Nope x = a", "Never a = b", "Nope b = out");
    REFUSED(AY_E_FORMAT, "Add 'out': no value 'q'", "Add x q = out");
    REFUSED(AY_E_FORMAT, "Add 'out': 1 operands", "Add x = out");
    REFUSED(AY_E_FORMAT, "Add 'out': operand 1 is left out", "Add x _ = out");
    REFUSED(AY_E_FORMAT, "Exp 'a': 2 results", "Exp x = a b");
    REFUSED(AY_E_FORMAT, "no value for the output 'out'", "Exp x = a");
    REFUSED(AY_E_FORMAT, "Softmax 'out': axis 1 of 1", "Softmax x = out | axis n 1");
    REFUSED(AY_E_FORMAT, "attribute axis is of the wrong kind", "Softmax x = out | axis f 1");
    REFUSED(AY_E_FORMAT, "MatMul 'out': rows of 3", "Concat x x = xx | axis n 0",
            "MatMul xx xx = a", "MatMul x xx = out");
    REFUSED(AY_E_STATE, "If 'out': cond depends on the inputs", "If maybe = out");
}

static void test_lower_sequence_is_refused_where_there_can_be_none(void **context)
{
    (void)context;
    REFUSED(AY_E_FORMAT, "Add 'out': operand 1 is a sequence", "SequenceConstruct x x = s",
            "Add x s = out");
    REFUSED(AY_E_UNSUPPORTED, "output 'out' is a sequence", "SequenceConstruct x x = s",
            "Identity s = out");
    REFUSED(AY_E_FORMAT, "operand 0 is no sequence", "Size x = n", "SequenceAt x n = out");
    REFUSED(AY_E_FORMAT, "position is a sequence", "SequenceConstruct x = s",
            "SequenceAt s s = out");
    REFUSED(AY_E_FORMAT, "position 3 of 2", "Size x = n", "SequenceConstruct x x = s",
            "SequenceAt s n = out");
    REFUSED(AY_E_FORMAT, "nothing to erase", "SequenceEmpty = s", "SequenceErase s = out");
    REFUSED(AY_E_FORMAT, "does not add up to 3", "Shape x = d", "Concat d d = dd | axis n 0",
            "SplitToSequence x dd = out");
}

/* The named sizes of two inputs of a model, and what of them is accepted: "" or a reason. */
static void test_lower_sizes_of_one_name_agree_unless_an_input_has_it_twice(void **context)
{
    (void)context;
    static const struct {
        const char *name[2][2];
        uint64_t size[2][2];
        const char *reason;
    } cases[] = {
        {{{"n", "t"}, {"n", "t"}}, {{2, 5}, {2, 5}}, ""},
        {{{"n", "t"}, {"n", "t"}}, {{2, 5}, {2, 4}}, "input b: axis 1 has 4 elements, not 5 as"},
        {{{"n", "t"}, {"t", "n"}}, {{2, 5}, {2, 5}}, "input b: axis 0 has 2 elements, not 5 as"},
        {{{"n", "n"}, {"n", "n"}}, {{2, 5}, {2, 5}}, ""},
        {{{"n", "n"}, {"n", "t"}}, {{2, 5}, {3, 5}}, ""},
        {{{"n", "t"}, {"n", "n"}}, {{2, 5}, {3, 4}}, ""},
        {{{"", ""}, {"", ""}}, {{2, 5}, {3, 4}}, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ay_graph_dim dims[2][2] = {0};
        struct ay_graph_port ports[2];
        struct ay_ndarray inputs[2];
        struct ay_reason reason = {""};
        for (uint32_t k = 0; k < 2; k++) {
            for (uint32_t d = 0; d < 2; d++) dims[k][d].name = ay_slice_str(cases[i].name[k][d]);
            ports[k] = (struct ay_graph_port){.name = ay_slice_str(k ? "b" : "a"),
                                              .dtype = F32,
                                              .ranked = true,
                                              .dims_count = 2,
                                              .dims = dims[k]};
            inputs[k] = (struct ay_ndarray){.dtype = F32, .rank = 2};
            memcpy(inputs[k].dims, cases[i].size[k], sizeof cases[i].size[k]);
        }
        struct ay_graph_graph g = {.inputs = ports, .inputs_count = 2};
        struct ay_graph_model model = {.graphs = &g, .graphs_count = 1};
        bool accepted = ay_graph_accepts(&model, inputs, 2, &reason) == AY_OK;
        assert_int_equal(accepted, cases[i].reason[0] == 0);
        assert_non_null(strstr(reason.text, cases[i].reason));
    }
}

/* Before version 13 Split has an attribute that says how; from then on, an operand. */
static void test_lower_node_of_another_version_than_the_model_is_of_its_own(void **context)
{
    (void)context;
    static const char *const nodes[] = {"Split x = out rest | split i 1 2"};
    for (uint32_t i = 0; i < 2; i++) {
        arena = ay_arena_over(memory, sizeof memory);
        struct ay_graph_graph g = graph("x yes maybe", "out", nodes, 1);
        struct ay_graph_node old = g.nodes[0];
        struct ay_graph_model model = model_of(&g, 1, 19);
        const struct ay_value *out = NULL;
        struct ay_tape *tape;
        g.nodes = &old;
        old.version = i ? 12 : 0;
        assert_int_equal(lower_small(&model, false, &out, &tape), AY_OK);
        assert_int_equal(out->dims[0], i ? 1 : 2);
        ay_tape_close(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lower_network_gives_the_same_bits_as_a_program_and_on_known_inputs),
        cmocka_unit_test(test_lower_quantised_values_are_multiplied_as_bytes_known_or_not),
        cmocka_unit_test(test_lower_body_sees_and_hides_the_values_around_it),
        cmocka_unit_test(test_lower_unknown_condition_chooses_between_both_branches),
        cmocka_unit_test(test_lower_wrong_model_is_refused_with_the_place),
        cmocka_unit_test(test_lower_sequence_is_refused_where_there_can_be_none),
        cmocka_unit_test(test_lower_sizes_of_one_name_agree_unless_an_input_has_it_twice),
        cmocka_unit_test(test_lower_node_of_another_version_than_the_model_is_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
