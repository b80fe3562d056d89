/* Ops that move or reduce elements, cut anywhere, against the specification: sizes at which the
 * ways to do so change. */
#include "tensor/each.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS     300u
#define MAX_GRID   40000u /* elements of an output */
#define MAX_PIECES 8u

static uint64_t seed = 20260711;

static uint32_t below(uint32_t n)
{
    return ay_test_below(&seed, n);
}

static const uint32_t dtypes[] = {AY_WORK_DTYPE_F32, AY_WORK_DTYPE_I64, AY_WORK_DTYPE_U8,
                                  AY_WORK_DTYPE_I32};

/* A size: mostly small, now and then longer than a block. */
static uint32_t size(void)
{
    return below(8) == 0 ? 500 + below(200) : below(3) == 0 ? 20 + below(60) : 1 + below(6);
}

/* A program of one op. */
struct one {
    struct ay_work_program p;
    struct ay_work_op op;
    struct ay_work_tensor_type inputs[2];
    uint32_t in[2], in_dims[2][AY_MAX_RANK], dims[AY_MAX_RANK], perm[AY_MAX_RANK];
    int64_t offsets[AY_MAX_RANK], coefs[AY_MAX_WORK_OP_COEFS];
};

/* Dims of an output of at most MAX_GRID elements. */
static uint32_t make_dims(uint32_t *dims, uint32_t most)
{
    uint32_t rank = 1 + below(most);
    for (uint64_t i = 0, n = 1; i < rank; i++) {
        dims[i] = size();
        if (n * dims[i] > MAX_GRID) dims[i] = 1;
        n *= dims[i];
    }
    return rank;
}

/* Reads anywhere, and beside the operand. */
static uint32_t make_reading(struct one *o)
{
    uint32_t axes = 1 + below(3), rank = o->op.dims_count = make_dims(o->dims, 5);
    for (uint32_t a = 0; a < axes; a++) {
        o->in_dims[0][a] = 1 + below(50);
        o->offsets[a] = below(2) ? (int64_t)below(5) - 2 : 0;
        for (uint32_t d = 0; d < rank; d++)
            o->coefs[a * rank + d] = below(2) ? (int64_t)below(4) - 1 : 0;
    }
    return axes;
}

/* A matrix whose elements are each read some times in turn. */
static uint32_t make_spread(struct one *o)
{
    o->op.dims_count = 3;
    for (uint32_t a = 0; a < 2; a++) {
        o->in_dims[0][a] = 1 + below(50);
        o->dims[a] = 1 + below(o->in_dims[0][a]);
        o->coefs[a * 3 + a] = 1;
    }
    o->dims[2] = 1 + below(5);
    return 2;
}

static void make_view(struct one *o)
{
    uint32_t axes = below(4) ? make_reading(o) : make_spread(o), rank = o->op.dims_count;
    o->inputs[0].dims_count = o->op.view_count = axes;
    o->op.view = o->in_dims[0];
    o->op.grid = o->dims;
    o->op.grid_count = rank;
    o->op.offsets = o->offsets;
    o->op.offsets_count = axes;
    o->op.coefs = o->coefs;
    o->op.coefs_count = axes * rank;
    o->op.fill = below(100);
}

static void make_permute(struct one *o)
{
    uint32_t rank = o->op.dims_count = make_dims(o->dims, 5), turn = below(rank);
    for (uint32_t i = 0; i < rank; i++) {
        o->perm[i] = (i + turn) % rank;
        o->in_dims[0][o->perm[i]] = o->dims[i];
    }
    o->op.view = o->in_dims[0];
    o->op.perm = o->perm;
    o->inputs[0].dims_count = o->op.view_count = o->op.perm_count = rank;
}

static void make_gather(struct one *o)
{
    uint32_t rank = make_dims(o->dims, 3);
    o->op.axis = below(rank);
    memcpy(o->in_dims[0], o->dims, sizeof o->dims);
    o->in_dims[0][o->op.axis] = 1 + below(40);
    o->in_dims[1][0] = o->dims[o->op.axis];
    o->op.dims_count = o->inputs[0].dims_count = rank;
    o->inputs[1].dims_count = 1;
    o->inputs[1].dtype = below(2) ? AY_WORK_DTYPE_I32 : AY_WORK_DTYPE_I64;
    o->op.in_count = 2;
}

