/* Operators of com.microsoft and ai.onnx.ml where onnxruntime, against which tests/onnx/contrib.py
 * holds them, leaves room: packed heads, samples of different lengths whose lengths are unknown,
 * hostile trees, and what is refused. */
#include "tensor/lower/test_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ALL UINT32_MAX /* every operand is unknown */

static struct ay_test_work of(const char *domain, const char *op, uint32_t out_count)
{
    struct ay_test_work w = ay_test_work(op, 1, out_count);
    w.domain = domain;
    return w;
}

static float small(void)
{
    return (float)((int)ay_test_below(&ay_test_seed, 2001) - 1000) / 500.0F;
}

/* An operand of small numbers. */
static struct ay_test_tensor *give_small(struct ay_test_work *w, uint32_t rank,
                                         const uint64_t *dims)
{
    struct ay_test_tensor *t = ay_test_give(w, F32, rank, dims, NULL);
    for (uint64_t i = 0; i < ay_test_count(t); i++) ((float *)t->data)[i] = small();
    return t;
}

static void refused(struct ay_test_work *w, const char *part)
{
    ay_test_lower(w, ALL);
    assert_int_not_equal(w->code, AY_OK);
    if (!strstr(w->reason.text, part)) fail_msg("'%s' does not say '%s'", w->reason.text, part);
}

/* --- attention --- */

static void test_multi_head_packed_heads_equal_those_apart(void **state)
{
    (void)state;
    enum { B = 2, T = 3, N = 2, W = 4 };
    struct ay_test_work packed = of("com.microsoft", "MultiHeadAttention", 1);
    struct ay_test_work apart = of("com.microsoft", "MultiHeadAttention", 1);
    ay_test_set_int(&packed, "num_heads", N);
    ay_test_set_int(&apart, "num_heads", N);
    const float *all = give_small(&packed, SHAPE(B, T, N, 3, W))->data;
    for (uint64_t part = 0; part < 3; part++) {
        float *to = give_small(&apart, SHAPE(B, T, N * W))->data;
        for (uint64_t i = 0; i < B * T * N; i++)
            memcpy(to + i * W, all + (i * 3 + part) * W, W * sizeof *to);
    }
    ay_test_either_way(&packed, ALL);
    ay_test_lowered(&apart, ALL);
    ay_test_same(&packed.out[0], &apart.out[0]);
}

/* Each operand in turn is of bytes. */
static void test_rotary_operand_of_another_type_is_refused_by_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"input", "position_ids", "cos_cache", "sin_cache"};
    for (uint32_t i = 0; i < 4; i++) {
        struct ay_test_work w = of("com.microsoft", "RotaryEmbedding", 1);
        ay_test_give(&w, i == 0 ? I8 : F32, SHAPE(1, 3, 8), NULL);
        ay_test_give(&w, i == 1 ? I8 : I64, SHAPE(1, 3), NULL);
        ay_test_give(&w, i == 2 ? I8 : F32, SHAPE(9, 4), NULL);
        ay_test_give(&w, i == 3 ? I8 : F32, SHAPE(9, 4), NULL);
        refused(&w, names[i]);
    }
}

enum { HEADS = 4, GROUPS = 2, WIDTH = 8, ROOM = 5, TOTAL = 6 };

/* One new row for each of `batch` samples beside past ones, of which the lengths count. */
static struct ay_test_work grouped(uint64_t batch)
{
    struct ay_test_work w = of("com.microsoft", "GroupQueryAttention", 3);
    ay_test_set_int(&w, "num_heads", HEADS);
    ay_test_set_int(&w, "kv_num_heads", GROUPS);
    give_small(&w, SHAPE(batch, 1, HEADS * WIDTH));
    give_small(&w, SHAPE(batch, 1, GROUPS * WIDTH));
    give_small(&w, SHAPE(batch, 1, GROUPS * WIDTH));
    give_small(&w, SHAPE(batch, GROUPS, ROOM, WIDTH));
    give_small(&w, SHAPE(batch, GROUPS, ROOM, WIDTH));
    return w;
}

static void test_group_query_samples_of_different_lengths_equal_each_alone(void **state)
{
    (void)state;
    const int32_t total = TOTAL, lengths[] = {5, 2, 0}; /* less one */
    struct ay_test_work all = grouped(3);
    ay_test_give(&all, I32, SHAPE(3), lengths);
    ay_test_give(&all, I32, 0, NULL, &total);
    ay_test_either_way(&all, ALL & ~(1u << 6)); /* the lengths unknown too */
    for (uint64_t i = 0; i < 3; i++) {
        struct ay_test_work one = grouped(1);
        for (uint32_t j = 0; j < 5; j++) {
            uint64_t bytes = ay_test_count(&one.in[j]) * sizeof(float);
            memcpy(one.in[j].data, (const uint8_t *)all.in[j].data + i * bytes, bytes);
        }
        ay_test_give(&one, I32, SHAPE(1), &lengths[i]);
        ay_test_give(&one, I32, 0, NULL, &total);
        ay_test_lowered(&one, ALL & ~(1u << 6));
        for (uint32_t j = 0; j < 3; j++) {
            uint64_t bytes = ay_test_count(&one.out[j]) * sizeof(float);
            assert_memory_equal(one.out[j].data, (const uint8_t *)all.out[j].data + i * bytes,
                                bytes);
        }
    }
}

