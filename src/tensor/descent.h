/* Levels of a descent through trees, as lower/tree_descent.c writes them: for each element
 *     word = words[at]; place = row + (word & mask); at = (word >> shift) + (splits[at] < x[place])
 * which is GATHER, MAP, GATHER, GATHER, MAP. One step goes down all levels, several elements side
 * by side, and stops where none of them moves any more: the levels left would not move them either.
 * Internal to the executor. */
#ifndef AY_TENSOR_DESCENT_H
#define AY_TENSOR_DESCENT_H

#include "tensor/plan.h"

#define AY_DESCENT_LEVEL 5u /* ops */

/* Operands of a level: ids of values. at and what it becomes are I32. */
struct ay_descent {
    uint32_t at, words, splits, x;
    uint32_t row; /* one number for each index of the last axis; AY_NONE: 0 */
    int32_t mask;
    uint32_t shift; /* 0 to 31 */
};

/* Whether op `first` begins a level. Its dims and those of its operands are numbers then. */
bool ay_descent_level(const struct ay_plan *plan, uint32_t first, struct ay_descent *out);

/* How many ops from `first` on are levels of one descent, between which nothing is for other ops.
 * uses: how many operands and outputs of the program name each value. */
uint32_t ay_descent_ops(const struct ay_plan *plan, const uint32_t *uses, uint32_t first);

#endif
