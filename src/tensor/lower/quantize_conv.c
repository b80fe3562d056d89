/* ConvInteger, QLinearConv and Conv of values that come from bytes: exact sums over windows. */
#include "tensor/lower/origin.h"
#include "tensor/lower/window.h"

struct conv {
    struct ay_quantized x, w;
    struct ay_window window;
    uint64_t groups;
};

/* Of x and w; w's zero point may be one a channel. */
static bool fit_conv(const struct ay_lower *l, struct conv *c)
{
    int64_t groups = ay_attr_int(l, "group", 1);
    if (failed(l)) return false;
    term x = c->x.x, k = c->w.x;
    c->groups = groups > 0 ? (uint64_t)groups : 1;
    if (groups < 1 || x->rank < 3 || k->rank != x->rank || k->dims[0] % c->groups ||
        x->dims[1] != k->dims[1] * c->groups) {
        ay_lower_fail(l, AY_E_FORMAT, "image, weights and groups do not fit");
        return false;
    }
    if (c->x.zero) c->x.zero = reshape(l, c->x.zero, 0, NULL);
    if (c->w.zero && ay_value_elements(c->w.zero) > 1) {
        uint64_t dims[AY_MAX_RANK] = {k->dims[0]};
        for (uint32_t d = 1; d < k->rank; d++) dims[d] = 1;
        c->w.zero = reshape(l, c->w.zero, k->rank, dims);
    } else if (c->w.zero) {
        c->w.zero = reshape(l, c->w.zero, 0, NULL);
    }
    return !failed(l) && ay_window_read(l, x, k->dims + 2, &c->window);
}

/* Operands x, w, their zero points at the places given. */
static bool read_conv(const struct ay_lower *l, const struct ay_operands *o, uint32_t w,
                      uint32_t x_zero, uint32_t w_zero, struct conv *c)
{
    c->x = ay_quantized_operand(l, o, 0, x_zero, "x");
    c->w = ay_quantized_operand(l, o, w, w_zero, "w");
    return fit_conv(l, c);
}

static term windows_times(const struct ay_lower *l, const struct conv *c, term x, term weights,
                          uint64_t fill)
{
    term rows = ay_window_rows(l, x, &c->window, c->groups, fill);
    return ay_window_product(l, weights, rows, &c->window, x->dims[0], c->groups);
}

static bool is_padded(const struct ay_window *w)
{
    bool padded = false;
    for (uint32_t a = 0; a < w->axes; a++) padded |= w->before[a] != 0 || w->after[a] != 0;
    return padded;
}

/* The image within a frame of its zero point, which is no constant: the windows need no padding
 * then. */
static term framed(const struct ay_lower *l, struct ay_quantized x, struct ay_window *w)
{
    int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK] = {1, 1};
    uint64_t size[AY_MAX_RANK] = {x.x->dims[0], x.x->dims[1]}, ones[AY_MAX_RANK] = {1, 1};
    for (uint32_t a = 0; a < w->axes; a++) {
        begin[a + 2] = -w->before[a];
        step[a + 2] = 1;
        ones[a + 2] = w->in[a];
        w->in[a] = size[a + 2] = (uint64_t)((int64_t)w->in[a] + w->before[a] + w->after[a]);
        w->before[a] = w->after[a] = 0;
    }
    term inside = expand(l, integer(l, BOOL, 1), x.x->rank, ones);
    term image = ay_tape_slice(l->tape, x.x, begin, step, size, 0);
    size[0] = size[1] = 1;
    inside = ay_tape_slice(l->tape, inside, begin, step, size, 0);
    return choose(l, inside, image, cast(l, x.zero, x.x->dtype));
}

/* The sum of each channel's weights, to go with (N, M, ...). */
static term channel_sums(const struct ay_lower *l, term weights)
{
    uint64_t dims[AY_MAX_RANK], m = weights->dims[0];
    for (uint32_t d = 0; d + 1 < weights->rank; d++) dims[d] = d ? 1 : m;
    uint64_t k = m ? ay_value_elements(weights) / m : 0;
    term sums = ay_quantized_row_sums(l, reshape(l, weights, SHAPE(m, k)));
    return reshape(l, sums, weights->rank - 1, dims);
}

