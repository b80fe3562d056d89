/* Support vector machines of ai.onnx.ml, as onnxruntime has them. A classifier has a machine for
 * each pair of classes: libsvm, https://www.csie.ntu.edu.tw/~cjlin/papers/libsvm.pdf. */
#include "tensor/lower/classic.h"
#include "tensor/lower/matmul.h"
#include "tensor/ref/float.h"

#include <stdlib.h>

/* Rounds in which probabilities of classes come near those of their pairs; more would leave each
 * row alone. onnxruntime goes on for 100 at most, but none of a million tables of 3 to 30 classes,
 * among them the slowest that a search found, took more than 4; of two classes a row that is not
 * near at once is, after two, not a tenth as far as it may be. */
#define MAX_ROUNDS 8
#define TWO_ROUNDS 2
/* Numbers that the tables of pairs may hold: more than what a file says of the machines. */
#define MAX_TABLE (1u << 26)

/* The kernel of each row of x (N, F) with each vector (S, F): (N, S). */
static term kernel(const struct ay_lower *l, term x, term vectors)
{
    uint32_t count;
    const uint32_t *bits = ay_attr_floats(l, "kernel_params", &count);
    float gamma = count > 0 ? ay_f32(bits[0]) : 0, shift = count > 1 ? ay_f32(bits[1]) : 0;
    float degree = count > 2 ? ay_f32(bits[2]) : 0;
    if (ay_attr_is(l, "kernel_type", "RBF")) {
        /* Vectors side by side: features are few. */
        term d = sub(l, ay_term_insert(l, x, 2), ay_term_transpose(l, vectors));
        d = reshape(l, reduce(l, AY_WORK_REDUCE_SUMSQ, d, 1), SHAPE(x->dims[0], vectors->dims[0]));
        return function(l, AY_WORK_FN_EXP, mul(l, d, number(l, -gamma)));
    }
    term dot = matmul(l, x, vectors);
    if (!ay_attr_has(l, "kernel_type") || ay_attr_is(l, "kernel_type", "LINEAR")) return dot;
    dot = add(l, mul(l, dot, number(l, gamma)), number(l, shift));
    if (ay_attr_is(l, "kernel_type", "SIGMOID")) return function(l, AY_WORK_FN_TANH, dot);
    if (ay_attr_is(l, "kernel_type", "POLY"))
        return ay_tape_fn2(l->tape, AY_WORK_FN_POW, dot, number(l, degree));
    return ay_lower_fail(l, AY_E_FORMAT, "unknown kernel_type");
}

void ay_lower_svm_regressor(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_classic_rows(l, o), w = ay_attr_list(l, "coefficients");
    term vectors = ay_attr_list(l, "support_vectors"), rho = ay_attr_list(l, "rho");
    int64_t count = ay_attr_int(l, "n_supports", 0);
    if (failed(l)) return;
    uint64_t n = x->dims[1], s = count > 0 ? (uint64_t)count : 1;
    bool fits = w && rho && w->dims[0] == (count > 0 ? s : n) &&
                (count <= 0 || (vectors && vectors->dims[0] / s == n && vectors->dims[0] % s == 0));
    if (!fits) ay_lower_fail(l, AY_E_FORMAT, "support vectors, coefficients and rho do not fit");
    if (ay_transform_read(l) != AY_TRANSFORM_NONE)
        ay_lower_fail(l, AY_E_UNSUPPORTED, "this post_transform");
    if (failed(l)) return;
    term k = count > 0 ? kernel(l, x, reshape(l, vectors, SHAPE(s, n))) : x;
    term y = matmul(l, k, reshape(l, w, SHAPE(1, w->dims[0])));
    y = add(l, y, ay_term_part(l, rho, 0, 0, 1));
    if (ay_attr_int(l, "one_class", 0))
        y = choose(l, less(l, number(l, 0), y), number(l, 1), number(l, -1));
    o->out[0] = y;
}

/* --- of classes --- */

/* Pairs of classes are (0, 1), (0, 2), .., (1, 2), ..: the number of i and j, i < j. */
static uint64_t pair_of(uint64_t classes, uint64_t i, uint64_t j)
{
    return i * (2 * classes - i - 1) / 2 + j - i - 1;
}

struct machines {
    uint64_t classes, pairs, vectors;
    const int64_t *sizes; /* (classes): vectors of each, which lie behind each other */
};

/* Coefficients of the vectors with regard to each other class, (classes - 1, vectors) where a class
 * has no row of its own, as those of each pair: (pairs, vectors), 0 for vectors of others. */
