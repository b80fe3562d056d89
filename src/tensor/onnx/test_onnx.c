/* ONNX models: what is read of them, and how those that cannot be are refused. */
#include "tensor/onnx/testing.h"

#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Refused with this code, for a reason that has this in it. */
static void refused(const struct ay_test_model *m, enum ay_code code, const char *text)
{
    struct ay_onnx onnx;
    struct ay_reason reason;
    assert_int_equal(ay_test_parse(m, &onnx, &reason), code);
    if (!strstr(reason.text, text)) fail_msg("'%s' is not in '%s'", text, reason.text);
}

struct bytes {
    uint8_t data[4096];
    size_t len;
};

static enum ay_code append(void *context, const void *bytes, size_t len)
{
    struct bytes *to = context;
    if (len > sizeof to->data - to->len) return AY_E_LIMIT;
    memcpy(to->data + to->len, bytes, len);
    to->len += len;
    return AY_OK;
}

static bool is(struct ay_slice s, const char *text)
{
    return ay_slice_equal(s, ay_slice_str(text));
}

static void test_onnx_model_becomes_a_graph(void **state)
{
    (void)state;
    struct ay_test_model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    struct bytes weights = {.len = 0};
    ay_test_make(&m);
    assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
    assert_int_equal(onnx.model.graphs_count, 1);
    assert_int_equal(onnx.model.opsets[0].version, 17);
    const struct ay_graph_graph *g = &onnx.model.graphs[0];
    assert_int_equal(g->inputs_count, 1);
    assert_true(is(g->inputs[0].name, "x") && g->inputs[0].ranked);
    assert_int_equal(g->inputs[0].dtype, AY_WORK_DTYPE_F32);
    assert_int_equal(g->inputs[0].dims_count, 2);
    assert_true(is(g->inputs[0].dims[0].name, "n") && g->inputs[0].dims[1].size == 2);
    assert_int_equal(g->nodes_count, 1);
    assert_true(is(g->nodes[0].op, "Add") && is(g->nodes[0].in[1], "k") &&
                is(g->nodes[0].out[0], "y"));
    assert_int_equal(g->constants_count, 1);
    assert_int_equal(ay_onnx_weights(&onnx, -1, append, &weights, NULL), AY_OK);
    assert_int_equal(weights.len, 8);
    assert_memory_equal(weights.data, m.k_values, 8);
    ay_onnx_close(&onnx);
}

static void test_onnx_initialiser_among_inputs_is_no_input(void **state)
{
    (void)state;
    struct ay_test_model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    Onnx__ValueInfoProto k, *both[2] = {&m.x, &k};
    ay_test_make(&m);
    ay_test_port(&k, "k", &m.type);
    m.graph.input = both;
    m.graph.n_input = 2;
    assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
    assert_int_equal(onnx.model.graphs[0].inputs_count, 1);
    ay_onnx_close(&onnx);
}

static void test_onnx_other_floats_are_kept_as_f32(void **state)
{
    (void)state;
    static const struct {
        int32_t type;
        uint8_t raw[16];
        size_t len;
    } cases[] = {{F16, {0x00, 0x3e, 0x00, 0xc0}, 4},
                 {BF16, {0xc0, 0x3f, 0x00, 0xc0}, 4},
                 {F64, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, 16}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ay_test_model m;
        struct ay_onnx onnx;
        struct ay_reason reason;
        struct bytes weights = {.len = 0};
        ay_test_make(&m);
        m.k.n_float_data = 0;
        m.k.data_type = cases[i].type;
        m.k.has_raw_data = true;
        m.k.raw_data = (ProtobufCBinaryData){cases[i].len, (uint8_t *)(uintptr_t)cases[i].raw};
        assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
        assert_int_equal(onnx.from_f16 + 2 * onnx.from_bf16 + 3 * onnx.from_f64, i + 1);
        assert_int_equal(ay_onnx_weights(&onnx, -1, append, &weights, NULL), AY_OK);
        assert_memory_equal(weights.data, m.k_values, 8);
        ay_onnx_close(&onnx);
    }
    for (size_t i = 0; i < COUNT(cases); i++) { /* and inputs of them are of f32 */
        struct ay_test_model m;
        struct ay_onnx onnx;
        struct ay_reason reason;
        ay_test_make(&m);
        m.tensor.elem_type = cases[i].type;
        assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
        assert_int_equal(onnx.model.graphs[0].inputs[0].dtype, AY_WORK_DTYPE_F32);
        assert_int_equal(onnx.inputs_f64, cases[i].type == F64);
        ay_onnx_close(&onnx);
    }
}

