/* ONNX files: what is read of them, and how hostile ones are refused. Models are made with
 * libprotobuf-c. */
#include "base/codec.h"
#include <onnx.pb-c.h>
#include "tensor/graph_folder.h"
#include "tensor/onnx/onnx.h"
#include "tensor/onnx/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT        (256u << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { F32 = 1, U16 = 4, I32 = 6, I64 = 7, STRING = 8, F16 = 10, F64 = 11, BF16 = 16 };

/* The smallest model there is: y = Add(x, k), x f32 (n, 2), k f32 (2). Tests change it. */
struct model {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset;
    Onnx__NodeProto nodes[4];
    Onnx__TensorProto k;
    Onnx__ValueInfoProto x, y;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dims[2];
    Onnx__OperatorSetIdProto *opset_list[1];
    Onnx__NodeProto *node_list[4];
    Onnx__TensorProto *k_list[2];
    Onnx__ValueInfoProto *x_list[1], *y_list[1];
    Onnx__TensorShapeProto__Dimension *dim_list[2];
    int64_t k_dims[2];
    float k_values[2];
    char *in[2], *out[1];
};

static void node(struct model *m, size_t i, const char *op, char **in, size_t n_in, char **out)
{
    onnx__node_proto__init(&m->nodes[i]);
    m->nodes[i].op_type = (char *)(uintptr_t)op;
    m->nodes[i].input = in;
    m->nodes[i].n_input = n_in;
    m->nodes[i].output = out;
    m->nodes[i].n_output = 1;
    m->node_list[i] = &m->nodes[i];
    m->graph.node = m->node_list;
    m->graph.n_node = i + 1;
}

static void port(Onnx__ValueInfoProto *v, const char *name, Onnx__TypeProto *type)
{
    onnx__value_info_proto__init(v);
    v->name = (char *)(uintptr_t)name;
    v->type = type;
}

static void make(struct model *m)
{
    memset(m, 0, sizeof *m);
    onnx__model_proto__init(&m->model);
    onnx__graph_proto__init(&m->graph);
    onnx__operator_set_id_proto__init(&m->opset);
    onnx__tensor_proto__init(&m->k);
    onnx__type_proto__init(&m->type);
    onnx__type_proto__tensor__init(&m->tensor);
    onnx__tensor_shape_proto__init(&m->shape);
    for (size_t i = 0; i < 2; i++) {
        onnx__tensor_shape_proto__dimension__init(&m->dims[i]);
        m->dim_list[i] = &m->dims[i];
    }
    m->model.has_ir_version = true;
    m->model.ir_version = 8;
    m->opset.has_version = true;
    m->opset.version = 17;
    m->opset_list[0] = &m->opset;
    m->model.opset_import = m->opset_list;
    m->model.n_opset_import = 1;
    m->model.graph = &m->graph;
    m->dims[0].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    m->dims[0].dim_param = (char *)(uintptr_t) "n";
    m->dims[1].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    m->dims[1].dim_value = 2;
    m->shape.dim = m->dim_list;
    m->shape.n_dim = 2;
    m->tensor.has_elem_type = true;
    m->tensor.elem_type = F32;
    m->tensor.shape = &m->shape;
    m->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    m->type.tensor_type = &m->tensor;
    port(&m->x, "x", &m->type);
    port(&m->y, "y", &m->type);
    m->x_list[0] = &m->x;
    m->y_list[0] = &m->y;
    m->graph.input = m->x_list;
    m->graph.output = m->y_list;
    m->graph.n_input = m->graph.n_output = 1;
    m->k.name = (char *)(uintptr_t) "k";
    m->k.has_data_type = true;
    m->k.data_type = F32;
    m->k_dims[0] = 2;
    m->k.dims = m->k_dims;
    m->k.n_dims = 1;
    m->k_values[0] = 1.5f;
    m->k_values[1] = -2;
    m->k.float_data = m->k_values;
    m->k.n_float_data = 2;
    m->k_list[0] = &m->k;
    m->graph.initializer = m->k_list;
    m->graph.n_initializer = 1;
    m->in[0] = (char *)(uintptr_t) "x";
    m->in[1] = (char *)(uintptr_t) "k";
    m->out[0] = (char *)(uintptr_t) "y";
    node(m, 0, "Add", m->in, 2, m->out);
}

static uint8_t *pack(const struct model *m, size_t *len)
{
    *len = onnx__model_proto__get_packed_size(&m->model);
    uint8_t *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(onnx__model_proto__pack(&m->model, bytes), *len);
    return bytes;
}

