/* Reductions, softmax, layer norm and transposition over lanes. Element i of a sum belongs to
 * partial i mod 16, which is a lane of one of SUMS vectors. Missing elements may be added as +0: a
 * partial that began as +0 is never -0, so that +0 changes none. */
#ifndef AY_TENSOR_KERNEL_ROWS_LANES_H
#define AY_TENSOR_KERNEL_ROWS_LANES_H

#include "tensor/kernel/gelu_lanes.h"
#include "tensor/kernel/sigmoid_lanes.h"

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

/* The tree over k <= 16 elements, each a partial of its own. The +0 that partials begin with only
 * changes what is -0 in all, so it is added once. */
AY_INLINE vf sum_of_few(vf s[16], const uint32_t k)
{
    AY_UNROLL
    for (uint32_t h = 8; h > 0; h /= 2) AY_UNROLL
    for (uint32_t l = 0; l < h; l++)
        if (l + h < k) s[l] = vf_add(s[l], s[l + h]);
    return vf_add(s[0], vf_set1(0));
}

AY_INLINE float row_sums(const float *x, size_t n, const bool square)
{
    vf s[SUMS];
    size_t i = 0;
    for (int v = 0; v < SUMS; v++) s[v] = vf_set1(0);
    for (; i + 16 <= n; i += 16) {
        AY_UNROLL
        for (size_t v = 0; v < SUMS; v++) {
            vf y = vf_load(x + i + v * LANES);
            s[v] = square ? vf_fma(y, y, s[v]) : vf_add(s[v], y);
        }
    }
    for (size_t v = 0; i < n; i += LANES, v++) {
        vf y = get(x + i, n - i);
        s[v] = square ? vf_fma(y, y, s[v]) : vf_add(s[v], y);
    }
    float sum = tree(s);
    return sum != sum ? ay_f32(AY_NAN_BITS) : sum;
}

static float row_sum(const float *x, size_t n)
{
    return row_sums(x, n, false);
}

