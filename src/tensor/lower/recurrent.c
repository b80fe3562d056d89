/* RNN, GRU and LSTM, unrolled over the sequence. What a step takes from the input is one MATMUL
 * over all steps, before them; a step is one MATMUL of the state and a few MAPs. */
#include "tensor/lower/activation.h"
#include "tensor/lower/quantize.h"

#include <math.h>
#include <stdlib.h>

/* --- activations --- */

enum activation {
    SIGMOID,
    TANH,
    RELU,
    AFFINE,
    LEAKY_RELU,
    THRESHOLDED_RELU,
    SCALED_TANH,
    HARD_SIGMOID,
    ELU,
    SOFTSIGN,
    SOFTPLUS
};

/* Names, and the alpha and beta of one that states none; NAN: it takes none. */
static const struct {
    const char *name;
    float alpha, beta;
} activations[] = {
    [SIGMOID] = {"Sigmoid", NAN, NAN},
    [TANH] = {"Tanh", NAN, NAN},
    [RELU] = {"Relu", NAN, NAN},
    [AFFINE] = {"Affine", 1.0F, 0.0F},
    [LEAKY_RELU] = {"LeakyRelu", 0.01F, NAN},
    [THRESHOLDED_RELU] = {"ThresholdedRelu", 1.0F, NAN},
    [SCALED_TANH] = {"ScaledTanh", 1.0F, 1.0F},
    [HARD_SIGMOID] = {"HardSigmoid", 0.2F, 0.5F},
    [ELU] = {"Elu", 1.0F, NAN},
    [SOFTSIGN] = {"Softsign", NAN, NAN},
    [SOFTPLUS] = {"Softplus", NAN, NAN},
};
#define ACTIVATIONS (sizeof activations / sizeof *activations)

/* log(1 + exp(x)) by the side that cannot overflow. */
static term softplus(const struct ay_lower *l, term x)
{
    term zero = number(l, 0.0F), away = function(l, AY_WORK_FN_ABS, x);
    term small = function(l, AY_WORK_FN_EXP, sub(l, zero, away));
    return add(l, larger(l, x, zero), function(l, AY_WORK_FN_LOG, add(l, number(l, 1.0F), small)));
}

term ay_activate(const struct ay_lower *l, struct ay_activate f, term x)
{
    term zero = number(l, 0.0F), one = number(l, 1.0F);
    term alpha = number(l, f.alpha), beta = number(l, f.beta);
    switch ((enum activation)f.kind) {
    case SIGMOID: return ay_term_sigmoid(l, x);
    case TANH: return function(l, AY_WORK_FN_TANH, x);
    case RELU: return larger(l, x, zero);
    case AFFINE: return add(l, mul(l, alpha, x), beta);
    case LEAKY_RELU: return choose(l, less(l, x, zero), mul(l, alpha, x), x);
    case THRESHOLDED_RELU: return choose(l, less_equal(l, alpha, x), x, zero);
    case SCALED_TANH: return mul(l, alpha, function(l, AY_WORK_FN_TANH, mul(l, beta, x)));
    case HARD_SIGMOID: return clamp(l, add(l, mul(l, alpha, x), beta), 0.0F, 1.0F);
    case ELU:
        return choose(l, less(l, x, zero),
                      mul(l, alpha, sub(l, function(l, AY_WORK_FN_EXP, x), one)), x);
    case SOFTSIGN: return divide(l, x, add(l, one, function(l, AY_WORK_FN_ABS, x)));
    case SOFTPLUS: return softplus(l, x);
    }
    return NULL;
}

static bool same_letters(struct ay_slice text, const char *name)
{
    uint32_t i = 0;
    for (; i < text.len && name[i]; i++)
        if ((text.data[i] | 0x20) != (name[i] | 0x20)) return false;
    return i == text.len && !name[i];
}

bool ay_activation_find(struct ay_slice name, struct ay_activate *out)
{
    for (uint32_t kind = 0; kind < ACTIVATIONS; kind++) {
        if (!same_letters(name, activations[kind].name)) continue;
        *out = (struct ay_activate){kind, activations[kind].alpha, activations[kind].beta};
        return true;
    }
    return false;
}

/* The next of alphas or betas for an activation that takes one. */
static float next_number(const uint32_t *bits, uint32_t count, uint32_t *next, float otherwise)
{
    if (isnan(otherwise) || *next >= count) return otherwise;
    float x;
    memcpy(&x, &bits[(*next)++], sizeof x);
    return x;
}

