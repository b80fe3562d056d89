/* Random programs over every kind of op, dtype, reduction and function. */
#include "tensor/testing.h"

#include "tensor/ref/fn.h"

#include <stdlib.h>
#include <string.h>

#define S     AY_DIM_SYMBOL
#define MAX_S 12u

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

static const void *keep(struct maker *m, const void *from, size_t bytes)
{
    void *to = ay_arena_take(m->arena, 1, bytes + 1);
    AY_ASSERT(to);
    return memcpy(to, from, bytes);
}

static void set_in(struct maker *m, struct ay_work_op *op, const uint32_t *in, uint32_t count)
{
    op->in = keep(m, in, count * sizeof *in);
    op->in_count = count;
}

static void set_out(struct maker *m, struct ay_work_op *op, const struct ay_tensor_type *t)
{
    op->dims = keep(m, t->dims, t->rank * sizeof *t->dims);
    op->dims_count = t->rank;
    op->dtype = t->dtype;
}

/* An operand: often one just made, so that chains arise. */
static uint32_t pick(struct maker *m, struct ay_tensor_type *type)
{
    uint32_t n = ay_program_values(m->p),
             id = below(m, 3) ? n - 1 - below(m, n < 6 ? n : 6) : below(m, n);
    ay_program_type(m->p, id, type);
    return id;
}

/* One of this dtype, if some tries find it. */
static uint32_t pick_of(struct maker *m, uint32_t dtype, uint32_t rank, struct ay_tensor_type *type)
{
    uint32_t id = pick(m, type);
    for (uint32_t i = 0; i < 50 && (type->dtype != dtype || (rank && type->rank != rank)); i++)
        id = pick(m, type);
    return id;
}

/* An operand of a step, of the kind that it takes: a constant where a draw finds none. */
static uint32_t draw_arg(struct maker *m, const struct ay_work_op *op, uint32_t step,
                         const enum ay_scalar_kind *steps, enum ay_scalar_kind kind)
{
    for (uint32_t tries = 0; tries < 8; tries++) {
        struct ay_tensor_type t;
        uint32_t i = step ? below(m, step) : 0;
        if (step && below(m, 2) && steps[i] == kind) return AY_MAP_STEP << 24 | i;
        i = below(m, op->in_count);
        ay_program_type(m->p, op->in[i], &t);
        if (ay_dtype_kind(t.dtype) == kind) return AY_MAP_INPUT << 24 | i;
    }
    if (kind == AY_SCALAR_INT) return AY_MAP_INT << 24 | below(m, op->ints_count);
    return below(m, 2) ? AY_MAP_DIM << 24 : AY_MAP_CONST << 24 | below(m, op->consts_count);
}

static enum ay_scalar_kind draw_steps(struct maker *m, struct ay_work_op *op)
{
    enum ay_scalar_kind kinds[AY_MAX_WORK_OP_STEPS];
    struct ay_work_map_step steps[AY_MAX_WORK_OP_STEPS];
    op->steps_count = 1 + below(m, below(m, 4) ? 5 : AY_MAX_WORK_OP_STEPS);
    for (uint32_t i = 0; i < op->steps_count; i++) {
        enum ay_fn fn = (enum ay_fn)(AY_FN_ADD + below(m, AY_FN_COUNT - 1));
        const struct ay_fn_signature *s = ay_fn_signature(fn);
        uint32_t args[AY_MAX_FN_ARGS];
        for (unsigned a = 0; a < s->arity; a++) args[a] = draw_arg(m, op, i, kinds, s->args[a]);
        steps[i] = (struct ay_work_map_step){fn, keep(m, args, sizeof args), s->arity};
        kinds[i] = s->result;
    }
    op->steps = keep(m, steps, op->steps_count * sizeof *steps);
    return kinds[op->steps_count - 1];
}

static void make_map(struct maker *m, struct ay_work_op *op)
{
    static const uint32_t consts[] = {0x3f000000, 0xc0200000, 0x42c80000};
    static const int64_t ints[] = {-1, 3, 0x123456789};
    struct ay_tensor_type out = {0}, in[AY_MAX_WORK_OP_IN];
    uint32_t ids[AY_MAX_WORK_OP_IN], count = 1 + below(m, below(m, 4) ? 3 : AY_MAX_WORK_OP_IN);
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = pick(m, &in[i]);
        if (in[i].rank > out.rank) out.rank = in[i].rank;
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t d = 0; d < in[i].rank; d++) {
            uint32_t *dim = &out.dims[out.rank - in[i].rank + d];
            if (*dim <= 1) *dim = in[i].dims[d];
        }
    set_in(m, op, ids, count);
    op->consts = consts, op->consts_count = 3;
    op->ints = ints, op->ints_count = 3;
    out.dtype =
        draw_steps(m, op) == AY_SCALAR_F32 ? AY_WORK_DTYPE_F32 : AY_WORK_DTYPE_I32 + below(m, 5);
    set_out(m, op, &out);
}

