#include "tensor/fixed.h"

#include "tensor/ref/fn.h"

static uint32_t input(uint32_t index)
{
    return (uint32_t)AY_MAP_INPUT << 24 | index;
}

static uint32_t step(uint32_t index)
{
    return (uint32_t)AY_MAP_STEP << 24 | index;
}

static uint32_t index_of(uint32_t arg)
{
    return arg & 0xffffffu;
}

static bool is_input(uint32_t arg)
{
    return arg >> 24 == AY_MAP_INPUT;
}

static bool is_int(uint32_t arg)
{
    return arg >> 24 == AY_MAP_INT;
}

/* Step i is fn of what the step before gives; *other is its second operand. */
static bool follows(const struct ay_work_op *op, uint32_t i, uint32_t fn, uint32_t *other)
{
    const struct ay_work_map_step *s = &op->steps[i];
    if (s->fn != fn || s->args[0] != step(i - 1)) return false;
    *other = s->args[1];
    return true;
}

static bool within_byte(const struct ay_work_op *op, int64_t x)
{
    if (op->dtype == AY_WORK_DTYPE_I8) return x >= -128 && x <= 127;
    return op->dtype == AY_WORK_DTYPE_U8 && x >= 0 && x <= 255;
}

/* The last two steps hold what is before them within a byte. */
static bool ends_in_byte(const struct ay_work_op *op, int32_t *low, int32_t *high)
{
    uint32_t last = op->steps_count - 1, a, b;
    if (!follows(op, last, AY_WORK_FN_INT_MIN, &b) ||
        !follows(op, last - 1, AY_WORK_FN_INT_MAX, &a) || !is_int(a) || !is_int(b) ||
        !within_byte(op, op->ints[index_of(a)]) || !within_byte(op, op->ints[index_of(b)]))
        return false;
    *low = (int32_t)op->ints[index_of(a)];
    *high = (int32_t)op->ints[index_of(b)];
    return true;
}

bool ay_fixed_round_of(const struct ay_work_op *op, const uint32_t *dtypes,
                       struct ay_fixed_round *out)
{
    static const uint32_t wanted[] = {AY_WORK_DTYPE_I32, AY_WORK_DTYPE_I64, AY_WORK_DTYPE_I32};
    const struct ay_work_map_step *s = op->steps;
    if (op->kind != AY_WORK_OP_MAP || op->steps_count != 5 || s[0].fn != AY_WORK_FN_INT_MUL ||
        !is_input(s[0].args[0]) || !follows(op, 1, AY_WORK_FN_INT_ADD, &out->arg[1]) ||
        !follows(op, 2, AY_WORK_FN_INT_SHR, &out->arg[2]) ||
        !ends_in_byte(op, &out->low, &out->high))
        return false;
    out->x = index_of(s[0].args[0]);
    out->arg[0] = s[0].args[1];
    for (uint32_t k = 0; k < 3; k++) {
        bool known = is_int(out->arg[k]);
        if (!known && (!is_input(out->arg[k]) || out->arg[k] == input(out->x) ||
                       dtypes[index_of(out->arg[k])] != wanted[k]))
            return false;
    }
    int64_t by = is_int(out->arg[0]) ? op->ints[index_of(out->arg[0])] : 0;
    return dtypes[out->x] == AY_WORK_DTYPE_I32 && by >= INT32_MIN && by <= INT32_MAX;
}

static bool times(const struct ay_work_op *op, const uint32_t *dtypes, uint32_t i, uint32_t *in,
                  int64_t *by)
{
    const struct ay_work_map_step *s = &op->steps[i];
    if (s->fn != AY_WORK_FN_INT_MUL || !is_input(s->args[0]) || !is_int(s->args[1])) return false;
    *in = index_of(s->args[0]);
    *by = op->ints[index_of(s->args[1])];
    return dtypes[*in] == AY_WORK_DTYPE_U8;
}

/* Step 2 is the sum of steps 0 and 1. */
static bool adds_first_two(const struct ay_work_op *op)
{
    const struct ay_work_map_step *s = &op->steps[2];
    return s->fn == AY_WORK_FN_INT_ADD && ((s->args[0] == step(0) && s->args[1] == step(1)) ||
                                           (s->args[0] == step(1) && s->args[1] == step(0)));
}

/* As large as any of them may be, that sums stay within 31 bits. */
static bool is_small(int64_t x)
{
    return x > -(1 << 22) && x < 1 << 22;
}

