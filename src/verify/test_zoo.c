/* Nothing that a program may hold is without its reference, its dispute and its section in the
 * specification: walks the schema's enums. test_zoo docs/numerics.md */
#include "verify/testing.h"

#include "tensor/ref/fn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define SEED   20270117u
#define LENGTH 130u

static const char *document;

static uint32_t count_of(const struct ay_enum *e)
{
    return e->values[e->n - 1].number + 1;
}

/* Which of its values the zoo's ops have; MAP's functions by step. */
struct seen {
    bool op[32][32]; /* by kind and dtype of the first operand, or of the output of a MAP */
    bool reduce[32][32];
    bool scatter[32][32];
    bool fn[64];
};

static struct seen *look(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    struct ay_sketch s;
    assert_non_null(seen);
    ay_sketch_zoo(&s);
    for (uint32_t i = 0; i < s.program.ops_count; i++) {
        const struct ay_op_shape shape = ay_arbiter_shape(&s.program, i, LENGTH);
        const struct ay_work_op *op = shape.op;
        bool map = op->kind == AY_WORK_OP_MAP;
        seen->op[op->kind][map ? shape.out.dtype : shape.in[0].dtype] = true;
        if (op->kind == AY_WORK_OP_REDUCE) seen->reduce[op->reduce][shape.in[0].dtype] = true;
        if (op->kind == AY_WORK_OP_SCATTER) seen->scatter[op->reduce][shape.in[0].dtype] = true;
        for (uint32_t k = 0; k < op->steps_count; k++) seen->fn[op->steps[k].fn] = true;
    }
    ay_sketch_free(&s);
    return seen;
}

/* Each kind of op in a small form. Operands: 0 the input, 1 (2, 2) of the dtype in question, 2 i64
 * (4), 3 (4) of the dtype, 4 i8 (2, 2), 5 f32 (2, 1). */
