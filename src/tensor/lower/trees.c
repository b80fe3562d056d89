/* Ensembles of decision trees: TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble of
 * ai.onnx.ml. All trees go down one level at a time: where a row stands in each tree is one number
 * of a node. Trees of binary splits go as tree_descent.c has it; in others the next number is read
 * from a table by the one before and by how the node's feature compares with its split. */
#include "tensor/lower/trees.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_NODES (1u << 24)
/* Steps from node to node while the depth is found; a tree takes one a node. */
#define MAX_STEPS (1ull << 26)

/* The relations under which a mode holds. */
static const struct {
    const char *name;
    uint32_t holds;
} modes[] = {[AY_TREE_LEQ] = {"BRANCH_LEQ", 1 << AY_BELOW | 1 << AY_EQUAL},
             [AY_TREE_LT] = {"BRANCH_LT", 1 << AY_BELOW},
             [AY_TREE_GTE] = {"BRANCH_GTE", 1 << AY_EQUAL | 1 << AY_ABOVE},
             [AY_TREE_GT] = {"BRANCH_GT", 1 << AY_ABOVE},
             [AY_TREE_EQ] = {"BRANCH_EQ", 1 << AY_EQUAL},
             [AY_TREE_NEQ] = {"BRANCH_NEQ", 1 << AY_BELOW | 1 << AY_ABOVE | 1 << AY_UNORDERED},
             [AY_TREE_MEMBER] = {"BRANCH_MEMBER", 0},
             [AY_TREE_LEAF] = {"LEAF", 0}};

bool ay_forest_make(const struct ay_lower *l, struct ay_forest *f)
{
    uint64_t cells;
    if (f->nodes == 0 || f->trees == 0 || f->targets == 0 || f->nodes > MAX_NODES ||
        f->targets > MAX_NODES || __builtin_mul_overflow(f->nodes, f->targets, &cells) ||
        cells > 1u << 30) {
        ay_lower_fail(l, AY_E_LIMIT, "%llu nodes of %llu trees for %llu targets",
                      (unsigned long long)f->nodes, (unsigned long long)f->trees,
                      (unsigned long long)f->targets);
        return false;
    }
    void *to[6];
    f->features = fresh(l, I32, SHAPE(f->nodes), &to[0]);
    f->nexts = fresh(l, I32, SHAPE(f->nodes * AY_RELATIONS), &to[1]);
    f->splits = fresh(l, F32, SHAPE(f->nodes), &to[2]);
    f->roots = fresh(l, I32, SHAPE(1, f->trees), &to[3]);
    f->weights = fresh(l, F32, SHAPE(f->nodes, f->targets), &to[4]);
    f->scoreds = fresh(l, BOOL, SHAPE(f->nodes, f->targets), &to[5]);
    if (failed(l)) return false;
    f->feature = to[0];
    f->next = to[1];
    f->split = to[2];
    f->root = to[3];
    f->weight = to[4];
    f->scored = to[5];
    return true;
}

void ay_forest_node(struct ay_forest *f, uint64_t i, uint32_t mode, bool missing_holds, int64_t yes,
                    int64_t no)
{
    uint32_t holds = modes[mode].holds | (missing_holds ? 1u << AY_UNORDERED : 0);
    for (uint32_t r = 0; r < AY_RELATIONS; r++)
        f->next[i * AY_RELATIONS + r] = (int32_t)(holds >> r & 1 ? yes : no);
}

void ay_forest_leaf(struct ay_forest *f, uint64_t i)
{
    ay_forest_node(f, i, AY_TREE_LEAF, false, (int64_t)i, (int64_t)i);
}

/* Levels below the roots; fails on a circle. A node is gone through once for each level that it is
 * on. */
