/* Maxima of windows over a plane: first down the columns of the windows of a row of the result, to a
 * line, then along that. In any order they are the same, so a window costs its height and its width,
 * not its area, and what it meets outside the plane is left out but for one element of the fill.
 * Cost: two operations for each vector and row, and each vector and column, of the windows. */
#ifndef AY_TENSOR_KERNEL_MAX_LANES_H
#define AY_TENSOR_KERNEL_MAX_LANES_H

#include "tensor/kernel/stencil_lanes.h"

#define ANY_STEP 0

/* The maxima of `count` elements each, `apart` from one to the next, and of `also`: `left` of a vector
 * from `at` on. */
AY_INLINE vf max_apart(const float *at, size_t apart, const uint32_t count, size_t left, vf also)
{
    struct maxima m = maxima_of(get(at, left));
    AY_UNROLL
    for (uint32_t i = 1; i < count; i++) m = maxima_with(m, get(at + i * apart, left));
    return maxima_end(maxima_with(m, also));
}

AY_INLINE void max_columns(const float *at, size_t apart, const uint32_t count, size_t n, vf also,
                           float *line)
{
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        vf_store(line + j, max_apart(at + j, apart, count, LANES, also));
    if (j < n) vf_store(line + j, max_apart(at + j, apart, count, n - j, also));
}

/* The maxima down the columns of windows whose first row is the plane's row y, `width` columns of
 * them from the plane's column x on. */
AY_INLINE void max_line(const struct ay_stencil *s, const float *plane, int64_t y, int64_t x,
                        int64_t width, float *line)
{
    const int64_t gap = s->row_gap;
    uint32_t count = s->kernel_height;
    int64_t low = x < 0 ? -x : 0, high = s->width - x;
    if (high > width) high = width;
    for (; count > 0 && y < 0; y += gap) count--;
    while (count > 0 && y + (count - 1) * gap >= s->height) count--;
    if (low > high || count == 0) low = high = width;
    const vf fill = vf_set1(s->fill);
    const vf also = count < s->kernel_height ? fill : vf_set1(ay_f32(AY_NEG_INF_BITS));
    const float *at = low < high ? plane + y * s->width + x + low : NULL;
    const size_t apart = (size_t)gap * s->width, n = (size_t)(high - low);
    for (int64_t j = 0; j < low; j += LANES) vf_store(line + j, fill);
    if (count == 3)
        max_columns(at, apart, 3, n, also, line + low);
    else if (count == 2)
        max_columns(at, apart, 2, n, also, line + low);
    else
        max_columns(at, apart, count, n, also, line + low);
    for (int64_t j = high; j < width; j += LANES) vf_store(line + j, fill);
}

/* The maxima of windows that begin at each element from `line` on, or each second one: a vector of
 * them. width: the kernel's. */
AY_INLINE vf max_along(const struct ay_stencil *s, const float *line, const uint32_t width,
                       const int step)
{
    struct maxima m = maxima_of(stencil_load(line, step));
    AY_UNROLL
    for (uint32_t j = 1; j < width; j++)
        m = maxima_with(m, stencil_load(line + j * s->column_gap, step));
    return maxima_end(m);
}

/* The maxima along a line for columns first..end - 1 of a row of the result. step: 1 or 2, or any
 * other stride, of whose windows those between are left out in the end. */
AY_INLINE void max_row(const struct ay_stencil *s, const float *line, uint32_t first, uint32_t end,
                       const uint32_t width, const int step, float *row)
{
    if (step == ANY_STEP) {
        float all[AY_STENCIL_FRAME + LANES];
        const size_t stride = s->column_stride, count = (end - first - 1) * stride + 1;
        for (size_t x = 0; x < count; x += LANES)
            vf_store(all + x, max_along(s, line + x, width, 1));
        for (uint32_t n = first; n < end; n++) row[n] = all[(n - first) * stride];
        return;
    }
    for (uint32_t n = first; n < end; n += LANES) {
        /* the last vector is a whole one, some of whose columns were made before */
        if (end - n < LANES && end - first >= LANES) n = end - LANES;
        put_as_is(row + n, end - n,
                  max_along(s, line + (size_t)(n - first) * (size_t)step, width, step));
    }
}

AY_INLINE void max_planes(const struct ay_stencil *s, const float *plane, const int step,
                          float *out)
{
    float lines[AY_STENCIL_FRAME + LANES];
    const size_t wide = met_by(1, 1, s->kernel_width, s->column_gap);
    const size_t stride = s->column_stride;
    size_t block = (AY_STENCIL_FRAME - wide) / stride / LANES * LANES;
    if (block > STENCIL_COLUMNS) block = STENCIL_COLUMNS;
    for (uint32_t first = 0, columns; first < s->columns; first += columns) {
        columns = s->columns - first < block ? s->columns - first : (uint32_t)block;
        const size_t width =
            met_by(columns < LANES ? LANES : columns, stride, s->kernel_width, s->column_gap);
        const int64_t x = (int64_t)first * s->column_stride + s->left;
        const uint32_t most = (uint32_t)(AY_STENCIL_FRAME / width);
        for (uint32_t row = 0, rows; row < s->rows; row += rows) {
            rows = s->rows - row < most ? s->rows - row : most;
            for (uint32_t r = 0; r < rows; r++)
                max_line(s, plane, (int64_t)(row + r) * s->row_stride + s->top, x, (int64_t)width,
                         lines + r * width);
            for (uint32_t r = 0; r < rows; r++) {
                float *to = out + (size_t)(row + r) * s->columns;
                const float *line = lines + r * width;
                if (s->kernel_width == 3)
                    max_row(s, line, first, first + columns, 3, step, to);
                else if (s->kernel_width == 2)
                    max_row(s, line, first, first + columns, 2, step, to);
                else
                    max_row(s, line, first, first + columns, s->kernel_width, step, to);
            }
        }
    }
}

static void max_stencil(const struct ay_stencil *s, const float *plane, float *out)
{
    if (s->column_stride == 1)
        max_planes(s, plane, 1, out);
    else if (s->column_stride == 2)
        max_planes(s, plane, 2, out);
    else
        max_planes(s, plane, ANY_STEP, out);
}

#endif
