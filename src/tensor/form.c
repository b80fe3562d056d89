#include "tensor/form.h"

#include "tensor/ref/float.h"

#include <stdlib.h>

/* A step of a pattern. An operand is AT(i), its i-th step, or VALUE(i): anything, each time the
 * same. */
struct pattern {
    uint32_t fn, a, b;
};
enum { A, B, C, D, E, F, VALUES };
#define AT(i)      ((uint32_t)AY_MAP_STEP << 24 | (i))
#define VALUE(i)   (0xffu << 24 | (i))
#define PATTERN(p) (p), (uint32_t)(sizeof(p) / sizeof((p)[0]))

/* What a pattern's values are: operands of the MAP's steps. */
struct bound {
    uint32_t at[VALUES];
};
static const struct bound unbound = {{AY_NONE, AY_NONE, AY_NONE, AY_NONE, AY_NONE, AY_NONE}};

static bool is_number(const struct ay_work_op *map, uint32_t arg, uint32_t bits)
{
    return arg >> 24 == AY_MAP_CONST && map->consts[arg & 0xffffffu] == bits;
}

static bool binds(const struct ay_work_op *map, uint32_t wanted, uint32_t arg, uint32_t first,
                  struct bound *b)
{
    if (wanted >> 24 == AY_MAP_STEP) return arg == wanted + first;
    uint32_t *value = &b->at[wanted & 0xffffffu];
    if (*value == AY_NONE) *value = arg;
    return *value == arg ||
           (*value >> 24 == AY_MAP_CONST && is_number(map, arg, map->consts[*value & 0xffffffu]));
}

static bool binds_step(const struct ay_work_op *map, const struct ay_work_map_step *s,
                       const struct pattern *p, uint32_t first, struct bound *b)
{
    if (s->fn != p->fn) return false;
    if (s->args_count == 1) return binds(map, p->a, s->args[0], first, b);
    const struct bound before = *b;
    if (binds(map, p->a, s->args[0], first, b) && binds(map, p->b, s->args[1], first, b))
        return true;
    *b = before;
    bool any_order = s->fn == AY_WORK_FN_ADD || s->fn == AY_WORK_FN_MUL ||
                     s->fn == AY_WORK_FN_MAX || s->fn == AY_WORK_FN_MIN;
    return any_order && binds(map, p->a, s->args[1], first, b) &&
           binds(map, p->b, s->args[0], first, b);
}

/* Whether the steps from `first` on are the pattern; what is bound in *b already must be so. */
static bool matches(const struct ay_work_op *map, uint32_t first, const struct pattern *p,
                    uint32_t count, struct bound *b)
{
    if (first + count > map->steps_count) return false;
    for (uint32_t i = 0; i < count; i++)
        if (!binds_step(map, &map->steps[first + i], &p[i], first, b)) return false;
    return true;
}

/* --- within a MAP --- */

static const struct pattern gelu_of_sum[] = {
    {AY_WORK_FN_ADD, VALUE(A), VALUE(B)}, {AY_WORK_FN_DIV, AT(0), VALUE(C)},
    {AY_WORK_FN_ERF, AT(1), 0},           {AY_WORK_FN_ADD, AT(2), VALUE(D)},
    {AY_WORK_FN_MUL, AT(0), AT(3)},       {AY_WORK_FN_MUL, AT(4), VALUE(E)}};
static const struct pattern gelu_alone[] = {{AY_WORK_FN_DIV, VALUE(A), VALUE(C)},
                                            {AY_WORK_FN_ERF, AT(0), 0},
                                            {AY_WORK_FN_ADD, AT(1), VALUE(D)},
                                            {AY_WORK_FN_MUL, VALUE(A), AT(2)},
                                            {AY_WORK_FN_MUL, AT(3), VALUE(E)}};

/* Whether steps first..last - 1 are read by none after `last`. */
static bool read_within(const struct ay_work_op *map, uint32_t first, uint32_t last)
{
    for (uint32_t i = last + 1; i < map->steps_count; i++)
        for (uint32_t k = 0; k < map->steps[i].args_count; k++)
            if (map->steps[i].args[k] >= AT(first) && map->steps[i].args[k] < AT(last))
                return false;
    return true;
}

