/* The logistic function over lanes: 1 / d, d = exp(-h) + 1. Only d must round one way; where its
 * ends differ, the steps of ref/ decide. */
#ifndef AY_TENSOR_KERNEL_SIGMOID_LANES_H
#define AY_TENSOR_KERNEL_SIGMOID_LANES_H

#include "tensor/kernel/fn_lanes.h"

/* From here on exp(-h) is lost beside 1. */
#define SIGMOID_ONE 20.0F
/* The ends of exp hold below AY_EXP_NEAR_END. -h is held a little beyond it, and a d from the other
 * number on, which is below exp of that end, is taken for unknown. */
#define SIGMOID_FAR   41.125F
#define SIGMOID_D_END 0x1p59F

static __attribute__((noinline)) vf sigmoid_slow(vf h)
{
    vf one = vf_set1(1.0F);
    return vf_div(one, vf_add(exp_slow(vf_neg(h)), one));
}

/* The ends of d, which differ too where h is far below zero or a NaN. */
AY_INLINE struct ends sigmoid_ends(vf h)
{
    vf one = vf_set1(1.0F), end = vf_set1(SIGMOID_D_END);
    vf near = vf_most(vf_set1(-SIGMOID_FAR), vf_least(vf_set1(SIGMOID_ONE), h));
    struct ends e = exp_ends_near(vf_neg(near));
    return (struct ends){vf_add(e.low, one), vf_least(end, vf_add(e.high, one))};
}

AY_INLINE vf sigmoid_of(vf h, vf y, const bool times)
{
    return times ? vf_mul(h, y) : y;
}

/* Of an h that may be anything. */
AY_INLINE void sigmoid_end(vf h, struct ends d, const bool times, float *out, size_t left)
{
    vf y = vf_all_equal(d.low, d.high) ? vf_div(vf_set1(1.0F), d.low) : sigmoid_slow(h);
    put(out, left, sigmoid_of(h, y, times));
}

/* Two vectors abreast: one branch for both. Where it is taken no h is a NaN. */
AY_INLINE void sigmoid_times(const float *x, float add, const bool times, float *out, size_t n)
{
    vf more = vf_set1(add), one = vf_set1(1.0F), h[2];
    struct ends d[2];
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        AY_UNROLL
        for (size_t v = 0; v < 2; v++) {
            h[v] = vf_add(vf_load(x + i + v * LANES), more);
            d[v] = sigmoid_ends(h[v]);
        }
        bool sure = vf_both_equal(d[0].low, d[0].high, d[1].low, d[1].high);
        AY_UNROLL
        for (size_t v = 0; v < 2; v++)
            if (sure)
                vf_store(out + i + v * LANES, sigmoid_of(h[v], vf_div(one, d[v].low), times));
            else
                sigmoid_end(h[v], d[v], times, out + i + v * LANES, LANES);
    }
    for (; i < n; i += LANES) {
        h[0] = vf_add(get(x + i, n - i), more);
        sigmoid_end(h[0], sigmoid_ends(h[0]), times, out + i, n - i);
    }
}

static void sigmoid(const float *x, float add, bool times, float *out, size_t n)
{
    if (times)
        sigmoid_times(x, add, true, out, n);
    else
        sigmoid_times(x, add, false, out, n);
}

#endif
