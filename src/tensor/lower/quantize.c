/* Quantised operators. Sums of products of integers are exact, so that a zero point may be taken
 * out of a matmul by sums of rows; what is rounded is f32: a scale, a quotient, once each. */
#include "tensor/lower/origin.h"

/* --- zero points --- */

struct ay_quantized ay_quantized_operand(const struct ay_lower *l, const struct ay_operands *o,
                                         uint32_t i, uint32_t zero, const char *what)
{
    struct ay_quantized q = {ay_term_operand(l, o, i, 0, what), ay_in(o, zero)};
    if (q.x && q.x->dtype != I8 && q.x->dtype != U8)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "%s is %s, not i8 or u8", what,
                      ay_dtype_name(q.x->dtype));
    if (q.x && q.zero && q.zero->dtype != q.x->dtype)
        ay_lower_fail(l, AY_E_FORMAT, "%s is %s, its zero point %s", what,
                      ay_dtype_name(q.x->dtype), ay_dtype_name(q.zero->dtype));
    return q;
}

static bool within(term x, int64_t low, int64_t high)
{
    for (uint64_t i = 0, n = ay_value_elements(x); i < n; i++) {
        int64_t v = ay_value_int(x, i);
        if (v < low || v > high) return false;
    }
    return true;
}

struct ay_quantized ay_quantized_shift(const struct ay_lower *l, struct ay_quantized q)
{
    if (!q.x || !q.zero || !q.zero->data) return q;
    if (within(q.zero, 0, 0)) return (struct ay_quantized){q.x, NULL};
    if (!q.x->data) return q;
    term moved = int_fn(l, AY_WORK_FN_INT_SUB, I32, q.x, q.zero);
    if (!moved) return q;
    if (within(moved, -128, 127)) return (struct ay_quantized){cast(l, moved, I8), NULL};
    if (within(moved, 0, 255)) return (struct ay_quantized){cast(l, moved, U8), NULL};
    return q;
}

term ay_quantized_row_sums(const struct ay_lower *l, term x)
{
    void *to;
    uint64_t k = x->dims[x->rank - 1];
    term ones = fresh(l, I8, SHAPE(1, k), &to);
    if (ones) memset(to, 1, k);
    return matmul(l, x, ones);
}

static term int_mul(const struct ay_lower *l, term a, term b)
{
    return int_fn(l, AY_WORK_FN_INT_MUL, I32, a, b);
}

static term int_sub(const struct ay_lower *l, term a, term b)
{
    return int_fn(l, AY_WORK_FN_INT_SUB, I32, a, b);
}

/* (.., N, 1) as a row (.., 1, N), to go with columns of a result. */
static term as_row(const struct ay_lower *l, term x)
{
    return x && x->rank >= 2 ? ay_term_transpose(l, x) : x;
}

term ay_quantized_matmul(const struct ay_lower *l, struct ay_quantized a, struct ay_quantized b,
                         term bias)
{
    a = ay_quantized_shift(l, a);
    b = ay_quantized_shift(l, b);
    term y = matmul(l, a.x, b.x);
    if (!y) return NULL;
    uint64_t k = a.x->dims[a.x->rank - 1];
    /* (a - A)(b - B) summed is the sum of ab, less A sum b, less B (sum a - K A). */
    term off = NULL;
    if (a.zero) off = int_mul(l, a.zero, as_row(l, ay_quantized_row_sums(l, b.x)));
    if (bias) off = int_sub(l, off ? off : integer(l, I32, 0), bias);
    /* What is one number a row or column is made once. */
    if (off) y = int_sub(l, y, ay_tape_apart(l->tape, off));
    if (b.zero) {
        term rest = ay_quantized_row_sums(l, a.x);
        if (a.zero) rest = int_sub(l, rest, int_mul(l, a.zero, integer(l, I32, (int64_t)k)));
        y = int_sub(l, y, ay_tape_apart(l->tape, int_mul(l, rest, as_row(l, b.zero))));
    }
    return y;
}

/* --- to and from f32 --- */

static void bounds(uint32_t dtype, float *low, float *high)
{
    *low = dtype == I8 ? -128.0F : 0.0F;
    *high = dtype == I8 ? 127.0F : 255.0F;
}

