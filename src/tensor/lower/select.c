/* TopK, Compress, NonZero, Unique and NonMaxSuppression: what sorts, or has a shape that
 * depends on its elements. Most need known operands and are computed directly. */
#include "tensor/lower/eliminate.h"
#include "tensor/lower/loss.h"
#include "tensor/lower/random.h"
#include "tensor/lower/signal.h"
#include "tensor/lower/terms.h"
#include "tensor/ref/float.h"

#include <math.h>
#include <stdlib.h>

/* --- order: numbers ascending, NaN after all of them and equal to itself --- */

static int compare(term x, uint64_t i, uint64_t j)
{
    if (x->dtype != F32) {
        int64_t a = ay_value_int(x, i), b = ay_value_int(x, j);
        return (a > b) - (a < b);
    }
    float a = ((const float *)x->data)[i], b = ((const float *)x->data)[j];
    if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

/* Sorts items, each `width` elements of x, `stride` apart, from `first` on. */
struct sort {
    term x;
    uint64_t first, item, width, stride; /* element w of item i: first + i item + w stride */
    bool descending;
};

/* Equal items in order, so that the result does not depend on the method. */
static int compare_items(const void *a, const void *b, void *context)
{
    const struct sort *s = context;
    uint64_t i = *(const uint64_t *)a, j = *(const uint64_t *)b;
    for (uint64_t w = 0; w < s->width; w++) {
        uint64_t at = s->first + w * s->stride;
        int c = compare(s->x, at + i * s->item, at + j * s->item);
        if (c) return s->descending ? -c : c;
    }
    return (i > j) - (i < j);
}

static void sort_items(struct sort *s, uint64_t *order, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) order[i] = i;
    qsort_r(order, count, sizeof *order, compare_items, s);
}

static uint64_t *new_order(const struct ay_lower *l, uint64_t count)
{
    uint64_t *order = calloc(count ? count : 1, sizeof *order);
    if (!order) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    return order;
}

/* --- TopK --- */

/* Comparisons for which an unknown operand is ranked; above, it has to be known. */
#define MAX_COMPARISONS (1u << 26)
/* Elements that are found one after another; each costs as much as ranking this many. */
#define MAX_ROUNDS 1024u
#define ROUND_COST 4u

/* Whether b comes before a, for all pairs: a (rows, n, 1), b (rows, 1, n), of f32. */
static term float_before(const struct ay_lower *l, term a, term b, term earlier, bool largest)
{
    enum ay_work_fn or = AY_WORK_FN_INT_OR, xor = AY_WORK_FN_INT_XOR;
    term one = integer(l, BOOL, 1);
    term nan_a = int_fn(l, xor, BOOL, less_equal(l, a, a), one);
    term nan_b = int_fn(l, xor, BOOL, less_equal(l, b, b), one);
    term equal = int_fn(l, or, BOOL, int_fn(l, AY_WORK_FN_EQ, BOOL, a, b), both(l, nan_a, nan_b));
    term beyond = largest ? nan_b : nan_a, other = largest ? nan_a : nan_b;
    term strictly = int_fn(l, or, BOOL, largest ? less(l, a, b) : less(l, b, a),
                           both(l, beyond, int_fn(l, xor, BOOL, other, one)));
    return int_fn(l, or, I32, strictly, both(l, equal, earlier));
}

static term int_before(const struct ay_lower *l, term a, term b, term earlier, bool largest)
{
    term equal = both(l, int_fn(l, AY_WORK_FN_INT_EQ, BOOL, a, b), earlier);
    term strictly = int_fn(l, AY_WORK_FN_INT_LT, BOOL, largest ? a : b, largest ? b : a);
    return int_fn(l, AY_WORK_FN_INT_OR, I32, strictly, equal);
}

