/* MAPs whose integers fit 32 bits: intervals show which do. What a byte is made of and what is made
 * of one, and sums of products of bytes, all do; so their steps, which come one after another, are
 * looked for too, as a kernel takes them together. */
#include "tensor/map.h"

#include "tensor/ref/float.h"

#include <math.h>

#define LOWEST  (-0x1p31)
#define HIGHEST (0x1p31 - 1)
/* Where intervals of doubles would cease to be exact. */
#define MOST 0x1p52

/* What a value lies within, unless it is a NaN. Of an integer that may go beyond 32 bits only its
 * low 32 bits are held. */
struct range {
    double low, high;
};

static struct range range_of(double low, double high)
{
    return (struct range){low, high};
}

static bool is_held(struct range r)
{
    return r.low >= LOWEST && r.high <= HIGHEST;
}

static bool input_range(uint32_t dtype, struct range *out)
{
    switch (dtype) {
    case AY_WORK_DTYPE_F32: *out = range_of(-INFINITY, INFINITY); return true;
    case AY_WORK_DTYPE_I8: *out = range_of(-128, 127); return true;
    case AY_WORK_DTYPE_U8:
    case AY_WORK_DTYPE_BOOL: *out = range_of(0, 255); return true;
    case AY_WORK_DTYPE_I32: *out = range_of(LOWEST, HIGHEST); return true;
    default: return false;
    }
}

static bool operand_range(const struct ay_work_op *op, const uint32_t *dtypes,
                          const struct range *steps, uint32_t arg, struct range *out)
{
    uint32_t index = arg & 0xffffffu;
    double number;
    switch ((enum ay_map_kind)(arg >> 24)) {
    case AY_MAP_INPUT: return input_range(dtypes[index], out);
    case AY_MAP_STEP: *out = steps[index]; return true;
    case AY_MAP_DIM: *out = range_of(0, INFINITY); return true;
    case AY_MAP_CONST:
        number = (double)ay_f32(op->consts[index]);
        *out = range_of(number, number);
        return true;
    case AY_MAP_INT: break;
    }
    number = (double)op->ints[index];
    *out = range_of(number, number);
    return is_held(*out);
}

