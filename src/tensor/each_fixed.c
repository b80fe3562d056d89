/* MAPs of fixed point that stand alone. */
#include "tensor/each.h"

#include "tensor/fixed.h"

static bool is_whole(const struct ay_call *call, uint32_t i)
{
    return ay_tensor_elements(&call->in[i]) == ay_tensor_elements(&call->out);
}

static void sum(const struct ay_call *call, const uint32_t in[2], const struct ay_fixed_sum *s,
                uint64_t first, uint64_t last)
{
    const uint8_t *a = call->from[in[0]], *b = call->from[in[1]];
    call->kernels->steps->sum_bytes(a + first, b + first, s, (uint8_t *)call->to + first,
                                    last - first);
}

static bool round_rows(const struct ay_call *call, const struct ay_fixed_round *round,
                       uint64_t first, uint64_t last)
{
    enum ay_fixed_place places[AY_MAX_WORK_OP_IN];
    struct ay_fixed_rows rows;
    uint64_t n = call->out.dims[call->out.rank - 1];
    for (uint32_t i = 0; i < call->op->in_count; i++)
        places[i] =
            ay_fixed_place_of(call->in[i].dims, call->in[i].rank, call->out.dims, call->out.rank);
    if (!ay_fixed_rows_of(call->op, round, places, call->from, &rows)) return false;
    const int32_t *x = call->from[round->x];
    for (uint64_t at = first, end; at < last; at = end) {
        end = (at / n + 1) * n < last ? (at / n + 1) * n : last;
        ay_fixed_run(&rows, call->kernels->steps, x + at, at / n, at % n, end - at,
                     (uint8_t *)call->to + at);
    }
    return true;
}

bool ay_each_fixed(const struct ay_call *call, uint64_t first, uint64_t last)
{
    uint32_t dtypes[AY_MAX_WORK_OP_IN], in[2];
    struct ay_fixed_sum s;
    struct ay_fixed_round r;
    for (uint32_t i = 0; i < call->op->in_count; i++) dtypes[i] = call->in[i].dtype;
    if (ay_fixed_sum_of(call->op, dtypes, in, &s) && is_whole(call, in[0]) &&
        is_whole(call, in[1])) {
        sum(call, in, &s, first, last);
        return true;
    }
    return ay_fixed_round_of(call->op, dtypes, &r) && is_whole(call, r.x) &&
           round_rows(call, &r, first, last);
}