/* The activations that the node names, or those it begins with, for each direction. */
static void read_activations(const struct ay_lower *l, struct ay_activate *out, uint32_t count,
                             uint32_t a_direction)
{
    uint32_t named;
    const struct ay_slice *names = ay_attr_texts(l, "activations", &named);
    if (named && named != count) {
        ay_lower_fail(l, AY_E_FORMAT, "%u activations, not %u", named, count);
        return;
    }
    uint32_t alphas, betas, alpha = 0, beta = 0;
    const uint32_t *alpha_bits = ay_attr_floats(l, "activation_alpha", &alphas);
    const uint32_t *beta_bits = ay_attr_floats(l, "activation_beta", &betas);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kind = i % a_direction == 0 && a_direction > 1 ? SIGMOID : TANH;
        out[i] = (struct ay_activate){kind, activations[kind].alpha, activations[kind].beta};
        if (named && !ay_activation_find(names[i], &out[i])) {
            ay_lower_fail(l, AY_E_UNSUPPORTED, "activation '%.*s'", (int)names[i].len,
                          (const char *)names[i].data);
            return;
        }
        /* Numbers go to those that take one; a full list has one for each place. */
        if (alphas == count) alpha = i;
        if (betas == count) beta = i;
        out[i].alpha = next_number(alpha_bits, alphas, &alpha, out[i].alpha);
        out[i].beta = next_number(beta_bits, betas, &beta, out[i].beta);
    }
}

/* --- what the three have in common --- */

enum cell { RNN, GRU, LSTM };

struct recurrent {
    enum cell cell;
    uint32_t gates, functions; /* of each direction */
    uint64_t steps, batch, width, hidden;
    term lengths; /* (batch, 1) I64; NULL: all of the steps */
    float clip;   /* 0: none */
    bool forget;  /* LSTM: the forget gate is 1 - input gate */
    bool linear;  /* GRU: linear_before_reset */
    bool bytes;   /* LSTM: weights are bytes, what they multiply is made bytes as it comes */
    struct ay_activate activate[6];
};

/* One direction. */
struct direction {
    const struct recurrent *r;
    const struct ay_activate *f;
    term x;       /* (steps, batch, gates hidden): from the input, with the input's bias */
    term weights; /* R (gates hidden, hidden); NULL where it is bytes */
    struct ay_quantized bytes; /* R (hidden, gates hidden) */
    term scale;                /* of it */
    term bias;                 /* of the state, (gates hidden); NULL for cells that added it to x */
    term peep[3];              /* LSTM: (hidden) of i, o, f; NULL */
    term h, c;                 /* (batch, hidden) */
};

static term activate(const struct ay_lower *l, const struct direction *d, uint32_t which, term x)
{
    if (d->r->clip > 0.0F) x = clamp(l, x, -d->r->clip, d->r->clip);
    return ay_activate(l, d->f[which], x);
}

/* Gate g of (batch, gates hidden). */
static term gate(const struct ay_lower *l, const struct direction *d, term x, uint32_t g)
{
    return ay_term_part(l, x, 1, g * d->r->hidden, d->r->hidden);
}

static term rnn_step(const struct ay_lower *l, struct direction *d, term x)
{
    return activate(l, d, 0, add(l, x, matmul(l, d->h, d->weights)));
}

/* Gates z, r, h. */
static term gru_step(const struct ay_lower *l, struct direction *d, term x)
{
    uint64_t hidden = d->r->hidden;
    term wide = d->r->linear ? d->weights : ay_term_part(l, d->weights, 0, 0, 2 * hidden);
    term state = matmul(l, d->h, wide);
    if (d->r->linear) state = add(l, state, d->bias);
    term z = activate(l, d, 0, add(l, gate(l, d, x, 0), gate(l, d, state, 0)));
    term r = activate(l, d, 0, add(l, gate(l, d, x, 1), gate(l, d, state, 1)));
    term from_state = d->r->linear ? mul(l, r, gate(l, d, state, 2))
                                   : matmul(l, mul(l, r, d->h),
                                            ay_term_part(l, d->weights, 0, 2 * hidden, hidden));
    term h = activate(l, d, 1, add(l, gate(l, d, x, 2), from_state));
    return add(l, mul(l, sub(l, number(l, 1.0F), z), h), mul(l, z, d->h));
}