static void make_matmul(struct maker *m, struct ay_work_op *op)
{
    struct ay_tensor_type a, b;
    uint32_t in[2] = {pick(m, &a)};
    in[1] = below(m, 2) ? pick_of(m, a.dtype, 0, &b) : pick(m, &b);
    set_in(m, op, in, 2);
    if (b.rank >= 2) a.dims[a.rank - 1] = b.dims[b.rank - 2];
    if (a.dtype != AY_WORK_DTYPE_F32) a.dtype = AY_WORK_DTYPE_I32;
    set_out(m, op, &a);
}

/* The program has weights for products along 16 and along 72. */
enum { IDS, UPDATES_F32, UPDATES_I32, Q8_16, D_16, Q8_72, D_72, ROWS_72, FIRST_OTHER };

static void make_matmul_q8(struct maker *m, struct ay_work_op *op)
{
    struct ay_tensor_type a;
    bool wide = below(m, 3) == 0;
    uint32_t first = m->p->inputs_count;
    const uint32_t x = wide ? first + ROWS_72 : pick_of(m, AY_WORK_DTYPE_F32, 0, &a);
    const uint32_t in[] = {x, first + (wide ? Q8_72 : Q8_16), first + (wide ? D_72 : D_16)};
    ay_program_type(m->p, x, &a);
    set_in(m, op, in, 3);
    a.dims[a.rank - 1] = wide ? 3 : 5;
    set_out(m, op, &a);
}

static void make_reduce(struct maker *m, struct ay_work_op *op)
{
    struct ay_tensor_type t;
    uint32_t in = pick(m, &t);
    set_in(m, op, &in, 1);
    op->reduce = AY_WORK_REDUCE_SUM + below(m, AY_WORK_REDUCE_ARGMIN);
    op->axis = below(m, 3) ? t.rank - 1 : below(m, t.rank);
    t.dims[op->axis] = 1;
    if (op->reduce >= AY_WORK_REDUCE_ARGMAX) t.dtype = AY_WORK_DTYPE_I64;
    set_out(m, op, &t);
}

static void make_permute(struct maker *m, struct ay_work_op *op)
{
    struct ay_tensor_type t, out;
    uint32_t in = pick(m, &t), perm[AY_MAX_RANK];
    set_in(m, op, &in, 1);
    for (uint32_t i = 0; i < t.rank; i++) perm[i] = i;
    for (uint32_t i = t.rank; i-- > 1;) {
        uint32_t j = below(m, i + 1), kept = perm[i];
        perm[i] = perm[j];
        perm[j] = kept;
    }
    out = t;
    for (uint32_t i = 0; i < t.rank; i++) out.dims[i] = t.dims[perm[i]];
    op->view = keep(m, t.dims, t.rank * sizeof *t.dims);
    op->perm = keep(m, perm, sizeof perm);
    op->view_count = op->perm_count = t.rank;
    set_out(m, op, &out);
}

/* A slice, a border, a repetition or windows, axis by axis; of S as it is, or turned round. */
static void make_view(struct maker *m, struct ay_work_op *op)
{
    struct ay_tensor_type t, out = {0};
    uint32_t in = pick(m, &t), window = below(m, t.rank + 2);
    int64_t coefs[AY_MAX_WORK_OP_COEFS] = {0}, offsets[AY_MAX_RANK] = {0};
    set_in(m, op, &in, 1);
    out.rank = t.rank + (window < t.rank && t.rank < AY_MAX_RANK);
    out.dtype = t.dtype;
    for (uint32_t a = 0; a < t.rank; a++) {
        bool symbol = t.dims[a] & AY_DIM_SYMBOL;
        out.dims[a] = symbol ? t.dims[a] : 1 + below(m, t.dims[a] < 30 ? t.dims[a] + 3 : 30);
        coefs[a * out.rank + a] = (int64_t)below(m, 5) - 2;
        offsets[a] = (int64_t)below(m, 7) - 3;
    }
    if (out.rank > t.rank) {
        out.dims[t.rank] = 1 + below(m, 3);
        coefs[window * out.rank + t.rank] = 1 + below(m, 2);
    }
    op->view = keep(m, t.dims, t.rank * sizeof *t.dims);
    op->view_count = t.rank;
    op->grid = keep(m, out.dims, out.rank * sizeof *out.dims);
    op->grid_count = out.rank;
    op->coefs = keep(m, coefs, t.rank * out.rank * sizeof *coefs);
    op->coefs_count = t.rank * out.rank;
    op->offsets = keep(m, offsets, t.rank * sizeof *offsets);
    op->offsets_count = t.rank;
    op->fill = t.dtype == AY_WORK_DTYPE_F32 ? 0x80000000 : below(m, 2);
    set_out(m, op, &out);
}

