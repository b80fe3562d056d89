/* Windows over the planes of an image, each with filters of its own, as of a depthwise convolution,
 * or their maxima: straight from the image, whatever lies outside it being put in by masks. Vectors
 * run along the rows of the result, some rows of which go together; each element is one chain.
 * Cost: a load and an fma for each vector of a row and tap. */
#ifndef AY_TENSOR_KERNEL_STENCIL_LANES_H
#define AY_TENSOR_KERNEL_STENCIL_LANES_H

#include "tensor/kernel/gemm_lanes.h"

#define STENCIL_ROWS 4

/* A vector's columns of the result: for each tap of a row where its first lane reads, and which
 * lanes do. */
struct stencil_columns {
    int64_t at[AY_STENCIL_MAX_WIDTH];
    vm lanes[AY_STENCIL_MAX_WIDTH];
};

static void stencil_columns(const struct ay_stencil *s, uint32_t column,
                            struct stencil_columns *out)
{
    int64_t step = s->column_stride, width = s->width;
    for (uint32_t i = 0; i < s->kernel_width; i++) {
        int64_t at = column * step + (int64_t)i * s->column_gap + s->left;
        int64_t first = at < 0 ? (step - 1 - at) / step : 0;
        int64_t last = at < width ? (width - 1 - at) / step + 1 : 0;
        if (last > LANES) last = LANES;
        out->at[i] = at;
        out->lanes[i] =
            vm_between((uint32_t)(first < last ? first : last), (uint32_t)(last > 0 ? last : 0));
    }
}

/* What is made of the rows of a window. */
enum stencil_kind { STENCIL_CHAIN, STENCIL_MAX };

/* One row of the windows of `rows` rows of the result, from[r] being the plane's; NULL: outside. a:
 * the filter's row. */
AY_INLINE void stencil_taps(const struct ay_stencil *s, const struct stencil_columns *c,
                            const float *const *from, const float *a, const int rows,
                            const bool inside, const enum stencil_kind kind, const int step,
                            vf *sum)
{
    const vf fill = vf_set1(s->fill);
    for (uint32_t j = 0; j < s->kernel_width; j++) {
        vf by = vf_set1(kind == STENCIL_CHAIN ? a[j] : 0);
        AY_UNROLL
        for (int r = 0; r < rows; r++) {
            vf x = fill;
            if (inside || from[r])
                x = step == 1 ? vf_load_where(from[r] + c->at[j], c->lanes[j], fill)
                              : vf_load_even_where(from[r] + c->at[j], c->lanes[j], fill);
            sum[r] = kind == STENCIL_CHAIN ? vf_fma(by, x, sum[r]) : vf_max(sum[r], x);
        }
    }
}

/* `rows` rows of the result from `row` on, in a vector's columns, n the first of them. */
AY_INLINE void stencil_rows(const struct ay_stencil *s, const struct stencil_columns *c,
                            const float *plane, const float *a, const struct ay_affine *affine,
                            uint32_t row, uint32_t n, const int rows, const enum stencil_kind kind,
                            const int step, float *out)
{
    vf sum[STENCIL_ROWS];
    AY_UNROLL
    for (int r = 0; r < rows; r++)
        sum[r] = vf_set1(kind == STENCIL_CHAIN ? 0 : ay_f32(AY_NEG_INF_BITS));
    for (uint32_t i = 0; i < s->kernel_height; i++) {
        const float *from[STENCIL_ROWS];
        bool inside = true;
        AY_UNROLL
        for (int r = 0; r < rows; r++) {
            int64_t y = ((int64_t)row + r) * s->row_stride + (int64_t)i * s->row_gap + s->top;
            from[r] = y >= 0 && y < s->height ? plane + y * s->width : NULL;
            inside = inside && from[r];
        }
        if (inside)
            stencil_taps(s, c, from, a, rows, true, kind, step, sum);
        else
            stencil_taps(s, c, from, a, rows, false, kind, step, sum);
        if (kind == STENCIL_CHAIN) a += s->kernel_width;
    }
    size_t left = s->columns - n < LANES ? s->columns - n : LANES;
    AY_UNROLL
    for (int r = 0; r < rows; r++) {
        size_t at = ((size_t)row + (size_t)r) * s->columns + n;
        if (affine) affine_row(affine, 0, at, 1, left, &sum[r]);
        put(out + at, left, sum[r]);
    }
}

AY_INLINE void stencil(const struct ay_stencil *s, const float *plane, const float *a,
                       const struct ay_affine *affine, const enum stencil_kind kind, const int step,
                       float *out)
{
    struct stencil_columns c;
    for (uint32_t n = 0; n < s->columns; n += LANES) {
        stencil_columns(s, n, &c);
        for (uint32_t row = 0, rows; row < s->rows; row += rows) {
            rows = s->rows - row >= 4 ? 4 : s->rows - row >= 2 ? 2 : 1;
            if (rows == 4)
                stencil_rows(s, &c, plane, a, affine, row, n, 4, kind, step, out);
            else if (rows == 2)
                stencil_rows(s, &c, plane, a, affine, row, n, 2, kind, step, out);
            else
                stencil_rows(s, &c, plane, a, affine, row, n, 1, kind, step, out);
        }
    }
}

static void chain_stencil(const struct ay_stencil *s, const float *plane, const float *a,
                          const struct ay_affine *affine, float *out)
{
    if (s->column_stride == 1)
        stencil(s, plane, a, affine, STENCIL_CHAIN, 1, out);
    else
        stencil(s, plane, a, affine, STENCIL_CHAIN, 2, out);
}

static void max_stencil(const struct ay_stencil *s, const float *plane, float *out)
{
    if (s->column_stride == 1)
        stencil(s, plane, NULL, NULL, STENCIL_MAX, 1, out);
    else
        stencil(s, plane, NULL, NULL, STENCIL_MAX, 2, out);
}

#endif