static void test_attention_what_is_not_supported_is_refused_by_name(void **state)
{
    (void)state;
    struct ay_test_work w = of("com.microsoft", "Attention", 1);
    ay_test_set_int(&w, "num_heads", 2);
    ay_test_set_int(&w, "do_rotary", 1);
    give_small(&w, SHAPE(1, 3, 8));
    give_small(&w, SHAPE(8, 24));
    refused(&w, "do_rotary");

    w.attributes_count = 1;
    ay_test_leave_out(&w);
    ay_test_give(&w, I32, SHAPE(1, 1, 3, 3), NULL);
    refused(&w, "mask of 4 dimensions");
}

/* --- trees --- */

/* A tree of one split, x[feature] <= 0.5, whose branches lead to the nodes given. */
static struct ay_test_work stump(int64_t feature, int64_t yes, int64_t no)
{
    const int64_t trees[] = {0, 0, 0}, nodes[] = {0, 1, 2}, one[] = {0, 0}, leaves[] = {1, 2};
    const int64_t features[] = {feature, 0, 0}, yeses[] = {yes, 0, 0}, noes[] = {no, 0, 0};
    const float splits[] = {0.5F, 0, 0}, weights[] = {-1.0F, 2.0F};
    const char *const modes[] = {"BRANCH_LEQ", "LEAF", "LEAF"};
    struct ay_test_work w = of("ai.onnx.ml", "TreeEnsembleRegressor", 1);
    ay_test_set_ints(&w, "nodes_treeids", trees, 3);
    ay_test_set_ints(&w, "nodes_nodeids", nodes, 3);
    ay_test_set_ints(&w, "nodes_featureids", features, 3);
    ay_test_set_ints(&w, "nodes_truenodeids", yeses, 3);
    ay_test_set_ints(&w, "nodes_falsenodeids", noes, 3);
    ay_test_set_floats(&w, "nodes_values", splits, 3);
    ay_test_set_texts(&w, "nodes_modes", modes, 3);
    ay_test_set_ints(&w, "target_treeids", one, 2);
    ay_test_set_ints(&w, "target_nodeids", leaves, 2);
    ay_test_set_ints(&w, "target_ids", one, 2);
    ay_test_set_floats(&w, "target_weights", weights, 2);
    return w;
}

static void test_trees_rows_end_in_their_leaves(void **state)
{
    (void)state;
    const float rows[] = {0.25F, 0.5F, 0.75F};
    const uint32_t wanted[] = {0xbf800000, 0xbf800000, 0x40000000}; /* -1, -1, 2 */
    struct ay_test_work w = stump(0, 1, 2);
    ay_test_give(&w, F32, SHAPE(3, 1), rows);
    ay_test_either_way(&w, ALL);
    assert_memory_equal(w.out[0].data, wanted, sizeof wanted);
}

static void test_trees_hostile_nodes_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t feature, yes, no;
        const char *why;
    } cases[] = {{1, 1, 2, "feature 1 of 1"},
                 {-1, 1, 2, "feature -1 of 1"},
                 {INT64_MAX, 1, 2, "feature -1 of 1"},
                 {0, 7, 2, "no node 7 in tree 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_test_work w = stump(cases[i].feature, cases[i].yes, cases[i].no);
        give_small(&w, SHAPE(2, 1));
        refused(&w, cases[i].why);
    }
}

