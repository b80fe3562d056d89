/* What follows a product of patches: steps that its kernel takes along, and MAPs over its tiles. */
#include "tensor/tiles_impl.h"

/* A MAP's operands over the region; *x is the one that the product makes. */
static void operands_of(const struct ay_tiles *t, const struct ay_tiles_region *r,
                        struct ay_exec_thread *thread, const struct ay_work_op *op,
                        struct ay_map_operand *operands, uint32_t *x)
{
    struct ay_exec *exec = t->exec;
    const struct ay_row_item item = {.exec = exec,
                                     .thread = thread,
                                     .sizes = exec->runs[t->run].sizes,
                                     .run = t->run,
                                     .batch = r->batch,
                                     .row = r->m0,
                                     .rows = r->m1 - r->m0};
    for (uint32_t k = 0; k < op->in_count; k++) {
        if (exec->plan.places[op->in[k]].home == AY_HOME_FUSED) {
            *x = k;
            operands[k] = (struct ay_map_operand){
                t->out + ((size_t)r->batch * t->m + r->m0) * t->n + r->n0, t->n, false};
            continue;
        }
        struct ay_rows in = ay_rows_of(&item, op, op->in[k]);
        bool scalar = in.width == 1;
        operands[k] = (struct ay_map_operand){in.at + (scalar ? 0 : r->n0), in.stride, scalar};
    }
}

const struct ay_work_op *ay_tiles_map(const struct ay_tiles *t, uint32_t i)
{
    const struct ay_exec *exec = t->exec;
    return &exec->program->ops[exec->plan.order[exec->step->first + i]];
}

bool ay_tiles_left(const struct ay_tiles *t)
{
    uint32_t count = t->exec->step->count;
    return count > 3 || (count == 3 && t->taken < ay_tiles_map(t, 2)->steps_count);
}

void ay_tiles_map_region(const struct ay_tiles *t, const struct ay_tiles_region *r,
                         struct ay_exec_thread *thread)
{
    struct ay_exec *exec = t->exec;
    float *out = t->out + ((size_t)r->batch * t->m + r->m0) * t->n + r->n0;
    for (uint32_t i = 2; ay_tiles_left(t) && i < exec->step->count; i++) {
        struct ay_map_operand operands[AY_MAX_WORK_OP_IN];
        uint32_t x = 0;
        operands_of(t, r, thread, ay_tiles_map(t, i), operands, &x);
        const struct ay_map_over over = {ay_tiles_map(t, i), exec->runs[t->run].sizes, operands,
                                         t->taken, x};
        ay_map_rows(exec->kernels, &over, r->m1 - r->m0, r->n1 - r->n0, out, t->n,
                    thread->scratch.at);
    }
}

const struct ay_affine *ay_tiles_taken(const struct ay_tiles *t, const struct ay_tiles_region *r,
                                       struct ay_exec_thread *thread, struct ay_affine *room)
{
    struct ay_map_operand operands[AY_MAX_WORK_OP_IN];
    uint32_t x = 0;
    if (t->taken == 0) return NULL;
    if (r->batch == 0 && r->m0 == 0 && r->n0 == 0) return &t->follows;
    operands_of(t, r, thread, ay_tiles_map(t, 2), operands, &x);
    ay_map_affine(ay_tiles_map(t, 2), operands, x, t->taken, room);
    return room;
}

/* Whether the MAP's operands, those of plane 0 being known, go on evenly from plane to plane. */
static bool follows_evenly(struct ay_tiles *t)
{
    struct ay_exec_thread *thread = &t->exec->threads[0];
    struct ay_map_operand next[AY_MAX_WORK_OP_IN], last[AY_MAX_WORK_OP_IN];
    const struct ay_work_op *map = ay_tiles_map(t, 2);
    operands_of(t, &(struct ay_tiles_region){1, 0, 1, 0, t->n}, thread, map, next, &t->made);
    operands_of(t, &(struct ay_tiles_region){t->batches - 1, 0, 1, 0, t->n}, thread, map, last,
                &t->made);
    for (uint32_t k = 0; k < map->in_count; k++) {
        ptrdiff_t stride = next[k].at - t->operands[k].at;
        if (stride < 0 || last[k].at - t->operands[k].at != stride * (t->batches - 1)) return false;
        t->operands[k].stride = (size_t)stride;
    }
    return true;
}

void ay_tiles_find_follows(struct ay_tiles *t)
{
    if (t->exec->step->count != 3) return;
    const struct ay_tiles_region first = {0, 0, 1, 0, t->n};
    operands_of(t, &first, &t->exec->threads[0], ay_tiles_map(t, 2), t->operands, &t->made);
    t->even = t->planes && follows_evenly(t);
    if (t->planes && !t->even) return;
    t->taken = ay_map_affine_steps(ay_tiles_map(t, 2), t->operands, t->made);
    if (t->taken > 0)
        ay_map_affine(ay_tiles_map(t, 2), t->operands, t->made, t->taken, &t->follows);
}
