#include "tensor/testing.h"

#include "tensor/ref/bytes.h"
#include "tensor/ref/fn.h"
#include "tensor/ref/float.h"

#include <stdlib.h>
#include <string.h>

#define S     AY_DIM_SYMBOL
#define T     (AY_DIM_SYMBOL | 1u)
#define MAX_S 40u
#define MAX_T 9u

void ay_test_floats(uint64_t *state, float *out, size_t n, bool odd)
{
    static const uint32_t rare[] = {0x7f800000, 0xff800000, 0x80000000, 0x00000000,
                                    0x00000001, 0x807fffff, 0x7fc00000, 0x7f7fffff};
    for (size_t i = 0; i < n; i++) {
        uint64_t r = ay_test_random(state);
        out[i] = (float)(int32_t)(uint32_t)r * 0x1p-30F;
        if (odd && (r >> 32) % 64 == 0) out[i] = ay_f32(rare[(r >> 40) % 8]);
    }
}

void ay_test_reference(const struct ay_work_program *p, const uint32_t *sizes, const void **values)
{
    for (uint32_t i = 0; i < p->ops_count; i++) {
        uint32_t id = ay_program_output(p, i);
        struct ay_tensor_type type;
        const uint8_t *in[AY_MAX_WORK_OP_IN] = {NULL};
        AY_ASSERT(ay_program_shape(p, id, sizes, &type) == AY_OK);
        for (uint32_t k = 0; k < p->ops[i].in_count; k++) in[k] = values[p->ops[i].in[k]];
        uint8_t *out = malloc(ay_tensor_elements(&type) * ay_dtype_bytes(type.dtype));
        AY_ASSERT(out);
        AY_ASSERT(ay_ref_eval(p, i, sizes, in, out) == AY_OK);
        values[id] = out;
    }
}

/* Random programs */

struct maker {
    uint64_t *state;
    struct ay_arena *arena;
    struct ay_work_program *p;
    struct ay_work_op *ops;
};

static uint32_t below(struct maker *m, uint32_t n)
{
    return ay_test_below(m->state, n);
}

static uint32_t *copy(struct maker *m, const uint32_t *from, uint32_t n)
{
    uint32_t *to = AY_NEW(m->arena, uint32_t, n);
    AY_ASSERT(to);
    if (n) memcpy(to, from, n * sizeof *to);
    return to;
}

/* An operand: often one just made, so that chains arise. */
static uint32_t pick(struct maker *m)
{
    uint32_t n = ay_program_values(m->p);
    return below(m, 3) ? n - 1 - below(m, n < 4 ? n : 4) : below(m, n);
}

static void set_dims(struct maker *m, struct ay_work_op *op, const uint32_t *dims, uint32_t rank)
{
    op->dims = copy(m, dims, rank);
    op->dims_count = rank;
}

static void make_map(struct maker *m, struct ay_work_op *op)
{
    uint32_t in[3] = {pick(m), pick(m), pick(m)}, dims[AY_MAX_RANK] = {0}, rank = 0;
    op->in_count = 1 + below(m, 3);
    op->in = copy(m, in, op->in_count);
    for (uint32_t i = 0; i < op->in_count; i++) {
        struct ay_tensor_type t;
        ay_program_type(m->p, in[i], &t);
        if (t.rank > rank) rank = t.rank;
        for (uint32_t d = 0; d < t.rank; d++) {
            uint32_t *dim = &dims[AY_MAX_RANK - t.rank + d];
            if (*dim == 0 || *dim == 1) *dim = t.dims[d];
        }
    }
    set_dims(m, op, dims + AY_MAX_RANK - rank, rank);
    op->consts = copy(m, (const uint32_t[]){0x3f000000, 0xc0200000}, 2);
    op->consts_count = 2;
    op->steps_count = 1 + below(m, 5);
    struct ay_work_map_step *steps = AY_NEW(m->arena, struct ay_work_map_step, op->steps_count);
    AY_ASSERT(steps);
    for (uint32_t i = 0; i < op->steps_count; i++) {
        uint32_t args[2];
        for (int a = 0; a < 2; a++) {
            uint32_t kind = i > 0 && below(m, 2) ? AY_MAP_STEP : below(m, 4);
            uint32_t count[] = {op->in_count, i, 2, m->p->max_dims_count};
            if (count[kind] == 0) kind = AY_MAP_INPUT;
            args[a] = kind << 24 | (kind == AY_MAP_STEP ? i - 1 : below(m, count[kind]));
        }
        steps[i].fn = 1 + below(m, AY_WORK_FN_ERF);
        steps[i].args_count = steps[i].fn <= AY_WORK_FN_MAX ? 2 : 1;
        steps[i].args = copy(m, args, steps[i].args_count);
    }
    op->steps = steps;
}

static void make_matmul(struct maker *m, struct ay_work_op *op)
{
    uint32_t in[2] = {pick(m), pick(m)};
    struct ay_tensor_type a, b;
    ay_program_type(m->p, in[0], &a);
    ay_program_type(m->p, in[1], &b);
    op->in = copy(m, in, 2);
    op->in_count = 2;
    if (b.rank >= 2) a.dims[a.rank - 1] = b.dims[b.rank - 2];
    set_dims(m, op, a.dims, a.rank);
}