static uint64_t depth_of(const struct ay_lower *l, const struct ay_forest *f)
{
    uint64_t *level = calloc(2 * f->nodes, sizeof *level), *seen = calloc(f->nodes, sizeof *seen);
    uint64_t count = 0, depth = 0, steps = 0;
    if (!level || !seen) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    for (uint64_t t = 0; !failed(l) && t < f->trees; t++) {
        uint64_t i = (uint64_t)f->root[t];
        if (!seen[i]) level[count++] = i;
        seen[i] = 1;
    }
    uint64_t *now = level, *below = level ? level + f->nodes : NULL;
    while (!failed(l) && count > 0) {
        uint64_t more = 0;
        for (uint64_t i = 0; i < count; i++)
            for (uint32_t r = 0; r < AY_RELATIONS; r++) {
                uint64_t to = (uint64_t)f->next[now[i] * AY_RELATIONS + r];
                if (to == now[i] || seen[to] == depth + 2) continue;
                seen[to] = depth + 2;
                below[more++] = to;
            }
        uint64_t *swap = now;
        now = below;
        below = swap;
        count = more;
        steps += more;
        if (more && (++depth > AY_MAX_TREE_DEPTH || steps > MAX_STEPS))
            ay_lower_fail(l, AY_E_LIMIT, "trees too deep, or a circle");
    }
    free(level);
    free(seen);
    return depth;
}

/* By any relations: (N, trees). */
static term leaves_by_tables(const struct ay_lower *l, const struct ay_forest *f, term x)
{
    uint64_t rows = x->dims[0], width = x->dims[1], depth = depth_of(l, f);
    term flat = reshape(l, x, SHAPE(rows * width)), at = f->roots;
    term first = int_fn(l, AY_WORK_FN_INT_MUL, I64, ay_term_count(l, I64, rows),
                        integer(l, I64, (int64_t)width));
    first = reshape(l, first, SHAPE(rows, 1));
    const int32_t kinds[] = {AY_BELOW, AY_EQUAL, AY_ABOVE, AY_UNORDERED};
    term kind[AY_RELATIONS];
    for (int r = 0; r < AY_RELATIONS; r++) kind[r] = integer(l, I32, kinds[r]);
    for (uint64_t d = 0; d < depth && !failed(l); d++) {
        term place = int_fn(l, AY_WORK_FN_INT_ADD, I64, first, gather(l, f->features, at, 0));
        term value = gather(l, flat, place, 0), split = gather(l, f->splits, at, 0);
        term relation = choose(l, less(l, split, value), kind[AY_ABOVE], kind[AY_UNORDERED]);
        term equal = int_fn(l, AY_WORK_FN_EQ, BOOL, value, split);
        relation = choose(l, equal, kind[AY_EQUAL], relation);
        relation = choose(l, less(l, value, split), kind[AY_BELOW], relation);
        term row = int_fn(l, AY_WORK_FN_INT_MUL, I32, at, integer(l, I32, AY_RELATIONS));
        at = gather(l, f->nexts, int_fn(l, AY_WORK_FN_INT_ADD, I32, row, relation), 0);
    }
    return expand(l, at, SHAPE(rows, f->trees));
}

term ay_forest_leaves(const struct ay_lower *l, struct ay_forest *f, term x)
{
    uint64_t width = x->dims[1];
    for (uint64_t i = 0; i < f->nodes; i++)
        if (f->feature[i] < 0 || (uint64_t)f->feature[i] >= width)
            return ay_lower_fail(l, AY_E_FORMAT, "feature %d of %llu", (int)f->feature[i],
                                 (unsigned long long)width);
    ay_forest_part(l, f);
    term leaves = ay_forest_descend(l, f, x);
    if (leaves || failed(l)) return leaves;
    return ay_term_transpose(l, leaves_by_tables(l, f, x));
}

/* --- the trees of TreeEnsembleRegressor and TreeEnsembleClassifier --- */

/* A node by its tree and its number within. */
struct name {
    int64_t tree, node;
    uint64_t index;
};

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->tree != y->tree) return x->tree < y->tree ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Lists of the nodes, each as long as the forest has nodes. */
struct listed {
    const int64_t *tree, *node, *feature, *yes, *no, *missing; /* missing: or NULL */
    const struct ay_slice *mode;
    struct name *names; /* ascending */
};