static float row_sumsq(const float *x, size_t n)
{
    return row_sums(x, n, true);
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

/* The least and the largest element, but of a row that has a NaN any, and of zeros either. */
struct span {
    float least, most;
};
static struct span row_span(const float *x, size_t n)
{
    enum { AT_ONCE = 4 };
    vf end = vf_set1(ay_f32(AY_INF_BITS)), start = vf_set1(ay_f32(AY_NEG_INF_BITS));
    vf low[AT_ONCE] = {end, end, end, end}, high[AT_ONCE] = {start, start, start, start};
    size_t i = 0;
    for (; i + AT_ONCE * LANES <= n; i += AT_ONCE * LANES) {
        AY_UNROLL
        for (size_t v = 0; v < AT_ONCE; v++) {
            vf y = vf_load(x + i + v * LANES);
            low[v] = vf_least(y, low[v]);
            high[v] = vf_most(y, high[v]);
        }
    }
    for (; i < n; i += LANES) {
        vf y = get(x + i, n - i);
        low[0] = vf_least(n - i >= LANES ? y : vf_first(n - i, y, end), low[0]);
        high[0] = vf_most(n - i >= LANES ? y : vf_first(n - i, y, start), high[0]);
    }
    low[0] = vf_least(vf_least(low[0], low[1]), vf_least(low[2], low[3]));
    high[0] = vf_most(vf_most(high[0], high[1]), vf_most(high[2], high[3]));
    AY_UNROLL
    for (int h = 1; h <= LOG2_LANES; h++) {
        low[0] = vf_least(low[0], vf_swap(low[0], LANES >> h));
        high[0] = vf_most(high[0], vf_swap(high[0], LANES >> h));
    }
    return (struct span){first_lane(low[0]), first_lane(high[0])};
}

/* e = exp(x * scale - most), and its partial sums. */
static __attribute__((noinline)) void softmax_exp(const float *x, float scale, float most,
                                                  float *out, size_t n, vf sums[SUMS])
{
    vf by = vf_set1(scale), from = vf_set1(most);
    for (int v = 0; v < SUMS; v++) sums[v] = vf_set1(0);
    for (size_t i = 0; i < n; i += 16)
        for (size_t v = 0; v < SUMS && i + v * LANES < n; v++) {
            size_t at = i + v * LANES, left = n - at;
            vf e = vf_exp(vf_sub(vf_mul(get(x + at, left), by), from));
            put_as_is(out + at, left, e);
            if (left < LANES) e = vf_first(left, e, vf_set1(0));
            sums[v] = vf_add(sums[v], e);
        }
}

/* exp of 16 elements in the range of vf_exp_near. */
AY_INLINE void exp_near_16(vf x[SUMS])
{
    struct ends y[SUMS];
    AY_UNROLL
    for (int v = 0; v < SUMS; v++) y[v] = exp_ends_near(x[v]);
    vf low = y[SUMS - 1].low, high = y[SUMS - 1].high;
    bool sure = SUMS == 2 ? vf_both_equal(y[0].low, y[0].high, low, high) : vf_all_equal(low, high);
    AY_UNROLL
    for (int v = 0; v < SUMS; v++)
        x[v] = sure || vf_all_equal(y[v].low, y[v].high) ? y[v].low : exp_slow(x[v]);
}

/* softmax_exp where each is in that range. */
AY_INLINE void softmax_exp_near(const float *x, float scale, float most, float *out, size_t n,
                                vf sums[SUMS])
{
    vf by = vf_set1(scale), from = vf_set1(most), e[SUMS];
    size_t i = 0;
    for (int v = 0; v < SUMS; v++) sums[v] = vf_set1(0);
    for (; i + 16 <= n; i += 16) {
        AY_UNROLL
        for (size_t v = 0; v < SUMS; v++)
            e[v] = vf_sub(vf_mul(vf_load(x + i + v * LANES), by), from);
        exp_near_16(e);
        AY_UNROLL
        for (size_t v = 0; v < SUMS; v++) {
            vf_store(out + i + v * LANES, e[v]);
            sums[v] = vf_add(sums[v], e[v]);
        }
    }
    for (size_t v = 0; i < n; i += LANES, v++) {
        vf last = vf_exp_near(vf_sub(vf_mul(get(x + i, n - i), by), from));
        put_as_is(out + i, n - i, last);
        sums[v] = vf_add(sums[v], n - i < LANES ? vf_first(n - i, last, vf_set1(0)) : last);
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
 * zero. As x * scale - most is monotone, the ends of a row say how far it goes; near ones are quick
 * to exp and, as e^-41 is above AY_DIV_FROM, to divide. */
enum { SOFTMAX_ROWS = 8 };
static void softmax_rows(const float *x, size_t ldx, float scale, float *out, size_t ldo,
                         size_t rows, size_t n)
{
    float most[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
    bool near[SOFTMAX_ROWS];
    vf sums[SOFTMAX_ROWS * SUMS];
    for (size_t r = 0; r < rows; r++) {
        struct span s = row_span(x + r * ldx, n);
        most[r] = s.most * scale;
        near[r] = fabsf(s.least * scale - most[r]) < AY_EXP_NEAR_END;
    }
    for (size_t r = 0; r < rows; r++) {
        if (near[r])
            softmax_exp_near(x + r * ldx, scale, most[r], out + r * ldo, n, sums + r * SUMS);
        else
            softmax_exp(x + r * ldx, scale, most[r], out + r * ldo, n, sums + r * SUMS);
    }
    for (size_t r = 0; r < rows; r++) sum[r] = tree(sums + r * SUMS);
    for (size_t r = 0; r < rows; r++) {
        float *at = out + r * ldo;
        struct divisor d = divisor_of(sum[r]);
        if (d.quick && (near[r] || is_normal(at, n)))
            for (size_t i = 0; i < n; i += LANES)
                put_as_is(at + i, n - i, div_quick(get(at + i, n - i), &d));
        else
            each_div_vs(at, sum[r], at, n);
    }
}

static void softmax(const float *x, size_t ldx, float scale, float *out, size_t ldo, size_t rows,
                    size_t n)
{
    for (size_t r = 0; r < rows; r += SOFTMAX_ROWS)
        softmax_rows(x + r * ldx, ldx, scale, out + r * ldo, ldo,
                     rows - r < SOFTMAX_ROWS ? rows - r : SOFTMAX_ROWS, n);
}

/* d = x - mean, its partial sums of squares, and whether each is one that a quick quotient may be
 * of. */
AY_INLINE bool deviations(const float *x, float mean, float *out, size_t n, vf sums[SUMS])
{
    vf from = vf_set1(mean), least = vf_set1(1.0F), most = least;
    size_t i = 0;
    for (int v = 0; v < SUMS; v++) sums[v] = vf_set1(0);
    for (; i + 16 <= n; i += 16) {
        AY_UNROLL
        for (size_t v = 0; v < SUMS; v++) {
            vf d = vf_sub(vf_load(x + i + v * LANES), from);
            vf_store(out + i + v * LANES, d);
            sums[v] = vf_fma(d, d, sums[v]);
            least = vf_least(vf_abs(d), least);
            most = vf_most(vf_abs(d), most);
        }
    }
    for (size_t v = 0; i < n; i += LANES, v++) {
        vf d = vf_sub(get(x + i, n - i), from), zero = vf_set1(0);
        put_as_is(out + i, n - i, d);
        least = vf_least(vf_abs(n - i < LANES ? vf_first(n - i, d, least) : d), least);
        if (n - i < LANES) d = vf_first(n - i, d, zero);
        sums[v] = vf_fma(d, d, sums[v]);
        most = vf_most(vf_abs(d), most);
    }
    return vf_all_from_to(least, AY_DIV_FROM, AY_DIV_TO) &&
           vf_all_from_to(most, AY_DIV_FROM, AY_DIV_TO);
}

static void layer_norm(const float *x, const float *gain, const float *bias, float eps, float *out,
                       size_t n)
{
    vf sums[SUMS];
    bool normal = deviations(x, row_sum(x, n) / (float)n, out, n, sums);
    struct divisor deviation = divisor_of(sqrtf(tree(sums) / (float)n + eps));
    bool quick = normal && deviation.quick;
    for (size_t i = 0; i < n; i += LANES) {
        vf d = get(out + i, n - i);
        vf unit = quick ? div_quick(d, &deviation) : vf_div(d, deviation.s);
        vf scaled = vf_mul(unit, get(gain + i, n - i));
        put(out + i, n - i, vf_add(scaled, get(bias + i, n - i)));
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