term ay_quantize(const struct ay_lower *l, term x, term scale, term zero, uint32_t dtype)
{
    float low, high;
    if (dtype != I8 && dtype != U8)
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "quantising to %s", ay_dtype_name(dtype));
    bounds(dtype, &low, &high);
    term y = function(l, AY_WORK_FN_RINT, divide(l, x, scale));
    if (zero) y = add(l, y, cast(l, zero, F32));
    return cast(l, clamp(l, y, low, high), dtype);
}

term ay_dequantize(const struct ay_lower *l, struct ay_quantized q, term scale)
{
    if (q.zero) q.x = int_fn(l, AY_WORK_FN_INT_SUB, I64, q.x, q.zero);
    return mul(l, cast(l, q.x, F32), scale);
}

/* A scale or zero point (one number, one a place of the axis, or one a block of the axis), shaped
 * to broadcast with x. */
static term spread(const struct ay_lower *l, term s, term x, const char *what)
{
    if (!s) return NULL;
    if (ay_value_elements(s) == 1) return reshape(l, s, 0, NULL);
    int64_t block = ay_attr_int(l, "block_size", 0);
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 1), x->rank);
    uint64_t dims[AY_MAX_RANK], n = failed(l) ? 0 : x->dims[axis];
    if (failed(l)) return NULL;
    if (block == 0) {
        for (uint32_t d = 0; d < x->rank; d++) dims[d] = d == axis ? n : 1;
        return ay_term_shape(l, s, SHAPE(n), what) ? reshape(l, s, x->rank, dims) : NULL;
    }
    if (block < 0) return ay_lower_fail(l, AY_E_FORMAT, "block_size %lld", (long long)block);
    for (uint32_t d = 0; d < x->rank; d++) dims[d] = x->dims[d];
    dims[axis] = n / (uint64_t)block + (n % (uint64_t)block != 0);
    if (!ay_term_shape(l, s, x->rank, dims, what)) return NULL;
    void *to;
    term ids = fresh(l, I64, SHAPE(n), &to);
    for (uint64_t i = 0; ids && i < n; i++) ((int64_t *)to)[i] = (int64_t)(i / (uint64_t)block);
    return gather(l, s, ids, axis);
}

/* The dtype an attribute names as an ONNX element type, `otherwise` when it is 0 or absent. */
static uint32_t dtype_attribute(const struct ay_lower *l, const char *name, uint32_t otherwise)
{
    int64_t onnx = ay_attr_int(l, name, 0);
    return onnx ? ay_term_dtype(l, onnx, name) : otherwise;
}

static void lower_quantize(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "x"), scale = ay_term_operand(l, o, 1, F32, "y_scale");
    term zero = ay_in(o, 2);
    if (failed(l)) return;
    if (x->dtype != F32 && x->dtype != I32) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "x is %s", ay_dtype_name(x->dtype));
        return;
    }
    uint32_t dtype = dtype_attribute(l, "output_dtype", zero ? zero->dtype : U8);
    if (dtype_attribute(l, "precision", F32) != F32 || (zero && zero->dtype != dtype))
        ay_lower_fail(l, AY_E_UNSUPPORTED, "precision or output_dtype");
    o->out[0] = ay_origin_again(l, x, scale, zero, dtype);
    if (o->out[0]) return;
    scale = spread(l, scale, x, "y_scale");
    zero = spread(l, zero, x, "y_zero_point");
    o->out[0] = ay_tape_apart(l->tape, ay_quantize(l, cast(l, x, F32), scale, zero, dtype));
}

static void lower_dequantize(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized q = {ay_term_operand(l, o, 0, 0, "x"), ay_in(o, 2)};
    term scale = ay_term_operand(l, o, 1, F32, "x_scale");
    if (failed(l)) return;
    if ((q.x->dtype != I8 && q.x->dtype != U8 && q.x->dtype != I32) ||
        (q.zero && q.zero->dtype != q.x->dtype) || dtype_attribute(l, "output_dtype", F32) != F32) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "x is %s", ay_dtype_name(q.x->dtype));
        return;
    }
    struct ay_origin from = {q, scale, 0};
    scale = spread(l, scale, q.x, "x_scale");
    q.zero = spread(l, q.zero, q.x, "x_zero_point");
    o->out[0] = ay_dequantize(l, q, scale);
    if (failed(l) || ay_attr_int(l, "block_size", 0) != 0) return;
    if (!ay_origin_is_single(&from))
        from.axis = ay_lower_axis(l, ay_attr_int(l, "axis", 1), q.x->rank);
    ay_origin_put(l, o->out[0], &from);
}