static void test_onnx_graph_bytes_are_canonical(void **state)
{
    (void)state;
    struct ay_test_model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    static uint8_t bytes[4096], again[4096], memory[65536] __attribute__((aligned(16)));
    uint32_t len = 0, len_again = 0;
    struct ay_arena arena = ay_arena_over(memory, sizeof memory);
    struct ay_graph_model decoded;
    ay_test_make(&m);
    assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
    assert_int_equal(ay_encode(&ay_graph_model_msg, &onnx.model, bytes, sizeof bytes, &len), AY_OK);
    assert_int_equal(ay_decode(&ay_graph_model_msg, ay_slice(bytes, len), &arena, &decoded, NULL),
                     AY_OK);
    assert_int_equal(ay_encode(&ay_graph_model_msg, &decoded, again, sizeof again, &len_again),
                     AY_OK);
    assert_int_equal(len, len_again);
    assert_memory_equal(bytes, again, len);
    ay_onnx_close(&onnx);
}

static void test_onnx_model_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct ay_test_model m;
    ay_test_make(&m);
    m.model.ir_version = AY_ONNX_IR + 1;
    refused(&m, AY_E_UNSUPPORTED, "IR version");
    ay_test_make(&m);
    m.opset.version = AY_ONNX_OPSET_MIN - 1;
    refused(&m, AY_E_UNSUPPORTED, "operator set");
    ay_test_make(&m);
    m.opset.version = AY_ONNX_OPSET_MAX + 1;
    refused(&m, AY_E_UNSUPPORTED, "operator set");
    ay_test_make(&m);
    m.model.graph = NULL;
    refused(&m, AY_E_FORMAT, "no graph");
    ay_test_make(&m);
    m.tensor.elem_type = U16;
    refused(&m, AY_E_UNSUPPORTED, "input x is of u16");
    ay_test_make(&m);
    m.type.value_case = ONNX__TYPE_PROTO__VALUE__NOT_SET;
    refused(&m, AY_E_UNSUPPORTED, "input x");
    ay_test_make(&m);
    m.nodes[0].op_type = NULL;
    refused(&m, AY_E_FORMAT, "no operator");
}

static void test_onnx_last_of_two_versions_counts(void **state)
{
    (void)state;
    struct ay_test_model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    ay_test_make(&m);
    Onnx__OperatorSetIdProto other = m.opset, *list[] = {&other, &m.opset};
    other.version = AY_ONNX_OPSET_MIN - 1;
    m.model.opset_import = list;
    m.model.n_opset_import = 2;
    assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
    assert_int_equal(onnx.model.opsets_count, 1);
    assert_int_equal(onnx.model.opsets[0].version, m.opset.version);
    ay_onnx_close(&onnx);
    list[0] = &m.opset;
    list[1] = &other;
    refused(&m, AY_E_UNSUPPORTED, "operator set");
}

static void test_onnx_names_and_order_are_checked(void **state)
{
    (void)state;
    struct ay_test_model m;
    char *k[] = {(char *)(uintptr_t) "k"}, *z[] = {(char *)(uintptr_t) "z"};
    ay_test_make(&m);
    m.in[0] = z[0];
    refused(&m, AY_E_FORMAT, "nothing before it gives z");
    ay_test_make(&m);
    m.out[0] = z[0];
    refused(&m, AY_E_FORMAT, "nothing gives output 0, 'y'");
    ay_test_make(&m);
    ay_test_node(&m, 1, "Neg", m.in, 1, m.out);
    refused(&m, AY_E_FORMAT, "two values are called y");
    ay_test_make(&m);
    ay_test_node(&m, 1, "Neg", m.in, 1, k);
    refused(&m, AY_E_FORMAT, "two values are called k");
    ay_test_make(&m);
    m.in[0] = z[0];
    ay_test_node(&m, 1, "Neg", m.out, 1, z); /* each other's value */
    refused(&m, AY_E_FORMAT, "nothing before it gives z");
    ay_test_make(&m);
    m.in[0] = (char *)(uintptr_t) "\xff";
    refused(&m, AY_E_FORMAT, "UTF-8");
}