bool ay_fixed_sum_of(const struct ay_work_op *op, const uint32_t *dtypes, uint32_t in[2],
                     struct ay_fixed_sum *out)
{
    int64_t by[2];
    uint32_t offset, shift;
    if (op->kind != AY_WORK_OP_MAP || op->steps_count != 7 ||
        !times(op, dtypes, 0, &in[0], &by[0]) || !times(op, dtypes, 1, &in[1], &by[1]) ||
        !adds_first_two(op) || !follows(op, 3, AY_WORK_FN_INT_ADD, &offset) ||
        !follows(op, 4, AY_WORK_FN_INT_SHR, &shift) || !is_int(offset) || !is_int(shift) ||
        !ends_in_byte(op, &out->low, &out->high))
        return false;
    int64_t off = op->ints[index_of(offset)], s = op->ints[index_of(shift)];
    if (s < 0 || s > 31 || !is_small(by[0]) || !is_small(by[1])) return false;
    int64_t most = 255 * ((by[0] < 0 ? -by[0] : by[0]) + (by[1] < 0 ? -by[1] : by[1]));
    if (off < INT32_MIN + most || off > INT32_MAX - most) return false;
    out->multiplier[0] = (int32_t)by[0];
    out->multiplier[1] = (int32_t)by[1];
    out->offset = (int32_t)off;
    out->shift = (uint32_t)s;
    return true;
}

bool ay_fixed_widens(const struct ay_work_op *op, const uint32_t *dtypes)
{
    const struct ay_work_map_step *s = op->steps;
    return op->kind == AY_WORK_OP_MAP && op->dtype == AY_WORK_DTYPE_I32 && op->steps_count == 1 &&
           s->fn == AY_WORK_FN_INT_OR && s->args[0] == input(0) && is_int(s->args[1]) &&
           op->ints[index_of(s->args[1])] == 0 && dtypes[0] == AY_WORK_DTYPE_U8;
}

enum ay_fixed_place ay_fixed_place_of(const uint32_t *dims, uint32_t rank, const uint32_t *out,
                                      uint32_t out_rank)
{
    bool ones = true, row = rank == out_rank; /* but for the last axis */
    if (rank == 0) return AY_FIXED_SINGLE;
    for (uint32_t d = 0; d + 1 < rank; d++) {
        ones = ones && dims[d] == 1;
        row = row && dims[d] == out[d];
    }
    bool one = dims[rank - 1] == 1;
    if (ones && one) return AY_FIXED_SINGLE;
    if (row && one) return AY_FIXED_ROW;
    return ones && dims[rank - 1] == out[out_rank - 1] ? AY_FIXED_COLUMN : AY_FIXED_NONE;
}

bool ay_fixed_rows_of(const struct ay_work_op *op, const struct ay_fixed_round *round,
                      const enum ay_fixed_place *places, const void *const *from,
                      struct ay_fixed_rows *out)
{
    uint32_t columns = 0;
    *out = (struct ay_fixed_rows){.place = AY_FIXED_ROW, .low = round->low, .high = round->high};
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t index = index_of(round->arg[k]);
        if (is_int(round->arg[k])) {
            out->value[k] = op->ints[index];
            continue;
        }
        if (places[index] == AY_FIXED_NONE) return false;
        columns += places[index] == AY_FIXED_COLUMN;
        const void *at = from ? from[index] : NULL;
        if (places[index] != AY_FIXED_SINGLE)
            out->at[k] = at;
        else if (at)
            out->value[k] = k == 1 ? *(const int64_t *)at : *(const int32_t *)at;
    }
    if (columns) out->place = AY_FIXED_COLUMN;
    return columns == 0 || columns == 3;
}

void ay_fixed_run(const struct ay_fixed_rows *f, const struct ay_steps *steps, const int32_t *x,
                  uint64_t row, uint64_t column, size_t n, uint8_t *out)
{
    const int32_t *by = f->at[0], *shifts = f->at[2];
    const int64_t *offset = f->at[1];
    if (f->place == AY_FIXED_COLUMN) {
        const struct ay_fixed_columns c = {by + column, shifts + column, offset + column, f->low,
                                           f->high};
        steps->round_columns(x, &c, out, n);
        return;
    }
    int64_t shift = shifts ? shifts[row] : f->value[2];
    const struct ay_fixed_row r = {by ? by[row] : (int32_t)f->value[0], f->low, f->high,
                                   (uint32_t)(shift < 0    ? 0
                                              : shift > 63 ? 63
                                                           : shift),
                                   offset ? offset[row] : f->value[1]};
    steps->round_row(x, &r, out, n);
}
