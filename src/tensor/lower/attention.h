/* What attention.c and fused_attention.c share. Heads are (B, heads, T, W): T rows of W columns. */
#ifndef AY_TENSOR_LOWER_ATTENTION_H
#define AY_TENSOR_LOWER_ATTENTION_H

#include "tensor/lower/terms.h"

/* (B, T, heads W) as (B, heads, T, W); one of rank 4 is so already. */
term ay_heads_split(const struct ay_lower *l, term x, int64_t heads, const char *what);
/* (B, heads, T, W) as (B, T, heads W). */
term ay_heads_merge(const struct ay_lower *l, term x);
/* (B, heads, T, W), each head `times` times in a row. */
term ay_heads_repeat(const struct ay_lower *l, term x, uint64_t times);

/* 0 where it is allowed, else -inf: to be added to scores. */
term ay_infinity_unless(const struct ay_lower *l, term allowed);

/* x (B, heads, T, W) whose first `turned` columns are rotated in pairs, neighbours if the node has
 * `interleaved` or `rotary_interleaved`, else halves. Tables (positions, turned / 2) are read at
 * positions (B, T), or are (B, T, turned / 2) where that is NULL. */
term ay_rotate(const struct ay_lower *l, term x, term cosines, term sines, term positions,
               uint64_t turned);

#endif
