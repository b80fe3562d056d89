#include "tensor/map.h"

#include "tensor/each.h"
#include "tensor/ref/float.h"

/* But for the first operand of a SELECT. */
static bool takes_integers(uint32_t fn)
{
    const struct ay_fn_signature *s = ay_fn_signature((enum ay_fn)fn);
    return s->args[s->arity - 1] == AY_SCALAR_INT;
}

static bool gives_integer(uint32_t fn)
{
    return ay_fn_signature((enum ay_fn)fn)->result == AY_SCALAR_INT;
}

static struct ay_map_term f32_term(float x)
{
    return (struct ay_map_term){.f32 = x};
}

static struct ay_map_term term_of(const struct ay_map_block *block, uint32_t arg)
{
    uint32_t index = arg & 0xffffffu;
    switch (arg >> 24) {
    case AY_MAP_INPUT: return block->inputs[index];
    case AY_MAP_STEP: return block->steps[index];
    case AY_MAP_CONST: return f32_term(ay_f32(block->op->consts[index]));
    case AY_MAP_DIM: return f32_term((float)block->sizes[index]);
    default: return (struct ay_map_term){.integer = true, .i64 = block->op->ints[index]};
    }
}

/* Its elements, a single value spread to `spread`. */
static const float *floats(const struct ay_map_term *t, size_t n, void *spread)
{
    float *to = spread;
    if (t->at) return t->at;
    for (size_t i = 0; i < n; i++) to[i] = t->f32;
    return to;
}

static const int64_t *integers(const struct ay_map_term *t, size_t n, void *spread)
{
    int64_t *to = spread;
    if (t->at) return t->at;
    for (size_t i = 0; i < n; i++) to[i] = t->i64;
    return to;
}

/* Functions of f32 to f32. */
static void f32_step(const struct ay_kernels *k, enum ay_fn fn, const struct ay_map_term *a,
                     const struct ay_map_term *b, float *to, size_t n)
{
    const float *x = a->at, *y = b->at;
    if (fn < AY_FN_COUNT && k->unary[fn])
        k->unary[fn](x, to, n);
    else if (fn < AY_FN_COUNT && k->vv[fn] && x && y)
        k->vv[fn](x, y, to, n);
    else if (fn < AY_FN_COUNT && k->vs[fn] && x)
        k->vs[fn](x, b->f32, to, n);
    else if (fn < AY_FN_COUNT && k->sv[fn])
        k->sv[fn](a->f32, y, to, n);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = ay_f32(ay_f32_bits(ay_ref_fn(fn, x ? x[i] : a->f32, y ? y[i] : b->f32)));
}

static int64_t to_integer(float x)
{
    if (x != x) return 0;
    return x >= 0x1p63F ? INT64_MAX : x < -0x1p63F ? INT64_MIN : (int64_t)x;
}

