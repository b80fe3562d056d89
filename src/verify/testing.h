/* For tests and benches of the dispute: programs with their whole truth in memory, computed op by op
 * by the specification, and liars whose truth is false from one element on. Uses the heap and stops
 * on any trouble. */
#ifndef AY_VERIFY_TESTING_H
#define AY_VERIFY_TESTING_H

#include "verify/player.h"

#define AY_SKETCH_WEIGHTS 24
#define AY_SKETCH_KEPT    2048
/* A program under construction, and the bytes of its weights. */
struct ay_sketch {
    struct ay_work_program program;
    uint8_t *weight[AY_SKETCH_WEIGHTS];
    struct ay_work_weight weights[AY_SKETCH_WEIGHTS];
    struct ay_work_tensor_type input;
    uint32_t input_dims[2], max_dims[1];
    struct ay_work_op *ops;
    uint32_t max_ops;
    void *kept[AY_SKETCH_KEPT];
    uint32_t kept_count;
};

/* Dims in a row, 0 ending them; SYMBOL is S. */
#define AY_SYMBOL AY_DIM_SYMBOL

void ay_sketch_begin(struct ay_sketch *s, uint32_t max_length, uint32_t max_ops);
/* Weight of these dims, random from `seed`: f32 small; i32 and i64 in [-300, 1700), so that they may
 * serve as ids; others all that there are. Returns its operand id. */
uint32_t ay_sketch_weight(struct ay_sketch *s, uint32_t dtype, uint32_t d0, uint32_t d1, uint32_t seed);
/* A copy that lives as long as the sketch. */
const void *ay_sketch_keep(struct ay_sketch *s, const void *from, size_t bytes);
/* Takes over the op (its arrays must live as long as the sketch). Returns its operand id. All
 * weights come before the first op. */
uint32_t ay_sketch_op(struct ay_sketch *s, struct ay_work_op op);
void ay_sketch_free(struct ay_sketch *s);

/* Every kind of op on every dtype that it takes, every function and reduction; chains of one and
 * several segments along rows and across them, tensors of one to some thousand leaves. Length up to
 * 200. */
#define AY_ZOO_OPS 200u
void ay_sketch_zoo(struct ay_sketch *s);
/* `ops` negations, one after the other. */
void ay_sketch_chain(struct ay_sketch *s, uint32_t ops);
/* Three ops over tensors of a few elements: a gather, a long sum across, a map. */
void ay_sketch_tiny(struct ay_sketch *s);

/* Everything that a run computes. */
struct ay_truth {
    const struct ay_sketch *sketch;
    uint32_t length;
    uint8_t **values; /* by operand id */
    bool *own;        /* not borrowed from the sketch or another truth */
    uint64_t *lens;
    uint8_t (*op_roots)[32];
    uint8_t input_root[32];
};

/* One op's output into values[its id], from its operands there. */
void ay_truth_run(const struct ay_work_program *program, uint32_t index, uint32_t length,
                  uint8_t *const *values);

#define AY_NO_LIE UINT32_MAX
/* Runs the program on ids drawn from `seed`. From lie_op on, what it computes has one bit of element
 * lie_element of that op's output wrong. */
struct ay_truth *ay_truth_new(const struct ay_sketch *s, uint32_t length, uint32_t seed,
                              uint32_t lie_op, uint64_t lie_element);
/* What a liar has for the truth, which must outlive it. Costs what differs. */
struct ay_truth *ay_truth_lie(const struct ay_truth *honest, uint32_t lie_op, uint64_t lie_element);
void ay_truth_free(struct ay_truth *truth);
const uint8_t *ay_truth_output_root(const struct ay_truth *truth);
uint64_t ay_truth_elements(const struct ay_truth *truth, uint32_t op);

/* A player over the truth of one run among `runs`; the roots are borrowed. */
struct ay_player ay_truth_player(const struct ay_truth *truth, const struct ay_game_claim *claim,
                                 uint32_t run, const uint8_t (*input_roots)[32],
                                 const uint8_t (*output_roots)[32]);

/* As ay_player_answer; but a liar's running states are bent to end in what it claims. */
enum ay_code ay_truth_answer(const struct ay_player *p, const struct ay_dispute_game *game,
                             struct ay_arena *arena, struct ay_game_answer *answer) AY_MUST;

/* As ay_player_choose; but who finds nothing to challenge, having challenged a truth, takes the last
 * entry all the same. move->agree tells. */
enum ay_code ay_truth_choose(const struct ay_player *p, const struct ay_dispute_game *game,
                             struct ay_slice listing, struct ay_arena *arena,
                             struct ay_player_move *move) AY_MUST;

#endif
