/* The zoo: one program with everything that a dispute can be about. */
#include "verify/testing.h"

#include "tensor/ref/fn.h"

/* Arrays in an op; those of a table of static storage live for ever. */
#define IN(...)                                                                                    \
    .in = (const uint32_t[]){__VA_ARGS__}, .in_count = sizeof((const uint32_t[]){__VA_ARGS__}) / 4
#define DIMS(...)                                                                                  \
    .dims = (const uint32_t[]){__VA_ARGS__},                                                       \
    .dims_count = sizeof((const uint32_t[]){__VA_ARGS__}) / 4
#define STEPS(n, table) .steps = (table), .steps_count = (n)
#define INPUT(i)        (uint32_t)(i)
#define STEP(i)         ((uint32_t)AY_MAP_STEP << 24 | (i))
#define CONST(i)        ((uint32_t)AY_MAP_CONST << 24 | (i))
#define DIM(i)          ((uint32_t)AY_MAP_DIM << 24 | (i))
#define INT(i)          ((uint32_t)AY_MAP_INT << 24 | (i))
#define FN1(f, a)                                                                                  \
    {                                                                                              \
        .fn = AY_WORK_FN_##f, .args = (const uint32_t[]){a}, .args_count = 1                       \
    }
#define FN2(f, a, b)                                                                               \
    {                                                                                              \
        .fn = AY_WORK_FN_##f, .args = (const uint32_t[]){a, b}, .args_count = 2                    \
    }
#define S AY_SYMBOL

/* Compound literals at file scope have static storage: the zoo's tables stand there. Operand ids:
 * 0 the input, 1.. the weights, then the ops. */
static const struct ay_work_map_step gelu[] = {FN1(ERF, INPUT(0)), FN2(ADD, STEP(0), CONST(0)),
                                               FN2(MUL, INPUT(0), STEP(1)),
                                               FN2(ADD, STEP(2), INPUT(1))};
static const struct ay_work_map_step centre[] = {FN2(DIV, INPUT(1), DIM(0)),
                                                 FN2(SUB, INPUT(0), STEP(0))};
static const struct ay_work_map_step exp_less[] = {FN2(SUB, INPUT(0), INPUT(1)), FN1(EXP, STEP(0))};
static const struct ay_work_map_step divide[] = {FN2(DIV, INPUT(0), INPUT(1))};
static const struct ay_work_map_step scale[] = {FN2(MUL, INPUT(0), CONST(0))};
static const struct ay_work_map_step plus[] = {FN2(INT_ADD, INPUT(0), INT(0))};
static const uint32_t ones[] = {0x3f800000};

enum { ZOO_WEIGHTS = 18 };
#define W(i) (1u + (i))
#define O(i) (1u + ZOO_WEIGHTS + (i))
static const struct ay_work_op encoder[] = {
    {.kind = AY_WORK_OP_GATHER, IN(W(0), 0), DIMS(S, 48)},
    {.kind = AY_WORK_OP_MAP,
     IN(O(0), W(1)),
     DIMS(S, 48),
     STEPS(4, gelu),
     .consts = ones,
     .consts_count = 1},
    {.kind = AY_WORK_OP_MATMUL, IN(O(1), W(2)), DIMS(S, 64)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(2)), DIMS(S, 1), .reduce = AY_WORK_REDUCE_SUM, .axis = 1},
    {.kind = AY_WORK_OP_MAP, IN(O(2), O(3)), DIMS(S, 64), STEPS(2, centre)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(4)), DIMS(S, 1), .reduce = AY_WORK_REDUCE_SUMSQ, .axis = 1},
    {.kind = AY_WORK_OP_REDUCE, IN(O(4)), DIMS(1, 64), .reduce = AY_WORK_REDUCE_MAX, .axis = 0},
    {.kind = AY_WORK_OP_REDUCE, IN(O(4)), DIMS(1, 64), .reduce = AY_WORK_REDUCE_SUM, .axis = 0},
    {.kind = AY_WORK_OP_PERMUTE,
     IN(O(4)),
     DIMS(8, S, 8),
     .view = (const uint32_t[]){S, 8, 8},
     .view_count = 3,
     .perm = (const uint32_t[]){1, 0, 2},
     .perm_count = 3},
    {.kind = AY_WORK_OP_MATMUL, IN(O(8), O(8)), DIMS(8, S, S)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(9)), DIMS(8, S, 1), .reduce = AY_WORK_REDUCE_MAX, .axis = 2},
    {.kind = AY_WORK_OP_MAP, IN(O(9), O(10)), DIMS(8, S, S), STEPS(2, exp_less)},
    {.kind = AY_WORK_OP_REDUCE, IN(O(11)), DIMS(8, S, 1), .reduce = AY_WORK_REDUCE_SUM, .axis = 2},
    {.kind = AY_WORK_OP_MAP, IN(O(11), O(12)), DIMS(8, S, S), STEPS(1, divide)},
    {.kind = AY_WORK_OP_MATMUL, IN(W(3), W(4)), DIMS(2, 3)},
    {.kind = AY_WORK_OP_REDUCE, IN(W(3)), DIMS(2, 1), .reduce = AY_WORK_REDUCE_SUMSQ, .axis = 1},
    {.kind = AY_WORK_OP_REDUCE, IN(W(3)), DIMS(2, 1), .reduce = AY_WORK_REDUCE_MAX, .axis = 1},
};
enum { ENCODER_OPS = sizeof encoder / sizeof encoder[0] };