static void make_reduce(struct maker *m, struct ay_work_op *op)
{
    uint32_t in = pick(m);
    struct ay_tensor_type t;
    ay_program_type(m->p, in, &t);
    op->in = copy(m, &in, 1);
    op->in_count = 1;
    op->reduce = 1 + below(m, 3);
    op->axis = below(m, 3) ? t.rank - 1 : below(m, t.rank);
    t.dims[op->axis] = 1;
    set_dims(m, op, t.dims, t.rank);
}

/* Splits an axis into 8s, or joins two, around a random permutation. */
static void make_permute(struct maker *m, struct ay_work_op *op)
{
    uint32_t in = pick(m), view[AY_MAX_RANK], perm[AY_MAX_RANK], dims[AY_MAX_RANK], n = 0;
    struct ay_tensor_type t;
    ay_program_type(m->p, in, &t);
    for (uint32_t d = 0; d < t.rank && n < AY_MAX_RANK; d++) {
        bool split = !(t.dims[d] & AY_DIM_SYMBOL) && t.dims[d] % 8 == 0 && t.dims[d] > 8;
        if (split && n + 1 < AY_MAX_RANK && below(m, 2)) {
            view[n++] = t.dims[d] / 8;
            view[n++] = 8;
        } else {
            view[n++] = t.dims[d];
        }
    }
    for (uint32_t i = 0; i < n; i++) perm[i] = i;
    for (uint32_t i = n; i-- > 1;) {
        uint32_t j = below(m, 3) ? i : below(m, i + 1), kept = perm[i];
        perm[i] = perm[j];
        perm[j] = kept;
    }
    if (n > 1 && below(m, 2)) {
        uint32_t kept = perm[0];
        perm[0] = perm[1];
        perm[1] = kept;
    }
    uint32_t rank = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t dim = view[perm[i]];
        bool join = rank > 0 && !((dim | dims[rank - 1]) & AY_DIM_SYMBOL) && below(m, 2);
        if (join)
            dims[rank - 1] *= dim;
        else
            dims[rank++] = dim;
    }
    op->in = copy(m, &in, 1);
    op->in_count = 1;
    op->view = copy(m, view, n);
    op->perm = copy(m, perm, n);
    op->view_count = op->perm_count = n;
    set_dims(m, op, dims, rank);
}

static void make_gather(struct maker *m, struct ay_work_op *op)
{
    uint32_t in[2] = {m->p->inputs_count + below(m, m->p->weights_count), below(m, 2) ? 0 : 2};
    struct ay_tensor_type table;
    ay_program_type(m->p, in[0], &table);
    uint32_t dims[] = {S, table.dims[table.rank - 1]};
    op->in = copy(m, in, 2);
    op->in_count = 2;
    set_dims(m, op, dims, 2);
}

static const uint32_t max_dims[] = {MAX_S, MAX_T};
static const struct ay_work_tensor_type inputs[] = {
    {AY_WORK_DTYPE_I32, (const uint32_t[]){S}, 1},
    {AY_WORK_DTYPE_F32, (const uint32_t[]){T, 16}, 2}};
static const struct ay_work_weight shapes[] = {{AY_WORK_DTYPE_I32, (const uint32_t[]){MAX_S}, 1},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){16}, 1},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){24, 16}, 2},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){16, 24}, 2},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){8, 16}, 2},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){40, 8}, 2},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){3, 16}, 2},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){8}, 1},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){1, 1}, 2},
                                               {AY_WORK_DTYPE_F32, (const uint32_t[]){2, 8, 8}, 3}};
enum { WEIGHTS = sizeof shapes / sizeof shapes[0] };

void ay_test_program(uint64_t *state, struct ay_arena *arena, struct ay_work_program *out,
                     const void ***weights, bool odd)
{
    static void (*const make[])(struct maker *,
                                struct ay_work_op *) = {[AY_WORK_OP_GATHER] = make_gather,
                                                        [AY_WORK_OP_MAP] = make_map,
                                                        [AY_WORK_OP_MATMUL] = make_matmul,
                                                        [AY_WORK_OP_REDUCE] = make_reduce,
                                                        [AY_WORK_OP_PERMUTE] = make_permute};
    struct maker m = {state, arena, out, AY_NEW(arena, struct ay_work_op, AY_TEST_OPS)};
    *weights = AY_NEW(arena, const void *, WEIGHTS);
    AY_ASSERT(m.ops && *weights);
    for (uint32_t i = 0; i < WEIGHTS; i++) {
        uint32_t n = 1;
        for (uint32_t d = 0; d < shapes[i].dims_count; d++) n *= shapes[i].dims[d];
        float *values = AY_NEW(arena, float, n);
        AY_ASSERT(values);
        ay_test_floats(state, values, n, odd);
        (*weights)[i] = values;
    }
    *out = (struct ay_work_program){.numerics = 1,
                                    .iterate = 1,
                                    .max_dims = max_dims,
                                    .max_dims_count = 2,
                                    .inputs = inputs,
                                    .inputs_count = 2,
                                    .weights = shapes,
                                    .weights_count = WEIGHTS,
                                    .ops = m.ops};
    for (uint32_t tries = 0; out->ops_count == 0 || (tries < 400 && out->ops_count < AY_TEST_OPS);
         tries++) {
        struct ay_work_op *op = &m.ops[out->ops_count];
        *op = (struct ay_work_op){.kind = 1 + below(&m, AY_WORK_OP_PERMUTE)};
        make[op->kind](&m, op);
        out->ops_count++;
        if (ay_program_check(out, NULL) != AY_OK) out->ops_count--;
    }
}