/* y = Add(z, k), e = Exp(y), z = Neg(w), w = Abs(k) come in this order. */
static void test_onnx_nodes_are_put_behind_what_they_take(void **state)
{
    (void)state;
    static const char *const wanted[] = {"Abs", "Neg", "Add", "Exp"};
    struct ay_test_model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    char *k[] = {(char *)(uintptr_t) "k"}, *z[] = {(char *)(uintptr_t) "z"};
    char *w[] = {(char *)(uintptr_t) "w"}, *e[] = {(char *)(uintptr_t) "e"};
    ay_test_make(&m);
    m.in[0] = z[0];
    ay_test_node(&m, 1, "Exp", m.out, 1, e);
    ay_test_node(&m, 2, "Neg", w, 1, z);
    ay_test_node(&m, 3, "Abs", k, 1, w);
    assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
    assert_int_equal(onnx.model.graphs[0].nodes_count, COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_true(ay_slice_equal(onnx.model.graphs[0].nodes[i].op, ay_slice_str(wanted[i])));
    ay_onnx_close(&onnx);
}

static void test_onnx_constant_that_lies_is_refused(void **state)
{
    (void)state;
    static int64_t huge[] = {INT64_MAX, 2}, overflow[] = {1ll << 40, 1ll << 40};
    static int64_t many[9] = {1, 1, 1, 1, 1, 1, 1, 1, 2};
    struct ay_test_model m;
    ay_test_make(&m);
    m.k_dims[0] = 3;
    refused(&m, AY_E_FORMAT, "constant k: 2 elements, its shape needs 3");
    ay_test_make(&m);
    m.k_dims[0] = -2;
    refused(&m, AY_E_LIMIT, "constant k");
    ay_test_make(&m);
    m.k.dims = huge;
    refused(&m, AY_E_LIMIT, "constant k");
    ay_test_make(&m);
    m.k.dims = overflow;
    m.k.n_dims = 2;
    refused(&m, AY_E_LIMIT, "constant k");
    ay_test_make(&m);
    m.k.dims = many;
    m.k.n_dims = 9;
    refused(&m, AY_E_UNSUPPORTED, "dimensions");
    ay_test_make(&m);
    m.k.data_type = STRING;
    refused(&m, AY_E_UNSUPPORTED, "constant k: elements of strings");
    ay_test_make(&m);
    m.k.data_type = 99;
    refused(&m, AY_E_UNSUPPORTED, "unknown type");
    ay_test_make(&m);
    m.k.has_raw_data = true;
    m.k.raw_data = (ProtobufCBinaryData){7, (uint8_t *)m.k_values};
    refused(&m, AY_E_FORMAT, "7 bytes, its shape needs 8");
}

/* Functions */

static void test_onnx_function_is_written_out_where_it_is_called(void **state)
{
    (void)state;
    struct ay_test_model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    char *formal_in[] = {(char *)(uintptr_t) "a", (char *)(uintptr_t) "b"};
    char *inner[] = {(char *)(uintptr_t) "t"}, *formal_out[] = {(char *)(uintptr_t) "r"};
    Onnx__FunctionProto f = ONNX__FUNCTION_PROTO__INIT, *functions[] = {&f};
    Onnx__AttributeProto given = ONNX__ATTRIBUTE_PROTO__INIT, inside = given, *list[] = {&given};
    Onnx__AttributeProto *inside_list[] = {&inside};
    Onnx__NodeProto body[2] = {ONNX__NODE_PROTO__INIT, ONNX__NODE_PROTO__INIT};
    Onnx__NodeProto *nodes[] = {&body[0], &body[1]};
    ay_test_make(&m);
    body[0].op_type = (char *)(uintptr_t) "Add";
    body[0].input = formal_in;
    body[0].n_input = 2;
    body[0].output = inner;
    body[1].op_type = (char *)(uintptr_t) "LeakyRelu";
    body[1].input = inner;
    body[1].n_input = 1;
    body[1].output = formal_out;
    body[0].n_output = body[1].n_output = 1;
    body[1].attribute = inside_list;
    body[1].n_attribute = 1;
    inside.name = (char *)(uintptr_t) "alpha";
    inside.ref_attr_name = (char *)(uintptr_t) "slope";
    given.name = (char *)(uintptr_t) "slope";
    given.has_f = given.has_type = true;
    given.type = 1;
    given.f = 0.5f;
    f.name = (char *)(uintptr_t) "Mine";
    f.domain = (char *)(uintptr_t) "own";
    f.input = formal_in;
    f.n_input = 2;
    f.output = formal_out;
    f.n_output = 1;
    f.node = nodes;
    f.n_node = 2;
    m.model.functions = functions;
    m.model.n_functions = 1;
    m.nodes[0].op_type = f.name;
    m.nodes[0].domain = f.domain;
    m.nodes[0].attribute = list;
    m.nodes[0].n_attribute = 1;
    assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
    const struct ay_graph_graph *g = &onnx.model.graphs[0];
    assert_int_equal(g->nodes_count, 2);
    assert_true(is(g->nodes[0].in[0], "x") && is(g->nodes[0].in[1], "k"));
    assert_true(ay_slice_equal(g->nodes[0].out[0], g->nodes[1].in[0]));
    assert_true(is(g->nodes[1].out[0], "y"));
    assert_int_equal(g->nodes[1].attributes_count, 1);
    assert_true(is(g->nodes[1].attributes[0].name, "alpha"));
    assert_memory_equal(g->nodes[1].attributes[0].floats, &given.f, 4);
    ay_onnx_close(&onnx);
    /* An attribute that the call leaves out is left out. */
    m.nodes[0].n_attribute = 0;
    assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
    assert_int_equal(onnx.model.graphs[0].nodes[1].attributes_count, 0);
    assert_int_equal(onnx.model.graphs[0].nodes[1].version, 0);
    ay_onnx_close(&onnx);
    /* Its nodes are of its own version where that is another than the model's. */
    Onnx__OperatorSetIdProto other = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = {&other};
    other.domain = (char *)(uintptr_t) "";
    f.opset_import = opsets;
    f.n_opset_import = 1;
    other.has_version = true;
    for (other.version = AY_ONNX_OPSET_MIN; other.version <= AY_ONNX_OPSET_MAX; other.version++) {
        assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
        uint64_t models = onnx.model.opsets[0].version, own = (uint64_t)other.version;
        assert_int_equal(onnx.model.opsets_count, 1);
        assert_int_equal(onnx.model.graphs[0].nodes[1].version, own == models ? 0 : own);
        ay_onnx_close(&onnx);
    }
    refused(&m, AY_E_UNSUPPORTED, "of the operator set");
    f.n_opset_import = 0;
    /* One that calls itself has no end. */
    body[0].op_type = f.name;
    body[0].domain = f.domain;
    refused(&m, AY_E_LIMIT, "deeper");
}

/* 24 functions, each calling the next one twice. */
static void test_onnx_functions_that_multiply_are_refused(void **state)
{
    (void)state;
    enum { LEVELS = 24 };
    static char names[LEVELS + 1][8];
    static Onnx__FunctionProto functions[LEVELS], *list[LEVELS];
    static Onnx__NodeProto body[LEVELS][2], *nodes[LEVELS][2];
    char *in[] = {(char *)(uintptr_t) "a"}, *t[] = {(char *)(uintptr_t) "t"};
    char *out[] = {(char *)(uintptr_t) "r"};
    struct ay_test_model m;
    ay_test_make(&m);
    for (size_t i = 0; i <= LEVELS; i++) (void)snprintf(names[i], sizeof names[i], "F%zu", i);
    for (size_t i = 0; i < LEVELS; i++) {
        onnx__function_proto__init(&functions[i]);
        for (size_t k = 0; k < 2; k++) {
            onnx__node_proto__init(&body[i][k]);
            body[i][k].op_type = i + 1 < LEVELS ? names[i + 1] : (char *)(uintptr_t) "Neg";
            body[i][k].input = k ? t : in;
            body[i][k].output = k ? out : t;
            body[i][k].n_input = body[i][k].n_output = 1;
            nodes[i][k] = &body[i][k];
        }
        functions[i].name = names[i];
        functions[i].input = in;
        functions[i].output = out;
        functions[i].n_input = functions[i].n_output = 1;
        functions[i].node = nodes[i];
        functions[i].n_node = 2;
        list[i] = &functions[i];
    }
    m.model.functions = list;
    m.model.n_functions = LEVELS;
    m.nodes[0].op_type = names[0];
    m.nodes[0].n_input = 1;
    refused(&m, AY_E_LIMIT, "more than");
}

/* Graphs within graphs */

static void test_onnx_graphs_too_deep_are_refused(void **state)
{
    (void)state;
    enum { LEVELS = 40 };
    static Onnx__GraphProto graphs[LEVELS];
    static Onnx__AttributeProto attributes[LEVELS], *attribute_lists[LEVELS][1];
    static Onnx__NodeProto nodes[LEVELS], *node_lists[LEVELS][1];
    char *out[] = {(char *)(uintptr_t) "inner"};
    struct ay_test_model m;
    for (int levels = 2; levels <= LEVELS; levels += 38) {
        ay_test_make(&m);
        for (int i = 0; i < levels; i++) {
            onnx__graph_proto__init(&graphs[i]);
            onnx__attribute_proto__init(&attributes[i]);
            onnx__node_proto__init(&nodes[i]);
            attributes[i].name = (char *)(uintptr_t) "body";
            attributes[i].has_type = true;
            attributes[i].type = 5;
            attributes[i].g = &graphs[i];
            attribute_lists[i][0] = &attributes[i];
            nodes[i].op_type = (char *)(uintptr_t) "Loop";
            nodes[i].output = out;
            nodes[i].n_output = 1;
            nodes[i].attribute = attribute_lists[i];
            nodes[i].n_attribute = 1;
            node_lists[i][0] = &nodes[i];
            if (i == 0) continue;
            graphs[i - 1].node = node_lists[i];
            graphs[i - 1].n_node = 1;
        }
        m.node_list[1] = &nodes[0];
        m.graph.n_node = 2;
        if (levels == 2) {
            struct ay_onnx onnx;
            struct ay_reason reason;
            assert_int_equal(ay_test_parse(&m, &onnx, &reason), AY_OK);
            assert_int_equal(onnx.model.graphs_count, 3);
            assert_int_equal(onnx.model.graphs[1].nodes[0].attributes[0].index, 2);
            ay_onnx_close(&onnx);
        } else {
            refused(&m, AY_E_LIMIT, "within each other");
        }
    }
}

/* Bytes */

static enum ay_code parse_bytes(const void *bytes, size_t len)
{
    struct ay_onnx onnx;
    struct ay_reason reason = {""};
    enum ay_code code = ay_onnx_parse(bytes, len, AY_TEST_LIMIT, &onnx, &reason);
    if (code == AY_OK)
        ay_onnx_close(&onnx);
    else
        assert_true(reason.text[0]);
    return code;
}

static void test_onnx_other_formats_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *named;
        size_t len;
    } cases[] = {{"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS", 57},
                 {"\x24\0\0\0ORTM\0\0\0\0", "ORT", 12},
                 {"\x1c\0\0\0TFL3\0\0\0\0", "TensorFlow Lite", 12},
                 {"\x1f\x8b\x08\0\0\0\0\0", "gzip", 8},
                 {"PK\x03\x04\x14\0\x08\0", "zip", 8},
                 {"<!DOCTYPE html>\n", "HTML", 16},
                 {"\x1f\x8a", "malformed", 2},
                 {"<", "HTML", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_onnx onnx;
        struct ay_reason reason = {""};
        assert_int_equal(ay_onnx_parse((const uint8_t *)cases[i].bytes, cases[i].len, AY_TEST_LIMIT,
                                       &onnx, &reason),
                         AY_E_FORMAT);
        assert_non_null(strstr(reason.text, cases[i].named));
    }
}