/* Weights of the encoder, then of the rest. */
static const struct {
    uint32_t dtype, dims[2];
} weights[] = {
    {AY_WORK_DTYPE_F32, {100, 48}},
    {AY_WORK_DTYPE_F32, {1, 48}},
    {AY_WORK_DTYPE_F32, {64, 48}},
    {AY_WORK_DTYPE_F32, {2, 20000}},
    {AY_WORK_DTYPE_F32, {3, 20000}},
    {AY_WORK_DTYPE_I64, {1, 48}},
    {AY_WORK_DTYPE_I32, {1, 48}},
    {AY_WORK_DTYPE_I8, {4, 20000}},
    {AY_WORK_DTYPE_I8, {3, 20000}},
    {AY_WORK_DTYPE_F32, {3, 625}},
    {AY_WORK_DTYPE_I32, {1, 5000}},
    {AY_WORK_DTYPE_F32, {1, 5000}},
    /* by dtype */
    {AY_WORK_DTYPE_F32, {300, 5}},
    {AY_WORK_DTYPE_I32, {300, 5}},
    {AY_WORK_DTYPE_I64, {300, 5}},
    {AY_WORK_DTYPE_I8, {300, 5}},
    {AY_WORK_DTYPE_U8, {300, 5}},
    {AY_WORK_DTYPE_BOOL, {300, 5}},
};
enum { LONG_I64 = 5, LONG_I32, ROWS_I8, COLUMNS_I8, SCALES, PLACES, UPDATES, FIRST_DTYPE };
_Static_assert(sizeof weights / sizeof weights[0] == ZOO_WEIGHTS, "operand ids of the encoder");

static uint32_t of_dtype(uint32_t dtype)
{
    return W(FIRST_DTYPE + dtype - AY_WORK_DTYPE_F32);
}

/* Adds the op with copies of its operands and dims; 0 ends each list. */
static uint32_t add(struct ay_sketch *s, struct ay_work_op op, uint32_t dtype,
                    const uint32_t in[AY_MAX_WORK_OP_IN], const uint32_t dims[AY_MAX_RANK])
{
    while (op.in_count < AY_MAX_WORK_OP_IN && in[op.in_count]) op.in_count++;
    while (op.dims_count < AY_MAX_RANK && dims[op.dims_count]) op.dims_count++;
    op.in = ay_sketch_keep(s, in, op.in_count * sizeof *in);
    op.dims = ay_sketch_keep(s, dims, op.dims_count * sizeof *dims);
    op.dtype = dtype == AY_WORK_DTYPE_F32 ? AY_WORK_DTYPE_NONE : dtype;
    return ay_sketch_op(s, op);
}

#define ADD(s, dtype, in, dims, ...)                                                               \
    add(s, (struct ay_work_op){__VA_ARGS__}, dtype, (const uint32_t[AY_MAX_WORK_OP_IN])in,         \
        (const uint32_t[AY_MAX_RANK])dims)