static enum ay_code parse(const struct model *m, struct ay_onnx *out, struct ay_reason *reason)
{
    size_t len;
    uint8_t *bytes = pack(m, &len);
    reason->text[0] = 0;
    enum ay_code code = ay_onnx_parse(bytes, len, LIMIT, out, reason);
    free(bytes);
    return code;
}

/* Refused with this code, for a reason that has this in it. */
static void refused(const struct model *m, enum ay_code code, const char *text)
{
    struct ay_onnx onnx;
    struct ay_reason reason;
    assert_int_equal(parse(m, &onnx, &reason), code);
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
    struct model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    struct bytes weights = {.len = 0};
    make(&m);
    assert_int_equal(parse(&m, &onnx, &reason), AY_OK);
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
    struct model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    Onnx__ValueInfoProto k, *both[2] = {&m.x, &k};
    make(&m);
    port(&k, "k", &m.type);
    m.graph.input = both;
    m.graph.n_input = 2;
    assert_int_equal(parse(&m, &onnx, &reason), AY_OK);
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
        struct model m;
        struct ay_onnx onnx;
        struct ay_reason reason;
        struct bytes weights = {.len = 0};
        make(&m);
        m.k.n_float_data = 0;
        m.k.data_type = cases[i].type;
        m.k.has_raw_data = true;
        m.k.raw_data = (ProtobufCBinaryData){cases[i].len, (uint8_t *)(uintptr_t)cases[i].raw};
        assert_int_equal(parse(&m, &onnx, &reason), AY_OK);
        assert_int_equal(onnx.from_f16 + 2 * onnx.from_bf16 + 3 * onnx.from_f64, i + 1);
        assert_int_equal(ay_onnx_weights(&onnx, -1, append, &weights, NULL), AY_OK);
        assert_memory_equal(weights.data, m.k_values, 8);
        ay_onnx_close(&onnx);
    }
}

static void test_onnx_graph_bytes_are_canonical(void **state)
{
    (void)state;
    struct model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    static uint8_t bytes[4096], again[4096], memory[65536] __attribute__((aligned(16)));
    uint32_t len = 0, len_again = 0;
    struct ay_arena arena = ay_arena_over(memory, sizeof memory);
    struct ay_graph_model decoded;
    make(&m);
    assert_int_equal(parse(&m, &onnx, &reason), AY_OK);
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
    struct model m;
    make(&m);
    m.model.ir_version = AY_ONNX_IR + 1;
    refused(&m, AY_E_UNSUPPORTED, "IR version");
    make(&m);
    m.opset.version = AY_ONNX_OPSET_MIN - 1;
    refused(&m, AY_E_UNSUPPORTED, "operator set");
    make(&m);
    m.opset.version = AY_ONNX_OPSET_MAX + 1;
    refused(&m, AY_E_UNSUPPORTED, "operator set");
    make(&m);
    m.model.graph = NULL;
    refused(&m, AY_E_FORMAT, "no graph");
    make(&m);
    m.tensor.elem_type = F16;
    refused(&m, AY_E_UNSUPPORTED, "input x is of f16");
    make(&m);
    m.tensor.elem_type = F64;
    refused(&m, AY_E_UNSUPPORTED, "input x is of f64");
    make(&m);
    m.tensor.elem_type = U16;
    refused(&m, AY_E_UNSUPPORTED, "input x is of u16");
    make(&m);
    m.type.value_case = ONNX__TYPE_PROTO__VALUE__NOT_SET;
    refused(&m, AY_E_UNSUPPORTED, "input x");
    make(&m);
    m.nodes[0].op_type = NULL;
    refused(&m, AY_E_FORMAT, "no operator");
}

static void test_onnx_names_and_order_are_checked(void **state)
{
    (void)state;
    struct model m;
    char *k[] = {(char *)(uintptr_t) "k"}, *z[] = {(char *)(uintptr_t) "z"};
    make(&m);
    m.in[0] = z[0];
    refused(&m, AY_E_FORMAT, "nothing before it gives z");
    make(&m);
    m.out[0] = z[0];
    refused(&m, AY_E_FORMAT, "nothing gives output 0, 'y'");
    make(&m);
    node(&m, 1, "Neg", m.in, 1, m.out);
    refused(&m, AY_E_FORMAT, "two values are called y");
    make(&m);
    node(&m, 1, "Neg", m.in, 1, k);
    refused(&m, AY_E_FORMAT, "two values are called k");
    make(&m);
    m.in[0] = z[0];
    node(&m, 1, "Neg", k, 1, z); /* after its use */
    refused(&m, AY_E_FORMAT, "nothing before it gives z");
    make(&m);
    m.in[0] = (char *)(uintptr_t) "\xff";
    refused(&m, AY_E_FORMAT, "UTF-8");
}

