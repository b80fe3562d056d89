#include "tensor/graph_run.h"

#include "tensor/lower/lower.h"

#include <stdlib.h>
#include <string.h>

/* What the graph is for the shapes of some inputs. */
struct prepared {
    struct ay_ndarray *inputs; /* shapes; data, owned, where the program is for these elements only.
                                * NULL: an unused place */
    uint64_t used;             /* when, in calls */
    enum ay_code code;         /* AY_OK, or why there is no program */
    struct ay_reason why;
    struct ay_tape *tape;
    const struct ay_value **outs; /* one an output of the model */
    struct ay_tape_program program;
    bool runs; /* there is a program: some output is unknown */
    struct ay_exec *exec;
};

struct ay_graph_runner {
    const struct ay_graph_folder *graph;
    struct ay_graph_runner_options options;
    struct ay_pool *pool; /* of all tapes and executors */
    struct prepared cache[AY_MAX_GRAPH_PROGRAMS];
    const struct prepared *last;
    uint64_t calls;
};

static const struct ay_graph_graph *main_graph(const struct ay_graph_runner *r)
{
    return &r->graph->model.graphs[0];
}

enum ay_code ay_graph_runner_open(const struct ay_graph_folder *graph,
                                  const struct ay_graph_runner_options *options,
                                  struct ay_graph_runner **out)
{
    struct ay_graph_runner *r = calloc(1, sizeof *r);
    if (!r) return AY_E_MEMORY;
    r->graph = graph;
    r->options = *options;
    enum ay_code code = ay_pool_open(options->threads, &r->pool);
    if (code != AY_OK) {
        free(r);
        return code;
    }
    *out = r;
    return AY_OK;
}

static void forget(struct prepared *p, uint32_t count)
{
    ay_exec_close(p->exec);
    ay_tape_close(p->tape);
    for (uint32_t i = 0; p->inputs && i < count; i++) ay_ndarray_free(&p->inputs[i]);
    free(p->outs);
    free(p->inputs);
    *p = (struct prepared){0};
}

void ay_graph_runner_close(struct ay_graph_runner *r)
{
    if (!r) return;
    for (uint32_t i = 0; i < AY_MAX_GRAPH_PROGRAMS; i++)
        forget(&r->cache[i], main_graph(r)->inputs_count);
    ay_pool_close(r->pool);
    free(r);
}

/* Inputs against what the model says of them. */

#define NAME(slice) (int)((slice).len < 80 ? (slice).len : 80), (const char *)(slice).data

/* Whether one input has two axes of that name: exporters write "batch" for all that is open. */
static bool is_repeated(const struct ay_graph_graph *g, struct ay_slice name)
{
    for (uint32_t i = 0; i < g->inputs_count; i++) {
        uint32_t count = 0;
        for (uint32_t d = 0; d < g->inputs[i].dims_count; d++)
            count += ay_slice_equal(g->inputs[i].dims[d].name, name);
        if (count > 1) return true;
    }
    return false;
}

/* The size that a named dimension has in the inputs before this axis, or 0. */
static uint64_t named_size(const struct ay_graph_graph *g, const struct ay_ndarray *inputs,
                           uint32_t input, uint32_t axis, struct ay_slice name)
{
    for (uint32_t i = 0; i <= input; i++)
        for (uint32_t d = 0; d < g->inputs[i].dims_count && (i < input || d < axis); d++)
            if (ay_slice_equal(g->inputs[i].dims[d].name, name)) return inputs[i].dims[d];
    return 0;
}

static enum ay_code accept_dim(const struct ay_graph_graph *g, const struct ay_ndarray *inputs,
                               uint32_t input, uint32_t axis, struct ay_reason *reason)
{
    const struct ay_graph_dim *d = &g->inputs[input].dims[axis];
    uint64_t have = inputs[input].dims[axis], want = d->size;
    if (d->name.len && !is_repeated(g, d->name)) want = named_size(g, inputs, input, axis, d->name);
    if (want == 0 || want == have) return AY_OK;
    return ay_reject(reason, AY_E_RANGE, "input %.*s: axis %u has %llu elements, not %llu%s%.*s",
                     NAME(g->inputs[input].name), axis, (unsigned long long)have,
                     (unsigned long long)want, d->name.len ? " as before for " : "", NAME(d->name));
}

