/* What ay_program_check accepts and refuses, and what programs measure. */
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S AY_DIM_SYMBOL
#define U(...)                                                                                     \
    (const uint32_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define COUNT(...) (uint32_t)(sizeof(U(__VA_ARGS__)) / sizeof(uint32_t))
#define INS(...)   .in = U(__VA_ARGS__), .in_count = COUNT(__VA_ARGS__)
#define DIMS(...)  .dims = U(__VA_ARGS__), .dims_count = COUNT(__VA_ARGS__)
#define VIEW(...)  .view = U(__VA_ARGS__), .view_count = COUNT(__VA_ARGS__)
#define PERM(...)  .perm = U(__VA_ARGS__), .perm_count = COUNT(__VA_ARGS__)
#define INTS(...)                                                                                  \
    (const int64_t[]){__VA_ARGS__}, (uint32_t)(sizeof((const int64_t[]){__VA_ARGS__}) / 8)
#define GRID(...)    .grid = U(__VA_ARGS__), .grid_count = COUNT(__VA_ARGS__)
#define COEFS(...)   .coefs = INTS(__VA_ARGS__) /* and their count, the field that follows */
#define OFFSETS(...) .offsets = INTS(__VA_ARGS__)
#define INT(d)       .dtype = AY_WORK_DTYPE_##d
#define STEPS(...)                                                                                 \
    .steps = (const struct ay_work_map_step[]){__VA_ARGS__},                                       \
    .steps_count = (uint32_t)(sizeof((const struct ay_work_map_step[]){__VA_ARGS__}) /             \
                              sizeof(struct ay_work_map_step))
#define STEP(f, ...)                                                                               \
    {                                                                                              \
        AY_WORK_FN_##f, U(__VA_ARGS__), COUNT(__VA_ARGS__)                                         \
    }

/* Operands: 0 ids i32 (S), 1 x f32 (S, 48), 2 table f32 (30, 48), 3 w f32 (8, 48), 4 ids i32 (64),
 * 5 short ids i32 (63), 6 batch f32 (3, 8, 48), 7 q i8 (8, 48), 8 scales f32 (8, 2), 9 places i64
 * (5), 10 updates f32 (5), 11 flags bool (3, 8, 48); 12 is the op under test. */
static const uint32_t max_dims[] = {64};
static const uint32_t d_s[] = {S}, d_x[] = {S, 48}, d_table[] = {30, 48}, d_w[] = {8, 48},
                      d_64[] = {64}, d_63[] = {63}, d_batch[] = {3, 8, 48}, d_2[] = {8, 2},
                      d_5[] = {5};
static const struct ay_work_tensor_type inputs[] = {{AY_WORK_DTYPE_I32, d_s, 1},
                                                    {AY_WORK_DTYPE_F32, d_x, 2}};
static const struct ay_work_weight weights[] = {
    {AY_WORK_DTYPE_F32, d_table, 2}, {AY_WORK_DTYPE_F32, d_w, 2},     {AY_WORK_DTYPE_I32, d_64, 1},
    {AY_WORK_DTYPE_I32, d_63, 1},    {AY_WORK_DTYPE_F32, d_batch, 3}, {AY_WORK_DTYPE_I8, d_w, 2},
    {AY_WORK_DTYPE_F32, d_2, 2},     {AY_WORK_DTYPE_I64, d_5, 1},     {AY_WORK_DTYPE_F32, d_5, 1},
    {AY_WORK_DTYPE_BOOL, d_batch, 3}};

static struct ay_work_program program_of(const struct ay_work_op *ops, uint32_t count)
{
    return (struct ay_work_program){1, 1, max_dims, 1, inputs, 2, weights, 10, ops, count};
}

static void test_program_ops_keeping_the_rules_are_accepted(void **state)
{
    (void)state;
    const struct ay_work_op good[] = {
        {AY_WORK_OP_GATHER, INS(2, 0), DIMS(S, 48)},
        {AY_WORK_OP_GATHER, INS(2, 4), DIMS(S, 48)},
        {AY_WORK_OP_GATHER, INS(2, 5), DIMS(63, 48)},
        {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 0))},
        {AY_WORK_OP_MAP, INS(1, 1), DIMS(S, 48),
         STEPS(STEP(ADD, 0, 1), STEP(DIV, 1u << 24, 3u << 24), STEP(MAX, 1u << 24 | 1, 2u << 24)),
         .consts = U(0x7f800000), .consts_count = 1},
        {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8)},
        {AY_WORK_OP_MATMUL, INS(6, 3), DIMS(3, 8, 8)},
        {AY_WORK_OP_MATMUL, INS(6, 6), DIMS(3, 8, 8)},
        {AY_WORK_OP_MATMUL, INS(1, 1), DIMS(S, S)},
        {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 1), .reduce = 1, .axis = 1},
        {AY_WORK_OP_REDUCE, INS(6), DIMS(3, 1, 48), .reduce = 3, .axis = 1},
        {AY_WORK_OP_PERMUTE, INS(1), DIMS(6, 8, S), VIEW(S, 6, 8), PERM(1, 2, 0)},
        {AY_WORK_OP_PERMUTE, INS(1), DIMS(48, S), VIEW(S, 48), PERM(1, 0)},
        {AY_WORK_OP_PERMUTE, INS(6), DIMS(1152), VIEW(3, 8, 48), PERM(0, 1, 2)},
        {AY_WORK_OP_GATHER, INS(6, 9), DIMS(3, 5, 48), .axis = 1},
        {AY_WORK_OP_GATHER, INS(11, 0), DIMS(3, 8, S), .axis = 2, INT(BOOL)},
        {AY_WORK_OP_GATHER, INS(6, 4), DIMS(3, 8, S), .axis = 2},
        {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(LT, 0, 2u << 24)), .consts = U(0),
         .consts_count = 1, INT(BOOL)},
        {AY_WORK_OP_MAP, INS(11, 6), DIMS(3, 8, 48), .ints = INTS(-1),
         STEPS(STEP(INT_ADD, 0, 4u << 24), STEP(SELECT, 1u << 24, 1, 3u << 24))},
        {AY_WORK_OP_MATMUL, INS(7, 7), DIMS(8, 8), INT(I32)},
        {AY_WORK_OP_MATMUL_Q8, INS(6, 7, 8), DIMS(3, 8, 8)},
        {AY_WORK_OP_REDUCE, INS(11), DIMS(3, 8, 1), .reduce = 3, .axis = 2, INT(BOOL)},
        {AY_WORK_OP_REDUCE, INS(11), DIMS(3, 1, 48), .reduce = 7, .axis = 1, INT(I64)},
        {AY_WORK_OP_REDUCE, INS(9), DIMS(1), .reduce = 5, INT(I64)},
        {AY_WORK_OP_PERMUTE, INS(7), DIMS(48, 8), VIEW(8, 48), PERM(1, 0), INT(I8)},
        {AY_WORK_OP_VIEW, INS(1), DIMS(S, 100), VIEW(S, 48), GRID(S, 50, 2),
         COEFS(1, 0, 0, 0, INT32_MAX, 1), OFFSETS(0, INT32_MIN), .fill = 0x7fc00000},
        {AY_WORK_OP_CONCAT, INS(6, 6), DIMS(3, 16, 48), .axis = 1},
        {AY_WORK_OP_SCATTER, INS(1, 9, 10), DIMS(S, 48), .reduce = 5},
        {AY_WORK_OP_SCATTER, INS(1, 9, 10), DIMS(S, 48)},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ay_work_program p = program_of(&good[i], 1);
        struct ay_program_fault fault;
        enum ay_code code = ay_program_check(&p, &fault);
        if (code != AY_OK) print_error("op %zu: %s\n", i, fault.reason);
        assert_int_equal(code, AY_OK);
    }
}