static int64_t index_of(const struct ay_lower *l, const struct listed *n, uint64_t nodes,
                        int64_t tree, int64_t node)
{
    const struct name key = {tree, node, 0};
    const struct name *found = bsearch(&key, n->names, nodes, sizeof key, compare_names);
    if (found) return (int64_t)found->index;
    ay_lower_fail(l, AY_E_FORMAT, "no node %lld in tree %lld", (long long)node, (long long)tree);
    return 0;
}

const int64_t *ay_forest_list(const struct ay_lower *l, const char *name, uint64_t nodes,
                              bool optional)
{
    uint32_t count;
    const int64_t *list = ay_attr_ints(l, name, &count);
    if (count == nodes || (optional && count == 0)) return count ? list : NULL;
    ay_lower_fail(l, AY_E_FORMAT, "%s has %u elements, not %llu", name, count,
                  (unsigned long long)nodes);
    return NULL;
}

static uint32_t mode_of(const struct ay_lower *l, struct ay_slice text)
{
    for (uint32_t m = 0; m < sizeof modes / sizeof *modes; m++)
        if (m != AY_TREE_MEMBER && ay_slice_equal(text, ay_slice_str(modes[m].name))) return m;
    ay_lower_fail(l, AY_E_FORMAT, "unknown mode of a node");
    return AY_TREE_LEAF;
}

/* A node that no node of its tree leads to is the root: the first one named of each tree. */
static void set_nodes(const struct ay_lower *l, struct ay_forest *f, const struct listed *n,
                      const float *splits)
{
    uint64_t trees = 0;
    for (uint64_t i = 0; i < f->nodes && !failed(l); i++) {
        uint32_t mode = mode_of(l, n->mode[i]);
        bool leaf = mode == AY_TREE_LEAF;
        f->feature[i] = leaf ? 0 : (int32_t)n->feature[i];
        if (!leaf && (n->feature[i] < 0 || n->feature[i] > INT32_MAX)) f->feature[i] = -1;
        f->split[i] = splits[i];
        if (i == 0 || n->tree[i] != n->tree[i - 1]) {
            if (trees < f->trees) f->root[trees] = (int32_t)i;
            trees++;
        }
        if (leaf)
            ay_forest_leaf(f, i);
        else
            ay_forest_node(f, i, mode, n->missing && n->missing[i],
                           index_of(l, n, f->nodes, n->tree[i], n->yes[i]),
                           index_of(l, n, f->nodes, n->tree[i], n->no[i]));
    }
    if (!failed(l) && trees != f->trees)
        ay_lower_fail(l, AY_E_FORMAT, "nodes of a tree are not listed together");
}

/* Weights of leaves by the attributes kind_treeids, kind_nodeids, kind_ids and kind_weights. */
static void set_weights(const struct ay_lower *l, struct ay_forest *f, const struct listed *n,
                        const char *kind)
{
    static const char *const parts[] = {"treeids", "nodeids", "ids"};
    const int64_t *list[3] = {NULL};
    char name[32];
    (void)snprintf(name, sizeof name, "%s_weights", kind);
    term given = ay_attr_list(l, name);
    const float *weights = given ? ay_term_floats(l, given, name) : NULL;
    uint64_t count = given ? given->dims[0] : 0;
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s_%s", kind, parts[i]);
        list[i] = ay_forest_list(l, name, count, false);
    }
    for (uint64_t i = 0; weights && i < count && !failed(l); i++) {
        int64_t at = index_of(l, n, f->nodes, list[0][i], list[1][i]), target = list[2][i];
        if (target < 0 || (uint64_t)target >= f->targets) {
            ay_lower_fail(l, AY_E_FORMAT, "target %lld of %llu", (long long)target,
                          (unsigned long long)f->targets);
            return;
        }
        uint64_t cell = (uint64_t)at * f->targets + (uint64_t)target;
        f->weight[cell] += weights[i];
        f->scored[cell] = 1;
    }
}

static uint64_t count_trees(const struct name *names, uint64_t nodes)
{
    uint64_t trees = 0;
    for (uint64_t i = 0; i < nodes; i++) trees += i == 0 || names[i].tree != names[i - 1].tree;
    return trees;
}

