/* If, Loop and Scan. A body is lowered once an iteration, so what decides (a condition, a trip
 * count, a length) must be known; where it is not, ay_tape_need says so and the caller may give the
 * inputs. */
#include "tensor/lower/sequence.h"
#include "tensor/lower/terms.h"

#include <stdlib.h>

/* States, scan inputs and outputs of one body. */
#define MAX_PORTS 256u
#define MAX_BATCH 1024u /* samples of a Scan before version 9 */

static bool is_true(const struct ay_lower *l, term condition, const char *what)
{
    if (condition && (condition->dtype != BOOL || ay_value_elements(condition) != 1)) {
        ay_lower_fail(l, AY_E_FORMAT, "%s is not one truth value", what);
        return false;
    }
    condition = ay_tape_need(l->tape, condition, what);
    return condition && ay_value_int(condition, 0) != 0;
}

/* Whether operands `from` on are all there: states and scan inputs may not be left out. */
static bool all_given(const struct ay_lower *l, const struct ay_operands *o, uint32_t from)
{
    for (uint32_t i = from; i < o->in_count; i++)
        if (!o->in[i]) ay_lower_fail(l, AY_E_FORMAT, "operand %u is left out", i);
    return !failed(l);
}

/* The body that the attribute names, NULL (and a failure) unless it takes and gives so many. */
static const struct ay_graph_graph *body_of(const struct ay_lower *l, const char *attribute,
                                            uint64_t inputs, uint64_t outputs, uint32_t *index)
{
    *index = ay_attr_graph(l, attribute);
    if (*index == 0 || *index >= l->model->graphs_count) {
        ay_lower_fail(l, AY_E_FORMAT, "no graph %s", attribute);
        return NULL;
    }
    const struct ay_graph_graph *body = &l->model->graphs[*index];
    if (body->inputs_count == inputs && body->outputs_count == outputs && inputs <= MAX_PORTS &&
        outputs <= MAX_PORTS)
        return body;
    ay_lower_fail(l, AY_E_FORMAT, "%s takes %u and gives %u values, not %llu and %llu", attribute,
                  body->inputs_count, body->outputs_count, (unsigned long long)inputs,
                  (unsigned long long)outputs);
    return NULL;
}

static void lower_branch(const struct ay_lower *l, const struct ay_operands *o, bool then,
                         term *out)
{
    uint32_t index;
    if (body_of(l, then ? "then_branch" : "else_branch", 0, o->out_count, &index))
        ay_lower_body(l, index, NULL, 0, out);
}

/* Every operation has a result, whatever it is given: so that of the branch not taken does no harm.
 */
static void lower_both_branches(const struct ay_lower *l, const struct ay_operands *o,
                                term condition)
{
    term then[MAX_PORTS] = {NULL}, other[MAX_PORTS] = {NULL};
    lower_branch(l, o, true, then);
    lower_branch(l, o, false, other);
    condition = reshape(l, condition, 0, NULL);
    for (uint32_t i = 0; i < o->out_count && !failed(l); i++) {
        const struct ay_value *a = then[i], *b = other[i];
        bool same = !ay_is_sequence(a) && a->dtype == b->dtype && a->rank == b->rank;
        for (uint32_t d = 0; same && d < a->rank; d++) same = a->dims[d] == b->dims[d];
        if (same)
            o->out[i] = choose(l, condition, a, b);
        else
            (void)ay_tape_need(l->tape, condition, "cond");
    }
}

static void lower_if(const struct ay_lower *l, const struct ay_operands *o)
{
    term condition = ay_term_operand(l, o, 0, BOOL, "cond");
    bool one = condition && ay_value_elements(condition) == 1;
    if (one && !condition->data && l->both_branches && o->out_count <= MAX_PORTS) {
        lower_both_branches(l, o, condition);
        return;
    }
    bool then = is_true(l, condition, "cond");
    if (!failed(l)) lower_branch(l, o, then, o->out);
}

/* --- what an iteration gives is kept and put together at the end --- */

struct collected {
    term *x; /* (outputs, cap), output-major */
    uint32_t outputs, cap, count;
};