static void make_concat(struct maker *m, struct ay_work_op *op)
{
    struct ay_tensor_type t, other;
    uint32_t in[AY_MAX_WORK_OP_IN] = {pick(m, &t)}, count = 1, axis = below(m, t.rank);
    uint32_t wanted = 2 + below(m, AY_MAX_WORK_OP_IN - 1), width = t.dims[axis];
    for (uint32_t tries = 0; tries < 20 && count < wanted; tries++) {
        uint32_t id = tries < 10 ? pick_of(m, t.dtype, t.rank, &other) : in[0];
        if (tries >= 10) other = t;
        other.dims[axis] = t.dims[axis]; /* the rule decides about the others */
        if (memcmp(&other, &t, sizeof t) != 0) continue;
        ay_program_type(m->p, id, &other);
        width += other.dims[axis];
        in[count++] = id;
    }
    set_in(m, op, in, count);
    op->axis = axis;
    t.dims[axis] = width;
    set_out(m, op, &t);
}

static void make_gather(struct maker *m, struct ay_work_op *op)
{
    struct ay_tensor_type table, ids, out = {0};
    uint32_t in[2] = {pick(m, &table)};
    in[1] = pick_of(m, below(m, 2) ? AY_WORK_DTYPE_I32 : AY_WORK_DTYPE_I64, 0, &ids);
    set_in(m, op, in, 2);
    op->axis = below(m, table.rank);
    if (table.rank - 1 + ids.rank > AY_MAX_RANK) ids.rank = 1; /* to be refused */
    out.dtype = table.dtype;
    for (uint32_t d = 0; d < op->axis; d++) out.dims[out.rank++] = table.dims[d];
    for (uint32_t d = 0; d < ids.rank; d++) out.dims[out.rank++] = ids.dims[d];
    for (uint32_t d = op->axis + 1; d < table.rank; d++) out.dims[out.rank++] = table.dims[d];
    set_out(m, op, &out);
}

static void make_scatter(struct maker *m, struct ay_work_op *op)
{
    static const uint32_t kinds[] = {AY_WORK_REDUCE_NONE, AY_WORK_REDUCE_SUM, AY_WORK_REDUCE_PROD,
                                     AY_WORK_REDUCE_MAX, AY_WORK_REDUCE_MIN};
    struct ay_tensor_type data, t;
    uint32_t x = pick(m, &data), first = m->p->inputs_count;
    uint32_t updates = data.dtype == AY_WORK_DTYPE_F32   ? first + UPDATES_F32
                       : data.dtype == AY_WORK_DTYPE_I32 ? first + UPDATES_I32
                                                         : pick_of(m, data.dtype, 1, &t);
    const uint32_t in[] = {x, below(m, 4) ? first + IDS : pick_of(m, AY_WORK_DTYPE_I64, 1, &t),
                           updates};
    set_in(m, op, in, 3);
    op->reduce = kinds[below(m, 5)];
    set_out(m, op, &data);
}

static const uint32_t max_dims[] = {MAX_S};
static const struct ay_work_tensor_type inputs[] = {
    {AY_WORK_DTYPE_I32, (const uint32_t[]){S}, 1},
    {AY_WORK_DTYPE_F32, (const uint32_t[]){S, 16}, 2},
    {AY_WORK_DTYPE_I64, (const uint32_t[]){3, 4}, 2},
    {AY_WORK_DTYPE_BOOL, (const uint32_t[]){S, 1}, 2}};
static const struct ay_work_weight shapes[] = {
    [IDS] = {AY_WORK_DTYPE_I64, (const uint32_t[]){12}, 1},
    [UPDATES_F32] = {AY_WORK_DTYPE_F32, (const uint32_t[]){12}, 1},
    [UPDATES_I32] = {AY_WORK_DTYPE_I32, (const uint32_t[]){12}, 1},
    [Q8_16] = {AY_WORK_DTYPE_I8, (const uint32_t[]){5, 16}, 2},
    [D_16] = {AY_WORK_DTYPE_F32, (const uint32_t[]){5, 1}, 2},
    [Q8_72] = {AY_WORK_DTYPE_I8, (const uint32_t[]){3, 72}, 2},
    [D_72] = {AY_WORK_DTYPE_F32, (const uint32_t[]){3, 3}, 2},
    [ROWS_72] = {AY_WORK_DTYPE_F32, (const uint32_t[]){2, 4, 72}, 3},
    [FIRST_OTHER] = {AY_WORK_DTYPE_F32, (const uint32_t[]){24, 16}, 2},
    {AY_WORK_DTYPE_F32, (const uint32_t[]){1, 3, 10, 10}, 4},
    {AY_WORK_DTYPE_U8, (const uint32_t[]){6, 16}, 2},
    {AY_WORK_DTYPE_U8, (const uint32_t[]){12}, 1},
    {AY_WORK_DTYPE_I8, (const uint32_t[]){2, 6, 16}, 3},
    {AY_WORK_DTYPE_I32, (const uint32_t[]){4, 16}, 2},
    {AY_WORK_DTYPE_BOOL, (const uint32_t[]){24, 16}, 2},
    {AY_WORK_DTYPE_BOOL, (const uint32_t[]){12}, 1},
    {AY_WORK_DTYPE_I64, (const uint32_t[]){2, 2, 2}, 3},
};
enum { WEIGHTS = sizeof shapes / sizeof shapes[0] };

