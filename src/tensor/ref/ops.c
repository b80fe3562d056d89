#include "tensor/ref/ops.h"

#include <math.h>
#include <stddef.h>

#include "tensor/ref/float.h"
#include "tensor/ref/math.h"

unsigned ay_fn_arity(enum ay_fn fn)
{
    if (fn >= AY_FN_ADD && fn <= AY_FN_MAX) return 2;
    if (fn >= AY_FN_NEG && fn < AY_FN_COUNT) return 1;
    return 0;
}

float ay_ref_max(float a, float b)
{
    if (a != a || b != b) return ay_f32(AY_NAN_BITS);
    if (a == b) return ay_f32(ay_f32_bits(a) & ay_f32_bits(b)); /* of two zeros, +0 if one is */
    return a > b ? a : b;
}

float ay_ref_fn(enum ay_fn fn, float a, float b)
{
    switch (fn) {
    case AY_FN_ADD: return a + b;
    case AY_FN_SUB: return a - b;
    case AY_FN_MUL: return a * b;
    case AY_FN_DIV: return a / b;
    case AY_FN_MAX: return ay_ref_max(a, b);
    case AY_FN_NEG: return -a;
    case AY_FN_SQRT: return sqrtf(a);
    case AY_FN_EXP: return ay_ref_exp(a);
    case AY_FN_LOG: return ay_ref_log(a);
    case AY_FN_TANH: return ay_ref_tanh(a);
    case AY_FN_ERF: return ay_ref_erf(a);
    case AY_FN_NONE:
    case AY_FN_COUNT: break;
    }
    ay_panic(__FILE__, __LINE__, "no such function");
}

uint32_t ay_ref_gather_row(int32_t id, uint32_t rows)
{
    if (id < 0) return 0;
    return (uint32_t)id < rows ? (uint32_t)id : rows - 1;
}

float ay_ref_chain(float acc, const float *a, const float *b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) acc = fmaf(a[k], b[k], acc);
    return acc;
}

void ay_ref_sum_add(struct ay_ref_sum *s, float x)
{
    s->lane[s->next++ % 16] += x;
}

void ay_ref_sum_square(struct ay_ref_sum *s, float x)
{
    float *lane = &s->lane[s->next++ % 16];
    *lane = fmaf(x, x, *lane);
}

float ay_ref_sum_finish(const struct ay_ref_sum *s)
{
    float lane[16];
    for (int l = 0; l < 16; l++) lane[l] = s->lane[l];
    for (int h = 8; h > 0; h /= 2)
        for (int l = 0; l < h; l++) lane[l] += lane[l + h];
    return lane[0];
}

float ay_ref_reduce_sum(const float *x, uint32_t n, uint32_t stride)
{
    struct ay_ref_sum s = {0};
    for (uint32_t i = 0; i < n; i++) ay_ref_sum_add(&s, x[(size_t)i * stride]);
    return ay_ref_sum_finish(&s);
}

float ay_ref_reduce_sumsq(const float *x, uint32_t n, uint32_t stride)
{
    struct ay_ref_sum s = {0};
    for (uint32_t i = 0; i < n; i++) ay_ref_sum_square(&s, x[(size_t)i * stride]);
    return ay_ref_sum_finish(&s);
}

float ay_ref_reduce_max(const float *x, uint32_t n, uint32_t stride)
{
    float m = ay_f32(AY_NEG_INF_BITS);
    for (uint32_t i = 0; i < n; i++) m = ay_ref_max(m, x[(size_t)i * stride]);
    return m;
}

enum ay_code ay_map_check(const struct ay_map *map)
{
    if (map->step_count == 0 || map->step_count > AY_MAX_MAP_STEPS) return AY_E_RANGE;
    if (map->input_count > AY_MAX_MAP_INPUTS) return AY_E_RANGE;
    for (uint32_t i = 0; i < map->step_count; i++) {
        const uint32_t limit[] = {[AY_MAP_INPUT] = map->input_count,
                                  [AY_MAP_STEP] = i,
                                  [AY_MAP_CONST] = map->const_count,
                                  [AY_MAP_DIM] = map->dim_count};
        unsigned arity = ay_fn_arity(map->steps[i].fn);
        if (arity == 0) return AY_E_RANGE;
        for (unsigned j = 0; j < arity; j++) {
            uint32_t kind = map->steps[i].args[j] >> 24, index = map->steps[i].args[j] & 0xffffff;
            if (kind > AY_MAP_DIM || index >= limit[kind]) return AY_E_RANGE;
        }
    }
    return AY_OK;
}

float ay_ref_map(const struct ay_map *map, const float *inputs)
{
    float value[AY_MAX_MAP_STEPS];
    for (uint32_t i = 0; i < map->step_count; i++) {
        const struct ay_map_step *step = &map->steps[i];
        float arg[2] = {0, 0};
        for (unsigned j = 0; j < ay_fn_arity(step->fn); j++) {
            uint32_t index = step->args[j] & 0xffffff;
            switch ((enum ay_map_kind)(step->args[j] >> 24)) {
            case AY_MAP_INPUT: arg[j] = inputs[index]; break;
            case AY_MAP_STEP: arg[j] = value[index]; break;
            case AY_MAP_CONST: arg[j] = ay_f32(map->consts[index]); break;
            case AY_MAP_DIM: arg[j] = (float)map->dims[index]; break;
            }
        }
        value[i] = ay_ref_fn(step->fn, arg[0], arg[1]);
    }
    return value[map->step_count - 1];
}
