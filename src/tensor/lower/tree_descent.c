/* The descent of a forest of binary splits: each tree's nodes are numbered anew, level by level, so
 * that the two that follow a node are neighbours, and one 32-bit word of a node holds the number of
 * the first of them and the feature. A level then is
 *     word = words[at]; x = features[row + (word & mask)]; at = (word >> shift) + (split[at] < x)
 * for all rows of a tree side by side (trees, rows), which the executor does without storing what
 * is between (tensor/descent.h). Trees of about one depth go down together. Trees whose words would
 * need more than 32 bits are parted: each part has a table, and numbers of its own. */
#include "tensor/lower/trees.h"

#include <math.h>
#include <stdlib.h>

/* Trees go on with deeper ones unless theirs is less than DEPTH_LEAST of DEPTH_WHOLE of that, and
 * where they are too few to be worth ops of their own. */
#define DEPTH_LEAST 4u
#define DEPTH_WHOLE 5u
#define LEAST_LANES 256u

#define NO_NODE UINT64_MAX

/* A feature as a node needs it so that `split < x` is true where its upper way is taken: a NaN may
 * have to go there, even where no number does. */
enum reading { AS_IT_IS, NAN_HIGH, NAN_ALONE, READINGS };

struct descent {
    const struct ay_forest *f;
    uint64_t count;   /* nodes so far, in the new order */
    uint64_t *nodes;  /* (nodes): number in the forest by number in the order */
    uint64_t *number; /* (nodes): the other way; NO_NODE */
    uint32_t *depth;  /* (trees): levels below the root */
    uint64_t *tree;   /* (trees): deepest first within a part */
    bool wanted[READINGS];
    uint64_t offset[READINGS]; /* of the features so read, in a row of `width` */
    uint64_t width;
    uint32_t shift;
    term features;
    uint64_t begin, end, base; /* the part at hand: its trees, and the number of its first node */
    term words, splits;
    int32_t *word;
    float *split;
};

static int64_t next_of(const struct descent *d, uint64_t node, enum ay_relation r)
{
    return d->f->next[node * AY_RELATIONS + r];
}

static bool is_leaf(const struct descent *d, uint64_t node)
{
    for (uint32_t r = 0; r < AY_RELATIONS; r++)
        if (next_of(d, node, r) != (int64_t)node) return false;
    return true;
}

static bool equal_is_low(const struct descent *d, uint64_t node)
{
    return next_of(d, node, AY_EQUAL) == next_of(d, node, AY_BELOW);
}

static enum reading reading_of(const struct descent *d, uint64_t node)
{
    if (next_of(d, node, AY_UNORDERED) == next_of(d, node, AY_BELOW)) return AS_IT_IS;
    return d->f->split[node] == INFINITY && equal_is_low(d, node) ? NAN_ALONE : NAN_HIGH;
}

/* The largest number that goes where those below the split go. */
static float largest_below(const struct descent *d, uint64_t node)
{
    float split = d->f->split[node];
    if (reading_of(d, node) == NAN_ALONE) return 0.0F;
    return equal_is_low(d, node) ? split : nextafterf(split, -INFINITY);
}

/* Whether the node is what a level does: two ways, of which numbers take one up to a bound. */
static bool is_binary(const struct descent *d, uint64_t node)
{
    int64_t low = next_of(d, node, AY_BELOW), high = next_of(d, node, AY_ABOVE);
    int64_t equal = next_of(d, node, AY_EQUAL), unordered = next_of(d, node, AY_UNORDERED);
    float split = d->f->split[node];
    bool all_high = split == -INFINITY && equal == high;
    return low != high && (equal == low || equal == high) &&
           (unordered == low || unordered == high) && !isnan(split) && !all_high;
}

static bool take_node(struct descent *d, int64_t node)
{
    uint64_t i = (uint64_t)node;
    if (d->number[i] != NO_NODE) return false; /* two lead to it, or a circle */
    d->number[i] = d->count;
    d->nodes[d->count++] = i;
    return true;
}

/* Numbers a tree's nodes, level by level. False where it is none of binary splits. */
static bool number_tree(struct descent *d, uint64_t tree)
{
    uint64_t begin = d->count, end = begin + 1;
    if (!take_node(d, d->f->root[tree])) return false;
    for (uint64_t i = begin; i < d->count; i++) {
        uint64_t node = d->nodes[i];
        if (i == end) {
            if (++d->depth[tree] > AY_MAX_TREE_DEPTH) return false;
            end = d->count;
        }
        if (is_leaf(d, node)) continue;
        if (!is_binary(d, node) || !take_node(d, next_of(d, node, AY_BELOW)) ||
            !take_node(d, next_of(d, node, AY_ABOVE)))
            return false;
        d->wanted[reading_of(d, node)] = true;
    }
    return true;
}

static bool number_forest(struct descent *d)
{
    for (uint64_t i = 0; i < d->f->nodes; i++) d->number[i] = NO_NODE;
    for (uint64_t t = 0; t < d->f->trees; t++)
        if (!number_tree(d, t)) return false;
    return true;
}