static term peephole(const struct ay_lower *l, const struct direction *d, uint32_t which, term x,
                     term c)
{
    return d->peep[which] ? add(l, x, mul(l, d->peep[which], c)) : x;
}

/* Gates i, o, f, c. The new cell state is put into *c. */
static term lstm_step(const struct ay_lower *l, struct direction *d, term x, term *c)
{
    term state =
        d->weights ? matmul(l, d->h, d->weights) : ay_dynamic_product(l, d->h, d->bytes, d->scale);
    term all = add(l, x, state);
    term i = activate(l, d, 0, peephole(l, d, 0, gate(l, d, all, 0), d->c));
    term f = d->r->forget ? sub(l, number(l, 1.0F), i)
                          : activate(l, d, 0, peephole(l, d, 2, gate(l, d, all, 2), d->c));
    term candidate = activate(l, d, 1, gate(l, d, all, 3));
    *c = add(l, mul(l, f, d->c), mul(l, i, candidate));
    term o = activate(l, d, 0, peephole(l, d, 1, gate(l, d, all, 1), *c));
    return mul(l, o, ay_activate(l, d->f[2], *c)); /* which is not clipped */
}

/* Goes through the steps; the state stands still, and the output is 0, where a sequence is over. A
 * reversed direction so begins at each sequence's own end. Returns (steps, batch, hidden). */
static term run(const struct ay_lower *l, struct direction *d, bool reversed)
{
    const struct recurrent *r = d->r;
    term *outs = ay_term_list(l, r->steps), y = NULL;
    for (uint64_t i = 0; outs && i < r->steps && !failed(l); i++) {
        uint64_t t = reversed ? r->steps - 1 - i : i;
        term x = ay_term_at(l, d->x, 0, t), c = d->c, h = NULL;
        switch (r->cell) {
        case RNN: h = rnn_step(l, d, x); break;
        case GRU: h = gru_step(l, d, x); break;
        case LSTM: h = lstm_step(l, d, x, &c); break;
        }
        outs[t] = h;
        if (r->lengths) {
            term on = int_fn(l, AY_WORK_FN_INT_LT, BOOL, integer(l, I64, (int64_t)t), r->lengths);
            outs[t] = choose(l, on, h, number(l, 0.0F));
            h = choose(l, on, h, d->h);
            if (c) c = choose(l, on, c, d->c);
        }
        d->h = h;
        d->c = c;
        outs[t] = ay_term_insert(l, outs[t], 0);
    }
    if (outs && !failed(l)) y = ay_tape_concat(l->tape, outs, (uint32_t)r->steps, 0);
    free(outs);
    return y;
}

/* --- operands --- */

struct operands {
    term x, w, r, b, h, c, p; /* of all directions, x (steps, batch, width) */
    /* Where weights are bytes: w (directions, width, gates hidden), r the same of hidden; scales
     * and zero points (directions) or (directions, gates hidden). */
    term w_scale, w_zero, r_scale, r_zero;
};

/* What only weights of bytes have. */
static bool read_bytes(const struct ay_lower *l, const struct ay_operands *o, struct operands *in)
{
    in->w = ay_quantized_operand(l, o, 1, 9, "W").x;
    in->r = ay_quantized_operand(l, o, 2, 11, "R").x;
    in->w_scale = ay_term_operand(l, o, 8, F32, "W_scale");
    in->w_zero = ay_term_operand(l, o, 9, 0, "W_zero_point");
    in->r_scale = ay_term_operand(l, o, 10, F32, "R_scale");
    in->r_zero = ay_term_operand(l, o, 11, 0, "R_zero_point");
    if (!ay_term_rank(l, in->w, 3, "W") || !ay_term_rank(l, in->r, 3, "R")) return false;
    uint64_t directions = in->w->dims[0], all = in->w->dims[2];
    const term lists[4] = {in->w_scale, in->w_zero, in->r_scale, in->r_zero};
    for (int i = 0; i < 4; i++)
        if (!lists[i] ||
            !(lists[i]->rank == 1 ? ay_term_shape(l, lists[i], SHAPE(directions), "a scale")
                                  : ay_term_shape(l, lists[i], SHAPE(directions, all), "a scale")))
            return false;
    return true;
}

