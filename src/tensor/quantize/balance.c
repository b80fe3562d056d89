#include "tensor/quantize/balance.h"

#include "tensor/quantize/q8.h"
#include "tensor/tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Runs that give factors, and as many on which they are judged. */
#define RUNS   8u
#define TOKENS 32u
/* What must be left of the error. */
#define WORTH 0.9

/* An operand of products with weights. */
struct operand {
    uint32_t id, k;
    float *largest;  /* (k): magnitude in the first runs */
    float *x;        /* (RUNS TOKENS, k): rows of the others */
    float *factors;  /* (k) */
    float *balanced; /* x / factors */
};

struct balancer {
    const struct ay_model *model;
    const struct ay_work_program *p;
    struct ay_exec *exec;
    struct operand *operands;
    uint32_t count, rows;
    uint64_t random;
};

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* --- operands --- */

static uint32_t uses_of(const struct ay_work_program *p, uint32_t id)
{
    uint32_t uses = 0;
    for (uint32_t i = 0; i < p->ops_count; i++)
        for (uint32_t k = 0; k < p->ops[i].in_count; k++) uses += p->ops[i].in[k] == id;
    return uses;
}

/* The weights (N, K) that op i multiplies rows of operand `id` by; NULL when it does not. */
static const float *weights_of(const struct balancer *b, uint32_t i, uint32_t id, uint32_t *n)
{
    const struct ay_work_op *op = &b->p->ops[i];
    uint32_t weight = op->in_count == 2 ? op->in[1] - b->p->inputs_count : AY_NO_OP;
    if (op->kind != AY_WORK_OP_MATMUL || op->in[0] != id || weight >= b->p->weights_count ||
        b->p->weights[weight].dtype != AY_WORK_DTYPE_F32 || b->p->weights[weight].dims_count != 2)
        return NULL;
    *n = b->p->weights[weight].dims[0];
    return b->model->weights[weight];
}

/* Whether it is a matrix of rows that an op makes, and all weights that it meets are met by nothing
 * else. */
static bool is_operand(const struct balancer *b, uint32_t id)
{
    struct ay_tensor_type t;
    uint32_t products = 0, n;
    ay_program_type(b->p, id, &t);
    if (id < ay_program_output(b->p, 0) || t.rank != 2 || t.dims[0] != AY_DIM_SYMBOL) return false;
    for (uint32_t i = 0; i < b->p->ops_count; i++) {
        if (!weights_of(b, i, id, &n)) continue;
        if (uses_of(b->p, b->p->ops[i].in[1]) != 1) return false;
        products++;
    }
    return products > 0;
}

static enum ay_code find_operands(struct balancer *b)
{
    uint32_t values = ay_program_values(b->p);
    b->operands = calloc(values, sizeof *b->operands);
    if (!b->operands) return AY_E_MEMORY;
    for (uint32_t id = 0; id < values; id++) {
        if (!is_operand(b, id)) continue;
        struct operand *o = &b->operands[b->count++];
        struct ay_tensor_type t;
        ay_program_type(b->p, id, &t);
        o->id = id;
        o->k = t.dims[1];
        o->largest = calloc(o->k, sizeof *o->largest);
        o->factors = calloc(o->k, sizeof *o->factors);
        o->x = calloc((size_t)RUNS * TOKENS * o->k, sizeof *o->x);
        o->balanced = calloc((size_t)RUNS * TOKENS * o->k, sizeof *o->balanced);
        if (!o->largest || !o->factors || !o->x || !o->balanced) return AY_E_MEMORY;
    }
    return AY_OK;
}

/* --- what they hold --- */

/* The tokens that frame a text, and between them what is drawn. */
static enum ay_code draw_tokens(struct balancer *b, int32_t *ids, uint32_t *n)
{
    const struct ay_model *m = b->model;
    uint32_t most = m->max_tokens < TOKENS ? m->max_tokens : TOKENS;
    AY_TRY(ay_wordpiece_encode(m->tokenizer, ay_slice_str(""), m->max_tokens, ids, n));
    for (; *n < most; (*n)++) {
        ids[*n] = ids[*n - 1];
        ids[*n - 1] = (int32_t)(draw(&b->random) % ay_wordpiece_size(m->tokenizer));
    }
    return AY_OK;
}

static void take(struct balancer *b, bool judged, uint32_t rows)
{
    for (uint32_t o = 0; o < b->count; o++) {
        struct operand *at = &b->operands[o];
        const float *x = ay_exec_trace(b->exec, at->id - ay_program_output(b->p, 0));
        size_t elements = (size_t)rows * at->k;
        if (judged) memcpy(at->x + (size_t)b->rows * at->k, x, elements * sizeof *x);
        for (size_t i = 0; !judged && i < elements; i++)
            at->largest[i % at->k] = fmaxf(at->largest[i % at->k], fabsf(x[i]));
    }
    if (judged) b->rows += rows;
}

static enum ay_code observe(struct balancer *b)
{
    const struct ay_model *m = b->model;
    int32_t *ids = calloc(m->max_tokens, sizeof *ids);
    float *out = calloc(m->dims, sizeof *out);
    enum ay_code code = ids && out ? AY_OK : AY_E_MEMORY;
    for (uint32_t i = 0; code == AY_OK && i < 2 * RUNS; i++) {
        struct ay_run run = {.inputs = {ids}, .outputs = {out}};
        code = draw_tokens(b, ids, &run.sizes[0]);
        if (code == AY_OK) code = ay_exec_run(b->exec, &run, 1);
        if (code == AY_OK) take(b, i >= RUNS, run.sizes[0]);
    }
    free(ids);
    free(out);
    return code;
}

/* --- factors --- */

