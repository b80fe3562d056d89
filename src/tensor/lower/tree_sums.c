/* The weights of the leaves that a row comes to, put together over the trees. Where the leaves of a
 * tree all count for one target, as gradient boosting of several classes makes them, what a leaf
 * weighs is one number, and the trees of each target are summed apart. */
#include "tensor/lower/trees.h"

#include <math.h>
#include <stdlib.h>

/* Each has an op or two of its own where trees are summed apart. */
#define MAX_APART 1024u

/* The one target that a node has a weight for; f->targets where there is none or are several. */
static uint64_t target_of_node(const struct ay_forest *f, uint64_t node)
{
    const uint8_t *scored = f->scored + node * f->targets;
    uint64_t target = f->targets;
    for (uint64_t k = 0; k < f->targets; k++) {
        if (!scored[k]) continue;
        if (target < f->targets) return f->targets;
        target = k;
    }
    return target;
}

static bool precedes(const int32_t *next, uint32_t r)
{
    for (uint32_t i = 0; i < r; i++)
        if (next[i] == next[r]) return true;
    return false;
}

/* The target that all leaves below a root count for; f->targets where there is no such one, or
 * where ways meet. */
static uint64_t target_of_tree(const struct ay_forest *f, int32_t root, int32_t *stack, bool *seen)
{
    uint64_t target = f->targets, count = 0;
    stack[count++] = root;
    seen[root] = true;
    while (count > 0) {
        int32_t node = stack[--count];
        const int32_t *next = f->next + (uint64_t)node * AY_RELATIONS;
        bool leaf = true;
        for (uint32_t r = 0; r < AY_RELATIONS; r++) {
            if (next[r] == node || precedes(next, r)) continue;
            if (seen[next[r]]) return f->targets;
            seen[next[r]] = true;
            stack[count++] = next[r];
            leaf = false;
        }
        if (!leaf) continue;
        uint64_t here = target_of_node(f, (uint64_t)node);
        if (here == f->targets || (target < f->targets && here != target)) return f->targets;
        target = here;
    }
    return target;
}

static bool find_targets(struct ay_forest *f, int32_t *of_tree, int32_t *stack, bool *seen)
{
    for (uint64_t t = 0; t < f->trees; t++) {
        uint64_t target = target_of_tree(f, f->root[t], stack, seen);
        if (target == f->targets) return false;
        of_tree[t] = (int32_t)target;
    }
    return true;
}

void ay_forest_part(const struct ay_lower *l, struct ay_forest *f)
{
    if (f->targets < 2 || f->targets > MAX_APART) return;
    void *of_tree, *column;
    term targets = fresh(l, I32, SHAPE(f->trees), &of_tree);
    int32_t *stack = calloc(f->nodes, sizeof *stack);
    bool *seen = calloc(f->nodes, sizeof *seen);
    if (!stack || !seen) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    bool parted = !failed(l) && targets && find_targets(f, of_tree, stack, seen);
    free(stack);
    free(seen);
    if (!parted) return;
    f->target = of_tree;
    f->column = fresh(l, F32, SHAPE(f->nodes), &column);
    for (uint64_t i = 0; !failed(l) && i < f->nodes; i++) {
        uint64_t target = target_of_node(f, i);
        if (target < f->targets) ((float *)column)[i] = f->weight[i * f->targets + target];
    }
}

/* The trees of a target, (trees) I32; NULL where there is none. */
static term trees_of(const struct ay_lower *l, const struct ay_forest *f, uint64_t target)
{
    uint64_t count = 0, at = 0;
    void *to;
    for (uint64_t t = 0; t < f->trees; t++) count += (uint64_t)f->target[t] == target;
    if (count == 0) return NULL;
    term trees = fresh(l, I32, SHAPE(count), &to);
    for (uint64_t t = 0; !failed(l) && t < f->trees; t++)
        if ((uint64_t)f->target[t] == target) ((int32_t *)to)[at++] = (int32_t)t;
    return trees;
}

static term sums_apart(const struct ay_lower *l, const struct ay_forest *f, term leaf)
{
    term *sums = ay_term_list(l, f->targets), y = NULL;
    term values = gather(l, f->column, leaf, 0);
    for (uint64_t k = 0; sums && k < f->targets; k++) {
        term trees = trees_of(l, f, k), mine = values;
        if (trees && trees->dims[0] < f->trees) mine = gather(l, values, trees, 0);
        sums[k] = trees ? reduce(l, AY_WORK_REDUCE_SUM, mine, 0)
                        : ay_term_zeros(l, F32, SHAPE(1, leaf->dims[1]));
    }
    if (!failed(l)) y = ay_tape_concat(l->tape, sums, (uint32_t)f->targets, 0);
    free(sums);
    return y ? ay_term_transpose(l, y) : NULL;
}

term ay_forest_sums(const struct ay_lower *l, const struct ay_forest *f, term leaf,
                    enum ay_work_reduce how, bool average)
{
    if (!leaf) return NULL;
    bool extreme = how != AY_WORK_REDUCE_SUM;
    term weights = f->weights, none = number(l, how == AY_WORK_REDUCE_MAX ? -INFINITY : INFINITY);
    if (extreme) weights = choose(l, f->scoreds, weights, none);
    term y = f->target && !extreme ? sums_apart(l, f, leaf)
                                   : reduce(l, how, gather(l, weights, leaf, 0), 0);
    y = reshape(l, y, SHAPE(leaf->dims[1], f->targets));
    if (extreme) y = choose(l, int_fn(l, AY_WORK_FN_EQ, BOOL, y, none), number(l, 0), y);
    return average ? divide(l, y, number(l, (float)f->trees)) : y;
}

term ay_forest_counted(const struct ay_lower *l, const struct ay_forest *f, term leaf)
{
    if (!f->target) {
        term any = reduce(l, AY_WORK_REDUCE_MAX, gather(l, f->scoreds, leaf, 0), 0);
        return reshape(l, any, SHAPE(leaf->dims[1], f->targets));
    }
    void *to;
    term any = fresh(l, BOOL, SHAPE(1, f->targets), &to);
    for (uint64_t t = 0; !failed(l) && t < f->trees; t++) ((uint8_t *)to)[f->target[t]] = 1;
    return any;
}
