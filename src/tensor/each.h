/* Steps of one op: a function an op kind, over a range of the output's elements, so that threads
 * share out any op alike. Every dtype, every shape; f32 chains go row by row instead (rows.c).
 * Internal to the executor. */
#ifndef AY_TENSOR_EACH_H
#define AY_TENSOR_EACH_H

#include "tensor/kernel/kernels.h"
#include "tensor/map.h"
#include "tensor/program.h"

#include <stddef.h>

/* One op in one run, its types with numbers for dims. */
struct ay_call {
    const struct ay_work_op *op;
    const struct ay_kernels *kernels;
    const struct ay_map_words *words; /* of a MAP whose integers fit 32 bits; NULL: of another */
    const uint32_t *sizes;            /* of the symbols */
    struct ay_tensor_type out, in[AY_MAX_WORK_OP_IN];
    const void *from[AY_MAX_WORK_OP_IN];
    void *to;
};

/* Elements first..last - 1 of the output; scratch has ay_each_scratch bytes, 64-byte aligned. */
typedef void ay_each(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch);

ay_each ay_each_gather, ay_each_map, ay_each_matmul, ay_each_reduce, ay_each_permute, ay_each_view,
    ay_each_concat, ay_each_scatter;

/* The same of a MAP, if it is of fixed point and its kernel can take its operands. */
bool ay_each_fixed(const struct ay_call *call, uint64_t first, uint64_t last);

/* Elements that are worked on between two looks at shapes. */
#define AY_EACH_BLOCK 512

/* A VIEW of what lies in its operand in the result's order: from element `first` on, each row of
 * the result's last axis `row` elements after the one before; 0: all elements follow each other. */
struct ay_each_part {
    uint64_t first;
    uint32_t row;
};
/* Whether it is one. False where dims are symbols. */
bool ay_each_view_part(const struct ay_work_op *op, struct ay_each_part *out);

size_t ay_each_scratch(const struct ay_call *call);

/* `count` elements of `bytes` (1, 4 or 8) each, the source's `stride` elements apart. */
void ay_each_copy(void *to, const void *from, int64_t stride, uint64_t count, uint32_t bytes);

/* Address of element i. */
static inline const void *ay_element(const void *base, uint64_t i, uint32_t bytes)
{
    return (const uint8_t *)base + i * bytes;
}
static inline void *ay_element_to(void *base, uint64_t i, uint32_t bytes)
{
    return (uint8_t *)base + i * bytes;
}

/* Product of dims[first..last - 1]. */
static inline uint64_t ay_span(const struct ay_tensor_type *t, uint32_t first, uint32_t last)
{
    uint64_t n = 1;
    for (uint32_t i = first; i < last; i++) n *= t->dims[i];
    return n;
}

#endif
