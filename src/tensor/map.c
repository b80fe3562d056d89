#include "tensor/map.h"

#include "tensor/each.h"
#include "tensor/form.h"
#include "tensor/ref/float.h"

/* But for the first operand of a SELECT. */
static bool takes_integers(uint32_t fn)
{
    const struct ay_fn_signature *s = ay_fn_signature((enum ay_fn)fn);
    return s->args[s->arity - 1] == AY_SCALAR_INT;
}

static bool gives_integer(uint32_t fn)
{
    return ay_fn_signature((enum ay_fn)fn)->result == AY_SCALAR_INT;
}

static struct ay_map_term f32_term(float x)
{
    return (struct ay_map_term){.f32 = x};
}

struct ay_map_term ay_map_term_of(const struct ay_map_block *block, uint32_t arg)
{
    uint32_t index = arg & 0xffffffu;
    switch (arg >> 24) {
    case AY_MAP_INPUT: return block->inputs[index];
    case AY_MAP_STEP: return block->steps[index];
    case AY_MAP_CONST: return f32_term(ay_f32(block->op->consts[index]));
    case AY_MAP_DIM: return f32_term((float)block->sizes[index]);
    default: return (struct ay_map_term){.integer = true, .i64 = block->op->ints[index]};
    }
}

/* Its elements, a single value spread to `spread`. */
static const float *floats(const struct ay_steps *steps, const struct ay_map_term *t, size_t n,
                           void *spread)
{
    if (t->at) return t->at;
    steps->fill_f32(t->f32, spread, n);
    return spread;
}

static const int64_t *integers(const struct ay_steps *steps, const struct ay_map_term *t, size_t n,
                               void *spread)
{
    if (t->at) return t->at;
    steps->fill_int(t->i64, spread, n);
    return spread;
}

void ay_map_f32_step(const struct ay_kernels *k, enum ay_fn fn, const struct ay_map_term *a,
                     const struct ay_map_term *b, float *to, size_t n)
{
    const float *x = a->at, *y = b->at;
    if (fn < AY_FN_COUNT && k->unary[fn])
        k->unary[fn](x, to, n);
    else if (fn < AY_FN_COUNT && k->vv[fn] && x && y)
        k->vv[fn](x, y, to, n);
    else if (fn < AY_FN_COUNT && k->vs[fn] && x)
        k->vs[fn](x, b->f32, to, n);
    else if (fn < AY_FN_COUNT && k->sv[fn])
        k->sv[fn](a->f32, y, to, n);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = ay_f32_canonical(ay_ref_fn(fn, x ? x[i] : a->f32, y ? y[i] : b->f32));
}

/* SELECT moves elements as they are, so that one loop a width will do. */
static void select_step(const struct ay_steps *steps, bool integer, const struct ay_map_term t[3],
                        void *to, size_t n, int64_t *spread)
{
    const int64_t *c = integers(steps, &t[0], n, spread);
    if (integer) {
        const int64_t *x = integers(steps, &t[1], n, spread + AY_MAP_BLOCK);
        const int64_t *y = integers(steps, &t[2], n, spread + 2 * AY_MAP_BLOCK);
        int64_t *out = to;
        for (size_t i = 0; i < n; i++) out[i] = c[i] ? x[i] : y[i];
    } else {
        const float *x = floats(steps, &t[1], n, spread + AY_MAP_BLOCK);
        const float *y = floats(steps, &t[2], n, spread + 2 * AY_MAP_BLOCK);
        float *out = to;
        for (size_t i = 0; i < n; i++) out[i] = c[i] ? x[i] : y[i];
    }
}

