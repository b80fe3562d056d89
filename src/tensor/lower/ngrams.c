/* TfIdfVectorizer over integers: how often each of a pool of n-grams is in a row. Strings are
 * refused. Where the definition leaves room it is as its reference implementation: a weight belongs
 * to a place of the result, and grams of one element are counted once, whatever may be skipped. */
#include "tensor/lower/classic.h"

#include <stdlib.h>

/* Comparisons of elements with grams, and sums after them, that one node may be. */
#define MAX_COMPARISONS (1u << 26)

struct ngrams {
    const int64_t *pool, *starts, *places; /* starts: in the pool, of the grams of each length */
    uint32_t pool_count, lengths, places_count;
    int64_t shortest, longest, skips;
};

static bool read_ngrams(const struct ay_lower *l, struct ngrams *g)
{
    g->pool = ay_attr_ints(l, "pool_int64s", &g->pool_count);
    g->starts = ay_attr_ints(l, "ngram_counts", &g->lengths);
    g->places = ay_attr_ints(l, "ngram_indexes", &g->places_count);
    g->shortest = ay_attr_int(l, "min_gram_length", 0);
    g->longest = ay_attr_int(l, "max_gram_length", 0);
    g->skips = ay_attr_int(l, "max_skip_count", 0);
    if (ay_attr_has(l, "pool_strings")) ay_lower_fail(l, AY_E_UNSUPPORTED, "strings");
    if (failed(l)) return false;
    bool fits = g->shortest > 0 && g->shortest <= g->longest && g->skips >= 0 &&
                g->places_count > 0 && g->lengths > 0;
    uint64_t grams = 0;
    for (uint32_t i = 0; fits && i < g->lengths; i++) {
        int64_t end = i + 1 < g->lengths ? g->starts[i + 1] : (int64_t)g->pool_count;
        fits = g->starts[i] >= 0 && g->starts[i] <= end && end <= (int64_t)g->pool_count &&
               (end - g->starts[i]) % (i + 1) == 0;
        if (fits) grams += (uint64_t)(end - g->starts[i]) / (i + 1);
    }
    for (uint32_t i = 0; fits && i < g->places_count; i++)
        fits = g->places[i] >= 0 && g->places[i] < (int64_t)MAX_COMPARISONS;
    if (!fits || grams != g->places_count)
        ay_lower_fail(l, AY_E_FORMAT, "the pool, its counts, indexes and lengths do not fit");
    return !failed(l);
}

/* x (N, 1, C): how often each of `grams` grams of `length` at `pool` is in each row, (N, grams, 1)
 * I32. */
static term occurrences(const struct ay_lower *l, const struct ngrams *g, term x,
                        const int64_t *pool, uint64_t grams, uint64_t length)
{
    uint64_t c = x->dims[2], gaps = length == 1 ? 1 : (uint64_t)g->skips + 1;
    if (gaps > c) gaps = c;
    if (grams * length > MAX_COMPARISONS / x->dims[0] / c / gaps)
        return ay_lower_fail(l, AY_E_LIMIT, "%llu grams", (unsigned long long)grams);
    term *same = ay_term_list(l, length), sum = NULL; /* with element j of each gram */
    for (uint64_t j = 0; same && j < length && !failed(l); j++) {
        void *writable;
        term of = fresh(l, I64, SHAPE(grams, 1), &writable);
        for (uint64_t i = 0; of && i < grams; i++)
            ((int64_t *)writable)[i] = pool[i * length + j];
        same[j] = int_fn(l, AY_WORK_FN_INT_EQ, BOOL, x, of);
    }
    for (uint64_t gap = 1; gap <= gaps && (length - 1) * gap < c && !failed(l); gap++) {
        uint64_t places = c - (length - 1) * gap;
        term all = cast(l, ay_term_part(l, same[0], 2, 0, places), I32);
        for (uint64_t j = 1; j < length; j++)
            all = int_fn(l, AY_WORK_FN_INT_AND, I32, all,
                         ay_term_part(l, same[j], 2, j * gap, places));
        all = reduce(l, AY_WORK_REDUCE_SUM, all, 2);
        sum = sum ? int_fn(l, AY_WORK_FN_INT_ADD, I32, sum, all) : all;
    }
    free(same);
    return sum || failed(l) ? sum : ay_term_zeros(l, I32, SHAPE(x->dims[0], grams, 1));
}