static void test_trees_circle_is_refused(void **state)
{
    (void)state;
    const int64_t root = 0, there[] = {1, 0}, none[] = {0, 0}, leaf[] = {1, 1}, features[] = {0, 0};
    struct ay_test_work w = of("ai.onnx.ml", "TreeEnsemble", 1);
    ay_test_set_ints(&w, "tree_roots", &root, 1);
    ay_test_set_ints(&w, "nodes_featureids", features, 2);
    ay_test_set_ints(&w, "nodes_truenodeids", there, 2);
    ay_test_set_ints(&w, "nodes_trueleafs", none, 2);
    ay_test_set_ints(&w, "nodes_falsenodeids", none, 2);
    ay_test_set_ints(&w, "nodes_falseleafs", leaf, 2);
    ay_test_set_ints(&w, "leaf_targetids", none, 1);
    give_small(&w, SHAPE(2, 1));
    refused(&w, "nodes_splits, nodes_modes or leaf_weights"); /* tensors that are missing */

    /* Two interior nodes that lead to each other. */
    struct ay_test_work two = stump(0, 1, 2);
    const char *const modes[] = {"BRANCH_LEQ", "BRANCH_LEQ", "LEAF"};
    const int64_t yes[] = {1, 0, 0}, no[] = {2, 2, 0};
    two.attributes_count = 0;
    struct ay_test_work fresh = stump(0, 1, 2);
    for (uint32_t i = 0; i < fresh.attributes_count; i++) {
        struct ay_slice name = fresh.attributes[i].name;
        if (ay_slice_equal(name, ay_slice_str("nodes_modes")))
            ay_test_set_texts(&two, "nodes_modes", modes, 3);
        else if (ay_slice_equal(name, ay_slice_str("nodes_truenodeids")))
            ay_test_set_ints(&two, "nodes_truenodeids", yes, 3);
        else if (ay_slice_equal(name, ay_slice_str("nodes_falsenodeids")))
            ay_test_set_ints(&two, "nodes_falsenodeids", no, 3);
        else
            two.attributes[two.attributes_count++] = fresh.attributes[i];
    }
    give_small(&two, SHAPE(2, 1));
    refused(&two, "a circle");
}

/* --- support vectors --- */

/* Two classes, of `first` and two vectors of one feature each. */
static struct ay_test_work two_classes(int64_t first, uint32_t vectors, uint32_t coefficients)
{
    const float vector[] = {1, 2, 3, 4}, coefficient[] = {1, -2, 3, 0.5F}, rho = -4;
    struct ay_test_work w = of("ai.onnx.ml", "SVMClassifier", 2);
    ay_test_set_ints(&w, "classlabels_ints", (const int64_t[]){5, 8}, 2);
    ay_test_set_ints(&w, "vectors_per_class", (const int64_t[]){first, 2}, 2);
    ay_test_set_floats(&w, "support_vectors", vector, vectors);
    ay_test_set_floats(&w, "coefficients", coefficient, coefficients);
    ay_test_set_floats(&w, "rho", &rho, 1);
    ay_test_give(&w, F32, SHAPE(2, 1), (const float[]){1, -1});
    return w;
}

static void test_svm_pair_is_decided_by_the_sum_of_both_classes_vectors(void **state)
{
    (void)state;
    struct ay_test_work w = two_classes(1, 3, 3); /* x (1 - 4 + 9) - 4 */
    ay_test_either_way(&w, ALL);
    const float *scores = w.out[1].data;
    const int64_t *labels = w.out[0].data;
    assert_true(labels[0] == 5 && labels[1] == 8);
    assert_true(scores[0] == -2 && scores[1] == 2 && scores[2] == 10 && scores[3] == -10);
}

static void test_svm_counts_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t first;
        uint32_t vectors, coefficients;
    } cases[] = {{-1, 3, 3}, {2, 3, 3}, {1, 4, 4}, {1, 3, 2}, {INT64_MAX, 3, 3}, {-2, 3, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_test_work w =
            two_classes(cases[i].first, cases[i].vectors, cases[i].coefficients);
        refused(&w, "do not fit");
    }
}

/* --- grams --- */

static void test_tf_idf_pool_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t starts[2], indexes[3], shortest, skips;
        const char *part;
    } cases[] = {{{0, 2}, {0, 1, 2}, 1, INT64_MAX, ""}, /* which is one that fits */
                 {{0, 1}, {0, 1, 2}, 1, 0, "fit"},         {{0, 5}, {0, 1, 2}, 1, 0, "fit"},
                 {{2, 0}, {0, 1, 2}, 1, 0, "fit"},         {{0, 2}, {0, -1, 2}, 1, 0, "fit"},
                 {{0, 2}, {0, 1, INT64_MAX}, 1, 0, "fit"}, {{0, 2}, {0, 1, 2}, 3, 0, "fit"},
                 {{0, 2}, {0, 1, 2}, 0, 0, "fit"},         {{0, 2}, {0, 1, 2}, 1, -1, "fit"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_test_work w = ay_test_work("TfIdfVectorizer", 9, 1);
        ay_test_set_text(&w, "mode", "TF");
        ay_test_set_ints(&w, "pool_int64s", (const int64_t[]){1, 2, 1, 2}, 4);
        ay_test_set_ints(&w, "ngram_counts", cases[i].starts, 2);
        ay_test_set_ints(&w, "ngram_indexes", cases[i].indexes, 3);
        ay_test_set_int(&w, "min_gram_length", cases[i].shortest);
        ay_test_set_int(&w, "max_gram_length", 2);
        ay_test_set_int(&w, "max_skip_count", cases[i].skips);
        ay_test_give(&w, I64, SHAPE(3), (const int64_t[]){1, 1, 2});
        if (i > 0)
            refused(&w, cases[i].part);
        else
            ay_test_either_way(&w, ALL);
        for (uint32_t k = 0; i == 0 && k < 3; k++) /* 1, 2 and with any gap 1 2 */
            assert_true(((const float *)w.out[0].data)[k] == (k == 1 ? 1 : 2));
    }
}

