/* Windows over the planes of an image, each with filters of its own, as of a depthwise convolution,
 * or their maxima or sums: straight from the image, whatever lies outside it being put in by masks.
 * Vectors run along the rows of the result, some rows of which go together; each element is one
 * chain. Cost: an fma for each vector of a row and tap, and a load, which 3 x 3 windows share. */
#ifndef AY_TENSOR_KERNEL_STENCIL_LANES_H
#define AY_TENSOR_KERNEL_STENCIL_LANES_H

#include "tensor/kernel/gemm_lanes.h"

#define STENCIL_ROWS 4
/* What a vector may read from its place in a row on, and of the taps after it. */
#define FILLED (2 * LANES + AY_STENCIL_MAX_WIDTH)

/* A vector's columns of the result: for each tap of a row where its first lane reads, and which
 * lanes do; that is not said where all do of all (inside). */
struct stencil_columns {
    int64_t at[AY_STENCIL_MAX_WIDTH];
    vm lanes[AY_STENCIL_MAX_WIDTH];
    bool inside;
};

static void stencil_columns(const struct ay_stencil *s, uint32_t column,
                            struct stencil_columns *out)
{
    int64_t step = s->column_stride, width = s->width, begin = column * step + s->left;
    int64_t reach = (int64_t)(s->kernel_width - 1) * s->column_gap + (LANES - 1) * step;
    for (uint32_t i = 0; i < s->kernel_width; i++) out->at[i] = begin + (int64_t)i * s->column_gap;
    out->inside = begin >= 0 && begin + reach < width;
    for (uint32_t i = 0; i < s->kernel_width && !out->inside; i++) {
        int64_t at = out->at[i], first = at < 0 ? (step - 1 - at) / step : 0;
        int64_t last = at < width ? (width - 1 - at) / step + 1 : 0;
        if (last > LANES) last = LANES;
        out->lanes[i] =
            vm_between((uint32_t)(first < last ? first : last), (uint32_t)(last > 0 ? last : 0));
    }
}

/* What is made of the elements of a window. */
enum stencil_kind { STENCIL_CHAIN, STENCIL_MAX };

AY_INLINE vf stencil_next(const enum stencil_kind kind, vf by, vf x, vf sum)
{
    return kind == STENCIL_CHAIN ? vf_fma(by, x, sum) : vf_max(sum, x);
}

/* Where a row's elements are. Of one outside the plane each place is that of some fill. */
struct stencil_row {
    const float *from;
    int64_t places; /* all ones, or none */
};

/* Row y of the plane. fill: FILLED times. */
AY_INLINE struct stencil_row stencil_row(const struct ay_stencil *s, const float *plane, int64_t y,
                                         const float *fill)
{
    bool inside = y >= 0 && y < s->height;
    return (struct stencil_row){inside ? plane + y * s->width : fill, inside ? -1 : 0};
}

/* What the lanes of a tap have from p on; inside: none is outside the row. */
AY_INLINE vf stencil_load(const struct ay_stencil *s, const struct stencil_columns *c, uint32_t tap,
                          const float *p, const bool inside, const int step)
{
    if (inside) return step == 1 ? vf_load(p) : vf_load_even(p);
    return step == 1 ? vf_load_where(p, c->lanes[tap], vf_set1(s->fill))
                     : vf_load_even_where(p, c->lanes[tap], vf_set1(s->fill));
}

AY_INLINE vf stencil_get(const struct ay_stencil *s, const struct stencil_columns *c, uint32_t tap,
                         struct stencil_row row, const bool inside, const int step)
{
    return stencil_load(s, c, tap, row.from + (c->at[tap] & row.places), inside, step);
}

/* The plane's row that a window of row `row` has as its i-th. */
AY_INLINE int64_t row_of(const struct ay_stencil *s, uint32_t row, uint32_t i)
{
    return (int64_t)row * s->row_stride + (int64_t)i * s->row_gap + s->top;
}

