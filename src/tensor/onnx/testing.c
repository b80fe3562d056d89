#include "tensor/onnx/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void ay_test_node(struct ay_test_model *m, size_t i, const char *op, char **in, size_t n_in,
                  char **out)
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

void ay_test_port(Onnx__ValueInfoProto *v, const char *name, Onnx__TypeProto *type)
{
    onnx__value_info_proto__init(v);
    v->name = (char *)(uintptr_t)name;
    v->type = type;
}

void ay_test_make(struct ay_test_model *m)
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
    ay_test_port(&m->x, "x", &m->type);
    ay_test_port(&m->y, "y", &m->type);
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
    ay_test_node(m, 0, "Add", m->in, 2, m->out);
}

uint8_t *ay_test_pack(const struct ay_test_model *m, size_t *len)
{
    *len = onnx__model_proto__get_packed_size(&m->model);
    uint8_t *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(onnx__model_proto__pack(&m->model, bytes), *len);
    return bytes;
}

enum ay_code ay_test_parse(const struct ay_test_model *m, struct ay_onnx *out,
                           struct ay_reason *reason)
{
    size_t len;
    uint8_t *bytes = ay_test_pack(m, &len);
    reason->text[0] = 0;
    enum ay_code code = ay_onnx_parse(bytes, len, AY_TEST_LIMIT, out, reason);
    free(bytes);
    return code;
}