#define LIST(...)                                                                                  \
    (const uint32_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define ENTRY(k, ins, n, d0, d1)                                                                   \
    .kind = AY_WORK_OP_##k, .in = ins, .in_count = n, .dims = LIST(d0, d1), .dims_count = 2
static const uint32_t square[] = {2, 2}, row[] = {4}, column[] = {2, 1}, max_dims[] = {8},
                      ids[] = {AY_SYMBOL};
static const struct ay_work_map_step negate[] = {{AY_WORK_FN_NEG, LIST(0), 1}},
                                     twice[] = {{AY_WORK_FN_INT_ADD, LIST(0, 0), 2}};
static const struct ay_work_op small[] = {
    [AY_WORK_OP_NONE] = {.kind = AY_WORK_OP_NONE},
    [AY_WORK_OP_GATHER] = {ENTRY(GATHER, LIST(1, 2), 2, 4, 2)},
    [AY_WORK_OP_MAP] = {ENTRY(MAP, LIST(1), 1, 2, 2), .steps_count = 1},
    [AY_WORK_OP_MATMUL] = {ENTRY(MATMUL, LIST(1, 1), 2, 2, 2)},
    [AY_WORK_OP_REDUCE] = {ENTRY(REDUCE, LIST(1), 1, 2, 1), .axis = 1},
    [AY_WORK_OP_PERMUTE] = {ENTRY(PERMUTE, LIST(1), 1, 2, 2), .view = square, .view_count = 2,
                            .perm = LIST(1, 0), .perm_count = 2},
    [AY_WORK_OP_VIEW] = {ENTRY(VIEW, LIST(1), 1, 2, 2), .view = square, .view_count = 2,
                         .grid = square, .grid_count = 2, .coefs = (const int64_t[]){1, 0, 0, 1},
                         .coefs_count = 4, .offsets = (const int64_t[]){0, 0}, .offsets_count = 2},
    [AY_WORK_OP_CONCAT] = {ENTRY(CONCAT, LIST(1, 1), 2, 4, 2)},
    [AY_WORK_OP_SCATTER] = {ENTRY(SCATTER, LIST(1, 2, 3), 3, 2, 2)},
    [AY_WORK_OP_MATMUL_Q8] = {ENTRY(MATMUL_Q8, LIST(1, 4, 5), 3, 2, 2)},
};

/* Whether a program may have the op on this dtype, whatever the dtype of its output. */
static bool is_accepted(uint32_t kind, uint32_t reduce, uint32_t dtype)
{
    const struct ay_work_tensor_type input = {AY_WORK_DTYPE_I32, ids, 1};
    const struct ay_work_weight weights[] = {{dtype, square, 2},
                                             {AY_WORK_DTYPE_I64, row, 1},
                                             {dtype, row, 1},
                                             {AY_WORK_DTYPE_I8, square, 2},
                                             {AY_WORK_DTYPE_F32, column, 2}};
    assert_true(kind < sizeof small / sizeof small[0]);
    struct ay_work_op op = small[kind];
    const struct ay_work_program p = {.numerics = 1,
                                      .iterate = 1,
                                      .max_dims = max_dims,
                                      .max_dims_count = 1,
                                      .inputs = &input,
                                      .inputs_count = 1,
                                      .weights = weights,
                                      .weights_count = 5,
                                      .ops = &op,
                                      .ops_count = 1};
    op.reduce = reduce;
    if (kind == AY_WORK_OP_MAP) op.steps = dtype == AY_WORK_DTYPE_F32 ? negate : twice;
    for (op.dtype = AY_WORK_DTYPE_F32; op.dtype < count_of(&ay_work_dtype_enum); op.dtype++) {
        bool other = kind == AY_WORK_OP_MAP && op.dtype != dtype;
        if (!other && ay_program_check(&p, NULL) == AY_OK) return true;
    }
    return false;
}

static void test_zoo_holds_every_op_and_reduction_on_every_dtype_it_takes(void **state)
{
    (void)state;
    struct seen *seen = look();
    uint32_t pairs = 0;
    for (uint32_t dtype = 1; dtype < count_of(&ay_work_dtype_enum); dtype++) {
        for (uint32_t kind = 1; kind < count_of(&ay_work_op_kind_enum); kind++) {
            uint32_t reduce = kind == AY_WORK_OP_REDUCE ? AY_WORK_REDUCE_MAX : AY_WORK_REDUCE_NONE;
            if (is_accepted(kind, reduce, dtype) != seen->op[kind][dtype])
                fail_msg("%s on %s", ay_enum_find(&ay_work_op_kind_enum, kind)->name,
                         ay_enum_find(&ay_work_dtype_enum, dtype)->name);
            pairs += seen->op[kind][dtype];
        }
        for (uint32_t r = 0; r < count_of(&ay_work_reduce_enum); r++) {
            if (is_accepted(AY_WORK_OP_REDUCE, r, dtype) != seen->reduce[r][dtype] ||
                is_accepted(AY_WORK_OP_SCATTER, r, dtype) != seen->scatter[r][dtype])
                fail_msg("%s on %s", ay_enum_find(&ay_work_reduce_enum, r)->name,
                         ay_enum_find(&ay_work_dtype_enum, dtype)->name);
            pairs += seen->reduce[r][dtype] + seen->scatter[r][dtype];
        }
    }
    print_message("%u pairs of op or reduction and dtype\n", pairs);
    free(seen);
}

static void test_zoo_holds_every_function(void **state)
{
    (void)state;
    struct seen *seen = look();
    assert_int_equal(count_of(&ay_work_fn_enum), AY_FN_COUNT);
    for (uint32_t fn = 1; fn < count_of(&ay_work_fn_enum); fn++)
        if (!seen->fn[fn] || ay_fn_arity((enum ay_fn)fn) == 0)
            fail_msg("%s", ay_enum_find(&ay_work_fn_enum, fn)->name);
    free(seen);
}

/* The index arithmetic that all share against loops over coordinates, every op whole. */
static void test_zoo_whole_op_by_ref_equals_loops(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {1, 70, 130};
    struct ay_sketch s;
    ay_sketch_zoo(&s);
    for (uint32_t l = 0; l < 3; l++) {
        struct ay_truth *truth = ay_truth_new(&s, lengths[l], SEED, AY_NO_LIE, 0);
        for (uint32_t i = 0; i < s.program.ops_count; i++) {
            const struct ay_work_op *op = &s.ops[i];
            const uint8_t *in[AY_MAX_WORK_OP_IN] = {NULL};
            uint32_t id = ay_program_output(&s.program, i);
            for (uint32_t k = 0; k < op->in_count; k++) in[k] = truth->values[op->in[k]];
            uint8_t *out = malloc(truth->lens[id]);
            assert_non_null(out);
            assert_int_equal(ay_ref_eval(&s.program, i, &lengths[l], in, out), AY_OK);
            if (memcmp(out, truth->values[id], truth->lens[id]) != 0)
                fail_msg("op %u, length %u", i, lengths[l]);
            free(out);
        }
        ay_truth_free(truth);
    }
    ay_sketch_free(&s);
}

/* Whether the text has the word, in no longer one. */
static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        bool begins = at == text || !(at[-1] == '_' || (at[-1] >= 'A' && at[-1] <= 'z'));
        bool ends = !(at[len] == '_' || (at[len] >= 'A' && at[len] <= 'z'));
        if (begins && ends) return true;
    }
    return false;
}