enum ay_code ay_graph_accepts(const struct ay_graph_model *model, const struct ay_ndarray *inputs,
                              uint32_t count, struct ay_reason *reason)
{
    const struct ay_graph_graph *g = &model->graphs[0];
    if (count != g->inputs_count)
        return ay_reject(reason, AY_E_RANGE, "%u inputs are given, the model has %u", count,
                         g->inputs_count);
    for (uint32_t i = 0; i < count; i++) {
        const struct ay_graph_port *p = &g->inputs[i];
        if (inputs[i].dtype != p->dtype)
            return ay_reject(reason, AY_E_RANGE, "input %.*s: is %s, not %s", NAME(p->name),
                             ay_dtype_name(inputs[i].dtype), ay_dtype_name(p->dtype));
        if (p->ranked && inputs[i].rank != p->dims_count)
            return ay_reject(reason, AY_E_RANGE, "input %.*s: has %u axes, not %u", NAME(p->name),
                             inputs[i].rank, p->dims_count);
        for (uint32_t d = 0; d < p->dims_count; d++) AY_TRY(accept_dim(g, inputs, i, d, reason));
    }
    return AY_OK;
}

/* Lowering */

/* The model on a new tape: inputs with data are known there, the others are not. both: as
 * ay_lower_model. */
static enum ay_code lower(const struct ay_graph_runner *r, const struct ay_ndarray *inputs,
                          bool both, struct ay_tape **tape, const struct ay_value **outs)
{
    const struct ay_graph_graph *g = main_graph(r);
    struct ay_tape_options options = {.limit_bytes = r->options.limit_bytes, .pool = r->pool};
    AY_TRY(ay_tape_open(&options, tape));
    const struct ay_value **values = calloc((size_t)g->inputs_count + 1, sizeof *values);
    if (!values) return AY_E_MEMORY;
    for (uint32_t i = 0; i < g->inputs_count; i++) {
        const struct ay_ndarray *in = &inputs[i];
        values[i] = in->data ? ay_tape_known(*tape, in->dtype, in->rank, in->dims, in->data)
                             : ay_tape_input(*tape, in->dtype, in->rank, in->dims);
    }
    enum ay_code code = ay_lower_model(*tape, &r->graph->model, r->graph->weights,
                                       r->graph->weights_bytes, both, values, outs);
    free(values);
    return code;
}

/* The program of all outputs that are unknown. */
static enum ay_code write_program(struct prepared *p, uint32_t outputs)
{
    uint32_t count = 0;
    const struct ay_value **wanted = calloc((size_t)outputs + 1, sizeof *wanted);
    if (!wanted) return AY_E_MEMORY;
    for (uint32_t i = 0; i < outputs; i++)
        if (!p->outs[i]->data) wanted[count++] = p->outs[i];
    enum ay_code code = count ? ay_tape_program(p->tape, wanted, count, &p->program) : AY_OK;
    p->runs = count > 0;
    free(wanted);
    return code;
}

/* Of a failure that another try would not change nothing is kept. */
static bool is_lasting(enum ay_code code)
{
    return code == AY_OK || code == AY_E_STATE || code == AY_E_WORK_PROGRAM || code == AY_E_LIMIT;
}

/* Whether a program may be made for its elements. */
static bool is_small(const struct ay_ndarray *a, uint64_t *bytes)
{
    if (a->dtype == AY_WORK_DTYPE_F32 || ay_ndarray_bytes(a, bytes) != AY_OK) return false;
    return *bytes <= (uint64_t)AY_MAX_GRAPH_FIXED * ay_dtype_bytes(a->dtype);
}

/* Copies the elements of all small integer inputs; *any says whether there are some. */
static enum ay_code fix_inputs(struct prepared *p, const struct ay_ndarray *inputs, uint32_t count,
                               bool *any)
{
    uint64_t bytes;
    *any = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!inputs[i].data || !is_small(&inputs[i], &bytes)) continue;
        AY_TRY(ay_ndarray_take(&p->inputs[i]));
        if (bytes) memcpy(p->inputs[i].data, inputs[i].data, bytes);
        *any = true;
    }
    return AY_OK;
}