static term pair_weights(const struct ay_lower *l, const struct machines *m, const uint32_t *from)
{
    void *writable;
    term w = fresh(l, F32, SHAPE(m->pairs, m->vectors), &writable);
    uint32_t *out = writable;
    uint64_t at = 0;
    for (uint64_t c = 0; w && c < m->classes; at += (uint64_t)m->sizes[c++])
        for (uint64_t other = 0; other < m->classes; other++) {
            if (other == c) continue;
            uint64_t row = other < c ? other : other - 1;
            uint64_t pair =
                other < c ? pair_of(m->classes, other, c) : pair_of(m->classes, c, other);
            memcpy(out + pair * m->vectors + at, from + row * m->vectors + at,
                   (size_t)m->sizes[c] * sizeof *out);
        }
    return w;
}

/* For each class which pairs it is the first (or second) of, as 1 beside 0: (classes, pairs). */
static term sides(const struct ay_lower *l, const struct machines *m, bool second)
{
    void *writable;
    term x = fresh(l, F32, SHAPE(m->classes, m->pairs), &writable);
    float *out = writable;
    for (uint64_t i = 0; x && i < m->classes; i++)
        for (uint64_t j = i + 1; j < m->classes; j++)
            out[(second ? j : i) * m->pairs + pair_of(m->classes, i, j)] = 1.0F;
    return x;
}

/* The class that most pairs are decided for, the first of several: (N, 1). */
static term winners(const struct ay_lower *l, const struct machines *m, term scores)
{
    term first = cast(l, less(l, number(l, 0), scores), F32);
    term votes = add(l, matmul(l, first, sides(l, m, false)),
                     matmul(l, sub(l, number(l, 1), first), sides(l, m, true)));
    return reduce(l, AY_WORK_REDUCE_ARGMAX, votes, 1);
}

/* --- probabilities --- */

/* Rows are many and classes few, so that rows are the last axis here. */

/* Q of https://www.csie.ntu.edu.tw/~cjlin/papers/svmprob/svmprob.pdf, (classes, classes, N): r
 * (N, pairs), how likely the first class of each pair is. */
static term quadratic(const struct ay_lower *l, const struct machines *m, term r)
{
    uint64_t c = m->classes;
    term rest = sub(l, number(l, 1), r), zero = number(l, 0);
    term diagonal = add(l, matmul(l, sides(l, m, false), mul(l, rest, rest)),
                        matmul(l, sides(l, m, true), mul(l, r, r)));
    const term parts[] = {ay_term_transpose(l, sub(l, zero, mul(l, rest, r))), diagonal};
    term all = failed(l) ? NULL : ay_tape_concat(l->tape, parts, 2, 0);
    void *writable;
    term ids = fresh(l, I64, SHAPE(c * c), &writable);
    if (!ids) return NULL;
    for (uint64_t i = 0; i < c; i++)
        for (uint64_t j = 0; j < c; j++)
            ((int64_t *)writable)[i * c + j] =
                (int64_t)(i == j ? m->pairs + i : pair_of(c, i < j ? i : j, i < j ? j : i));
    return all ? reshape(l, gather(l, all, ids, 0), SHAPE(c, c, r->dims[0])) : NULL;
}

/* One round for p (classes, N); a row that is near enough stays as it is. */
static term nearer(const struct ay_lower *l, const struct machines *m, term q, term p)
{
    uint64_t c = m->classes, n = q->dims[2];
    term qp = reduce(l, AY_WORK_REDUCE_SUM, mul(l, q, p), 1), next = p;
    qp = reshape(l, qp, SHAPE(c, n));
    term pqp = reduce(l, AY_WORK_REDUCE_SUM, mul(l, p, qp), 0);
    term away = function(l, AY_WORK_FN_ABS, sub(l, qp, pqp));
    term go_on =
        less_equal(l, number(l, 0.005F / (float)c), reduce(l, AY_WORK_REDUCE_MAX, away, 0));
    term numbers = reshape(l, ay_term_count(l, I64, c), SHAPE(c, 1));
    for (uint64_t t = 0; t < c && !failed(l); t++) {
        term row = ay_term_at(l, q, 0, t), own = ay_term_part(l, row, 0, t, 1);
        term qp_t = ay_term_part(l, qp, 0, t, 1), by = divide(l, sub(l, pqp, qp_t), own);
        term whole = add(l, number(l, 1), by);
        term change = add(l, mul(l, by, own), mul(l, number(l, 2), qp_t));
        pqp = divide(l, divide(l, add(l, pqp, mul(l, by, change)), whole), whole);
        qp = divide(l, add(l, qp, mul(l, by, row)), whole);
        term here = int_fn(l, AY_WORK_FN_INT_EQ, BOOL, numbers, integer(l, I64, (int64_t)t));
        next = divide(l, choose(l, here, add(l, next, by), next), whole);
    }
    return choose(l, go_on, next, p);
}

