/* A forest of decision trees as tables, which trees.c goes down (and reads from the attributes of
 * TreeEnsembleRegressor and TreeEnsembleClassifier) and tree_ensemble.c makes of those of
 * TreeEnsemble. */
#ifndef AY_TENSOR_LOWER_TREES_H
#define AY_TENSOR_LOWER_TREES_H

#include "tensor/lower/classic.h"

/* How a feature compares with a split, and so which of a node's successors is next. */
enum ay_relation { AY_BELOW, AY_EQUAL, AY_ABOVE, AY_UNORDERED, AY_RELATIONS };

/* Modes of nodes, numbered as TreeEnsemble's nodes_modes are, then leaves. */
enum ay_tree_mode {
    AY_TREE_LEQ,
    AY_TREE_LT,
    AY_TREE_GTE,
    AY_TREE_GT,
    AY_TREE_EQ,
    AY_TREE_NEQ,
    AY_TREE_MEMBER, /* holds never: what a list of members becomes is the reader's matter */
    AY_TREE_LEAF
};

/* Levels below a root. */
#define AY_MAX_TREE_DEPTH 4096u

/* Nodes of all trees; a leaf follows itself. The arrays are known values of the tape, written
 * before the tape is called again. */
struct ay_forest {
    uint64_t nodes, trees, targets;
    int32_t *feature, *next; /* (nodes), (nodes, AY_RELATIONS) */
    float *split;            /* (nodes) */
    int32_t *root;           /* (trees) */
    float *weight;           /* (nodes, targets) */
    uint8_t *scored;         /* whether there is a weight, the same shape */
    term features, nexts, splits, roots, weights, scoreds;
    /* Where all leaves of each tree count for one target, of several: which (trees), and what they
     * weigh (nodes); else NULL. */
    int32_t *target;
    term column;
};

/* Zeroed arrays for the counts that are set; false and a failure when there are too many. */
bool ay_forest_make(const struct ay_lower *l, struct ay_forest *f);
/* Node i of an ay_tree_mode: which follows where its mode holds, and where it does not; missing: a
 * NaN holds. */
void ay_forest_node(struct ay_forest *f, uint64_t i, uint32_t mode, bool missing, int64_t yes,
                    int64_t no);
void ay_forest_leaf(struct ay_forest *f, uint64_t i);
/* An attribute's integers, which must be `count`, or none where it is optional: then NULL. */
const int64_t *ay_forest_list(const struct ay_lower *l, const char *name, uint64_t count,
                              bool optional);
/* The leaf of each row of x (N, features) in each tree: (trees, N). The rows of f->weights,
 * f->scoreds and f->column may change places, so that they are by these numbers. */
term ay_forest_leaves(const struct ay_lower *l, struct ay_forest *f, term x);
/* The same for trees of binary splits, whose features are there; NULL, and no failure, for others
 * (tree_descent.c). */
term ay_forest_descend(const struct ay_lower *l, struct ay_forest *f, term x);
/* Finds f->target and f->column (tree_sums.c). */
void ay_forest_part(const struct ay_lower *l, struct ay_forest *f);
/* The leaves' weights put together over the trees: (N, targets). What none counts for is 0. how:
 * SUM, MIN or MAX; average: divided by the number of trees. */
term ay_forest_sums(const struct ay_lower *l, const struct ay_forest *f, term leaf,
                    enum ay_work_reduce how, bool average);
/* Which targets any leaf counts for: (N, targets) BOOL, or (1, targets) where all rows agree. */
term ay_forest_counted(const struct ay_lower *l, const struct ay_forest *f, term leaf);

ay_lower_fn ay_lower_tree_ensemble; /* tree_ensemble.c */

#endif