/* The part's, by counting: trees of one depth keep their order. */
static bool sort_trees(const struct ay_lower *l, const struct descent *d)
{
    uint32_t most = 0;
    for (uint64_t t = d->begin; t < d->end; t++)
        if (d->depth[t] > most) most = d->depth[t];
    uint64_t *before = calloc((size_t)most + 2, sizeof *before);
    if (!before) return ay_lower_fail(l, AY_E_MEMORY, "out of memory"), false;
    before[0] = d->begin;
    for (uint64_t t = d->begin; t < d->end; t++) before[most - d->depth[t] + 1]++;
    for (uint32_t i = 1; i <= most; i++) before[i] += before[i - 1];
    for (uint64_t t = d->begin; t < d->end; t++) d->tree[before[most - d->depth[t]]++] = t;
    free(before);
    return true;
}

/* The number of a tree's first node; of the tree after the last, that of all nodes. */
static uint64_t first_node(const struct descent *d, uint64_t tree)
{
    return tree < d->f->trees ? d->number[d->f->root[tree]] : d->count;
}

/* Whether the nodes of trees begin..end - 1 have numbers beside those of features in 31 bits. */
static bool are_part(const struct descent *d, uint64_t begin, uint64_t end)
{
    return first_node(d, end) - first_node(d, begin) <= (uint64_t)INT32_MAX >> d->shift;
}

/* Whether any tree's nodes and the features share 32 bits, and places of features fit them. */
static bool fits(struct descent *d, uint64_t rows, uint64_t width)
{
    for (uint32_t r = 0; r < READINGS; r++) {
        d->offset[r] = d->width;
        if (d->wanted[r]) d->width += width;
    }
    if (d->width == 0) d->width = width; /* roots alone, which are leaves */
    while (1ull << d->shift < d->width) d->shift++;
    for (uint64_t t = 0; t < d->f->trees; t++)
        if (!are_part(d, t, t + 1)) return false;
    return d->width <= INT32_MAX / rows;
}

static void set_tables(const struct ay_lower *l, struct descent *d)
{
    void *word, *split;
    uint64_t count = first_node(d, d->end) - d->base;
    d->words = fresh(l, I32, SHAPE(count), &word);
    d->splits = fresh(l, F32, SHAPE(count), &split);
    if (failed(l)) return;
    d->word = word;
    d->split = split;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t node = d->nodes[d->base + i], next = i;
        uint64_t feature = (uint64_t)d->f->feature[node];
        d->split[i] = INFINITY;
        if (!is_leaf(d, node)) {
            next = d->number[next_of(d, node, AY_BELOW)] - d->base;
            d->split[i] = largest_below(d, node);
            feature += d->offset[reading_of(d, node)];
        }
        d->word[i] = (int32_t)(next << d->shift | feature);
    }
}

static void set_features(const struct ay_lower *l, struct descent *d, term x)
{
    term is_number = int_fn(l, AY_WORK_FN_EQ, BOOL, x, x), infinite = number(l, INFINITY);
    const term read[READINGS] = {x, choose(l, is_number, x, infinite),
                                 choose(l, is_number, number(l, -INFINITY), infinite)};
    term parts[READINGS] = {x};
    uint32_t count = 0;
    for (uint32_t r = 0; r < READINGS; r++)
        if (d->wanted[r]) parts[count++] = read[r];
    d->features = ay_tape_concat(l->tape, parts, count > 0 ? count : 1, 1);
}

/* The words' upper part: where numbers up to the split go. */
static term lower_of(const struct ay_lower *l, const struct descent *d, term word)
{
    return int_fn(l, AY_WORK_FN_INT_SHR, I64, word, integer(l, I32, d->shift));
}

static term next_node(const struct ay_lower *l, term low, term split, term x)
{
    return int_fn(l, AY_WORK_FN_INT_ADD, I32, low, less(l, split, x));
}

/* Where rows are below the roots of trees first..end - 1, of the order: (trees, rows). Their
 * features are columns of the rows. */
static term below_roots(const struct ay_lower *l, const struct descent *d, uint64_t first,
                        uint64_t end)
{
    uint64_t trees = end - first;
    void *feature, *root;
    term features = fresh(l, I32, SHAPE(trees), &feature);
    term roots = fresh(l, I32, SHAPE(trees, 1), &root);
    if (failed(l)) return NULL;
    for (uint64_t t = 0; t < trees; t++) {
        uint64_t at = first_node(d, d->tree[first + t]) - d->base;
        ((int32_t *)root)[t] = (int32_t)at;
        ((int32_t *)feature)[t] = d->word[at] & ((1 << d->shift) - 1);
    }
    term x = gather(l, ay_term_transpose(l, d->features), features, 0);
    term low = lower_of(l, d, gather(l, d->words, roots, 0));
    return next_node(l, low, gather(l, d->splits, roots, 0), x);
}