bool ay_form_gelu(const struct ay_work_op *map, uint32_t first, struct ay_form_gelu *out)
{
    struct bound sum = unbound, alone = unbound;
    struct bound *b = &sum;
    uint32_t count = sizeof gelu_of_sum / sizeof *gelu_of_sum;
    if (!matches(map, first, gelu_of_sum, count, b)) {
        b = &alone;
        count = sizeof gelu_alone / sizeof *gelu_alone;
        if (!matches(map, first, gelu_alone, count, b)) return false;
    }
    *out = (struct ay_form_gelu){count, b->at[A], b->at[B]};
    return is_number(map, b->at[C], ay_f32_bits(AY_SQRT2)) &&
           is_number(map, b->at[D], ay_f32_bits(1.0F)) &&
           is_number(map, b->at[E], ay_f32_bits(0.5F)) &&
           read_within(map, first, first + count - 1);
}

/* HardSwish as its definition says, and as a hard sigmoid that is not divided at once. */
static const struct pattern hard_swish[] = {{AY_WORK_FN_MUL, VALUE(A), VALUE(B)},
                                            {AY_WORK_FN_ADD, AT(0), VALUE(C)},
                                            {AY_WORK_FN_MAX, AT(1), VALUE(D)},
                                            {AY_WORK_FN_MIN, AT(2), VALUE(E)},
                                            {AY_WORK_FN_MUL, VALUE(A), AT(3)}};
static const struct pattern divided_last[] = {{AY_WORK_FN_ADD, VALUE(A), VALUE(C)},
                                              {AY_WORK_FN_MAX, AT(0), VALUE(D)},
                                              {AY_WORK_FN_MIN, AT(1), VALUE(E)},
                                              {AY_WORK_FN_MUL, VALUE(A), AT(2)},
                                              {AY_WORK_FN_DIV, AT(3), VALUE(F)}};

/* A logistic function of a sum and of anything, and what follows where the operand is multiplied by
 * it. */
static const struct pattern sigmoid_of_sum[] = {
    {AY_WORK_FN_ADD, VALUE(A), VALUE(B)}, {AY_WORK_FN_NEG, AT(0), 0},
    {AY_WORK_FN_EXP, AT(1), 0},           {AY_WORK_FN_ADD, AT(2), VALUE(C)},
    {AY_WORK_FN_DIV, VALUE(C), AT(3)},    {AY_WORK_FN_MUL, AT(0), AT(4)}};
static const struct pattern sigmoid_alone[] = {{AY_WORK_FN_NEG, VALUE(A), 0},
                                               {AY_WORK_FN_EXP, AT(0), 0},
                                               {AY_WORK_FN_ADD, AT(1), VALUE(C)},
                                               {AY_WORK_FN_DIV, VALUE(C), AT(2)},
                                               {AY_WORK_FN_MUL, VALUE(A), AT(3)}};

/* Whether the steps are those of the pattern, the last of which may be missing. Most MAPs are asked
 * at every step, so that first its exp is looked for. */
static bool is_sigmoid(const struct ay_work_op *map, uint32_t first, const struct pattern *p,
                       uint32_t count, struct ay_form_sigmoid *out)
{
    struct bound b = unbound;
    uint32_t last = first + count - 1;
    if (last > map->steps_count || map->steps[last - 3].fn != AY_WORK_FN_EXP ||
        !matches(map, first, p, count - 1, &b) || !is_number(map, b.at[C], ay_f32_bits(1.0F)))
        return false;
    bool times = last < map->steps_count &&
                 binds_step(map, &map->steps[last], &p[count - 1], first, &b) &&
                 read_within(map, first, last);
    *out = (struct ay_form_sigmoid){times ? count : count - 1, b.at[A], b.at[B], times};
    return times || read_within(map, first, last - 1);
}

bool ay_form_sigmoid(const struct ay_work_op *map, uint32_t first, struct ay_form_sigmoid *out)
{
    return is_sigmoid(map, first, PATTERN(sigmoid_of_sum), out) ||
           is_sigmoid(map, first, PATTERN(sigmoid_alone), out);
}

/* The constant that is bound there, or `missing` where nothing is; false where it is no constant.
 */
static bool constant(const struct ay_work_op *map, uint32_t bound, float missing, float *out)
{
    *out = missing;
    if (bound == AY_NONE) return true;
    if (bound >> 24 != AY_MAP_CONST) return false;
    *out = ay_f32(map->consts[bound & 0xffffffu]);
    return true;
}

