/* Quantised operators of the domain com.microsoft beside those of quantize.c, and products by
 * weights of 4 or 8 bits in blocks:
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md. */
#include "tensor/lower/matmul.h"
#include "tensor/lower/quantize.h"
#include "tensor/lower/window.h"

#include <stdlib.h>

/* --- bytes to bytes by way of f32 --- */

/* Operands: a tensor, its scale and its zero point. */
static term real_operand(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                         const char *what)
{
    struct ay_quantized x = ay_quantized_operand(l, o, i, i + 2, what);
    term scale = ay_term_operand(l, o, i + 1, F32, "a scale");
    if (failed(l)) return NULL;
    if (x.zero && ay_value_elements(x.zero) == 1) x.zero = reshape(l, x.zero, 0, NULL);
    if (ay_value_elements(scale) == 1) scale = reshape(l, scale, 0, NULL);
    return ay_dequantize(l, x, scale);
}

/* y made bytes of a dtype by operands i (scale) and i + 1 (zero point, which may be left out). */
static term bytes_again(const struct ay_lower *l, const struct ay_operands *o, term y, uint32_t i,
                        uint32_t dtype)
{
    term scale = ay_term_operand(l, o, i, F32, "the result's scale"), zero = ay_in(o, i + 1);
    if (zero) zero = reshape(l, zero, 0, NULL);
    return ay_quantize(l, y, reshape(l, scale, 0, NULL), zero, dtype);
}

/* An image (N, .., C) as (N, C, ..), and back. */
static term channels_first(const struct ay_lower *l, term x)
{
    return x && x->rank > 2 ? ay_term_move(l, x, x->rank - 1, 1) : x;
}

static term channels_last(const struct ay_lower *l, term x)
{
    return x && x->rank > 2 ? ay_term_move(l, x, 1, x->rank - 1) : x;
}

/* X, x_scale, x_zero_point, y_scale, y_zero_point. */
static void qlinear_pool(const struct ay_lower *l, const struct ay_operands *o,
                         term pool(const struct ay_lower *, term))
{
    term x = real_operand(l, o, 0, "X");
    bool last = ay_attr_int(l, "channels_last", 0) != 0;
    if (!x) return;
    term y = pool(l, last ? channels_first(l, x) : x);
    o->out[0] = bytes_again(l, o, last ? channels_last(l, y) : y, 3, o->in[0]->dtype);
}

static void qlinear_average_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    qlinear_pool(l, o, ay_term_average_pool);
}

static void qlinear_global_average_pool(const struct ay_lower *l, const struct ay_operands *o)
{
    qlinear_pool(l, o, ay_term_global_average);
}

/* X, X_scale, x_zero_point, y_scale, y_zero_point; before opset 13 of ONNX, which an attribute
 * says, all axes from `axis` on are one. */
static void qlinear_softmax(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = real_operand(l, o, 0, "X");
    if (!x) return;
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", -1), x->rank);
    if (failed(l)) return;
    term y;
    if (ay_attr_int(l, "opset", 13) >= 13) {
        y = ay_term_softmax(l, x, axis);
    } else {
        uint64_t rows = 1;
        for (uint32_t d = 0; d < axis; d++) rows *= x->dims[d];
        uint64_t width = rows ? ay_value_elements(x) / rows : 0;
        y = ay_term_softmax(l, reshape(l, x, SHAPE(rows, width)), 1);
        y = reshape(l, y, x->rank, x->dims);
    }
    o->out[0] = bytes_again(l, o, y, 3, o->in[0]->dtype);
}

/* condition, X, x_scale, x_zero_point, Y, y_scale, y_zero_point, z_scale, z_zero_point. */
static void qlinear_where(const struct ay_lower *l, const struct ay_operands *o)
{
    term condition = ay_term_operand(l, o, 0, BOOL, "condition");
    term x = real_operand(l, o, 1, "X"), y = real_operand(l, o, 4, "Y");
    if (failed(l)) return;
    o->out[0] = bytes_again(l, o, choose(l, condition, x, y), 7, o->in[1]->dtype);
}

/* Y_scale, Y_zero_point, then each tensor with its scale and zero point. */
static void qlinear_concat(const struct ay_lower *l, const struct ay_operands *o)
{
    uint32_t count = (o->in_count - 2) / 3;
    if (o->in_count < 5 || (o->in_count - 2) % 3) {
        ay_lower_fail(l, AY_E_FORMAT, "%u operands", o->in_count);
        return;
    }
    term *parts = ay_term_list(l, count), first = ay_term_operand(l, o, 2, 0, "a tensor");
    for (uint32_t i = 0; parts && first && i < count; i++)
        parts[i] = bytes_again(l, o, real_operand(l, o, 2 + 3 * i, "a tensor"), 0, first->dtype);
    if (!failed(l)) {
        uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), first->rank);
        o->out[0] = ay_tape_concat(l->tape, parts, count, axis);
    }
    free(parts);
}

/* --- products --- */

