/* Compiled once for each instruction set, AY_STEPS being the table's name. */
#include "tensor/kernel/steps.h"

#include "base/gen/work.h"
#include "tensor/kernel/fixed_loops.h"

#include <string.h>

static int64_t quotient(int64_t x, int64_t y)
{
    return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static int64_t shift(int64_t y)
{
    return y < 0 ? 0 : y > 63 ? 63 : y;
}

#define LOOP(fn, expr)                                                                             \
    case AY_WORK_FN_##fn:                                                                          \
        for (size_t i = 0; i < n; i++) to[i] = (expr);                                             \
        break

static void integers(uint32_t fn, const int64_t *x, const int64_t *y, int64_t *to, size_t n)
{
    switch (fn) {
        LOOP(INT_ADD, x[i] + y[i]);
        LOOP(INT_SUB, x[i] - y[i]);
        LOOP(INT_MUL, x[i] * y[i]);
        LOOP(INT_DIV, quotient(x[i], y[i]));
        LOOP(INT_MOD, x[i] - y[i] * quotient(x[i], y[i]));
        LOOP(INT_MIN, x[i] < y[i] ? x[i] : y[i]);
        LOOP(INT_MAX, x[i] > y[i] ? x[i] : y[i]);
        LOOP(INT_AND, x[i] & y[i]);
        LOOP(INT_OR, x[i] | y[i]);
        LOOP(INT_XOR, x[i] ^ y[i]);
        LOOP(INT_SHL, (int64_t)((uint64_t)x[i] << shift(y[i])));
        LOOP(INT_SHR, x[i] >> shift(y[i]));
        LOOP(INT_EQ, x[i] == y[i]);
        LOOP(INT_LT, x[i] < y[i]);
    default: /* INT_LE */
        for (size_t i = 0; i < n; i++) to[i] = x[i] <= y[i];
    }
}

static void compare(uint32_t fn, const float *x, const float *y, int64_t *to, size_t n)
{
    switch (fn) {
        LOOP(EQ, x[i] == y[i]);
        LOOP(LT, x[i] < y[i]);
    default: /* LE */
        for (size_t i = 0; i < n; i++) to[i] = x[i] <= y[i];
    }
}

/* Only what fits is converted, so that every element takes the same way. */
static void to_int(const float *x, int64_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float most = x[i] < 0x1p63F ? x[i] : 0x1.fffffep62F; /* of a NaN too */
        int64_t y = (int64_t)(most > -0x1p63F ? most : -0x1p63F);
        y = x[i] >= 0x1p63F ? INT64_MAX : y;
        to[i] = x[i] == x[i] ? y : 0;
    }
}

static void to_float(const int64_t *x, float *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = (float)x[i];
}

#define WIDEN(type)                                                                                \
    for (size_t i = 0; i < n; i++) to[i] = ((const type *)x)[i];                                   \
    break
static void widen(uint32_t dtype, const void *x, int64_t *to, size_t n)
{
    switch (dtype) {
    case AY_WORK_DTYPE_I64: memcpy(to, x, n * sizeof *to); break;
    case AY_WORK_DTYPE_I32: WIDEN(int32_t);
    case AY_WORK_DTYPE_I8: WIDEN(int8_t);
    default: WIDEN(uint8_t);
    }
}

#define NARROW(type, expr)                                                                         \
    for (size_t i = 0; i < n; i++) ((type *)to)[i] = (type)(expr);                                 \
    break
static void narrow(uint32_t dtype, const int64_t *x, void *to, size_t n)
{
    switch (dtype) {
    case AY_WORK_DTYPE_I64: memcpy(to, x, n * sizeof *x); break;
    case AY_WORK_DTYPE_I32: NARROW(int32_t, x[i]);
    case AY_WORK_DTYPE_BOOL: NARROW(uint8_t, x[i] != 0);
    default: NARROW(uint8_t, x[i]);
    }
}

/* --- integers that fit 32 bits --- */

#define WORD(fn, expr) LOOP(fn, (int32_t)(expr))
static void word_integers(uint32_t fn, const int32_t *x, const int32_t *y, int32_t *to, size_t n)
{
    switch (fn) {
        WORD(INT_ADD, (uint32_t)x[i] + (uint32_t)y[i]);
        WORD(INT_SUB, (uint32_t)x[i] - (uint32_t)y[i]);
        WORD(INT_MUL, (uint32_t)x[i] * (uint32_t)y[i]);
        WORD(INT_MIN, x[i] < y[i] ? x[i] : y[i]);
        WORD(INT_MAX, x[i] > y[i] ? x[i] : y[i]);
        WORD(INT_AND, x[i] & y[i]);
        WORD(INT_OR, x[i] | y[i]);
        WORD(INT_XOR, x[i] ^ y[i]);
        WORD(INT_EQ, x[i] == y[i]);
        WORD(INT_LT, x[i] < y[i]);
    default: /* INT_LE */
        for (size_t i = 0; i < n; i++) to[i] = x[i] <= y[i];
    }
}