static void test_onnx_constant_that_lies_is_refused(void **state)
{
    (void)state;
    static int64_t huge[] = {INT64_MAX, 2}, overflow[] = {1ll << 40, 1ll << 40};
    static int64_t many[9] = {1, 1, 1, 1, 1, 1, 1, 1, 2};
    struct model m;
    make(&m);
    m.k_dims[0] = 3;
    refused(&m, AY_E_FORMAT, "constant k: 2 elements, its shape needs 3");
    make(&m);
    m.k_dims[0] = -2;
    refused(&m, AY_E_LIMIT, "constant k");
    make(&m);
    m.k.dims = huge;
    refused(&m, AY_E_LIMIT, "constant k");
    make(&m);
    m.k.dims = overflow;
    m.k.n_dims = 2;
    refused(&m, AY_E_LIMIT, "constant k");
    make(&m);
    m.k.dims = many;
    m.k.n_dims = 9;
    refused(&m, AY_E_UNSUPPORTED, "dimensions");
    make(&m);
    m.k.data_type = STRING;
    refused(&m, AY_E_UNSUPPORTED, "constant k: elements of strings");
    make(&m);
    m.k.data_type = 99;
    refused(&m, AY_E_UNSUPPORTED, "unknown type");
    make(&m);
    m.k.has_raw_data = true;
    m.k.raw_data = (ProtobufCBinaryData){7, (uint8_t *)m.k_values};
    refused(&m, AY_E_FORMAT, "7 bytes, its shape needs 8");
}

/* Functions */

