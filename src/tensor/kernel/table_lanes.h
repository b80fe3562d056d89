/* The dispatch table of the lanes included before; AY_TABLE is its name, AY_TABLE_NAME its text,
 * AY_TABLE_STEPS its steps of integers. */
#include "tensor/kernel/filter_lanes.h"
#include "tensor/kernel/max_lanes.h"
#include "tensor/kernel/patch_lanes.h"
#include "tensor/kernel/stencil_lanes.h"

#define AY_FORMS(array, suffix)                                                                    \
    .array = {[AY_FN_ADD] = each_add_##suffix, [AY_FN_SUB] = each_sub_##suffix,                    \
              [AY_FN_MUL] = each_mul_##suffix, [AY_FN_DIV] = each_div_##suffix,                    \
              [AY_FN_MAX] = each_max_##suffix, [AY_FN_POW] = each_pow_##suffix,                    \
              [AY_FN_MIN] = each_min_##suffix}

const struct ay_kernels AY_TABLE = {
    .name = AY_TABLE_NAME,
    .panel = PANEL,
    .pack = pack,
    .gemm = gemm,
    .filters = FILTERS,
    .apart_least_k = FILTERS_LAID ? 769 : 129,
    .lays_apart = FILTERS_LAID,
    .pack_filters = pack_filters,
    .gemm_filters = gemm_filters,
    .pack_patches = pack_patches,
    .affine = affine,
    .chain_patches = chain_patches,
    .sum_patches = sum_patches,
    .max_patches = max_patches,
    .chain_stencil = chain_stencil,
    .max_stencil = max_stencil,
    .sum_stencil = sum_stencil,
    .unary = {[AY_FN_NEG] = each_neg,
              [AY_FN_ABS] = each_abs,
              [AY_FN_FLOOR] = each_floor,
              [AY_FN_CEIL] = each_ceil,
              [AY_FN_TRUNC] = each_trunc,
              [AY_FN_RINT] = each_rint,
              [AY_FN_SQRT] = each_sqrt,
              [AY_FN_EXP] = each_exp,
              [AY_FN_LOG] = each_log,
              [AY_FN_TANH] = each_tanh,
              [AY_FN_ERF] = each_erf,
              [AY_FN_SIN] = each_sin,
              [AY_FN_COS] = each_cos,
              [AY_FN_ATAN] = each_atan},
    AY_FORMS(vv, vv),
    AY_FORMS(vs, vs),
    AY_FORMS(sv, sv),
    .steps = &AY_TABLE_STEPS,
    .sum = row_sum,
    .sumsq = row_sumsq,
    .max = row_max,
    .sum_columns = column_sum,
    .sumsq_columns = column_sumsq,
    .max_columns = column_max,
    .softmax = softmax,
    .layer_norm = layer_norm,
    .gelu = gelu,
    .gelu_gate = gelu_gate,
    .hard_gate = hard_gate,
    .sigmoid = sigmoid,
    .transpose = transpose,
};
