/* What the tape's files share. Internal. */
#ifndef AY_TENSOR_TAPE_IMPL_H
#define AY_TENSOR_TAPE_IMPL_H

#include "tensor/exec.h"
#include "tensor/pool.h"
#include "tensor/tape.h"

/* A value is its node: values are handed out as pointers to `value`, whose id is the node's index.
 * An op all of whose operands are known is carried out at once; it stays an op whose data is at
 * hand, so that the same op on the same operands is found again. */
enum ay_node_kind {
    AY_NODE_INPUT,
    AY_NODE_KNOWN,
    AY_NODE_RESHAPE, /* op.in[0] seen with other dims: not written where its users can do so too */
    AY_NODE_OP
};

struct ay_node {
    struct ay_value value;
    enum ay_node_kind kind;
    /* Operands are node ids. Of a MAP only the operands are set: it is the one function fn. */
    struct ay_work_op op;
    enum ay_work_fn fn;
    uint64_t key; /* of what is known: a scalar's bits, else the address of its elements */
    bool apart;   /* of a MAP: its users do not take it in */
};

struct ay_block; /* of memory that lives as long as the tape */

struct ay_tape {
    const struct ay_kernels *kernels;
    struct ay_pool *pool;
    bool own_pool;
    uint64_t limit_bytes, used_bytes; /* of values */
    enum ay_code code;
    struct ay_reason reason;
    struct ay_node **nodes;
    uint32_t count, cap;
    uint32_t inputs;
    struct ay_slot {
        uint32_t hash, id; /* id of a node + 1; 0: free */
    } * slots;             /* open addressing */
    uint32_t slots_cap, slots_used;
    struct ay_block *blocks, *small; /* all of them; the one that small things are taken from */
    size_t small_used;
};

/* Zeroed memory for as long as the tape; NULL and the tape has failed when there is none. */
void *ay_tape_take(struct ay_tape *tape, uint64_t bytes);
/* The same for elements: 64-byte aligned and counted against the limit. */
void *ay_tape_take_data(struct ay_tape *tape, uint64_t bytes);

static inline const struct ay_node *ay_tape_node(const struct ay_tape *tape,
                                                 const struct ay_value *x)
{
    AY_ASSERT(x->id < tape->count && &tape->nodes[x->id]->value == x);
    return tape->nodes[x->id];
}

/* Whether all dims can stand in a program (0 too, for empty values); fails otherwise. */
bool ay_tape_shape(struct ay_tape *tape, uint32_t rank, const uint64_t *dims);

static inline bool ay_value_same_dims(const struct ay_value *x, uint32_t rank, const uint64_t *dims)
{
    if (x->rank != rank) return false;
    for (uint32_t i = 0; i < rank; i++)
        if (x->dims[i] != dims[i]) return false;
    return true;
}

/* A known value of this shape, every element 0 or `bits` (low bytes). */
const struct ay_value *ay_tape_filled(struct ay_tape *tape, uint32_t dtype, uint32_t rank,
                                      const uint64_t *dims, uint64_t bits);

/* An op written: `op` has kind, operands and attributes (all borrowed), but no dims; fn is a MAP's.
 * The result is the same op if there is one, an empty value if there is no element, a known value
 * if all operands are known. */
const struct ay_value *ay_tape_op(struct ay_tape *tape, const struct ay_work_op *op,
                                  enum ay_work_fn fn, uint32_t dtype, uint32_t rank,
                                  const uint64_t *dims);

/* x with other dims, of as many elements: known, or an AY_NODE_RESHAPE. */
const struct ay_value *ay_tape_seen(struct ay_tape *tape, const struct ay_value *x, uint32_t rank,
                                    const uint64_t *dims);

/* What a reshape was applied to, where x is unknown and one; else x. */
static inline const struct ay_value *ay_tape_below(const struct ay_tape *tape,
                                                   const struct ay_value *x)
{
    const struct ay_node *n = ay_tape_node(tape, x);
    return n->kind == AY_NODE_RESHAPE ? &tape->nodes[n->op.in[0]]->value : x;
}

/* The PERMUTE of f32 that x is, with the dims that it gives it; else NULL. */
const struct ay_node *ay_tape_turned(const struct ay_tape *tape, const struct ay_value *x);
/* What that was applied to, with its axes. */
const struct ay_value *ay_tape_unturned(struct ay_tape *tape, const struct ay_node *node);

/* Whether `below`, of as many elements as x, has an axis that is x's: of the same size, and after
 * as many elements. */
bool ay_value_same_axis(const struct ay_value *x, uint32_t axis, const struct ay_value *below,
                        uint32_t *out);

/* Carries out a node's op; its operands are known. The elements go to data. */
enum ay_code ay_tape_fold(struct ay_tape *tape, const struct ay_node *node, void *data) AY_MUST;

/* dims as a program has them: rank 0 is [1]. Returns the rank. */
uint32_t ay_tape_dims(const struct ay_value *x, uint32_t dims[AY_MAX_RANK]);

/* As an op states its dtype. */
static inline uint32_t ay_op_dtype(uint32_t dtype)
{
    return dtype == AY_WORK_DTYPE_F32 ? AY_WORK_DTYPE_NONE : dtype;
}

/* --- maps as programs have them (tape_merge.c) --- */

/* Functions that are one op: its last function first, each after those that use its value. */
struct ay_cluster {
    uint32_t count;
    uint32_t members[AY_MAX_WORK_OP_STEPS];
};
/* A MAP under construction; its operands are node ids. */
struct ay_map_op {
    uint32_t in[AY_MAX_WORK_OP_IN], in_count;
    struct ay_work_map_step steps[AY_MAX_WORK_OP_STEPS];
    uint32_t args[AY_MAX_WORK_OP_STEPS][AY_MAX_WORK_MAP_STEP_ARGS];
    uint32_t step_count;
    uint32_t consts[AY_MAX_WORK_OP_CONSTS], consts_count;
    int64_t ints[AY_MAX_WORK_OP_INTS];
    uint32_t ints_count;
};
/* false: over the bounds of an op. inline_scalars: known scalars become constants. */
bool ay_tape_map_build(const struct ay_tape *tape, const struct ay_cluster *cluster,
                       bool inline_scalars, struct ay_map_op *out);
/* Sets the fields of a MAP; they borrow from map. */
void ay_tape_map_set(const struct ay_map_op *map, struct ay_work_op *op);

/* Decides which functions become one op. needed and pinned say of each node whether the program has
 * it, and whether it is an output; merged: that it became part of another's op. A node that is not
 * merged is written; clusters[id] then has its functions. AY_E_MEMORY. */
enum ay_code ay_tape_merge(const struct ay_tape *tape, const bool *needed, const bool *pinned,
                           struct ay_cluster *clusters, bool *merged) AY_MUST;

#endif
