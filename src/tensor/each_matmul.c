/* MATMUL of integers of which one is i32, as it comes; bytes by bytes are a step of their own. */
#include "tensor/each.h"

#include <string.h>

/* Row m of `a`, and the first row of the B that belongs to it. */
struct operands {
    uint64_t k, n, m;
    uint64_t b_row; /* of all of B */
};

static struct operands operands_of(const struct ay_call *call, uint64_t row)
{
    const struct ay_tensor_type *a = &call->in[0], *b = &call->in[1];
    uint64_t m = a->dims[a->rank - 2], n = b->dims[b->rank - 2];
    uint64_t batch = b->rank > 2 ? row / m : 0;
    return (struct operands){a->dims[a->rank - 1], n, row, batch * n};
}

static void row_to_i32(uint32_t dtype, const void *from, uint64_t k, int32_t *to)
{
    const int8_t *i8 = from;
    const uint8_t *u8 = from;
    if (dtype == AY_WORK_DTYPE_I32)
        memcpy(to, from, k * sizeof *to);
    else if (dtype == AY_WORK_DTYPE_I8)
        for (uint64_t i = 0; i < k; i++) to[i] = i8[i];
    else
        for (uint64_t i = 0; i < k; i++) to[i] = u8[i];
}

#define DOT(type)                                                                                  \
    static int32_t dot_##type(const int32_t *a, const void *from, uint64_t k)                      \
    {                                                                                              \
        const type *b = from;                                                                      \
        int32_t sum = 0;                                                                           \
        for (uint64_t i = 0; i < k; i++) sum += a[i] * (int32_t)b[i];                              \
        return sum;                                                                                \
    }
DOT(int8_t)
DOT(uint8_t)
DOT(int32_t)

void ay_each_matmul(const struct ay_call *call, uint64_t first, uint64_t last, void *scratch)
{
    int32_t *a = scratch, *out = call->to;
    uint32_t a_type = call->in[0].dtype, b_type = call->in[1].dtype;
    uint32_t a_bytes = ay_dtype_bytes(a_type), b_bytes = ay_dtype_bytes(b_type);
    int32_t (*dot)(const int32_t *, const void *, uint64_t) =
        b_type == AY_WORK_DTYPE_I8   ? dot_int8_t
        : b_type == AY_WORK_DTYPE_U8 ? dot_uint8_t
                                     : dot_int32_t;
    uint64_t n = call->out.dims[call->out.rank - 1];
    for (uint64_t i = first, end; i < last; i = end) {
        struct operands o = operands_of(call, i / n);
        end = (i / n + 1) * n < last ? (i / n + 1) * n : last;
        row_to_i32(a_type, ay_element(call->from[0], o.m * o.k, a_bytes), o.k, a);
        for (uint64_t e = i; e < end; e++)
            out[e] = dot(a, ay_element(call->from[1], (o.b_row + e % n) * o.k, b_bytes), o.k);
    }
}
