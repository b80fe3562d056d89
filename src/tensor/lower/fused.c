/* Operators of the domain com.microsoft that stand for several of ONNX's, or for one of them in
 * another layout: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
 * Those of attention are in fused_attention.c, quantised ones in fused_quantize.c. */
#include "tensor/lower/activation.h"
#include "tensor/lower/eliminate.h"
#include "tensor/lower/matmul.h"
#include "tensor/lower/norm.h"
#include "tensor/lower/window.h"
#include "tensor/ref/float.h"

#include <math.h>
#include <stdlib.h>

/* The version of ONNX's operators whose attributes and operands those of the same name have. */
#define SAME_OPSET 18

/* ONNX's operator of the same name. */
static void as_onnx(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_lower same = *l;
    same.opset = SAME_OPSET;
    ay_operator_find((struct ay_slice){NULL, 0}, l->node->op)->lower(&same, o);
}

/* The same where these attributes are absent or what they are then. */
static void as_onnx_plain(const struct ay_lower *l, const struct ay_operands *o)
{
    static const struct {
        const char *name;
        int64_t plain;
    } more[] = {{"dilation", 1},      {"ndim", 1},         {"channels_last", 0},
                {"state_window", 1},  {"state_length", 0}, {"state_update_capacity", 0},
                {"input_channels", 0}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (ay_attr_int(l, more[i].name, more[i].plain) != more[i].plain)
            ay_lower_fail(l, AY_E_UNSUPPORTED, "attribute %s", more[i].name);
    if (!failed(l)) as_onnx(l, o);
}

/* --- normalisations --- */

static float epsilon(const struct ay_lower *l)
{
    return ay_attr_float(l, "epsilon", 1e-12F);
}

static term add_optional(const struct ay_lower *l, term x, term more)
{
    return more ? add(l, x, more) : x;
}

/* x and skip, which broadcasts to it, and a bias, if any; the node's last result. */
static term skipped(const struct ay_lower *l, const struct ay_operands *o, uint32_t bias)
{
    term x = ay_term_operand(l, o, 0, F32, "input"), skip = ay_term_operand(l, o, 1, F32, "skip");
    if (failed(l)) return NULL;
    if (x->rank < 2 || skip->rank > x->rank)
        return ay_lower_fail(l, AY_E_FORMAT, "input or skip has too few dimensions");
    term sum = add_optional(l, add(l, x, skip), ay_term_optional(l, o, bias, F32, "bias"));
    if (!sum || !ay_term_shape(l, sum, x->rank, x->dims, "the sum")) return NULL;
    if (o->out_count > 3) o->out[3] = sum;
    return sum;
}

/* input, skip, gamma, beta, bias. */
static void skip_layer_norm(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = skipped(l, o, 4);
    term y = mul(l, ay_standardised(l, x, epsilon(l)), ay_term_operand(l, o, 2, F32, "gamma"));
    o->out[0] = add_optional(l, y, ay_term_optional(l, o, 3, F32, "beta"));
}

/* input, skip, gamma, bias. */
static void skip_rms_norm(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = skipped(l, o, 3), gamma = ay_term_operand(l, o, 2, F32, "gamma");
    o->out[0] = mul(l, ay_root_mean_squared(l, x, epsilon(l)), gamma);
}

static term ids(const struct ay_lower *l, const struct ay_operands *o, uint32_t i, const char *what)
{
    term x = ay_in(o, i);
    if (x && x->dtype != I32 && x->dtype != I64)
        return ay_lower_fail(l, AY_E_FORMAT, "%s is %s", what, ay_dtype_name(x->dtype));
    return x && !ay_term_rank(l, x, 2, what) ? NULL : x;
}

/* How many elements of each row (B, T) are 1, or 0 without rows: (B), I32. */
static term count_ones(const struct ay_lower *l, term mask, uint64_t batch)
{
    if (!mask) return ay_term_zeros(l, I32, SHAPE(batch));
    term one = int_fn(l, AY_WORK_FN_INT_EQ, I32, mask, integer(l, I32, 1));
    return reshape(l, reduce(l, AY_WORK_REDUCE_SUM, one, 1), SHAPE(batch));
}

/* input_ids, segment_ids, word_embedding, position_embedding, segment_embedding, gamma, beta, mask,
 * position_ids. */
static void embed_layer_norm(const struct ay_lower *l, const struct ay_operands *o)
{
    term words = ids(l, o, 0, "input_ids"), segments = ids(l, o, 1, "segment_ids");
    term table = ay_term_operand(l, o, 2, F32, "word_embedding");
    term places = ay_term_operand(l, o, 3, F32, "position_embedding");
    term kinds = ay_term_optional(l, o, 4, F32, "segment_embedding");
    term mask = ids(l, o, 7, "mask"), positions = ids(l, o, 8, "position_ids");
    if (failed(l) || !ay_term_rank(l, table, 2, "word_embedding") ||
        !ay_term_rank(l, places, 2, "position_embedding") ||
        (kinds && !ay_term_rank(l, kinds, 2, "segment_embedding")))
        return;
    uint64_t batch = words->dims[0], length = words->dims[1];
    if (!positions) positions = ay_term_count(l, I64, length);
    term x = add(l, gather(l, table, words, 0), gather(l, places, positions, 0));
    if (segments && kinds) x = add(l, x, gather(l, kinds, segments, 0));
    if (!x || !ay_term_shape(l, x, SHAPE(batch, length, table->dims[1]), "the sum")) return;
    term y = mul(l, ay_standardised(l, x, epsilon(l)), ay_term_operand(l, o, 5, F32, "gamma"));
    o->out[0] = add(l, y, ay_term_operand(l, o, 6, F32, "beta"));
    if (o->out_count > 1) o->out[1] = count_ones(l, mask, batch);
    if (o->out_count > 2) o->out[2] = x;
}

/* --- activations --- */

static void bias_gelu(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_term_gelu(l, add(l, o->in[0], o->in[1]));
}

static void fast_gelu(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_term_gelu_tanh(l, add_optional(l, o->in[0], ay_in(o, 1)));
}

static void quick_gelu(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] = ay_term_swish(l, o->in[0], ay_attr_float(l, "alpha", 1.702F));
}

