/* Ops that move rows of elements: CONCAT, and SCATTER, which may also combine them. */
#include "tensor/each.h"

#include "tensor/ref/float.h"

#include <string.h>

#define COPY_LOOP(type)                                                                            \
    {                                                                                              \
        type *out = to;                                                                            \
        const type *in = from;                                                                     \
        for (uint64_t i = 0; i < count; i++) out[i] = in[(int64_t)i * stride];                     \
    }

void ay_each_copy(void *to, const void *from, int64_t stride, uint64_t count, uint32_t bytes)
{
    if (stride == 1)
        memcpy(to, from, count * bytes);
    else if (bytes == 4)
        COPY_LOOP(uint32_t)
    else if (bytes == 8)
        COPY_LOOP(uint64_t)
    else
        COPY_LOOP(uint8_t)
}

/* Element i of a tensor of integers. */
static int64_t integer(const struct ay_call *call, uint32_t dtype, const void *from, uint64_t i)
{
    int64_t x;
    call->kernels->steps->widen(dtype, ay_element(from, i, ay_dtype_bytes(dtype)), &x, 1);
    return x;
}

void ay_each_concat(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    (void)scratch;
    uint32_t axis = call->op->axis, bytes = ay_dtype_bytes(call->out.dtype);
    uint64_t inner = ay_span(&call->out, axis + 1, call->out.rank);
    uint64_t row = inner * call->out.dims[axis];
    for (uint64_t i = first, run; i < last; i += run) {
        uint64_t outer = i / row, at = i % row, own = 0;
        uint32_t k = 0;
        for (; at >= (own = call->in[k].dims[axis] * inner); k++) at -= own;
        run = own - at < last - i ? own - at : last - i;
        ay_each_copy(ay_element_to(call->to, i, bytes),
                     ay_element(call->from[k], outer * own + at, bytes), 1, run, bytes);
    }
}

static float f32_with(uint32_t reduce, float x, float u)
{
    switch (reduce) {
    case AY_WORK_REDUCE_SUM: return x + u;
    case AY_WORK_REDUCE_PROD: return x * u;
    case AY_WORK_REDUCE_MAX: return ay_ref_max(x, u);
    case AY_WORK_REDUCE_MIN: return -ay_ref_max(-x, -u);
    default: return u;
    }
}

static int64_t integer_with(uint32_t reduce, int64_t x, int64_t u)
{
    switch (reduce) {
    case AY_WORK_REDUCE_SUM: return x + u;
    case AY_WORK_REDUCE_PROD: return x * u;
    case AY_WORK_REDUCE_MAX: return x > u ? x : u;
    case AY_WORK_REDUCE_MIN: return x < u ? x : u;
    default: return u;
    }
}

void ay_each_scatter(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    (void)scratch;
    uint32_t dtype = call->out.dtype, bytes = ay_dtype_bytes(dtype);
    AY_ASSERT(first == 0);
    memcpy(call->to, call->from[0], last * bytes);
    uint64_t updates = ay_tensor_elements(&call->in[1]);
    for (uint64_t k = 0; k < updates; k++) {
        int64_t id = integer(call, call->in[1].dtype, call->from[1], k);
        if (id < 0 || (uint64_t)id >= last) continue;
        if (dtype == AY_WORK_DTYPE_F32) {
            float *at = (float *)call->to + id;
            float x = f32_with(call->op->reduce, *at, ((const float *)call->from[2])[k]);
            *at = ay_f32(ay_f32_bits(x));
        } else {
            int64_t x = integer_with(call->op->reduce, integer(call, dtype, call->to, (uint64_t)id),
                                     integer(call, dtype, call->from[2], k));
            call->kernels->steps->narrow(dtype, &x, ay_element_to(call->to, (uint64_t)id, bytes),
                                         1);
        }
    }
}
