/* What the files of planning share: plan.c forms steps, plan_alias.c leaves out ops that need not
 * move anything, plan_place.c says where values lie. */
#ifndef AY_TENSOR_PLAN_IMPL_H
#define AY_TENSOR_PLAN_IMPL_H

#include "tensor/plan.h"

/* What a value is used as. */
enum {
    USED_AS_A = 1, /* of a MATMUL of f32 or a MATMUL_Q8 of weights */
    USED_AS_B = 2,
    USED_BESIDE_VALUE = 4, /* as B, and A is no weight */
    USED_ELSE = 8,
    USED_AS_OUTPUT = 16,
    USED_APART = 32 /* otherwise than by rows of a MAP or of a REDUCE */
};

/* What planning keeps beside the plan itself. */
struct planner {
    struct ay_plan *plan;
    const struct ay_work_program *p;
    uint32_t *uses;  /* operands that name the value; twice the room, used again for lists */
    uint32_t *roles; /* what the value is used as; likewise */
    uint32_t *dying; /* value: position of its last use within its step */
    uint32_t *user;  /* value: the last op that uses it */
    bool fuse;
};

static inline const struct ay_work_op *op_of(const struct planner *pl, uint32_t index)
{
    return &pl->p->ops[index];
}

static inline bool same(const uint32_t *a, const uint32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a[i] != b[i]) return false;
    return true;
}

/* Whether the op, which makes value `id`, need not be carried out: its result lies where its
 * operand does, or its operands are made where its result lies. Sets their places. */
bool ay_plan_alias(struct planner *pl, const struct ay_work_op *op, uint32_t id);

/* Makes owners of all values those whose memory it is. */
void ay_plan_own(struct planner *pl);

/* Homes, slots and lifetimes of the values of the steps. taken: one a value, false; used up. */
void ay_plan_place(struct planner *pl, bool *taken);

#endif