/* The first half of the columns times gelu of the second. */
static void bias_split_gelu(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = add(l, o->in[0], o->in[1]);
    if (!x) return;
    uint32_t last = x->rank ? x->rank - 1 : 0;
    if (x->rank == 0 || x->dims[last] % 2) {
        ay_lower_fail(l, AY_E_FORMAT, "columns that cannot be halved");
        return;
    }
    uint64_t half = x->dims[last] / 2;
    o->out[0] = mul(l, ay_term_part(l, x, last, 0, half),
                    ay_term_gelu(l, ay_term_part(l, x, last, half, half)));
}

/* The attribute activation of x; first, second: the numbers it has, where `given`. */
static term activated(const struct ay_lower *l, term x, uint32_t given, float first, float second)
{
    struct ay_slice name = ay_attr_text(l, "activation");
    struct ay_activate f;
    if (name.len == 0) return x;
    if (ay_attr_is(l, "activation", "Clip") && given == 2) return clamp(l, x, first, second);
    if (!ay_activation_find(name, &f))
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "activation '%.*s'",
                             (int)(name.len < 32 ? name.len : 32), (const char *)name.data);
    if (given > 0 && !isnan(f.alpha)) f.alpha = first;
    if (given > 1 && !isnan(f.beta)) f.beta = second;
    return ay_activate(l, f, x);
}

/* --- products --- */

/* The first axis moved behind the other batch axes, then the last two exchanged, each if asked. */
static term turned(const struct ay_lower *l, term x, const char *batch, const char *matrix)
{
    if (ay_attr_int(l, batch, 0) && x->rank > 2) x = ay_term_move(l, x, 0, x->rank - 2);
    return x && ay_attr_int(l, matrix, 0) && x->rank > 1 ? ay_term_transpose(l, x) : x;
}

static void fused_matmul(const struct ay_lower *l, const struct ay_operands *o)
{
    term a = ay_term_operand(l, o, 0, F32, "A"), b = ay_term_operand(l, o, 1, F32, "B");
    float alpha = ay_attr_float(l, "alpha", 1.0F);
    if (failed(l)) return;
    term y = ay_term_numpy_product(l, turned(l, a, "transBatchA", "transA"),
                                   turned(l, b, "transBatchB", "transB"));
    o->out[0] = alpha == 1.0F ? y : mul(l, y, number(l, alpha));
}

static void fused_gemm(const struct ay_lower *l, const struct ay_operands *o)
{
    ay_lower_gemm(l, o);
    uint32_t given = ay_attr_has(l, "activation_beta")    ? 2
                     : ay_attr_has(l, "activation_alpha") ? 1
                                                          : 0;
    o->out[0] = activated(l, o->out[0], given, ay_attr_float(l, "activation_alpha", 0),
                          ay_attr_float(l, "activation_beta", 0));
}