/* One step over n elements: its value goes to `to`. A function of single f32 gives one. */
static struct ay_map_term step(const struct ay_map_block *block, uint32_t index, void *to, size_t n,
                               int64_t *spread)
{
    const struct ay_work_map_step *s = &block->op->steps[index];
    struct ay_map_term t[AY_MAX_WORK_MAP_STEP_ARGS] = {{0}};
    for (uint32_t i = 0; i < s->args_count; i++) t[i] = ay_map_term_of(block, s->args[i]);
    const struct ay_steps *steps = block->kernels->steps;
    int64_t *spread_b = spread + AY_MAP_BLOCK;
    bool integer = gives_integer(s->fn);
    if (s->fn == AY_WORK_FN_SELECT || s->fn == AY_WORK_FN_INT_SELECT)
        select_step(steps, integer, t, to, n, spread);
    else if (s->fn == AY_WORK_FN_TO_FLOAT)
        steps->to_float(integers(steps, &t[0], n, spread), to, n);
    else if (takes_integers(s->fn))
        steps->integers(s->fn, integers(steps, &t[0], n, spread),
                        integers(steps, &t[1], n, spread_b), to, n);
    else if (s->fn == AY_WORK_FN_TO_INT)
        steps->to_int(floats(steps, &t[0], n, spread), to, n);
    else if (integer)
        steps->compare(s->fn, floats(steps, &t[0], n, spread), floats(steps, &t[1], n, spread_b),
                       to, n);
    else if (!t[0].at && !t[1].at)
        return f32_term(ay_f32_canonical(ay_ref_fn((enum ay_fn)s->fn, t[0].f32, t[1].f32)));
    else
        ay_map_f32_step(block->kernels, (enum ay_fn)s->fn, &t[0], &t[1], to, n);
    return (struct ay_map_term){.integer = integer, .at = to};
}

void ay_map_run(struct ay_map_block *block, void *out, size_t n, void *temp)
{
    const struct ay_work_op *op = block->op;
    int64_t *spread = temp;
    uint8_t *at = (uint8_t *)(spread + AY_MAX_WORK_MAP_STEP_ARGS * AY_MAP_BLOCK);
    bool f32 = op->dtype == AY_WORK_DTYPE_NONE || op->dtype == AY_WORK_DTYPE_F32;
    struct ay_map_term value = {0};
    AY_ASSERT(n <= AY_MAP_BLOCK);
    for (uint32_t i = 0; i < op->steps_count; i++) {
        bool last = i + 1 == op->steps_count;
        value = step(block, i, last && f32 ? out : at, n, spread);
        block->steps[i] = value;
        at += AY_MAP_BLOCK * (value.integer ? sizeof(int64_t) : sizeof(float));
    }
    float *floats_out = out;
    if (!f32)
        block->kernels->steps->narrow(op->dtype, value.at, out, n);
    else
        for (size_t i = 0; !value.at && i < n; i++) floats_out[i] = ay_f32_canonical(value.f32);
}

/* --- f32 alone, row by row --- */

bool ay_map_of_f32(const struct ay_work_op *op)
{
    if (op->dtype != AY_WORK_DTYPE_NONE && op->dtype != AY_WORK_DTYPE_F32) return false;
    for (uint32_t i = 0; i < op->steps_count; i++) {
        const struct ay_fn_signature *s = ay_fn_signature((enum ay_fn)op->steps[i].fn);
        for (uint32_t a = 0; a < s->arity; a++)
            if (s->args[a] != AY_SCALAR_F32) return false;
        if (s->result != AY_SCALAR_F32) return false;
    }
    return true;
}

/* An operand of a step: of the output's row r, block from column j on, it is at + r row + j block.
 */
struct source {
    const float *at;
    size_t row;
    bool block, single;
};

enum row_kind {
    ROW_FN,
    ROW_NOTHING,   /* what a later step makes along */
    ROW_GELU,      /* of the sum of a and b, whose `at` is NULL where there is none */
    ROW_HARD_GATE, /* of a */
    ROW_SIGMOID,   /* of a, to which the single b is added */
    ROW_SILU       /* the same */
};
struct row_step {
    enum row_kind kind;
    enum ay_fn fn;
    struct source a, b;
    struct ay_hard_gate gate;
    float *to; /* NULL: the output */
    bool single;
};

/* The expression, resolved once for all rows. */
struct row_map {
    const struct ay_map_over *over;
    const struct ay_work_op *op;
    struct row_step steps[AY_MAX_WORK_OP_STEPS];
    uint32_t count;
    float consts[AY_MAX_WORK_OP_CONSTS], dims[AY_MAX_SYMBOLS];
};

static struct source source_of_operand(const struct ay_map_operand *in)
{
    return (struct source){in->at, in->stride, !in->scalar, in->scalar};
}

static struct source source_of(struct row_map *map, uint32_t arg)
{
    uint32_t index = arg & 0xffffffu;
    switch ((enum ay_map_kind)(arg >> 24)) {
    case AY_MAP_INPUT: return source_of_operand(&map->over->operands[index]);
    case AY_MAP_STEP:
        if (index + 1 == map->over->done)
            return source_of_operand(&map->over->operands[map->over->x]);
        return (struct source){map->steps[index].to, 0, false, map->steps[index].single};
    case AY_MAP_CONST:
        map->consts[index] = ay_f32(map->op->consts[index]);
        return (struct source){&map->consts[index], 0, false, true};
    case AY_MAP_DIM:
        map->dims[index] = (float)map->over->sizes[index];
        return (struct source){&map->dims[index], 0, false, true};
    case AY_MAP_INT: break;
    }
    ay_panic(__FILE__, __LINE__, "an integer in an expression of f32");
}

