/* Reads ONNX models, hostile ones included, into graphs (assay.graph.v1). Source of the format:
 * https://github.com/onnx/onnx/blob/main/docs/IR.md.
 *
 * Taken are IR versions 3 to AY_ONNX_IR and operator sets AY_ONNX_OPSET_MIN to AY_ONNX_OPSET_MAX of
 * the default domain; tensors of f32, i8, u8, i32, i64 and bool, of at most AY_MAX_RANK dimensions.
 * Constants and inputs of f16, bf16 and f64 are of f32 instead. Functions of the model's own are
 * written out where they are called; annotations, documentation and training information are left.
 * Whether an operator is known is not asked here but when a graph is lowered.
 */
#ifndef AY_TENSOR_ONNX_ONNX_H
#define AY_TENSOR_ONNX_ONNX_H

#include "base/gen/graph.h"
#include "tensor/program.h"
#include "tensor/reason.h"

#include <stddef.h>

#define AY_ONNX_IR        14
#define AY_ONNX_OPSET_MIN 7
#define AY_ONNX_OPSET_MAX 28
/* Nodes and calls of functions in all, graphs and calls within each other. */
#define AY_MAX_ONNX_NODES (1u << 20)
#define AY_MAX_ONNX_DEPTH 32u

struct ay_onnx {
    struct ay_graph_model model; /* keeps what ay_graph_check asks */
    uint64_t weights_bytes;      /* where the last constant ends */
    /* Constants converted to f32, by what they were. */
    uint32_t from_f16, from_bf16, from_f64;
    uint32_t inputs_f64;         /* inputs that the model has as f64 */
    struct ay_onnx_parts *parts; /* owned: what the model borrows from */
};

/* Reads the bytes of a model, which may go afterwards. What it takes is measured before it is taken
 * and stays below limit_bytes; a refusal says what would have been needed.
 * AY_E_FORMAT, AY_E_UNSUPPORTED, AY_E_LIMIT, AY_E_MEMORY, with a reason. */
enum ay_code ay_onnx_parse(const uint8_t *bytes, uint64_t len, uint64_t limit_bytes,
                           struct ay_onnx *out, struct ay_reason *reason) AY_MUST;
void ay_onnx_close(struct ay_onnx *onnx);

/* Takes the bytes of weights.bin, ascending; stops at the first code that is not AY_OK. */
typedef enum ay_code ay_onnx_sink(void *context, const void *bytes, size_t len);

/* Hands out the elements of all constants as weights.bin has them: in place of their offsets, gaps
 * zero, NaNs canonical, bools 0 or 1. folder: descriptor of the folder of the model's file, within
 * which external data is looked for; -1: a model that has some is refused.
 * AY_E_FORMAT, AY_E_NOT_FOUND, AY_E_IO, AY_E_UNSUPPORTED with a reason; what the sink returned. */
enum ay_code ay_onnx_weights(const struct ay_onnx *onnx, int folder, ay_onnx_sink *sink,
                             void *context, struct ay_reason *reason) AY_MUST;

struct ay_onnx_options {
    const char *licence, *source; /* go to model.json as they are */
    uint64_t limit_bytes;         /* of memory */
};

/* Imports FILE.onnx to a folder `dir` (tensor/graph_folder.h), which must not exist; it appears
 * whole or not at all. `notice` (240 bytes) says what is of f32 instead of another type, or is "".
 * AY_E_EXISTS, AY_E_NOT_FOUND, AY_E_IO, AY_E_DISK_FULL, and what the functions above return. */
enum ay_code ay_onnx_import(const char *file, const char *dir,
                            const struct ay_onnx_options *options, struct ay_reason *notice,
                            struct ay_reason *reason) AY_MUST;

#endif