/* X, W, B, Z: the convolution, Z added, then the activation. */
static void fused_conv(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_operands plain = *o;
    uint32_t count;
    if (plain.in_count > 3) plain.in_count = 3;
    ay_lower_conv_float(l, &plain);
    const uint32_t *bits = ay_attr_floats(l, "activation_params", &count);
    float first = count > 0 ? ay_f32(bits[0]) : 0, second = count > 1 ? ay_f32(bits[1]) : 0;
    o->out[0] = activated(l, add_optional(l, o->out[0], ay_term_optional(l, o, 3, F32, "Z")), count,
                          first, second);
}

/* --- other layouts --- */

static void nhwc_max_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    if (x->rank < 3) {
        ay_lower_fail(l, AY_E_FORMAT, "input has %u dimensions", x->rank);
        return;
    }
    uint32_t last = x->rank - 1;
    const struct ay_value *in = ay_term_move(l, x, last, 1), *out = NULL;
    if (!in) return;
    ay_lower_max_pool(l, &(struct ay_operands){&in, 1, &out, 1});
    o->out[0] = ay_term_move(l, out, 1, last);
}

/* --- others --- */

/* Distances of rows of A (M, K) and B (N, K). */
static void distances(const struct ay_lower *l, const struct ay_operands *o)
{
    term a = ay_term_operand(l, o, 0, F32, "A"), b = ay_term_operand(l, o, 1, F32, "B");
    if (!ay_term_rank(l, a, 2, "A") || !ay_term_rank(l, b, 2, "B")) return;
    uint64_t m = a->dims[0], n = b->dims[0];
    bool root = ay_attr_is(l, "metric", "euclidean");
    if (!root && ay_attr_has(l, "metric") && !ay_attr_is(l, "metric", "sqeuclidean"))
        ay_lower_fail(l, AY_E_UNSUPPORTED, "metric");
    term d = sub(l, ay_term_insert(l, a, 1), ay_term_insert(l, b, 0));
    d = reshape(l, reduce(l, AY_WORK_REDUCE_SUMSQ, d, 2), SHAPE(m, n));
    o->out[0] = root ? function(l, AY_WORK_FN_SQRT, d) : d;
}

static void expand_dims(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = o->in[0];
    int64_t axis = ay_term_scalar(l, o->in[1], "axis");
    o->out[0] = failed(l) ? NULL : ay_term_insert(l, x, ay_lower_axis(l, axis, x->rank + 1));
}

const struct ay_operator ay_lower_fused[] = {
    {"com.microsoft:BiasGelu", bias_gelu, 2, 2, 1, false},
    {"com.microsoft:BiasSplitGelu", bias_split_gelu, 2, 2, 1, false},
    {"com.microsoft:CDist", distances, 2, 2, 1, false},
    {"com.microsoft:CausalConvWithState", as_onnx_plain, 2, 4, 2, false},
    {"com.microsoft:EmbedLayerNormalization", embed_layer_norm, 1, 9, 3, false},
    {"com.microsoft:ExpandDims", expand_dims, 2, 2, 1, false},
    {"com.microsoft:FastGelu", fast_gelu, 1, 2, 1, false},
    {"com.microsoft:FusedConv", fused_conv, 2, 4, 1, false},
    {"com.microsoft:FusedGemm", fused_gemm, 2, 3, 1, false},
    {"com.microsoft:FusedMatMul", fused_matmul, 2, 2, 1, false},
    {"com.microsoft:GatherND", as_onnx, 2, 2, 1, false},
    {"com.microsoft:GridSample", as_onnx, 2, 2, 1, false},
    {"com.microsoft:Inverse", ay_lower_inverse, 1, 1, 1, true},
    {"com.microsoft:LinearAttention", as_onnx_plain, 3, 6, 2, false},
    {"com.microsoft:NhwcMaxPool", nhwc_max_pool, 1, 1, 1, false},
    {"com.microsoft:Pad", as_onnx, 2, 3, 1, false},
    {"com.microsoft:QuickGelu", quick_gelu, 1, 1, 1, false},
    {"com.microsoft:Range", as_onnx, 3, 3, 1, false},
    {"com.microsoft:SkipLayerNormalization", skip_layer_norm, 3, 5, 4, false},
    {"com.microsoft:SkipSimplifiedLayerNormalization", skip_rms_norm, 3, 4, 4, false},
    {"com.microsoft:TransposeMatMul", fused_matmul, 2, 2, 1, false},
    {"com.microsoft:Trilu", as_onnx, 1, 2, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