/* x (rows, n): each element's rank is how many come before it, and where it is put. */
static void top_by_rank(const struct ay_lower *l, term x, uint64_t k, bool largest, term out[2])
{
    uint64_t rows = x->dims[0], n = x->dims[1];
    term a = reshape(l, x, SHAPE(rows, n, 1)), b = reshape(l, x, SHAPE(rows, 1, n));
    term count = ay_term_count(l, I32, n), ids = ay_term_count(l, I64, n);
    term earlier = int_fn(l, AY_WORK_FN_INT_LT, BOOL, count, reshape(l, count, SHAPE(n, 1)));
    term before = x->dtype == F32 ? float_before(l, a, b, earlier, largest)
                                  : int_before(l, a, b, earlier, largest);
    term rank = reshape(l, reduce(l, AY_WORK_REDUCE_SUM, before, 2), SHAPE(rows, n));
    term first = int_fn(l, AY_WORK_FN_INT_MUL, I64, ay_term_count(l, I64, rows),
                        integer(l, I64, (int64_t)k));
    term place = int_fn(l, AY_WORK_FN_INT_ADD, I64, rank, reshape(l, first, SHAPE(rows, 1)));
    term kept = int_fn(l, AY_WORK_FN_INT_LT, BOOL, rank, integer(l, I32, (int64_t)k));
    place = choose(l, kept, place, integer(l, I64, -1)); /* scattered nowhere */
    place = reshape(l, place, SHAPE(rows * n));
    term values = reshape(l, x, SHAPE(rows * n));
    ids = reshape(l, expand(l, ids, SHAPE(rows, n)), SHAPE(rows * n));
    term updates[2] = {values, ids};
    for (int i = 0; i < 2; i++)
        out[i] = ay_tape_scatter(l->tape, AY_WORK_REDUCE_NONE,
                                 ay_term_zeros(l, i ? I64 : x->dtype, SHAPE(rows, k)), place,
                                 updates[i]);
}

/* What no element of the dtype comes after. */
static term last_of(const struct ay_lower *l, uint32_t dtype, bool largest)
{
    if (dtype == F32) return number(l, largest ? -INFINITY : INFINITY);
    if (dtype == BOOL || dtype == U8) return integer(l, dtype, largest ? 0 : dtype == U8 ? 255 : 1);
    int64_t highest = INT64_MAX >> (64 - 8 * ay_dtype_bytes(dtype));
    return integer(l, dtype, largest ? -highest - 1 : highest);
}

/* x (rows, n): the first of all, then the first of what is left, k times. What is taken becomes the
 * last of all and loses its weight, by which it differs from others that are as far behind; a NaN
 * becomes infinite and differs from what is by its weight. */
static void top_by_rounds(const struct ay_lower *l, term x, uint64_t k, bool largest, term out[2])
{
    uint64_t rows = x->dims[0], n = x->dims[1];
    bool real = x->dtype == F32;
    term left = x, weight = expand(l, number(l, 1), SHAPE(rows, n)), none = number(l, 0);
    if (real) {
        term known = less_equal(l, x, x), heavy = number(l, 2), light = number(l, 1);
        left = choose(l, known, x, number(l, INFINITY));
        weight = largest ? choose(l, known, light, heavy) : choose(l, known, heavy, light);
    }
    term ids = ay_term_count(l, I64, n), last = last_of(l, x->dtype, largest);
    term *places = ay_term_list(l, k);
    for (uint64_t i = 0; places && i < k; i++) {
        term first = reduce(l, largest ? AY_WORK_REDUCE_MAX : AY_WORK_REDUCE_MIN, left, 1);
        term equal = int_fn(l, real ? AY_WORK_FN_EQ : AY_WORK_FN_INT_EQ, BOOL, left, first);
        places[i] = reduce(l, AY_WORK_REDUCE_ARGMAX, choose(l, equal, weight, none), 1);
        term taken = int_fn(l, AY_WORK_FN_INT_EQ, BOOL, ids, places[i]);
        left = choose(l, taken, last, left);
        weight = choose(l, taken, none, weight);
    }
    if (failed(l)) goto out;
    out[1] = ay_tape_concat(l->tape, places, (uint32_t)k, 1);
    term row = int_fn(l, AY_WORK_FN_INT_MUL, I64, ay_term_count(l, I64, rows),
                      integer(l, I64, (int64_t)n));
    term at = int_fn(l, AY_WORK_FN_INT_ADD, I64, out[1], reshape(l, row, SHAPE(rows, 1)));
    out[0] = gather(l, reshape(l, x, SHAPE(rows * n)), at, 0);
out:
    free(places);
}

