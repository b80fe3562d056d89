/* GELU over lanes: h g / 2, g = erf(h / sqrt 2) + 1. Only g must round one way, so that what is
 * left open of erf may be absolute; where its ends differ, the steps of ref/ decide. */
#ifndef AY_TENSOR_KERNEL_GELU_LANES_H
#define AY_TENSOR_KERNEL_GELU_LANES_H

#include "tensor/kernel/fn_lanes.h"

static __attribute__((noinline)) vf gelu_gate_slow(vf h)
{
    return vf_add(vf_erf(vf_div(h, vf_set1(AY_SQRT2))), vf_set1(1.0F));
}

AY_INLINE vf gelu_of(vf h, vf gate)
{
    return vf_mul(vf_mul(h, gate), vf_set1(0.5F));
}

/* The gate whose ends are so; a NaN's is one. */
AY_INLINE vf gate_of(vf h, vf low, vf high)
{
    return vf_all_equal(low, high) && vf_all_equal(h, h) ? low : gelu_gate_slow(h);
}

/* x / sqrt 2: the first step of a quick quotient, which for this divisor rounds as the last does
 * (prove_quick gelu). One that underflows does not matter. */
AY_INLINE vf over_sqrt2(vf x, const struct divisor *sqrt2)
{
    return vf_fma(x, sqrt2->r, vf_mul(x, sqrt2->left));
}

#if LOOKS_UP == 32
/* Beyond the end it is 0 or 2, so that no quotient overflows. */
AY_INLINE struct ends gate_ends(vf h, const struct divisor *sqrt2)
{
    vf a = vf_least(vf_abs(h), vf_set1(AY_ERF_QUICK_END * AY_SQRT2)), one = vf_set1(1.0F);
    vf widths = vf_mul(a, vf_set1(AY_ERF_QUICK_PER_WIDTH / AY_SQRT2));
    struct ends erf = erf_ends(over_sqrt2(a, sqrt2), widths);
    return (struct ends){vf_add(vf_with_sign(erf.low, h), one),
                         vf_add(vf_with_sign(erf.high, h), one)};
}

static void gelu_gate(const float *x, float *out, size_t n)
{
    struct divisor sqrt2 = divisor_of(AY_SQRT2);
    for (size_t i = 0; i < n; i += LANES) {
        vf h = get(x + i, n - i);
        struct ends gate = gate_ends(h, &sqrt2);
        put(out + i, n - i, gate_of(h, gate.low, gate.high));
    }
}

static void gelu(const float *x, const float *bias, float *out, size_t n)
{
    struct divisor sqrt2 = divisor_of(AY_SQRT2);
    for (size_t i = 0; i < n; i += LANES) {
        vf h = get(x + i, n - i);
        if (bias) h = vf_add(h, get(bias + i, n - i));
        struct ends gate = gate_ends(h, &sqrt2);
        bool one_way = vf_all_equal(gate.low, gate.high);
        put(out + i, n - i, gelu_of(h, one_way ? gate.low : gelu_gate_slow(h)));
    }
}
#else
/* In two rounds over some vectors, as one after another each would wait longer than the processor
 * looks ahead: first quotients, near which multiple c they are, and what needs only that; then,
 * with the rows of the table, the rest. */
enum { GELU_AT_ONCE = 128, GELU_ABREAST = 2 };
struct __attribute__((aligned(64))) gelu_block {
    float h[GELU_AT_ONCE], t[GELU_AT_ONCE], w[GELU_AT_ONCE];
    uint32_t row[GELU_AT_ONCE];
};

AY_INLINE void gelu_begin(struct gelu_block *b, size_t i, vf h, const struct divisor *sqrt2)
{
    vf end = vf_set1(AY_ERF_QUICK_END * AY_SQRT2), start = vf_neg(end);
    vf magic = vf_set1((0x1.8p23F + AY_ERF_FINE_LAST) / AY_ERF_FINE_PER_ONE);
    vf a = over_sqrt2(vf_most(vf_least(h, end), start), sqrt2);
    vf s = vf_add(a, magic), c = vf_sub(s, magic), t = vf_sub(a, c);
    vf_store(b->h + i, h);
    vf_store(b->t + i, t);
    vf_store(b->w + i, erf_bend(c, t));
    vf_store_rows(b->row + i, s);
}

AY_INLINE struct ends gate_ends(const struct gelu_block *b, size_t i)
{
    vf one = vf_set1(1.0F), row[4];
    vf_rows(ay_erf_fine[0], b->row + i, row);
    struct ends erf = erf_ends_by_row(vf_load(b->t + i), vf_load(b->w + i), row);
    return (struct ends){vf_add(erf.low, one), vf_add(erf.high, one)};
}

/* Both ends of h g. That of -inf, times 0, is a NaN and so unequal to itself. */
AY_INLINE struct ends gelu_ends(const struct gelu_block *b, size_t i)
{
    vf h = vf_load(b->h + i);
    struct ends gate = gate_ends(b, i);
    return (struct ends){vf_mul(h, gate.low), vf_mul(h, gate.high)};
}

AY_INLINE void gelu_end(const struct gelu_block *b, size_t i, struct ends y, float *out,
                        size_t left)
{
    if (vf_all_equal(y.low, y.high))
        put_as_is(out, left, vf_mul(y.low, vf_set1(0.5F)));
    else
        put(out, left, gelu_of(vf_load(b->h + i), gelu_gate_slow(vf_load(b->h + i))));
}

static void gelu_some(const float *x, const float *bias, float *out, size_t n,
                      const struct divisor *sqrt2)
{
    struct gelu_block b;
    struct ends y[GELU_ABREAST];
    for (size_t i = 0; i < n; i += LANES) {
        vf h = get(x + i, n - i);
        if (bias) h = vf_add(h, get(bias + i, n - i));
        gelu_begin(&b, i, h, sqrt2);
    }
    size_t i = 0;
    for (; i + GELU_ABREAST * LANES <= n; i += GELU_ABREAST * LANES) {
        AY_UNROLL
        for (size_t k = 0; k < GELU_ABREAST; k++) y[k] = gelu_ends(&b, i + k * LANES);
        AY_UNROLL
        for (size_t k = 0; k < GELU_ABREAST; k++)
            gelu_end(&b, i + k * LANES, y[k], out + i + k * LANES, LANES);
    }
    for (; i < n; i += LANES) gelu_end(&b, i, gelu_ends(&b, i), out + i, n - i);
}

static void gelu(const float *x, const float *bias, float *out, size_t n)
{
    struct divisor sqrt2 = divisor_of(AY_SQRT2);
    for (size_t i = 0; i < n; i += GELU_AT_ONCE)
        gelu_some(x + i, bias ? bias + i : NULL, out + i,
                  n - i < GELU_AT_ONCE ? n - i : GELU_AT_ONCE, &sqrt2);
}

static void gelu_gate(const float *x, float *out, size_t n)
{
    struct divisor sqrt2 = divisor_of(AY_SQRT2);
    struct gelu_block b;
    for (size_t begin = 0; begin < n; begin += GELU_AT_ONCE) {
        size_t size = n - begin < GELU_AT_ONCE ? n - begin : GELU_AT_ONCE;
        for (size_t i = 0; i < size; i += LANES)
            gelu_begin(&b, i, get(x + begin + i, size - i), &sqrt2);
        for (size_t i = 0; i < size; i += LANES) {
            struct ends gate = gate_ends(&b, i);
            put(out + begin + i, size - i, gate_of(vf_load(b.h + i), gate.low, gate.high));
        }
    }
}
#endif

#endif
