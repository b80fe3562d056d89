/* Sequences of tensors. Their lengths and positions are known, so they cost a program nothing. */
#include "tensor/lower/sequence.h"

#include "tensor/lower/terms.h"

#include <assert.h>
#include <stdlib.h>

#define MAX_MEMBERS AY_MAX_UNROLLED
/* Inputs and outputs of SequenceMap's body. */
#define MAX_PORTS 64u

static uint32_t length(term sequence)
{
    return (uint32_t)sequence->dims[0];
}

static const term *members(term sequence)
{
    return sequence->data;
}

/* A sequence of the tape's memory, whose members the caller writes at once. */
static term create(const struct ay_lower *l, uint64_t count, term **to)
{
    enum { HEAD = (sizeof(struct ay_value) + 63) / 64 * 64 / sizeof(int64_t) };
    static_assert(sizeof(term) <= sizeof(int64_t), "a member is where a number would be");
    void *at;
    if (count > MAX_MEMBERS)
        return ay_lower_fail(l, AY_E_LIMIT, "more than %u members", MAX_MEMBERS);
    if (!fresh(l, I64, SHAPE(HEAD + count), &at)) return NULL;
    struct ay_value *made = at;
    *to = (term *)(void *)((int64_t *)at + HEAD);
    *made = (struct ay_value){
        .dtype = AY_WORK_DTYPE_NONE, .rank = 1, .dims = {count}, .data = *to, .id = UINT32_MAX};
    return made;
}

static term sequence_operand(const struct ay_lower *l, const struct ay_operands *o, uint32_t i)
{
    if (ay_is_sequence(ay_in(o, i))) return ay_in(o, i);
    return ay_lower_fail(l, AY_E_FORMAT, "operand %u is no sequence", i);
}

/* Operand 0 or more of a tensor's dtype. */
static term tensor_operand(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                           const char *what)
{
    if (ay_is_sequence(ay_in(o, i))) return ay_lower_fail(l, AY_E_FORMAT, "%s is a sequence", what);
    return ay_term_operand(l, o, i, 0, what);
}

/* The position that operand i says, counted from the end where it is negative: below `count`. */
static uint32_t position(const struct ay_lower *l, const struct ay_operands *o, uint32_t i,
                         uint32_t count)
{
    int64_t at = ay_term_scalar(l, tensor_operand(l, o, i, "position"), "position");
    if (!failed(l) && (at < -(int64_t)count || at >= (int64_t)count))
        ay_lower_fail(l, AY_E_FORMAT, "position %lld of %u", (long long)at, count);
    return failed(l) ? 0 : (uint32_t)(at < 0 ? at + count : at);
}

static void sequence_empty(const struct ay_lower *l, const struct ay_operands *o)
{
    term *to;
    o->out[0] = create(l, 0, &to);
}

static void sequence_construct(const struct ay_lower *l, const struct ay_operands *o)
{
    term *to, made = create(l, o->in_count, &to);
    for (uint32_t i = 0; made && i < o->in_count; i++) {
        to[i] = tensor_operand(l, o, i, "a member");
        if (failed(l)) return;
    }
    o->out[0] = made;
}

static void sequence_at(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = sequence_operand(l, o, 0);
    if (!x) return;
    uint32_t at = position(l, o, 1, length(x));
    if (!failed(l)) o->out[0] = members(x)[at];
}

static void sequence_length(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = sequence_operand(l, o, 0);
    if (x) o->out[0] = integer(l, I64, (int64_t)length(x));
}

/* sequence, tensor, position: at the end unless it is said. */
static void sequence_insert(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = sequence_operand(l, o, 0), tensor = tensor_operand(l, o, 1, "tensor"), *to;
    if (failed(l)) return;
    uint32_t n = length(x), at = n;
    /* One may stand behind the last, but -1 is the last. */
    if (ay_in(o, 2)) {
        int64_t said = ay_term_scalar(l, tensor_operand(l, o, 2, "position"), "position");
        at = said == (int64_t)n ? n : position(l, o, 2, n);
    }
    term made = failed(l) ? NULL : create(l, (uint64_t)n + 1, &to);
    for (uint32_t i = 0; made && i <= n; i++) to[i] = i == at ? tensor : members(x)[i - (i > at)];
    o->out[0] = made;
}

/* sequence, position: the last unless it is said. */
static void sequence_erase(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = sequence_operand(l, o, 0), *to;
    if (!x) return;
    uint32_t n = length(x), at = n ? n - 1 : 0;
    if (n == 0) ay_lower_fail(l, AY_E_FORMAT, "nothing to erase");
    if (ay_in(o, 1)) at = position(l, o, 1, n);
    term made = failed(l) ? NULL : create(l, n - 1, &to);
    for (uint32_t i = 0; made && i + 1 < n; i++) to[i] = members(x)[i + (i >= at)];
    o->out[0] = made;
}