/* The chains or maxima of `rows` rows of the result. width: the kernel's, of neighbours; 0: any. */
AY_INLINE void stencil_any(const struct ay_stencil *s, const struct stencil_columns *c,
                           const float *plane, const float *a, uint32_t row, const int rows,
                           const uint32_t width, const float *fill, const bool inside,
                           const enum stencil_kind kind, const int step, vf *sum)
{
    for (uint32_t i = 0; i < s->kernel_height; i++) {
        struct stencil_row from[STENCIL_ROWS];
        AY_UNROLL
        for (int r = 0; r < rows; r++) {
            from[r] = stencil_row(s, plane, row_of(s, row + (uint32_t)r, i), fill);
            if (width) from[r].from += c->at[0] & from[r].places;
        }
        AY_UNROLL
        for (uint32_t j = 0; j < width; j++) {
            vf by = vf_set1(a[j]);
            AY_UNROLL
            for (int r = 0; r < rows; r++)
                sum[r] = stencil_next(
                    kind, by, stencil_load(s, c, j, from[r].from + j, inside, step), sum[r]);
        }
        for (uint32_t j = 0; width == 0 && j < s->kernel_width; j++) {
            vf by = vf_set1(kind == STENCIL_CHAIN ? a[j] : 0);
            AY_UNROLL
            for (int r = 0; r < rows; r++)
                sum[r] =
                    stencil_next(kind, by, stencil_get(s, c, j, from[r], inside, step), sum[r]);
        }
        if (kind == STENCIL_CHAIN) a += s->kernel_width;
    }
}

/* Windows of 3 x 3 neighbours, as most are: a row of the plane is loaded once for the rows of the
 * result that it has a part in, which is then each one's next. */
AY_INLINE void stencil_3x3(const struct ay_stencil *s, const struct stencil_columns *c,
                           const float *plane, const float *a, uint32_t row, const int rows,
                           const float *fill, const bool inside, const enum stencil_kind kind,
                           const int step, vf *sum)
{
    vf by[9];
    AY_UNROLL
    for (int i = 0; i < 9; i++) by[i] = vf_set1(kind == STENCIL_CHAIN ? a[i] : 0);
    AY_UNROLL
    for (int y = 0; y < (rows - 1) * step + 3; y++) {
        struct stencil_row from = stencil_row(s, plane, (int64_t)row * step + y + s->top, fill);
        AY_UNROLL
        for (int j = 0; j < 3; j++) {
            vf x = stencil_get(s, c, (uint32_t)j, from, inside, step);
            AY_UNROLL
            for (int r = 0; r < rows; r++)
                if (y >= r * step && y < r * step + 3)
                    sum[r] = stencil_next(kind, by[3 * (y - r * step) + j], x, sum[r]);
        }
    }
}

AY_INLINE void stencil_sums(const struct ay_stencil *s, const struct stencil_columns *c,
                            const float *plane, const float *a, uint32_t row, const int rows,
                            const float *fill, const bool inside, const enum stencil_kind kind,
                            const int step, vf *sum)
{
    if (s->kernel_width == 3 && s->kernel_height == 3 && s->row_gap == 1 &&
        s->row_stride == (uint32_t)step)
        stencil_3x3(s, c, plane, a, row, rows, fill, inside, kind, step, sum);
    else if (kind == STENCIL_CHAIN && s->kernel_width == 5 && s->column_gap == 1)
        stencil_any(s, c, plane, a, row, rows, 5, fill, inside, kind, step, sum);
    else if (kind == STENCIL_CHAIN && s->kernel_width == 7 && s->column_gap == 1)
        stencil_any(s, c, plane, a, row, rows, 7, fill, inside, kind, step, sum);
    else
        stencil_any(s, c, plane, a, row, rows, 0, fill, inside, kind, step, sum);
}