/* --- others --- */

static void test_label_encoder_last_of_equal_keys_counts(void **state)
{
    (void)state;
    const int64_t keys[] = {3, 5, 3}, values[] = {10, 20, 30}, x[] = {3, 4, 5};
    const int64_t wanted[] = {30, -1, 20};
    struct ay_test_work w = of("ai.onnx.ml", "LabelEncoder", 1);
    ay_test_set_ints(&w, "keys_int64s", keys, 3);
    ay_test_set_ints(&w, "values_int64s", values, 3);
    ay_test_give(&w, I64, SHAPE(3), x);
    ay_test_either_way(&w, ALL);
    assert_memory_equal(w.out[0].data, wanted, sizeof wanted);

    struct ay_test_work strings = of("ai.onnx.ml", "LabelEncoder", 1);
    const char *const names[] = {"a"};
    ay_test_set_ints(&strings, "keys_int64s", keys, 1);
    ay_test_set_texts(&strings, "values_strings", names, 1);
    ay_test_give(&strings, I64, SHAPE(3), x);
    refused(&strings, "strings");
}

static void test_blocks_odd_sizes_are_refused(void **state)
{
    (void)state;
    struct ay_test_work w = of("com.microsoft", "MatMulNBits", 1);
    ay_test_set_int(&w, "K", 24);
    ay_test_set_int(&w, "N", 2);
    ay_test_set_int(&w, "block_size", 12);
    give_small(&w, SHAPE(1, 24));
    ay_test_give(&w, U8, SHAPE(2, 2, 6), NULL);
    give_small(&w, SHAPE(4));
    refused(&w, "blocks of 12 numbers");

    w.attributes_count = 2;
    ay_test_set_int(&w, "block_size", 16);
    ay_test_lower(&w, 1);
    assert_true(strstr(w.reason.text, "B has 24 elements, not 32") != NULL);
}

static void test_stft_real_signal_of_two_dimensions_is_taken(void **state)
{
    (void)state;
    const int64_t step = 4;
    struct ay_test_work flat = ay_test_work("STFT", 17, 1), deep = ay_test_work("STFT", 17, 1);
    const void *signal = give_small(&flat, SHAPE(1, 32))->data;
    ay_test_give(&deep, F32, SHAPE(1, 32, 1), signal);
    for (int i = 0; i < 2; i++) {
        struct ay_test_work *w = i ? &deep : &flat;
        ay_test_give(w, I64, 0, NULL, &step);
        give_small(w, SHAPE(8));
    }
    memcpy(deep.in[2].data, flat.in[2].data, 8 * sizeof(float));
    ay_test_lowered(&flat, 1);
    ay_test_lowered(&deep, 1);
    ay_test_same(&flat.out[0], &deep.out[0]);
}

/* Operators of any number of operands, all of which are left out. */
static void test_operators_without_any_operand_are_refused(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"", "Concat"},
                                           {"", "Max"},
                                           {"", "Sum"},
                                           {"", "Einsum"},
                                           {"ai.onnx.ml", "FeatureVectorizer"},
                                           {"com.microsoft", "QLinearConcat"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ay_test_work w = of(names[i][0], names[i][1], 1);
        w.opset = 17;
        ay_test_set_text(&w, "equation", "i->i");
        ay_test_lower(&w, 0);
        assert_int_not_equal(w.code, AY_OK);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, ay_test_begin)

int main(void)
{
    printf("seed %llu\n", (unsigned long long)ay_test_seed);
    const struct CMUnitTest tests[] = {
        TEST(test_multi_head_packed_heads_equal_those_apart),
        TEST(test_rotary_operand_of_another_type_is_refused_by_its_name),
        TEST(test_group_query_samples_of_different_lengths_equal_each_alone),
        TEST(test_attention_what_is_not_supported_is_refused_by_name),
        TEST(test_trees_rows_end_in_their_leaves),
        TEST(test_trees_hostile_nodes_are_refused),
        TEST(test_trees_circle_is_refused),
        TEST(test_svm_pair_is_decided_by_the_sum_of_both_classes_vectors),
        TEST(test_svm_counts_that_do_not_fit_are_refused),
        TEST(test_tf_idf_pool_that_does_not_fit_is_refused),
        TEST(test_label_encoder_last_of_equal_keys_counts),
        TEST(test_blocks_odd_sizes_are_refused),
        TEST(test_stft_real_signal_of_two_dimensions_is_taken),
        TEST(test_operators_without_any_operand_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