/* The `count` steps from `first` on become their last one: one kernel, `how`, computes them. */
static uint32_t join(struct row_map *map, uint32_t first, uint32_t count, struct row_step how)
{
    struct row_step *last = &map->steps[first + count - 1];
    how.to = last->to;
    for (struct row_step *s = &map->steps[first]; s < last; s++) s->kind = ROW_NOTHING;
    *last = how;
    return count;
}

/* Each joins the steps from `first` on that are its form, and gives how many they are, or 0. */
static uint32_t join_gelu(struct row_map *map, uint32_t first)
{
    struct ay_form_gelu gelu;
    if (!ay_form_gelu(map->op, first, &gelu)) return 0;
    struct row_step how = {.kind = ROW_GELU, .a = source_of(map, gelu.a)};
    if (gelu.b != AY_NONE) how.b = source_of(map, gelu.b);
    return how.a.single || how.b.single ? 0 : join(map, first, gelu.count, how);
}

static uint32_t join_hard_gate(struct row_map *map, uint32_t first)
{
    struct ay_form_hard_gate hard;
    if (!ay_form_hard_gate(map->op, first, &hard)) return 0;
    struct row_step how = {.kind = ROW_HARD_GATE, .a = source_of(map, hard.x), .gate = hard.gate};
    return how.a.single ? 0 : join(map, first, hard.count, how);
}

static uint32_t join_sigmoid(struct row_map *map, uint32_t first)
{
    static const float nothing = -0.0F;
    const struct row_step *sum = &map->steps[first];
    struct ay_form_sigmoid sigmoid;
    if (sum->fn == AY_FN_ADD && !sum->b.single) return 0; /* each row's one number is added along */
    if (!ay_form_sigmoid(map->op, first, &sigmoid)) return 0;
    struct row_step how = {.kind = sigmoid.times ? ROW_SILU : ROW_SIGMOID,
                           .a = source_of(map, sigmoid.x),
                           .b = {.at = &nothing, .single = true}};
    if (sigmoid.add != AY_NONE) how.b = source_of(map, sigmoid.add);
    return how.a.single ? 0 : join(map, first, sigmoid.count, how);
}

/* Steps that one kernel computes become its last one. */
static void join_forms(struct row_map *map)
{
    bool erf = false, min = false, exp = false; /* most MAPs have none and are asked nothing */
    for (uint32_t i = map->over->done; i < map->count; i++) {
        erf = erf || map->steps[i].fn == AY_FN_ERF;
        min = min || map->steps[i].fn == AY_FN_MIN;
        exp = exp || map->steps[i].fn == AY_FN_EXP;
    }
    for (uint32_t i = map->over->done, count; (erf || min || exp) && i < map->count; i += count) {
        count = erf ? join_gelu(map, i) : 0;
        if (!count && min) count = join_hard_gate(map, i);
        if (!count && exp) count = join_sigmoid(map, i);
        if (!count) count = 1;
    }
}

static void resolve(struct row_map *map, float *temp)
{
    map->count = map->op->steps_count;
    for (uint32_t i = map->over->done; i < map->count; i++) {
        const struct ay_work_map_step *s = &map->op->steps[i];
        struct row_step *step = &map->steps[i];
        step->fn = (enum ay_fn)s->fn;
        step->kind = ROW_FN;
        step->a = source_of(map, s->args[0]);
        step->b = s->args_count > 1 ? source_of(map, s->args[1]) : step->a;
        step->single = step->a.single && step->b.single;
        step->to = temp + (size_t)i * AY_MAP_BLOCK;
    }
    join_forms(map);
    if (!map->steps[map->count - 1].single) map->steps[map->count - 1].to = NULL;
}