static bool read_operands(const struct ay_lower *l, const struct ay_operands *o,
                          struct recurrent *r, struct operands *in, uint64_t directions, bool rows)
{
    in->x = ay_term_operand(l, o, 0, F32, "X");
    if (!r->bytes) {
        in->w = ay_term_operand(l, o, 1, F32, "W");
        in->r = ay_term_operand(l, o, 2, F32, "R");
    } else if (!read_bytes(l, o, in)) {
        return false;
    }
    in->b = ay_term_optional(l, o, 3, F32, "B");
    in->h = ay_term_optional(l, o, 5, F32, "initial_h");
    in->c = r->cell == LSTM ? ay_term_optional(l, o, 6, F32, "initial_c") : NULL;
    in->p = r->cell == LSTM ? ay_term_optional(l, o, 7, F32, "P") : NULL;
    term lengths = ay_term_optional(l, o, 4, I32, "sequence_lens");
    if (!ay_term_rank(l, in->x, 3, "X") || !ay_term_rank(l, in->r, 3, "R") ||
        (in->h && !ay_term_rank(l, in->h, 3, "initial_h")) ||
        (in->c && !ay_term_rank(l, in->c, 3, "initial_c")))
        return false;
    if (rows) { /* layout 1: batch first */
        in->x = ay_term_move(l, in->x, 1, 0);
        if (in->h) in->h = ay_term_move(l, in->h, 1, 0);
        if (in->c) in->c = ay_term_move(l, in->c, 1, 0);
    }
    if (failed(l)) return false;
    r->steps = in->x->dims[0];
    r->batch = in->x->dims[1];
    r->width = in->x->dims[2];
    r->hidden = in->r->dims[r->bytes ? 1 : 2];
    if (r->steps == 0 || r->hidden == 0) {
        ay_lower_fail(l, AY_E_FORMAT, "no step or no hidden units");
        return false;
    }
    uint64_t all = r->gates * r->hidden;
    const uint64_t *state = (const uint64_t[]){directions, r->batch, r->hidden};
    uint64_t last = r->bytes ? 2 : 1; /* the axis of gates */
    const uint64_t wide[] = {directions, last == 1 ? all : r->width, last == 1 ? r->width : all};
    const uint64_t deep[] = {directions, last == 1 ? all : r->hidden, last == 1 ? r->hidden : all};
    if (!ay_term_shape(l, in->w, 3, wide, "W") || !ay_term_shape(l, in->r, 3, deep, "R") ||
        (in->b && !ay_term_shape(l, in->b, SHAPE(directions, 2 * all), "B")) ||
        (in->h && !ay_term_shape(l, in->h, 3, state, "initial_h")) ||
        (in->c && !ay_term_shape(l, in->c, 3, state, "initial_c")) ||
        (in->p && !ay_term_shape(l, in->p, SHAPE(directions, 3 * r->hidden), "P")) ||
        (lengths && !ay_term_shape(l, lengths, SHAPE(r->batch), "sequence_lens")))
        return false;
    bool full = true; /* as most models say it */
    for (uint64_t i = 0; lengths && i < r->batch; i++)
        full &= lengths->data && ay_value_int(lengths, i) == (int64_t)r->steps;
    if (lengths && !full) r->lengths = reshape(l, lengths, SHAPE(r->batch, 1));
    return true;
}

/* Biases are added as early as the cell allows. */
static void prepare_bias(const struct ay_lower *l, struct direction *d, term b)
{
    if (!b && !d->r->linear) return;
    uint64_t all = d->r->gates * d->r->hidden;
    if (!b) b = ay_term_zeros(l, F32, SHAPE(2 * all));
    term of_x = ay_term_part(l, b, 0, 0, all), of_h = ay_term_part(l, b, 0, all, all);
    d->bias = of_h;
    d->x = add(l, d->x, d->r->linear ? of_x : add(l, of_x, of_h));
}