/* Of classes, from the scores of pairs: (N, classes). */
static term probabilities(const struct ay_lower *l, const struct machines *m, term scores, term a,
                          term b)
{
    term r = ay_term_sigmoid(l, sub(l, number(l, 0), add(l, mul(l, scores, a), b)));
    r = clamp(l, r, 1e-7F, 1 - 1e-7F);
    term q = r ? quadratic(l, m, r) : NULL;
    term even = number(l, 1.0F / (float)m->classes);
    term p = q ? expand(l, even, SHAPE(m->classes, q->dims[2])) : NULL;
    uint32_t rounds = m->classes == 2 ? TWO_ROUNDS : MAX_ROUNDS;
    for (uint32_t i = 0; i < rounds && !failed(l); i++) p = nearer(l, m, q, p);
    return ay_term_transpose(l, p);
}

/* What the second result is where there are no probabilities: the scores, of one pair both ways. */
static term plain_scores(const struct ay_lower *l, const struct machines *m, term scores)
{
    enum ay_transform transform = ay_transform_read(l);
    if (m->classes > 2) return ay_transformed(l, transform, scores);
    term from = number(l, transform == AY_TRANSFORM_NONE ? 0.0F : 1.0F);
    if (transform == AY_TRANSFORM_LOGISTIC) scores = ay_term_sigmoid(l, scores);
    const term both[] = {sub(l, from, scores), scores};
    return failed(l) ? NULL : ay_tape_concat(l->tape, both, 2, 1);
}

/* Counts of everything; false and a failure where they do not fit. */
static bool read_machines(const struct ay_lower *l, struct machines *m, uint64_t features)
{
    uint32_t labels, sizes, numbers;
    (void)ay_attr_ints(l, "classlabels_ints", &labels);
    m->sizes = ay_attr_ints(l, "vectors_per_class", &sizes);
    m->classes = labels;
    m->pairs = (uint64_t)labels * (labels - (labels > 0)) / 2;
    if (labels < 2 || sizes == 0) {
        ay_lower_fail(l, AY_E_UNSUPPORTED,
                      labels < 2 ? "labels that are not two or more integers"
                                 : "no support vectors");
        return false;
    }
    bool fits = sizes == labels;
    for (uint32_t i = 0; fits && i < sizes; i++) {
        fits = m->sizes[i] >= 0 && m->sizes[i] < 1 << 30;
        m->vectors += (uint64_t)m->sizes[i];
    }
    (void)ay_attr_floats(l, "support_vectors", &numbers);
    fits = fits && m->vectors && numbers / m->vectors == features && numbers % m->vectors == 0;
    (void)ay_attr_floats(l, "coefficients", &numbers);
    fits = fits && numbers / m->vectors >= m->classes - 1;
    (void)ay_attr_floats(l, "rho", &numbers);
    if (!fits || numbers != m->pairs)
        ay_lower_fail(l, AY_E_FORMAT, "support vectors, coefficients and rho do not fit");
    else if (m->pairs > MAX_TABLE / (m->classes + m->vectors))
        ay_lower_fail(l, AY_E_LIMIT, "%llu pairs of classes by %llu vectors",
                      (unsigned long long)m->pairs, (unsigned long long)m->vectors);
    return !failed(l);
}

void ay_lower_svm_classifier(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_classic_rows(l, o);
    struct machines m = {0};
    uint32_t count;
    if (failed(l) || !read_machines(l, &m, x->dims[1])) return;
    term vectors = reshape(l, ay_attr_list(l, "support_vectors"), SHAPE(m.vectors, x->dims[1]));
    term weights = pair_weights(l, &m, ay_attr_floats(l, "coefficients", &count));
    term scores = matmul(l, kernel(l, x, vectors), weights);
    scores = add(l, scores, ay_attr_list(l, "rho"));
    term a = ay_attr_list(l, "prob_a"), b = ay_attr_list(l, "prob_b");
    if (failed(l)) return;
    term best = reshape(l, winners(l, &m, scores), SHAPE(x->dims[0]));
    o->out[0] = ay_labels_of(l, ay_attr_int_list(l, "classlabels_ints"), best);
    if (o->out_count < 2) return;
    if (!a && !b)
        o->out[1] = plain_scores(l, &m, scores);
    else if (ay_term_shape(l, a, SHAPE(m.pairs), "prob_a") &&
             ay_term_shape(l, b, SHAPE(m.pairs), "prob_b"))
        o->out[1] = ay_transformed(l, ay_transform_read(l), probabilities(l, &m, scores, a, b));
}
