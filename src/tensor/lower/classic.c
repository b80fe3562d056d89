/* ai.onnx.ml: preparing numbers, and linear models
 * (https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md). Support vectors are in svm.c,
 * trees in trees.c, of the standard domain TfIdfVectorizer in ngrams.c. Where the definition leaves
 * room it is as onnxruntime does; strings are refused. */
#include "tensor/lower/classic.h"
#include "tensor/lower/matmul.h"
#include "tensor/ref/float.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Comparisons of elements with keys that one node may be: a bound on what it takes to hold them. */
#define MAX_COMPARISONS (1u << 26)

/* --- attributes and operands --- */

term ay_attr_list(const struct ay_lower *l, const char *name)
{
    char tensor[64];
    uint32_t count;
    (void)snprintf(tensor, sizeof tensor, "%s_as_tensor", name);
    term given = ay_attr_tensor(l, tensor);
    if (given && given->dtype != F32) return ay_lower_fail(l, AY_E_FORMAT, "%s is not f32", tensor);
    if (given && ay_value_elements(given))
        return reshape(l, given, SHAPE(ay_value_elements(given)));
    const uint32_t *bits = ay_attr_floats(l, name, &count);
    return count ? ay_tape_copy(l->tape, F32, SHAPE(count), bits, NULL) : NULL;
}

term ay_attr_int_list(const struct ay_lower *l, const char *name)
{
    uint32_t count;
    const int64_t *ints = ay_attr_ints(l, name, &count);
    return count ? ay_tape_copy(l->tape, I64, SHAPE(count), ints, NULL) : NULL;
}

term ay_classic_rows(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X");
    if (x && x->rank == 1) x = ay_term_insert(l, x, 0);
    return ay_term_rank(l, x, 2, "X") ? cast(l, x, F32) : NULL;
}

term ay_labels_of(const struct ay_lower *l, term labels, term classes)
{
    return gather(l, labels, classes, 0);
}

/* Fails unless x (NULL is allowed) is a list of one or of n. */
static bool fits_columns(const struct ay_lower *l, term x, uint64_t n, const char *what)
{
    if (!x || ay_value_elements(x) == 1) return !failed(l);
    return ay_term_shape(l, x, SHAPE(n), what);
}

/* --- transforms of scores --- */

enum ay_transform ay_transform_read(const struct ay_lower *l)
{
    static const char *const names[] = {[AY_TRANSFORM_NONE] = "NONE",
                                        [AY_TRANSFORM_SOFTMAX] = "SOFTMAX",
                                        [AY_TRANSFORM_LOGISTIC] = "LOGISTIC",
                                        [AY_TRANSFORM_SOFTMAX_ZERO] = "SOFTMAX_ZERO"};
    if (!ay_attr_has(l, "post_transform")) return AY_TRANSFORM_NONE;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ay_attr_is(l, "post_transform", names[i])) return (enum ay_transform)i;
    ay_lower_fail(l, AY_E_UNSUPPORTED, "this post_transform");
    return AY_TRANSFORM_NONE;
}

/* Softmax of the scores that are not 0, which stay 0. */
static term softmax_zero(const struct ay_lower *l, term x)
{
    term near = less_equal(l, function(l, AY_WORK_FN_ABS, x), number(l, 1e-7F));
    term most = reduce(l, AY_WORK_REDUCE_MAX, x, 1), zero = number(l, 0.0F);
    term e = function(l, AY_WORK_FN_EXP, sub(l, x, most));
    term kept = mul(l, x, function(l, AY_WORK_FN_EXP, sub(l, zero, most)));
    term sum = reduce(l, AY_WORK_REDUCE_SUM, choose(l, near, zero, e), 1);
    return divide(l, choose(l, near, kept, e), sum);
}

term ay_transformed(const struct ay_lower *l, enum ay_transform transform, term scores)
{
    switch (transform) {
    case AY_TRANSFORM_NONE: return scores;
    case AY_TRANSFORM_SOFTMAX: return ay_term_softmax(l, scores, 1);
    case AY_TRANSFORM_LOGISTIC: return ay_term_sigmoid(l, scores);
    case AY_TRANSFORM_SOFTMAX_ZERO: return softmax_zero(l, scores);
    }
    return NULL;
}

