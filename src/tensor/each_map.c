/* MAP of every dtype: blocks of the output's elements, operands brought beside them. */
#include "tensor/each.h"

#include "tensor/map.h"
#include "tensor/ref/float.h"

#include <string.h>

/* A row this long is worked on by itself; shorter ones share a block, operands copied into it. */
#define LONG_ROW       64u
#define LONG_ROW_WORDS 128u /* where the steps are fewer, and faster */
/* A shorter one is not worth a kernel's call. */
#define SHORT_ROW 16u

/* The output's axes, neighbours joined where every operand allows it, and each operand's steps
 * along them. */
struct walk {
    uint32_t rank;
    uint64_t size[AY_MAX_RANK];
    uint64_t stride[AY_MAX_WORK_OP_IN][AY_MAX_RANK];
    bool whole[AY_MAX_WORK_OP_IN]; /* element i of the operand is that of output element i */
    bool single[AY_MAX_WORK_OP_IN];
};

/* Whether axis `d`, of that size, follows the walk's last axis without a step. */
static bool continues(const struct ay_call *call, const struct walk *w,
                      uint64_t strides[][AY_MAX_RANK], uint32_t d)
{
    for (uint32_t i = 0; i < call->op->in_count; i++)
        if (w->stride[i][w->rank - 1] != strides[i][d] * call->out.dims[d]) return false;
    return true;
}

static struct walk walk_of(const struct ay_call *call)
{
    struct walk w = {0};
    uint64_t strides[AY_MAX_WORK_OP_IN][AY_MAX_RANK] = {{0}};
    uint32_t rank = call->out.rank;
    for (uint32_t i = 0; i < call->op->in_count; i++) {
        const struct ay_tensor_type *in = &call->in[i];
        uint64_t stride = 1;
        for (uint32_t d = in->rank; d-- > 0; stride *= in->dims[d])
            strides[i][rank - in->rank + d] = in->dims[d] == 1 ? 0 : stride;
        w.single[i] = stride == 1;
        w.whole[i] = stride == ay_tensor_elements(&call->out);
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (call->out.dims[d] == 1) continue;
        if (w.rank == 0 || !continues(call, &w, strides, d))
            w.size[w.rank++] = call->out.dims[d];
        else
            w.size[w.rank - 1] *= call->out.dims[d];
        for (uint32_t i = 0; i < call->op->in_count; i++) w.stride[i][w.rank - 1] = strides[i][d];
    }
    if (w.rank == 0) w.size[w.rank++] = 1;
    return w;
}

#define RUN_LOOP(type)                                                                             \
    {                                                                                              \
        type *out = (type *)to + e;                                                                \
        const type *in = (const type *)from + at;                                                  \
        for (uint64_t j = 0; j < run; j++) out[j] = in[j * step];                                  \
    }

/* Operand i's elements beside output elements first..first + n - 1, row by row. */
static void spread(const struct walk *w, uint32_t i, const void *from, uint64_t first, size_t n,
                   uint32_t bytes, void *to)
{
    uint32_t last = w->rank - 1;
    uint64_t o[AY_MAX_RANK], at = 0, step = w->stride[i][last], run;
    for (uint32_t d = w->rank; d-- > 0; first /= w->size[d]) {
        o[d] = first % w->size[d];
        at += o[d] * w->stride[i][d];
    }
    for (uint64_t e = 0; e < n; e += run) {
        run = w->size[last] - o[last] < n - e ? w->size[last] - o[last] : n - e;
        if (bytes == 4)
            RUN_LOOP(uint32_t)
        else if (bytes == 8)
            RUN_LOOP(uint64_t)
        else
            RUN_LOOP(uint8_t)
        o[last] += run;
        at += run * step;
        for (uint32_t d = last; d > 0 && o[d] == w->size[d]; d--) {
            at += w->stride[i][d - 1] - w->size[d] * w->stride[i][d];
            o[d] = 0;
            o[d - 1]++;
        }
    }
}

/* Operand i beside those elements; `room` has a block of 64-bit integers. */
static struct ay_map_term term(const struct ay_call *call, const struct walk *w, uint32_t i,
                               uint64_t first, size_t n, bool in_row, bool words, void *room)
{
    uint32_t dtype = call->in[i].dtype, bytes = ay_dtype_bytes(dtype), last = w->rank - 1;
    struct ay_map_term t = {.integer = dtype != AY_WORK_DTYPE_F32};
    const void *at = call->from[i];
    bool one = w->single[i], as_it_is = !t.integer || (words && bytes == sizeof(int32_t));
    uint8_t copied[AY_EACH_BLOCK * sizeof(int64_t)];
    if (w->whole[i]) {
        at = ay_element(at, first, bytes);
    } else if (in_row) {
        uint64_t offset = 0, rest = first;
        for (uint32_t d = w->rank; d-- > 0; rest /= w->size[d])
            offset += rest % w->size[d] * w->stride[i][d];
        at = ay_element(at, offset, bytes);
        one = w->stride[i][last] == 0;
    } else if (!one) {
        spread(w, i, at, first, n, bytes, as_it_is ? room : copied);
        at = as_it_is ? room : copied;
    }
    if (one && !t.integer)
        memcpy(&t.f32, at, sizeof t.f32);
    else if (one)
        call->kernels->steps->widen(dtype, at, &t.i64, 1);
    else if (as_it_is)
        t.at = at;
    else {
        if (words)
            call->kernels->steps->words.widen(dtype, at, room, n);
        else
            call->kernels->steps->widen(dtype, at, room, n);
        t.at = room;
    }
    return t;
}