/* x (rows, n), known. */
static void top_by_sort(const struct ay_lower *l, term x, uint64_t k, bool largest, term out[2])
{
    uint64_t rows = x->dims[0], n = x->dims[1], bytes = ay_dtype_bytes(x->dtype);
    void *values, *ids;
    out[0] = fresh(l, x->dtype, SHAPE(rows, k), &values);
    out[1] = fresh(l, I64, SHAPE(rows, k), &ids);
    uint64_t *order = failed(l) ? NULL : new_order(l, n);
    for (uint64_t r = 0; order && r < rows; r++) {
        sort_items(&(struct sort){x, r * n, 1, 1, 1, largest}, order, n);
        for (uint64_t i = 0; i < k; i++) {
            uint64_t from = r * n + order[i], to = r * k + i;
            memcpy((uint8_t *)values + to * bytes, (const uint8_t *)x->data + from * bytes, bytes);
            ((int64_t *)ids)[to] = (int64_t)order[i];
        }
    }
    free(order);
}

static void lower_topk(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X"), top[2] = {NULL, NULL};
    int64_t k = l->opset < 10 ? ay_attr_int(l, "k", -1)
                              : ay_term_scalar(l, ay_term_operand(l, o, 1, I64, "K"), "K");
    if (failed(l)) return;
    uint32_t axis = ay_lower_axis(l, ay_attr_int(l, "axis", -1), x->rank);
    bool largest = ay_attr_int(l, "largest", 1) != 0;
    if (failed(l)) return;
    uint64_t dims[AY_MAX_RANK], n = x->dims[axis], rows = 1, all;
    if (k < 0 || (uint64_t)k > n) {
        ay_lower_fail(l, AY_E_RANGE, "%lld of %llu", (long long)k, (unsigned long long)n);
        return;
    }
    x = ay_term_move(l, x, axis, x->rank - 1);
    if (!x) return;
    uint32_t rank = x->rank;
    for (uint32_t d = 0; d < rank; d++) {
        dims[d] = d + 1 < rank ? x->dims[d] : (uint64_t)k;
        if (d + 1 < rank) rows *= dims[d];
    }
    if (ay_value_elements(x) == 0) { /* nothing to sort, whatever the other sizes */
        top[0] = ay_term_zeros(l, x->dtype, rank, dims);
        top[1] = ay_term_zeros(l, I64, rank, dims);
        for (uint32_t i = 0; i < o->out_count; i++)
            o->out[i] = ay_term_move(l, top[i], rank - 1, axis);
        return;
    }
    bool rounds = k > 0 && k <= MAX_ROUNDS && (uint64_t)k * ROUND_COST <= n;
    bool few = !__builtin_mul_overflow(rows * n, rounds ? (uint64_t)k * ROUND_COST : n, &all) &&
               all <= MAX_COMPARISONS;
    if (!few) x = ay_tape_need(l->tape, x, "X, which is too long to be ranked unknown,");
    x = reshape(l, x, SHAPE(rows, n));
    if (!x) return;
    if (x->data)
        top_by_sort(l, x, (uint64_t)k, largest, top);
    else if (rounds)
        top_by_rounds(l, x, (uint64_t)k, largest, top);
    else
        top_by_rank(l, x, (uint64_t)k, largest, top);
    for (uint32_t i = 0; i < o->out_count; i++)
        o->out[i] = ay_term_move(l, reshape(l, top[i], rank, dims), rank - 1, axis);
}

/* --- Compress, NonZero --- */

