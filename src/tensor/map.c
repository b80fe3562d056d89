#include "tensor/map.h"

#include "tensor/ref/float.h"

/* A step's operand or value: elements, or one number for the whole row. */
struct term {
    const float *at; /* NULL: scalar */
    float scalar;
};

struct row {
    const struct ay_kernels *kernels;
    const struct ay_work_op *op;
    const uint32_t *sizes;
    struct term inputs[AY_MAX_WORK_OP_IN];
    struct term steps[AY_MAX_WORK_OP_STEPS];
};

static struct term term_of(const struct row *row, uint32_t arg)
{
    uint32_t index = arg & 0xffffffu;
    switch ((enum ay_map_kind)(arg >> 24)) {
    case AY_MAP_INPUT: return row->inputs[index];
    case AY_MAP_STEP: return row->steps[index];
    case AY_MAP_CONST: return (struct term){NULL, ay_f32(row->op->consts[index])};
    case AY_MAP_DIM: return (struct term){NULL, (float)row->sizes[index]};
    case AY_MAP_INT: break;
    }
    ay_panic(__FILE__, __LINE__, "an integer in an expression of f32");
}

/* One step over n elements: its value goes to `to`, unless it is a scalar. */
static struct term step(const struct row *row, uint32_t index, float *to, size_t n)
{
    const struct ay_work_map_step *s = &row->op->steps[index];
    const struct ay_kernels *k = row->kernels;
    enum ay_fn fn = (enum ay_fn)s->fn;
    struct term a = term_of(row, s->args[0]);
    struct term b = s->args_count > 1 ? term_of(row, s->args[1]) : (struct term){NULL, 0};
    if (!a.at && !b.at) return (struct term){NULL, ay_ref_fn(fn, a.scalar, b.scalar)};
    if (s->args_count == 1)
        k->unary[fn](a.at, to, n);
    else if (a.at && b.at)
        k->vv[fn](a.at, b.at, to, n);
    else if (a.at)
        k->vs[fn](a.at, b.scalar, to, n);
    else
        k->sv[fn](a.scalar, b.at, to, n);
    return (struct term){to, 0};
}

static void map_block(struct row *row, float *out, size_t n, float *temp)
{
    uint32_t last = row->op->steps_count - 1;
    for (uint32_t i = 0; i < last; i++)
        row->steps[i] = step(row, i, temp + (size_t)i * AY_MAP_BLOCK, n);
    struct term value = step(row, last, out, n);
    for (size_t i = 0; !value.at && i < n; i++) out[i] = ay_f32(ay_f32_bits(value.scalar));
}

void ay_map_rows(const struct ay_kernels *kernels, const struct ay_work_op *op,
                 const uint32_t *sizes, const struct ay_map_operand *operands, size_t rows,
                 size_t n, float *out, size_t stride, float *temp)
{
    struct row row = {.kernels = kernels, .op = op, .sizes = sizes};
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j += AY_MAP_BLOCK) {
            for (uint32_t i = 0; i < op->in_count; i++) {
                const float *at = operands[i].at + r * operands[i].stride;
                row.inputs[i] =
                    operands[i].scalar ? (struct term){NULL, *at} : (struct term){at + j, 0};
            }
            map_block(&row, out + r * stride + j, n - j < AY_MAP_BLOCK ? n - j : AY_MAP_BLOCK,
                      temp);
        }
}
