/* TreeEnsemble of ai.onnx.ml, whose interior nodes and leaves are listed apart. */
#include "tensor/lower/trees.h"

#include <math.h>

struct ensemble {
    uint64_t inner, leaves; /* as listed; the forest has a node more for each further member */
    const int64_t *feature, *yes, *no, *yes_leaf, *no_leaf, *missing, *root, *target;
    term splits, modes, weights, members;
};

static bool read_ensemble(const struct ay_lower *l, struct ensemble *e, struct ay_forest *f)
{
    uint32_t count, roots, targets;
    e->feature = ay_attr_ints(l, "nodes_featureids", &count);
    e->root = ay_attr_ints(l, "tree_roots", &roots);
    e->target = ay_attr_ints(l, "leaf_targetids", &targets);
    e->yes = ay_forest_list(l, "nodes_truenodeids", count, false);
    e->no = ay_forest_list(l, "nodes_falsenodeids", count, false);
    e->yes_leaf = ay_forest_list(l, "nodes_trueleafs", count, false);
    e->no_leaf = ay_forest_list(l, "nodes_falseleafs", count, false);
    e->missing = ay_forest_list(l, "nodes_missing_value_tracks_true", count, true);
    e->splits = ay_attr_tensor(l, "nodes_splits");
    e->modes = ay_attr_tensor(l, "nodes_modes");
    e->weights = ay_attr_tensor(l, "leaf_weights");
    e->members = ay_attr_tensor(l, "membership_values");
    e->inner = count;
    e->leaves = targets;
    f->trees = roots;
    bool fits = e->splits && e->splits->dtype == F32 && ay_value_elements(e->splits) == count &&
                e->modes && e->modes->dtype == U8 && ay_value_elements(e->modes) == count &&
                e->weights && e->weights->dtype == F32 &&
                ay_value_elements(e->weights) == targets &&
                (!e->members || e->members->dtype == F32);
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "nodes_splits, nodes_modes or leaf_weights");
    return !failed(l);
}

/* The number in the forest of what a branch of an interior node names. */
static int64_t branch(const struct ay_lower *l, const struct ensemble *e, int64_t to, bool leaf)
{
    if (to >= 0 && (uint64_t)to < (leaf ? e->leaves : e->inner))
        return to + (leaf ? (int64_t)e->inner : 0);
    ay_lower_fail(l, AY_E_FORMAT, "a branch leads to no node");
    return 0;
}

/* A node of set membership asks for one member, and leads to a further node for the next. Members
 * of each such node are in order, ended by a NaN. */
static void set_members(const struct ay_lower *l, const struct ensemble *e, struct ay_forest *f,
                        uint64_t i, int64_t yes, int64_t no, uint64_t *member, uint64_t *more)
{
    const float *list = e->members ? e->members->data : NULL;
    uint64_t count = e->members ? ay_value_elements(e->members) : 0, at = i;
    ay_forest_node(f, i, AY_TREE_MEMBER, false, yes, no); /* for an empty set */
    for (bool any = false; *member < count && !isnan(list[*member]); any = true, ++*member) {
        if (any) {
            for (uint32_t r = 0; r < AY_RELATIONS; r++)
                if (r != AY_EQUAL) f->next[at * AY_RELATIONS + r] = (int32_t)*more;
            at = (*more)++;
            f->feature[at] = f->feature[i];
        }
        f->split[at] = list[*member];
        ay_forest_node(f, at, AY_TREE_EQ, false, yes, no);
    }
    ++*member;
    if (e->missing && e->missing[i])
        ay_lower_fail(l, AY_E_UNSUPPORTED, "a set with missing values");
}

static void set_ensemble(const struct ay_lower *l, const struct ensemble *e, struct ay_forest *f)
{
    uint64_t member = 0, more = e->inner + e->leaves;
    for (uint64_t t = 0; t < f->trees; t++) f->root[t] = (int32_t)branch(l, e, e->root[t], false);
    for (uint64_t i = 0; i < e->inner && !failed(l); i++) {
        uint32_t mode = ((const uint8_t *)e->modes->data)[i];
        int64_t yes = branch(l, e, e->yes[i], e->yes_leaf[i] != 0);
        int64_t no = branch(l, e, e->no[i], e->no_leaf[i] != 0);
        f->feature[i] =
            (int32_t)(e->feature[i] < 0 || e->feature[i] > INT32_MAX ? -1 : e->feature[i]);
        f->split[i] = ((const float *)e->splits->data)[i];
        if (mode == AY_TREE_MEMBER)
            set_members(l, e, f, i, yes, no, &member, &more);
        else if (mode < AY_TREE_MEMBER)
            ay_forest_node(f, i, mode, e->missing && e->missing[i], yes, no);
        else
            ay_lower_fail(l, AY_E_FORMAT, "unknown mode of a node");
    }
    for (uint64_t i = 0; i < e->leaves && !failed(l); i++) {
        uint64_t at = e->inner + i;
        ay_forest_leaf(f, at);
        if (e->target[i] < 0 || (uint64_t)e->target[i] >= f->targets) {
            ay_lower_fail(l, AY_E_FORMAT, "target %lld", (long long)e->target[i]);
            return;
        }
        f->weight[at * f->targets + (uint64_t)e->target[i]] = ((const float *)e->weights->data)[i];
        f->scored[at * f->targets + (uint64_t)e->target[i]] = 1;
    }
}

void ay_lower_tree_ensemble(const struct ay_lower *l, const struct ay_operands *o)
{
    static const enum ay_work_reduce ways[] = {AY_WORK_REDUCE_SUM, AY_WORK_REDUCE_SUM,
                                               AY_WORK_REDUCE_MIN, AY_WORK_REDUCE_MAX};
    struct ay_forest f = {.targets = (uint64_t)ay_attr_int(l, "n_targets", 1)};
    struct ensemble e;
    term x = ay_classic_rows(l, o);
    int64_t way = ay_attr_int(l, "aggregate_function", 1);
    int64_t transform = ay_attr_int(l, "post_transform", 0);
    if (way < 0 || way > 3 || transform < 0 || transform > AY_TRANSFORM_SOFTMAX_ZERO)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "this aggregate_function or post_transform");
    if (failed(l) || !read_ensemble(l, &e, &f)) return;
    f.nodes = e.inner + e.leaves + (e.members ? ay_value_elements(e.members) : 0);
    if (!ay_forest_make(l, &f)) return;
    for (uint64_t i = e.inner + e.leaves; i < f.nodes; i++) ay_forest_leaf(&f, i); /* spare ones */
    set_ensemble(l, &e, &f);
    if (failed(l)) return;
    term y = ay_forest_sums(l, &f, ay_forest_leaves(l, &f, x), ways[way], way == 0);
    o->out[0] = f.targets == 1 ? y : ay_transformed(l, (enum ay_transform)transform, y);
}
