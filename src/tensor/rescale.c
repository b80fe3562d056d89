#include "tensor/rescale.h"

#include "tensor/ref/float.h"
#include "tensor/plan.h"
#include "tensor/ref/fn.h"

/* Columns for which single numbers are spread at a time. */
#define COLUMNS 64u

/* Bits of 0, 1 and -0: what changes nothing. */
static const uint32_t otherwise[] = {0, 0x3f800000u, 0x80000000u};

/* Reads steps one after another, each of what the one before gives. */
struct reader {
    const struct ay_work_op *op;
    uint32_t at;    /* of the next step */
    uint32_t value; /* argument that is the last step's value */
};

/* Takes the next step, if it is fn of the value, in either place where any_place; *other: its other
 * operand. */
static bool take(struct reader *r, uint32_t fn, bool any_place, uint32_t *other)
{
    const struct ay_work_map_step *s = &r->op->steps[r->at];
    if (r->at == r->op->steps_count || s->fn != fn) return false;
    uint32_t k = s->args[0] != r->value;
    if (s->args[k] != r->value || (k == 1 && !any_place)) return false;
    if (s->args_count == 2) *other = s->args[1 - k];
    r->value = (uint32_t)AY_MAP_STEP << 24 | r->at++;
    return true;
}

static bool take_number(struct reader *r, uint32_t fn, bool any_place, float *number)
{
    struct reader before = *r;
    uint32_t other = 0;
    if (take(r, fn, any_place, &other) && other >> 24 == AY_MAP_CONST) {
        *number = ay_f32(r->op->consts[other & 0xffffffu]);
        return true;
    }
    *r = before;
    return false;
}

/* A step by which a difference is read back from 32 bits. */
static bool take_shift(struct reader *r, uint32_t fn)
{
    uint32_t other = 0;
    return take(r, fn, false, &other) && other >> 24 == AY_MAP_INT &&
           r->op->ints[other & 0xffffffu] == 32;
}

static bool is_input(uint32_t arg, const uint32_t *dtypes, uint32_t dtype)
{
    return arg >> 24 == AY_MAP_INPUT && dtypes[arg & 0xffffffu] == dtype;
}

static bool is_i32(const struct ay_work_op *op, uint32_t arg, const uint32_t *dtypes)
{
    if (arg >> 24 != AY_MAP_INT) return is_input(arg, dtypes, AY_WORK_DTYPE_I32);
    return op->ints[arg & 0xffffffu] == (int32_t)op->ints[arg & 0xffffffu];
}

static bool is_f32(uint32_t arg, const uint32_t *dtypes)
{
    return arg >> 24 == AY_MAP_CONST || is_input(arg, dtypes, AY_WORK_DTYPE_F32);
}

/* Bytes hold what is within these bounds. */
static bool fit_byte(uint32_t dtype, float low, float high)
{
    float least = dtype == AY_WORK_DTYPE_I8 ? -128.0F : 0.0F;
    return (dtype == AY_WORK_DTYPE_I8 || dtype == AY_WORK_DTYPE_U8) && low >= least &&
           high <= least + 255.0F && low <= high;
}

bool ay_rescale_of(const struct ay_work_op *op, const uint32_t *dtypes, struct ay_rescale_form *out)
{
    struct reader r = {op, 0, 0};
    uint32_t none = 0;
    *out = (struct ay_rescale_form){.arg = {AY_NONE, AY_NONE, AY_NONE}};
    if (op->kind != AY_WORK_OP_MAP || op->steps_count < 6) return false;
    r.value = op->steps[0].args[0];
    out->x = r.value & 0xffffffu;
    if (!is_input(r.value, dtypes, AY_WORK_DTYPE_I32)) return false;
    if (take(&r, AY_WORK_FN_INT_SUB, false, &out->arg[0]) &&
        (!is_i32(op, out->arg[0], dtypes) || !take_shift(&r, AY_WORK_FN_INT_SHL) ||
         !take_shift(&r, AY_WORK_FN_INT_SHR)))
        return false;
    if (!take(&r, AY_WORK_FN_TO_FLOAT, false, &none) ||
        !take(&r, AY_WORK_FN_MUL, true, &out->arg[1]) || !is_f32(out->arg[1], dtypes))
        return false;
    if (take(&r, AY_WORK_FN_ADD, true, &out->arg[2]) && !is_f32(out->arg[2], dtypes)) return false;
    if (!take_number(&r, AY_WORK_FN_DIV, false, &out->by) ||
        !take(&r, AY_WORK_FN_RINT, false, &none))
        return false;
    (void)take_number(&r, AY_WORK_FN_ADD, true, &out->more);
    return take_number(&r, AY_WORK_FN_MAX, true, &out->low) &&
           take_number(&r, AY_WORK_FN_MIN, true, &out->high) &&
           take(&r, AY_WORK_FN_TO_INT, false, &none) && r.at == op->steps_count &&
           fit_byte(op->dtype, out->low, out->high);
}

bool ay_rescale_rows_of(const struct ay_work_op *op, const struct ay_rescale_form *form,
                        const enum ay_fixed_place *places, const void *const *from,
                        struct ay_rescale_rows *out)
{
    bool rows = false, columns = false;
    *out = (struct ay_rescale_rows){
        .by = form->by, .more = form->more, .low = form->low, .high = form->high};
    for (uint32_t k = 0; k < 3; k++) {
        uint32_t arg = form->arg[k], index = arg & 0xffffffu;
        out->value[k] = otherwise[k];
        if (arg == AY_NONE) continue;
        if (arg >> 24 == AY_MAP_INT) out->value[k] = (uint32_t)op->ints[index];
        if (arg >> 24 == AY_MAP_CONST) out->value[k] = op->consts[index];
        if (arg >> 24 != AY_MAP_INPUT) continue;
        if (places[index] == AY_FIXED_NONE) return false;
        rows = rows || places[index] == AY_FIXED_ROW;
        columns = columns || places[index] == AY_FIXED_COLUMN;
        const uint32_t *at = from ? from[index] : NULL;
        if (places[index] != AY_FIXED_SINGLE)
            out->at[k] = at;
        else if (at)
            out->value[k] = *at;
    }
    out->place = columns ? AY_FIXED_COLUMN : AY_FIXED_ROW;
    return !(rows && columns);
}

void ay_rescale_run(const struct ay_rescale_rows *f, const struct ay_steps *steps,
                    const struct ay_rescale_tile *t, uint8_t *out, size_t ld)
{
    uint32_t spread[3][COLUMNS];
    for (size_t j = 0; j < t->columns; j += COLUMNS) {
        size_t n = t->columns - j < COLUMNS ? t->columns - j : COLUMNS;
        bool columns = f->place == AY_FIXED_COLUMN;
        struct ay_rescale r = {
            .columns = columns, .by = f->by, .more = f->more, .low = f->low, .high = f->high};
        const void **to[] = {&r.off, &r.scale, &r.bias};
        for (uint32_t k = 0; k < 3; k++) {
            *to[k] = &f->value[k];
            r.row[k] = !columns && f->at[k];
            if (f->at[k]) *to[k] = f->at[k] + (columns ? t->column + j : t->row);
            if (!columns || f->at[k]) continue;
            for (size_t i = 0; i < n; i++) spread[k][i] = f->value[k];
            *to[k] = spread[k];
        }
        steps->rescale(t->sums + j, t->ld, &r, out + j, ld, t->rows, n);
    }
}
