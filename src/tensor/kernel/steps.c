/* Compiled once for each instruction set, AY_STEPS being the table's name. */
#include "tensor/kernel/steps.h"

#include "base/gen/work.h"

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

const struct ay_steps AY_STEPS = {integers, compare, to_int, to_float};