static float largest_weight(const struct balancer *b, uint32_t id, uint32_t column, uint32_t k)
{
    float largest = 0;
    uint32_t n;
    for (uint32_t i = 0; i < b->p->ops_count; i++) {
        const float *w = weights_of(b, i, id, &n);
        for (size_t r = 0; w && r < n; r++) largest = fmaxf(largest, fabsf(w[r * k + column]));
    }
    return largest;
}

/* The power of two near sqrt(largest x / largest w), so that both come near their mean. */
static void set_factors(const struct balancer *b, struct operand *o)
{
    for (uint32_t i = 0; i < o->k; i++) {
        float w = largest_weight(b, o->id, i, o->k), x = o->largest[i];
        bool known = w > 0 && x > 0 && isfinite(w) && isfinite(x);
        o->factors[i] = known ? ldexpf(1, (ilogbf(x) - ilogbf(w)) / 2) : 1;
    }
    for (size_t i = 0; i < (size_t)b->rows * o->k; i++)
        o->balanced[i] = o->x[i] / o->factors[i % o->k];
}

static double squares(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - (b ? (double)b[i] : 0);
        sum += d * d;
    }
    return sum;
}

/* The product of quantised x and w, w's columns times the factors if there are any. */
static const struct ay_value *quantised(struct ay_tape *t, const struct balancer *b,
                                        const struct operand *o, const float *w, uint32_t n,
                                        const float *factors)
{
    void *copy = NULL, *q = NULL, *scale = NULL;
    const struct ay_value *x, *wq, *d;
    x = ay_tape_known(t, AY_WORK_DTYPE_F32, 2, (const uint64_t[]){b->rows, o->k},
                      factors ? o->balanced : o->x);
    wq = ay_tape_copy(t, AY_WORK_DTYPE_I8, 2, (const uint64_t[]){n, o->k}, NULL, &q);
    d = ay_tape_copy(t, AY_WORK_DTYPE_F32, 2, (const uint64_t[]){n, ay_q8_blocks(o->k)}, NULL,
                     &scale);
    if (factors && ay_tape_copy(t, AY_WORK_DTYPE_F32, 2, (const uint64_t[]){n, o->k}, w, &copy)) {
        ay_q8_scale_columns(copy, n, o->k, factors);
        w = copy;
    }
    if (ay_tape_code(t) != AY_OK) return NULL;
    if (ay_q8_weights(w, n, o->k, AY_Q8_BLOCK, q, scale) != AY_OK) return NULL;
    return ay_tape_matmul_q8(t, x, wq, d);
}

/* What balancing leaves of the squared error of one product, and the error itself, relative to the
 * product. Weights that cannot be quantised leave all. */
static enum ay_code judge(const struct balancer *b, const struct operand *o, const float *w,
                          uint32_t n, double *before, double *after)
{
    struct ay_tape *t = NULL;
    const struct ay_tape_options options = {0};
    AY_TRY(ay_tape_open(&options, &t));
    const struct ay_value *x, *rows;
    x = ay_tape_known(t, AY_WORK_DTYPE_F32, 2, (const uint64_t[]){b->rows, o->k}, o->x);
    rows = ay_tape_known(t, AY_WORK_DTYPE_F32, 2, (const uint64_t[]){n, o->k}, w);
    const struct ay_value *exact = ay_tape_matmul(t, x, rows);
    const struct ay_value *plain = quantised(t, b, o, w, n, NULL);
    const struct ay_value *balanced = quantised(t, b, o, w, n, o->factors);
    size_t elements = (size_t)b->rows * n;
    if (exact && plain && balanced) {
        double size = squares(exact->data, NULL, elements);
        *before += squares(plain->data, exact->data, elements) / (size > 0 ? size : 1);
        *after += squares(balanced->data, exact->data, elements) / (size > 0 ? size : 1);
    }
    enum ay_code code = ay_tape_code(t);
    ay_tape_close(t);
    return code;
}

static enum ay_code choose(const struct balancer *b, struct operand *o, float **out)
{
    double before = 0, after = 0;
    uint32_t n;
    set_factors(b, o);
    for (uint32_t i = 0; i < b->p->ops_count; i++) {
        const float *w = weights_of(b, i, o->id, &n);
        if (w) AY_TRY(judge(b, o, w, n, &before, &after));
    }
    if (after < WORTH * before) {
        *out = o->factors;
        o->factors = NULL;
    }
    return AY_OK;
}

static enum ay_code balance(struct balancer *b, struct ay_balance *out)
{
    const struct ay_exec_options options = {.trace = true};
    out->factors = calloc(out->values, sizeof *out->factors);
    if (!out->factors) return AY_E_MEMORY;
    AY_TRY(find_operands(b));
    AY_TRY(ay_exec_open(b->p, b->model->weights, &options, &b->exec));
    AY_TRY(observe(b));
    for (uint32_t o = 0; o < b->count; o++)
        AY_TRY(choose(b, &b->operands[o], &out->factors[b->operands[o].id]));
    return AY_OK;
}

enum ay_code ay_balance_open(const struct ay_model *model, struct ay_balance *out)
{
    struct balancer b = {.model = model, .p = &model->program};
    *out = (struct ay_balance){.values = ay_program_values(b.p)};
    enum ay_code code = balance(&b, out);
    for (uint32_t i = 0; i < b.count; i++) {
        free(b.operands[i].largest);
        free(b.operands[i].factors);
        free(b.operands[i].x);
        free(b.operands[i].balanced);
    }
    free(b.operands);
    ay_exec_close(b.exec);
    if (code != AY_OK) ay_balance_close(out);
    return code;
}

void ay_balance_close(struct ay_balance *b)
{
    for (uint32_t i = 0; b->factors && i < b->values; i++) free(b->factors[i]);
    free(b->factors);
    *b = (struct ay_balance){0};
}
