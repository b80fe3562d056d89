/* Reductions, softmax, layer norm and transposition over lanes. Element i of a sum belongs to
 * partial i mod 16, which is a lane of one of SUMS vectors. Missing elements may be added as +0: a
 * partial that began as +0 is never -0, so that +0 changes none. */
#ifndef AY_TENSOR_KERNEL_ROWS_LANES_H
#define AY_TENSOR_KERNEL_ROWS_LANES_H

#include "tensor/kernel/fn_lanes.h"

#define SUMS       (16 / LANES)
#define LOG2_LANES (LANES == 8 ? 3 : 4)

AY_INLINE float first_lane(vf x)
{
    float at[LANES];
    vf_store(at, x);
    return at[0];
}

/* lane[l] += lane[l + h] for h = 8, 4, 2, 1: as l + h is l ^ h there, every lane can do it. */
AY_INLINE float tree(const vf sums[SUMS])
{
    vf s = sums[0];
    if (SUMS == 2) s = vf_add(s, sums[SUMS - 1]);
    AY_UNROLL
    for (int i = 1; i <= LOG2_LANES; i++) s = vf_add(s, vf_swap(s, LANES >> i));
    return first_lane(s);
}

static float row_sum(const float *x, size_t n)
{
    vf s[SUMS];
    for (int v = 0; v < SUMS; v++) s[v] = vf_set1(0);
    for (size_t i = 0; i < n; i += 16)
        for (size_t v = 0; v < SUMS && i + v * LANES < n; v++)
            s[v] = vf_add(s[v], get(x + i + v * LANES, n - i - v * LANES));
    float sum = tree(s);
    return sum != sum ? ay_f32(AY_NAN_BITS) : sum;
}

static float row_sumsq(const float *x, size_t n)
{
    vf s[SUMS];
    for (int v = 0; v < SUMS; v++) s[v] = vf_set1(0);
    for (size_t i = 0; i < n; i += 16)
        for (size_t v = 0; v < SUMS && i + v * LANES < n; v++) {
            vf y = get(x + i + v * LANES, n - i - v * LANES);
            s[v] = vf_fma(y, y, s[v]);
        }
    float sum = tree(s);
    return sum != sum ? ay_f32(AY_NAN_BITS) : sum;
}

static float row_max(const float *x, size_t n)
{
    vf lowest = vf_set1(ay_f32(AY_NEG_INF_BITS)), m = lowest;
    for (size_t i = 0; i < n; i += LANES) {
        size_t left = n - i;
        m = vf_max(m, left >= LANES ? vf_load(x + i)
                                    : vf_first(left, vf_load_part(x + i, left), lowest));
    }
    AY_UNROLL
    for (int i = 1; i <= LOG2_LANES; i++) m = vf_max(m, vf_swap(m, LANES >> i));
    return first_lane(m);
}

/* 16 partials a column, then the tree over them; vectors run across columns. */
AY_INLINE void columns_sum(const float *x, size_t ld, uint32_t n, uint32_t cols, float *out,
                           const bool square)
{
    for (size_t j = 0; j < cols; j += LANES) {
        vf s[16];
        for (int l = 0; l < 16; l++) s[l] = vf_set1(0);
        for (uint32_t i = 0; i < n; i++) {
            vf y = get(x + i * ld + j, cols - j);
            s[i % 16] = square ? vf_fma(y, y, s[i % 16]) : vf_add(s[i % 16], y);
        }
        for (int h = 8; h > 0; h /= 2)
            for (int l = 0; l < h; l++) s[l] = vf_add(s[l], s[l + h]);
        put(out + j, cols - j, s[0]);
    }
}

static void column_sum(const float *x, size_t ld, uint32_t n, uint32_t cols, float *out)
{
    columns_sum(x, ld, n, cols, out, false);
}

static void column_sumsq(const float *x, size_t ld, uint32_t n, uint32_t cols, float *out)
{
    columns_sum(x, ld, n, cols, out, true);
}

static void column_max(const float *x, size_t ld, uint32_t n, uint32_t cols, float *out)
{
    for (size_t j = 0; j < cols; j += LANES) {
        vf m = vf_set1(ay_f32(AY_NEG_INF_BITS));
        for (uint32_t i = 0; i < n; i++) m = vf_max(m, get(x + i * ld + j, cols - j));
        put(out + j, cols - j, m);
    }
}

/* The largest element, but of a row that has a NaN any, and of zeros either. */
static float row_most(const float *x, size_t n)
{
    enum { AT_ONCE = 4 };
    vf lowest = vf_set1(ay_f32(AY_NEG_INF_BITS)), m[AT_ONCE] = {lowest, lowest, lowest, lowest};
    size_t i = 0;
    for (; i + AT_ONCE * LANES <= n; i += AT_ONCE * LANES) {
        AY_UNROLL
        for (size_t v = 0; v < AT_ONCE; v++) m[v] = vf_most(vf_load(x + i + v * LANES), m[v]);
    }
    for (; i < n; i += LANES)
        m[0] = vf_most(n - i >= LANES ? vf_load(x + i)
                                      : vf_first(n - i, vf_load_part(x + i, n - i), lowest),
                       m[0]);
    m[0] = vf_most(vf_most(m[0], m[1]), vf_most(m[2], m[3]));
    AY_UNROLL
    for (int h = 1; h <= LOG2_LANES; h++) m[0] = vf_most(m[0], vf_swap(m[0], LANES >> h));
    return first_lane(m[0]);
}

/* e = exp(x * scale - most) and its partial sums; the least of these e, if below, goes to *least.
 */
