/* Which functions become one MAP, and the MAP. */
#include "tensor/tape_impl.h"

#include <stdlib.h>

enum { INPUT, STEP, CONST, DIM, INT }; /* kinds of a step's operand, as in MapStep */
#define ARG(kind, index) ((uint32_t)(kind) << 24 | (index))

struct builder {
    const struct ay_tape *tape;
    struct ay_map_op *map;
    bool inline_scalars, full;
};

static uint32_t input_arg(struct builder *b, uint32_t id)
{
    struct ay_map_op *m = b->map;
    uint32_t i = 0;
    while (i < m->in_count && m->in[i] != id) i++;
    if (i == AY_MAX_WORK_OP_IN) {
        b->full = true;
        return 0;
    }
    if (i == m->in_count) m->in[m->in_count++] = id;
    return ARG(INPUT, i);
}

static uint32_t const_arg(struct builder *b, uint32_t bits)
{
    struct ay_map_op *m = b->map;
    uint32_t i = 0;
    while (i < m->consts_count && m->consts[i] != bits) i++;
    if (i == AY_MAX_WORK_OP_CONSTS) {
        b->full = true;
        return 0;
    }
    if (i == m->consts_count) m->consts[m->consts_count++] = bits;
    return ARG(CONST, i);
}

static uint32_t int_arg(struct builder *b, int64_t x)
{
    struct ay_map_op *m = b->map;
    uint32_t i = 0;
    while (i < m->ints_count && m->ints[i] != x) i++;
    if (i == AY_MAX_WORK_OP_INTS) {
        b->full = true;
        return 0;
    }
    if (i == m->ints_count) m->ints[m->ints_count++] = x;
    return ARG(INT, i);
}

static uint32_t add_step(struct builder *b, uint32_t fn, const uint32_t *args, uint32_t count)
{
    struct ay_map_op *m = b->map;
    if (m->step_count == AY_MAX_WORK_OP_STEPS) {
        b->full = true;
        return 0;
    }
    uint32_t i = m->step_count++;
    memcpy(m->args[i], args, count * sizeof args[0]);
    m->steps[i] = (struct ay_work_map_step){fn, m->args[i], count};
    return ARG(STEP, i);
}

static uint32_t int_step(struct builder *b, uint32_t fn, uint32_t x, int64_t y)
{
    return add_step(b, fn, (const uint32_t[]){x, int_arg(b, y)}, 2);
}

/* Whether what fn gives is as it would be read back from its dtype: 0 or 1, or one of operands that
 * have the same dtype, or bits of them. */
static bool fits(const struct ay_tape *tape, const struct ay_node *n)
{
    enum ay_work_fn fn = n->fn;
    if (n->value.dtype == AY_WORK_DTYPE_F32 || n->value.dtype == AY_WORK_DTYPE_I64) return true;
    if (fn >= AY_WORK_FN_EQ && fn <= AY_WORK_FN_LE) return true;
    if (fn >= AY_WORK_FN_INT_EQ && fn <= AY_WORK_FN_INT_LE) return true;
    bool select = fn == AY_WORK_FN_INT_SELECT;
    if (!select && (fn < AY_WORK_FN_INT_MIN || fn > AY_WORK_FN_INT_XOR)) return false;
    for (uint32_t i = select; i < n->op.in_count; i++)
        if (tape->nodes[n->op.in[i]]->value.dtype != n->value.dtype) return false;
    return true;
}

/* The step's value taken through the dtype it would have been stored in. */
static uint32_t narrow(struct builder *b, uint32_t dtype, uint32_t x)
{
    if (dtype == AY_WORK_DTYPE_U8) return int_step(b, AY_WORK_FN_INT_AND, x, 255);
    if (dtype == AY_WORK_DTYPE_BOOL)
        return int_step(b, AY_WORK_FN_INT_EQ, int_step(b, AY_WORK_FN_INT_EQ, x, 0), 0);
    int64_t bits = 64 - 8 * ay_dtype_bytes(dtype);
    return int_step(b, AY_WORK_FN_INT_SHR, int_step(b, AY_WORK_FN_INT_SHL, x, bits), bits);
}

