/* What classic.c, ngrams.c, svm.c and trees.c share. */
#ifndef AY_TENSOR_LOWER_CLASSIC_H
#define AY_TENSOR_LOWER_CLASSIC_H

#include "tensor/lower/terms.h"

/* What is done with scores (N, classes), by the names of ai.onnx.ml's post_transform. */
enum ay_transform {
    AY_TRANSFORM_NONE,
    AY_TRANSFORM_SOFTMAX,
    AY_TRANSFORM_LOGISTIC,
    AY_TRANSFORM_SOFTMAX_ZERO
};

/* The attribute post_transform, a name; PROBIT is refused. */
enum ay_transform ay_transform_read(const struct ay_lower *l);
term ay_transformed(const struct ay_lower *l, enum ay_transform transform, term scores);

/* A list of floats, or the tensor `name`_as_tensor, as (count) F32; NULL where there is none. */
term ay_attr_list(const struct ay_lower *l, const char *name);
/* A list of integers as (count) I64; NULL where there is none. */
term ay_attr_int_list(const struct ay_lower *l, const char *name);
/* Operand 0 as (N, columns) F32; a list is one row. */
term ay_classic_rows(const struct ay_lower *l, const struct ay_operands *o);
/* The elements of `labels` (classes) I64 that numbers of classes (N) name. */
term ay_labels_of(const struct ay_lower *l, term labels, term classes);

ay_lower_fn ay_lower_svm_classifier, ay_lower_svm_regressor; /* svm.c */
ay_lower_fn ay_lower_tf_idf;                                 /* ngrams.c */

#endif
