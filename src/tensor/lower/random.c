#include "tensor/lower/random.h"
#include "tensor/lower/real.h"
#include "tensor/lower/terms.h"

#include <math.h>

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) as a function of a counter. */
static uint64_t mix(uint64_t seed, uint64_t counter)
{
    uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t seed_of(const struct ay_lower *l)
{
    uint64_t seed = 0;
    if (ay_attr_has(l, "seed")) {
        float x = ay_attr_float(l, "seed", 0.0F);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        return mix(bits, 0);
    }
    struct ay_slice name = l->node->out[0];
    for (uint32_t i = 0; i < name.len; i++) seed = mix(seed ^ name.data[i], i);
    return seed;
}

/* Of the 2^24 f32 in [0, 1) that lie evenly. */
static uint32_t draw(uint64_t seed, uint64_t counter)
{
    return (uint32_t)(mix(seed, counter) >> 40);
}

typedef float drawing(uint64_t seed, uint64_t i);

static float draw_uniform(uint64_t seed, uint64_t i)
{
    return (float)draw(seed, i) * 0x1p-24F;
}

/* Box and Muller, Ann. Math. Stat. 29 (1958). */
static float draw_normal(uint64_t seed, uint64_t i)
{
    double c, s, u = ((double)draw(seed, 2 * i) + 1.0) * 0x1p-24;
    ay_real_turn(draw(seed, 2 * i + 1), 1u << 24, &c, &s);
    return (float)(sqrt(-2.0 * ay_real_log(u)) * c);
}

/* -log(-log(u)): the largest of x + these is each x with the chance of softmax. */
static float draw_gumbel(uint64_t seed, uint64_t i)
{
    double u = ((double)draw(seed, i) + 0.5) * 0x1p-24;
    return (float)-ay_real_log(-ay_real_log(u));
}

static term drawn(const struct ay_lower *l, uint32_t rank, const uint64_t *dims, drawing *f)
{
    void *to;
    uint64_t seed = seed_of(l);
    term y = fresh(l, F32, rank, dims, &to);
    for (uint64_t i = 0, n = y ? ay_value_elements(y) : 0; i < n; i++)
        ((float *)to)[i] = f(seed, i);
    return y;
}

/* The shape of the attribute, or of the operand; dtype must be F32. */
static void random_tensor(const struct ay_lower *l, const struct ay_operands *o, bool like,
                          drawing *f, float scale, float offset)
{
    uint64_t dims[AY_MAX_RANK];
    term x = like ? ay_term_operand(l, o, 0, 0, "input") : NULL;
    uint32_t rank = 0, dtype = x && !ay_attr_has(l, "dtype") ? x->dtype : F32;
    const int64_t *shape = like ? NULL : ay_attr_ints(l, "shape", &rank);
    if (ay_attr_int(l, "dtype", 0)) dtype = ay_term_dtype(l, ay_attr_int(l, "dtype", 0), "dtype");
    if (dtype != F32) ay_lower_fail(l, AY_E_UNSUPPORTED, "random %s", ay_dtype_name(dtype));
    if (rank > AY_MAX_RANK) ay_lower_fail(l, AY_E_LIMIT, "more than %d dimensions", AY_MAX_RANK);
    if (x) rank = x->rank;
    for (uint32_t d = 0; d < rank && d < AY_MAX_RANK; d++) {
        if (shape && shape[d] < 0) ay_lower_fail(l, AY_E_RANGE, "a negative size");
        dims[d] = x ? x->dims[d] : (uint64_t)shape[d];
    }
    if (failed(l)) return;
    term y = drawn(l, rank, dims, f);
    o->out[0] = add(l, mul(l, y, number(l, scale)), number(l, offset));
}

static void uniform(const struct ay_lower *l, const struct ay_operands *o, bool like)
{
    float low = ay_attr_float(l, "low", 0.0F), high = ay_attr_float(l, "high", 1.0F);
    random_tensor(l, o, like, draw_uniform, high - low, low);
}

static void normal(const struct ay_lower *l, const struct ay_operands *o, bool like)
{
    random_tensor(l, o, like, draw_normal, ay_attr_float(l, "scale", 1.0F),
                  ay_attr_float(l, "mean", 0.0F));
}

void ay_lower_random_uniform(const struct ay_lower *l, const struct ay_operands *o)
{
    uniform(l, o, false);
}

void ay_lower_random_uniform_like(const struct ay_lower *l, const struct ay_operands *o)
{
    uniform(l, o, true);
}

void ay_lower_random_normal(const struct ay_lower *l, const struct ay_operands *o)
{
    normal(l, o, false);
}

void ay_lower_random_normal_like(const struct ay_lower *l, const struct ay_operands *o)
{
    normal(l, o, true);
}

void ay_lower_bernoulli(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "input");
    if (!x) return;
    int64_t onnx = ay_attr_int(l, "dtype", 0);
    uint32_t dtype = onnx ? ay_term_dtype(l, onnx, "dtype") : F32;
    if (!dtype) return;
    o->out[0] = cast(l, less(l, drawn(l, x->rank, x->dims, draw_uniform), x), dtype);
}

/* input (batch, classes), logarithms of weights: sample_size classes of each row. */
void ay_lower_multinomial(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "input");
    int64_t samples = ay_attr_int(l, "sample_size", 1);
    uint32_t dtype = ay_term_dtype(l, ay_attr_int(l, "dtype", 6), "dtype");
    if (!dtype || !ay_term_rank(l, x, 2, "input")) return;
    uint64_t batch = x->dims[0], classes = x->dims[1], n = (uint64_t)samples;
    if (samples < 0 || classes == 0) {
        ay_lower_fail(l, AY_E_RANGE, "sample_size or classes");
        return;
    }
    term noise = drawn(l, SHAPE(batch, n, classes), draw_gumbel);
    term noisy = add(l, reshape(l, x, SHAPE(batch, 1, classes)), noise);
    term chosen = reduce(l, AY_WORK_REDUCE_ARGMAX, noisy, 2);
    o->out[0] = cast(l, reshape(l, chosen, SHAPE(batch, n)), dtype);
}