/* Sum of (x - x.zero) (w - w.zero) over each window plus the bias, if any, I32. Padding counts as
 * x.zero and holds it, so that all of the weights meet it, and what is taken off again is one
 * number a channel; where it is known that is known too, and one with the bias. */
static term convolve(const struct ay_lower *l, const struct conv *given, term bias)
{
    struct conv own = *given, *c = &own;
    struct ay_quantized w = ay_quantized_shift(l, c->w), x = ay_quantized_shift(l, c->x);
    /* A zero point that neither is known nor leaves room in 8 bits: wider weights are exact too. */
    term weights = w.zero ? int_fn(l, AY_WORK_FN_INT_SUB, I32, w.x, w.zero) : w.x;
    if (!weights || !x.x) return NULL;
    bool known = x.zero && x.zero->data;
    uint64_t fill = known ? (uint8_t)ay_value_int(x.zero, 0) : 0;
    if (x.zero && !known && is_padded(&c->window)) x.x = framed(l, x, &c->window);
    if (!x.x) return NULL;
    term y = windows_times(l, c, x.x, weights, fill);
    if (!x.zero)
        return bias ? int_fn(l, AY_WORK_FN_INT_SUB, I32, y,
                             int_fn(l, AY_WORK_FN_INT_SUB, I32, integer(l, I32, 0), bias))
                    : y;
    term off = int_fn(l, AY_WORK_FN_INT_MUL, I32, channel_sums(l, weights), x.zero);
    if (bias) off = int_fn(l, AY_WORK_FN_INT_SUB, I32, off, bias);
    return int_fn(l, AY_WORK_FN_INT_SUB, I32, y, off);
}

/* The same. A zero point of the weights that leaves no room in 8 bits is taken off by the sums of
 * the windows, which are products with ones, so that the weights stay bytes. */
static term convolve_bytes(const struct ay_lower *l, const struct conv *c, term bias)
{
    struct ay_quantized w = ay_quantized_shift(l, c->w);
    uint64_t m = c->w.x->dims[0], dims[AY_MAX_RANK];
    if (!w.x || !w.zero || (c->groups != 1 && c->groups != m)) return convolve(l, c, bias);
    struct conv plain = *c, sums = *c;
    memcpy(dims, w.x->dims, sizeof dims);
    dims[0] = c->groups;
    plain.w = (struct ay_quantized){w.x, NULL};
    sums.w = (struct ay_quantized){expand(l, integer(l, I8, 1), w.x->rank, dims), NULL};
    if (!sums.w.x) return NULL;
    /* One a channel, or one for all, to go with (N, M, ...). */
    term zero = w.zero;
    for (uint32_t d = 1; d < zero->rank; d++) dims[d - 1] = d == 1 ? zero->dims[0] : 1;
    if (zero->rank > 0) zero = reshape(l, zero, zero->rank - 1, dims);
    term off = int_fn(l, AY_WORK_FN_INT_MUL, I32, convolve(l, &sums, NULL), zero);
    return int_fn(l, AY_WORK_FN_INT_SUB, I32, convolve(l, &plain, bias), off);
}

void ay_lower_conv_integer(const struct ay_lower *l, const struct ay_operands *o)
{
    struct conv c;
    if (read_conv(l, o, 1, 2, 3, &c)) o->out[0] = convolve_bytes(l, &c, NULL);
}

/* One a channel, or one for all, to go with (N, M, ...). */
static term by_channel(const struct ay_lower *l, term x, const struct conv *c, const char *what)
{
    uint64_t m = c->w.x->dims[0], dims[AY_MAX_RANK] = {m};
    if (!x || ay_value_elements(x) == 1) return x ? reshape(l, x, 0, NULL) : NULL;
    if (!ay_term_shape(l, x, SHAPE(m), what)) return NULL;
    for (uint32_t d = 1; d + 1 < c->w.x->rank; d++) dims[d] = 1;
    return reshape(l, x, c->w.x->rank - 1, dims);
}

