/* GATHER: whole rows of what lies inside the gathered axis, taken by their indices. */
#include "tensor/each.h"

#include <string.h>

/* The output is rows ids[0], ids[1], ... of a matrix, for each matrix of the table. */
struct gather {
    const struct ay_call *call;
    uint64_t n, ids, inner; /* rows of a matrix, rows taken of it, elements of a row */
    uint32_t bytes;         /* of an element */
};

/* Rows that ids j0..j1 - 1 take of each matrix. */
static void resolve(const struct gather *g, uint64_t j0, uint64_t j1, int64_t *rows)
{
    uint32_t dtype = g->call->in[1].dtype;
    int64_t end = (int64_t)g->n - 1;
    const void *ids = ay_element(g->call->from[1], j0, ay_dtype_bytes(dtype));
    g->call->kernels->steps->widen(dtype, ids, rows, j1 - j0);
    for (uint64_t j = 0; j < j1 - j0; j++)
        rows[j] = rows[j] < 0 ? 0 : rows[j] > end ? end : rows[j];
}

#define TAKE_LOOP(width)                                                                           \
    case width:                                                                                    \
        for (uint64_t j = 0; j < count; j++)                                                       \
            memcpy(out + j * (width), in + rows[j] * (width), (width));                            \
        break

/* Rows of few words, for which memcpy by a length that is not known takes longer. */
#define FEW_WORDS 16u
static void take_words(const uint8_t *in, const int64_t *rows, uint64_t count, uint64_t words,
                       uint8_t *out)
{
    for (uint64_t j = 0; j < count; j++)
        for (uint64_t i = 0; i < words; i++)
            memcpy(out + 4 * (j * words + i), in + 4 * ((uint64_t)rows[j] * words + i), 4);
}

/* Rows of `width` bytes each. */
static void take(const void *from, const int64_t *rows, uint64_t count, uint64_t width, void *to)
{
    const uint8_t *in = from;
    uint8_t *out = to;
    switch (width) {
        TAKE_LOOP(1);
        TAKE_LOOP(4);
        TAKE_LOOP(8);
        TAKE_LOOP(16);
    default:
        if (width % 4 == 0 && width <= 4 * FEW_WORDS) {
            take_words(in, rows, count, width / 4, out);
            break;
        }
        for (uint64_t j = 0; j < count; j++)
            memcpy(out + j * width, in + (uint64_t)rows[j] * width, width);
    }
}

/* Rows first..last - 1 of the output, some indices at a time for all matrices. */
static void gather_rows(const struct gather *g, uint64_t first, uint64_t last, int64_t *rows)
{
    uint64_t matrix = first / g->ids, end = (last - 1) / g->ids, width = g->inner * g->bytes;
    uint64_t from = matrix == end ? first % g->ids : 0;
    uint64_t to = matrix == end ? (last - 1) % g->ids + 1 : g->ids;
    for (uint64_t j0 = from, j1; j0 < to; j0 = j1) {
        j1 = to - j0 < AY_EACH_BLOCK ? to : j0 + AY_EACH_BLOCK;
        resolve(g, j0, j1, rows);
        for (uint64_t m = matrix; m <= end; m++) {
            uint64_t begin = m * g->ids + j0, stop = m * g->ids + j1;
            uint64_t low = begin < first ? first : begin, high = stop < last ? stop : last;
            if (low < high)
                take(ay_element(g->call->from[0], m * g->n * g->inner, g->bytes),
                     rows + (low - begin), high - low, width,
                     ay_element_to(g->call->to, low * g->inner, g->bytes));
        }
    }
}

/* Elements of one row of the output, from its element `at` on. */
static void gather_part(const struct gather *g, uint64_t row, uint64_t at, uint64_t count)
{
    int64_t taken;
    resolve(g, row % g->ids, row % g->ids + 1, &taken);
    uint64_t from = (row / g->ids * g->n + (uint64_t)taken) * g->inner + at;
    memcpy(ay_element_to(g->call->to, row * g->inner + at, g->bytes),
           ay_element(g->call->from[0], from, g->bytes), count * g->bytes);
}

void ay_each_gather(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    const struct ay_tensor_type *table = &call->in[0];
    uint32_t axis = call->op->axis;
    struct gather g = {call, .n = table->dims[axis], .bytes = ay_dtype_bytes(call->out.dtype)};
    g.inner = ay_span(table, axis + 1, table->rank);
    g.ids = ay_tensor_elements(&call->out) / (ay_span(table, 0, axis) * g.inner);
    uint64_t row = first / g.inner, end = last / g.inner, at = first % g.inner;
    if (at > 0) { /* a row that another range begins */
        uint64_t count = last - first < g.inner - at ? last - first : g.inner - at;
        gather_part(&g, row++, at, count);
    }
    if (row < end) gather_rows(&g, row, end, scratch);
    if (last % g.inner > 0 && row <= end) gather_part(&g, end, 0, last % g.inner);
}