/* A, a_scale, a_zero_point, B, b_scale, b_zero_point, C (i32 of scale a_scale b_scale), y_scale,
 * y_zero_point: bytes, or f32 without y_scale. */
static void q_gemm(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized a = ay_quantized_operand(l, o, 0, 2, "A");
    struct ay_quantized b = ay_quantized_operand(l, o, 3, 5, "B");
    term a_scale = ay_term_operand(l, o, 1, F32, "a_scale");
    term b_scale = ay_term_operand(l, o, 4, F32, "b_scale");
    term c = ay_term_optional(l, o, 6, I32, "C");
    float alpha = ay_attr_float(l, "alpha", 1.0F);
    if (!ay_term_rank(l, a.x, 2, "A") || !ay_term_rank(l, b.x, 2, "B")) return;
    if (ay_attr_int(l, "transA", 0)) a.x = ay_term_transpose(l, a.x);
    if (ay_attr_int(l, "transB", 0)) b.x = ay_term_transpose(l, b.x);
    term y = ay_quantized_product(l, a, b, NULL), scale = mul(l, a_scale, b_scale);
    if (c) y = int_fn(l, AY_WORK_FN_INT_ADD, I32, y, c);
    if (alpha != 1.0F) scale = mul(l, scale, number(l, alpha));
    y = mul(l, cast(l, y, F32), scale);
    o->out[0] = ay_in(o, 7) ? bytes_again(l, o, y, 7, a.x ? a.x->dtype : U8) : y;
}

/* ONNX's, whose image and result may have their channels last. */
static void qlinear_conv(const struct ay_lower *l, const struct ay_operands *o)
{
    const struct ay_value *in[9] = {NULL}, *out = NULL;
    bool last = ay_attr_int(l, "channels_last", 0) != 0;
    for (uint32_t i = 0; i < o->in_count; i++) in[i] = o->in[i];
    if (last) in[0] = channels_first(l, in[0]);
    if (failed(l)) return;
    ay_lower_qlinear_conv(l, &(struct ay_operands){in, o->in_count, &out, 1});
    o->out[0] = last ? channels_last(l, out) : out;
}

/* --- blocks of 4 or 8 bits --- */

/* Rows of whole numbers, each in blocks of `block` with a scale and a zero point. */
struct blocks {
    uint64_t rows, width, block, count, stride; /* count of blocks, bytes a row of numbers */
    uint32_t bits;
    const uint8_t *bytes;
    const float *scales;     /* (rows, count) */
    const uint8_t *zeros;    /* (rows, ceil(count bits / 8)) packed alike, or NULL */
    const float *real_zeros; /* (rows, count), or NULL */
};

static uint32_t bits_at(const uint8_t *row, uint64_t i, uint32_t bits)
{
    return bits == 8 ? row[i] : (uint32_t)row[i / 2] >> (i % 2 * 4) & 15u;
}

/* (q - zero) scale of all of them, (rows, width) f32. */
static term widened(const struct ay_lower *l, const struct blocks *b)
{
    void *to;
    term y = fresh(l, F32, SHAPE(b->rows, b->width), &to);
    uint64_t zero_bytes = (b->count * b->bits + 7) / 8;
    for (uint64_t r = 0; y && r < b->rows; r++)
        for (uint64_t k = 0; k < b->width; k++) {
            uint64_t at = k / b->block;
            float zero = (float)(1u << (b->bits - 1));
            if (b->zeros) zero = (float)bits_at(b->zeros + r * zero_bytes, at, b->bits);
            if (b->real_zeros) zero = b->real_zeros[r * b->count + at];
            float q = (float)bits_at(b->bytes + r * b->stride, k, b->bits);
            ((float *)to)[r * b->width + k] = (q - zero) * b->scales[r * b->count + at];
        }
    return y;
}

static bool has_elements(const struct ay_lower *l, term x, uint64_t n, const char *what)
{
    if (!x) return false;
    if (ay_value_elements(x) == n) return true;
    ay_lower_fail(l, AY_E_FORMAT, "%s has %llu elements, not %llu", what,
                  (unsigned long long)ay_value_elements(x), (unsigned long long)n);
    return false;
}

/* Operands: bytes, scales and zero points (u8 packed, f32, or NULL), all known. */
static bool read_blocks(const struct ay_lower *l, struct blocks *b, term bytes, term scales,
                        term zeros)
{
    uint64_t numbers = b->rows * b->count;
    bytes = ay_tape_need(l->tape, bytes, "weights of blocks");
    b->scales = ay_term_floats(l, scales, "scales");
    if (zeros) zeros = ay_tape_need(l->tape, zeros, "zero_points");
    if (failed(l) || !has_elements(l, bytes, b->rows * b->stride, "B") ||
        !has_elements(l, scales, numbers, "scales"))
        return false;
    b->bytes = bytes->data;
    if (!zeros) return true;
    bool real = zeros->dtype == F32;
    if (!real && zeros->dtype != U8)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "zero_points are %s", ay_dtype_name(zeros->dtype));
    if (real)
        b->real_zeros = zeros->data;
    else
        b->zeros = zeros->data;
    uint64_t packed = b->rows * ((b->count * b->bits + 7) / 8);
    return !failed(l) && has_elements(l, zeros, real ? numbers : packed, "zero_points");
}