/* --- preparing --- */

/* Elements of the last axis; a list becomes one row. */
static void array_feature_extractor(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X"), ids = ay_term_operand(l, o, 1, I64, "Y");
    if (failed(l)) return;
    if (x->rank == 0) {
        ay_lower_fail(l, AY_E_FORMAT, "X is one number");
        return;
    }
    if (x->rank == 1) x = ay_term_insert(l, x, 0);
    ids = reshape(l, ids, SHAPE(ay_value_elements(ids)));
    o->out[0] = x ? gather(l, x, ids, x->rank - 1) : NULL;
}

static void binarizer(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X");
    if (failed(l)) return;
    term above = less(l, number(l, ay_attr_float(l, "threshold", 0)), cast(l, x, F32));
    o->out[0] = cast(l, above, x->dtype);
}

/* (x - offset) scale, by column. */
static void scaler(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X");
    term offset = ay_attr_list(l, "offset"), scale = ay_attr_list(l, "scale");
    if (failed(l)) return;
    uint64_t n = x->rank ? x->dims[x->rank - 1] : 1;
    if (!fits_columns(l, offset, n, "offset") || !fits_columns(l, scale, n, "scale")) return;
    x = cast(l, x, F32);
    if (offset) x = sub(l, x, offset);
    o->out[0] = scale ? mul(l, x, scale) : x;
}

/* Each row by its maximum, its sum of sizes or its length, unless that is 0. */
static void normalizer(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X"), size = NULL;
    if (failed(l)) return;
    if (x->rank < 1 || x->rank > 2) {
        ay_lower_fail(l, AY_E_FORMAT, "X has %u dimensions", x->rank);
        return;
    }
    x = cast(l, x, F32);
    uint32_t last = x ? x->rank - 1 : 0;
    if (ay_attr_is(l, "norm", "L1"))
        size = reduce(l, AY_WORK_REDUCE_SUM, function(l, AY_WORK_FN_ABS, x), last);
    else if (ay_attr_is(l, "norm", "L2"))
        size = function(l, AY_WORK_FN_SQRT, reduce(l, AY_WORK_REDUCE_SUMSQ, x, last));
    else if (!ay_attr_has(l, "norm") || ay_attr_is(l, "norm", "MAX"))
        size = reduce(l, AY_WORK_REDUCE_MAX, x, last);
    else
        ay_lower_fail(l, AY_E_FORMAT, "unknown norm");
    term none = int_fn(l, AY_WORK_FN_EQ, BOOL, size, number(l, 0));
    o->out[0] = choose(l, none, x, divide(l, x, size));
}

/* Whether each element is equal to a value, where a NaN is equal to a NaN. */
static term equal_to(const struct ay_lower *l, term x, term value)
{
    if (!x || !value) return NULL;
    if (x->dtype != F32) return int_fn(l, AY_WORK_FN_INT_EQ, BOOL, x, value);
    term real_x = less_equal(l, x, x), real_v = less_equal(l, value, value);
    term any_real = int_fn(l, AY_WORK_FN_INT_OR, BOOL, real_x, real_v);
    term both_nan = int_fn(l, AY_WORK_FN_INT_XOR, BOOL, any_real, integer(l, BOOL, 1));
    return int_fn(l, AY_WORK_FN_INT_OR, BOOL, int_fn(l, AY_WORK_FN_EQ, BOOL, x, value), both_nan);
}

static void imputer(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X");
    if (failed(l)) return;
    bool real = x->dtype == F32;
    term to = real ? ay_attr_list(l, "imputed_value_floats")
                   : ay_attr_int_list(l, "imputed_value_int64s");
    term from = real ? number(l, ay_attr_float(l, "replaced_value_float", 0))
                     : integer(l, I64, ay_attr_int(l, "replaced_value_int64", 0));
    if (!to) ay_lower_fail(l, AY_E_FORMAT, "no value of the operand's kind to put in");
    if (!fits_columns(l, to, x->rank ? x->dims[x->rank - 1] : 1, "imputed values")) return;
    o->out[0] = choose(l, equal_to(l, x, from), cast(l, to, x->dtype), x);
}

