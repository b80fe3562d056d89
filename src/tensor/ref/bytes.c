#include "tensor/ref/bytes.h"

#include "base/bytes.h"
#include "tensor/ref/float.h"
#include "tensor/ref/ops.h"

static float load(const uint8_t *x_le, uint32_t i)
{
    return ay_f32(ay_get_le32(x_le + (size_t)4 * i));
}

uint32_t ay_ref_chain_bits(uint32_t acc, const uint8_t *a_le, const uint8_t *b_le, uint32_t n)
{
    float sum = ay_f32(acc);
    for (uint32_t k = 0; k < n; k++) {
        float a = load(a_le, k), b = load(b_le, k);
        sum = ay_ref_chain(sum, &a, &b, 1);
    }
    return ay_f32_bits(sum);
}

static struct ay_ref_sum sum_load(const uint8_t state[AY_REF_SUM_BYTES], uint64_t next)
{
    struct ay_ref_sum s = {.next = next};
    for (uint32_t l = 0; l < 16; l++) s.lane[l] = load(state, l);
    return s;
}

static void sum_bits(void (*step)(struct ay_ref_sum *, float), uint8_t state[AY_REF_SUM_BYTES],
                     uint64_t first_index, const uint8_t *x_le, uint32_t n)
{
    struct ay_ref_sum s = sum_load(state, first_index);
    for (uint32_t i = 0; i < n; i++) step(&s, load(x_le, i));
    for (uint32_t l = 0; l < 16; l++) ay_put_le32(state + (size_t)4 * l, ay_f32_bits(s.lane[l]));
}

void ay_ref_sum_bits(uint8_t state[AY_REF_SUM_BYTES], uint64_t first_index, const uint8_t *x_le,
                     uint32_t n)
{
    sum_bits(ay_ref_sum_add, state, first_index, x_le, n);
}

void ay_ref_sumsq_bits(uint8_t state[AY_REF_SUM_BYTES], uint64_t first_index, const uint8_t *x_le,
                       uint32_t n)
{
    sum_bits(ay_ref_sum_square, state, first_index, x_le, n);
}

uint32_t ay_ref_sum_finish_bits(const uint8_t state[AY_REF_SUM_BYTES])
{
    struct ay_ref_sum s = sum_load(state, 0);
    return ay_f32_bits(ay_ref_sum_finish(&s));
}

uint32_t ay_ref_max_bits(uint32_t acc, const uint8_t *x_le, uint32_t n)
{
    float m = ay_f32(acc);
    for (uint32_t i = 0; i < n; i++) m = ay_ref_max(m, load(x_le, i));
    return ay_f32_bits(m);
}

enum ay_code ay_ref_map_bits(const struct ay_map *map, const uint32_t *inputs, uint32_t *out)
{
    AY_TRY(ay_map_check(map));
    float x[AY_MAX_MAP_INPUTS];
    for (uint32_t i = 0; i < map->input_count; i++) x[i] = ay_f32(inputs[i]);
    *out = ay_f32_bits(ay_ref_map(map, x));
    return AY_OK;
}

bool ay_ref_canonical(const uint8_t *x_le, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits = ay_get_le32(x_le + (size_t)4 * i);
        if ((bits & 0x7fffffff) > 0x7f800000 && bits != AY_NAN_BITS) return false;
    }
    return true;
}