struct bad {
    const char *reason;
    struct ay_work_op op;
};

static const struct bad bad_ops[] = {
    {"operand is not earlier than its use",
     {AY_WORK_OP_MAP, INS(12), DIMS(S, 48), STEPS(STEP(EXP, 0))}},
    {"unknown op", {AY_WORK_OP_NONE, INS(1), DIMS(S, 48)}},
    {"tensor without dimensions", {AY_WORK_OP_MAP, INS(1), STEPS(STEP(EXP, 0))}},
    {"dimension of size 0", {AY_WORK_OP_MAP, INS(1), DIMS(S, 0), STEPS(STEP(EXP, 0))}},
    {"unknown symbol", {AY_WORK_OP_MAP, INS(1), DIMS(S | 1, 48), STEPS(STEP(EXP, 0))}},
    {"tensor above 2^32 elements",
     {AY_WORK_OP_MAP, INS(1), DIMS(65536, 65537), STEPS(STEP(EXP, 0))}},
    {"axis in an op that has none",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), .axis = 1, STEPS(STEP(EXP, 0))}},
    {"field of MAP in another op", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), STEPS(STEP(EXP, 0))}},
    {"view in an op that has none", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), VIEW(S)}},
    {"GATHER takes 2 operands", {AY_WORK_OP_GATHER, INS(2), DIMS(S, 48)}},
    {"GATHER: output is not the table's shape with that of the ids for the axis",
     {AY_WORK_OP_GATHER, INS(6, 0), DIMS(S, 48)}},
    {"GATHER: ids are not i32 or i64", {AY_WORK_OP_GATHER, INS(2, 1), DIMS(S, 48)}},
    {"GATHER: output is not the table's shape with that of the ids for the axis",
     {AY_WORK_OP_GATHER, INS(2, 0), DIMS(S, 47)}},
    {"GATHER: fewer ids than output rows", {AY_WORK_OP_GATHER, INS(2, 5), DIMS(S, 48)}},
    {"GATHER: fewer ids than output rows", {AY_WORK_OP_GATHER, INS(2, 0), DIMS(64, 48)}},
    {"MAP takes 1 to 6 operands", {AY_WORK_OP_MAP, DIMS(1), STEPS(STEP(EXP, 2u << 24))}},
    {"MAP without steps", {AY_WORK_OP_MAP, INS(1), DIMS(S, 48)}},
    {"MAP: step without a function", {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(NONE, 0))}},
    {"MAP: wrong number of operands of a step",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(ADD, 0))}},
    {"MAP: wrong number of operands of a step",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 0, 0))}},
    {"MAP: step operand does not exist",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 1))}},
    {"MAP: step operand does not exist",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 1u << 24))}},
    {"MAP: step operand does not exist",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 2u << 24))}},
    {"MAP: step operand does not exist",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 3u << 24 | 1))}},
    {"MAP: step operand does not exist",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 4u << 24))}},
    {"MAP: constant is NaN",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 0)), .consts = U(0xff800001),
      .consts_count = 1}},
    {"MAP: integer where a step takes an f32, or the reverse",
     {AY_WORK_OP_MAP, INS(0), DIMS(S), STEPS(STEP(EXP, 0))}},
    {"MAP: operand of higher rank than the output",
     {AY_WORK_OP_MAP, INS(1), DIMS(48), STEPS(STEP(EXP, 0))}},
    {"MAP: operand does not broadcast to the output",
     {AY_WORK_OP_MAP, INS(1, 3), DIMS(S, 48), STEPS(STEP(EXP, 0))}},
    {"MAP: output wider than its operands",
     {AY_WORK_OP_MAP, INS(1), DIMS(2, S, 48), STEPS(STEP(EXP, 0))}},
    {"MATMUL takes 2 operands", {AY_WORK_OP_MATMUL, INS(1), DIMS(S, 8)}},
    {"MATMUL: operands are not both f32, or both i8, u8 or i32",
     {AY_WORK_OP_MATMUL, INS(1, 4), DIMS(S, 64)}},
    {"MATMUL: ranks do not match", {AY_WORK_OP_MATMUL, INS(1, 6), DIMS(S, 8)}},
    {"MATMUL: K does not match", {AY_WORK_OP_MATMUL, INS(1, 12), DIMS(S, 8)}},
    {"MATMUL: output is not (batch, M, N)", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 9)}},
    {"MATMUL: output is not (batch, M, N)", {AY_WORK_OP_MATMUL, INS(6, 3), DIMS(3, 9, 8)}},
    {"REDUCE takes 1 operand", {AY_WORK_OP_REDUCE, INS(1, 1), DIMS(S, 1), .reduce = 1, .axis = 1}},
    {"REDUCE: wrong dtype of the output", {AY_WORK_OP_REDUCE, INS(0), DIMS(1), .reduce = 1}},
    {"REDUCE without a reduction", {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 1), .axis = 1}},
    {"REDUCE: axis out of range", {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 1), .reduce = 1, .axis = 2}},
    {"REDUCE: wrong output shape", {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 2), .reduce = 1, .axis = 1}},
    {"PERMUTE takes 1 operand",
     {AY_WORK_OP_PERMUTE, INS(1, 1), DIMS(S, 48), VIEW(S, 48), PERM(0, 1)}},
    {"PERMUTE: dtype changes", {AY_WORK_OP_PERMUTE, INS(0), DIMS(S), VIEW(S), PERM(0)}},
    {"PERMUTE: perm and view differ in length",
     {AY_WORK_OP_PERMUTE, INS(1), DIMS(S, 48), VIEW(S, 48), PERM(0)}},
    {"PERMUTE: perm is not a permutation",
     {AY_WORK_OP_PERMUTE, INS(1), DIMS(S, 48), VIEW(S, 48), PERM(1, 1)}},
    {"PERMUTE: perm is not a permutation",
     {AY_WORK_OP_PERMUTE, INS(1), DIMS(S, 48), VIEW(S, 48), PERM(0, 2)}},
    {"PERMUTE: number of elements changes",
     {AY_WORK_OP_PERMUTE, INS(1), DIMS(S, 48), VIEW(S, 47), PERM(0, 1)}},
    {"PERMUTE: number of elements changes",
     {AY_WORK_OP_PERMUTE, INS(1), DIMS(S, S), VIEW(S, 48), PERM(0, 1)}},
    {"PERMUTE: number of elements changes",
     {AY_WORK_OP_PERMUTE, INS(1), DIMS(64, 48), VIEW(S, 48), PERM(0, 1)}},
    {"tensor without a dtype",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 0)), .dtype = 7}},
    {"reduction in an op that has none", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), .reduce = 1}},
    {"field of MAP in another op", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), .ints = INTS(1)}},
    {"field of PERMUTE in another op", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), PERM(0)}},
    {"field of VIEW in another op", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), GRID(S)}},
    {"field of VIEW in another op", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), COEFS(1)}},
    {"field of VIEW in another op", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), OFFSETS(1)}},
    {"field of VIEW in another op", {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8), .fill = 1}},
    {"GATHER: axis out of range", {AY_WORK_OP_GATHER, INS(2, 0), DIMS(S, 48), .axis = 2}},
    {"GATHER: output has another dtype than the table",
     {AY_WORK_OP_GATHER, INS(11, 0), DIMS(S, 8, 48)}},
    {"MAP: last step's value is not of the output's kind",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(TO_INT, 0))}},
    {"MAP: last step's value is not of the output's kind",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 0)), INT(I64)}},
    {"MAP: integer where a step takes an f32, or the reverse",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(TO_INT, 0), STEP(EXP, 1u << 24))}},
    {"MAP: integer where a step takes an f32, or the reverse",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(SELECT, 0, 0, 0))}},
    {"MAP: integer where a step takes an f32, or the reverse",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 4u << 24)), .ints = INTS(1)}},
    {"MAP: step without a function",
     {AY_WORK_OP_MAP, INS(1), DIMS(S, 48),
      .steps = (const struct ay_work_map_step[]){{45, U(0), 1}}, .steps_count = 1}},
    {"MATMUL: operands are not both f32, or both i8, u8 or i32",
     {AY_WORK_OP_MATMUL, INS(11, 11), DIMS(3, 8, 8), INT(I32)}},
    {"MATMUL: output is not f32 of f32, i32 of integers",
     {AY_WORK_OP_MATMUL, INS(7, 7), DIMS(8, 8)}},
    {"MATMUL_Q8 takes 3 operands", {AY_WORK_OP_MATMUL_Q8, INS(6, 7), DIMS(3, 8, 8)}},
    {"MATMUL_Q8 is not f32 of f32, i8 and f32",
     {AY_WORK_OP_MATMUL_Q8, INS(6, 3, 8), DIMS(3, 8, 8)}},
    {"MATMUL_Q8: ranks do not match", {AY_WORK_OP_MATMUL_Q8, INS(10, 7, 8), DIMS(8)}},
    {"MATMUL_Q8: K does not match", {AY_WORK_OP_MATMUL_Q8, INS(8, 7, 8), DIMS(8, 8)}},
    {"MATMUL_Q8: scales are not (N, K / 32)", {AY_WORK_OP_MATMUL_Q8, INS(6, 7, 3), DIMS(3, 8, 8)}},
    {"MATMUL_Q8: output is not (batch, M, N)", {AY_WORK_OP_MATMUL_Q8, INS(6, 7, 8), DIMS(3, 8, 9)}},
    {"REDUCE without a reduction", {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 1), .reduce = 8, .axis = 1}},
    {"REDUCE: operand is not f32, i32 or i64",
     {AY_WORK_OP_REDUCE, INS(11), DIMS(3, 8, 1), .reduce = 1, .axis = 2, INT(BOOL)}},
    {"REDUCE: wrong dtype of the output",
     {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 1), .reduce = 6, .axis = 1}},
    {"VIEW takes 1 operand", {AY_WORK_OP_VIEW, INS(1, 1), DIMS(S, 48)}},
    {"VIEW: dtype changes",
     {AY_WORK_OP_VIEW, INS(7), DIMS(8, 48), VIEW(8, 48), GRID(8, 48), COEFS(1, 0, 0, 1),
      OFFSETS(0, 0)}},
    {"VIEW: view has not as many elements as the operand",
     {AY_WORK_OP_VIEW, INS(1), DIMS(S), VIEW(48), GRID(S), COEFS(1), OFFSETS(0)}},
    {"VIEW: grid has not as many elements as the output",
     {AY_WORK_OP_VIEW, INS(10), DIMS(S), VIEW(5), GRID(5), COEFS(1), OFFSETS(0)}},
    {"VIEW: wrong number of offsets or coefficients",
     {AY_WORK_OP_VIEW, INS(10), DIMS(5), VIEW(5), GRID(5), COEFS(1, 1), OFFSETS(0)}},
    {"VIEW: wrong number of offsets or coefficients",
     {AY_WORK_OP_VIEW, INS(10), DIMS(5), VIEW(5), GRID(5), COEFS(1)}},
    {"VIEW: offset or coefficient beyond 32 bits",
     {AY_WORK_OP_VIEW, INS(10), DIMS(5), VIEW(5), GRID(5), COEFS(1ll << 31), OFFSETS(0)}},
    {"VIEW: offset or coefficient beyond 32 bits",
     {AY_WORK_OP_VIEW, INS(10), DIMS(5), VIEW(5), GRID(5), COEFS(1), OFFSETS(-1 - (1ll << 31))}},
    {"VIEW: fill is not an element",
     {AY_WORK_OP_VIEW, INS(10), DIMS(5), VIEW(5), GRID(5), COEFS(1), OFFSETS(0),
      .fill = 0x7fc00001}},
    {"VIEW: fill is not an element",
     {AY_WORK_OP_VIEW, INS(10), DIMS(5), VIEW(5), GRID(5), COEFS(1), OFFSETS(0),
      .fill = 1ull << 32}},
    {"CONCAT takes 2 to 6 operands", {AY_WORK_OP_CONCAT, INS(6), DIMS(3, 8, 48)}},
    {"CONCAT: axis out of range", {AY_WORK_OP_CONCAT, INS(10, 10), DIMS(10), .axis = 1}},
    {"CONCAT: dtypes differ", {AY_WORK_OP_CONCAT, INS(10, 9), DIMS(10)}},
    {"CONCAT: ranks differ", {AY_WORK_OP_CONCAT, INS(10, 8), DIMS(10)}},
    {"CONCAT: shapes do not match", {AY_WORK_OP_CONCAT, INS(3, 8), DIMS(16, 48)}},
    {"CONCAT: symbol along the axis", {AY_WORK_OP_CONCAT, INS(1, 1), DIMS(S, 48)}},
    {"CONCAT: wrong size along the axis", {AY_WORK_OP_CONCAT, INS(10, 10), DIMS(11)}},
    {"SCATTER takes 3 operands", {AY_WORK_OP_SCATTER, INS(1, 9), DIMS(S, 48)}},
    {"SCATTER: ids are not i32 or i64", {AY_WORK_OP_SCATTER, INS(1, 10, 10), DIMS(S, 48)}},
    {"SCATTER: ids and updates are not (K)", {AY_WORK_OP_SCATTER, INS(1, 4, 10), DIMS(S, 48)}},
    {"SCATTER: dtypes differ", {AY_WORK_OP_SCATTER, INS(11, 9, 10), DIMS(3, 8, 48)}},
    {"SCATTER: output has another shape than the data",
     {AY_WORK_OP_SCATTER, INS(1, 9, 10), DIMS(48, S)}},
    {"SCATTER: not NONE, SUM, PROD, MAX or MIN",
     {AY_WORK_OP_SCATTER, INS(1, 9, 10), DIMS(S, 48), .reduce = 2}},
};

