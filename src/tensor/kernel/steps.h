/* Steps of a MAP that take or give 64-bit integers, over blocks of elements: plain loops, compiled
 * for each instruction set. What they give is that of the specification, so the choice changes
 * speed only. */
#ifndef AY_TENSOR_KERNEL_STEPS_H
#define AY_TENSOR_KERNEL_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- fixed point, as MAPs of integers would have it (docs/quantize.md) ---
 * Bytes are the low 8 bits of min(max(y, low), high). */

/* y = (x multiplier + offset) >> shift in 64 bits: for a row, its shift 0 to 63, or one a column,
 * any shift being taken as INT_SHR does. */
struct ay_fixed_row {
    int32_t multiplier, low, high;
    uint32_t shift;
    int64_t offset;
};
struct ay_fixed_columns {
    const int32_t *multiplier, *shift;
    const int64_t *offset;
    int32_t low, high;
};
/* y = (a multiplier[0] + b multiplier[1] + offset) >> shift, which stays within 32 bits. */
struct ay_fixed_sum {
    int32_t multiplier[2], offset, low, high;
    uint32_t shift; /* 0 to 31 */
};

/* rint(((x - off) scale + bias) / by) + more, within low and high, which a byte holds; of a NaN 0.
 * off is i32, subtracted modulo 2^32, scale and bias f32: one for a row, or one a column. */
struct ay_rescale {
    const void *off, *scale, *bias;
    size_t row[3]; /* from those of a row to the next one's */
    bool columns;
    float by, more, low, high;
};

/* Sum i is that of x[at[k] + step i] by[k] over k < count, modulo 2^32; x is i8 or u8. Behind what
 * the n sums read there are AY_TAPS_ROOM (step + 1) bytes more, of any value. */
#define AY_TAPS_ROOM 32u
struct ay_fixed_taps {
    const uint8_t *x;
    const int32_t *at, *by;
    size_t count, step;
    bool is_signed;
};

/* The same over integers that are known to fit 32 bits (tensor/map_words.c). */
struct ay_word_steps {
    /* fn: INT_ADD, INT_SUB, INT_MUL (modulo 2^32), INT_MIN to INT_XOR, INT_EQ to INT_LE. */
    void (*integers)(uint32_t fn, const int32_t *x, const int32_t *y, int32_t *to, size_t n);
    void (*compare)(uint32_t fn, const float *x, const float *y, int32_t *to, size_t n);
    void (*to_int)(const float *x, int32_t *to, size_t n); /* within 32 bits, or NaN */
    void (*to_float)(const int32_t *x, float *to, size_t n);
    /* Every integer dtype, but that I64 is not widened. */
    void (*widen)(uint32_t dtype, const void *x, int32_t *to, size_t n);
    void (*narrow)(uint32_t dtype, const int32_t *x, void *to, size_t n);
    void (*fill)(int32_t x, int32_t *to, size_t n);
    /* x - y, modulo 2^32, as f32 times s; of y and s one for all where the flag is set. */
    void (*scale_difference)(const int32_t *x, const int32_t *y, bool one_y, const float *s,
                             bool one_s, float *to, size_t n);
    /* The low 8 bits of the integer min(max(rint(x) + add, low), high), which is within 32 bits; of
     * a NaN 0. */
    void (*to_bytes)(const float *x, float add, float low, float high, uint8_t *to, size_t n);
    /* f32 or integers, moved as they are: c is not 0 ? x : y. */
    void (*select)(const int32_t *c, const uint32_t *x, const uint32_t *y, uint32_t *to, size_t n);
};

struct ay_steps {
    /* fn: INT_ADD to INT_LE, but INT_SELECT (enum ay_work_fn). to may be x or y. */
    void (*integers)(uint32_t fn, const int64_t *x, const int64_t *y, int64_t *to, size_t n);
    /* EQ, LT, LE */
    void (*compare)(uint32_t fn, const float *x, const float *y, int64_t *to, size_t n);
    void (*to_int)(const float *x, int64_t *to, size_t n);
    void (*to_float)(const int64_t *x, float *to, size_t n);
    /* Elements of an integer dtype (enum ay_work_dtype) to and from 64 bits: widened, or taken
     * modulo 2^n (BOOL: whether not 0). */
    void (*widen)(uint32_t dtype, const void *x, int64_t *to, size_t n);
    void (*narrow)(uint32_t dtype, const int64_t *x, void *to, size_t n);
    struct ay_word_steps words;
    /* n copies */
    void (*fill_f32)(float x, float *to, size_t n);
    void (*fill_int)(int64_t x, int64_t *to, size_t n);
    /* Fixed point; out may be an operand of bytes. */
    void (*round_row)(const int32_t *x, const struct ay_fixed_row *r, uint8_t *out, size_t n);
    void (*round_columns)(const int32_t *x, const struct ay_fixed_columns *c, uint8_t *out,
                          size_t n);
    /* Rows of n, ldx and ldo apart. */
    void (*rescale)(const int32_t *x, size_t ldx, const struct ay_rescale *r, uint8_t *out,
                    size_t ldo, size_t rows, size_t n);
    void (*sum_bytes)(const uint8_t *a, const uint8_t *b, const struct ay_fixed_sum *s,
                      uint8_t *out, size_t n);
    void (*table_bytes)(const uint8_t *x, const uint8_t table[256], uint8_t *out, size_t n);
    /* to[i] becomes the larger one of it and x[step i]. */
    void (*largest_bytes)(const uint8_t *x, size_t step, uint8_t *to, size_t n);
    /* n sums, to sums (n + AY_TAPS_ROOM). */
    void (*sum_taps)(const struct ay_fixed_taps *t, int32_t *sums, size_t n);
};

extern const struct ay_steps ay_steps_scalar, ay_steps_avx2, ay_steps_avx512;

#endif