static void word_compare(uint32_t fn, const float *x, const float *y, int32_t *to, size_t n)
{
    switch (fn) {
        LOOP(EQ, x[i] == y[i]);
        LOOP(LT, x[i] < y[i]);
    default: /* LE */
        for (size_t i = 0; i < n; i++) to[i] = x[i] <= y[i];
    }
}

static void word_to_int(const float *x, int32_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = (int32_t)(x[i] == x[i] ? x[i] : 0.0F);
}

static void word_to_float(const int32_t *x, float *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = (float)x[i];
}

static void word_widen(uint32_t dtype, const void *x, int32_t *to, size_t n)
{
    switch (dtype) {
    case AY_WORK_DTYPE_I32: memcpy(to, x, n * sizeof *to); break;
    case AY_WORK_DTYPE_I8: WIDEN(int8_t);
    default: WIDEN(uint8_t);
    }
}

static void word_narrow(uint32_t dtype, const int32_t *x, void *to, size_t n)
{
    switch (dtype) {
    case AY_WORK_DTYPE_I64: NARROW(int64_t, x[i]);
    case AY_WORK_DTYPE_I32: memcpy(to, x, n * sizeof *x); break;
    case AY_WORK_DTYPE_BOOL: NARROW(uint8_t, x[i] != 0);
    default: NARROW(uint8_t, x[i]);
    }
}

static void word_fill(int32_t x, int32_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = x;
}

static int32_t difference(int32_t x, int32_t y)
{
    return (int32_t)((uint32_t)x - (uint32_t)y);
}

static void scale_difference(const int32_t *x, const int32_t *y, bool one_y, const float *s,
                             bool one_s, float *to, size_t n)
{
    int32_t y0 = *y;
    float s0 = *s;
    if (one_y && one_s)
        for (size_t i = 0; i < n; i++) to[i] = (float)difference(x[i], y0) * s0;
    else if (one_y)
        for (size_t i = 0; i < n; i++) to[i] = (float)difference(x[i], y0) * s[i];
    else if (one_s)
        for (size_t i = 0; i < n; i++) to[i] = (float)difference(x[i], y[i]) * s0;
    else
        for (size_t i = 0; i < n; i++) to[i] = (float)difference(x[i], y[i]) * s[i];
}

static uint8_t byte_within(float y, float low, float high)
{
    float most = y > low ? y : low;
    float within = most < high ? most : high;
    return (uint8_t)(int32_t)(y == y ? within : 0.0F);
}

static void to_bytes(const float *x, float add, float low, float high, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float y = __builtin_rintf(x[i]) + add;
        to[i] = byte_within(y, low, high);
    }
}

/* So many sums at a time, which a panel may have: a loop of a known length needs no beginning and
 * no end of its own. */
#define RESCALED 16u

static inline void rescale_some(const int32_t *restrict x, const struct ay_rescale *restrict r,
                                const int32_t *restrict off, const float *restrict scale,
                                const float *restrict bias, size_t step, uint8_t *restrict out,
                                size_t n)
{
    const float by = r->by, more = r->more, low = r->low, high = r->high;
    for (size_t i = 0; i < n; i++) {
        float y = (float)difference(x[i], off[i * step]) * scale[i * step] + bias[i * step];
        out[i] = byte_within(__builtin_rintf(y / by) + more, low, high);
    }
}

static void rescale(const int32_t *x, size_t ldx, const struct ay_rescale *r, uint8_t *out,
                    size_t ldo, size_t rows, size_t n)
{
    const int32_t *off = r->off;
    const float *scale = r->scale, *bias = r->bias;
    for (size_t k = 0; k < rows; k++, x += ldx, out += ldo) {
        size_t i = 0, whole = n - n % RESCALED;
        for (; r->columns && i < whole; i += RESCALED)
            rescale_some(x + i, r, off + i, scale + i, bias + i, 1, out + i, RESCALED);
        for (; i < whole; i += RESCALED)
            rescale_some(x + i, r, off, scale, bias, 0, out + i, RESCALED);
        for (; i < n; i++) {
            size_t at = r->columns ? i : 0;
            rescale_some(x + i, r, off + at, scale + at, bias + at, 0, out + i, 1);
        }
        off += r->row[0];
        scale += r->row[1];
        bias += r->row[2];
    }
}

static void word_select(const int32_t *c, const uint32_t *x, const uint32_t *y, uint32_t *to,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = c[i] ? x[i] : y[i];
}

static void fill_f32(float x, float *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = x;
}

static void fill_int(int64_t x, int64_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = x;
}

const struct ay_steps AY_STEPS = {.integers = integers,
                                  .compare = compare,
                                  .to_int = to_int,
                                  .to_float = to_float,
                                  .widen = widen,
                                  .narrow = narrow,
                                  .words = {word_integers, word_compare, word_to_int, word_to_float,
                                            word_widen, word_narrow, word_fill, scale_difference,
                                            to_bytes, word_select},
                                  .fill_f32 = fill_f32,
                                  .fill_int = fill_int,
                                  .round_row = round_row,
                                  .round_columns = round_columns,
                                  .rescale = rescale,
                                  .sum_bytes = sum_bytes,
                                  .table_bytes = table_bytes,
                                  .largest_bytes = largest_bytes,
                                  .sum_taps = sum_taps};