static void test_program_ops_breaking_a_rule_are_refused_with_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_ops / sizeof *bad_ops; i++) {
        /* The first op is fine and serves as an operand with another K. */
        const struct ay_work_op ops[] = {{AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8)}, bad_ops[i].op};
        bool uses_first = strcmp(bad_ops[i].reason, "MATMUL: K does not match") == 0;
        struct ay_work_program p = program_of(uses_first ? ops : ops + 1, uses_first ? 2 : 1);
        struct ay_program_fault fault;
        assert_int_equal(ay_program_check(&p, &fault), AY_E_WORK_PROGRAM);
        assert_string_equal(fault.reason, bad_ops[i].reason);
        assert_int_equal(fault.op, uses_first);
    }
}

static void test_program_head_breaking_a_rule_is_refused_with_it(void **state)
{
    (void)state;
    const struct ay_work_op op = {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 1), .reduce = 1, .axis = 1};
    const struct ay_work_program good = program_of(&op, 1);
    static const struct ay_work_weight symbolic[] = {{AY_WORK_DTYPE_F32, d_s, 1}};
    static const uint32_t two[] = {64, 64}, zero[] = {0};
    static const uint32_t weight[] = {2}, beyond[] = {13}, twice[] = {12, 12};
    struct ay_work_program bad[] = {good, good, good, good, good, good, good, good, good};
    static const char *const reasons[] = {"numerics is not 1",
                                          "iterate is not 1",
                                          "no ops",
                                          "maximum size out of range",
                                          "symbol that no input fixes",
                                          "symbol in the shape of a weight",
                                          "output that no op makes",
                                          "output that no op makes",
                                          "output named twice"};
    bad[0].numerics = 2;
    bad[1].iterate = 0;
    bad[2].ops_count = 0;
    bad[3].max_dims = zero;
    bad[4].max_dims = two;
    bad[4].max_dims_count = 2;
    bad[5].weights = symbolic;
    bad[5].weights_count = 1;
    for (size_t i = 6; i < 9; i++) {
        bad[i].outputs = i == 6 ? weight : i == 7 ? beyond : twice;
        bad[i].outputs_count = i == 8 ? 2 : 1;
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ay_program_fault fault;
        assert_int_equal(ay_program_check(&bad[i], &fault), AY_E_WORK_PROGRAM);
        assert_string_equal(fault.reason, reasons[i]);
        assert_int_equal(fault.op, AY_NO_OP);
    }
}