/* Only the condition has to be known. */
static void lower_compress(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "input");
    term condition = ay_term_operand(l, o, 1, BOOL, "condition");
    condition = ay_tape_need(l->tape, condition, "condition");
    if (failed(l) || !ay_term_rank(l, condition, 1, "condition")) return;
    uint32_t axis = 0;
    if (ay_attr_has(l, "axis"))
        axis = ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank);
    else
        x = reshape(l, x, SHAPE(ay_value_elements(x)));
    if (failed(l)) return;
    uint64_t most = condition->dims[0], count = 0;
    if (most > x->dims[axis]) most = x->dims[axis];
    for (uint64_t i = 0; i < most; i++) count += ay_value_int(condition, i) != 0;
    void *to;
    term ids = fresh(l, I64, SHAPE(count), &to);
    if (!ids) return;
    int64_t *at = to;
    for (uint64_t i = 0; i < most; i++)
        if (ay_value_int(condition, i)) *at++ = (int64_t)i;
    o->out[0] = gather(l, x, ids, axis);
}

static bool is_zero(term x, uint64_t i)
{
    return x->dtype == F32 ? ((const float *)x->data)[i] == 0.0F : ay_value_int(x, i) == 0;
}

static void lower_nonzero(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_tape_need(l->tape, ay_term_operand(l, o, 0, 0, "X"), "X");
    if (!x) return;
    uint64_t n = ay_value_elements(x), count = 0;
    for (uint64_t i = 0; i < n; i++) count += !is_zero(x, i);
    void *to;
    term y = fresh(l, I64, SHAPE(x->rank, count), &to);
    if (!y) return;
    int64_t *at = to;
    for (uint64_t i = 0; i < n; i++) {
        if (is_zero(x, i)) continue;
        uint64_t rest = i;
        for (uint32_t d = x->rank; d-- > 0; rest /= x->dims[d])
            at[d * count] = (int64_t)(rest % x->dims[d]);
        at++;
    }
    o->out[0] = y;
}

/* --- Unique --- */

struct groups {
    uint64_t count;
    int64_t *first, *inverse, *sizes; /* (items) each */
};

/* Items in order made groups of equal ones; by their first item where they are not sorted. */
static void group(struct sort *s, const uint64_t *order, uint64_t items, bool sorted,
                  struct groups *g)
{
    for (uint64_t i = 0; i < items; i++) {
        uint64_t item = order[i], last = i ? order[i - 1] : 0;
        bool same = i > 0;
        for (uint64_t w = 0; same && w < s->width; w++)
            same = compare(s->x, item * s->item + w, last * s->item + w) == 0;
        if (!same) g->first[g->count++] = (int64_t)item;
        g->inverse[item] = (int64_t)g->count - 1;
    }
    if (!sorted) { /* the sizes' memory serves to renumber */
        uint64_t next = 0;
        int64_t *renumbered = g->sizes;
        for (uint64_t i = 0; i < items; i++)
            if (g->first[g->inverse[i]] == (int64_t)i) renumbered[g->inverse[i]] = (int64_t)next++;
        for (uint64_t i = 0; i < items; i++) g->inverse[i] = renumbered[g->inverse[i]];
        for (uint64_t i = items; i-- > 0;) g->first[g->inverse[i]] = (int64_t)i;
        memset(g->sizes, 0, items * sizeof *g->sizes);
    }
    for (uint64_t i = 0; i < items; i++) g->sizes[g->inverse[i]]++;
}

static void unique_outputs(const struct ay_lower *l, const struct ay_operands *o, term rows,
                           const struct groups *g)
{
    uint64_t n = g->count;
    term first = ay_tape_copy(l->tape, I64, SHAPE(n), g->first, NULL);
    o->out[0] = gather(l, rows, first, 0);
    if (o->out_count > 1) o->out[1] = first;
    if (o->out_count > 2)
        o->out[2] = ay_tape_copy(l->tape, I64, SHAPE(rows->dims[0]), g->inverse, NULL);
    if (o->out_count > 3) o->out[3] = ay_tape_copy(l->tape, I64, SHAPE(n), g->sizes, NULL);
}

