/* Runs the expression of a MAP over blocks of elements: each step over a block at once, so that the
 * kernels' vectors are used whatever the expression. Internal to the executor. */
#ifndef AY_TENSOR_MAP_H
#define AY_TENSOR_MAP_H

#include "tensor/kernel/kernels.h"
#include "tensor/program.h"

#include <stddef.h>

#define AY_MAP_BLOCK 512 /* elements: the steps' values stay in the first-level cache */

/* A value over a block: f32 or integers. */
struct ay_map_term {
    bool integer;
    const void *at; /* NULL: one value for the whole block */
    float f32;
    int64_t i64;
};

/* How a MAP with integers is computed where 32 bits hold them, twice as many in a vector
 * (map_words.c, map_words_run.c). */
enum ay_map_how {
    AY_MAP_ALONE,
    AY_MAP_SAME,   /* the value is that of the step's first operand */
    AY_MAP_PASSED, /* not made: it is used by none but the kernel that a later step stands for */
    AY_MAP_SCALED, /* (x - y) s: the last of INT_SUB, as read back from 32 bits or not, TO_FLOAT,
                    * MUL
                    */
    AY_MAP_GATE,   /* erf(x / sqrt 2) + 1: the last of DIV, ERF, ADD */
    AY_MAP_BYTES   /* the last of RINT, ADD, MAX, MIN, TO_INT, and of all, in 8 bits */
};
struct ay_map_words {
    uint8_t how[AY_MAX_WORK_OP_STEPS];
    uint8_t first[AY_MAX_WORK_OP_STEPS]; /* of those that go together */
};
/* Whether they do hold them: by the ranges of dtypes, constants and steps none but the last that is
 * stored modulo 2^n goes beyond. dtypes: of the operands. False too where there is no integer. */
bool ay_map_words_of(const struct ay_work_op *op, const uint32_t *dtypes, struct ay_map_words *out);

/* What of the expression does not change from block to block. */
struct ay_map_block {
    const struct ay_kernels *kernels;
    const struct ay_work_op *op;      /* a checked MAP */
    const uint32_t *sizes;            /* the run's symbol sizes (read by dim operands only) */
    const struct ay_map_words *words; /* NULL: integers, inputs too, have 64 bits, else 32 */
    struct ay_map_term inputs[AY_MAX_WORK_OP_IN];
    struct ay_map_term steps[AY_MAX_WORK_OP_STEPS];
};

/* Of a MAP that ends with AY_MAP_BYTES: what is added, and the bounds. */
void ay_map_words_bytes(const struct ay_work_op *op, float *more, float *low, float *high);

/* The operand `arg` of a step. */
struct ay_map_term ay_map_term_of(const struct ay_map_block *block, uint32_t arg);
/* Functions of f32 to f32, one operand of which is a block. */
void ay_map_f32_step(const struct ay_kernels *k, enum ay_fn fn, const struct ay_map_term *a,
                     const struct ay_map_term *b, float *to, size_t n);
/* Bytes of `temp` below: steps' values and three blocks that single values are spread to. */
#define AY_MAP_TEMP_BYTES                                                                          \
    ((AY_MAX_WORK_OP_STEPS + AY_MAX_WORK_MAP_STEP_ARGS) * AY_MAP_BLOCK * sizeof(int64_t))

/* n <= AY_MAP_BLOCK elements from the inputs to `out`, of the op's dtype; out may be an f32 input's
 * own memory where the output is f32. temp: 64-byte aligned. */
void ay_map_run(struct ay_map_block *block, void *out, size_t n, void *temp);
/* The same where block->words is not NULL. */
void ay_map_words_run(struct ay_map_block *block, void *out, size_t n, void *temp);

/* An operand as rows of f32 see it. */
struct ay_map_operand {
    const float *at; /* first row */
    size_t stride;   /* elements to the next row; 0: the same for each */
    bool scalar;     /* one element a row, else as many as the output */
};

/* Whether the MAP makes f32 by functions of f32 alone. Its operands' dtypes are not asked. */
bool ay_map_of_f32(const struct ay_work_op *op);

/* A MAP of f32 alone over rows. */
struct ay_map_over {
    const struct ay_work_op *op;
    const uint32_t *sizes; /* the run's symbol sizes */
    const struct ay_map_operand *operands;
    uint32_t done, x; /* so many steps are done: operand x is the value of the last of them */
};

/* out: `rows` rows of n, `stride` apart; may be an operand's own memory. */
void ay_map_rows(const struct ay_kernels *kernels, const struct ay_map_over *over, size_t rows,
                 size_t n, float *out, size_t stride, void *temp);

/* How many steps of the MAP, of f32 alone, from its first on are of the form of struct ay_affine
 * (kernel/kernels.h) in its operand `x`, over rows, the others needing nothing else of them nor x:
 * all, some or none. It depends on the operands being scalar or not alone. */
uint32_t ay_map_affine_steps(const struct ay_work_op *op, const struct ay_map_operand *operands,
                             uint32_t x);
/* So many steps in that form. Borrows the operands and the op's constants. */
void ay_map_affine(const struct ay_work_op *op, const struct ay_map_operand *operands, uint32_t x,
                   uint32_t steps, struct ay_affine *out);

#endif
