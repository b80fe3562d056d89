/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. */
#include "tensor/lower/loss.h"
#include "tensor/lower/terms.h"

/* Whether each label counts: NULL if all do. */
static term counted(const struct ay_lower *l, term labels)
{
    if (!ay_attr_has(l, "ignore_index")) return NULL;
    term ignored = integer(l, I64, ay_attr_int(l, "ignore_index", 0));
    term same = int_fn(l, AY_WORK_FN_INT_EQ, BOOL, labels, ignored);
    return int_fn(l, AY_WORK_FN_INT_XOR, BOOL, same, integer(l, BOOL, 1));
}

/* x (N, C, D..), labels (N, D..): x[n, label, d..] (N, D..). */
static term at_labels(const struct ay_lower *l, term x, term labels)
{
    term by_class = ay_term_move(l, x, 1, x->rank - 1);
    if (!by_class) return NULL;
    uint64_t n = ay_value_elements(labels), classes = x->dims[1];
    term first = int_fn(l, AY_WORK_FN_INT_MUL, I64, ay_term_count(l, I64, n),
                        integer(l, I64, (int64_t)classes));
    term label =
        int_fn(l, AY_WORK_FN_INT_MAX, I64, reshape(l, labels, SHAPE(n)), integer(l, I64, 0));
    label = int_fn(l, AY_WORK_FN_INT_MIN, I64, label, integer(l, I64, (int64_t)classes - 1));
    term ids = int_fn(l, AY_WORK_FN_INT_ADD, I64, first, label);
    term rows = reshape(l, by_class, SHAPE(n * classes));
    return reshape(l, gather(l, rows, ids, 0), labels->rank, labels->dims);
}

/* x: logarithms of chances. */
static term nll(const struct ay_lower *l, term x, term labels, term weights)
{
    uint64_t dims[AY_MAX_RANK];
    for (uint32_t d = 0; x && d + 1 < x->rank; d++) dims[d] = x->dims[d ? d + 1 : 0];
    if (failed(l) || x->rank < 2) return ay_lower_fail(l, AY_E_FORMAT, "scores of rank below 2");
    if (!ay_term_shape(l, labels, x->rank - 1, dims, "labels") ||
        (weights && !ay_term_shape(l, weights, SHAPE(x->dims[1]), "weights")))
        return NULL;
    if (labels->dtype != I32 && labels->dtype != I64)
        return ay_lower_fail(l, AY_E_UNSUPPORTED, "labels are %s", ay_dtype_name(labels->dtype));

    term zero = number(l, 0.0F), mask = counted(l, labels);
    term weight = weights ? gather(l, weights, labels, 0)
                          : expand(l, number(l, 1.0F), labels->rank, labels->dims);
    if (mask) weight = choose(l, mask, weight, zero);
    term loss = function(l, AY_WORK_FN_NEG, at_labels(l, x, labels));
    loss = mul(l, loss, weight);
    if (mask) loss = choose(l, mask, loss, zero);
    if (ay_attr_is(l, "reduction", "none")) return loss;
    term sum = ay_term_reduce_all(l, AY_WORK_REDUCE_SUM, loss);
    if (ay_attr_is(l, "reduction", "sum")) return sum;
    return divide(l, sum, ay_term_reduce_all(l, AY_WORK_REDUCE_SUM, weight));
}

void ay_lower_nll_loss(const struct ay_lower *l, const struct ay_operands *o)
{
    o->out[0] =
        nll(l, ay_term_operand(l, o, 0, F32, "input"), ay_term_operand(l, o, 1, 0, "target"),
            ay_term_optional(l, o, 2, F32, "weight"));
}

void ay_lower_cross_entropy_loss(const struct ay_lower *l, const struct ay_operands *o)
{
    term x = ay_term_operand(l, o, 0, F32, "scores");
    if (x && x->rank < 2) ay_lower_fail(l, AY_E_FORMAT, "scores of rank below 2");
    if (failed(l)) return;
    term d = sub(l, x, reduce(l, AY_WORK_REDUCE_MAX, x, 1));
    term sum = reduce(l, AY_WORK_REDUCE_SUM, function(l, AY_WORK_FN_EXP, d), 1);
    term logs = sub(l, d, function(l, AY_WORK_FN_LOG, sum));
    o->out[0] = nll(l, logs, ay_term_operand(l, o, 1, 0, "labels"),
                    ay_term_optional(l, o, 2, F32, "weights"));
    if (o->out_count > 1) o->out[1] = logs;
}