static struct range products(struct range a, struct range b)
{
    double p[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
    return range_of(fmin(fmin(p[0], p[1]), fmin(p[2], p[3])),
                    fmax(fmax(p[0], p[1]), fmax(p[2], p[3])));
}

/* Of functions that take low bits to low bits. */
static bool modular_range(uint32_t fn, struct range a, struct range b, struct range *out)
{
    if (fn == AY_WORK_FN_INT_ADD) *out = range_of(a.low + b.low, a.high + b.high);
    if (fn == AY_WORK_FN_INT_SUB) *out = range_of(a.low - b.high, a.high - b.low);
    if (fn == AY_WORK_FN_INT_MUL) *out = products(a, b);
    return out->low >= -MOST && out->high <= MOST;
}

/* Of functions of integers that must be held. */
static bool integer_range(uint32_t fn, struct range a, struct range b, struct range *out)
{
    if (!is_held(a) || !is_held(b)) return false;
    switch (fn) {
    case AY_WORK_FN_INT_MIN: *out = range_of(fmin(a.low, b.low), fmin(a.high, b.high)); return true;
    case AY_WORK_FN_INT_MAX: *out = range_of(fmax(a.low, b.low), fmax(a.high, b.high)); return true;
    case AY_WORK_FN_INT_AND:
    case AY_WORK_FN_INT_OR:
    case AY_WORK_FN_INT_XOR: *out = range_of(LOWEST, HIGHEST); return true;
    case AY_WORK_FN_INT_EQ:
    case AY_WORK_FN_INT_LT:
    case AY_WORK_FN_INT_LE: *out = range_of(0, 1); return true;
    default: return false;
    }
}

/* Functions of f32. */
static bool float_range(uint32_t fn, struct range a, struct range b, struct range *out)
{
    switch (fn) {
    case AY_WORK_FN_MIN: *out = range_of(fmin(a.low, b.low), fmin(a.high, b.high)); break;
    case AY_WORK_FN_MAX: *out = range_of(fmax(a.low, b.low), fmax(a.high, b.high)); break;
    case AY_WORK_FN_RINT: *out = range_of(floor(a.low), ceil(a.high)); break;
    case AY_WORK_FN_EQ:
    case AY_WORK_FN_LT:
    case AY_WORK_FN_LE: *out = range_of(0, 1); break;
    case AY_WORK_FN_TO_INT: /* a NaN gives 0 */
        *out = range_of(fmin(a.low, 0), fmax(a.high, 0));
        return is_held(*out);
    default: *out = range_of(-INFINITY, INFINITY);
    }
    return true;
}

static bool step_range(uint32_t fn, const struct range *in, struct range *out)
{
    const struct ay_fn_signature *s = ay_fn_signature((enum ay_fn)fn);
    *out = range_of(-INFINITY, INFINITY);
    if (fn == AY_WORK_FN_SELECT) return is_held(in[0]);
    if (fn == AY_WORK_FN_INT_SELECT) {
        *out = range_of(fmin(in[1].low, in[2].low), fmax(in[1].high, in[2].high));
        return is_held(in[0]) && is_held(*out);
    }
    if (fn == AY_WORK_FN_TO_FLOAT) {
        *out = range_of((double)(float)in[0].low, (double)(float)in[0].high);
        return is_held(in[0]);
    }
    if (fn >= AY_WORK_FN_INT_ADD && fn <= AY_WORK_FN_INT_MUL)
        return modular_range(fn, in[0], in[1], out);
    if (s->args[0] == AY_SCALAR_INT) return integer_range(fn, in[0], in[1], out);
    return float_range(fn, in[0], in[s->arity - 1], out);
}

/* The integer constant that arg is; 0 where it is none. */
static int64_t constant_of(const struct ay_work_op *op, uint32_t arg)
{
    return arg >> 24 == AY_MAP_INT ? op->ints[arg & 0xffffffu] : 0;
}

static bool is_used_after(const struct ay_work_op *op, uint32_t step, uint32_t after)
{
    uint32_t arg = (uint32_t)AY_MAP_STEP << 24 | step;
    for (uint32_t i = after + 1; i < op->steps_count; i++)
        for (uint32_t k = 0; k < op->steps[i].args_count; k++)
            if (op->steps[i].args[k] == arg) return true;
    return false;
}

/* What is read back from fewer bits as it was stored: all but 64 - bits shifted out, and back. Then
 * *x becomes what that leaves of it. */
static bool is_read_back(const struct ay_work_op *op, uint32_t step, struct range *x)
{
    const struct ay_work_map_step *left = &op->steps[step], *right = left + 1;
    if (step + 1 >= op->steps_count || left->fn != AY_WORK_FN_INT_SHL ||
        right->fn != AY_WORK_FN_INT_SHR || right->args[0] != ((uint32_t)AY_MAP_STEP << 24 | step) ||
        is_used_after(op, step, step + 1))
        return false;
    int64_t bits = 64 - constant_of(op, left->args[1]);
    if (bits != 64 - constant_of(op, right->args[1]) || (bits != 8 && bits != 32)) return false;
    double half = bits == 8 ? 0x1p7 : 0x1p31;
    bool fits = x->low >= -half && x->high < half;
    if (!fits) *x = range_of(LOWEST, HIGHEST);
    return fits || bits == 32;
}

/* The same of a u8, where nothing is lost. */
static bool is_byte(const struct ay_work_op *op, const struct ay_work_map_step *s, struct range x)
{
    return s->fn == AY_WORK_FN_INT_AND && constant_of(op, s->args[1]) == 255 && x.low >= 0 &&
           x.high <= 255;
}

static bool is_stored(uint32_t dtype, struct range r)
{
    return (dtype != AY_WORK_DTYPE_I64 && dtype != AY_WORK_DTYPE_BOOL) || is_held(r);
}

/* --- steps that one kernel takes --- */

/* Whether the value of step j is used once, and that by the step after it. */
static bool feeds_next(const struct ay_work_op *op, uint32_t j)
{
    uint32_t arg = (uint32_t)AY_MAP_STEP << 24 | j, uses = 0;
    for (uint32_t k = 0; j + 1 < op->steps_count && k < op->steps[j + 1].args_count; k++)
        uses += op->steps[j + 1].args[k] == arg;
    return uses == 1 && !is_used_after(op, j, j + 1);
}

static bool is_fn(const struct ay_work_op *op, uint32_t j, uint32_t fn)
{
    return op->steps[j].fn == fn && feeds_next(op, j);
}

/* Whether step j is fn of the step before it and a constant. */
static bool is_fn_by(const struct ay_work_op *op, uint32_t j, uint32_t fn, float *number)
{
    const struct ay_work_map_step *s = &op->steps[j];
    for (uint32_t k = 0; s->fn == fn && k < 2; k++)
        if (s->args[k] >> 24 == AY_MAP_CONST) {
            *number = ay_f32(op->consts[s->args[k] & 0xffffffu]);
            return true;
        }
    return false;
}

static void join(struct ay_map_words *words, uint32_t first, uint32_t last, enum ay_map_how how)
{
    for (uint32_t i = first; i < last; i++) words->how[i] = AY_MAP_PASSED;
    words->how[last] = (uint8_t)how;
    words->first[last] = (uint8_t)first;
}

static void join_scaled(const struct ay_work_op *op, struct ay_map_words *words, uint32_t last)
{
    if (last < 2 || op->steps[last].fn != AY_WORK_FN_MUL ||
        !is_fn(op, last - 1, AY_WORK_FN_TO_FLOAT))
        return;
    uint32_t first = last - 2;
    while (first > 0 && words->how[first] == AY_MAP_SAME && feeds_next(op, first)) first--;
    if (words->how[first] == AY_MAP_ALONE && is_fn(op, first, AY_WORK_FN_INT_SUB))
        join(words, first, last, AY_MAP_SCALED);
}

static void join_gate(const struct ay_work_op *op, struct ay_map_words *words, uint32_t last)
{
    float one, root;
    if (last >= 2 && is_fn_by(op, last, AY_WORK_FN_ADD, &one) && one == 1.0F &&
        is_fn(op, last - 1, AY_WORK_FN_ERF) && is_fn(op, last - 2, AY_WORK_FN_DIV) &&
        op->steps[last - 2].args[1] >> 24 == AY_MAP_CONST &&
        is_fn_by(op, last - 2, AY_WORK_FN_DIV, &root) && root == AY_SQRT2)
        join(words, last - 2, last, AY_MAP_GATE);
}

/* The steps whose numbers ay_map_words_bytes gives. */
static void join_bytes(const struct ay_work_op *op, struct ay_map_words *words)
{
    uint32_t last = op->steps_count - 1;
    float number;
    bool byte = op->dtype == AY_WORK_DTYPE_U8 || op->dtype == AY_WORK_DTYPE_I8;
    if (!byte || last < 3 || op->steps[last].fn != AY_WORK_FN_TO_INT || !feeds_next(op, last - 1) ||
        !is_fn_by(op, last - 1, AY_WORK_FN_MIN, &number) || !feeds_next(op, last - 2) ||
        !is_fn_by(op, last - 2, AY_WORK_FN_MAX, &number))
        return;
    uint32_t first = last - 3;
    if (first > 0 && feeds_next(op, first) && is_fn_by(op, first, AY_WORK_FN_ADD, &number)) first--;
    if (is_fn(op, first, AY_WORK_FN_RINT)) join(words, first, last, AY_MAP_BYTES);
}

void ay_map_words_bytes(const struct ay_work_op *op, float *more, float *low, float *high)
{
    uint32_t last = op->steps_count - 1;
    *more = 0;
    (void)is_fn_by(op, last - 1, AY_WORK_FN_MIN, high);
    (void)is_fn_by(op, last - 2, AY_WORK_FN_MAX, low);
    (void)is_fn_by(op, last - 3, AY_WORK_FN_ADD, more);
}

static void join_steps(const struct ay_work_op *op, struct ay_map_words *words)
{
    for (uint32_t i = 0; i < op->steps_count; i++) {
        join_scaled(op, words, i);
        join_gate(op, words, i);
    }
    join_bytes(op, words);
}

bool ay_map_words_of(const struct ay_work_op *op, const uint32_t *dtypes, struct ay_map_words *out)
{
    struct range steps[AY_MAX_WORK_OP_STEPS];
    bool any = op->dtype != AY_WORK_DTYPE_NONE && op->dtype != AY_WORK_DTYPE_F32;
    for (uint32_t i = 0; i < op->in_count; i++) any = any || dtypes[i] != AY_WORK_DTYPE_F32;
    *out = (struct ay_map_words){{0}};
    for (uint32_t i = 0; i < op->steps_count; i++) {
        const struct ay_work_map_step *s = &op->steps[i];
        struct range in[AY_MAX_WORK_MAP_STEP_ARGS] = {{0}};
        any = any || ay_fn_signature((enum ay_fn)s->fn)->result == AY_SCALAR_INT;
        for (uint32_t k = 0; k < s->args_count; k++)
            if (!operand_range(op, dtypes, steps, s->args[k], &in[k])) return false;
        if (is_byte(op, s, in[0])) {
            out->how[i] = AY_MAP_SAME;
            steps[i] = in[0];
        } else if (is_read_back(op, i, &in[0])) {
            out->how[i] = out->how[i + 1] = AY_MAP_SAME;
            steps[i] = steps[i + 1] = in[0];
            i++;
        } else if (!step_range(s->fn, in, &steps[i])) {
            return false;
        }
    }
    if (!any || !is_stored(op->dtype, steps[op->steps_count - 1])) return false;
    join_steps(op, out);
    return true;
}