/* How long each part of an axis of `size` is: split says one length for all, or each. */
static uint32_t part_sizes(const struct ay_lower *l, term split, uint64_t size, int64_t *to)
{
    uint32_t count = ay_lower_ints(l, split, "split", to, MAX_MEMBERS);
    uint64_t sum = 0;
    bool each = split && split->rank == 1;
    if (failed(l)) return 0;
    int64_t all = split && !each ? to[0] : 1;
    if (!each) {
        if (all < 1 || size / (uint64_t)all >= MAX_MEMBERS) {
            ay_lower_fail(l, AY_E_LIMIT, "split of %llu by %lld", (unsigned long long)size,
                          (long long)all);
            return 0;
        }
        for (count = 0; sum < size; sum += (uint64_t)all)
            to[count++] = size - sum < (uint64_t)all ? (int64_t)(size - sum) : all;
        return count;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (to[i] < 0 || (uint64_t)to[i] > size - sum) sum = UINT64_MAX;
        if (sum == UINT64_MAX) break;
        sum += (uint64_t)to[i];
    }
    if (sum == size) return count;
    ay_lower_fail(l, AY_E_FORMAT, "split does not add up to %llu", (unsigned long long)size);
    return 0;
}

/* input, split: without split each element of the axis by itself. */
static void split_to_sequence(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = tensor_operand(l, o, 0, "input"), *to;
    term split = ay_in(o, 1) ? tensor_operand(l, o, 1, "split") : NULL;
    if (failed(l)) return;
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank);
    bool drops = !split && ay_attr_int(l, "keepdims", 1) == 0;
    int64_t *sizes = failed(l) ? NULL : malloc(MAX_MEMBERS * sizeof *sizes);
    if (!sizes) {
        ay_lower_fail(l, AY_E_MEMORY, "out of memory");
        return;
    }
    uint32_t count = part_sizes(l, split, x->dims[axis], sizes);
    term made = failed(l) ? NULL : create(l, count, &to);
    uint64_t begin = 0;
    for (uint32_t i = 0; made && i < count; i++) {
        to[i] =
            drops ? ay_term_at(l, x, axis, i) : ay_term_part(l, x, axis, begin, (uint64_t)sizes[i]);
        begin += (uint64_t)sizes[i];
    }
    free(sizes);
    if (!failed(l)) o->out[0] = made;
}

static void concat_from_sequence(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = sequence_operand(l, o, 0), *parts;
    if (!x) return;
    uint32_t n = length(x);
    bool stacks = ay_attr_int(l, "new_axis", 0) != 0;
    if (n == 0) ay_lower_fail(l, AY_E_FORMAT, "a sequence of nothing");
    uint32_t axis = failed(l) ? 0
                              : ay_lower_axis(l, ay_attr_int(l, "axis", 0),
                                              members(x)[0]->rank + (stacks ? 1 : 0));
    parts = failed(l) ? NULL : ay_term_list(l, n);
    if (!parts) return;
    for (uint32_t i = 0; i < n; i++) {
        if (members(x)[i]->rank != members(x)[0]->rank)
            ay_lower_fail(l, AY_E_FORMAT, "members of %u and %u dimensions", members(x)[0]->rank,
                          members(x)[i]->rank);
        parts[i] = stacks ? ay_term_insert(l, members(x)[i], axis) : members(x)[i];
    }
    if (!failed(l)) o->out[0] = ay_tape_concat(l->tape, parts, n, axis);
    free(parts);
}

/* The body for each member of operand 0, with the members there of other sequences. */
static void sequence_map(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = sequence_operand(l, o, 0), in[MAX_PORTS], out[MAX_PORTS], *to[MAX_PORTS];
    uint32_t body = ay_attr_graph(l, "body");
    const struct ay_graph_graph *graph =
        body && body < l->model->graphs_count ? &l->model->graphs[body] : NULL;
    if (!failed(l) && (!graph || graph->inputs_count != o->in_count || o->in_count > MAX_PORTS ||
                       graph->outputs_count != o->out_count || o->out_count > MAX_PORTS))
        ay_lower_fail(l, AY_E_FORMAT, "no body of %u inputs and %u outputs", o->in_count,
                      o->out_count);
    for (uint32_t i = 0; i < o->in_count && !failed(l); i++)
        if (!o->in[i] || (ay_is_sequence(o->in[i]) && length(o->in[i]) != length(x)))
            ay_lower_fail(l, AY_E_FORMAT, "operand %u is not as long as the first", i);
    for (uint32_t i = 0; i < o->out_count && !failed(l); i++)
        o->out[i] = create(l, length(x), &to[i]);
    for (uint32_t m = 0; !failed(l) && m < length(x); m++) {
        for (uint32_t i = 0; i < o->in_count; i++)
            in[i] = ay_is_sequence(o->in[i]) ? members(o->in[i])[m] : o->in[i];
        ay_lower_body(l, body, in, o->in_count, out);
        for (uint32_t i = 0; i < o->out_count && !failed(l); i++) {
            to[i][m] = out[i];
            if (ay_is_sequence(out[i]))
                ay_lower_fail(l, AY_E_UNSUPPORTED, "a sequence of sequences");
        }
    }
}

const struct ay_operator ay_lower_sequence[] = {
    {"SequenceEmpty", sequence_empty, 0, 0, 1, false},
    {"SequenceConstruct", sequence_construct, 1, 255, 1, false},
    {"SequenceAt", sequence_at, 2, 2, 1, .sequences = 1},
    {"SequenceLength", sequence_length, 1, 1, 1, .sequences = 1},
    {"SequenceInsert", sequence_insert, 2, 3, 1, .sequences = 1},
    {"SequenceErase", sequence_erase, 1, 2, 1, .sequences = 1},
    {"SequenceMap", sequence_map, 1, 255, 255, .sequences = 1},
    {"SplitToSequence", split_to_sequence, 1, 2, 1, false},
    {"ConcatFromSequence", concat_from_sequence, 1, 1, 1, .sequences = 1},
    {0},
};