bool ay_form_hard_gate(const struct ay_work_op *map, uint32_t first, struct ay_form_hard_gate *out)
{
    struct bound b = unbound;
    struct ay_hard_gate *g = &out->gate;
    out->count = sizeof hard_swish / sizeof *hard_swish;
    if (!matches(map, first, PATTERN(hard_swish), &b)) {
        b = unbound;
        out->count = sizeof divided_last / sizeof *divided_last;
        if (!matches(map, first, PATTERN(divided_last), &b)) return false;
    }
    out->x = b.at[A];
    return constant(map, b.at[B], 1.0F, &g->scale) && constant(map, b.at[C], -0.0F, &g->shift) &&
           constant(map, b.at[D], 0, &g->low) && constant(map, b.at[E], 1.0F, &g->high) &&
           constant(map, b.at[F], 1.0F, &g->by) && g->low == g->low && g->high == g->high &&
           ay_f32_bits(g->low) != ay_f32_bits(-0.0F) && g->high != 0 &&
           read_within(map, first, first + out->count - 1);
}

/* --- of rows --- */

static const struct pattern exp_of_difference[] = {{AY_WORK_FN_SUB, VALUE(A), VALUE(B)},
                                                   {AY_WORK_FN_EXP, AT(0), 0}};
static const struct pattern exp_of_scaled[] = {{AY_WORK_FN_MUL, VALUE(A), VALUE(C)},
                                               {AY_WORK_FN_MUL, VALUE(B), VALUE(C)},
                                               {AY_WORK_FN_SUB, AT(0), AT(1)},
                                               {AY_WORK_FN_EXP, AT(2), 0}};
static const struct pattern exp_of_scaled_last[] = {{AY_WORK_FN_MUL, VALUE(B), VALUE(C)},
                                                    {AY_WORK_FN_MUL, VALUE(A), VALUE(C)},
                                                    {AY_WORK_FN_SUB, AT(1), AT(0)},
                                                    {AY_WORK_FN_EXP, AT(2), 0}};
static const struct pattern quotient[] = {{AY_WORK_FN_DIV, VALUE(A), VALUE(B)}};
static const struct pattern less_mean[] = {{AY_WORK_FN_DIV, VALUE(B), VALUE(C)},
                                           {AY_WORK_FN_SUB, VALUE(A), AT(0)}};
static const struct pattern normalised[] = {
    {AY_WORK_FN_DIV, VALUE(B), VALUE(C)}, {AY_WORK_FN_ADD, AT(0), VALUE(D)},
    {AY_WORK_FN_SQRT, AT(1), 0},          {AY_WORK_FN_DIV, VALUE(A), AT(2)},
    {AY_WORK_FN_MUL, AT(3), VALUE(E)},    {AY_WORK_FN_ADD, AT(4), VALUE(F)}};

struct finder {
    const struct ay_plan *plan;
    uint32_t *uses; /* operands and outputs of the program that name the value */
    const struct ay_work_op *ops[AY_FORM_OPS];
    uint32_t outputs[AY_FORM_OPS];
};

/* Whether the whole MAP is the pattern, A being its operand `a` and B its operand `b`. */
static bool map_is(const struct ay_work_op *map, uint32_t a, uint32_t b, const struct pattern *p,
                   uint32_t count, struct bound *out)
{
    *out = unbound;
    for (uint32_t i = 0; i < map->in_count; i++) {
        if (map->in[i] == a) out->at[A] = (uint32_t)AY_MAP_INPUT << 24 | i;
        if (map->in[i] == b) out->at[B] = (uint32_t)AY_MAP_INPUT << 24 | i;
    }
    return out->at[A] != AY_NONE && out->at[B] != AY_NONE && map->steps_count == count &&
           matches(map, 0, p, count, out);
}

/* Whether REDUCE, MAP, REDUCE, MAP hand on what no other op needs. */
static bool is_chain(const struct finder *f)
{
    const struct ay_work_op *const *op = f->ops;
    return op[0]->kind == AY_WORK_OP_REDUCE && op[1]->kind == AY_WORK_OP_MAP &&
           op[2]->kind == AY_WORK_OP_REDUCE && op[3]->kind == AY_WORK_OP_MAP &&
           op[2]->in[0] == f->outputs[1] && f->uses[f->outputs[0]] == 1 &&
           f->uses[f->outputs[1]] == 2 && f->uses[f->outputs[2]] == 1;
}

