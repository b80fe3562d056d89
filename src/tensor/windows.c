/* Steps of a VIEW of bytes and the largest of each of its rows, as of a pooling: the VIEW is never
 * stored. Results that follow one another along the grid's last axis before the windows' own read
 * elements that are as far apart for each of a window's places, so they go together. */
#include "tensor/windows.h"

#include "tensor/exec_impl.h"

#include <string.h>

/* Elements read that an item of the pool's loop should be worth. */
#define ITEM_WORK 65536u
/* Places of a window; larger ones are stored. */
#define MOST_TAPS 1024u

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
    return user->kind == AY_WORK_OP_REDUCE && user->reduce == AY_WORK_REDUCE_MAX &&
           (view->dtype == AY_WORK_DTYPE_U8 || view->dtype == AY_WORK_DTYPE_I8) &&
           user->axis + 1 == view->dims_count && windows_of(view, &unused);
}

/* A step in one run. */
struct pooling {
    struct windows w;
    const struct ay_steps *steps;
    const uint8_t *x;
    uint8_t *out;
    const int64_t *places; /* (taps, axes): of each tap's place beside the window's */
    uint64_t each;         /* runs of an item */
};

/* n elements, `step` apart. */
static void take(const struct pooling *p, const uint8_t *from, int64_t step, int64_t n, uint8_t *to)
{
    if (p->w.view->dtype == AY_WORK_DTYPE_U8) {
        p->steps->largest_bytes(from, (size_t)step, to, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        if ((int8_t)from[i * step] > (int8_t)to[i]) to[i] = from[i * step];
}

/* ceil(x / y), y > 0, within 0 and most. */
static int64_t ceiling(int64_t x, int64_t y, int64_t most)
{
    int64_t q = x / y + (x % y > 0);
    return q < 0 ? 0 : q > most ? most : q;
}

/* One place of a run's windows; at: of each axis for the first of them. */
static void take_place(const struct pooling *p, const int64_t *at, uint8_t *to)
{
    const struct windows *w = &p->w;
    const uint8_t fill = (uint8_t)w->view->fill, *from = p->x;
    bool inside = true;
    int64_t n = (int64_t)w->run, low = ceiling(-at[w->along], w->step, n);
    int64_t high = ceiling(w->size[w->along] - at[w->along], w->step, n);
    for (uint32_t a = 0; a < w->view->view_count; a++) {
        inside = inside && (a == w->along || (at[a] >= 0 && at[a] < w->size[a]));
        if (a != w->along) from += at[a] * w->stride[a];
    }
    if (!inside || high < low) low = high = 0;
    if (low < high)
        take(p, from + (at[w->along] + low * w->step) * w->stride[w->along],
             w->step * w->stride[w->along], high - low, to + low);
    for (int64_t i = 0; i < low; i++) take(p, &fill, 1, 1, to + i);
    for (int64_t i = high; i < n; i++) take(p, &fill, 1, 1, to + i);
}

static void run_item(void *context, size_t index, uint32_t thread)
{
    (void)thread;
    const struct pooling *p = context;
    const struct windows *w = &p->w;
    uint32_t axes = w->view->view_count;
    uint64_t end = (index + 1) * p->each < w->runs ? (index + 1) * p->each : w->runs;
    for (uint64_t r = index * p->each; r < end; r++) {
        int64_t first[AY_MAX_RANK], at[AY_MAX_RANK];
        uint8_t *to = p->out + r * w->run;
        for (uint32_t a = 0; a < axes; a++) first[a] = w->view->offsets[a];
        for (uint64_t d = w->tap - 1, rest = r; d-- > 0; rest /= w->view->grid[d])
            for (uint32_t a = 0; a < axes; a++)
                first[a] += coef(w->view, a, (uint32_t)d) * (int64_t)(rest % w->view->grid[d]);
        memset(to, w->view->dtype == AY_WORK_DTYPE_I8 ? 0x80 : 0, w->run);
        for (uint64_t t = 0; t < w->taps; t++) {
            for (uint32_t a = 0; a < axes; a++) at[a] = first[a] + p->places[t * axes + a];
            take_place(p, at, to);
        }
    }
}

static void find_places(const struct windows *w, int64_t *out)
{
    uint32_t axes = w->view->view_count;
    for (uint64_t t = 0; t < w->taps; t++)
        for (uint32_t a = 0; a < axes; a++) {
            out[t * axes + a] = 0;
            for (uint64_t d = w->view->grid_count, rest = t; d-- > w->tap; rest /= w->view->grid[d])
                out[t * axes + a] +=
                    coef(w->view, a, (uint32_t)d) * (int64_t)(rest % w->view->grid[d]);
        }
}

enum ay_code ay_exec_windows(struct ay_exec *exec)
{
    const uint32_t *order = exec->plan.order + exec->step->first;
    const struct ay_work_op *view = &exec->program->ops[order[0]];
    struct pooling p;
    bool known = windows_of(view, &p.w);
    AY_ASSERT(known);
    AY_TRY(ay_room_reserve(&exec->tables, p.w.taps * view->view_count * sizeof(int64_t)));
    find_places(&p.w, exec->tables.at);
    p.steps = exec->kernels->steps;
    p.places = exec->tables.at;
    p.each = ITEM_WORK / (p.w.run * p.w.taps) + 1;
    for (uint32_t r = 0; r < exec->run_count; r++) {
        p.x = ay_exec_base(exec, view->in[0], r);
        p.out = ay_exec_base(exec, ay_program_output(exec->program, order[1]), r);
        ay_pool_run(exec->pool, (p.w.runs + p.each - 1) / p.each, run_item, &p);
    }
    return AY_OK;
}