static void test_onnx_function_is_written_out_where_it_is_called(void **state)
{
    (void)state;
    struct model m;
    struct ay_onnx onnx;
    struct ay_reason reason;
    char *formal_in[] = {(char *)(uintptr_t) "a", (char *)(uintptr_t) "b"};
    char *inner[] = {(char *)(uintptr_t) "t"}, *formal_out[] = {(char *)(uintptr_t) "r"};
    Onnx__FunctionProto f = ONNX__FUNCTION_PROTO__INIT, *functions[] = {&f};
    Onnx__AttributeProto given = ONNX__ATTRIBUTE_PROTO__INIT, inside = given, *list[] = {&given};
    Onnx__AttributeProto *inside_list[] = {&inside};
    Onnx__NodeProto body[2] = {ONNX__NODE_PROTO__INIT, ONNX__NODE_PROTO__INIT};
    Onnx__NodeProto *nodes[] = {&body[0], &body[1]};
    make(&m);
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
    assert_int_equal(parse(&m, &onnx, &reason), AY_OK);
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
    assert_int_equal(parse(&m, &onnx, &reason), AY_OK);
    assert_int_equal(onnx.model.graphs[0].nodes[1].attributes_count, 0);
    ay_onnx_close(&onnx);
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
    struct model m;
    make(&m);
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
    struct model m;
    for (int levels = 2; levels <= LEVELS; levels += 38) {
        make(&m);
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
            assert_int_equal(parse(&m, &onnx, &reason), AY_OK);
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
    enum ay_code code = ay_onnx_parse(bytes, len, LIMIT, &onnx, &reason);
    if (code == AY_OK)
        ay_onnx_close(&onnx);
    else
        assert_true(reason.text[0]);
    return code;
}

static void test_onnx_each_cut_and_change_is_refused_or_read(void **state)
{
    (void)state;
    struct model m;
    size_t len;
    make(&m);
    uint8_t *bytes = pack(&m, &len);
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

static void test_wire_what_the_library_would_choke_on_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *bytes;
        size_t len;
        enum ay_code code;
    } cases[] = {
        {"a group", "\x0b", 1, AY_E_FORMAT},
        {"field number 0", "\x00\x00", 2, AY_E_FORMAT},
        {"a tag above 32 bits", "\x88\x80\x80\x80\x80\x01\x00", 7, AY_E_FORMAT},
        {"a varint of 11 bytes", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12,
         AY_E_FORMAT},
        {"a varint above 64 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11, AY_E_FORMAT},
        {"the IR version twice", "\x08\x08\x08\x08", 4, AY_E_FORMAT},
        {"two graphs, to be merged", "\x3a\x00\x3a\x00", 4, AY_E_FORMAT},
        {"a graph that is a number", "\x38\x01", 2, AY_E_FORMAT},
        {"a length beyond the end", "\x3a\x05\x00", 3, AY_E_FORMAT},
        {"a length that wraps round", "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11,
         AY_E_FORMAT},
        {"a string with a NUL",
         "\x12\x03"
         "a\0b",
         5, AY_E_FORMAT},
        {"an unknown field, cut", "\xfa\x01\x02\x00", 4, AY_E_FORMAT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t need;
        struct ay_reason reason = {""};
        enum ay_code code =
            ay_wire_measure(&onnx__model_proto__descriptor, (const uint8_t *)cases[i].bytes,
                            cases[i].len, &need, &reason);
        if (code != cases[i].code || !reason.text[0]) fail_msg("%s: code %d", cases[i].what, code);
    }
}

/* Two bytes of an unknown field become an allocation each. */
static void test_wire_memory_is_measured_before_it_is_taken(void **state)
{
    (void)state;
    enum { FIELDS = 1 << 20 };
    uint64_t need = 0;
    struct ay_onnx onnx;
    struct ay_reason reason = {""};
    ProtobufCMessage *message = NULL;
    uint8_t *bytes = malloc(2 * FIELDS);
    assert_non_null(bytes);
    for (size_t i = 0; i < FIELDS; i++) memcpy(bytes + 2 * i, "\x78\x01", 2);
    assert_int_equal(
        ay_wire_measure(&onnx__model_proto__descriptor, bytes, 2 * FIELDS, &need, &reason), AY_OK);
    assert_true(need > 32 * FIELDS);
    assert_int_equal(
        ay_wire_decode(&onnx__model_proto__descriptor, bytes, 2 * FIELDS, need, &message, &reason),
        AY_OK);
    protobuf_c_message_free_unpacked(message, NULL);
    assert_int_equal(ay_onnx_parse(bytes, 2 * FIELDS, 64u << 20, &onnx, &reason), AY_E_LIMIT);
    assert_non_null(strstr(reason.text, "MiB"));
    free(bytes);
}

/* Files */

static char folder[] = "/tmp/assay-onnx-XXXXXX";

static char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static enum ay_code import(const struct model *m, struct ay_reason *reason)
{
    static const struct ay_onnx_options options = {
        .licence = "MIT", .source = "here", .limit_bytes = LIMIT};
    struct ay_reason notice;
    size_t len;
    uint8_t *bytes = pack(m, &len);
    write_file("m.onnx", bytes, len);
    free(bytes);
    return ay_onnx_import(path_of("m.onnx"), path_of("model"), &options, &notice, reason);
}

static void remove_model(void)
{
    (void)unlink(path_of("model/graph.bin"));
    (void)unlink(path_of("model/weights.bin"));
    (void)unlink(path_of("model/model.json"));
    assert_int_equal(rmdir(path_of("model")), 0);
}

static void flip(const char *name)
{
    FILE *f = fopen(path_of(name), "r+b");
    assert_non_null(f);
    int c = fgetc(f);
    assert_int_equal(fseek(f, 0, SEEK_SET), 0);
    assert_true(fputc(c ^ 1, f) != EOF);
    assert_int_equal(fclose(f), 0);
}

static void test_onnx_folder_is_opened_again_unless_damaged(void **state)
{
    (void)state;
    struct model m;
    struct ay_reason reason = {""};
    struct ay_graph_folder *f = NULL;
    make(&m);
    assert_int_equal(import(&m, &reason), AY_OK);
    assert_true(ay_graph_folder_is(path_of("model")));
    assert_int_equal(ay_graph_folder_open(path_of("model"), &f, &reason), AY_OK);
    assert_string_equal(f->licence, "MIT");
    assert_memory_equal(f->weights, m.k_values, 8);
    ay_graph_folder_close(f);
    assert_int_equal(import(&m, &reason), AY_E_EXISTS);
    for (size_t i = 0; i < 2; i++) {
        const char *name = i ? "model/graph.bin" : "model/weights.bin";
        flip(name);
        enum ay_code code = ay_graph_folder_open(path_of("model"), &f, &reason);
        assert_true(code == AY_E_HASH || code == AY_E_FORMAT);
        assert_non_null(strstr(reason.text, name + 6));
        flip(name);
    }
    remove_model();
    m.model.graph = NULL;
    assert_int_equal(import(&m, &reason), AY_E_FORMAT);
    assert_int_equal(access(path_of("model"), F_OK), -1);
    assert_int_equal(access(path_of("model.part"), F_OK), -1);
}

static void test_onnx_external_data_is_read_within_the_folder_only(void **state)
{
    (void)state;
    static const float data[] = {9, 1.5f, -2};
    struct {
        const char *location, *offset, *length, *reason;
        enum ay_code code;
    } cases[] = {
        {"data.bin", "4", "8", "", AY_OK},
        {"./sub/../data.bin", "4", NULL, "", AY_OK},
        {"data.bin", "8", "8", "too short", AY_E_FORMAT},
        {"data.bin", "4", "4", "length", AY_E_FORMAT},
        {"data.bin", "-4", "8", "offset", AY_E_FORMAT},
        {"data.bin", "18446744073709551612", "8", "offset", AY_E_FORMAT},
        {"none.bin", "0", "8", "none.bin", AY_E_NOT_FOUND},
        {"../assay-onnx-outside.bin", "0", "8", "outside.bin", AY_E_IO},
        {"sub/../../assay-onnx-outside.bin", "0", "8", "outside.bin", AY_E_IO},
        {"/etc/passwd", "0", "8", "passwd", AY_E_IO},
        {"link.bin", "0", "8", "link.bin", AY_E_IO},
        {"hard.bin", "0", "8", "hard.bin", AY_E_IO},
        {"linked/data.bin", "0", "8", "linked", AY_E_IO},
        {"sub", "0", "8", "sub", AY_E_IO},
        {"pipe", "0", "8", "pipe", AY_E_IO},
        {NULL, "0", "8", "location", AY_E_FORMAT},
    };
    assert_int_equal(mkdir(path_of("sub"), 0700), 0);
    write_file("data.bin", data, sizeof data);
    write_file("../assay-onnx-outside.bin", data, sizeof data);
    write_file("twice.bin", data, sizeof data);
    assert_int_equal(symlink("data.bin", path_of("link.bin")), 0);
    assert_int_equal(symlink(".", path_of("linked")), 0);
    assert_int_equal(link(path_of("twice.bin"), path_of("hard.bin")), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model m;
        struct ay_reason reason = {""};
        const char *texts[3][2] = {{"location", cases[i].location},
                                   {"offset", cases[i].offset},
                                   {"length", cases[i].length}};
        Onnx__StringStringEntryProto entries[3], *list[3];
        make(&m);
        m.k.n_float_data = 0;
        m.k.has_data_location = true;
        m.k.data_location = 1;
        m.k.external_data = list;
        for (size_t k = 0; k < 3; k++) {
            if (!texts[k][1]) continue;
            onnx__string_string_entry_proto__init(&entries[k]);
            entries[k].key = (char *)(uintptr_t)texts[k][0];
            entries[k].value = (char *)(uintptr_t)texts[k][1];
            list[m.k.n_external_data++] = &entries[k];
        }
        enum ay_code code = import(&m, &reason);
        if (code != cases[i].code || !strstr(reason.text, cases[i].reason))
            fail_msg("case %zu: code %d, %s", i, code, reason.text);
        if (code != AY_OK) continue;
        struct ay_graph_folder *f = NULL;
        assert_int_equal(ay_graph_folder_open(path_of("model"), &f, &reason), AY_OK);
        assert_memory_equal(f->weights, data + 1, 8);
        ay_graph_folder_close(f);
        remove_model();
    }
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "m.onnx",   "data.bin",  "link.bin", "linked",
        "hard.bin", "twice.bin", "pipe",     "../assay-onnx-outside.bin"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) (void)unlink(path_of(names[i]));
    (void)rmdir(path_of("sub"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_onnx_model_becomes_a_graph),
        cmocka_unit_test(test_onnx_initialiser_among_inputs_is_no_input),
        cmocka_unit_test(test_onnx_other_floats_are_kept_as_f32),
        cmocka_unit_test(test_onnx_graph_bytes_are_canonical),
        cmocka_unit_test(test_onnx_model_that_cannot_be_is_refused),
        cmocka_unit_test(test_onnx_names_and_order_are_checked),
        cmocka_unit_test(test_onnx_constant_that_lies_is_refused),
        cmocka_unit_test(test_onnx_function_is_written_out_where_it_is_called),
        cmocka_unit_test(test_onnx_functions_that_multiply_are_refused),
        cmocka_unit_test(test_onnx_graphs_too_deep_are_refused),
        cmocka_unit_test(test_onnx_each_cut_and_change_is_refused_or_read),
        cmocka_unit_test(test_wire_what_the_library_would_choke_on_is_refused),
        cmocka_unit_test(test_wire_memory_is_measured_before_it_is_taken),
        cmocka_unit_test(test_onnx_folder_is_opened_again_unless_damaged),
        cmocka_unit_test(test_onnx_external_data_is_read_within_the_folder_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
