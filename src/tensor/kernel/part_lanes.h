/* What is shorter than a vector, and panels packed from patches of an image. */
#ifndef AY_TENSOR_KERNEL_PART_LANES_H
#define AY_TENSOR_KERNEL_PART_LANES_H

#include "tensor/kernel/kernels.h"

#define PANEL (TILE_LANES * LANES)

AY_INLINE vf get(const float *p, size_t left)
{
    return left >= LANES ? vf_load(p) : vf_load_part(p, left);
}

/* Stores what is no NaN, or no result yet. */
AY_INLINE void put_as_is(float *p, size_t left, vf x)
{
    if (left >= LANES)
        vf_store(p, x);
    else
        vf_store_part(p, left, x);
}

/* Stores what may be a NaN. */
AY_INLINE void put(float *p, size_t left, vf x)
{
    put_as_is(p, left, vf_nan_of(x, x));
}

AY_INLINE vf patch_get(const float *p, size_t left, const uint32_t step)
{
    if (step == 1) return get(p, left);
    return left >= LANES ? vf_load_even(p) : vf_load_even_part(p, left);
}

/* The maximum of many whose NaNs are canonical: of their bits as signed integers, which are in the
 * order of what is not negative, a NaN last; the least if all are negative, whose order is the
 * other way round. */
struct maxima {
    vf most, least;
};
AY_INLINE struct maxima maxima_of(vf x)
{
    return (struct maxima){x, x};
}
AY_INLINE struct maxima maxima_with(struct maxima m, vf x)
{
    return (struct maxima){vf_bits_max(m.most, x), vf_bits_min(m.least, x)};
}
AY_INLINE vf maxima_end(struct maxima m)
{
    return vf_where_sign(m.most, m.least, m.most);
}

/* `vecs` vectors of a panel's columns and `left` columns more, k rows of them. */
AY_INLINE void pack_vectors(const float *from, const int32_t *k_at, uint32_t k, const int vecs,
                            size_t left, const uint32_t step, float *out)
{
    for (uint32_t i = 0; i < k; i++, out += PANEL) {
        const float *at = from + k_at[i];
        AY_UNROLL
        for (int v = 0; v < vecs; v++)
            vf_store(out + (size_t)v * LANES,
                     patch_get(at + (size_t)v * LANES * step, LANES, step));
        if (left)
            vf_store_part(out + (size_t)vecs * LANES, left,
                          patch_get(at + (size_t)vecs * LANES * step, left, step));
    }
}

AY_INLINE void pack_run(const float *from, const int32_t *k_at, uint32_t k, size_t len,
                        const uint32_t step, float *out)
{
    size_t left = len % LANES;
    switch (len / LANES) {
    case 0: pack_vectors(from, k_at, k, 0, left, step, out); break;
    case 1: pack_vectors(from, k_at, k, 1, left, step, out); break;
    case 2: pack_vectors(from, k_at, k, TILE_LANES < 2 ? 1 : 2, left, step, out); break;
    default: pack_vectors(from, k_at, k, TILE_LANES, left, step, out);
    }
}

static void pack_patches(const struct ay_patches *w, uint32_t k0, uint32_t k1, uint32_t n0,
                         uint32_t n1, float *out)
{
    uint32_t k = k1 - k0;
    for (uint32_t n = n0, len; n < n1; n += len) {
        uint32_t column = (n - n0) % PANEL;
        float *panel = out + (size_t)(n - n0 - column) * k + column;
        len = w->run[n] < n1 - n ? w->run[n] : n1 - n;
        if (len > PANEL - column) len = PANEL - column;
        if (w->step == 1)
            pack_run(w->image + w->n_at[n], w->k_at + k0, k, len, 1, panel);
        else
            pack_run(w->image + w->n_at[n], w->k_at + k0, k, len, 2, panel);
    }
}

#endif