static void row_step(const struct ay_kernels *k, const struct row_step *s, size_t r, size_t j,
                     float *to, size_t n)
{
    if (s->kind == ROW_NOTHING) return;
    const float *a = s->a.at + r * s->a.row + (s->a.block ? j : 0);
    const float *b = s->b.at ? s->b.at + r * s->b.row + (s->b.block ? j : 0) : NULL;
    if (s->kind == ROW_GELU)
        k->gelu(a, b, to, n);
    else if (s->kind == ROW_HARD_GATE)
        k->hard_gate(&s->gate, a, to, n);
    else if (s->kind == ROW_SIGMOID || s->kind == ROW_SILU)
        k->sigmoid(a, *b, s->kind == ROW_SILU, to, n);
    else if (s->single)
        *to = ay_f32_canonical(ay_ref_fn(s->fn, *a, *b));
    else if (k->unary[s->fn])
        k->unary[s->fn](a, to, n);
    else if (s->b.single && k->vs[s->fn])
        k->vs[s->fn](a, *b, to, n);
    else if (s->a.single && k->sv[s->fn])
        k->sv[s->fn](*a, b, to, n);
    else if (!s->a.single && !s->b.single && k->vv[s->fn])
        k->vv[s->fn](a, b, to, n);
    else
        for (size_t i = 0; i < n; i++)
            to[i] =
                ay_f32_canonical(ay_ref_fn(s->fn, a[s->a.single ? 0 : i], b[s->b.single ? 0 : i]));
}

/* Whether rows of n follow each other in all that is read, and nothing is a row's own. */
static bool is_one_row(const struct row_map *map, size_t n)
{
    for (uint32_t i = map->over->done; i < map->count; i++) {
        const struct row_step *s = &map->steps[i];
        if (s->kind == ROW_NOTHING) continue;
        if (s->a.row != (s->a.block ? n : 0) || s->b.row != (s->b.block ? n : 0)) return false;
    }
    return true;
}

void ay_map_rows(const struct ay_kernels *kernels, const struct ay_map_over *over, size_t rows,
                 size_t n, float *out, size_t stride, void *temp)
{
    struct row_map map;
    map.over = over;
    map.op = over->op;
    resolve(&map, temp);
    const struct row_step *last = &map.steps[map.count - 1];
    if (stride == n && is_one_row(&map, n)) {
        n *= rows;
        rows = 1;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j += AY_MAP_BLOCK) {
            size_t size = n - j < AY_MAP_BLOCK ? n - j : AY_MAP_BLOCK;
            float *at = out + r * stride + j;
            for (uint32_t i = over->done; i < map.count; i++)
                row_step(kernels, &map.steps[i], r, j, map.steps[i].to ? map.steps[i].to : at,
                         size);
            for (size_t i = 0; last->single && i < size; i++) at[i] = *last->to;
        }
}

/* --- the form of many --- */

/* A number for each row: a constant, or an operand of one element a row. */
static bool is_per_row(const struct ay_work_op *op, const struct ay_map_operand *operands,
                       uint32_t arg, struct ay_per_row *out)
{
    uint32_t index = arg & 0xffffffu;
    if (arg >> 24 == AY_MAP_CONST) {
        *out = (struct ay_per_row){(const float *)(const void *)&op->consts[index], 0};
        return true;
    }
    if (arg >> 24 != AY_MAP_INPUT || !operands[index].scalar) return false;
    *out = (struct ay_per_row){operands[index].at, operands[index].stride};
    return true;
}

/* The step that arg is, if it is that function, and of two operands. */
static const struct ay_work_map_step *step_of(const struct ay_work_op *op, uint32_t arg,
                                              uint32_t fn)
{
    const struct ay_work_map_step *s = &op->steps[arg & 0xffffffu];
    return arg >> 24 == AY_MAP_STEP && s->fn == fn && s->args_count == 2 ? s : NULL;
}

/* Takes off that function of *arg and a number for each row, if arg is one. */
static void take_per_row(const struct ay_work_op *op, const struct ay_map_operand *operands,
                         uint32_t fn, uint32_t *arg, struct ay_per_row *out)
{
    const struct ay_work_map_step *s = step_of(op, *arg, fn);
    if (s && is_per_row(op, operands, s->args[0], out))
        *arg = s->args[1];
    else if (s && is_per_row(op, operands, s->args[1], out))
        *arg = s->args[0];
}

/* Times a number for each row, plus one. */
struct scaling {
    struct ay_per_row scale, shift;
};

/* Takes that off *arg, as far as it is one. */
static struct scaling take_scaling(const struct ay_work_op *op,
                                   const struct ay_map_operand *operands, uint32_t *arg)
{
    struct scaling s = {{NULL, 0}, {NULL, 0}};
    take_per_row(op, operands, AY_WORK_FN_ADD, arg, &s.shift);
    take_per_row(op, operands, AY_WORK_FN_MUL, arg, &s.scale);
    return s;
}