struct ay_dynamic ay_quantize_dynamic(const struct ay_lower *l, term x)
{
    term nothing = number(l, 0.0F), levels = number(l, 255.0F);
    term high = larger(l, nothing, ay_term_reduce_all(l, AY_WORK_REDUCE_MAX, x));
    term low = smaller(l, nothing, ay_term_reduce_all(l, AY_WORK_REDUCE_MIN, x));
    term range = sub(l, high, low);
    term same = ay_tape_int_fn(l->tape, AY_WORK_FN_EQ, BOOL, high, low);
    term scale = divide(l, choose(l, same, number(l, 1.0F), range), levels);
    term zero = divide(l, sub(l, nothing, low), scale);
    zero = cast(l, function(l, AY_WORK_FN_RINT, clamp(l, zero, 0.0F, 255.0F)), U8);
    return (struct ay_dynamic){{ay_quantize(l, x, scale, zero, U8), zero}, scale};
}

static void lower_dynamic_quantize(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_dynamic d = ay_quantize_dynamic(l, ay_term_operand(l, o, 0, F32, "x"));
    o->out[0] = d.q.x;
    if (o->out_count > 1) o->out[1] = d.scale;
    if (o->out_count > 2) o->out[2] = d.q.zero;
}

/* --- matmul: numpy's shapes and zero points made rows --- */

/* A number, or one a row or column (n), or a batch of those, as (.., n, 1) or nothing of it. */
static term zero_rows(const struct ay_lower *l, term zero, bool columns)
{
    if (!zero) return NULL;
    if (ay_value_elements(zero) == 1) return reshape(l, zero, 0, NULL);
    if (zero->rank == 1) return reshape(l, zero, SHAPE(zero->dims[0], 1));
    return columns ? ay_term_transpose(l, zero) : zero;
}

/* x (batch, M, K) with its batch dims broadcast to (batch); the zero point follows if it has any.
 */
static struct ay_quantized expand_batch(const struct ay_lower *l, struct ay_quantized q,
                                        uint32_t rank, const uint64_t *batch)
{
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t d = 0; d < rank; d++) dims[d] = batch[d];
    dims[rank] = q.x->dims[q.x->rank - 2];
    dims[rank + 1] = q.x->dims[q.x->rank - 1];
    q.x = expand(l, q.x, rank + 2, dims);
    return q;
}

/* Whether the batch dims of a and b broadcast; result in dims, at most AY_MAX_RANK - 2. */
static bool common_batch(const struct ay_lower *l, term a, term b, uint32_t *rank, uint64_t *dims)
{
    uint32_t most = a->rank > b->rank ? a->rank : b->rank;
    *rank = most - 2;
    for (uint32_t d = 0; d < *rank; d++) {
        uint32_t from_a = most - a->rank, from_b = most - b->rank;
        uint64_t m = d < from_a ? 1 : a->dims[d - from_a], n = d < from_b ? 1 : b->dims[d - from_b];
        if (m != n && m != 1 && n != 1) {
            ay_lower_fail(l, AY_E_FORMAT, "batch dimensions do not broadcast");
            return false;
        }
        dims[d] = m == 1 ? n : m;
    }
    return true;
}

term ay_quantized_product(const struct ay_lower *l, struct ay_quantized a, struct ay_quantized b,
                          term bias)
{
    if (failed(l)) return NULL;
    bool vector_a = a.x->rank == 1, vector_b = b.x->rank == 1;
    if (a.x->rank == 0 || b.x->rank == 0) return ay_lower_fail(l, AY_E_FORMAT, "a scalar");
    if (vector_a) a.x = ay_term_insert(l, a.x, 0);
    if (vector_b) b.x = ay_term_insert(l, b.x, 1);
    a.zero = zero_rows(l, a.zero, false);
    b.zero = zero_rows(l, b.zero, true);
    b.x = ay_term_transpose(l, b.x);
    uint32_t rank;
    uint64_t batch[AY_MAX_RANK];
    if (failed(l) || !common_batch(l, a.x, b.x, &rank, batch)) return NULL;
    a = expand_batch(l, a, rank, batch);
    b = ay_quantized_shift(l, b); /* before it is repeated */
    if (b.x && b.x->rank > 2) b = expand_batch(l, b, rank, batch);
    term y = ay_quantized_matmul(l, a, b, bias);
    if (y && vector_b) y = ay_term_at(l, y, y->rank - 1, 0);
    if (y && vector_a) y = ay_term_at(l, y, y->rank - (vector_b ? 1 : 2), 0);
    return y;
}