static void test_program_evidence_at_its_bound_is_accepted_and_above_refused(void **state)
{
    (void)state;
    /* Sums of a column keep 64 bytes each 64 elements: 2^17 elements fill 128 KiB. */
    uint32_t rows[] = {1u << 17, 1};
    for (uint32_t extra = 0; extra < 2; extra++) {
        rows[0] += extra;
        const struct ay_work_weight tall = {AY_WORK_DTYPE_F32, rows, 2};
        const struct ay_work_op op = {AY_WORK_OP_REDUCE, INS(2), DIMS(1, 1), .reduce = 1};
        struct ay_work_program p = program_of(&op, 1);
        struct ay_program_fault fault;
        p.weights = &tall;
        p.weights_count = 1;
        enum ay_code code = ay_program_check(&p, &fault);
        assert_int_equal(code, extra ? AY_E_WORK_PROGRAM : AY_OK);
        if (extra)
            assert_string_equal(fault.reason, "evidence above 128 KiB");
        else
            assert_int_equal(ay_program_evidence(&p, 0), AY_MAX_EVIDENCE_BYTES);
    }
}

static void test_program_units_count_arithmetic_and_bytes(void **state)
{
    (void)state;
    const struct ay_work_op ops[] = {
        {AY_WORK_OP_GATHER, INS(2, 0), DIMS(S, 48)},
        {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8)},
        {AY_WORK_OP_MAP, INS(1), DIMS(S, 48), STEPS(STEP(EXP, 0), STEP(EXP, 1u << 24))},
        {AY_WORK_OP_REDUCE, INS(1), DIMS(S, 1), .reduce = 1, .axis = 1}};
    struct ay_work_program p = program_of(ops, 4);
    const uint32_t sizes[] = {10}, none[] = {0}, many[] = {65};
    uint64_t units, gather = (480 + 480 + 10) * 4, matmul = 80 * 48 + (480 + 384 + 80) * 4;
    uint64_t map = 480 * 2 + 960 * 4, reduce = 480 + 490 * 4;
    assert_int_equal(ay_program_check(&p, NULL), AY_OK);
    assert_int_equal(ay_program_units(&p, sizes, &units), AY_OK);
    assert_int_equal(units, gather + matmul + map + reduce);
    assert_int_equal(ay_program_units(&p, none, &units), AY_E_RANGE);
    assert_int_equal(ay_program_units(&p, many, &units), AY_E_RANGE);
    assert_int_equal(ay_program_chain(&p, 1, sizes), 48);
    assert_int_equal(ay_program_segment(&p, 1), AY_SEGMENT_CONTIGUOUS);
    assert_int_equal(ay_program_segment(&p, 2), 1);
}