/* Whether arg is an operand as wide as the output. */
static bool is_wide(const struct ay_map_operand *operands, uint32_t arg)
{
    return arg >> 24 == AY_MAP_INPUT && !operands[arg & 0xffffffu].scalar;
}

/* Takes off a bound of *arg, if it has one; false where that is no number. */
static bool take_bound(const struct ay_work_op *op, uint32_t fn, uint32_t *arg, float *bound)
{
    const struct ay_work_map_step *s = step_of(op, *arg, fn);
    if (!s) return true;
    uint32_t first = s->args[0] >> 24 == AY_MAP_CONST;
    if (s->args[!first] >> 24 != AY_MAP_CONST) return false;
    *bound = ay_f32(op->consts[s->args[!first] & 0xffffffu]);
    *arg = s->args[first];
    return *bound == *bound;
}

/* Whether arg is operand x, scaled once or twice. */
static bool begins(const struct ay_work_op *op, const struct ay_map_operand *operands, uint32_t arg,
                   uint32_t x, struct ay_affine *out)
{
    struct scaling first = take_scaling(op, operands, &arg), again = first;
    out->twice = arg >> 24 == AY_MAP_STEP;
    if (out->twice) first = take_scaling(op, operands, &arg);
    out->scale = first.scale;
    out->shift = first.shift;
    out->scale_again = again.scale;
    out->shift_again = again.shift;
    return is_wide(operands, arg) && (arg & 0xffffffu) == x;
}

/* Whether the step before `end` is of the form in operand x. */
static bool is_affine(const struct ay_work_op *op, const struct ay_map_operand *operands,
                      uint32_t end, uint32_t x, struct ay_affine *out)
{
    uint32_t arg = (uint32_t)AY_MAP_STEP << 24 | (end - 1);
    *out = (struct ay_affine){.low = ay_f32(AY_NEG_INF_BITS), .high = ay_f32(AY_INF_BITS)};
    if (!take_bound(op, AY_WORK_FN_MIN, &arg, &out->high) || out->high == 0) return false;
    if (!take_bound(op, AY_WORK_FN_MAX, &arg, &out->low) ||
        ay_f32_bits(out->low) == ay_f32_bits(-0.0F))
        return false;
    if (begins(op, operands, arg, x, out)) return true;
    const struct ay_work_map_step *sum = step_of(op, arg, AY_WORK_FN_ADD);
    for (uint32_t i = 0; sum && i < 2; i++) {
        uint32_t other = sum->args[1 - i];
        struct scaling added = take_scaling(op, operands, &other);
        if (!begins(op, operands, sum->args[i], x, out) || !is_wide(operands, other)) continue;
        out->add = operands[other & 0xffffffu].at;
        out->add_step = operands[other & 0xffffffu].stride;
        out->add_scale = added.scale;
        out->add_shift = added.shift;
        return (other & 0xffffffu) != x;
    }
    return false;
}

/* Whether the steps from `end` on need of x and of the steps before no more than the last of those.
 */
static bool needs_the_last(const struct ay_work_op *op, uint32_t end, uint32_t x)
{
    for (uint32_t i = end; i < op->steps_count; i++)
        for (uint32_t k = 0; k < op->steps[i].args_count; k++) {
            uint32_t arg = op->steps[i].args[k], index = arg & 0xffffffu;
            if (arg >> 24 == AY_MAP_INPUT ? index == x
                                          : arg >> 24 == AY_MAP_STEP && index + 1 < end)
                return false;
        }
    return true;
}

uint32_t ay_map_affine_steps(const struct ay_work_op *op, const struct ay_map_operand *operands,
                             uint32_t x)
{
    struct ay_affine a;
    struct ay_form_sigmoid sigmoid; /* its kernel adds a number itself */
    uint32_t least = ay_form_sigmoid(op, 0, &sigmoid) ? sigmoid.count : 1;
    for (uint32_t end = op->steps_count; end >= least; end--)
        if (needs_the_last(op, end, x) && is_affine(op, operands, end, x, &a)) return end;
    return 0;
}

void ay_map_affine(const struct ay_work_op *op, const struct ay_map_operand *operands, uint32_t x,
                   uint32_t steps, struct ay_affine *out)
{
    bool same = is_affine(op, operands, steps, x, out);
    AY_ASSERT(same); /* addresses alone are others */
}