/* x (..) beside a list of keys: whether each is equal to each, (.., keys); 2^26 at most. */
static term equal_keys(const struct ay_lower *l, term x, term keys)
{
    uint64_t n = ay_value_elements(x), k = ay_value_elements(keys), all;
    if (__builtin_mul_overflow(n, k, &all) || all > MAX_COMPARISONS)
        return ay_lower_fail(l, AY_E_LIMIT, "%llu elements by %llu keys", (unsigned long long)n,
                             (unsigned long long)k);
    return equal_to(l, ay_term_insert(l, x, x->rank), keys);
}

static void one_hot_encoder(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X"), keys = ay_attr_int_list(l, "cats_int64s");
    if (!keys) ay_lower_fail(l, AY_E_UNSUPPORTED, "categories that are no integers");
    x = cast(l, x, I64);
    if (failed(l)) return;
    o->out[0] = cast(l, equal_keys(l, x, keys), F32);
}

/* A list by one of the names "keys_int64s", "keys_floats", "keys_tensor" and so on; NULL if none.
 */
static term label_list(const struct ay_lower *l, const char *what)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s_int64s", what);
    term list = ay_attr_int_list(l, name);
    (void)snprintf(name, sizeof name, "%s_floats", what);
    if (!list) list = ay_attr_list(l, name);
    (void)snprintf(name, sizeof name, "%s_tensor", what);
    if (!list) list = ay_attr_tensor(l, name);
    return list ? reshape(l, list, SHAPE(ay_value_elements(list))) : NULL;
}

/* Each element's value by its key, of which the last one counts; the default for others. */
static void label_encoder(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, 0, "X");
    term keys = label_list(l, "keys"), values = label_list(l, "values");
    if (failed(l)) return;
    if (!keys || !values) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "keys or values that are strings");
        return;
    }
    uint64_t n = keys->dims[0];
    term otherwise = ay_attr_tensor(l, "default_tensor");
    if (otherwise)
        otherwise = reshape(l, otherwise, 0, NULL);
    else
        otherwise = values->dtype == F32
                        ? number(l, ay_attr_float(l, "default_float", -0.0F))
                        : integer(l, values->dtype, ay_attr_int(l, "default_int64", -1));
    otherwise = cast(l, otherwise, values->dtype);
    if (n == 0 || !ay_term_shape(l, values, SHAPE(n), "values") ||
        (x->dtype == F32) != (keys->dtype == F32)) {
        ay_lower_fail(l, AY_E_FORMAT, "keys, values and X do not fit together");
        return;
    }
    const int64_t begin = (int64_t)n - 1, back = -1;
    keys = ay_tape_slice(l->tape, keys, &begin, &back, &n, 0);
    values = ay_tape_slice(l->tape, values, &begin, &back, &n, 0);
    term same = equal_keys(l, x, keys);
    if (!same) return;
    term which = reduce(l, AY_WORK_REDUCE_ARGMAX, same, x->rank);
    term found = reduce(l, AY_WORK_REDUCE_MAX, same, x->rank);
    term value = gather(l, values, reshape(l, which, x->rank, x->dims), 0);
    o->out[0] = choose(l, reshape(l, found, x->rank, x->dims), value, otherwise);
}

/* A row each of what lies behind its first axis. */
static void feature_vectorizer(const struct ay_lower *l, const struct ay_operands *o)
{
    if (o->in_count == 0) ay_lower_fail(l, AY_E_FORMAT, "nothing to join");
    term *parts = ay_term_list(l, o->in_count);
    for (uint32_t i = 0; parts && i < o->in_count && !failed(l); i++) {
        term x = o->in[i];
        if (x && x->rank > 2 && x->dims[0])
            x = reshape(l, x, SHAPE(x->dims[0], ay_value_elements(x) / x->dims[0]));
        struct ay_operands one = {&x, 1, NULL, 0};
        parts[i] = ay_classic_rows(l, &one);
    }
    if (!failed(l)) o->out[0] = ay_tape_concat(l->tape, parts, o->in_count, 1);
    free(parts);
}

