/* What the files of planning share: plan.c forms steps, plan_place.c says where their values lie.
 */
#ifndef AY_TENSOR_PLAN_IMPL_H
#define AY_TENSOR_PLAN_IMPL_H

#include "tensor/plan.h"

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

/* Homes, slots and lifetimes of the values of the steps. taken: one a value, false; used up. */
void ay_plan_place(struct planner *pl, bool *taken);

#endif
