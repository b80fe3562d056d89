/* Operators in integers alone: sums of products of bytes are multiplied by a ratio in fixed point,
 * functions of a byte are tables. What is known of a rounding (its half, zero points, biases) is
 * one number a channel, added before the shift. */
#include "tensor/lower/quantize.h"

#define MOST_SHIFT      53
#define MOST_MEAN_SHIFT 31
/* Products of bytes and i8 that stay within 31 bits; elements of which a mean is taken. */
#define MOST_PRODUCTS 65536u
#define MOST_MEAN     (1u << 20)

static term wide(const struct ay_lower *l, enum ay_work_fn fn, term a, term b)
{
    return int_fn(l, fn, I64, a, b);
}

static void lowest_and_highest(uint32_t dtype, int64_t *low, int64_t *high)
{
    *low = dtype == I8 ? -128 : 0;
    *high = *low + 255;
}

static term clamped(const struct ay_lower *l, term y, uint32_t dtype)
{
    int64_t low, high;
    lowest_and_highest(dtype, &low, &high);
    y = wide(l, AY_WORK_FN_INT_MAX, y, integer(l, I64, low));
    y = int_fn(l, AY_WORK_FN_INT_MIN, dtype, y, integer(l, I64, high));
    return ay_tape_apart(l->tape, y);
}

int64_t ay_fixed_zero(const struct ay_lower *l, term zero, const char *what)
{
    if (!zero && !failed(l)) ay_lower_fail(l, AY_E_FORMAT, "%s is missing", what);
    return ay_term_scalar(l, zero, what);
}

static bool shifts_fit(const struct ay_lower *l, term shift, int64_t most)
{
    if (!ay_tape_need(l->tape, shift, "shift")) return false;
    for (uint64_t i = 0, n = ay_value_elements(shift); i < n; i++) {
        int64_t s = ay_value_int(shift, i);
        if (s >= 1 && s <= most) continue;
        ay_lower_fail(l, AY_E_FORMAT, "a shift of %lld", (long long)s);
        return false;
    }
    return true;
}

struct ay_fixed ay_fixed_operands(const struct ay_lower *l, const struct ay_operands *o,
                                  uint32_t multiplier, uint32_t shift, uint32_t zero)
{
    struct ay_fixed f = {ay_term_operand(l, o, multiplier, I32, "multiplier"),
                         ay_term_operand(l, o, shift, I32, "shift"), 0, U8};
    term z = ay_term_operand(l, o, zero, 0, "y_zero_point");
    if (failed(l) || !shifts_fit(l, f.shift, MOST_SHIFT)) return f;
    f.dtype = z->dtype;
    if (f.dtype != U8 && f.dtype != I8)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "y_zero_point is %s", ay_dtype_name(f.dtype));
    else
        f.zero = ay_term_scalar(l, z, "y_zero_point");
    return f;
}

bool ay_fixed_weights(const struct ay_lower *l, term weights, uint64_t k)
{
    if (failed(l)) return false;
    if (weights->dtype == I8 && k <= MOST_PRODUCTS) return true;
    ay_lower_fail(l, AY_E_UNSUPPORTED, "%llu products with weights of %s", (unsigned long long)k,
                  ay_dtype_name(weights->dtype));
    return false;
}

term ay_fixed_offset(const struct ay_lower *l, term sums, int64_t zero, term bias)
{
    term off = wide(l, AY_WORK_FN_INT_MUL, sums, integer(l, I64, -zero));
    return bias ? wide(l, AY_WORK_FN_INT_ADD, off, bias) : off;
}

/* Half of what the shift divides by, and the zero point, as they are before the shift. */
static term rounding(const struct ay_lower *l, const struct ay_fixed *f, int64_t zero)
{
    term one = integer(l, I64, 1);
    term half = wide(l, AY_WORK_FN_INT_SHL, one, wide(l, AY_WORK_FN_INT_SUB, f->shift, one));
    if (zero == 0) return half;
    return wide(l, AY_WORK_FN_INT_ADD, half,
                wide(l, AY_WORK_FN_INT_SHL, integer(l, I64, zero), f->shift));
}

term ay_fixed_round(const struct ay_lower *l, term sum, term offset, const struct ay_fixed *f)
{
    term off = rounding(l, f, f->zero);
    if (offset)
        off = wide(l, AY_WORK_FN_INT_ADD, off, wide(l, AY_WORK_FN_INT_MUL, offset, f->multiplier));
    term y = wide(l, AY_WORK_FN_INT_MUL, sum, f->multiplier);
    y = wide(l, AY_WORK_FN_INT_SHR, wide(l, AY_WORK_FN_INT_ADD, y, off), f->shift);
    return clamped(l, y, f->dtype);
}

static term one_number(const struct ay_lower *l, term x, const char *what)
{
    if (x && ay_value_elements(x) != 1)
        return ay_lower_fail(l, AY_E_FORMAT, "%s is not one number", what);
    return reshape(l, x, 0, NULL);
}