#define L(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* One op a function: of f32 up to some hundreds and of integers, negative ones too. */
static void add_functions(struct ay_sketch *s)
{
    static const uint32_t thousand[] = {0x447a0000}, first[] = {0, 1, 2};
    const uint32_t x = ADD(s, AY_WORK_DTYPE_F32, L(W(1)), L(1, 48), .kind = AY_WORK_OP_MAP,
                           STEPS(1, scale), .consts = thousand, .consts_count = 1);
    const uint32_t numbers[] = {x, W(1), x}, integers[] = {W(LONG_I64), W(LONG_I32), W(LONG_I64)};
    for (enum ay_fn fn = AY_FN_ADD; fn < AY_FN_COUNT; fn++) {
        const struct ay_fn_signature *f = ay_fn_signature(fn);
        const struct ay_work_map_step step = {fn, ay_sketch_keep(s, first, sizeof first), f->arity};
        uint32_t in[AY_MAX_WORK_OP_IN] = {0};
        for (unsigned a = 0; a < f->arity; a++)
            in[a] = f->args[a] == AY_SCALAR_F32 ? numbers[a] : integers[a];
        const struct ay_work_op op = {.kind = AY_WORK_OP_MAP,
                                      STEPS(1, ay_sketch_keep(s, &step, sizeof step))};
        add(s, op, f->result == AY_SCALAR_F32 ? AY_WORK_DTYPE_F32 : AY_WORK_DTYPE_I64, in,
            (const uint32_t[AY_MAX_RANK]){1, 48});
    }
}

static bool has_sums(uint32_t dtype)
{
    return dtype <= AY_WORK_DTYPE_I64;
}

static bool is_sum(uint32_t reduce)
{
    return reduce == AY_WORK_REDUCE_SUM || reduce == AY_WORK_REDUCE_SUMSQ ||
           reduce == AY_WORK_REDUCE_PROD;
}

/* Each reduction of a dtype, along its rows and in five segments across them. */
static void add_reductions(struct ay_sketch *s, uint32_t dtype)
{
    for (uint32_t r = AY_WORK_REDUCE_SUM; r <= AY_WORK_REDUCE_ARGMIN; r++) {
        if (is_sum(r) && !has_sums(dtype)) continue;
        uint32_t out = r >= AY_WORK_REDUCE_ARGMAX ? AY_WORK_DTYPE_I64 : dtype;
        ADD(s, out, L(of_dtype(dtype)), L(300, 1), .kind = AY_WORK_OP_REDUCE, .reduce = r,
            .axis = 1);
        ADD(s, out, L(of_dtype(dtype)), L(1, 5), .kind = AY_WORK_OP_REDUCE, .reduce = r);
    }
}

/* Each way to scatter a dtype's elements, in another order, among themselves. */
static void add_scatters(struct ay_sketch *s, uint32_t dtype, uint32_t ids)
{
    static const uint32_t view[] = {300, 5}, perm[] = {1, 0};
    uint32_t updates = ADD(s, dtype, L(of_dtype(dtype)), L(1500), .kind = AY_WORK_OP_PERMUTE,
                           .view = view, .view_count = 2, .perm = perm, .perm_count = 2);
    for (uint32_t r = AY_WORK_REDUCE_NONE; r <= AY_WORK_REDUCE_PROD; r++) {
        if (r == AY_WORK_REDUCE_SUMSQ || (is_sum(r) && !has_sums(dtype))) continue;
        ADD(s, dtype, L(of_dtype(dtype), ids, updates), L(300, 5), .kind = AY_WORK_OP_SCATTER,
            .reduce = r);
    }
}

/* Windows of 3 by 2, two rows apart, over a border of the fill. */
static void add_moves(struct ay_sketch *s, uint32_t dtype, uint32_t ids)
{
    static const uint32_t view[] = {300, 5}, grid[] = {151, 6, 3, 2};
    static const int64_t coefs[] = {2, 0, 1, 0, 0, 1, 0, 1}, offsets[] = {-2, -1};
    const uint32_t x = of_dtype(dtype), axis = dtype % 2;
    ADD(s, dtype, L(x), L(906, 6), .kind = AY_WORK_OP_VIEW, .view = view, .view_count = 2,
        .grid = grid, .grid_count = 4, .coefs = coefs, .coefs_count = 8, .offsets = offsets,
        .offsets_count = 2, .fill = 1);
    ADD(s, dtype, L(x, x, x), L(axis ? 300 : 900, axis ? 15 : 5), .kind = AY_WORK_OP_CONCAT,
        .axis = axis);
    ADD(s, dtype, L(x, axis ? ids : W(LONG_I32)), L(axis ? 300 : 1, axis ? 1500 : 48, axis ? 0 : 5),
        .kind = AY_WORK_OP_GATHER, .axis = axis);
}

