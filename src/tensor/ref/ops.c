#include "tensor/ref/ops.h"

#include <math.h>
#include <stddef.h>

#include "tensor/ref/float.h"
#include "tensor/ref/math.h"

float ay_ref_max(float a, float b)
{
    if (a != a || b != b) return ay_f32(AY_NAN_BITS);
    if (a == b) return ay_f32(ay_f32_bits(a) & ay_f32_bits(b)); /* of two zeros, +0 if one is */
    return a > b ? a : b;
}

float ay_ref_min(float a, float b)
{
    if (a != a || b != b) return ay_f32(AY_NAN_BITS);
    if (a == b) return ay_f32(ay_f32_bits(a) | ay_f32_bits(b)); /* of two zeros, -0 if one is */
    return a < b ? a : b;
}

float ay_ref_fn(enum ay_fn fn, float a, float b)
{
    /* clang-format off */
    static float (*const unary[AY_FN_COUNT])(float) = {
        [AY_FN_SQRT] = sqrtf,        [AY_FN_EXP] = ay_ref_exp,    [AY_FN_LOG] = ay_ref_log,
        [AY_FN_TANH] = ay_ref_tanh,  [AY_FN_ERF] = ay_ref_erf,    [AY_FN_ABS] = fabsf,
        [AY_FN_SIN] = ay_ref_sin,    [AY_FN_COS] = ay_ref_cos,    [AY_FN_ATAN] = ay_ref_atan,
        [AY_FN_FLOOR] = floorf,      [AY_FN_CEIL] = ceilf,        [AY_FN_RINT] = rintf,
        [AY_FN_TRUNC] = truncf,
    };
    /* clang-format on */
    AY_ASSERT((unsigned)fn < AY_FN_COUNT);
    if (unary[fn]) return unary[fn](a);
    if (fn == AY_FN_ADD) return a + b;
    if (fn == AY_FN_SUB) return a - b;
    if (fn == AY_FN_MUL) return a * b;
    if (fn == AY_FN_DIV) return a / b;
    if (fn == AY_FN_MAX) return ay_ref_max(a, b);
    if (fn == AY_FN_MIN) return ay_ref_min(a, b);
    if (fn == AY_FN_NEG) return -a;
    if (fn == AY_FN_POW) return ay_ref_pow(a, b);
    if (fn == AY_FN_FMOD) return fmodf(a, b);
    ay_panic(__FILE__, __LINE__, "not a function of f32");
}

static int64_t shift(enum ay_fn fn, int64_t a, int64_t b)
{
    int64_t by = b < 0 ? 0 : b > 63 ? 63 : b;
    return fn == AY_FN_INT_SHL ? (int64_t)((uint64_t)a << by) : a >> by;
}