static bool read_lists(const struct ay_lower *l, struct ay_forest *f, struct listed *n)
{
    uint32_t nodes, count;
    n->tree = ay_attr_ints(l, "nodes_treeids", &nodes);
    f->nodes = nodes;
    n->node = ay_forest_list(l, "nodes_nodeids", nodes, false);
    n->feature = ay_forest_list(l, "nodes_featureids", nodes, false);
    n->yes = ay_forest_list(l, "nodes_truenodeids", nodes, false);
    n->no = ay_forest_list(l, "nodes_falsenodeids", nodes, false);
    n->missing = ay_forest_list(l, "nodes_missing_value_tracks_true", nodes, true);
    n->mode = ay_attr_texts(l, "nodes_modes", &count);
    if (count != nodes || nodes == 0) ay_lower_fail(l, AY_E_FORMAT, "%u modes of nodes", count);
    n->names = calloc(nodes ? nodes : 1, sizeof *n->names);
    if (!n->names) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    if (failed(l)) return false;
    for (uint64_t i = 0; i < nodes; i++) n->names[i] = (struct name){n->tree[i], n->node[i], i};
    qsort(n->names, nodes, sizeof *n->names, compare_names);
    for (uint64_t i = 1; i < nodes; i++)
        if (compare_names(&n->names[i - 1], &n->names[i]) == 0)
            ay_lower_fail(l, AY_E_FORMAT, "a node is there twice");
    return !failed(l);
}

/* kind: "target" or "class". */
static bool read_forest(const struct ay_lower *l, struct ay_forest *f, const char *kind)
{
    struct listed n = {0};
    term given = ay_attr_list(l, "nodes_values");
    const float *splits = given ? ay_term_floats(l, given, "nodes_values") : NULL;
    if (read_lists(l, f, &n)) {
        if (!splits || given->dims[0] != f->nodes)
            ay_lower_fail(l, AY_E_FORMAT, "nodes_values does not fit");
        f->trees = count_trees(n.names, f->nodes);
        if (!failed(l) && ay_forest_make(l, f)) {
            set_nodes(l, f, &n, splits);
            set_weights(l, f, &n, kind);
        }
    }
    free(n.names);
    return !failed(l);
}

/* --- scores --- */

/* Adds the attribute base_values, one a target, if there is any. */
static term with_base(const struct ay_lower *l, const struct ay_forest *f, term y)
{
    term base = ay_attr_list(l, "base_values");
    if (!base) return y;
    return ay_term_shape(l, base, SHAPE(f->targets), "base_values") ? add(l, y, base) : NULL;
}

static void tree_regressor(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_forest f = {.targets = (uint64_t)ay_attr_int(l, "n_targets", 1)};
    term x = ay_classic_rows(l, o);
    enum ay_transform transform = ay_transform_read(l);
    if (failed(l) || !read_forest(l, &f, "target")) return;
    enum ay_work_reduce how = ay_attr_is(l, "aggregate_function", "MIN")   ? AY_WORK_REDUCE_MIN
                              : ay_attr_is(l, "aggregate_function", "MAX") ? AY_WORK_REDUCE_MAX
                                                                           : AY_WORK_REDUCE_SUM;
    bool average = ay_attr_is(l, "aggregate_function", "AVERAGE");
    term y = with_base(l, &f, ay_forest_sums(l, &f, ay_forest_leaves(l, &f, x), how, average));
    o->out[0] = f.targets == 1 ? y : ay_transformed(l, transform, y);
}

/* --- classes --- */