/* The lowest result is taken to be 0 while there is a division, which rounds toward it. */
term ay_fixed_mean(const struct ay_lower *l, term x, int64_t x_zero, term count,
                   const struct ay_fixed *f)
{
    int64_t low, high;
    term multiplier = one_number(l, f->multiplier, "multiplier");
    lowest_and_highest(f->dtype, &low, &high);
    if (!x || !count || !multiplier || !one_number(l, f->shift, "shift") ||
        !shifts_fit(l, f->shift, MOST_MEAN_SHIFT))
        return NULL;
    uint64_t taps = x->dims[x->rank - 1];
    if (taps > MOST_MEAN) return ay_lower_fail(l, AY_E_UNSUPPORTED, "a mean of so many");
    term off = integer(l, I64, -x_zero * (int64_t)taps);
    off = wide(l, AY_WORK_FN_INT_MUL, off, multiplier);
    off = wide(l, AY_WORK_FN_INT_ADD, off,
               wide(l, AY_WORK_FN_INT_MUL, rounding(l, f, f->zero - low), count));
    term y = wide(l, AY_WORK_FN_INT_MUL, ay_quantized_row_sums(l, x), multiplier);
    y = wide(l, AY_WORK_FN_INT_DIV, wide(l, AY_WORK_FN_INT_ADD, y, off),
             wide(l, AY_WORK_FN_INT_SHL, count, f->shift));
    if (low) y = wide(l, AY_WORK_FN_INT_ADD, y, integer(l, I64, low));
    return clamped(l, y, f->dtype);
}

/* --- operators --- */

/* Numbers one a column, or one for all. */
static term by_column(const struct ay_lower *l, term x, uint64_t n, const char *what)
{
    if (!x || ay_value_elements(x) == 1) return x ? reshape(l, x, 0, NULL) : NULL;
    return ay_term_shape(l, x, SHAPE(n), what) ? x : NULL;
}

/* a, a_zero_point, w (N, K), multiplier, shift, y_zero_point, bias. */
void ay_lower_qmatmul(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_fixed f = ay_fixed_operands(l, o, 3, 4, 5);
    struct ay_quantized a = ay_quantized_operand(l, o, 0, 1, "a");
    term w = ay_term_operand(l, o, 2, I8, "w"), bias = ay_term_optional(l, o, 6, I32, "bias");
    int64_t zero = ay_fixed_zero(l, a.zero, "a_zero_point");
    if (failed(l) || !ay_term_rank(l, w, 2, "w")) return;
    uint64_t n = w->dims[0];
    if (!ay_fixed_weights(l, w, w->dims[1])) return;
    bool row = a.x->rank == 1;
    if (row) a.x = ay_term_insert(l, a.x, 0);
    f.multiplier = by_column(l, f.multiplier, n, "multiplier");
    f.shift = by_column(l, f.shift, n, "shift");
    term sums = reshape(l, ay_quantized_row_sums(l, w), SHAPE(n));
    term off = ay_fixed_offset(l, sums, zero, by_column(l, bias, n, "bias"));
    term y = ay_fixed_round(l, matmul(l, a.x, w), off, &f);
    o->out[0] = row ? reshape(l, y, SHAPE(n)) : y;
}

/* a, a_zero_point, a_multiplier, b, b_zero_point, b_multiplier, shift, y_zero_point. */
void ay_lower_qadd(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_fixed f = ay_fixed_operands(l, o, 2, 6, 7);
    struct ay_quantized x[] = {ay_quantized_operand(l, o, 0, 1, "a"),
                               ay_quantized_operand(l, o, 3, 4, "b")};
    term by[] = {one_number(l, f.multiplier, "a_multiplier"),
                 one_number(l, ay_term_operand(l, o, 5, I32, "b_multiplier"), "b_multiplier")};
    f.shift = one_number(l, f.shift, "shift");
    if (failed(l)) return;
    term off = rounding(l, &f, f.zero), sum = NULL;
    for (uint32_t i = 0; i < 2; i++) {
        int64_t zero = ay_fixed_zero(l, x[i].zero, "zero point");
        off = wide(l, AY_WORK_FN_INT_ADD, off,
                   wide(l, AY_WORK_FN_INT_MUL, by[i], integer(l, I64, -zero)));
        term y = wide(l, AY_WORK_FN_INT_MUL, x[i].x, by[i]);
        sum = sum ? wide(l, AY_WORK_FN_INT_ADD, sum, y) : y;
    }
    sum = wide(l, AY_WORK_FN_INT_SHR, wide(l, AY_WORK_FN_INT_ADD, sum, off), f.shift);
    o->out[0] = clamped(l, sum, f.dtype);
}

/* a, a_zero_point, b, b_zero_point, multiplier, shift, y_zero_point. */
void ay_lower_qmul(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_fixed f = ay_fixed_operands(l, o, 4, 5, 6);
    struct ay_quantized x[] = {ay_quantized_operand(l, o, 0, 1, "a"),
                               ay_quantized_operand(l, o, 2, 3, "b")};
    f.multiplier = one_number(l, f.multiplier, "multiplier");
    f.shift = one_number(l, f.shift, "shift");
    if (failed(l)) return;
    for (uint32_t i = 0; i < 2; i++) {
        int64_t zero = ay_fixed_zero(l, x[i].zero, "zero point");
        if (zero) x[i].x = wide(l, AY_WORK_FN_INT_SUB, x[i].x, integer(l, I64, zero));
    }
    term y = wide(l, AY_WORK_FN_INT_MUL, x[0].x, x[1].x);
    o->out[0] = ay_fixed_round(l, y, NULL, &f);
}

/* x, table (256): of x from its lowest on. */
void ay_lower_qtable(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "x"), table = ay_term_operand(l, o, 1, 0, "table");
    if (failed(l) || !ay_term_shape(l, table, SHAPE(256), "table")) return;
    if (x->dtype != U8 && x->dtype != I8) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "x is %s", ay_dtype_name(x->dtype));
        return;
    }
    term ids = x->dtype == I8 ? int_fn(l, AY_WORK_FN_INT_ADD, I32, x, integer(l, I32, 128))
                              : cast(l, x, I32);
    o->out[0] = gather(l, table, ids, 0);
}
