/* Forests of every kind of binary split against a walk from node to node: bounds that are infinite
 * or zeros of either sign, missing numbers, trees of unlike depths, one row and several; so many
 * features that nodes are numbered in parts; targets that trees have for themselves or share. */
#include "tensor/lower/test_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include <cmocka.h>

#define FORESTS   60u
#define MAX_TREES 24u
#define MAX_NODES 4096u
#define MAX_DEPTH 7u
#define FEATURES  5u
#define MAX_ROWS  40u
#define MAX_TARGETS 4u
/* Beside so many features a part has numbers for 2047 nodes, or 1023 or 511 where NaNs are read
 * apart, and a tree has 255 at most. */
#define WIDE         (1u << 20)
#define WIDE_ROWS    2u
#define WIDE_FORESTS 3u

static const char *const modes[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                    "BRANCH_EQ",  "BRANCH_NEQ", "LEAF"};
enum { LEQ, LT, GTE, GT, EQ, NEQ, LEAF };
static const float numbers[] = {-INFINITY, -1.5F, -0x1p-149F, -0.0F,           0.0F,
                                0x1p-149F, 0.5F,  0x1p127F,   0x1.fffffep127F, INFINITY};

struct forest {
    uint32_t modes_used;  /* of those above, from the first on */
    uint32_t first_split; /* of the numbers above */
    uint32_t width;       /* features of a row; nodes ask for FEATURES of them */
    uint32_t targets, shared; /* shared: a tree's leaves count for any of them, else for one */
    uint32_t count, leaves;
    int64_t tree[MAX_NODES], node[MAX_NODES], feature[MAX_NODES], yes[MAX_NODES], no[MAX_NODES];
    int64_t missing[MAX_NODES];
    uint32_t mode[MAX_NODES];
    float split[MAX_NODES];
    int64_t leaf_tree[MAX_NODES], leaf_node[MAX_NODES], target[MAX_NODES];
    float weight[MAX_NODES];
    uint32_t root[MAX_TREES], trees;
};
static struct forest f;

static uint32_t below(uint32_t n)
{
    return ay_test_below(&ay_test_seed, n);
}

static float draw_number(uint32_t first)
{
    return numbers[first + below(sizeof numbers / sizeof *numbers - first)];
}

/* A node of the last tree, with what is below it; returns its number in the tree. */
static int64_t grow(uint32_t depth)
{
    uint32_t i = f.count++, root = f.root[f.trees - 1];
    AY_ASSERT(i < MAX_NODES);
    f.tree[i] = f.trees - 1;
    f.node[i] = i - root;
    f.mode[i] = depth == 0 || below(5) == 0 ? LEAF : below(f.modes_used);
    f.feature[i] = below(FEATURES) * (f.width / FEATURES);
    f.split[i] = draw_number(f.first_split);
    f.missing[i] = below(2);
    f.yes[i] = f.no[i] = 0;
    if (f.mode[i] == LEAF) {
        f.leaf_tree[f.leaves] = f.tree[i];
        f.leaf_node[f.leaves] = f.node[i];
        f.target[f.leaves] = f.shared ? below(f.targets) : f.tree[i] * 5 % 7 % f.targets;
        f.weight[f.leaves++] = (float)below(1000) / 7.0F;
    } else {
        f.yes[i] = grow(depth - 1);
        f.no[i] = grow(depth - 1);
    }
    return f.node[i];
}

static bool holds(uint32_t i, float x)
{
    switch (f.mode[i]) {
    case LEQ: return x <= f.split[i] || (isnan(x) && f.missing[i]);
    case LT: return x < f.split[i] || (isnan(x) && f.missing[i]);
    case GTE: return x >= f.split[i] || (isnan(x) && f.missing[i]);
    case GT: return x > f.split[i] || (isnan(x) && f.missing[i]);
    case EQ: return x == f.split[i] || (isnan(x) && f.missing[i]);
    default: return x != f.split[i];
    }
}

static uint32_t leaf_of(uint32_t node)
{
    for (uint32_t k = 0; k < f.leaves; k++)
        if (f.leaf_tree[k] == f.tree[node] && f.leaf_node[k] == f.node[node]) return k;
    fail_msg("no leaf");
    return 0;
}

/* Summed in the order of the trees, by docs/numerics.md: of all, or of those of the target alone
 * where trees have targets for themselves. */