/* -2^63 / -1 is 2^63, which modulo 2^64 is -2^63. */
static int64_t quotient(int64_t a, int64_t b)
{
    if (b == 0) return 0;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

int64_t ay_ref_int_fn(enum ay_fn fn, int64_t a, int64_t b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    if (fn == AY_FN_INT_ADD) return (int64_t)(x + y);
    if (fn == AY_FN_INT_SUB) return (int64_t)(x - y);
    if (fn == AY_FN_INT_MUL) return (int64_t)(x * y);
    if (fn == AY_FN_INT_DIV) return quotient(a, b);
    if (fn == AY_FN_INT_MOD) return (int64_t)(x - y * (uint64_t)quotient(a, b));
    if (fn == AY_FN_INT_MIN) return a < b ? a : b;
    if (fn == AY_FN_INT_MAX) return a > b ? a : b;
    if (fn == AY_FN_INT_AND) return a & b;
    if (fn == AY_FN_INT_OR) return a | b;
    if (fn == AY_FN_INT_XOR) return a ^ b;
    if (fn == AY_FN_INT_SHL || fn == AY_FN_INT_SHR) return shift(fn, a, b);
    if (fn == AY_FN_INT_EQ) return a == b;
    if (fn == AY_FN_INT_LT) return a < b;
    if (fn == AY_FN_INT_LE) return a <= b;
    ay_panic(__FILE__, __LINE__, "not a function of two integers");
}

int64_t ay_ref_to_int(float x)
{
    if (x != x) return 0;
    if (x >= 0x1p63F) return INT64_MAX;
    return x < -0x1p63F ? INT64_MIN : (int64_t)x;
}

static struct ay_scalar f32_of(float x)
{
    return (struct ay_scalar){.kind = AY_SCALAR_F32, .f32 = x};
}

static struct ay_scalar int_of(int64_t x)
{
    return (struct ay_scalar){.kind = AY_SCALAR_INT, .i = x};
}

struct ay_scalar ay_ref_apply(enum ay_fn fn, const struct ay_scalar args[AY_MAX_FN_ARGS])
{
    const struct ay_fn_signature *s = ay_fn_signature(fn);
    AY_ASSERT(s->arity > 0);
    for (unsigned i = 0; i < s->arity; i++) AY_ASSERT(args[i].kind == s->args[i]);
    if (fn == AY_FN_SELECT || fn == AY_FN_INT_SELECT) return args[0].i != 0 ? args[1] : args[2];
    if (fn == AY_FN_EQ) return int_of(args[0].f32 == args[1].f32);
    if (fn == AY_FN_LT) return int_of(args[0].f32 < args[1].f32);
    if (fn == AY_FN_LE) return int_of(args[0].f32 <= args[1].f32);
    if (fn == AY_FN_TO_INT) return int_of(ay_ref_to_int(args[0].f32));
    if (fn == AY_FN_TO_FLOAT) return f32_of((float)args[0].i);
    if (s->result == AY_SCALAR_INT) return int_of(ay_ref_int_fn(fn, args[0].i, args[1].i));
    return f32_of(ay_ref_fn(fn, args[0].f32, s->arity > 1 ? args[1].f32 : 0));
}

struct ay_scalar ay_ref_load(uint32_t dtype, uint64_t bits)
{
    return dtype == AY_WORK_DTYPE_F32 ? f32_of(ay_f32((uint32_t)bits))
                                      : int_of(ay_dtype_widen(dtype, bits));
}

uint64_t ay_ref_store(uint32_t dtype, struct ay_scalar value)
{
    AY_ASSERT(value.kind == ay_dtype_kind(dtype));
    return value.kind == AY_SCALAR_F32 ? ay_f32_bits(value.f32) : ay_dtype_narrow(dtype, value.i);
}

struct ay_scalar ay_ref_map(const struct ay_op_shape *map, const struct ay_scalar *inputs)
{
    const struct ay_work_op *op = map->op;
    struct ay_scalar value[AY_MAX_WORK_OP_STEPS];
    for (uint32_t i = 0; i < op->steps_count; i++) {
        const struct ay_work_map_step *step = &op->steps[i];
        struct ay_scalar arg[AY_MAX_FN_ARGS] = {{0}};
        for (uint32_t j = 0; j < step->args_count; j++) {
            uint32_t index = step->args[j] & 0xffffff;
            switch ((enum ay_map_kind)(step->args[j] >> 24)) {
            case AY_MAP_INPUT: arg[j] = inputs[index]; break;
            case AY_MAP_STEP: arg[j] = value[index]; break;
            case AY_MAP_CONST: arg[j] = f32_of(ay_f32(op->consts[index])); break;
            case AY_MAP_DIM: arg[j] = f32_of((float)map->sizes[index]); break;
            case AY_MAP_INT: arg[j] = int_of(op->ints[index]); break;
            }
        }
        value[i] = ay_ref_apply((enum ay_fn)step->fn, arg);
    }
    return value[op->steps_count - 1];
}

uint32_t ay_ref_gather_row(int64_t id, uint32_t rows)
{
    if (id < 0) return 0;
    return id < rows ? (uint32_t)id : rows - 1;
}

float ay_ref_chain(float acc, const float *a, const float *b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) acc = fmaf(a[k], b[k], acc);
    return acc;
}

int32_t ay_ref_chain_int(int32_t acc, int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)acc + (uint32_t)a * (uint32_t)b);
}

/* The scale of a block's activations: NaN if one of them is not finite. */
static float q8_scale(const float *a, uint32_t n)
{
    float most = 0;
    for (uint32_t k = 0; k < n; k++) {
        if (!isfinite(a[k])) return ay_f32(AY_NAN_BITS);
        most = ay_ref_max(most, fabsf(a[k]));
    }
    return most / 127.0F;
}