static bool collect(const struct ay_lower *l, struct collected *c, const term *outs)
{
    for (uint32_t i = 0; i < c->outputs; i++)
        if (ay_is_sequence(outs[i])) {
            ay_lower_fail(l, AY_E_FORMAT, "a scan output is a sequence");
            return false;
        }
    if (c->count == c->cap) {
        uint32_t cap = c->cap ? 2 * c->cap : 16;
        term *x = calloc((size_t)cap * (c->outputs ? c->outputs : 1), sizeof *x);
        if (!x) {
            ay_lower_fail(l, AY_E_MEMORY, "out of memory");
            return false;
        }
        for (uint32_t i = 0; i < c->outputs; i++)
            for (uint32_t j = 0; j < c->count; j++)
                x[(size_t)i * cap + j] = c->x[(size_t)i * c->cap + j];
        free(c->x);
        c->x = x;
        c->cap = cap;
    }
    for (uint32_t i = 0; i < c->outputs; i++) c->x[(size_t)i * c->cap + c->count] = outs[i];
    c->count++;
    return true;
}

/* Of no iteration: the shape that the body declares, open dims being 0, with 0 at the axis. */
static term join_nothing(const struct ay_lower *l, const struct ay_graph_port *port, int64_t axis)
{
    uint64_t dims[AY_MAX_RANK];
    if (port->dims_count == AY_MAX_RANK)
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "more than %d dimensions", AY_MAX_RANK);
    uint32_t at = ay_lower_axis(l, axis, port->dims_count + 1);
    for (uint32_t d = 0, from = 0; d <= port->dims_count; d++)
        dims[d] = d == at ? 0 : port->dims[from++].size;
    return ay_term_zeros(l, port->dtype, port->dims_count + 1, dims);
}

/* Output i of all iterations along a new axis, the last iteration first if `reversed`. */
static term join(const struct ay_lower *l, struct collected *c, uint32_t i,
                 const struct ay_graph_port *port, int64_t axis, bool reversed)
{
    if (failed(l)) return NULL;
    if (c->count == 0) return join_nothing(l, port, axis);
    term *x = &c->x[(size_t)i * c->cap];
    if (!x[0]) return NULL;
    uint32_t at = ay_lower_axis(l, axis, x[0]->rank + 1);
    if (failed(l)) return NULL;
    for (uint32_t j = 0, rank = x[0]->rank; j < c->count; j++) {
        if (x[j]->rank != rank)
            return ay_lower_fail(l, AY_E_FORMAT, "a scan output changes its shape");
        x[j] = ay_term_insert(l, x[j], at);
    }
    for (uint32_t j = 0; reversed && j < c->count / 2; j++) {
        term other = x[j];
        x[j] = x[c->count - 1 - j];
        x[c->count - 1 - j] = other;
    }
    return ay_tape_concat(l->tape, x, c->count, at);
}

/* --- Loop --- */

struct loop {
    const struct ay_graph_graph *body;
    uint32_t index; /* of the body */
    uint32_t states;
    int64_t trips; /* INT64_MAX: as long as the condition holds */
    bool tested;   /* whether the condition counts */
};

/* The iteration's number as the body declares it: older converters have a list of one there. */
static term number_of(const struct ay_lower *l, const struct loop *loop, int64_t i)
{
    const struct ay_graph_port *port = &loop->body->inputs[0];
    term number = integer(l, I64, i);
    return port->ranked && port->dims_count == 1 ? reshape(l, number, SHAPE(1)) : number;
}

/* values: iteration number, condition, states; the states are the last ones at the end. */
static void iterate(const struct ay_lower *l, const struct loop *loop, term *values,
                    struct collected *scans)
{
    term outs[MAX_PORTS];
    for (int64_t i = 0; i < loop->trips && !failed(l); i++) {
        if (loop->tested && !is_true(l, values[1], "cond")) return;
        if (i == AY_MAX_UNROLLED) {
            ay_lower_fail(l, AY_E_LIMIT, "more than %u iterations", AY_MAX_UNROLLED);
            return;
        }
        values[0] = number_of(l, loop, i);
        ay_lower_body(l, loop->index, values, 2 + loop->states, outs);
        if (failed(l) || !collect(l, scans, outs + 1 + loop->states)) return;
        if (loop->tested) values[1] = outs[0];
        for (uint32_t s = 0; s < loop->states; s++) values[2 + s] = outs[1 + s];
    }
}

