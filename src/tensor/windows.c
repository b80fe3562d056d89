/* Steps of a VIEW of bytes that is never stored: the largest of each of its rows, as of a pooling,
 * or sums of their products with a few rows of weights, as of a convolution of each channel by
 * itself. Results that follow one another along the grid's last axis before the windows' own read
 * elements that are as far apart for each of a window's places, so they go together. */
#include "tensor/windows.h"

#include "tensor/exec_impl.h"
#include "tensor/finish.h"

#include <stdlib.h>
#include <string.h>

/* Elements read that an item of the pool's loop should be worth. */
#define ITEM_WORK 65536u
/* Places of a window; larger ones are stored. */
#define MOST_TAPS 1024u
/* Rows of weights that read an image each for themselves; for more it is laid out. */
#define MOST_ROWS 4u
/* What a frame is made for: lines and results of one, elements from one to the next, its own. */
#define MOST_LINES 65536u
#define MOST_STEP  64
#define MOST_FRAME (1u << 22)

/* A VIEW whose windows are the axes of its grid from `tap` on. */
struct windows {
    const struct ay_work_op *view;
    uint32_t tap, along; /* along: the axis of the operand that results of a run go along */
    uint64_t taps, run, runs;
    int64_t size[AY_MAX_RANK], stride[AY_MAX_RANK]; /* of the operand's axes */
    int64_t step;                                   /* of `along` from one result to the next */
};

static int64_t coef(const struct ay_work_op *view, uint32_t axis, uint32_t d)
{
    return view->coefs[axis * view->grid_count + d];
}

/* Whether one axis of the operand alone goes along axis d of the grid, forward. */
static bool runs_along(const struct ay_work_op *view, uint32_t d, uint32_t *axis)
{
    uint32_t found = 0;
    for (uint32_t a = 0; a < view->view_count; a++) {
        if (coef(view, a, d) == 0) continue;
        *axis = a;
        found += coef(view, a, d) > 0 ? 1 : 2;
    }
    return found == 1;
}

static bool windows_of(const struct ay_work_op *view, struct windows *out)
{
    uint64_t row = view->dims[view->dims_count - 1];
    *out = (struct windows){.view = view, .tap = view->grid_count, .taps = 1, .runs = 1};
    for (uint32_t d = 0; d < view->grid_count; d++)
        if (view->grid[d] & AY_DIM_SYMBOL) return false;
    while (out->tap > 0 && out->taps < row) out->taps *= view->grid[--out->tap];
    while (out->tap > 1 && view->grid[out->tap - 1] == 1) out->tap--;
    if (out->taps != row || out->tap == 0 || row > MOST_TAPS ||
        !runs_along(view, out->tap - 1, &out->along))
        return false;
    out->run = view->grid[out->tap - 1];
    for (uint32_t d = 0; d + 1 < out->tap; d++) out->runs *= view->grid[d];
    int64_t stride = 1;
    for (uint32_t a = view->view_count; a-- > 0; stride *= out->size[a]) {
        if (view->view[a] & AY_DIM_SYMBOL) return false;
        out->size[a] = view->view[a];
        out->stride[a] = stride;
    }
    out->step = coef(view, out->along, out->tap - 1);
    return true;
}

/* The lowest of taps' places along an axis of the operand, beside the first tap's. */
static int64_t lowest_of(const struct windows *w, uint32_t axis)
{
    int64_t low = 0;
    for (uint32_t d = w->tap; d < w->view->grid_count; d++)
        if (coef(w->view, axis, d) < 0)
            low += coef(w->view, axis, d) * (int64_t)(w->view->grid[d] - 1);
    return low;
}

/* Elements along an axis from the first to the last that windows along axis d of the grid read. */
static uint64_t reach_of(const struct windows *w, uint32_t axis, uint32_t d)
{
    uint64_t reach = 1 + (uint64_t)coef(w->view, axis, d) * (w->view->grid[d] - 1);
    for (uint32_t t = w->tap; t < w->view->grid_count; t++)
        reach += (uint64_t)llabs(coef(w->view, axis, t)) * (w->view->grid[t] - 1);
    return reach;
}

/* Whether the grid's axes before the windows' go along the operand's last two, and windows too, and
 * the frame of what they read is not much larger than their results. */