/* Rows of the walk's last axis under one index of all but the last two. */
struct plane {
    uint64_t rows, row; /* how many, and their elements */
    struct ay_map_operand operands[AY_MAX_WORK_OP_IN];
};

static void find_plane(const struct ay_call *call, const struct walk *w, uint64_t index,
                       struct plane *p)
{
    uint32_t last = w->rank - 1;
    p->row = w->size[last];
    p->rows = last > 0 ? w->size[last - 1] : 1;
    for (uint32_t i = 0; i < call->op->in_count; i++) {
        uint64_t rest = index, offset = 0;
        for (uint32_t d = last > 0 ? last - 1 : 0; d-- > 0; rest /= w->size[d])
            offset += rest % w->size[d] * w->stride[i][d];
        p->operands[i] =
            (struct ay_map_operand){(const float *)call->from[i] + offset,
                                    last > 0 ? w->stride[i][last - 1] : 0, w->stride[i][last] == 0};
    }
}

/* Some steps over f32 that are one kernel's form, row by row. */
static bool run_affine(const struct ay_call *call, const struct walk *w, uint64_t first,
                       uint64_t last)
{
    struct ay_affine a;
    struct plane p;
    uint32_t x = 0;
    const uint32_t steps = call->op->steps_count;
    if (steps < 2) return false;
    find_plane(call, w, 0, &p);
    while (x < call->op->in_count && ay_map_affine_steps(call->op, p.operands, x) != steps) x++;
    if (x == call->op->in_count || p.row < SHORT_ROW) return false;
    for (uint64_t i = first, n; i < last; i += n) {
        uint64_t m = i / p.row % p.rows, column = i % p.row, rows = (last - i) / p.row;
        find_plane(call, w, i / p.row / p.rows, &p);
        ay_map_affine(call->op, p.operands, x, steps, &a);
        const bool whole = column == 0 && rows > 0;
        if (!whole) rows = 1;
        if (rows > p.rows - m) rows = p.rows - m;
        n = whole ? rows * p.row : p.row - column < last - i ? p.row - column : last - i;
        const struct ay_map_operand *from = &p.operands[x];
        float *out = (float *)call->to + (i - column - m * p.row);
        call->kernels->affine(&a, from->at, from->stride, m, m + rows, column,
                              whole ? p.row : column + n, out, p.row);
    }
    return true;
}

/* Whether it is of f32 alone. */
static bool is_f32(const struct ay_call *call)
{
    for (uint32_t i = 0; i < call->op->in_count; i++)
        if (call->in[i].dtype != AY_WORK_DTYPE_F32) return false;
    return ay_map_of_f32(call->op);
}

/* A block of it, as a row. */
static void run_row(const struct ay_map_block *block, float *out, size_t n, void *temp)
{
    struct ay_map_operand operands[AY_MAX_WORK_OP_IN];
    for (uint32_t k = 0; k < block->op->in_count; k++) {
        const struct ay_map_term *t = &block->inputs[k];
        operands[k] = (struct ay_map_operand){t->at ? t->at : &t->f32, 0, !t->at};
    }
    const struct ay_map_over over = {.op = block->op, .sizes = block->sizes, .operands = operands};
    ay_map_rows(block->kernels, &over, 1, n, out, n, temp);
}

void ay_each_map(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    _Static_assert(AY_EACH_BLOCK == AY_MAP_BLOCK, "one block for both");
    if (ay_each_fixed(call, first, last)) return;
    struct walk w = walk_of(call);
    const bool f32 = is_f32(call);
    if (f32 && run_affine(call, &w, first, last)) return;
    struct ay_map_block block = {
        .kernels = call->kernels, .op = call->op, .sizes = call->sizes, .words = call->words};
    int64_t *rooms = scratch, *temp = rooms + AY_MAX_WORK_OP_IN * AY_MAP_BLOCK;
    uint64_t row = w.size[w.rank - 1];
    bool in_row = row >= (block.words ? LONG_ROW_WORDS : LONG_ROW);
    uint32_t bytes = ay_dtype_bytes(call->out.dtype);
    for (uint64_t i = first, n; i < last; i += n) {
        n = last - i < AY_MAP_BLOCK ? last - i : AY_MAP_BLOCK;
        if (in_row && n > row - i % row) n = row - i % row;
        for (uint32_t k = 0; k < call->op->in_count; k++)
            block.inputs[k] =
                term(call, &w, k, i, n, in_row, block.words, rooms + k * AY_MAP_BLOCK);
        void *out = ay_element_to(call->to, i, bytes);
        if (f32)
            run_row(&block, out, n, temp);
        else
            (block.words ? ay_map_words_run : ay_map_run)(&block, out, n, temp);
    }
}
