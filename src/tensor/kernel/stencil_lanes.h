/* Windows over the planes of an image, each with filters of its own, as of a depthwise convolution,
 * or their sums. A part of a plane at a time is copied with what lies around it, unless
 * nothing does, so that no window is outside; vectors run along the rows of the result, some of
 * which go together; each element is one chain.
 * Cost: an fma for each vector of a row and tap, and a load, which 3 x 3 windows share. */
#ifndef AY_TENSOR_KERNEL_STENCIL_LANES_H
#define AY_TENSOR_KERNEL_STENCIL_LANES_H

#include "tensor/kernel/gemm_lanes.h"

#define STENCIL_ROWS    8u   /* of the result, at most, whose chains run beside each other */
#define STENCIL_COLUMNS 256u /* of a part */

/* What is made of the elements of a window: the chain with its filter, of 3 x 3 in a way of its
 * own, or the sum. */
enum stencil_kind { STENCIL_CHAIN, STENCIL_3X3, STENCIL_SUM };

/* Elements that `count` windows meet along an axis. */
AY_INLINE size_t met_by(size_t count, size_t stride, size_t kernel, size_t gap)
{
    return (count - 1) * stride + (kernel - 1) * gap + 1;
}

/* A part of a plane, which begins where its first window does. */
struct stencil_part {
    const float *at;
    size_t width; /* from one row to the next */
};

/* A row of a plane from element `first` on, with the fill around it. */
static void copy_row(const struct ay_stencil *s, const float *row, int64_t first, int64_t width,
                     float *to)
{
    int64_t low = first < 0 ? -first : 0, high = s->width - first;
    const vf fill = vf_set1(s->fill);
    if (high > width) high = width;
    if (low > high) low = high = width;
    for (int64_t x = 0; x < low; x += LANES) vf_store(to + x, fill);
    for (int64_t x = low; x < high; x += LANES)
        vf_store(to + x, get(row + first + x, (size_t)(high - x)));
    for (int64_t x = high; x < width; x += LANES) vf_store(to + x, fill);
}

/* What the windows of `rows` rows of the result from `row` on meet, from its column `column` on,
 * `width` elements of it. */
static struct stencil_part part_of(const struct ay_stencil *s, const float *plane, uint32_t row,
                                   uint32_t rows, uint32_t column, size_t width,
                                   float room[AY_STENCIL_FRAME + LANES])
{
    int64_t x = (int64_t)column * s->column_stride + s->left;
    int64_t y = (int64_t)row * s->row_stride + s->top;
    size_t height = met_by(rows, s->row_stride, s->kernel_height, s->row_gap);
    if (x >= 0 && x + (int64_t)width <= s->width && y >= 0 && y + (int64_t)height <= s->height)
        return (struct stencil_part){plane + y * s->width + x, s->width};
    for (size_t i = 0; i < height; i++, y++) {
        bool inside = y >= 0 && y < s->height; /* else none of its elements is */
        copy_row(s, inside ? plane + y * s->width : NULL, inside ? x : s->width, (int64_t)width,
                 room + i * width);
    }
    return (struct stencil_part){room, width};
}

AY_INLINE vf stencil_load(const float *p, const int step)
{
    return step == 1 ? vf_load(p) : vf_load_even(p);
}

/* The chains of `rows` rows of the result, whose first window begins at `at`. width: the kernel's.
 */
AY_INLINE void stencil_any(const struct ay_stencil *s, struct stencil_part at, const float *a,
                           const int rows, const uint32_t width, const int step, vf *sum)
{
    const size_t next_row = s->row_stride * at.width, gap = s->column_gap;
    for (uint32_t i = 0; i < s->kernel_height; i++, at.at += s->row_gap * at.width)
        for (uint32_t j = 0; j < width; j++) {
            vf by = vf_set1(*a++);
            AY_UNROLL
            for (int r = 0; r < rows; r++)
                sum[r] =
                    vf_fma(by, stencil_load(at.at + (size_t)r * next_row + j * gap, step), sum[r]);
        }
}

/* Windows of 3 x 3, which move on by as much each way, as most are: a row is loaded once for the
 * rows of the result that it has a part in, which is then each one's next. */
AY_INLINE bool is_3x3(const struct ay_stencil *s)
{
    return s->kernel_width == 3 && s->kernel_height == 3 && s->row_gap == 1 &&
           s->row_stride == s->column_stride;
}