static bool has_planes(const struct windows *w, uint32_t *across)
{
    const struct ay_work_op *view = w->view;
    uint32_t axes = view->view_count;
    if (w->tap < 2 || axes < 2 || w->along != axes - 1 || !runs_along(view, w->tap - 2, across) ||
        *across != axes - 2 || view->grid[w->tap - 2] > MOST_LINES || w->run > MOST_LINES)
        return false;
    for (uint32_t d = w->tap - 2; d < view->grid_count; d++)
        for (uint32_t a = 0; a < axes; a++) {
            int64_t c = coef(view, a, d);
            if (c > MOST_STEP || c < -MOST_STEP) return false;
            if (d >= w->tap && a + 2 < axes && view->grid[d] > 1 && c != 0) return false;
        }
    uint64_t frame = reach_of(w, *across, w->tap - 2) * reach_of(w, w->along, w->tap - 1);
    return frame <= MOST_FRAME;
}

bool ay_windows_are(const struct ay_work_op *view, const struct ay_work_op *user)
{
    struct windows unused;
    bool bytes = view->dtype == AY_WORK_DTYPE_U8 || view->dtype == AY_WORK_DTYPE_I8;
    return user->kind == AY_WORK_OP_REDUCE && user->reduce == AY_WORK_REDUCE_MAX && bytes &&
           user->axis + 1 == view->dims_count && windows_of(view, &unused);
}

bool ay_windows_multiply(const struct ay_work_op *view, const struct ay_work_op *user)
{
    struct windows w;
    uint32_t unused;
    return view->kind == AY_WORK_OP_VIEW && user->kind == AY_WORK_OP_MATMUL &&
           view->dims_count == 3 && user->dims[1] <= MOST_ROWS && windows_of(view, &w) &&
           has_planes(&w, &unused);
}

/* A step in one run. */
struct work {
    struct windows w;
    const struct ay_steps *steps;
    struct ay_exec *exec;
    const uint8_t *x;
    uint8_t *out;
    const int64_t *places; /* (taps, axes): of each tap's place beside the window's */
    uint64_t each;         /* runs of an item */
    /* of a product */
    const uint8_t *weights; /* (groups, rows, taps) */
    bool weights_signed, finished;
    uint32_t rows;
    uint64_t n; /* results of a group's row */
    struct ay_finish finish;
    /* Of a product a plane, results whose windows move along two axes of the operand: so much of it
     * as they read is copied into a frame of the fill. */
    uint32_t across;        /* the axis that the runs of a plane go along */
    uint64_t lines;         /* runs of a plane */
    int64_t low[2];         /* of taps' places along `across` and `along` */
    int64_t down;           /* rows of the operand from one run to the next */
    uint64_t height, width; /* of the frame */
    int32_t at[MOST_TAPS];  /* places of taps in it */
};

/* Of one place of a run's windows: results low..high - 1 read from `from` on, the others the fill.
 */
struct reached {
    const uint8_t *from;
    int64_t low, high, step;
};

/* ceil(x / y), y > 0, within 0 and most. */
static int64_t ceiling(int64_t x, int64_t y, int64_t most)
{
    int64_t q = x / y + (x % y > 0);
    return q < 0 ? 0 : q > most ? most : q;
}

/* Where each axis of the operand is for the first window of run r. */
static void begin_of(const struct windows *w, uint64_t r, int64_t at[AY_MAX_RANK])
{
    uint32_t axes = w->view->view_count;
    for (uint32_t a = 0; a < axes; a++) at[a] = w->view->offsets[a];
    for (uint64_t d = w->tap - 1; d-- > 0; r /= w->view->grid[d])
        for (uint32_t a = 0; a < axes; a++)
            at[a] += coef(w->view, a, (uint32_t)d) * (int64_t)(r % w->view->grid[d]);
}

static struct reached reach(const struct work *k, const int64_t *first, uint64_t tap)
{
    const struct windows *w = &k->w;
    uint32_t axes = w->view->view_count;
    const int64_t *place = k->places + tap * axes;
    struct reached r = {k->x, 0, 0, w->step * w->stride[w->along]};
    for (uint32_t a = 0; a < axes; a++) {
        int64_t at = first[a] + place[a];
        if (a == w->along) continue;
        if (at < 0 || at >= w->size[a]) return r;
        r.from += at * w->stride[a];
    }
    int64_t at = first[w->along] + place[w->along];
    r.low = ceiling(-at, w->step, (int64_t)w->run);
    r.high = ceiling(w->size[w->along] - at, w->step, (int64_t)w->run);
    if (r.high < r.low) r.high = r.low;
    if (r.low < r.high) r.from += (at + r.low * w->step) * w->stride[w->along];
    return r;
}