static void lower_unique(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_tape_need(l->tape, ay_term_operand(l, o, 0, 0, "X"), "X");
    if (!x) return;
    bool by_axis = ay_attr_has(l, "axis");
    uint32_t axis = by_axis ? ay_lower_axis(l, ay_attr_int(l, "axis", 0), x->rank) : 0;
    if (failed(l)) return;
    x = by_axis ? ay_term_move(l, x, axis, 0) : reshape(l, x, SHAPE(ay_value_elements(x)));
    if (!x) return;
    uint64_t items = x->dims[0], width = items ? ay_value_elements(x) / items : 0;
    uint64_t *order = new_order(l, items);
    int64_t *lists = calloc(items ? 3 * items : 1, sizeof *lists);
    if (!lists) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    if (order && lists) {
        struct sort s = {x, 0, width, width, 1, false};
        struct groups g = {0, lists, lists + items, lists + 2 * items};
        sort_items(&s, order, items);
        group(&s, order, items, ay_attr_int(l, "sorted", 1) != 0, &g);
        unique_outputs(l, o, x, &g);
        o->out[0] = ay_term_move(l, o->out[0], 0, axis);
    }
    free(order);
    free(lists);
}

/* --- NonMaxSuppression --- */

struct box {
    float low[2], high[2]; /* of y and x */
    float area;            /* where it is not above 0, the box overlaps none */
};

/* Two opposite corners (y, x), or centre and size (x, y). */
static struct box read_box(const float *b, bool centred)
{
    struct box box = {.area = 1.0F};
    for (int i = 0; i < 2; i++) {
        float p = b[i], q = b[i + 2];
        if (centred) {
            float half = b[3 - i] / 2.0F, centre = b[1 - i];
            p = centre - half;
            q = centre + half;
        }
        box.low[i] = fminf(p, q);
        box.high[i] = fmaxf(p, q);
        box.area *= box.high[i] - box.low[i];
    }
    return box;
}

/* Whether intersection over union is above the threshold; of boxes with an area, so that no number
 * is a NaN. */
static bool overlap(const struct box *a, const struct box *b, float threshold)
{
    float common = 1.0F;
    for (int i = 0; i < 2; i++) {
        float high = a->high[i] < b->high[i] ? a->high[i] : b->high[i];
        float low = a->low[i] > b->low[i] ? a->low[i] : b->low[i];
        if (!(high - low > 0.0F)) return false;
        common *= high - low;
    }
    float all = a->area + b->area - common;
    return common > 0.0F && all > 0.0F && common / all > threshold;
}

struct suppression {
    term scores;
    const float *boxes; /* (batch, n, 4) */
    uint64_t n, most;   /* boxes, and those kept of one class, no more than n */
    bool centred, filtered;
    float score, overlap; /* thresholds; score where filtered */
    uint64_t *order;      /* room for n */
    struct box *kept;     /* room for n: those that have an area */
};

/* Goes through one class of one batch by score; to: (.., 3), the class, the batch and the boxes'
 * numbers. Returns how many are kept. */
static uint64_t suppress(const struct suppression *s, uint64_t row, int64_t *to)
{
    uint64_t count = 0, solid = 0, classes = s->scores->dims[1];
    const float *boxes = s->boxes + row / classes * s->n * 4;
    const float *scores = (const float *)s->scores->data + row * s->n;
    sort_items(&(struct sort){s->scores, row * s->n, 1, 1, 1, true}, s->order, s->n);
    for (uint64_t i = 0; i < s->n && count < s->most; i++) {
        uint64_t at = s->order[i];
        if (s->filtered && !(scores[at] > s->score)) continue;
        struct box box = read_box(boxes + 4 * at, s->centred);
        bool is_solid = box.area > 0.0F, free_of_others = true;
        for (uint64_t j = 0; is_solid && j < solid && free_of_others; j++)
            free_of_others = !overlap(&box, &s->kept[j], s->overlap);
        if (!free_of_others) continue;
        if (is_solid) s->kept[solid++] = box;
        to[3 * count] = (int64_t)(row / classes);
        to[3 * count + 1] = (int64_t)(row % classes);
        to[3 * count++ + 2] = (int64_t)at;
    }
    return count;
}

