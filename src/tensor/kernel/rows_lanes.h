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

static void softmax(const float *x, float *out, size_t n)
{
    vf m = vf_set1(row_max(x, n)), s[SUMS];
    for (int v = 0; v < SUMS; v++) s[v] = vf_set1(0);
    for (size_t i = 0; i < n; i += 16)
        for (size_t v = 0; v < SUMS && i + v * LANES < n; v++) {
            size_t at = i + v * LANES, left = n - at;
            vf e = vf_exp(vf_sub(get(x + at, left), m));
            put(out + at, left, e);
            s[v] = vf_add(s[v], left >= LANES ? e : vf_first(left, e, vf_set1(0)));
        }
    each_div_vs(out, tree(s), out, n);
}

static void layer_norm(const float *x, const float *residual, const float *gain, const float *bias,
                       float eps, float *out, size_t n)
{
    if (residual) {
        each_add_vv(x, residual, out, n);
        x = out;
    }
    each_sub_vs(x, row_sum(x, n) / (float)n, out, n);
    vf deviation = vf_set1(sqrtf(row_sumsq(out, n) / (float)n + eps));
    for (size_t i = 0; i < n; i += LANES) {
        size_t left = n - i;
        vf unit = vf_div(get(out + i, left), deviation);
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