static void test_program_tensor_of_more_bytes_than_leaves_hold_is_refused(void **state)
{
    (void)state;
    static const uint32_t full[] = {1u << 15, 1u << 16}, over[] = {1u << 15, (1u << 16) + 1};
    const struct ay_work_op op = {AY_WORK_OP_MAP, INS(2, 3), DIMS(1u << 15, 1u << 16), INT(BOOL),
                                  STEPS(STEP(INT_LT, 0, 1))};
    for (uint32_t extra = 0; extra < 2; extra++) {
        const struct ay_work_weight wide[] = {
            {AY_WORK_DTYPE_I64, full, 2},
            {AY_WORK_DTYPE_I64, extra ? over : full, 2},
        };
        struct ay_work_program p = program_of(&op, 1);
        struct ay_program_fault fault;
        p.weights = wide;
        p.weights_count = 2;
        assert_int_equal(ay_program_check(&p, &fault), extra ? AY_E_WORK_PROGRAM : AY_OK);
        if (extra) assert_string_equal(fault.reason, "tensor above 2^34 bytes");
    }
}

static void test_program_units_of_every_dtype_count_its_bytes(void **state)
{
    (void)state;
    const struct ay_work_op ops[] = {
        {AY_WORK_OP_MATMUL_Q8, INS(6, 7, 8), DIMS(3, 8, 8)},
        {AY_WORK_OP_SCATTER, INS(1, 9, 10), DIMS(S, 48)},
        {AY_WORK_OP_VIEW, INS(11), DIMS(2), VIEW(1152), GRID(2), COEFS(1), OFFSETS(0), INT(BOOL)},
        {AY_WORK_OP_CONCAT, INS(9, 9), DIMS(10), INT(I64)},
        {AY_WORK_OP_REDUCE, INS(9), DIMS(1), .reduce = 6, INT(I64)}};
    const uint64_t want[] = {192 * 48 + 1152 * 4 + 384 + 16 * 4 + 192 * 4,
                             5 + 480 * 4 + 5 * 8 + 5 * 4 + 480 * 4, 2 + 2, 5 * 8 * 2 + 10 * 8,
                             5 + 5 * 8 + 8};
    const uint32_t sizes[] = {10};
    for (uint32_t i = 0; i < 5; i++) {
        struct ay_work_program p = program_of(&ops[i], 1);
        uint64_t units;
        assert_int_equal(ay_program_check(&p, NULL), AY_OK);
        assert_int_equal(ay_program_units(&p, sizes, &units), AY_OK);
        assert_int_equal(units, want[i]);
    }
    const struct ay_work_program scatter = program_of(&ops[1], 1);
    assert_int_equal(ay_program_chain(&scatter, 0, sizes), 5);
    assert_int_equal(ay_program_segment(&scatter, 0), AY_SEGMENT_SCATTER);
}

