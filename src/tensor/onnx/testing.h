/* What the tests of this folder share: the smallest model there is, made with libprotobuf-c, for
 * them to change. */
#ifndef AY_TENSOR_ONNX_TESTING_H
#define AY_TENSOR_ONNX_TESTING_H

#include "tensor/onnx/onnx.h"

#include <onnx.pb-c.h>

#define AY_TEST_LIMIT (256u << 20)
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

/* Some of TensorProto.DataType. */
enum { F32 = 1, U16 = 4, STRING = 8, F16 = 10, F64 = 11, BF16 = 16 };

/* The smallest model there is: y = Add(x, k), x f32 (n, 2), k f32 (2). Tests change it. */
struct ay_test_model {
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

void ay_test_node(struct ay_test_model *m, size_t i, const char *op, char **in, size_t n_in,
                  char **out);
void ay_test_port(Onnx__ValueInfoProto *port, const char *name, Onnx__TypeProto *type);
void ay_test_make(struct ay_test_model *m);

/* Its bytes, the caller's to free. */
uint8_t *ay_test_pack(const struct ay_test_model *m, size_t *len);
enum ay_code ay_test_parse(const struct ay_test_model *m, struct ay_onnx *out,
                           struct ay_reason *reason);

#endif
