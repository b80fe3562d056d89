/* Steps of a VIEW of bytes that is never stored: the largest of each of its rows, as of a pooling,
 * or sums of their products with a few rows of weights, as of a convolution of each channel by
 * itself. Results that follow one another along the grid's last axis before the windows' own read
 * elements that are as far apart for each of a window's places, so they go together. */
#include "tensor/windows.h"

#include "tensor/exec_impl.h"
#include "tensor/finish.h"

#include <string.h>

/* Elements read that an item of the pool's loop should be worth. */
#define ITEM_WORK 65536u
/* Places of a window; larger ones are stored. */
#define MOST_TAPS 1024u
/* Rows of weights that read an image each for themselves; for more it is laid out. */
#define MOST_ROWS 4u

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

bool ay_windows_are(const struct ay_work_op *view, const struct ay_work_op *user)
{
    struct windows unused;
    bool bytes = view->dtype == AY_WORK_DTYPE_U8 || view->dtype == AY_WORK_DTYPE_I8;
    return user->kind == AY_WORK_OP_REDUCE && user->reduce == AY_WORK_REDUCE_MAX && bytes &&
           user->axis + 1 == view->dims_count && windows_of(view, &unused);
}

bool ay_windows_multiply(const struct ay_work_op *view, const struct ay_work_op *user)
{
    struct windows unused;
    return view->kind == AY_WORK_OP_VIEW && user->kind == AY_WORK_OP_MATMUL &&
           view->dims_count == 3 && user->dims[1] <= MOST_ROWS && windows_of(view, &unused);
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

/* The sums of a run with one row of weights. */
static void sums_of(const struct work *k, const int64_t *first, const uint8_t *weights,
                    int32_t *acc)
{
    const struct windows *w = &k->w;
    bool is_signed = w->view->dtype == AY_WORK_DTYPE_I8;
    const uint8_t bits = (uint8_t)w->view->fill;
    int32_t fill = is_signed ? (int8_t)bits : bits;
    memset(acc, 0, w->run * sizeof *acc);
    for (uint64_t t = 0; t < w->taps; t++) {
        struct reached p = reach(k, first, t);
        int32_t by = k->weights_signed ? (int8_t)weights[t] : weights[t];
        for (int64_t i = 0; i < p.low; i++) acc[i] += by * fill;
        k->steps->add_times(p.from, is_signed, (size_t)p.step, by, acc + p.low,
                            (size_t)(p.high - p.low));
        for (int64_t i = p.high; i < (int64_t)w->run; i++) acc[i] += by * fill;
    }
}

static void product_item(void *context, size_t index, uint32_t thread)
{
    const struct work *k = context;
    const struct windows *w = &k->w;
    int32_t *acc = k->exec->threads[thread].scratch.at;
    uint64_t end = (index + 1) * k->each < w->runs ? (index + 1) * k->each : w->runs;
    for (uint64_t r = index * k->each; r < end; r++) {
        int64_t first[AY_MAX_RANK];
        uint64_t group = r * w->run / k->n, column = r * w->run % k->n;
        begin_of(w, r, first);
        for (uint64_t m = group * k->rows; m < (group + 1) * k->rows; m++) {
            sums_of(k, first, k->weights + m * w->taps, acc);
            if (k->finished)
                ay_finish_tile(&k->finish, acc, w->run, m, 1, column, w->run);
            else
                memcpy((int32_t *)(void *)k->out + m * k->n + column, acc, w->run * sizeof *acc);
        }
    }
}

enum ay_code ay_exec_windows(struct ay_exec *exec)
{
    const uint32_t *order = exec->plan.order + exec->step->first;
    const struct ay_work_op *op = &exec->program->ops[order[1]];
    bool product = op->kind == AY_WORK_OP_MATMUL;
    struct work k;
    AY_TRY(prepare(exec, &k));
    for (uint32_t t = 0; product && t < ay_pool_threads(exec->pool); t++)
        AY_TRY(ay_room_reserve(&exec->threads[t].scratch, k.w.run * sizeof(int32_t)));
    for (uint32_t r = 0; r < exec->run_count; r++) {
        k.x = ay_exec_base(exec, k.w.view->in[0], r);
        k.finished = product && ay_finish_of(exec, r, 1, &k.finish);
        if (!k.finished) k.out = ay_exec_base(exec, ay_program_output(exec->program, order[1]), r);
        if (product) {
            k.weights = ay_exec_base(exec, op->in[0], r);
            k.weights_signed = exec->plan.places[op->in[0]].dtype == AY_WORK_DTYPE_I8;
            k.rows = op->dims[1];
            k.n = op->dims[2];
        }
        ay_pool_run(exec->pool, (k.w.runs + k.each - 1) / k.each,
                    product ? product_item : largest_item, &k);
    }
    return AY_OK;
}