term ay_quantized_real_product(const struct ay_lower *l, struct ay_quantized a, term a_scale,
                               struct ay_quantized b, term b_scale)
{
    return mul(l, cast(l, ay_quantized_product(l, a, b, NULL), F32), mul(l, a_scale, b_scale));
}

static void lower_matmul_integer(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized a = ay_quantized_operand(l, o, 0, 2, "A");
    struct ay_quantized b = ay_quantized_operand(l, o, 1, 3, "B");
    o->out[0] = ay_quantized_product(l, a, b, NULL);
}

/* A scale of rows (n) as (n, 1); of columns as it is. */
static term scale_rows(const struct ay_lower *l, term scale)
{
    return scale && scale->rank == 1 && scale->dims[0] != 1 ? ay_term_insert(l, scale, 1) : scale;
}

static void lower_qlinear_matmul(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized a = ay_quantized_operand(l, o, 0, 2, "a");
    struct ay_quantized b = ay_quantized_operand(l, o, 3, 5, "b");
    term a_scale = scale_rows(l, ay_term_operand(l, o, 1, F32, "a_scale"));
    term b_scale = ay_term_operand(l, o, 4, F32, "b_scale");
    term y_scale = scale_rows(l, ay_term_operand(l, o, 6, F32, "y_scale"));
    term zero = ay_term_operand(l, o, 7, 0, "y_zero_point");
    if (failed(l)) return;
    term y = ay_quantized_real_product(l, a, a_scale, b, b_scale);
    o->out[0] = ay_quantize(l, y, y_scale, zero_rows(l, zero, false), zero->dtype);
}

/* --- com.microsoft: as onnxruntime's contributed operators define them
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md) --- */

/* A x, B w8, a_scale, b_scale, a_zero_point, b_zero_point, bias: f32. */
static void lower_matmul_integer_to_float(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized a = ay_quantized_operand(l, o, 0, 4, "A");
    struct ay_quantized b = ay_quantized_operand(l, o, 1, 5, "B");
    term a_scale = ay_term_operand(l, o, 2, F32, "a_scale");
    term b_scale = ay_term_operand(l, o, 3, F32, "b_scale");
    term bias = ay_term_optional(l, o, 6, F32, "bias");
    term y = ay_quantized_real_product(l, a, a_scale, b, b_scale);
    o->out[0] = bias ? add(l, y, bias) : y;
}

term ay_dynamic_product(const struct ay_lower *l, term x, struct ay_quantized w, term scale)
{
    struct ay_dynamic a = ay_quantize_dynamic(l, x);
    return ay_quantized_real_product(l, a.q, a.scale, w, scale);
}

/* A f32, B w8, b_scale, b_zero_point, bias. */
static void lower_dynamic_quantize_matmul(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized b = ay_quantized_operand(l, o, 1, 3, "B");
    term b_scale = ay_term_operand(l, o, 2, F32, "b_scale");
    term bias = ay_term_optional(l, o, 4, F32, "bias");
    term y = ay_dynamic_product(l, ay_term_operand(l, o, 0, F32, "A"), b, b_scale);
    o->out[0] = bias ? add(l, y, bias) : y;
}

