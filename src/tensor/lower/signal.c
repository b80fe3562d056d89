/* DFT, STFT, the windows and MelWeightMatrix. A transform is one MATMUL with a known matrix. */
#include "tensor/lower/signal.h"
#include "tensor/lower/real.h"
#include "tensor/lower/terms.h"

#include <math.h>

#define MAX_LENGTH (1 << 24)

/* --- transforms --- */

struct transform {
    uint64_t length;        /* of the transform */
    uint64_t in, out;       /* points taken and given along the axis */
    uint32_t parts, result; /* 1: real, 2: real and imaginary */
    bool inverse;
    bool half; /* the input is the first half of a symmetric spectrum */
};

/* Points of a fold that are sums: those of cosines. The differences, of sines, follow. */
static uint64_t folded_sums(const struct transform *f)
{
    return f->half ? f->in : f->in / 2 + 1;
}

/* Point k and its mirror image n - k, which have the same cosine and opposite sines, as their sum
 * and difference: what is 0 by a symmetry of the points is then exactly 0. */
static term fold(const struct ay_lower *l, term x, uint32_t axis, const struct transform *f)
{
    uint64_t n = f->in, pairs = (n - 1) / 2, size[AY_MAX_RANK];
    int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK];
    if (!x || pairs == 0) return x;
    for (uint32_t d = 0; d < x->rank; d++) {
        size[d] = d == axis ? pairs : x->dims[d];
        step[d] = d == axis ? -1 : 1;
    }
    begin[axis] = (int64_t)n - 1;
    term mirror = ay_tape_slice(l->tape, x, begin, step, size, 0);
    term pair = ay_term_part(l, x, axis, 1, pairs), parts[4];
    uint32_t count = 0;
    parts[count++] = ay_term_part(l, x, axis, 0, 1);
    parts[count++] = add(l, pair, mirror);
    if (n % 2 == 0) parts[count++] = ay_term_part(l, x, axis, n / 2, 1);
    parts[count++] = sub(l, pair, mirror);
    return ay_tape_concat(l->tape, parts, count, axis);
}

/* (out result, in parts): times a row of folded points, whose parts are neighbours. */
static term transform_matrix(const struct ay_lower *l, const struct transform *f)
{
    void *to;
    uint64_t columns = f->in * f->parts, sums = folded_sums(f);
    term matrix = fresh(l, F32, SHAPE(f->out * f->result, columns), &to);
    if (!matrix) return NULL;
    for (uint64_t i = 0; i < f->out; i++) {
        float *row = (float *)to + i * f->result * columns;
        for (uint64_t j = 0; j < f->in; j++) {
            double c, s, scale = f->inverse ? 1.0 / (double)f->length : 1.0;
            uint64_t k = j < sums ? j : j - sums + 1;
            ay_real_turn(i * k % f->length, f->length, &c, &s);
            /* All but the first and the middle of a half stand for two. */
            if (f->half && k && 2 * k != f->length) scale *= 2.0;
            c *= j < sums ? scale : 0.0;
            s *= j < sums && !f->half ? 0.0 : f->inverse ? scale : -scale;
            float *real = row + j * f->parts, *imaginary = real + columns;
            real[0] = (float)c;
            if (f->parts == 2) real[1] = (float)-s;
            if (f->result == 2) imaginary[0] = (float)s;
            if (f->result == 2 && f->parts == 2) imaginary[1] = (float)c;
        }
    }
    return matrix;
}

/* Along `axis` of x (.., parts). */
static term transform(const struct ay_lower *l, term x, uint32_t axis, struct transform *f)
{
    uint64_t size[AY_MAX_RANK], rows = 1;
    int64_t begin[AY_MAX_RANK] = {0}, step[AY_MAX_RANK];
    for (uint32_t d = 0; d < x->rank; d++) {
        size[d] = d == axis ? f->in : x->dims[d];
        step[d] = 1;
    }
    f->parts = (uint32_t)x->dims[x->rank - 1];
    x = ay_tape_slice(l->tape, x, begin, step, size, 0); /* cut, or 0 after the end */
    if (!f->half) x = fold(l, x, axis, f);
    x = x ? ay_term_move(l, x, axis, x->rank - 2) : NULL;
    if (!x) return NULL;
    for (uint32_t d = 0; d < x->rank; d++) size[d] = x->dims[d];
    for (uint32_t d = 0; d + 2 < x->rank; d++) rows *= size[d];
    size[x->rank - 2] = f->out;
    size[x->rank - 1] = f->result;
    term y = matmul(l, reshape(l, x, SHAPE(rows, f->in * f->parts)), transform_matrix(l, f));
    y = reshape(l, y, x->rank, size);
    return ay_term_move(l, y, x->rank - 2, axis);
}