/* More than two: the highest of those that have a score, which base_values give to all. */
static void classify_many(const struct ay_lower *l, const struct ay_operands *o,
                          struct ay_forest *f, term labels, term leaf, enum ay_transform transform)
{
    uint64_t rows = leaf->dims[1];
    term y = ay_forest_sums(l, f, leaf, AY_WORK_REDUCE_SUM, false), ranked;
    if (ay_attr_list(l, "base_values")) {
        ranked = y = with_base(l, f, y);
    } else {
        ranked = choose(l, ay_forest_counted(l, f, leaf), y, number(l, -INFINITY));
    }
    term best = reduce(l, AY_WORK_REDUCE_ARGMAX, ranked, 1);
    o->out[0] = ay_labels_of(l, labels, reshape(l, best, SHAPE(rows)));
    if (o->out_count > 1) o->out[1] = ay_transformed(l, transform, y);
}

/* Which of two classes has weights (bit 0, bit 1), and whether none is negative. */
static uint32_t weighted_classes(const struct ay_forest *f, bool *positive)
{
    uint32_t classes = 0;
    *positive = true;
    for (uint64_t i = 0; i < 2 * f->nodes; i++) {
        if (f->scored[i]) classes |= 1u << i % 2;
        if (f->weight[i] < 0) *positive = false;
    }
    return classes;
}

/* Two, as onnxruntime has them: where only one has weights its score decides, by 1/2 if all weights
 * are positive, else by 0; where the first has them its score is the second class's. */
static void classify_two(const struct ay_lower *l, const struct ay_operands *o, struct ay_forest *f,
                         term labels, term leaf, enum ay_transform transform)
{
    bool positive;
    uint32_t classes = weighted_classes(f, &positive);
    uint64_t rows = leaf->dims[1];
    term base = ay_attr_list(l, "base_values"), y, decisive, pair;
    if (base && base->dims[0] != 1)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "base_values of two classes");
    if (failed(l)) return;
    y = ay_forest_sums(l, f, leaf, AY_WORK_REDUCE_SUM, false);
    term first = ay_term_part(l, y, 1, 0, 1), second = ay_term_part(l, y, 1, 1, 1);
    if (base) first = add(l, first, base);
    if (classes == 1) {
        term minus = function(l, AY_WORK_FN_NEG, first);
        bool logistic = transform == AY_TRANSFORM_LOGISTIC;
        term rest = positive && !logistic ? sub(l, number(l, 1), first) : minus;
        decisive = first;
        pair = ay_tape_concat(l->tape, (const term[]){rest, first}, 2, 1);
        if (logistic) pair = ay_term_sigmoid(l, pair);
    } else {
        decisive = second;
        if (classes == 2) first = ay_term_part(l, y, 1, 0, 1);
        pair = ay_tape_concat(l->tape, (const term[]){first, second}, 2, 1);
        pair = ay_transformed(l, transform, pair);
    }
    float bound = classes != 3 && positive ? 0.5F : 0.0F;
    term which = less(l, number(l, bound), reshape(l, decisive, SHAPE(rows)));
    which = cast(l, which, I64);
    o->out[0] = classes == 3 ? which : ay_labels_of(l, labels, which);
    if (o->out_count > 1) o->out[1] = pair;
}

static void tree_classifier(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ay_forest f = {0};
    term x = ay_classic_rows(l, o), labels = ay_attr_int_list(l, "classlabels_int64s");
    enum ay_transform transform = ay_transform_read(l);
    if (!labels) ay_lower_fail(l, AY_E_UNSUPPORTED, "labels that are strings");
    if (failed(l)) return;
    f.targets = labels->dims[0];
    if (f.targets < 2) ay_lower_fail(l, AY_E_UNSUPPORTED, "a single class");
    if (failed(l) || !read_forest(l, &f, "class")) return;
    term leaf = ay_forest_leaves(l, &f, x);
    if (!leaf) return;
    if (f.targets == 2)
        classify_two(l, o, &f, labels, leaf, transform);
    else
        classify_many(l, o, &f, labels, leaf, transform);
}

const struct ay_operator ay_lower_trees[] = {
    {"ai.onnx.ml:TreeEnsemble", ay_lower_tree_ensemble, 1, 1, 1, false},
    {"ai.onnx.ml:TreeEnsembleClassifier", tree_classifier, 1, 1, 2, false},
    {"ai.onnx.ml:TreeEnsembleRegressor", tree_regressor, 1, 1, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