/* `rows` rows of the result from `row` on, in a vector's columns, n the first of them. */
AY_INLINE void stencil_rows(const struct ay_stencil *s, const struct stencil_columns *c,
                            const float *plane, const float *a, const struct ay_affine *affine,
                            uint32_t row, uint32_t n, const int rows, const float *fill,
                            const enum stencil_kind kind, const int step, float *out)
{
    vf sum[STENCIL_ROWS];
    AY_UNROLL
    for (int r = 0; r < rows; r++)
        sum[r] = vf_set1(kind == STENCIL_CHAIN ? 0 : ay_f32(AY_NEG_INF_BITS));
    if (c->inside)
        stencil_sums(s, c, plane, a, row, rows, fill, true, kind, step, sum);
    else
        stencil_sums(s, c, plane, a, row, rows, fill, false, kind, step, sum);
    size_t left = s->columns - n < LANES ? s->columns - n : LANES;
    AY_UNROLL
    for (int r = 0; r < rows; r++) {
        size_t at = ((size_t)row + (size_t)r) * s->columns + n;
        if (affine) affine_rows(affine, 0, at, 1, 1, left, &sum[r]);
        put(out + at, left, sum[r]);
    }
}

AY_INLINE void stencil(const struct ay_stencil *s, const float *plane, const float *a,
                       const struct ay_affine *affine, const enum stencil_kind kind, const int step,
                       float *out)
{
    struct stencil_columns c;
    float fill[FILLED];
    for (uint32_t i = 0; i < FILLED; i++) fill[i] = s->fill;
    for (uint32_t n = 0, next; n < s->columns; n = next) {
        next = n + LANES;
        /* the last vector is a whole one, some of whose columns were made before */
        if (next > s->columns && s->columns >= LANES) n = s->columns - LANES;
        stencil_columns(s, n, &c);
        for (uint32_t row = 0, rows; row < s->rows; row += rows) {
            rows = s->rows - row >= 4 ? 4 : s->rows - row >= 2 ? 2 : 1;
            if (rows == 4)
                stencil_rows(s, &c, plane, a, affine, row, n, 4, fill, kind, step, out);
            else if (rows == 2)
                stencil_rows(s, &c, plane, a, affine, row, n, 2, fill, kind, step, out);
            else
                stencil_rows(s, &c, plane, a, affine, row, n, 1, fill, kind, step, out);
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

/* side: the windows' height and width. */
AY_INLINE void stencil_sum(const struct ay_stencil *s, const struct stencil_columns *c,
                           const float *plane, uint32_t n, const uint32_t side, const float *fill,
                           const bool inside, const int step, float *out)
{
    size_t left = s->columns - n < LANES ? s->columns - n : LANES;
    for (uint32_t row = 0; row < s->rows; row++) {
        vf x[16];
        AY_UNROLL
        for (uint32_t i = 0; i < side; i++) {
            struct stencil_row from = stencil_row(s, plane, row_of(s, row, i), fill);
            AY_UNROLL
            for (uint32_t j = 0; j < side; j++)
                x[i * side + j] = stencil_get(s, c, j, from, inside, step);
        }
        put(out + (size_t)row * s->columns + n, left, sum_of_few(x, side * side));
    }
}

AY_INLINE void sum_windows(const struct ay_stencil *s, const float *plane, const uint32_t side,
                           const int step, float *out)
{
    struct stencil_columns c;
    float fill[FILLED];
    for (uint32_t i = 0; i < FILLED; i++) fill[i] = s->fill;
    for (uint32_t n = 0, next; n < s->columns; n = next) {
        next = n + LANES;
        if (next > s->columns && s->columns >= LANES) n = s->columns - LANES;
        stencil_columns(s, n, &c);
        if (c.inside)
            stencil_sum(s, &c, plane, n, side, fill, true, step, out);
        else
            stencil_sum(s, &c, plane, n, side, fill, false, step, out);
    }
}

static void sum_stencil(const struct ay_stencil *s, const float *plane, float *out)
{
    if (s->column_stride == 1 && s->kernel_width == 3)
        sum_windows(s, plane, 3, 1, out);
    else if (s->column_stride == 1)
        sum_windows(s, plane, 2, 1, out);
    else if (s->kernel_width == 3)
        sum_windows(s, plane, 3, 2, out);
    else
        sum_windows(s, plane, 2, 2, out);
}

#endif