/* The counts of all grams of the pool, (N, grams) I32; those of other lengths are 0. */
static term all_occurrences(const struct ay_lower *l, const struct ngrams *g, term x)
{
    uint64_t n = x->dims[0], parts_count = 0;
    term *parts = ay_term_list(l, g->lengths), all = NULL;
    for (uint32_t i = 0; parts && i < g->lengths && !failed(l); i++) {
        uint64_t end = i + 1 < g->lengths ? (uint64_t)g->starts[i + 1] : g->pool_count;
        uint64_t grams = (end - (uint64_t)g->starts[i]) / (i + 1);
        if (grams == 0) continue;
        bool counts = i + 1 >= g->shortest && i + 1 <= g->longest && x->dims[2] > 0;
        parts[parts_count++] =
            counts ? occurrences(l, g, x, g->pool + g->starts[i], grams, i + 1)
                   : ay_term_zeros(l, I32, SHAPE(n, grams, 1));
    }
    if (parts && !failed(l))
        all = reshape(l, ay_tape_concat(l->tape, parts, (uint32_t)parts_count, 1),
                      SHAPE(n, g->places_count));
    free(parts);
    return all;
}

/* Counts (N, grams) at the places of the result, (N, width) F32. */
static term placed(const struct ay_lower *l, const struct ngrams *g, term counts, uint64_t width)
{
    uint64_t n = counts->dims[0];
    term first = int_fn(l, AY_WORK_FN_INT_MUL, I64, ay_term_count(l, I64, n),
                        integer(l, I64, (int64_t)width));
    term at = int_fn(l, AY_WORK_FN_INT_ADD, I64, reshape(l, first, SHAPE(n, 1)),
                     ay_attr_int_list(l, "ngram_indexes"));
    term sums = ay_tape_scatter(l->tape, AY_WORK_REDUCE_SUM, ay_term_zeros(l, I32, SHAPE(n, width)),
                                reshape(l, at, SHAPE(n * g->places_count)),
                                reshape(l, counts, SHAPE(n * g->places_count)));
    return cast(l, sums, F32);
}

void ay_lower_tf_idf(const struct ay_lower *l, const struct ay_operands *o)
{
    struct ngrams g;
    term x = ay_term_operand(l, o, 0, 0, "X"), weights = ay_attr_list(l, "weights");
    if (!read_ngrams(l, &g)) return;
    uint32_t rank = x->rank;
    if (rank > 2 || (x->dtype != I32 && x->dtype != I64)) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "X is not a list or rows of integers");
        return;
    }
    uint64_t n = rank == 2 ? x->dims[0] : 1, c = rank ? x->dims[rank - 1] : 1, width = 1;
    for (uint32_t i = 0; i < g.places_count; i++)
        if ((uint64_t)g.places[i] >= width) width = (uint64_t)g.places[i] + 1;
    if (n == 0 || width > MAX_COMPARISONS / n || g.places_count > MAX_COMPARISONS / n) {
        ay_lower_fail(l, AY_E_LIMIT, "%llu rows of %llu", (unsigned long long)n,
                      (unsigned long long)width);
        return;
    }
    term counts = all_occurrences(l, &g, reshape(l, x, SHAPE(n, 1, c)));
    if (!counts) return;
    term y = placed(l, &g, counts, width);
    if (weights && weights->dims[0] < width)
        ay_lower_fail(l, AY_E_FORMAT, "%llu weights", (unsigned long long)weights->dims[0]);
    weights = weights && !failed(l) ? ay_term_part(l, weights, 0, 0, width) : number(l, 1);
    if (ay_attr_is(l, "mode", "IDF"))
        y = choose(l, less(l, number(l, 0), y), weights, number(l, 0));
    else if (ay_attr_is(l, "mode", "TFIDF"))
        y = mul(l, y, weights);
    else if (!ay_attr_is(l, "mode", "TF"))
        ay_lower_fail(l, AY_E_FORMAT, "mode");
    o->out[0] = rank == 2 ? y : reshape(l, y, SHAPE(width));
}