/* Whether the attributes bits and block_size are such; sets them. */
static bool read_block_size(const struct ay_lower *l, struct blocks *b, int64_t otherwise)
{
    int64_t bits = ay_attr_int(l, "bits", 4), block = ay_attr_int(l, "block_size", otherwise);
    b->bits = (uint32_t)bits;
    b->block = (uint64_t)block;
    bool fits =
        (bits == 4 || bits == 8) && block >= 16 && block < 1 << 30 && (block & (block - 1)) == 0;
    if (!fits)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "blocks of %lld numbers of %lld bits", (long long)block,
                      (long long)bits);
    return fits;
}

/* A f32 (.., K), B u8 (N, blocks, bytes a block), scales, zero_points, g_idx, bias. The weights are
 * widened to f32 and A is not rounded, whatever accuracy_level allows. */
static void mat_mul_blocks(const struct ay_lower *l, const struct ay_operands *o)
{
    term a = ay_term_operand(l, o, 0, F32, "A"), bytes = ay_term_operand(l, o, 1, U8, "B");
    term scales = ay_term_operand(l, o, 2, F32, "scales"),
         bias = ay_term_optional(l, o, 5, F32, "bias");
    int64_t k = ay_attr_int(l, "K", 0), n = ay_attr_int(l, "N", 0);
    struct blocks b = {.rows = (uint64_t)n, .width = (uint64_t)k};
    if (ay_in(o, 4)) ay_lower_fail(l, AY_E_UNSUPPORTED, "operand g_idx");
    if (k < 1 || n < 1 || k >= 1 << 30 || n >= 1 << 30) ay_lower_fail(l, AY_E_FORMAT, "K or N");
    if (failed(l) || !read_block_size(l, &b, 0)) return;
    b.count = (b.width + b.block - 1) / b.block;
    b.stride = b.count * (b.block * b.bits / 8);
    if (!read_blocks(l, &b, bytes, scales, ay_in(o, 3))) return;
    if (a->rank == 0 || a->dims[a->rank - 1] != b.width) {
        ay_lower_fail(l, AY_E_FORMAT, "A has no rows of %llu", (unsigned long long)b.width);
        return;
    }
    term y = ay_term_numpy_product(l, a, ay_term_transpose(l, widened(l, &b)));
    o->out[0] = bias ? add(l, y, bias) : y;
}

/* data u8 (rows, bytes), indices, scales, zero_points: rows of a table, widened to f32. */
static void gather_blocks(const struct ay_lower *l, const struct ay_operands *o)
{
    term data = ay_term_operand(l, o, 0, U8, "data"), ids = ay_term_operand(l, o, 1, 0, "indices");
    term scales = ay_term_operand(l, o, 2, F32, "scales");
    struct blocks b = {0};
    if (!ay_term_rank(l, data, 2, "data") || !ay_term_rank(l, scales, 2, "scales") ||
        !read_block_size(l, &b, 128))
        return;
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "gather_axis", 0), 2);
    uint32_t along = ay_lower_axis(l, ay_attr_int(l, "quantize_axis", 1), 2);
    if (axis != 0 || along != 1 || (ids->dtype != I32 && ids->dtype != I64)) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "axes other than rows to gather, columns in blocks");
        return;
    }
    b.rows = data->dims[0];
    b.stride = data->dims[1];
    b.width = b.stride * 8 / b.bits;
    b.count = (b.width + b.block - 1) / b.block;
    if (!read_blocks(l, &b, data, scales, ay_in(o, 3))) return;
    term below = int_fn(l, AY_WORK_FN_INT_LT, BOOL, ids, integer(l, I64, 0));
    term from_end = int_fn(l, AY_WORK_FN_INT_ADD, I64, ids, integer(l, I64, (int64_t)b.rows));
    o->out[0] = gather(l, widened(l, &b), choose(l, below, from_end, cast(l, ids, I64)), 0);
}

const struct ay_operator ay_lower_fused_quantize[] = {
    {"com.microsoft:GatherBlockQuantized", gather_blocks, 3, 4, 1, false},
    {"com.microsoft:MatMulNBits", mat_mul_blocks, 3, 6, 1, false},
    {"com.microsoft:QGemm", q_gemm, 6, 9, 1, false},
    {"com.microsoft:QLinearAveragePool", qlinear_average_pool, 4, 5, 1, false},
    {"com.microsoft:QLinearConcat", qlinear_concat, 5, 255, 1, false},
    {"com.microsoft:QLinearConv", qlinear_conv, 8, 9, 1, false},
    {"com.microsoft:QLinearGlobalAveragePool", qlinear_global_average_pool, 4, 5, 1, false},
    {"com.microsoft:QLinearSoftmax", qlinear_softmax, 4, 5, 1, false},
    {"com.microsoft:QLinearWhere", qlinear_where, 9, 9, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