static bool find_softmax(const struct finder *f, struct ay_form *out)
{
    const struct ay_work_op *const *op = f->ops;
    struct bound b;
    if (op[0]->reduce != AY_WORK_REDUCE_MAX || op[2]->reduce != AY_WORK_REDUCE_SUM ||
        !map_is(op[3], f->outputs[1], f->outputs[2], PATTERN(quotient), &b))
        return false;
    *out = (struct ay_form){.kind = AY_FORM_SOFTMAX, .number = 1.0F};
    uint32_t x = op[0]->in[0], most = f->outputs[0];
    if (map_is(op[1], x, most, PATTERN(exp_of_difference), &b)) return true;
    if (!map_is(op[1], x, most, PATTERN(exp_of_scaled), &b) &&
        !map_is(op[1], x, most, PATTERN(exp_of_scaled_last), &b))
        return false;
    if (b.at[C] >> 24 != AY_MAP_CONST) return false;
    out->number = ay_f32(op[1]->consts[b.at[C] & 0xffffffu]);
    return true;
}

/* Whether the operand is the number of elements of the value's last axis, which no symbol is. */
static bool is_width(const struct finder *f, const struct ay_work_op *map, uint32_t arg,
                     uint32_t id)
{
    const struct ay_place *at = &f->plan->places[id];
    uint32_t dim = at->shape[at->axis[at->rank - 1]];
    return !(dim & AY_DIM_SYMBOL) && is_number(map, arg, ay_f32_bits((float)dim));
}

/* The operand's id, if it is an input of the MAP as wide as the output. */
static bool is_row(const struct finder *f, const struct ay_work_op *map, uint32_t arg, uint32_t *id)
{
    if (arg >> 24 != AY_MAP_INPUT) return false;
    *id = map->in[arg & 0xffffffu];
    const struct ay_place *at = &f->plan->places[*id];
    return at->rank > 0 && at->shape[at->axis[at->rank - 1]] == map->dims[map->dims_count - 1];
}

static bool find_layer_norm(const struct finder *f, struct ay_form *out)
{
    const struct ay_work_op *const *op = f->ops;
    uint32_t x = op[0]->in[0];
    struct bound mean, unit;
    if (op[0]->reduce != AY_WORK_REDUCE_SUM || op[2]->reduce != AY_WORK_REDUCE_SUMSQ ||
        op[1]->dims_count != op[3]->dims_count ||
        op[1]->dims[op[1]->dims_count - 1] != op[3]->dims[op[3]->dims_count - 1] ||
        !map_is(op[1], x, f->outputs[0], PATTERN(less_mean), &mean) ||
        !map_is(op[3], f->outputs[1], f->outputs[2], PATTERN(normalised), &unit))
        return false;
    *out = (struct ay_form){.kind = AY_FORM_LAYER_NORM};
    if (unit.at[D] >> 24 != AY_MAP_CONST || !is_width(f, op[1], mean.at[C], x) ||
        !is_width(f, op[3], unit.at[C], x) || !is_row(f, op[3], unit.at[E], &out->gain) ||
        !is_row(f, op[3], unit.at[F], &out->bias))
        return false;
    out->number = ay_f32(op[3]->consts[unit.at[D] & 0xffffffu]);
    return true;
}

static void find_in_step(struct finder *f, const struct ay_step *step, struct ay_form *out)
{
    const struct ay_work_program *p = f->plan->program;
    for (uint32_t i = 0; i + AY_FORM_OPS <= step->count; i++) {
        const uint32_t *order = f->plan->order + step->first + i;
        for (uint32_t k = 0; k < AY_FORM_OPS; k++) {
            f->ops[k] = &p->ops[order[k]];
            f->outputs[k] = ay_program_output(p, order[k]);
        }
        struct ay_form found;
        if (is_chain(f) && (find_softmax(f, &found) || find_layer_norm(f, &found)))
            out[order[0]] = found;
    }
}

enum ay_code ay_forms_find(const struct ay_plan *plan, struct ay_form *out)
{
    const struct ay_work_program *p = plan->program;
    struct finder f = {.plan = plan, .uses = calloc(plan->values, sizeof *f.uses)};
    if (!f.uses) return AY_E_MEMORY;
    for (uint32_t i = 0; i < p->ops_count; i++)
        for (uint32_t k = 0; k < p->ops[i].in_count; k++) f.uses[p->ops[i].in[k]]++;
    for (uint32_t i = 0; i < ay_program_outputs(p); i++) f.uses[ay_program_output_at(p, i)]++;
    for (uint32_t s = 0; s < plan->step_count; s++)
        if (plan->steps[s].kind == AY_STEP_ROWS) find_in_step(&f, &plan->steps[s], out);
    free(f.uses);
    return AY_OK;
}
