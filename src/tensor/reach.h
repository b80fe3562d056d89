/* Which elements of its operands one element of an op's output is computed from: index arithmetic,
 * the same for the specification, for whoever builds the evidence of a dispute and for whoever
 * judges it (docs/numerics.md, section 2). Pure. */
#ifndef AY_TENSOR_REACH_H
#define AY_TENSOR_REACH_H

#include "tensor/program.h"

/* Elements first, first + stride, ..., count of them, counted row by row. */
struct ay_reach {
    uint64_t first, stride;
    uint32_t count; /* 0: none */
};

/* What is read of operand `operand` for elements [from, from + count) of the chain of element
 * `element`; ops without a chain: from 0, count 1. Where an operand has one element for several of
 * the chain (the scales of MATMUL_Q8) or one for all (data of SCATTER, read with the chain's
 * first), there are so many fewer. id: of a GATHER, the id that it reads, as a number; NULL while
 * it is not known: the table's elements are then none. */
struct ay_reach ay_reach_of(const struct ay_op_shape *shape, uint32_t operand, uint64_t element,
                            uint64_t from, uint32_t count, const int64_t *id);

#endif