/* The program for what p->inputs holds. */
static void compile(struct ay_graph_runner *r, struct prepared *p, bool both)
{
    ay_tape_close(p->tape);
    p->tape = NULL;
    p->why.text[0] = 0;
    p->code = lower(r, p->inputs, both, &p->tape, p->outs);
    if (p->code == AY_OK) p->code = write_program(p, main_graph(r)->outputs_count);
    if (p->code == AY_OK) return;
    p->code = ay_reject(&p->why, p->code, "%s", p->tape ? ay_tape_reason(p->tape) : "");
    ay_tape_close(p->tape);
    p->tape = NULL;
}

/* With both branches, of which the one that would not be taken may be what cannot be a program. */
static void compile_both(struct ay_graph_runner *r, struct prepared *p)
{
    compile(r, p, true);
    if (p->code != AY_OK && p->code != AY_E_MEMORY) p->code = AY_E_STATE;
}

static enum ay_code prepare(struct ay_graph_runner *r, const struct ay_ndarray *inputs,
                            struct prepared *p)
{
    const struct ay_graph_graph *g = main_graph(r);
    bool any = false;
    p->inputs = calloc((size_t)g->inputs_count + 1, sizeof *p->inputs);
    p->outs = calloc((size_t)g->outputs_count + 1, sizeof *p->outs);
    if (!p->inputs || !p->outs) return AY_E_MEMORY;
    for (uint32_t i = 0; i < g->inputs_count; i++) {
        p->inputs[i] = inputs[i];
        p->inputs[i].data = NULL;
    }
    compile(r, p, false);
    if (p->code == AY_E_STATE) {
        struct ay_reason why = p->why;
        AY_TRY(fix_inputs(p, inputs, g->inputs_count, &any));
        if (any) compile(r, p, false);
        if (p->code == AY_E_STATE) compile_both(r, p);
        /* What no value of theirs would decide is said of the first try. */
        if (p->code == AY_E_STATE) p->why = why;
    }
    return is_lasting(p->code) ? AY_OK : p->code;
}

/* Whether what was prepared for a serves b. */
static bool serves(const struct ay_ndarray *a, const struct ay_ndarray *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bytes;
        if (a[i].dtype != b[i].dtype || a[i].rank != b[i].rank ||
            memcmp(a[i].dims, b[i].dims, a[i].rank * sizeof a[i].dims[0]) != 0)
            return false;
        if (!a[i].data) continue;
        if (!b[i].data || ay_ndarray_bytes(&a[i], &bytes) != AY_OK ||
            memcmp(a[i].data, b[i].data, bytes) != 0)
            return false;
    }
    return true;
}

/* The place in the cache for these shapes, made if it is not there. */
static enum ay_code look_up(struct ay_graph_runner *r, const struct ay_ndarray *inputs,
                            uint32_t count, struct prepared **out, struct ay_reason *reason)
{
    struct prepared *oldest = &r->cache[0];
    r->last = NULL;
    AY_TRY(ay_graph_accepts(&r->graph->model, inputs, count, reason));
    r->calls++;
    for (uint32_t i = 0; i < AY_MAX_GRAPH_PROGRAMS; i++) {
        struct prepared *p = &r->cache[i];
        if (p->inputs && serves(p->inputs, inputs, count)) {
            p->used = r->calls;
            *out = p;
            return AY_OK;
        }
        if (p->used < oldest->used) oldest = p;
    }
    forget(oldest, count);
    oldest->used = r->calls;
    enum ay_code code = prepare(r, inputs, oldest);
    if (code != AY_OK) {
        code = ay_reject(reason, code, "%s", oldest->why.text);
        forget(oldest, count);
        return code;
    }
    *out = oldest;
    return AY_OK;
}

enum ay_code ay_graph_prepare(struct ay_graph_runner *r, const struct ay_ndarray *inputs,
                              uint32_t count, const struct ay_tape_program **out,
                              struct ay_reason *reason)
{
    struct prepared *p;
    AY_TRY(look_up(r, inputs, count, &p, reason));
    *out = p->runs ? &p->program : NULL;
    return p->code == AY_OK ? AY_OK : ay_reject(reason, p->code, "%s", p->why.text);
}