/* What an integer is stored as. */
static void add_casts(struct ay_sketch *s)
{
    static const int64_t odd[] = {0x123456789};
    for (uint32_t dtype = AY_WORK_DTYPE_I32; dtype <= AY_WORK_DTYPE_BOOL; dtype++)
        ADD(s, dtype, L(of_dtype(AY_WORK_DTYPE_I8)), L(300, 5), .kind = AY_WORK_OP_MAP,
            STEPS(1, plus), .ints = odd, .ints_count = 1);
}

static void add_products(struct ay_sketch *s)
{
    static const uint32_t factors[] = {AY_WORK_DTYPE_I8, AY_WORK_DTYPE_U8, AY_WORK_DTYPE_I32};
    for (uint32_t i = 0; i < 9; i++)
        ADD(s, AY_WORK_DTYPE_I32, L(of_dtype(factors[i / 3]), of_dtype(factors[i % 3])),
            L(300, 300), .kind = AY_WORK_OP_MATMUL);
    ADD(s, AY_WORK_DTYPE_I32, L(W(ROWS_I8), W(COLUMNS_I8)), L(4, 3), .kind = AY_WORK_OP_MATMUL);
    ADD(s, AY_WORK_DTYPE_F32, L(W(3), W(COLUMNS_I8), W(SCALES)), L(2, 3),
        .kind = AY_WORK_OP_MATMUL_Q8);
}

static uint32_t flatten(struct ay_sketch *s, uint32_t weight)
{
    static const uint32_t view[] = {5000}, perm[] = {0};
    return ADD(s, weights[weight].dtype, L(W(weight)), L(5000), .kind = AY_WORK_OP_PERMUTE,
               .view = view, .view_count = 1, .perm = perm, .perm_count = 1);
}

/* Several segments of what has only one elsewhere; shapes with S. */
static void add_long(struct ay_sketch *s)
{
    static const uint32_t view[] = {S, 48}, grid[] = {S, 50};
    static const int64_t coefs[] = {-1, 0, 0, 1}, offsets[] = {20, -1};
    ADD(s, AY_WORK_DTYPE_I64, L(W(3)), L(2, 1), .kind = AY_WORK_OP_REDUCE,
        .reduce = AY_WORK_REDUCE_ARGMAX, .axis = 1);
    uint32_t places = flatten(s, PLACES), updates = flatten(s, UPDATES);
    ADD(s, AY_WORK_DTYPE_F32, L(O(1), places, updates), L(S, 48), .kind = AY_WORK_OP_SCATTER,
        .reduce = AY_WORK_REDUCE_SUM);
    uint32_t around = ADD(s, AY_WORK_DTYPE_F32, L(O(1)), L(S, 50), .kind = AY_WORK_OP_VIEW,
                          .view = view, .view_count = 2, .grid = grid, .grid_count = 2,
                          .coefs = coefs, .coefs_count = 4, .offsets = offsets, .offsets_count = 2);
    ADD(s, AY_WORK_DTYPE_F32, L(O(0), around), L(S, 98), .kind = AY_WORK_OP_CONCAT, .axis = 1);
}

void ay_sketch_zoo(struct ay_sketch *s)
{
    static const uint32_t view[] = {300, 5}, perm[] = {0, 1};
    ay_sketch_begin(s, 200, AY_ZOO_OPS);
    for (uint32_t i = 0; i < ZOO_WEIGHTS; i++)
        (void)ay_sketch_weight(s, weights[i].dtype, weights[i].dims[0], weights[i].dims[1], 7 + i);
    for (uint32_t i = 0; i < ENCODER_OPS; i++) (void)ay_sketch_op(s, encoder[i]);
    uint32_t ids = ADD(s, AY_WORK_DTYPE_I64, L(of_dtype(AY_WORK_DTYPE_I64)), L(1500),
                       .kind = AY_WORK_OP_PERMUTE, .view = view, .view_count = 2, .perm = perm,
                       .perm_count = 2);
    for (uint32_t dtype = AY_WORK_DTYPE_F32; dtype <= AY_WORK_DTYPE_BOOL; dtype++) {
        add_reductions(s, dtype);
        add_scatters(s, dtype, ids);
        add_moves(s, dtype, ids);
    }
    add_functions(s);
    add_casts(s);
    add_products(s);
    add_long(s);
    ADD(s, AY_WORK_DTYPE_F32, L(O(13)), L(1, S, S), .kind = AY_WORK_OP_REDUCE,
        .reduce = AY_WORK_REDUCE_SUM);
    AY_ASSERT(s->program.ops_count == AY_ZOO_OPS);
}