AY_INLINE void stencil_3x3(const struct ay_stencil *s, struct stencil_part at, const vf by[9],
                           const int rows, const int step, vf *sum)
{
    AY_UNROLL
    for (int y = 0; y < (rows - 1) * step + 3; y++, at.at += at.width) AY_UNROLL
    for (int j = 0; j < 3; j++) {
        vf x = stencil_load(at.at + (size_t)j * s->column_gap, step);
        AY_UNROLL
        for (int r = 0; r < rows; r++)
            if (y >= r * step && y < r * step + 3)
                sum[r] = vf_fma(by[3 * (y - r * step) + j], x, sum[r]);
    }
}

/* The sum of one window. side: its height and width. */
AY_INLINE vf stencil_sum(const struct ay_stencil *s, struct stencil_part at, const uint32_t side,
                         const int step)
{
    vf x[16];
    AY_UNROLL
    for (uint32_t i = 0; i < side * side; i++)
        x[i] =
            stencil_load(at.at + i / side * s->row_gap * at.width + i % side * s->column_gap, step);
    return sum_of_few(x, side * side);
}

/* What follows the chains of a plane, whose rows have the same numbers. */
struct stencil_after {
    vf scale, shift, scale_again, shift_again, low, high; /* as of struct ay_affine */
    bool twice;
    const struct ay_affine *rest; /* all of it, where something is added; else NULL */
};

static vf one_of(struct ay_per_row by, float none)
{
    return vf_set1(by.at ? *by.at : none);
}

static struct stencil_after after_of(const struct ay_affine *affine)
{
    static const struct ay_affine nothing = {.low = -INFINITY, .high = INFINITY};
    const struct ay_affine *a = affine ? affine : &nothing;
    return (struct stencil_after){.scale = one_of(a->scale, 1),
                                  .shift = one_of(a->shift, -0.0F),
                                  .scale_again = one_of(a->scale_again, 1),
                                  .shift_again = one_of(a->shift_again, -0.0F),
                                  .low = vf_set1(a->low),
                                  .high = vf_set1(a->high),
                                  .twice = a->twice,
                                  .rest = a->add ? a : NULL};
}

/* Seldom, and apart from loops that hold in registers what they need. */
static __attribute__((noinline)) void rest_of_rows(const struct ay_affine *a, uint32_t row,
                                                   uint32_t n, size_t left, int rows, vf *x)
{
    for (int r = 0; r < rows; r++) affine_rows(a, row + (uint32_t)r, n, 1, 1, left, &x[r]);
}

AY_INLINE void after_rows(const struct stencil_after *a, uint32_t row, uint32_t n, size_t left,
                          const int rows, vf *x)
{
    if (a->rest) {
        vf y[STENCIL_ROWS];
        AY_UNROLL
        for (int r = 0; r < rows; r++) y[r] = x[r];
        rest_of_rows(a->rest, row, n, left, rows, y);
        AY_UNROLL
        for (int r = 0; r < rows; r++) x[r] = y[r];
        return;
    }
    AY_UNROLL
    for (int r = 0; r < rows; r++) x[r] = vf_add(vf_mul(x[r], a->scale), a->shift);
    if (a->twice) {
        AY_UNROLL
        for (int r = 0; r < rows; r++) x[r] = vf_add(vf_mul(x[r], a->scale_again), a->shift_again);
    }
    bool odd = may_have_nan(x, rows);
    AY_UNROLL
    for (int r = 0; r < rows; r++) {
        vf y = vf_least(vf_most(x[r], a->low), a->high);
        x[r] = odd ? vf_nan_of(x[r], y) : y;
    }
}

/* `rows` rows of the result from `row` on, `left` columns of a vector from n on. by: the filter of
 * 3 x 3 windows. */
AY_INLINE void stencil_rows(const struct ay_stencil *s, struct stencil_part at, const float *a,
                            const vf by[9], const struct stencil_after *after, uint32_t row,
                            uint32_t n, size_t left, const int rows, const enum stencil_kind kind,
                            const int step, float *out)
{
    vf sum[STENCIL_ROWS];
    AY_UNROLL
    for (int r = 0; r < rows; r++) sum[r] = vf_set1(0);
    if (kind == STENCIL_SUM)
        sum[0] = s->kernel_width == 3 ? stencil_sum(s, at, 3, step) : stencil_sum(s, at, 2, step);
    else if (kind == STENCIL_3X3)
        stencil_3x3(s, at, by, rows, step, sum);
    else if (s->kernel_width == 5)
        stencil_any(s, at, a, rows, 5, step, sum);
    else
        stencil_any(s, at, a, rows, s->kernel_width, step, sum);
    if (kind == STENCIL_SUM)
        canonical(sum, rows);
    else
        after_rows(after, row, n, left, rows, sum);
    AY_UNROLL
    for (int r = 0; r < rows; r++)
        put_as_is(out + ((size_t)row + (size_t)r) * s->columns + n, left, sum[r]);
}

