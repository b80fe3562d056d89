/* What of a program a kernel computes at once, although it is several ops or several steps of a
 * MAP: the same functions in the same order, but what is between them is not stored. Internal to
 * the executor. */
#ifndef AY_TENSOR_FORM_H
#define AY_TENSOR_FORM_H

#include "tensor/kernel/kernels.h"
#include "tensor/plan.h"

enum ay_form_kind { AY_FORM_NONE, AY_FORM_SOFTMAX, AY_FORM_LAYER_NORM };

/* Ops of a form of rows: REDUCE, MAP, REDUCE, MAP. */
#define AY_FORM_OPS 4u

/* Begins with this op, whose operand the kernel reads, and makes the output of the last. */
struct ay_form {
    enum ay_form_kind kind;
    float number;        /* softmax: the scale; layer norm: eps */
    uint32_t gain, bias; /* operand ids of the last op */
};

/* out: one an op of the program, zeroed; set where one begins, all its ops in one step and what
 * they make used by no other. AY_E_MEMORY. O(ops). */
enum ay_code ay_forms_find(const struct ay_plan *plan, struct ay_form *out) AY_MUST;

/* Steps of a MAP that are kernels->gelu of a, or of a + b: operands of steps; b is AY_NONE where
 * the first is missing. */
struct ay_form_gelu {
    uint32_t count, a, b;
};

/* Steps that are kernels->hard_gate of x, an operand of steps. */
struct ay_form_hard_gate {
    uint32_t count, x;
    struct ay_hard_gate gate;
};

/* Steps that are kernels->sigmoid of x, or of x + add: operands of steps; add is AY_NONE where
 * there is none. */
struct ay_form_sigmoid {
    uint32_t count, x, add;
    bool times;
};

/* Whether the steps from `first` on are one, and what they make is used by no other but the last's.
 * The MAP is checked, of f32. */
bool ay_form_gelu(const struct ay_work_op *map, uint32_t first, struct ay_form_gelu *out);
bool ay_form_hard_gate(const struct ay_work_op *map, uint32_t first, struct ay_form_hard_gate *out);
bool ay_form_sigmoid(const struct ay_work_op *map, uint32_t first, struct ay_form_sigmoid *out);

#endif