/* Running */

/* An output's memory, with its elements when they are known. */
static enum ay_code take_output(const struct ay_value *value, struct ay_ndarray *out)
{
    uint64_t bytes;
    *out = (struct ay_ndarray){.dtype = value->dtype, .rank = value->rank};
    memcpy(out->dims, value->dims, sizeof out->dims);
    AY_TRY(ay_ndarray_bytes(out, &bytes));
    AY_TRY(ay_ndarray_take(out));
    if (value->data && bytes) memcpy(out->data, value->data, bytes);
    return AY_OK;
}

static enum ay_code take_outputs(const struct ay_value *const *values, uint32_t count,
                                 struct ay_ndarray *outputs)
{
    for (uint32_t i = 0; i < count; i++) AY_TRY(take_output(values[i], &outputs[i]));
    return AY_OK;
}

static enum ay_code execute(struct ay_graph_runner *r, struct prepared *p,
                            const struct ay_ndarray *inputs, struct ay_ndarray *outputs)
{
    const struct ay_graph_graph *g = main_graph(r);
    struct ay_run run = {0};
    struct ay_exec_options options = {
        .pool = r->pool, .trace = r->options.trace, .profile = r->options.profile};
    AY_TRY(take_outputs(p->outs, g->outputs_count, outputs));
    if (!p->runs) return AY_OK;
    if (!p->exec) AY_TRY(ay_exec_open(&p->program.program, p->program.weights, &options, &p->exec));
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->inputs_count; i++) {
        /* One without elements, or for whose elements it was made, is none of the program's. */
        uint64_t bytes;
        AY_TRY(ay_ndarray_bytes(&inputs[i], &bytes));
        if (bytes && !p->inputs[i].data) run.inputs[at++] = inputs[i].data;
    }
    AY_ASSERT(at == p->program.program.inputs_count);
    at = 0;
    for (uint32_t i = 0; i < g->outputs_count; i++)
        if (!p->outs[i]->data) run.outputs[at++] = outputs[i].data;
    return ay_exec_run(p->exec, &run, 1);
}

static enum ay_code interpret(struct ay_graph_runner *r, const struct ay_ndarray *inputs,
                              struct ay_ndarray *outputs, struct ay_reason *reason)
{
    struct ay_tape *tape = NULL;
    uint32_t count = main_graph(r)->outputs_count;
    const struct ay_value **outs = calloc((size_t)count + 1, sizeof *outs);
    if (!outs) return AY_E_MEMORY;
    enum ay_code code = lower(r, inputs, false, &tape, outs);
    if (code == AY_OK)
        code = take_outputs(outs, count, outputs);
    else
        code = ay_reject(reason, code, "%s", tape ? ay_tape_reason(tape) : "");
    ay_tape_close(tape);
    free(outs);
    return code;
}

enum ay_code ay_graph_run(struct ay_graph_runner *r, const struct ay_ndarray *inputs,
                          uint32_t count, struct ay_ndarray *outputs, struct ay_reason *reason)
{
    struct prepared *p;
    uint32_t outputs_count = main_graph(r)->outputs_count;
    AY_TRY(look_up(r, inputs, count, &p, reason));
    if (outputs_count) memset(outputs, 0, outputs_count * sizeof *outputs);
    enum ay_code code =
        p->code == AY_OK ? execute(r, p, inputs, outputs) : interpret(r, inputs, outputs, reason);
    r->last = p;
    if (code == AY_OK) return AY_OK;
    for (uint32_t i = 0; i < outputs_count; i++) ay_ndarray_free(&outputs[i]);
    if (p->code == AY_OK) code = ay_reject(reason, code, "%s", ay_code_info(code)->text);
    return code;
}

const struct ay_exec *ay_graph_runner_exec(const struct ay_graph_runner *r,
                                           const struct ay_tape_program **program)
{
    *program = r->last && r->last->runs ? &r->last->program : NULL;
    return r->last ? r->last->exec : NULL;
}

const char *ay_graph_runner_why(const struct ay_graph_runner *r)
{
    return r->last ? r->last->why.text : "";
}