static void lower_loop(const struct ay_lower *l, const struct ay_operands *o)
{
    uint32_t states = o->in_count > 2 ? o->in_count - 2 : 0;
    if (o->out_count < states) {
        ay_lower_fail(l, AY_E_FORMAT, "%u states, %u results", states, o->out_count);
        return;
    }
    struct loop loop = {.states = states, .trips = INT64_MAX, .tested = ay_in(o, 1) != NULL};
    loop.body = body_of(l, "body", 2 + (uint64_t)states, 1 + (uint64_t)o->out_count, &loop.index);
    if (!loop.body || !all_given(l, o, 2)) return;
    if (ay_in(o, 0)) loop.trips = ay_term_scalar(l, ay_in(o, 0), "the trip count");

    term values[MAX_PORTS];
    values[1] = loop.tested ? ay_in(o, 1) : integer(l, BOOL, 1);
    for (uint32_t s = 0; s < states; s++) values[2 + s] = ay_in(o, 2 + s);
    struct collected scans = {.outputs = o->out_count - states};
    iterate(l, &loop, values, &scans);
    for (uint32_t s = 0; s < states; s++) o->out[s] = values[2 + s];
    for (uint32_t i = 0; i < scans.outputs; i++)
        o->out[states + i] = join(l, &scans, i, &loop.body->outputs[1 + states + i], 0, false);
    free(scans.x);
}

/* --- Scan --- */

struct scan {
    const struct ay_graph_graph *body;
    uint32_t index;
    uint32_t states, inputs, outputs;
    const int64_t *in_axes, *in_reversed, *out_axes, *out_reversed; /* NULL: all 0 */
};

/* Attribute `name`, absent or `count` numbers. */
static const int64_t *numbers(const struct ay_lower *l, const char *name, uint32_t count)
{
    uint32_t n;
    const int64_t *x = ay_attr_ints(l, name, &n);
    if (n && n != count) ay_lower_fail(l, AY_E_FORMAT, "%s has %u numbers, not %u", name, n, count);
    return n ? x : NULL;
}

/* in: states, scan inputs; out: states, scan outputs. */
static void scan(const struct ay_lower *l, const struct scan *s, const term *in, term *out)
{
    term values[MAX_PORTS], outs[MAX_PORTS];
    uint32_t axes[MAX_PORTS];
    uint64_t trips = 0;
    for (uint32_t i = 0; i < s->inputs; i++) {
        term x = in[s->states + i];
        axes[i] = ay_lower_axis(l, s->in_axes ? s->in_axes[i] : 0, x->rank);
        if (failed(l)) return;
        if (i == 0) trips = x->dims[axes[i]];
        if (x->dims[axes[i]] != trips) {
            ay_lower_fail(l, AY_E_FORMAT, "scan inputs of different lengths");
            return;
        }
    }
    if (trips > AY_MAX_UNROLLED) {
        ay_lower_fail(l, AY_E_LIMIT, "more than %u iterations", AY_MAX_UNROLLED);
        return;
    }
    for (uint32_t i = 0; i < s->states; i++) values[i] = in[i];
    struct collected scans = {.outputs = s->outputs};
    for (uint64_t t = 0; t < trips && !failed(l); t++) {
        for (uint32_t i = 0; i < s->inputs; i++) {
            bool reversed = s->in_reversed && s->in_reversed[i];
            values[s->states + i] =
                ay_term_at(l, in[s->states + i], axes[i], reversed ? trips - 1 - t : t);
        }
        ay_lower_body(l, s->index, values, s->states + s->inputs, outs);
        if (failed(l) || !collect(l, &scans, outs + s->states)) break;
        for (uint32_t i = 0; i < s->states; i++) values[i] = outs[i];
    }
    for (uint32_t i = 0; i < s->states; i++) out[i] = values[i];
    for (uint32_t i = 0; i < s->outputs; i++)
        out[s->states + i] =
            join(l, &scans, i, &s->body->outputs[s->states + i], s->out_axes ? s->out_axes[i] : 0,
                 s->out_reversed && s->out_reversed[i]);
    free(scans.x);
}

/* --- Scan as it was before version 9: each sample of a batch by itself, its scan inputs as long as
 * sequence_lens says --- */

/* The lengths of the batch's sequences, which may be left out. */
static bool sequence_lens(const struct ay_lower *l, term given, uint64_t batch, uint64_t longest,
                          int64_t lens[MAX_BATCH])
{
    for (uint64_t b = 0; b < batch; b++) lens[b] = (int64_t)longest;
    if (given && ay_lower_ints(l, given, "sequence_lens", lens, MAX_BATCH) != batch)
        ay_lower_fail(l, AY_E_FORMAT, "sequence_lens is not one length a sample");
    for (uint64_t b = 0; b < batch && given && !failed(l); b++)
        if (lens[b] < 1 || (uint64_t)lens[b] > longest)
            ay_lower_fail(l, AY_E_FORMAT, "sequence_lens has %lld of %llu", (long long)lens[b],
                          (unsigned long long)longest);
    return !failed(l);
}