void ay_test_elements(uint64_t *state, uint32_t dtype, void *out, size_t n, bool odd)
{
    uint32_t bytes = ay_dtype_bytes(dtype);
    if (dtype == AY_WORK_DTYPE_F32) {
        ay_test_floats(state, out, n, odd);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t x = (int64_t)ay_test_below(state, 40) - 8;
        if (odd && ay_test_below(state, 16) == 0) x = (int64_t)ay_test_random(state);
        if (bytes == 1 && dtype != AY_WORK_DTYPE_BOOL) x = (int64_t)ay_test_below(state, 256);
        if (dtype == AY_WORK_DTYPE_BOOL) x = x > 4;
        ay_element_put((uint8_t *)out + i * bytes, bytes, ay_dtype_narrow(dtype, x));
    }
}

/* Some of the ops' outputs, each once. */
static void draw_outputs(struct maker *m)
{
    uint32_t outputs[AY_TEST_OPS], count = 0;
    for (uint32_t i = 0; i < m->p->ops_count; i++)
        if (below(m, 4) == 0) outputs[count++] = ay_program_output(m->p, m->p->ops_count - 1 - i);
    m->p->outputs = keep(m, outputs, sizeof outputs);
    m->p->outputs_count = count;
    AY_ASSERT(ay_program_check(m->p, NULL) == AY_OK);
}

/* Small enough to be computed element by element. */
static bool is_small(const struct ay_work_program *p)
{
    struct ay_tensor_type t;
    AY_ASSERT(ay_program_shape(p, ay_program_values(p) - 1, max_dims, &t) == AY_OK);
    return ay_tensor_elements(&t) <= 20000;
}

void ay_test_wide_program(uint64_t *state, struct ay_arena *arena, struct ay_work_program *out,
                          const void ***weights, bool odd)
{
    static void (*const make[])(struct maker *, struct ay_work_op *) = {
        [AY_WORK_OP_GATHER] = make_gather,      [AY_WORK_OP_MAP] = make_map,
        [AY_WORK_OP_MATMUL] = make_matmul,      [AY_WORK_OP_REDUCE] = make_reduce,
        [AY_WORK_OP_PERMUTE] = make_permute,    [AY_WORK_OP_VIEW] = make_view,
        [AY_WORK_OP_CONCAT] = make_concat,      [AY_WORK_OP_SCATTER] = make_scatter,
        [AY_WORK_OP_MATMUL_Q8] = make_matmul_q8};
    enum { KINDS = sizeof make / sizeof make[0] - 1 };
    struct maker m = {state, arena, out, AY_NEW(arena, struct ay_work_op, AY_TEST_OPS)};
    *weights = AY_NEW(arena, const void *, WEIGHTS);
    AY_ASSERT(m.ops && *weights);
    for (uint32_t i = 0; i < WEIGHTS; i++) {
        uint32_t n = 1;
        for (uint32_t d = 0; d < shapes[i].dims_count; d++) n *= shapes[i].dims[d];
        void *values = ay_arena_take(arena, n, ay_dtype_bytes(shapes[i].dtype));
        AY_ASSERT(values);
        ay_test_elements(state, shapes[i].dtype, values, n, odd);
        (*weights)[i] = values;
    }
    *out = (struct ay_work_program){.numerics = 1,
                                    .iterate = 1,
                                    .max_dims = max_dims,
                                    .max_dims_count = 1,
                                    .inputs = inputs,
                                    .inputs_count = sizeof inputs / sizeof inputs[0],
                                    .weights = shapes,
                                    .weights_count = WEIGHTS,
                                    .ops = m.ops};
    for (uint32_t tries = 0; out->ops_count == 0 || (tries < 400 && out->ops_count < AY_TEST_OPS);
         tries++) {
        struct ay_work_op *op = &m.ops[out->ops_count];
        size_t mark = arena->used;
        *op = (struct ay_work_op){.kind = 1 + below(&m, KINDS)};
        make[op->kind](&m, op);
        out->ops_count++;
        if (ay_program_check(out, NULL) == AY_OK && is_small(out)) continue;
        out->ops_count--;
        ay_arena_rewind(arena, mark);
    }
    draw_outputs(&m);
}
