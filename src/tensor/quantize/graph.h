/* Graphs of fewer bits (docs/quantize.md). */
#ifndef AY_TENSOR_QUANTIZE_GRAPH_H
#define AY_TENSOR_QUANTIZE_GRAPH_H

#include "tensor/quantize/ranges.h"

/* Writes `from` in profile q8 to the folder `dir`: MatMul by a constant matrix, and Gemm without
 * transA, alpha and beta, become assay:MatMulQ8. AY_E_UNSUPPORTED: there is none. AY_E_FORMAT,
 * AY_E_RANGE: a weight cannot be quantised (tensor/quantize/q8.h). AY_E_EXISTS, AY_E_IO,
 * AY_E_DISK_FULL, AY_E_LIMIT, AY_E_MEMORY; all with a reason. */
enum ay_code ay_quantize_graph_q8(const struct ay_graph_folder *from, const char *dir,
                                  struct ay_reason *reason) AY_MUST;

/* What became of the operators of a graph. */
struct ay_int8_report {
    uint32_t integer; /* that work on bytes, or are part of one that does */
    uint32_t f32;     /* others that take f32 */
    char names[480];  /* of those, how often each: "LayerNormalization 2, Softmax 1" */
};

/* The same in profile int8: convolutions and linear layers with constant weights multiply bytes,
 * u8 by i8 with a scale a channel, and what stands between them is sums, tables and moves of
 * bytes, in integers alone. Scales of values come from the samples. Also what ay_graph_run
 * returns. */
enum ay_code ay_quantize_graph_int8(const struct ay_graph_folder *from,
                                    const struct ay_samples *samples, const char *dir,
                                    struct ay_int8_report *report,
                                    struct ay_reason *reason) AY_MUST;

#endif