/* One sample's operands; what it gives goes to out, its scan outputs followed by zeros. */
static void scan_sample(const struct ay_lower *l, const struct scan *s, const term *in, uint64_t b,
                        int64_t len, term *out)
{
    term values[MAX_PORTS];
    for (uint32_t i = 0; i < s->states + s->inputs; i++) {
        values[i] = ay_term_at(l, in[i], 0, b);
        if (i >= s->states) values[i] = ay_term_part(l, values[i], 0, 0, (uint64_t)len);
    }
    scan(l, s, values, out);
    uint64_t longest = in[s->states]->dims[1];
    for (uint32_t i = s->states; i < s->states + s->outputs && !failed(l); i++) {
        int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK];
        uint64_t size[AY_MAX_RANK];
        for (uint32_t d = 0; d < out[i]->rank; d++) step[d] = 1, size[d] = out[i]->dims[d];
        size[0] = longest;
        out[i] = ay_tape_slice(l->tape, out[i], begin, step, size, 0);
    }
}

/* in: as for scan, with an axis of samples before each shape. */
static void scan_batch(const struct ay_lower *l, const struct scan *s, term lens_given,
                       const term *in, term *out)
{
    uint64_t batch = in[0]->rank ? in[0]->dims[0] : 0;
    for (uint32_t i = 0; i < s->states + s->inputs; i++)
        if (in[i]->rank < (i < s->states ? 1U : 2U) || in[i]->dims[0] != batch)
            ay_lower_fail(l, AY_E_FORMAT, "operand %u has not the batch's samples", i + 1);
    if (batch < 1 || batch > MAX_BATCH)
        ay_lower_fail(l, AY_E_LIMIT, "%llu samples, not 1 to %u", (unsigned long long)batch,
                      MAX_BATCH);
    int64_t lens[MAX_BATCH];
    if (failed(l)) return;
    uint64_t longest = in[s->states]->dims[1];
    if (longest > AY_MAX_UNROLLED / batch)
        ay_lower_fail(l, AY_E_LIMIT, "more than %u iterations", AY_MAX_UNROLLED);
    if (failed(l) || !sequence_lens(l, lens_given, batch, longest, lens)) return;

    struct collected samples = {.outputs = s->states + s->outputs};
    for (uint64_t b = 0; b < batch && !failed(l); b++) {
        term outs[MAX_PORTS];
        scan_sample(l, s, in, b, lens[b], outs);
        if (failed(l) || !collect(l, &samples, outs)) break;
    }
    for (uint32_t i = 0; i < samples.outputs; i++) out[i] = join(l, &samples, i, NULL, 0, false);
    free(samples.x);
}

/* What both versions' operands and results say, of which `in_count` are states and scan inputs. */
static bool scan_open(const struct ay_lower *l, uint32_t in_count, uint32_t out_count,
                      struct scan *s)
{
    int64_t inputs = ay_attr_int(l, "num_scan_inputs", 0);
    if (inputs < 1 || inputs > in_count) {
        ay_lower_fail(l, AY_E_FORMAT, "num_scan_inputs is %lld", (long long)inputs);
        return false;
    }
    *s = (struct scan){.inputs = (uint32_t)inputs, .states = in_count - (uint32_t)inputs};
    s->outputs = out_count - s->states;
    if (out_count < s->states) {
        ay_lower_fail(l, AY_E_FORMAT, "%u states, %u results", s->states, out_count);
        return false;
    }
    s->body = body_of(l, "body", in_count, out_count, &s->index);
    return s->body != NULL;
}

static void lower_scan(const struct ay_lower *l, const struct ay_operands *o)
{
    struct scan s;
    if (l->opset < 9) { /* sequence_lens before all others */
        if (!scan_open(l, o->in_count ? o->in_count - 1 : 0, o->out_count, &s)) return;
        s.in_reversed = numbers(l, "directions", s.inputs);
        if (all_given(l, o, 1)) scan_batch(l, &s, o->in[0], o->in + 1, o->out);
        return;
    }
    if (!scan_open(l, o->in_count, o->out_count, &s) || !all_given(l, o, 0)) return;
    s.in_axes = numbers(l, "scan_input_axes", s.inputs);
    s.in_reversed = numbers(l, "scan_input_directions", s.inputs);
    s.out_axes = numbers(l, "scan_output_axes", s.outputs);
    s.out_reversed = numbers(l, "scan_output_directions", s.outputs);
    if (!failed(l)) scan(l, &s, o->in, o->out);
}

const struct ay_operator ay_lower_control[] = {
    {"If", lower_if, 1, 1, 255, false},
    {"Loop", lower_loop, 0, 255, 255, .sequences = 3},
    {"Scan", lower_scan, 1, 255, 255, false},
    {0},
};