AY_INLINE void softmax_exp(const float *x, float scale, float most, float *out, size_t n,
                           vf sums[SUMS], vf *least)
{
    vf by = vf_set1(scale), from = vf_set1(most);
    for (int v = 0; v < SUMS; v++) sums[v] = vf_set1(0);
    for (size_t i = 0; i < n; i += 16)
        for (size_t v = 0; v < SUMS && i + v * LANES < n; v++) {
            size_t at = i + v * LANES, left = n - at;
            vf e = vf_exp(vf_sub(vf_mul(get(x + at, left), by), from)), low = e;
            put_as_is(out + at, left, e);
            if (left < LANES) {
                low = vf_first(left, e, *least);
                e = vf_first(left, e, vf_set1(0));
            }
            sums[v] = vf_add(sums[v], e);
            *least = vf_least(low, *least);
        }
}

/* Whether each element, none below +0, is +0 or one that a quick quotient may be of. +0 is: it
 * gives +0. */
static bool is_normal(const float *e, size_t n)
{
    vf zero = vf_set1(0), low = vf_set1(AY_DIV_FROM), least = low;
    for (size_t i = 0; i < n; i += LANES) {
        vf x = get(e + i, n - i);
        least = vf_least(vf_where_below(zero, x, x, low), least);
    }
    return vf_all_equal(low, least);
}

/* One after another, so that no row waits for what is made of all of another one. A NaN in a row is
 * in its sum too, and so everywhere in the result, whatever the maximum; and exp is 1 of either
 * zero. */
enum { SOFTMAX_ROWS = 8 };
static void softmax_rows(const float *x, size_t ldx, float scale, float *out, size_t ldo,
                         size_t rows, size_t n)
{
    float most[SOFTMAX_ROWS];
    vf sums[SOFTMAX_ROWS * SUMS], low = vf_set1(AY_DIV_FROM), least = low;
    for (size_t r = 0; r < rows; r++) most[r] = row_most(x + r * ldx, n) * scale;
    for (size_t r = 0; r < rows; r++)
        softmax_exp(x + r * ldx, scale, most[r], out + r * ldo, n, sums + r * SUMS, &least);
    bool normal = vf_all_equal(low, least); /* or a NaN, which is the sum too */
    for (size_t r = 0; r < rows; r++) {
        float sum = tree(sums + r * SUMS), *at = out + r * ldo;
        struct divisor d = divisor_of(sum);
        if (d.quick && (normal || is_normal(at, n)))
            for (size_t i = 0; i < n; i += LANES)
                put_as_is(at + i, n - i, div_quick(get(at + i, n - i), &d));
        else
            each_div_vs(at, sum, at, n);
    }
}

static void softmax(const float *x, size_t ldx, float scale, float *out, size_t ldo, size_t rows,
                    size_t n)
{
    for (size_t r = 0; r < rows; r += SOFTMAX_ROWS)
        softmax_rows(x + r * ldx, ldx, scale, out + r * ldo, ldo,
                     rows - r < SOFTMAX_ROWS ? rows - r : SOFTMAX_ROWS, n);
}

static void gelu(const float *x, const float *bias, float *out, size_t n)
{
    struct divisor sqrt2 = divisor_of(AY_SQRT2);
    for (size_t i = 0; i < n; i += LANES) {
        vf h = get(x + i, n - i);
        if (bias) h = vf_add(h, get(bias + i, n - i));
        put(out + i, n - i, vf_gelu(h, &sqrt2));
    }
}

static void gelu_gates(const float *x, float *out, size_t n)
{
    struct divisor sqrt2 = divisor_of(AY_SQRT2);
    for (size_t i = 0; i < n; i += LANES) {
        vf h = get(x + i, n - i), gate = vf_gelu_gate(h, &sqrt2);
        vf other = vf_where_below(vf_set1(-1.0F), h, gate, h); /* of a NaN itself */
        put(out + i, n - i, vf_where_below(h, vf_set1(0), gate, other));
    }
}

static void layer_norm(const float *x, const float *gain, const float *bias, float eps, float *out,
                       size_t n)
{
    vf mean = vf_set1(row_sum(x, n) / (float)n), s[SUMS];
    for (int v = 0; v < SUMS; v++) s[v] = vf_set1(0);
    for (size_t i = 0; i < n; i += 16)
        for (size_t v = 0; v < SUMS && i + v * LANES < n; v++) {
            size_t at = i + v * LANES, left = n - at;
            vf d = vf_sub(get(x + at, left), mean);
            put_as_is(out + at, left, d);
            if (left < LANES) d = vf_first(left, d, vf_set1(0));
            s[v] = vf_fma(d, d, s[v]);
        }
    struct divisor deviation = divisor_of(sqrtf(tree(s) / (float)n + eps));
    for (size_t i = 0; i < n; i += LANES) {
        size_t left = n - i;
        vf unit = div_by(get(out + i, left), &deviation);
        put(out + i, left, vf_add(vf_mul(unit, get(gain + i, left)), get(bias + i, left)));
    }
}

static void transpose(const float *x, size_t ldx, uint32_t rows, uint32_t cols, float *out,
                      size_t ldo)
{
    uint32_t r1 = rows / LANES * LANES, c1 = cols / LANES * LANES;
    for (size_t r = 0; r < r1; r += LANES)
        for (size_t c = 0; c < c1; c += LANES) {
            vf square[LANES];
            AY_UNROLL
            for (size_t i = 0; i < LANES; i++) square[i] = vf_load(x + (r + i) * ldx + c);
            vf_transpose(square);
            AY_UNROLL
            for (size_t i = 0; i < LANES; i++) vf_store(out + (c + i) * ldo + r, square[i]);
        }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = r < r1 ? c1 : 0; c < cols; c++) out[c * ldo + r] = x[r * ldx + c];
}

#endif
