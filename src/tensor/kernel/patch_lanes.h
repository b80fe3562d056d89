/* Windows over an image: panels for gemm, short chains, sums and maxima straight from it. Columns
 * that follow each other in the image go side by side in vectors; each element is one chain. */
#ifndef AY_TENSOR_KERNEL_PATCH_LANES_H
#define AY_TENSOR_KERNEL_PATCH_LANES_H

#include "tensor/kernel/gemm_lanes.h"
#include "tensor/kernel/part_lanes.h"

#define PATCH_VECS 4  /* vectors whose chains run beside each other */
#define SHORT_RUN  2u /* columns that are gathered rather than loaded */

/* What is made of a patch's elements, k ascending. */
enum patch_kind { PATCH_CHAIN, PATCH_SUM, PATCH_MAX };

/* Some columns: those from the j-th of a run on, which begins with column n; or of step 0, n + j
 * and those after it, wherever each is. */
struct columns {
    const struct ay_patches *w;
    size_t n, j;
};

/* Element k of `left` of them, from the i-th on. */
AY_INLINE vf column_get(struct columns c, uint32_t k, size_t i, size_t left, const uint32_t step)
{
    const float *at = c.w->image + c.w->k_at[k];
    return step ? patch_get(at + c.w->n_at[c.n] + (c.j + i) * step, left, step)
                : vf_gather(at, c.w->n_at + c.n + c.j + i, left);
}

/* `vecs` vectors; left: columns of the last one. */
AY_INLINE void patch_chain(struct columns c, const float *a, const int vecs, size_t left,
                           const uint32_t step, float *out)
{
    vf sum[PATCH_VECS];
    AY_UNROLL
    for (int v = 0; v < vecs; v++) sum[v] = vf_set1(0);
    for (uint32_t i = 0; i < c.w->k; i++) {
        vf x = vf_set1(a[i]);
        AY_UNROLL
        for (int v = 0; v < vecs; v++)
            sum[v] = vf_fma(
                x, column_get(c, i, (size_t)v * LANES, v + 1 < vecs ? LANES : left, step), sum[v]);
    }
    AY_UNROLL
    for (int v = 0; v < vecs; v++)
        put(out + (size_t)v * LANES, v + 1 < vecs ? LANES : left, sum[v]);
}

AY_INLINE void patch_sum(struct columns c, size_t left, const uint32_t step, float *out)
{
    vf s[16];
    for (int l = 0; l < 16; l++) s[l] = vf_set1(0);
    for (uint32_t i = 0; i < c.w->k; i++)
        s[i % 16] = vf_add(s[i % 16], column_get(c, i, 0, left, step));
    for (int h = 8; h > 0; h /= 2)
        for (int l = 0; l < h; l++) s[l] = vf_add(s[l], s[l + h]);
    put(out, left, s[0]);
}

/* The same of a known k, at most 16. */
AY_INLINE void patch_sum_few(struct columns c, const uint32_t k, size_t left, const uint32_t step,
                             float *out)
{
    vf s[16];
    AY_UNROLL
    for (uint32_t l = 0; l < k; l++) s[l] = column_get(c, l, 0, left, step);
    put(out, left, sum_of_few(s, k));
}

AY_INLINE void patch_max(struct columns c, size_t left, const uint32_t step, float *out)
{
    struct maxima m = maxima_of(vf_set1(ay_f32(AY_NEG_INF_BITS)));
    for (uint32_t i = 0; i < c.w->k; i++) m = maxima_with(m, column_get(c, i, 0, left, step));
    put_as_is(out, left, maxima_end(m));
}

/* len columns from n on. */
AY_INLINE void patch_run(const struct ay_patches *w, const float *a, size_t n, size_t len,
                         const enum patch_kind kind, const uint32_t step, float *out)
{
    size_t j = 0;
    for (; kind == PATCH_CHAIN && j < len; j += PATCH_VECS * LANES) {
        size_t vecs = (len - j + LANES - 1) / LANES, left = len - j - (vecs - 1) * LANES;
        if (vecs > 3)
            patch_chain((struct columns){w, n, j}, a, PATCH_VECS, vecs > 4 ? LANES : left, step,
                        out + j);
        else if (vecs == 3)
            patch_chain((struct columns){w, n, j}, a, 3, left, step, out + j);
        else if (vecs == 2)
            patch_chain((struct columns){w, n, j}, a, 2, left, step, out + j);
        else
            patch_chain((struct columns){w, n, j}, a, 1, left, step, out + j);
    }
    for (; j < len; j += LANES) {
        size_t left = len - j < LANES ? len - j : LANES;
        struct columns c = {w, n, j};
        if (kind == PATCH_SUM && w->k == 9)
            patch_sum_few(c, 9, left, step, out + j);
        else if (kind == PATCH_SUM && w->k == 4)
            patch_sum_few(c, 4, left, step, out + j);
        else if (kind == PATCH_SUM)
            patch_sum(c, left, step, out + j);
        else
            patch_max(c, left, step, out + j);
    }
}

/* How many columns from n on, before `end`, are in several runs too short for a vector. */
AY_INLINE uint32_t apart(const struct ay_patches *w, uint32_t n, uint32_t end)
{
    uint32_t last = n;
    while (last < end && w->run[last] <= SHORT_RUN) last += w->run[last];
    if (last == n + w->run[n]) return 0;
    return (last < end ? last : end) - n;
}

AY_INLINE void patches(const struct ay_patches *w, const float *a, uint32_t n0, uint32_t n1,
                       const enum patch_kind kind, float *out)
{
    for (uint32_t n = n0, len; n < n1; n += len) {
        len = apart(w, n, n1);
        if (len > 0) {
            patch_run(w, a, n, len, kind, 0, out + (n - n0));
            continue;
        }
        len = w->run[n] < n1 - n ? w->run[n] : n1 - n;
        if (w->step == 1)
            patch_run(w, a, n, len, kind, 1, out + (n - n0));
        else
            patch_run(w, a, n, len, kind, 2, out + (n - n0));
    }
}

static void chain_patches(const struct ay_patches *w, const float *a, uint32_t n0, uint32_t n1,
                          float *out)
{
    patches(w, a, n0, n1, PATCH_CHAIN, out);
}

static void sum_patches(const struct ay_patches *w, uint32_t n0, uint32_t n1, float *out)
{
    patches(w, NULL, n0, n1, PATCH_SUM, out);
}

static void max_patches(const struct ay_patches *w, uint32_t n0, uint32_t n1, float *out)
{
    patches(w, NULL, n0, n1, PATCH_MAX, out);
}

#endif
