/* ref/ops.h for code that may not touch floating point: f32 as bit patterns (uint32_t) or as
 * little-endian bytes, on hosts of either byte order. Every NaN that comes out, and every NaN in a
 * state, is canonical. Inputs may hold any bits. Cost: a few ns an element. */
#ifndef AY_TENSOR_REF_BYTES_H
#define AY_TENSOR_REF_BYTES_H

#include "base/code.h"

struct ay_map;

/* A matmul element's chain, continued over n pairs (4 n bytes each); the first acc is 0. */
uint32_t ay_ref_chain_bits(uint32_t acc, const uint8_t *a_le, const uint8_t *b_le, uint32_t n);

/* Running state of a sum: 16 little-endian f32, all zero bytes at the start. Continues over n
 * elements, the first of which has index first_index along the axis. */
#define AY_REF_SUM_BYTES 64
void ay_ref_sum_bits(uint8_t state[AY_REF_SUM_BYTES], uint64_t first_index, const uint8_t *x_le,
                     uint32_t n);
void ay_ref_sumsq_bits(uint8_t state[AY_REF_SUM_BYTES], uint64_t first_index, const uint8_t *x_le,
                       uint32_t n);
uint32_t ay_ref_sum_finish_bits(const uint8_t state[AY_REF_SUM_BYTES]);

/* Running maximum, continued over n elements; the first acc is AY_REF_MAX_START. */
#define AY_REF_MAX_START 0xff800000u
uint32_t ay_ref_max_bits(uint32_t acc, const uint8_t *x_le, uint32_t n);

/* One element of a map, its inputs as bits, map->input_count of them. AY_E_RANGE, *out untouched,
 * when the map does not pass ay_map_check. */
AY_MUST enum ay_code ay_ref_map_bits(const struct ay_map *map, const uint32_t *inputs,
                                     uint32_t *out);

/* Whether every f32 of these n is not a NaN, or the canonical one: what may be committed. */
bool ay_ref_canonical(const uint8_t *x_le, uint32_t n);

#endif