static enum ay_code prepare(struct ay_exec *exec, struct work *out)
{
    const struct ay_work_op *view = &exec->program->ops[exec->plan.order[exec->step->first]];
    *out = (struct work){.exec = exec, .steps = exec->kernels->steps};
    bool known = windows_of(view, &out->w);
    AY_ASSERT(known);
    uint32_t axes = view->view_count;
    AY_TRY(ay_room_reserve(&exec->tables, out->w.taps * axes * sizeof(int64_t)));
    int64_t *places = exec->tables.at;
    for (uint64_t t = 0; t < out->w.taps; t++)
        for (uint32_t a = 0; a < axes; a++) {
            places[t * axes + a] = 0;
            for (uint64_t d = view->grid_count, rest = t; d-- > out->w.tap; rest /= view->grid[d])
                places[t * axes + a] +=
                    coef(view, a, (uint32_t)d) * (int64_t)(rest % view->grid[d]);
        }
    out->places = places;
    out->each = ITEM_WORK / (out->w.run * out->w.taps) + 1;
    return AY_OK;
}

/* --- the largest --- */

/* n elements, `step` apart. */
static void take(const struct work *k, const uint8_t *from, int64_t step, int64_t n, uint8_t *to)
{
    if (k->w.view->dtype == AY_WORK_DTYPE_U8) {
        k->steps->largest_bytes(from, (size_t)step, to, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        if ((int8_t)from[i * step] > (int8_t)to[i]) to[i] = from[i * step];
}

static void largest_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct work *k = context;
    const struct windows *w = &k->w;
    const uint8_t fill = (uint8_t)w->view->fill;
    uint64_t end = (index + 1) * k->each < w->runs ? (index + 1) * k->each : w->runs;
    for (uint64_t r = index * k->each; r < end; r++) {
        int64_t first[AY_MAX_RANK];
        uint8_t *to = k->out + r * w->run;
        begin_of(w, r, first);
        memset(to, w->view->dtype == AY_WORK_DTYPE_I8 ? 0x80 : 0, w->run);
        for (uint64_t t = 0; t < w->taps; t++) {
            struct reached p = reach(k, first, t);
            for (int64_t i = 0; i < p.low; i++) take(k, &fill, 1, 1, to + i);
            take(k, p.from, p.step, p.high - p.low, to + p.low);
            for (int64_t i = p.high; i < (int64_t)w->run; i++) take(k, &fill, 1, 1, to + i);
        }
    }
}

/* --- products --- */

/* Sums of this many results are made bytes before the next ones. */
#define BLOCK 4096u

static void find_frame(struct work *k)
{
    const struct windows *w = &k->w;
    uint32_t axes = w->view->view_count;
    const uint32_t axis[] = {k->across, w->along};
    for (uint32_t i = 0; i < 2; i++) k->low[i] = lowest_of(w, axis[i]);
    k->lines = w->view->grid[w->tap - 2];
    k->down = coef(w->view, k->across, w->tap - 2);
    k->height = reach_of(w, k->across, w->tap - 2);
    k->width = reach_of(w, w->along, w->tap - 1);
    for (uint64_t t = 0; t < w->taps; t++)
        k->at[t] = (int32_t)((k->places[t * axes + axis[0]] - k->low[0]) * (int64_t)k->width +
                             k->places[t * axes + axis[1]] - k->low[1]);
}

/* What a plane whose first window begins at `first` reads. */
static void fill_frame(const struct work *k, const int64_t *first, uint8_t *to)
{
    const struct windows *w = &k->w;
    const uint8_t *from = k->x;
    bool inside = true;
    for (uint32_t a = 0; a < k->across; a++) {
        inside = inside && first[a] >= 0 && first[a] < w->size[a];
        from += first[a] * w->stride[a];
    }
    int64_t row = first[k->across] + k->low[0], column = first[w->along] + k->low[1];
    int64_t width = (int64_t)k->width, low = column < 0 ? -column : 0;
    int64_t high = w->size[w->along] - column < width ? w->size[w->along] - column : width;
    memset(to, (int)(w->view->fill & 0xff), k->height * k->width);
    for (int64_t i = 0; inside && i < (int64_t)k->height; i++) {
        if (row + i < 0 || row + i >= w->size[k->across] || high <= low) continue;
        memcpy(to + i * width + low, from + (row + i) * w->stride[k->across] + column + low,
               (size_t)(high - low));
    }
}

static void put_sums(const struct work *k, const int32_t *sums, uint64_t row, uint64_t column)
{
    if (k->finished)
        ay_finish_tile(&k->finish, sums, k->w.run, row, 1, column, k->w.run);
    else
        memcpy((int32_t *)(void *)k->out + row * k->n + column, sums, k->w.run * sizeof *sums);
}

/* Lines of a plane in its frame with one row of weights; where windows move on by one element,
 * lines follow one another, with what lies between them. */
static void plane_of(const struct work *k, const uint8_t *frame, uint64_t row, uint64_t column,
                     int32_t *sums)
{
    const struct windows *w = &k->w;
    const uint8_t *weights = k->weights + row * w->taps;
    int32_t by[MOST_TAPS];
    for (uint64_t t = 0; t < w->taps; t++)
        by[t] = k->weights_signed ? (int8_t)weights[t] : weights[t];
    uint64_t stride = (uint64_t)k->down * k->width, block = 1;
    if (w->step == 1 && stride < BLOCK) block = BLOCK / stride;
    for (uint64_t l = 0, end; l < k->lines; l = end) {
        end = l + block < k->lines ? l + block : k->lines;
        const struct ay_fixed_taps taps = {.x = frame + l * stride,
                                           .at = k->at,
                                           .by = by,
                                           .count = w->taps,
                                           .step = (size_t)w->step,
                                           .is_signed = w->view->dtype == AY_WORK_DTYPE_I8};
        k->steps->sum_taps(&taps, sums, (end - l - 1) * stride + w->run);
        for (uint64_t i = l; i < end; i++)
            put_sums(k, sums + (i - l) * stride, row, column + i * w->run);
    }
}

static void product_item(void *context, size_t index, uint32_t thread)
{
    const struct work *k = context;
    const struct windows *w = &k->w;
    struct ay_exec_thread *own = &k->exec->threads[thread];
    uint64_t planes = w->runs / k->lines;
    uint64_t end = (index + 1) * k->each < planes ? (index + 1) * k->each : planes;
    for (uint64_t p = index * k->each; p < end; p++) {
        int64_t first[AY_MAX_RANK];
        uint64_t result = p * k->lines * w->run, group = result / k->n;
        begin_of(w, p * k->lines, first);
        fill_frame(k, first, own->frame.at);
        for (uint64_t m = group * k->rows; m < (group + 1) * k->rows; m++)
            plane_of(k, own->frame.at, m, result % k->n, own->scratch.at);
    }
}

/* What the step's planes need. */
static enum ay_code prepare_product(struct ay_exec *exec, const struct ay_work_op *op,
                                    struct work *k)
{
    bool known = has_planes(&k->w, &k->across);
    AY_ASSERT(known);
    find_frame(k);
    k->weights_signed = exec->plan.places[op->in[0]].dtype == AY_WORK_DTYPE_I8;
    k->rows = op->dims[1];
    k->n = op->dims[2];
    k->each = k->each / k->lines + 1;
    uint64_t stride = (uint64_t)k->down * k->width, most = stride < BLOCK ? BLOCK : k->w.run;
    size_t room = AY_TAPS_ROOM * (size_t)(k->w.step + 1);
    for (uint32_t t = 0; t < ay_pool_threads(exec->pool); t++) {
        AY_TRY(ay_room_reserve(&exec->threads[t].frame, k->height * k->width + room));
        AY_TRY(ay_room_reserve(&exec->threads[t].scratch,
                               (most + k->w.run + AY_TAPS_ROOM) * sizeof(int32_t)));
    }
    return AY_OK;
}

enum ay_code ay_exec_windows(struct ay_exec *exec)
{
    const uint32_t *order = exec->plan.order + exec->step->first;
    const struct ay_work_op *op = &exec->program->ops[order[1]];
    bool product = op->kind == AY_WORK_OP_MATMUL;
    struct work k;
    AY_TRY(prepare(exec, &k));
    if (product) AY_TRY(prepare_product(exec, op, &k));
    uint64_t all = product ? k.w.runs / k.lines : k.w.runs;
    for (uint32_t r = 0; r < exec->run_count; r++) {
        k.x = ay_exec_base(exec, k.w.view->in[0], r);
        k.finished = product && ay_finish_of(exec, r, 1, &k.finish);
        if (product) k.weights = ay_exec_base(exec, op->in[0], r);
        if (!k.finished) k.out = ay_exec_base(exec, ay_program_output(exec->program, order[1]), r);
        ay_pool_run(exec->pool, (all + k.each - 1) / k.each, product ? product_item : largest_item,
                    &k);
    }
    return AY_OK;
}