static int64_t quotient(int64_t x, int64_t y)
{
    return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static unsigned shift(int64_t y)
{
    return y < 0 ? 0 : y > 63 ? 63 : (unsigned)y;
}

#define LOOP(fn, to, expr)                                                                         \
    case AY_WORK_FN_##fn:                                                                          \
        for (size_t i = 0; i < n; i++) (to)[i] = (expr);                                           \
        break

/* Comparisons and TO_INT. */
static void f32_to_integer(uint32_t fn, const float *x, const float *y, int64_t *to, size_t n)
{
    switch (fn) {
        LOOP(EQ, to, x[i] == y[i]);
        LOOP(LT, to, x[i] < y[i]);
        LOOP(LE, to, x[i] <= y[i]);
    default:
        for (size_t i = 0; i < n; i++) to[i] = to_integer(x[i]);
    }
}

static void integer_step(uint32_t fn, const int64_t *x, const int64_t *y, int64_t *to, size_t n)
{
    switch (fn) {
        LOOP(INT_ADD, to, x[i] + y[i]);
        LOOP(INT_SUB, to, x[i] - y[i]);
        LOOP(INT_MUL, to, x[i] * y[i]);
        LOOP(INT_DIV, to, quotient(x[i], y[i]));
        LOOP(INT_MOD, to, x[i] - y[i] * quotient(x[i], y[i]));
        LOOP(INT_MIN, to, x[i] < y[i] ? x[i] : y[i]);
        LOOP(INT_MAX, to, x[i] > y[i] ? x[i] : y[i]);
        LOOP(INT_AND, to, x[i] & y[i]);
        LOOP(INT_OR, to, x[i] | y[i]);
        LOOP(INT_XOR, to, x[i] ^ y[i]);
        LOOP(INT_SHL, to, (int64_t)((uint64_t)x[i] << shift(y[i])));
        LOOP(INT_SHR, to, x[i] >> shift(y[i]));
        LOOP(INT_EQ, to, x[i] == y[i]);
        LOOP(INT_LT, to, x[i] < y[i]);
    default: /* INT_LE */
        for (size_t i = 0; i < n; i++) to[i] = x[i] <= y[i];
    }
}

/* SELECT moves elements as they are, so that one loop a width will do. */
static void select_step(bool integer, const struct ay_map_term t[3], void *to, size_t n,
                        int64_t *spread)
{
    const int64_t *c = integers(&t[0], n, spread);
    if (integer) {
        const int64_t *x = integers(&t[1], n, spread + AY_MAP_BLOCK);
        const int64_t *y = integers(&t[2], n, spread + 2 * AY_MAP_BLOCK);
        int64_t *out = to;
        for (size_t i = 0; i < n; i++) out[i] = c[i] ? x[i] : y[i];
    } else {
        const float *x = floats(&t[1], n, spread + AY_MAP_BLOCK);
        const float *y = floats(&t[2], n, spread + 2 * AY_MAP_BLOCK);
        float *out = to;
        for (size_t i = 0; i < n; i++) out[i] = c[i] ? x[i] : y[i];
    }
}

/* One step over n elements: its value goes to `to`. A function of single f32 gives one. */
static struct ay_map_term step(const struct ay_map_block *block, uint32_t index, void *to, size_t n,
                               int64_t *spread)
{
    const struct ay_work_map_step *s = &block->op->steps[index];
    struct ay_map_term t[AY_MAX_WORK_MAP_STEP_ARGS] = {{0}};
    for (uint32_t i = 0; i < s->args_count; i++) t[i] = term_of(block, s->args[i]);
    int64_t *spread_b = spread + AY_MAP_BLOCK;
    bool integer = gives_integer(s->fn);
    if (s->fn == AY_WORK_FN_SELECT || s->fn == AY_WORK_FN_INT_SELECT)
        select_step(integer, t, to, n, spread);
    else if (s->fn == AY_WORK_FN_TO_FLOAT) {
        const int64_t *x = integers(&t[0], n, spread);
        for (size_t i = 0; i < n; i++) ((float *)to)[i] = (float)x[i];
    } else if (takes_integers(s->fn))
        integer_step(s->fn, integers(&t[0], n, spread), integers(&t[1], n, spread_b), to, n);
    else if (integer)
        f32_to_integer(s->fn, floats(&t[0], n, spread), floats(&t[1], n, spread_b), to, n);
    else if (!t[0].at && !t[1].at)
        return f32_term(ay_ref_fn((enum ay_fn)s->fn, t[0].f32, t[1].f32));
    else
        f32_step(block->kernels, (enum ay_fn)s->fn, &t[0], &t[1], to, n);
    return (struct ay_map_term){.integer = integer, .at = to};
}

void ay_map_run(struct ay_map_block *block, void *out, size_t n, void *temp)
{
    const struct ay_work_op *op = block->op;
    int64_t *spread = temp;
    uint8_t *at = (uint8_t *)(spread + AY_MAX_WORK_MAP_STEP_ARGS * AY_MAP_BLOCK);
    bool f32 = op->dtype == AY_WORK_DTYPE_NONE || op->dtype == AY_WORK_DTYPE_F32;
    struct ay_map_term value = {0};
    AY_ASSERT(n <= AY_MAP_BLOCK);
    for (uint32_t i = 0; i < op->steps_count; i++) {
        bool last = i + 1 == op->steps_count;
        value = step(block, i, last && f32 ? out : at, n, spread);
        block->steps[i] = value;
        at += AY_MAP_BLOCK * (value.integer ? sizeof(int64_t) : sizeof(float));
    }
    float *floats_out = out;
    if (!f32)
        ay_each_narrow(op->dtype, value.at, n, out);
    else
        for (size_t i = 0; !value.at && i < n; i++) floats_out[i] = ay_f32(ay_f32_bits(value.f32));
}

void ay_map_rows(const struct ay_kernels *kernels, const struct ay_work_op *op,
                 const uint32_t *sizes, const struct ay_map_operand *operands, size_t rows,
                 size_t n, float *out, size_t stride, void *temp)
{
    struct ay_map_block block = {.kernels = kernels, .op = op, .sizes = sizes};
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j += AY_MAP_BLOCK) {
            for (uint32_t i = 0; i < op->in_count; i++) {
                const float *at = operands[i].at + r * operands[i].stride;
                block.inputs[i] =
                    operands[i].scalar ? f32_term(*at) : (struct ay_map_term){.at = at + j};
            }
            ay_map_run(&block, out + r * stride + j, n - j < AY_MAP_BLOCK ? n - j : AY_MAP_BLOCK,
                       temp);
        }
}
