/* Sequences of tensors, which live only while a graph is lowered: a list is a value of dtype NONE,
 * rank 1 and its length as its dim, whose data are its members. Nothing but control flow, Identity
 * and the operators of sequence.c is given one (lower.c sees to it), so that what is written to the
 * tape never meets it. */
#ifndef AY_TENSOR_LOWER_SEQUENCE_H
#define AY_TENSOR_LOWER_SEQUENCE_H

#include "tensor/lower/lower.h"

static inline bool ay_is_sequence(const struct ay_value *x)
{
    return x && x->dtype == AY_WORK_DTYPE_NONE;
}

#endif