static void make_reduce(struct one *o)
{
    uint32_t rank = o->op.dims_count = o->inputs[0].dims_count = make_dims(o->dims, 3);
    memcpy(o->in_dims[0], o->dims, sizeof o->dims);
    o->op.axis = below(rank);
    o->dims[o->op.axis] = 1;
    o->op.reduce = AY_WORK_REDUCE_SUM + below(AY_WORK_REDUCE_ARGMIN);
    o->op.dtype = o->inputs[0].dtype = AY_WORK_DTYPE_F32;
    if (o->op.reduce >= AY_WORK_REDUCE_ARGMAX) o->op.dtype = AY_WORK_DTYPE_I64;
}

static void make(struct one *o, enum ay_work_op_kind kind)
{
    *o = (struct one){.in = {0, 1}};
    o->op = (struct ay_work_op){.kind = kind, .in = o->in, .in_count = 1, .dims = o->dims};
    o->inputs[0].dtype = o->op.dtype = dtypes[below(4)];
    if (kind == AY_WORK_OP_VIEW)
        make_view(o);
    else if (kind == AY_WORK_OP_PERMUTE)
        make_permute(o);
    else if (kind == AY_WORK_OP_REDUCE)
        make_reduce(o);
    else
        make_gather(o);
    for (uint32_t i = 0; i < 2; i++) o->inputs[i].dims = o->in_dims[i];
    o->p = (struct ay_work_program){.numerics = 1,
                                    .iterate = 1,
                                    .inputs = o->inputs,
                                    .inputs_count = o->op.in_count,
                                    .ops = &o->op,
                                    .ops_count = 1};
}

/* The output made in pieces, in any order of them: backwards. */
static void run_in_pieces(const struct ay_call *call, uint64_t n, ay_each *each)
{
    uint64_t cuts[MAX_PIECES + 1] = {0};
    void *scratch = aligned_alloc(64, (ay_each_scratch(call) + 63) / 64 * 64);
    uint32_t pieces = 1 + below(MAX_PIECES);
    assert_non_null(scratch);
    for (uint32_t i = 1; i < pieces; i++)
        cuts[i] = cuts[i - 1] + below((uint32_t)(n - cuts[i - 1]) + 1);
    cuts[pieces] = n;
    for (uint32_t i = pieces; i-- > 0;)
        if (cuts[i] < cuts[i + 1]) each(call, cuts[i], cuts[i + 1], scratch);
    free(scratch);
}

static void check_random(enum ay_work_op_kind kind, ay_each *each)
{
    static const uint32_t none[AY_MAX_SYMBOLS];
    const struct ay_kernels *kernels;
    printf("seed %llu\n", (unsigned long long)seed);
    assert_int_equal(ay_kernels_select(&kernels), AY_OK);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct one o;
        const void *values[3] = {NULL};
        make(&o, kind);
        assert_int_equal(ay_program_check(&o.p, NULL), AY_OK);
        struct ay_call call = {.op = &o.op, .kernels = kernels, .sizes = none};
        for (uint32_t i = 0; i < o.op.in_count; i++) {
            ay_program_type(&o.p, i, &call.in[i]);
            uint64_t n = ay_tensor_elements(&call.in[i]);
            void *x = malloc(n * sizeof(int64_t));
            assert_non_null(x);
            ay_test_elements(&seed, call.in[i].dtype, x, n, round % 4 == 0);
            values[i] = call.from[i] = x;
        }
        ay_program_type(&o.p, o.op.in_count, &call.out);
        uint64_t n = ay_tensor_elements(&call.out);
        ay_test_reference(&o.p, none, values);
        call.to = malloc(n * sizeof(int64_t));
        assert_non_null(call.to);
        run_in_pieces(&call, n, each);
        assert_memory_equal(call.to, values[o.op.in_count], n * ay_dtype_bytes(o.op.dtype));
        for (uint32_t i = 0; i <= o.op.in_count; i++) free((void *)(uintptr_t)values[i]);
        free(call.to);
    }
}

static void test_each_random_views_equal_specification(void **state)
{
    (void)state;
    check_random(AY_WORK_OP_VIEW, ay_each_view);
}

static void test_each_random_permutes_equal_specification(void **state)
{
    (void)state;
    check_random(AY_WORK_OP_PERMUTE, ay_each_permute);
}

static void test_each_random_gathers_equal_specification(void **state)
{
    (void)state;
    check_random(AY_WORK_OP_GATHER, ay_each_gather);
}

static void test_each_random_reductions_equal_specification(void **state)
{
    (void)state;
    check_random(AY_WORK_OP_REDUCE, ay_each_reduce);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_random_views_equal_specification),
        cmocka_unit_test(test_each_random_permutes_equal_specification),
        cmocka_unit_test(test_each_random_gathers_equal_specification),
        cmocka_unit_test(test_each_random_reductions_equal_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
