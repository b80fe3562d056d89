/* Runs MAPs whose integers fit 32 bits over blocks. */
#include "tensor/map.h"

#include "tensor/ref/float.h"

/* Room for what single values are spread to, a block for each operand of a step. */
struct room {
    _Alignas(64) int32_t at[AY_MAX_WORK_MAP_STEP_ARGS][AY_MAP_BLOCK];
};

static const void *spread(const struct ay_map_block *block, const struct ay_map_term *t, size_t n,
                          int32_t *to)
{
    if (t->at) return t->at;
    if (t->integer)
        block->kernels->steps->words.fill((int32_t)t->i64, to, n);
    else
        block->kernels->steps->fill_f32(t->f32, (float *)(void *)to, n);
    return to;
}

/* One step by itself, which takes or gives integers. */
static void integer_step(const struct ay_map_block *block, const struct ay_work_map_step *s,
                         const struct ay_map_term *t, void *to, size_t n, struct room *room)
{
    const struct ay_word_steps *words = &block->kernels->steps->words;
    const void *in[AY_MAX_WORK_MAP_STEP_ARGS];
    for (uint32_t i = 0; i < s->args_count; i++) in[i] = spread(block, &t[i], n, room->at[i]);
    if (s->args_count == 3)
        words->select(in[0], in[1], in[2], to, n);
    else if (s->fn == AY_WORK_FN_TO_FLOAT)
        words->to_float(in[0], to, n);
    else if (s->fn == AY_WORK_FN_TO_INT)
        words->to_int(in[0], to, n);
    else if (ay_fn_signature((enum ay_fn)s->fn)->args[0] == AY_SCALAR_INT)
        words->integers(s->fn, in[0], in[1], to, n);
    else
        words->compare(s->fn, in[0], in[1], to, n);
}

static void alone(const struct ay_map_block *block, const struct ay_work_map_step *s, void *to,
                  size_t n, struct room *room, struct ay_map_term *out)
{
    const struct ay_fn_signature *about = ay_fn_signature((enum ay_fn)s->fn);
    struct ay_map_term t[AY_MAX_WORK_MAP_STEP_ARGS] = {{0}};
    out->integer = about->result == AY_SCALAR_INT;
    for (uint32_t i = 0; i < s->args_count; i++) t[i] = ay_map_term_of(block, s->args[i]);
    if (out->integer || about->args[0] == AY_SCALAR_INT) {
        integer_step(block, s, t, to, n, room);
    } else if (t[0].at || t[1].at) {
        ay_map_f32_step(block->kernels, (enum ay_fn)s->fn, &t[0], &t[1], to, n);
    } else {
        out->f32 = ay_f32_canonical(ay_ref_fn((enum ay_fn)s->fn, t[0].f32, t[1].f32));
        out->at = NULL;
    }
}

/* (x - y) s, steps first..last. */
static void scaled(const struct ay_map_block *block, uint32_t first, uint32_t last, float *to,
                   size_t n, struct room *room)
{
    const struct ay_work_map_step *sub = &block->op->steps[first], *mul = &block->op->steps[last];
    struct ay_map_term x = ay_map_term_of(block, sub->args[0]);
    struct ay_map_term y = ay_map_term_of(block, sub->args[1]);
    bool second = mul->args[0] == ((uint32_t)AY_MAP_STEP << 24 | (last - 1));
    struct ay_map_term s = ay_map_term_of(block, mul->args[second]);
    int32_t one = (int32_t)y.i64;
    block->kernels->steps->words.scale_difference(spread(block, &x, n, room->at[0]),
                                                  y.at ? y.at : &one, !y.at, s.at ? s.at : &s.f32,
                                                  !s.at, to, n);
}

static void gate(const struct ay_map_block *block, uint32_t first, float *to, size_t n,
                 struct room *room)
{
    struct ay_map_term x = ay_map_term_of(block, block->op->steps[first].args[0]);
    block->kernels->gelu_gate(spread(block, &x, n, room->at[0]), to, n);
}

static void bytes(const struct ay_map_block *block, uint32_t first, uint8_t *to, size_t n,
                  struct room *room)
{
    struct ay_map_term x = ay_map_term_of(block, block->op->steps[first].args[0]);
    float more, low, high;
    ay_map_words_bytes(block->op, &more, &low, &high);
    block->kernels->steps->words.to_bytes(spread(block, &x, n, room->at[0]), more, low, high, to,
                                          n);
}

/* The value of step i, which is made in `to` unless it is another's. */
static void take_step(struct ay_map_block *block, uint32_t i, void *to, size_t n, struct room *room)
{
    const struct ay_work_map_step *s = &block->op->steps[i];
    struct ay_map_term *out = &block->steps[i];
    uint32_t first = block->words->first[i];
    out->integer = false;
    out->at = to;
    switch ((enum ay_map_how)block->words->how[i]) {
    case AY_MAP_ALONE: alone(block, s, to, n, room, out); break;
    case AY_MAP_SAME: *out = ay_map_term_of(block, s->args[0]); break;
    case AY_MAP_SCALED: scaled(block, first, i, to, n, room); break;
    case AY_MAP_GATE: gate(block, first, to, n, room); break;
    case AY_MAP_BYTES: bytes(block, first, to, n, room); break;
    case AY_MAP_PASSED: break;
    }
}

void ay_map_words_run(struct ay_map_block *block, void *out, size_t n, void *temp)
{
    const struct ay_work_op *op = block->op;
    struct room *room = temp;
    int32_t *at = (int32_t *)(room + 1);
    uint32_t last = op->steps_count - 1;
    bool f32 = op->dtype == AY_WORK_DTYPE_NONE || op->dtype == AY_WORK_DTYPE_F32;
    bool done = f32 || block->words->how[last] == AY_MAP_BYTES;
    AY_ASSERT(n <= AY_MAP_BLOCK);
    for (uint32_t i = 0; i <= last; i++) {
        if (block->words->how[i] == AY_MAP_PASSED) continue;
        take_step(block, i, i == last && done ? out : at, n, room);
        at += AY_MAP_BLOCK;
    }
    const struct ay_map_term *value = &block->steps[last];
    const struct ay_word_steps *words = &block->kernels->steps->words;
    if (!done)
        words->narrow(op->dtype, spread(block, value, n, room->at[0]), out, n);
    else if (!value->at)
        block->kernels->steps->fill_f32(ay_f32(ay_f32_bits(value->f32)), out, n);
}