/* All classes of all batches. */
static term suppress_all(const struct ay_lower *l, struct suppression *s)
{
    /* Of no boxes there may be any number of classes. */
    uint64_t rows = s->most > 0 ? s->scores->dims[0] * s->scores->dims[1] : 0, total = 0;
    void *to;
    term room = fresh(l, I64, SHAPE(rows * s->most, 3), &to), y = NULL;
    s->order = room ? new_order(l, s->n) : NULL;
    s->kept = calloc(s->n + 1, sizeof *s->kept);
    if (!s->kept) ay_lower_fail(l, AY_E_MEMORY, "out of memory");
    for (uint64_t row = 0; row < rows && !failed(l); row++)
        total += suppress(s, row, (int64_t *)to + 3 * total);
    if (!failed(l)) y = ay_tape_copy(l->tape, I64, SHAPE(total, 3), to, NULL);
    free(s->kept);
    free(s->order);
    return y;
}

static float threshold(const struct ay_lower *l, term x, const char *what)
{
    if (!x || ay_value_elements(x) == 0) return 0.0F;
    const float *value = ay_term_floats(l, x, what);
    return value ? *value : 0.0F;
}

static void lower_nms(const struct ay_lower *l, const struct ay_operands *o)
{
    term boxes = ay_term_operand(l, o, 0, F32, "boxes");
    struct suppression s = {.scores = ay_term_operand(l, o, 1, F32, "scores")};
    s.boxes = ay_term_floats(l, boxes, "boxes");
    s.scores = ay_tape_need(l->tape, s.scores, "scores");
    if (!ay_term_rank(l, boxes, 3, "boxes") || !ay_term_rank(l, s.scores, 3, "scores")) return;
    s.n = boxes->dims[1];
    if (!ay_term_shape(l, boxes, SHAPE(s.scores->dims[0], s.n, 4), "boxes") ||
        !ay_term_shape(l, s.scores, SHAPE(boxes->dims[0], s.scores->dims[1], s.n), "scores"))
        return;
    int64_t most = ay_in(o, 2) ? ay_term_scalar(l, ay_in(o, 2), "max_output_boxes_per_class") : 0;
    s.most = most <= 0 ? 0 : (uint64_t)most < s.n ? (uint64_t)most : s.n;
    s.overlap = threshold(l, ay_in(o, 3), "iou_threshold");
    s.filtered = ay_in(o, 4) && ay_value_elements(ay_in(o, 4)) > 0;
    s.score = threshold(l, ay_in(o, 4), "score_threshold");
    s.centred = ay_attr_int(l, "center_point_box", 0) != 0;
    if (!failed(l)) o->out[0] = suppress_all(l, &s);
}

const struct ay_operator ay_lower_select[] = {
    {"TopK", lower_topk, 1, 2, 2, false},
    {"Compress", lower_compress, 2, 2, 1, false},
    {"NonZero", lower_nonzero, 1, 1, 1, true},
    {"Unique", lower_unique, 1, 1, 4, true},
    {"NonMaxSuppression", lower_nms, 2, 5, 1, true},
    {"Det", ay_lower_det, 1, 1, 1, true},
    {"DFT", ay_lower_dft, 1, 3, 1, false},
    {"STFT", ay_lower_stft, 2, 4, 1, false},
    {"HannWindow", ay_lower_hann_window, 1, 1, 1, false},
    {"HammingWindow", ay_lower_hamming_window, 1, 1, 1, false},
    {"BlackmanWindow", ay_lower_blackman_window, 1, 1, 1, false},
    {"MelWeightMatrix", ay_lower_mel_weight_matrix, 5, 5, 1, false},
    {"RandomUniform", ay_lower_random_uniform, 0, 0, 1, false},
    {"RandomUniformLike", ay_lower_random_uniform_like, 1, 1, 1, false},
    {"RandomNormal", ay_lower_random_normal, 0, 0, 1, false},
    {"RandomNormalLike", ay_lower_random_normal_like, 1, 1, 1, false},
    {"Bernoulli", ay_lower_bernoulli, 1, 1, 1, false},
    {"Multinomial", ay_lower_multinomial, 1, 1, 1, false},
    {"NegativeLogLikelihoodLoss", ay_lower_nll_loss, 2, 3, 1, false},
    {"SoftmaxCrossEntropyLoss", ay_lower_cross_entropy_loss, 2, 3, 2, false},
    {0},
};