static uint32_t operand(struct builder *b, const struct ay_cluster *c, const uint32_t *values,
                        uint32_t id)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->members[i] == id) return values[i];
    const struct ay_value *x = &b->tape->nodes[id]->value;
    if (!b->inline_scalars || !x->data || ay_value_elements(x) != 1) return input_arg(b, id);
    if (x->dtype != AY_WORK_DTYPE_F32) return int_arg(b, ay_value_int(x, 0));
    uint32_t bits;
    memcpy(&bits, x->data, sizeof bits);
    /* A constant may not be a NaN. */
    return (bits & 0x7fffffffu) > 0x7f800000u ? input_arg(b, id) : const_arg(b, bits);
}

bool ay_tape_map_build(const struct ay_tape *tape, const struct ay_cluster *c, bool inline_scalars,
                       struct ay_map_op *out)
{
    struct builder b = {tape, out, inline_scalars, false};
    uint32_t values[AY_MAX_WORK_OP_STEPS];
    out->in_count = out->step_count = out->consts_count = out->ints_count = 0;
    for (uint32_t i = c->count; i-- > 0 && !b.full;) {
        const struct ay_node *n = tape->nodes[c->members[i]];
        uint32_t args[AY_MAX_WORK_MAP_STEP_ARGS];
        for (uint32_t k = 0; k < n->op.in_count; k++) args[k] = operand(&b, c, values, n->op.in[k]);
        values[i] = add_step(&b, n->fn, args, n->op.in_count);
        if (i > 0 && !fits(tape, n)) values[i] = narrow(&b, n->value.dtype, values[i]);
    }
    return !b.full;
}

void ay_tape_map_set(const struct ay_map_op *map, struct ay_work_op *op)
{
    op->in = map->in;
    op->in_count = map->in_count;
    op->steps = map->steps;
    op->steps_count = map->step_count;
    op->consts = map->consts;
    op->consts_count = map->consts_count;
    op->ints = map->ints;
    op->ints_count = map->ints_count;
}

/* Whether x may be computed for each element of y: it has as many, or is one number a row. */
static bool suits(const struct ay_value *x, const struct ay_value *y)
{
    if (x->rank > y->rank) return false;
    if (x->rank == 0 || y->rank == 0) return true;
    if (x->dims[x->rank - 1] == 1 && y->dims[y->rank - 1] != 1) return true;
    uint32_t lead = y->rank - x->rank;
    for (uint32_t d = 0; d < y->rank; d++)
        if (y->dims[d] != (d < lead ? 1 : x->dims[d - lead])) return false;
    return true;
}

#define NO_USER UINT32_MAX
#define MANY    (UINT32_MAX - 1)

/* Takes node id into the op of `user` if that stays within bounds. */
static bool take_in(const struct ay_tape *tape, uint32_t id, uint32_t user,
                    struct ay_cluster *clusters)
{
    struct ay_cluster *c = &clusters[user];
    struct ay_map_op built;
    if (c->count == AY_MAX_WORK_OP_STEPS) return false;
    if (!suits(&tape->nodes[id]->value, &tape->nodes[user]->value)) return false;
    c->members[c->count++] = id;
    if (ay_tape_map_build(tape, c, true, &built)) return true;
    c->count--;
    return false;
}

enum ay_code ay_tape_merge(const struct ay_tape *tape, const bool *needed, const bool *pinned,
                           struct ay_cluster *clusters, bool *merged)
{
    /* For each node the op that alone uses it: users come after what they use, so that going
     * backwards all of a node's users have been placed when its turn comes. */
    uint32_t *user = calloc(tape->count + 1, sizeof *user);
    if (!user) return AY_E_MEMORY;
    for (uint32_t id = 0; id < tape->count; id++)
        user[id] = pinned[id] || tape->nodes[id]->apart ? MANY : NO_USER;
    for (uint32_t id = tape->count; id-- > 0;) {
        const struct ay_node *n = tape->nodes[id];
        if (!needed[id] || n->value.data) continue;
        bool map = n->kind == AY_NODE_OP && n->op.kind == AY_WORK_OP_MAP;
        uint32_t at = id;
        if (map && user[id] < MANY && take_in(tape, id, user[id], clusters)) {
            merged[id] = true;
            at = user[id];
        } else {
            clusters[id] = (struct ay_cluster){1, {id}};
        }
        for (uint32_t i = 0; i < n->op.in_count; i++) {
            uint32_t *of = &user[n->op.in[i]];
            *of = map && (*of == NO_USER || *of == at) ? at : MANY;
        }
    }
    free(user);
    return AY_OK;
}