static void test_program_outputs_are_those_named_or_the_last_ops(void **state)
{
    (void)state;
    const struct ay_work_op ops[] = {{AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8)},
                                     {AY_WORK_OP_MATMUL, INS(1, 3), DIMS(S, 8)}};
    static const uint32_t both[] = {13, 12};
    struct ay_work_program p = program_of(ops, 2);
    assert_int_equal(ay_program_outputs(&p), 1);
    assert_int_equal(ay_program_output_at(&p, 0), 13);
    p.outputs = both;
    p.outputs_count = 2;
    assert_int_equal(ay_program_check(&p, NULL), AY_OK);
    assert_int_equal(ay_program_outputs(&p), 2);
    assert_int_equal(ay_program_output_at(&p, 1), 12);
}

static void test_program_random_ones_stay_within_their_maximum(void **state)
{
    (void)state;
    static _Alignas(64) uint8_t memory[1 << 20];
    uint64_t seed = 5;
    printf("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 300; i++) {
        struct ay_arena arena = ay_arena_over(memory, sizeof memory);
        struct ay_work_program p;
        const void **values;
        uint64_t units;
        ay_test_program(&seed, &arena, &p, &values, false);
        const uint32_t sizes[] = {1 + ay_test_below(&seed, p.max_dims[0]),
                                  1 + ay_test_below(&seed, p.max_dims[1])};
        assert_int_equal(ay_program_units(&p, sizes, &units), AY_OK);
        assert_true(units > 0 && units <= ay_program_max_units(&p));
        for (uint32_t op = 0; op < p.ops_count; op++)
            assert_true(ay_program_evidence(&p, op) <= AY_MAX_EVIDENCE_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program_ops_keeping_the_rules_are_accepted),
        cmocka_unit_test(test_program_ops_breaking_a_rule_are_refused_with_it),
        cmocka_unit_test(test_program_head_breaking_a_rule_is_refused_with_it),
        cmocka_unit_test(test_program_evidence_at_its_bound_is_accepted_and_above_refused),
        cmocka_unit_test(test_program_units_count_arithmetic_and_bytes),
        cmocka_unit_test(test_program_tensor_of_more_bytes_than_leaves_hold_is_refused),
        cmocka_unit_test(test_program_units_of_every_dtype_count_its_bytes),
        cmocka_unit_test(test_program_outputs_are_those_named_or_the_last_ops),
        cmocka_unit_test(test_program_random_ones_stay_within_their_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