static term descend(const struct ay_lower *l, const struct descent *d, uint64_t first, uint64_t end)
{
    uint64_t rows = d->features->dims[0], depth = d->depth[d->tree[first]];
    term x = reshape(l, d->features, SHAPE(rows * d->width));
    term row = int_fn(l, AY_WORK_FN_INT_MUL, I32, ay_term_count(l, I32, rows),
                      integer(l, I32, (int64_t)d->width));
    term mask = integer(l, I32, (1 << d->shift) - 1), at = below_roots(l, d, first, end);
    row = reshape(l, row, SHAPE(1, rows));
    bool one = rows == 1; /* which begins at 0 */
    for (uint64_t i = 1; i < depth && !failed(l); i++) {
        term word = gather(l, d->words, at, 0);
        term place = int_fn(l, AY_WORK_FN_INT_AND, I32, word, mask);
        if (!one) place = int_fn(l, AY_WORK_FN_INT_ADD, I32, row, place);
        term value = gather(l, x, place, 0), split = gather(l, d->splits, at, 0);
        at = next_node(l, lower_of(l, d, word), split, value);
    }
    return at;
}

/* The end of the trees that go down with the one at `first`. */
static uint64_t together(const struct descent *d, uint64_t first, uint64_t rows)
{
    uint64_t end = first + 1;
    while (end < d->end &&
           (d->depth[d->tree[end]] * DEPTH_WHOLE >= d->depth[d->tree[first]] * DEPTH_LEAST ||
            (end - first) * rows < LEAST_LANES))
        end++;
    return end;
}

/* Leaves of the part's trees, deepest first, by the numbers of the whole. */
static term descend_part(const struct ay_lower *l, const struct descent *d, term *terms)
{
    uint64_t rows = d->features->dims[0], count = 0;
    for (uint64_t first = d->begin, end; first < d->end; first = end) {
        end = together(d, first, rows);
        terms[count++] = descend(l, d, first, end);
    }
    if (failed(l)) return NULL;
    term leaves = ay_tape_concat(l->tape, terms, (uint32_t)count, 0);
    if (d->base == 0) return leaves;
    return int_fn(l, AY_WORK_FN_INT_ADD, I32, leaves, integer(l, I32, (int64_t)d->base));
}

/* Leaves of all trees, in their order. */
static term descend_all(const struct ay_lower *l, struct descent *d)
{
    uint64_t trees = d->f->trees, count = 0;
    term *parts = ay_term_list(l, trees), *terms = ay_term_list(l, trees), leaves = NULL;
    void *place;
    for (d->end = 0; !failed(l) && d->end < trees;) {
        d->begin = d->end++;
        while (d->end < trees && are_part(d, d->begin, d->end + 1)) d->end++;
        d->base = first_node(d, d->begin);
        if (!sort_trees(l, d)) break;
        set_tables(l, d);
        if (!failed(l)) parts[count++] = descend_part(l, d, terms);
    }
    if (!failed(l)) leaves = ay_tape_concat(l->tape, parts, (uint32_t)count, 0);
    free(parts);
    free(terms);
    term places = fresh(l, I32, SHAPE(trees), &place);
    bool in_order = true;
    for (uint64_t t = 0; !failed(l) && t < trees; t++) {
        ((int32_t *)place)[d->tree[t]] = (int32_t)t;
        in_order = in_order && d->tree[t] == t;
    }
    return in_order ? leaves : gather(l, leaves, places, 0);
}

/* The weights in the new order. */
static void renumber(const struct ay_lower *l, const struct descent *d, struct ay_forest *f)
{
    void *node;
    term nodes = fresh(l, I32, SHAPE(d->count), &node);
    for (uint64_t i = 0; !failed(l) && i < d->count; i++)
        ((int32_t *)node)[i] = (int32_t)d->nodes[i];
    f->weights = gather(l, f->weights, nodes, 0);
    f->scoreds = gather(l, f->scoreds, nodes, 0);
    if (f->column) f->column = gather(l, f->column, nodes, 0);
}

term ay_forest_descend(const struct ay_lower *l, struct ay_forest *f, term x)
{
    struct descent d = {.f = f};
    term leaves = NULL;
    if (f->trees > AY_MAX_UNROLLED || x->dims[0] == 0) return NULL;
    d.nodes = calloc(f->nodes, sizeof *d.nodes);
    d.number = calloc(f->nodes, sizeof *d.number);
    d.depth = calloc(f->trees, sizeof *d.depth);
    d.tree = calloc(f->trees, sizeof *d.tree);
    if (!d.nodes || !d.number || !d.depth || !d.tree) {
        ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    } else if (number_forest(&d) && fits(&d, x->dims[0], x->dims[1])) {
        set_features(l, &d, x);
        leaves = failed(l) ? NULL : descend_all(l, &d);
        renumber(l, &d, f);
    }
    free(d.nodes);
    free(d.number);
    free(d.depth);
    free(d.tree);
    return leaves;
}