static void test_onnx_each_cut_and_change_is_refused_or_read(void **state)
{
    (void)state;
    struct ay_test_model m;
    size_t len;
    ay_test_make(&m);
    uint8_t *bytes = ay_test_pack(&m, &len);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut + 1); /* so that a sanitizer sees a step beyond it */
        assert_non_null(part);
        memcpy(part, bytes, cut);
        assert_int_not_equal(parse_bytes(part, cut), AY_OK);
        free(part);
    }
    for (size_t i = 0; i < len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            (void)parse_bytes(bytes, len);
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_onnx_model_becomes_a_graph),
        cmocka_unit_test(test_onnx_initialiser_among_inputs_is_no_input),
        cmocka_unit_test(test_onnx_other_floats_are_kept_as_f32),
        cmocka_unit_test(test_onnx_graph_bytes_are_canonical),
        cmocka_unit_test(test_onnx_model_that_cannot_be_is_refused),
        cmocka_unit_test(test_onnx_last_of_two_versions_counts),
        cmocka_unit_test(test_onnx_names_and_order_are_checked),
        cmocka_unit_test(test_onnx_nodes_are_put_behind_what_they_take),
        cmocka_unit_test(test_onnx_constant_that_lies_is_refused),
        cmocka_unit_test(test_onnx_function_is_written_out_where_it_is_called),
        cmocka_unit_test(test_onnx_functions_that_multiply_are_refused),
        cmocka_unit_test(test_onnx_graphs_too_deep_are_refused),
        cmocka_unit_test(test_onnx_other_formats_are_named),
        cmocka_unit_test(test_onnx_each_cut_and_change_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