/* A row of scores as a map by their labels: it stays a row, in the order of the labels. */
static void zip_map(const struct ay_lower *l, const struct ay_operands *o)
{
    (void)l;
    o->out[0] = o->in[0];
}

/* --- linear models --- */

/* x (N, features) by the rows of the attribute coefficients, plus intercepts: (N, rows). Numbers
 * beyond the rows count for nothing, as in the example that onnxruntime brings along. */
static term linear_scores(const struct ay_lower *l, term x, uint64_t rows)
{
    term w = ay_attr_list(l, "coefficients"), b = ay_attr_list(l, "intercepts");
    if (failed(l)) return NULL;
    uint64_t n = x->dims[1];
    if (!w || rows == 0 || w->dims[0] / rows < n)
        return ay_lower_fail(l, AY_E_FORMAT, "coefficients are not for %llu features",
                             (unsigned long long)n);
    term y = matmul(l, x, reshape(l, ay_term_part(l, w, 0, 0, rows * n), SHAPE(rows, n)));
    return b && ay_term_shape(l, b, SHAPE(rows), "intercepts") ? add(l, y, b) : y;
}

static void linear_regressor(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_classic_rows(l, o);
    int64_t targets = ay_attr_int(l, "targets", 1);
    if (targets < 1) ay_lower_fail(l, AY_E_FORMAT, "targets");
    if (failed(l)) return;
    o->out[0] = ay_transformed(l, ay_transform_read(l), linear_scores(l, x, (uint64_t)targets));
}

static void linear_classifier(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_classic_rows(l, o), labels = ay_attr_int_list(l, "classlabels_ints");
    if (failed(l)) return;
    if (!labels) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "labels that are strings");
        return;
    }
    uint64_t classes = labels->dims[0];
    uint32_t intercepts;
    (void)ay_attr_floats(l, "intercepts", &intercepts);
    if (classes < 2 || intercepts == 1) {
        ay_lower_fail(l, AY_E_UNSUPPORTED, "one set of coefficients");
        return;
    }
    term scores = linear_scores(l, x, classes);
    term best = reduce(l, AY_WORK_REDUCE_ARGMAX, scores, 1);
    o->out[0] = ay_labels_of(l, labels, reshape(l, best, SHAPE(x->dims[0])));
    if (o->out_count > 1) o->out[1] = ay_transformed(l, ay_transform_read(l), scores);
}

const struct ay_operator ay_lower_classic[] = {
    {"ai.onnx.ml:ArrayFeatureExtractor", array_feature_extractor, 2, 2, 1, false},
    {"ai.onnx.ml:Binarizer", binarizer, 1, 1, 1, false},
    {"ai.onnx.ml:FeatureVectorizer", feature_vectorizer, 1, 255, 1, false},
    {"ai.onnx.ml:Imputer", imputer, 1, 1, 1, false},
    {"ai.onnx.ml:LabelEncoder", label_encoder, 1, 1, 1, false},
    {"ai.onnx.ml:LinearClassifier", linear_classifier, 1, 1, 2, false},
    {"ai.onnx.ml:LinearRegressor", linear_regressor, 1, 1, 1, false},
    {"ai.onnx.ml:Normalizer", normalizer, 1, 1, 1, false},
    {"ai.onnx.ml:OneHotEncoder", one_hot_encoder, 1, 1, 1, false},
    {"ai.onnx.ml:SVMClassifier", ay_lower_svm_classifier, 1, 1, 2, false},
    {"ai.onnx.ml:SVMRegressor", ay_lower_svm_regressor, 1, 1, 1, false},
    {"ai.onnx.ml:Scaler", scaler, 1, 1, 1, false},
    {"ai.onnx.ml:ZipMap", zip_map, 1, 1, 1, false},
    {"TfIdfVectorizer", ay_lower_tf_idf, 1, 1, 1, false},
    {NULL, NULL, 0, 0, 0, false},
};