void ay_lower_dft(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "input");
    int64_t where = l->opset < 20 ? ay_attr_int(l, "axis", 1) : -2;
    if (l->opset >= 20 && ay_in(o, 2)) where = ay_term_scalar(l, ay_in(o, 2), "axis");
    if (failed(l)) return;
    uint32_t axis = ay_lower_axis(l, where, x->rank);
    bool onesided = ay_attr_int(l, "onesided", 0) != 0;
    struct transform f = {.inverse = ay_attr_int(l, "inverse", 0) != 0, .result = 2};
    if (failed(l)) return;
    uint64_t parts = x->dims[x->rank - 1];
    if (x->rank < 2 || axis == x->rank - 1 || (parts != 1 && parts != 2)) {
        ay_lower_fail(l, AY_E_FORMAT, "input is not (.., 1) or (.., 2), or axis is its last");
        return;
    }
    f.half = f.inverse && onesided;
    int64_t length = (int64_t)x->dims[axis];
    if (f.half) length = 2 * (length - 1);
    if (ay_in(o, 1)) length = ay_term_scalar(l, ay_in(o, 1), "dft_length");
    if (length < 1 || length > MAX_LENGTH) {
        ay_lower_fail(l, AY_E_RANGE, "dft_length %lld", (long long)length);
        return;
    }
    f.length = f.in = f.out = (uint64_t)length;
    if (f.half) {
        f.in = f.length / 2 + 1;
        f.result = 1;
    } else if (onesided) {
        f.out = f.length / 2 + 1;
    }
    o->out[0] = transform(l, x, axis, &f);
}

void ay_lower_stft(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "signal");
    term window = ay_term_optional(l, o, 2, F32, "window");
    int64_t step = ay_term_scalar(l, ay_term_operand(l, o, 1, 0, "frame_step"), "frame_step");
    if (x && x->rank == 2) x = ay_term_insert(l, x, 2); /* as exporters write real signals */
    if (!ay_term_rank(l, x, 3, "signal") || (window && !ay_term_rank(l, window, 1, "window")))
        return;
    uint64_t b = x->dims[0], points = x->dims[1], parts = x->dims[2];
    uint64_t length = window ? window->dims[0] : points;
    if (ay_in(o, 3)) length = (uint64_t)ay_term_scalar(l, ay_in(o, 3), "frame_length");
    if (failed(l)) return;
    if (step < 1 || step > MAX_LENGTH || length < 1 || length > points || length > MAX_LENGTH ||
        (parts != 1 && parts != 2)) {
        ay_lower_fail(l, AY_E_RANGE, "frame_step or frame_length");
        return;
    }
    uint64_t frames = 1 + (points - length) / (uint64_t)step;
    uint64_t wide = window ? window->dims[0] : length;
    struct ay_tape_view v = {.grid_rank = 4, .grid = {b, frames, wide, parts}};
    v.coefs[0][0] = v.coefs[1][2] = v.coefs[2][3] = 1;
    v.coefs[1][1] = step;
    x = ay_tape_view(l->tape, x, &v, SHAPE(b, frames, wide, parts));
    if (window) x = mul(l, x, reshape(l, window, SHAPE(wide, 1)));
    bool onesided = ay_attr_int(l, "onesided", 1) != 0;
    struct transform f = {.length = length, .in = length, .result = 2};
    f.out = onesided ? length / 2 + 1 : length;
    if (x) o->out[0] = transform(l, x, 2, &f);
}

/* --- tables --- */