void ay_lower_qlinear_conv(const struct ay_lower *l, const struct ay_operands *o)
{
    struct conv c;
    term x_scale = ay_term_operand(l, o, 1, F32, "x_scale");
    term w_scale = ay_term_operand(l, o, 4, F32, "w_scale");
    term y_scale = ay_term_operand(l, o, 6, F32, "y_scale");
    term zero = ay_term_operand(l, o, 7, 0, "y_zero_point");
    term bias = ay_term_optional(l, o, 8, I32, "B");
    if (failed(l) || !read_conv(l, o, 3, 2, 5, &c)) return;
    term y = convolve_bytes(l, &c, by_channel(l, bias, &c, "B"));
    y = mul(l, cast(l, y, F32), mul(l, x_scale, by_channel(l, w_scale, &c, "w_scale")));
    o->out[0] = ay_quantize(l, y, y_scale, zero, zero->dtype);
}

/* Whether both come from bytes, the weights with one scale or one a channel, and the operator is
 * one that reads bytes through windows as they lie: of one group, or of one channel a group. */
static bool are_bytes(const struct ay_lower *l, const struct ay_operands *o, struct ay_origin *x,
                      struct ay_origin *w)
{
    if (!ay_origin_of(l, o->in[0], x) || !ay_origin_of(l, o->in[1], w)) return false;
    term bias = ay_in(o, 2);
    uint64_t m = w->q.x->rank ? w->q.x->dims[0] : 0;
    uint64_t k = m ? ay_value_elements(w->q.x) / m : 0;
    if (bias && (bias->dtype != F32 || bias->rank != 1 || bias->dims[0] != m)) return false;
    bool by_channels =
        ay_attr_int(l, "group", 1) == 1 || (w->q.x->rank > 1 && w->q.x->dims[1] == 1);
    return by_channels && x->q.x->dtype != I32 && w->q.x->dtype != I32 && ay_origin_is_single(x) &&
           (ay_origin_is_single(w) || w->axis == 0) && k <= AY_MAX_QDQ_PRODUCTS;
}

term ay_qdq_conv(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_origin x, w;
    struct conv c;
    term bias = ay_in(o, 2);
    if (!are_bytes(l, o, &x, &w)) return NULL;
    c.x = x.q;
    c.w = w.q;
    if (!fit_conv(l, &c)) return NULL;
    term scale = mul(l, reshape(l, x.scale, 0, NULL), by_channel(l, w.scale, &c, "w_scale"));
    term whole = ay_qdq_bias(l, bias, scale);
    term y = convolve_bytes(l, &c, by_channel(l, whole, &c, "B"));
    y = mul(l, cast(l, y, F32), scale);
    return whole ? y : ay_window_bias(l, y, bias);
}

/* x, x_zero_point, w, multiplier, shift, y_zero_point, bias: docs/quantize.md. */
void ay_lower_qconv(const struct ay_lower *l, const struct ay_operands *o)
{
    struct conv c;
    struct ay_fixed f = ay_fixed_operands(l, o, 3, 4, 5);
    term bias = ay_term_optional(l, o, 6, I32, "bias");
    if (!read_conv(l, o, 2, 1, UINT32_MAX, &c)) return;
    uint64_t m = c.w.x->dims[0];
    int64_t zero = ay_fixed_zero(l, c.x.zero, "x_zero_point");
    f.multiplier = by_channel(l, f.multiplier, &c, "multiplier");
    f.shift = by_channel(l, f.shift, &c, "shift");
    if (!ay_fixed_weights(l, c.w.x, m ? ay_value_elements(c.w.x) / m : 0)) return;
    term y = windows_times(l, &c, c.x.x, c.w.x, (uint8_t)zero);
    term off = ay_fixed_offset(l, channel_sums(l, c.w.x), zero, by_channel(l, bias, &c, "bias"));
    o->out[0] = ay_fixed_round(l, y, off, &f);
}