/* A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale, C_zero_point. */
static void qlinear_binary(const struct ay_lower *l, const struct ay_operands *o,
                           enum ay_work_fn fn)
{
    struct ay_quantized a = ay_quantized_operand(l, o, 0, 2, "A");
    struct ay_quantized b = ay_quantized_operand(l, o, 3, 5, "B");
    term a_scale = ay_term_operand(l, o, 1, F32, "A_scale");
    term b_scale = ay_term_operand(l, o, 4, F32, "B_scale");
    term scale = ay_term_operand(l, o, 6, F32, "C_scale");
    if (failed(l)) return;
    term y = ay_tape_fn2(l->tape, fn, ay_dequantize(l, a, a_scale), ay_dequantize(l, b, b_scale));
    o->out[0] = ay_quantize(l, y, scale, ay_in(o, 7), a.x->dtype);
}

static void lower_qlinear_add(const struct ay_lower *l, const struct ay_operands *o)
{
    qlinear_binary(l, o, AY_WORK_FN_ADD);
}

static void lower_qlinear_mul(const struct ay_lower *l, const struct ay_operands *o)
{
    qlinear_binary(l, o, AY_WORK_FN_MUL);
}

/* X, X_scale, X_zero_point, Y_scale, Y_zero_point. */
static void lower_qlinear_sigmoid(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized x = ay_quantized_operand(l, o, 0, 2, "X");
    term x_scale = ay_term_operand(l, o, 1, F32, "X_scale");
    term scale = ay_term_operand(l, o, 3, F32, "Y_scale");
    if (failed(l)) return;
    term y = ay_term_sigmoid(l, ay_dequantize(l, x, x_scale));
    o->out[0] = ay_quantize(l, y, scale, ay_in(o, 4), x.x->dtype);
}

static void lower_qlinear_leaky_relu(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_quantized x = ay_quantized_operand(l, o, 0, 2, "X");
    term x_scale = ay_term_operand(l, o, 1, F32, "X_scale");
    term scale = ay_term_operand(l, o, 3, F32, "Y_scale");
    if (failed(l)) return;
    term y = ay_dequantize(l, x, x_scale);
    term low = mul(l, y, number(l, ay_attr_float(l, "alpha", 0.01F)));
    y = choose(l, less(l, y, number(l, 0.0F)), low, y);
    o->out[0] = ay_quantize(l, y, scale, ay_in(o, 4), x.x->dtype);
}

const struct ay_operator ay_lower_quantize[] = {
    {"QuantizeLinear", lower_quantize, 2, 3, 1, false},
    {"DequantizeLinear", lower_dequantize, 2, 3, 1, false},
    {"DynamicQuantizeLinear", lower_dynamic_quantize, 1, 1, 3, false},
    {"MatMulInteger", lower_matmul_integer, 2, 4, 1, false},
    {"QLinearMatMul", lower_qlinear_matmul, 8, 8, 1, false},
    {"ConvInteger", ay_lower_conv_integer, 2, 4, 1, false},
    {"QLinearConv", ay_lower_qlinear_conv, 8, 9, 1, false},
    {"assay:QAdd", ay_lower_qadd, 8, 8, 1, false},
    {"assay:QAveragePool", ay_lower_qaverage_pool, 5, 5, 1, false},
    {"assay:QConv", ay_lower_qconv, 6, 7, 1, false},
    {"assay:QGlobalAveragePool", ay_lower_qglobal_average_pool, 5, 5, 1, false},
    {"assay:QMatMul", ay_lower_qmatmul, 6, 7, 1, false},
    {"assay:QMul", ay_lower_qmul, 7, 7, 1, false},
    {"assay:QTable", ay_lower_qtable, 2, 2, 1, false},
    {"com.microsoft:QuantizeLinear", lower_quantize, 2, 3, 1, false},
    {"com.microsoft:DequantizeLinear", lower_dequantize, 2, 3, 1, false},
    {"com.microsoft:MatMulIntegerToFloat", lower_matmul_integer_to_float, 4, 7, 1, false},
    {"com.microsoft:DynamicQuantizeMatMul", lower_dynamic_quantize_matmul, 3, 5, 1, false},
    {"com.microsoft:QLinearAdd", lower_qlinear_add, 7, 8, 1, false},
    {"com.microsoft:QLinearMul", lower_qlinear_mul, 7, 8, 1, false},
    {"com.microsoft:QLinearSigmoid", lower_qlinear_sigmoid, 4, 5, 1, false},
    {"com.microsoft:QLinearLeakyRelu", lower_qlinear_leaky_relu, 4, 5, 1, false},
    {0},
};