static struct direction prepare(const struct ay_lower *l, const struct recurrent *r,
                                const struct operands *in, uint32_t which)
{
    struct direction d = {.r = r, .f = r->activate + which * r->functions};
    term zero = ay_term_zeros(l, F32, SHAPE(r->batch, r->hidden));
    uint64_t all = r->gates * r->hidden;
    term x = reshape(l, in->x, SHAPE(r->steps * r->batch, r->width));
    if (r->bytes) {
        struct ay_quantized w = {ay_term_at(l, in->w, 0, which),
                                 ay_term_at(l, in->w_zero, 0, which)};
        d.x = ay_dynamic_product(l, x, w, ay_term_at(l, in->w_scale, 0, which));
        d.bytes.x = ay_term_at(l, in->r, 0, which);
        d.bytes.zero = ay_term_at(l, in->r_zero, 0, which);
        d.scale = ay_term_at(l, in->r_scale, 0, which);
    } else {
        d.x = matmul(l, x, ay_term_at(l, in->w, 0, which));
        d.weights = ay_term_at(l, in->r, 0, which);
    }
    prepare_bias(l, &d, in->b ? ay_term_at(l, in->b, 0, which) : NULL);
    d.x = reshape(l, d.x, SHAPE(r->steps, r->batch, all));
    d.h = in->h ? ay_term_at(l, in->h, 0, which) : zero;
    if (r->cell == LSTM) d.c = in->c ? ay_term_at(l, in->c, 0, which) : zero;
    term p = in->p ? ay_term_at(l, in->p, 0, which) : NULL;
    for (uint32_t i = 0; p && i < 3; i++)
        d.peep[i] = ay_term_part(l, p, 0, i * r->hidden, r->hidden);
    return d;
}

/* Directions along a new axis, then batch first if `rows`. */
static term join(const struct ay_lower *l, term a, term b, uint32_t axis, bool rows)
{
    a = ay_term_insert(l, a, axis);
    if (b) {
        b = ay_term_insert(l, b, axis);
        a = ay_tape_concat(l->tape, (const term[]){a, b}, 2, axis);
    }
    if (!rows) return a;
    /* (steps, directions, batch, hidden) or (directions, batch, hidden) */
    return a ? ay_term_move(l, a, axis + 1, 0) : NULL;
}

static void lower(const struct ay_lower *l, const struct ay_operands *o, struct recurrent *r)
{
    bool both_ways = ay_attr_is(l, "direction", "bidirectional");
    bool reversed = ay_attr_is(l, "direction", "reverse");
    bool rows = ay_attr_int(l, "layout", 0) != 0;
    uint32_t directions = both_ways ? 2 : 1;
    struct operands in;
    r->clip = ay_attr_float(l, "clip", 0.0F);
    r->forget = ay_attr_int(l, "input_forget", 0) != 0;
    read_activations(l, r->activate, directions * r->functions, r->functions);
    if (failed(l) || !read_operands(l, o, r, &in, directions, rows)) return;

    struct direction first = prepare(l, r, &in, 0), second = {0};
    term y = run(l, &first, reversed), z = NULL;
    if (both_ways) {
        second = prepare(l, r, &in, 1);
        z = run(l, &second, true);
    }
    if (failed(l)) return;
    o->out[0] = join(l, y, z, 1, rows);
    if (o->out_count > 1) o->out[1] = join(l, first.h, second.h, 0, rows);
    if (o->out_count > 2) o->out[2] = join(l, first.c, second.c, 0, rows);
}

static void lower_rnn(const struct ay_lower *l, const struct ay_operands *o)
{
    lower(l, o, &(struct recurrent){.cell = RNN, .gates = 1, .functions = 1});
}

static void lower_gru(const struct ay_lower *l, const struct ay_operands *o)
{
    struct recurrent r = {.cell = GRU, .gates = 3, .functions = 2};
    r.linear = ay_attr_int(l, "linear_before_reset", 0) != 0;
    lower(l, o, &r);
}

static void lower_lstm(const struct ay_lower *l, const struct ay_operands *o)
{
    lower(l, o, &(struct recurrent){.cell = LSTM, .gates = 4, .functions = 3});
}

/* X, W, R, B, sequence_lens, initial_h, initial_c, P, then scales and zero points of W and R: as
 * onnxruntime, one scale for the whole input, and one for the states of all samples in each step.
 */
static void lower_dynamic_quantize_lstm(const struct ay_lower *l, const struct ay_operands *o)
{
    lower(l, o, &(struct recurrent){.cell = LSTM, .gates = 4, .functions = 3, .bytes = true});
}

const struct ay_operator ay_lower_recurrent[] = {
    {"RNN", lower_rnn, 3, 6, 2, false},
    {"GRU", lower_gru, 3, 6, 2, false},
    {"LSTM", lower_lstm, 3, 8, 3, false},
    {"com.microsoft:DynamicQuantizeLSTM", lower_dynamic_quantize_lstm, 3, 12, 3, false},
    {0},
};