/* a - b cos(2 pi n / N) + c cos(4 pi n / N), N the size or one less. */
static void window(const struct ay_lower *l, const struct ay_operands *o, double a, double b,
                   double c)
{
    int64_t size = ay_term_scalar(l, ay_term_operand(l, o, 0, 0, "size"), "size");
    uint32_t dtype = ay_term_dtype(l, ay_attr_int(l, "output_datatype", 1), "output_datatype");
    if (!failed(l) && (size < 0 || size > MAX_LENGTH))
        ay_lower_fail(l, AY_E_RANGE, "size %lld", (long long)size);
    if (failed(l)) return;
    uint64_t n = (uint64_t)size, period = ay_attr_int(l, "periodic", 1) ? n : n - 1;
    void *to;
    term y = fresh(l, F32, SHAPE(n), &to);
    for (uint64_t i = 0; y && i < n; i++) {
        double once = 1.0, twice = 1.0, sine;
        if (period) ay_real_turn(i, period, &once, &sine);
        if (period) ay_real_turn(2 * i, period, &twice, &sine);
        ((float *)to)[i] = (float)(a - b * once + c * twice);
    }
    o->out[0] = cast(l, y, dtype);
}

void ay_lower_hann_window(const struct ay_lower *l, const struct ay_operands *o)
{
    window(l, o, 0.5, 0.5, 0.0);
}

void ay_lower_hamming_window(const struct ay_lower *l, const struct ay_operands *o)
{
    window(l, o, 25.0 / 46.0, 21.0 / 46.0, 0.0);
}

void ay_lower_blackman_window(const struct ay_lower *l, const struct ay_operands *o)
{
    window(l, o, 0.42, 0.5, 0.08);
}

/* The spectrogram bins of mel points i, .., of `count` from low to high hertz, evenly on the scale
 * mel = 2595 log10(1 + hertz / 700). */
static int64_t mel_bin(double low, double high, uint64_t i, uint64_t count, int64_t length,
                       int64_t rate)
{
    double from = ay_real_log(1.0 + low / 700.0), to = ay_real_log(1.0 + high / 700.0);
    double at = from + (to - from) * (double)i / (double)count;
    double hertz = 700.0 * (ay_real_exp(at) - 1.0);
    return (int64_t)floor((double)(length + 1) * hertz / (double)rate);
}

/* A triangle over bins [0, bins): up from bin `from` to `peak`, down to `to`. */
static void mel_triangle(float *column, uint64_t stride, int64_t bins, const int64_t at[3])
{
    for (int64_t j = at[0]; j <= at[1] && j < bins; j++)
        if (j >= 0)
            column[(uint64_t)j * stride] =
                at[1] == at[0] ? 1.0F : (float)((double)(j - at[0]) / (double)(at[1] - at[0]));
    for (int64_t j = at[1]; j < at[2] && j < bins; j++)
        if (j >= 0)
            column[(uint64_t)j * stride] = (float)((double)(at[2] - j) / (double)(at[2] - at[1]));
}

void ay_lower_mel_weight_matrix(const struct ay_lower *l, const struct ay_operands *o)
{
    static const char *const names[] = {"num_mel_bins", "dft_length", "sample_rate"};
    int64_t n[3];
    for (uint32_t i = 0; i < 3; i++)
        n[i] = ay_term_scalar(l, ay_term_operand(l, o, i, 0, names[i]), names[i]);
    term lowest = ay_term_operand(l, o, 3, 0, "lower_edge_hertz");
    term highest = ay_term_operand(l, o, 4, 0, "upper_edge_hertz");
    const float *low = ay_term_floats(l, lowest, "lower_edge_hertz");
    const float *high = ay_term_floats(l, highest, "upper_edge_hertz");
    uint32_t dtype = ay_term_dtype(l, ay_attr_int(l, "output_datatype", 1), "output_datatype");
    if (failed(l)) return;
    if (n[0] < 1 || n[0] > 65536 || n[1] < 1 || n[1] > MAX_LENGTH || n[2] < 1 ||
        ay_value_elements(lowest) != 1 || ay_value_elements(highest) != 1 ||
        !(*low >= 0.0F && *high >= *low && *high < 0x1p31F)) {
        ay_lower_fail(l, AY_E_RANGE, "sizes or edges");
        return;
    }
    uint64_t mels = (uint64_t)n[0];
    int64_t bins = n[1] / 2 + 1;
    void *to;
    term y = fresh(l, F32, SHAPE((uint64_t)bins, mels), &to);
    for (uint64_t m = 0; y && m < mels; m++) {
        int64_t at[3];
        for (uint64_t i = 0; i < 3; i++)
            at[i] = mel_bin((double)*low, (double)*high, m + i, mels + 2, n[1], n[2]);
        mel_triangle((float *)to + m, mels, bins, at);
    }
    o->out[0] = cast(l, y, dtype);
}