static float walk(const float *row, uint32_t target)
{
    float sum[16] = {0};
    for (uint32_t t = 0, count = 0; t < f.trees; t++) {
        uint32_t i = f.root[t];
        while (f.mode[i] != LEAF)
            i = f.root[t] + (uint32_t)(holds(i, row[f.feature[i]]) ? f.yes[i] : f.no[i]);
        uint32_t leaf = leaf_of(i);
        if (f.target[leaf] == target) sum[count % 16] += f.weight[leaf];
        count += f.shared || f.target[leaf] == target;
    }
    for (uint32_t half = 8; half > 0; half /= 2)
        for (uint32_t i = 0; i < half; i++) sum[i] += sum[i + half];
    return sum[0];
}

static void set_forest(struct ay_test_work *w)
{
    static const char *names[MAX_NODES];
    for (uint32_t i = 0; i < f.count; i++) names[i] = modes[f.mode[i]];
    ay_test_set_ints(w, "nodes_treeids", f.tree, f.count);
    ay_test_set_ints(w, "nodes_nodeids", f.node, f.count);
    ay_test_set_ints(w, "nodes_featureids", f.feature, f.count);
    ay_test_set_ints(w, "nodes_truenodeids", f.yes, f.count);
    ay_test_set_ints(w, "nodes_falsenodeids", f.no, f.count);
    ay_test_set_ints(w, "nodes_missing_value_tracks_true", f.missing, f.count);
    ay_test_set_floats(w, "nodes_values", f.split, f.count);
    ay_test_set_texts(w, "nodes_modes", names, f.count);
    ay_test_set_ints(w, "target_treeids", f.leaf_tree, f.leaves);
    ay_test_set_ints(w, "target_nodeids", f.leaf_node, f.leaves);
    ay_test_set_ints(w, "target_ids", f.target, f.leaves);
    ay_test_set_floats(w, "target_weights", f.weight, f.leaves);
}

static void draw_forest(uint32_t trees, uint32_t depth, uint32_t width)
{
    f.count = f.leaves = f.trees = 0;
    f.width = width;
    f.modes_used = below(4) ? GT + 1 : NEQ + 1;
    f.first_split = below(4) > 0; /* which no number is below */
    f.targets = 1 + below(MAX_TARGETS);
    f.shared = below(2);
    while (f.trees < trees) {
        f.root[f.trees++] = f.count;
        (void)grow(depth ? depth : below(MAX_DEPTH));
    }
}

static void check_forest(const float *x, uint32_t rows)
{
    struct ay_test_work w = ay_test_work("TreeEnsembleRegressor", 3, 1);
    w.domain = "ai.onnx.ml";
    set_forest(&w);
    ay_test_set_int(&w, "n_targets", f.targets);
    ay_test_give(&w, F32, SHAPE(rows, f.width), x);
    ay_test_either_way(&w, 1);
    for (uint32_t i = 0; i < rows * f.targets; i++) {
        float wanted = walk(x + (size_t)(i / f.targets) * f.width, i % f.targets);
        assert_memory_equal((const float *)w.out[0].data + i, &wanted, sizeof wanted);
    }
}

static void test_trees_leaves_are_those_of_a_walk(void **state)
{
    float x[MAX_ROWS * FEATURES];
    for (uint32_t n = 0; n < FORESTS; n++) {
        assert_int_equal(ay_test_begin(state), 0);
        uint32_t trees = 1 + below(MAX_TREES), rows = below(3) ? 1 + below(MAX_ROWS) : 1;
        draw_forest(trees, 0, FEATURES);
        for (uint32_t i = 0; i < rows * FEATURES; i++) x[i] = below(4) ? draw_number(0) : NAN;
        check_forest(x, rows);
    }
}

static void test_trees_of_many_features_are_numbered_in_parts(void **state)
{
    float *x = calloc((size_t)WIDE_ROWS * WIDE, sizeof *x);
    assert_non_null(x);
    for (uint32_t n = 0; n < WIDE_FORESTS; n++) {
        assert_int_equal(ay_test_begin(state), 0);
        draw_forest(MAX_TREES, MAX_DEPTH, WIDE);
        for (uint32_t i = 0; i < WIDE_ROWS * FEATURES; i++)
            x[(size_t)(i / FEATURES) * WIDE + i % FEATURES * (WIDE / FEATURES)] =
                below(4) ? draw_number(0) : NAN;
        check_forest(x, WIDE_ROWS);
    }
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_trees_leaves_are_those_of_a_walk, ay_test_begin),
        cmocka_unit_test_setup(test_trees_of_many_features_are_numbered_in_parts, ay_test_begin),
    };
    printf("seed %llu\n", (unsigned long long)ay_test_seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