/* What the document calls a value: its name without the enum's, maybe in lower case, in its form.
 */
static void name_of(const struct ay_enum_value *value, const char *const form[3], bool lower,
                    char out[96])
{
    char name[64];
    snprintf(name, sizeof name, "%s", value->name + strlen(form[0]));
    for (char *c = name; lower && *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c | 32);
    snprintf(out, 96, "%s%s%s", form[1], name, form[2]);
}

static void test_document_names_every_op_reduction_function_and_dtype(void **state)
{
    (void)state;
    const char *functions = strstr(document, "\n## 3. Functions\n");
    assert_non_null(functions);
    const struct {
        const struct ay_enum *values;
        const char *form[3]; /* prefix in the schema; before and after it in the document */
        bool lower, word;
        const char *text;
    } parts[] = {{&ay_work_op_kind_enum, {"OP_", "\n### ", "\n"}, false, false, document},
                 {&ay_work_reduce_enum, {"REDUCE_", "**", "**"}, true, false, document},
                 {&ay_work_fn_enum, {"FN_", "", ""}, false, true, functions},
                 {&ay_work_dtype_enum, {"DTYPE_", "", ""}, true, true, document}};
    for (uint32_t p = 0; p < 4; p++)
        for (uint32_t i = 1; i < parts[p].values->n; i++) {
            char name[96];
            name_of(&parts[p].values->values[i], parts[p].form, parts[p].lower, name);
            bool there =
                parts[p].word ? has_word(parts[p].text, name) : strstr(parts[p].text, name) != NULL;
            if (!there) fail_msg("nothing is said of %s", parts[p].values->values[i].name);
        }
    assert_false(has_word(functions, "SINH") || has_word(functions, "INT_"));
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1u << 20);
    AY_ASSERT(file && text);
    AY_ASSERT(fread(text, 1, (1u << 20) - 1, file) > 0 && feof(file));
    AY_ASSERT(fclose(file) == 0);
    return text;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zoo_holds_every_op_and_reduction_on_every_dtype_it_takes),
        cmocka_unit_test(test_zoo_holds_every_function),
        cmocka_unit_test(test_zoo_whole_op_by_ref_equals_loops),
        cmocka_unit_test(test_document_names_every_op_reduction_function_and_dtype),
    };
    AY_ASSERT(argc == 2);
    char *text = read_whole(argv[1]);
    document = text;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