static int32_t q8_quantise(float a, float scale)
{
    float q = rintf(a / scale);
    return q > 127.0F ? 127 : q < -127.0F ? -127 : (int32_t)q;
}

float ay_ref_chain_q8(float acc, const float *a, const int8_t *w, const float *d, uint32_t n)
{
    for (uint32_t first = 0; first < n; first += AY_Q8_BLOCK) {
        uint32_t count = n - first < AY_Q8_BLOCK ? n - first : AY_Q8_BLOCK;
        float scale = q8_scale(a + first, count);
        int32_t sum = 0;
        /* With a scale of 0 or NaN every q is taken as 0. */
        for (uint32_t k = first; scale > 0 && k < first + count; k++)
            sum += q8_quantise(a[k], scale) * w[k];
        acc = fmaf((float)sum, d[first / AY_Q8_BLOCK] * scale, acc);
    }
    return acc;
}

void ay_ref_sum_add(struct ay_ref_sum *s, float x)
{
    s->lane[s->next++ % 16] += x;
}

void ay_ref_sum_square(struct ay_ref_sum *s, float x)
{
    float *lane = &s->lane[s->next++ % 16];
    *lane = fmaf(x, x, *lane);
}

float ay_ref_sum_finish(const struct ay_ref_sum *s)
{
    float lane[16];
    for (int l = 0; l < 16; l++) lane[l] = s->lane[l];
    for (int h = 8; h > 0; h /= 2)
        for (int l = 0; l < h; l++) lane[l] += lane[l + h];
    return lane[0];
}

float ay_ref_reduce_sum(const float *x, uint32_t n, uint32_t stride)
{
    struct ay_ref_sum s = {0};
    for (uint32_t i = 0; i < n; i++) ay_ref_sum_add(&s, x[(size_t)i * stride]);
    return ay_ref_sum_finish(&s);
}

float ay_ref_reduce_sumsq(const float *x, uint32_t n, uint32_t stride)
{
    struct ay_ref_sum s = {0};
    for (uint32_t i = 0; i < n; i++) ay_ref_sum_square(&s, x[(size_t)i * stride]);
    return ay_ref_sum_finish(&s);
}

float ay_ref_reduce_max(const float *x, uint32_t n, uint32_t stride)
{
    float m = ay_f32(AY_NEG_INF_BITS);
    for (uint32_t i = 0; i < n; i++) m = ay_ref_max(m, x[(size_t)i * stride]);
    return m;
}

float ay_ref_reduce_min(const float *x, uint32_t n, uint32_t stride)
{
    float m = ay_f32(AY_INF_BITS);
    for (uint32_t i = 0; i < n; i++) m = ay_ref_min(m, x[(size_t)i * stride]);
    return m;
}

float ay_ref_reduce_prod(const float *x, uint32_t n, uint32_t stride)
{
    float p = 1;
    for (uint32_t i = 0; i < n; i++) p *= x[(size_t)i * stride];
    return p;
}

bool ay_ref_beats(enum ay_work_reduce reduce, float a, float b)
{
    if (a != a || b != b) return b == b;
    return reduce == AY_WORK_REDUCE_ARGMAX ? a > b : a < b;
}

int64_t ay_ref_reduce_arg(enum ay_work_reduce reduce, const float *x, uint32_t n, uint32_t stride)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (ay_ref_beats(reduce, x[(size_t)i * stride], x[(size_t)best * stride])) best = i;
    return best;
}

int64_t ay_ref_reduce_int(enum ay_work_reduce reduce, int64_t acc, int64_t x)
{
    uint64_t a = (uint64_t)acc, b = (uint64_t)x;
    if (reduce == AY_WORK_REDUCE_SUM) return (int64_t)(a + b);
    if (reduce == AY_WORK_REDUCE_SUMSQ) return (int64_t)(a + b * b);
    if (reduce == AY_WORK_REDUCE_PROD) return (int64_t)(a * b);
    if (reduce == AY_WORK_REDUCE_MAX) return acc > x ? acc : x;
    AY_ASSERT(reduce == AY_WORK_REDUCE_MIN);
    return acc < x ? acc : x;
}