/* Rows row0..row1 of a vector's columns. */
AY_INLINE void stencil_vector(const struct ay_stencil *s, struct stencil_part at, const float *a,
                              const struct stencil_after *after, uint32_t row0, uint32_t row1,
                              uint32_t n, size_t left, const enum stencil_kind kind, const int step,
                              float *out)
{
    const int most = kind == STENCIL_SUM ? 1 : kind == STENCIL_3X3 ? 4 : (int)STENCIL_ROWS;
    vf by[9] = {vf_set1(0)};
    AY_UNROLL
    for (int i = 0; kind == STENCIL_3X3 && i < 9; i++) by[i] = vf_set1(a[i]);
    uint32_t row = row0;
    for (; row1 - row >= (uint32_t)most; row += (uint32_t)most) {
        stencil_rows(s, at, a, by, after, row, n, left, most, kind, step, out);
        at.at += (size_t)most * s->row_stride * at.width;
    }
    for (uint32_t rows; row < row1; row += rows) {
        rows = row1 - row >= 4 ? 4 : row1 - row >= 2 ? 2 : 1;
        if (most > 4 && rows == 4)
            stencil_rows(s, at, a, by, after, row, n, left, 4, kind, step, out);
        else if (most > 2 && rows == 2)
            stencil_rows(s, at, a, by, after, row, n, left, 2, kind, step, out);
        else if (rows == 1)
            stencil_rows(s, at, a, by, after, row, n, left, 1, kind, step, out);
        at.at += (size_t)rows * s->row_stride * at.width;
    }
}

AY_INLINE void stencil(const struct ay_stencil *s, const float *plane, const float *a,
                       const struct ay_affine *affine, const enum stencil_kind kind, const int step,
                       float *out)
{
    const struct stencil_after after = after_of(affine);
    float room[AY_STENCIL_FRAME + LANES];
    const size_t high = met_by(1, 1, s->kernel_height, s->row_gap);
    const size_t wide = met_by(1, 1, s->kernel_width, s->column_gap);
    size_t block = (AY_STENCIL_FRAME / high - wide) / (size_t)step / LANES * LANES;
    if (block > STENCIL_COLUMNS) block = STENCIL_COLUMNS;
    for (uint32_t first = 0, columns, end; first < s->columns; first = end) {
        columns = s->columns - first < block ? s->columns - first : (uint32_t)block;
        end = first + columns;
        size_t width =
            met_by(columns < LANES ? LANES : columns, (size_t)step, s->kernel_width, s->column_gap);
        uint32_t band = (uint32_t)((AY_STENCIL_FRAME / width - high) / s->row_stride + 1);
        for (uint32_t row = 0, rows; row < s->rows; row += rows) {
            rows = s->rows - row < band ? s->rows - row : band;
            const struct stencil_part part = part_of(s, plane, row, rows, first, width, room);
            for (uint32_t n = first; n < end; n += LANES) {
                /* the last vector is a whole one, some of whose columns were made before */
                if (end - n < LANES && columns >= LANES) n = end - LANES;
                const struct stencil_part at = {part.at + (size_t)(n - first) * (size_t)step,
                                                part.width};
                stencil_vector(s, at, a, &after, row, row + rows, n, end - n, kind, step, out);
            }
        }
    }
}

static void chain_stencil(const struct ay_stencil *s, const float *plane, const float *a,
                          const struct ay_affine *affine, float *out)
{
    struct ay_affine whole; /* row 0 of it, for all rows of a plane */
    if (affine) {
        whole = *affine;
        whole.add_step = s->columns;
        whole.scale.step = whole.shift.step = 0;
        whole.scale_again.step = whole.shift_again.step = 0;
        whole.add_scale.step = whole.add_shift.step = 0;
        affine = &whole;
    }
    if (is_3x3(s) && s->column_stride == 1)
        stencil(s, plane, a, affine, STENCIL_3X3, 1, out);
    else if (is_3x3(s))
        stencil(s, plane, a, affine, STENCIL_3X3, 2, out);
    else if (s->column_stride == 1)
        stencil(s, plane, a, affine, STENCIL_CHAIN, 1, out);
    else
        stencil(s, plane, a, affine, STENCIL_CHAIN, 2, out);
}

static void sum_stencil(const struct ay_stencil *s, const float *plane, float *out)
{
    if (s->column_stride == 1)
        stencil(s, plane, NULL, NULL, STENCIL_SUM, 1, out);
    else
        stencil(s, plane, NULL, NULL, STENCIL_SUM, 2, out);
}

#endif
