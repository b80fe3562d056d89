/* What the arbiter takes for the dearest steps: decoding the evidence, checking its proofs,
 * computing the segment. build/bench/arbiter [rounds] */
#include "verify/testing.h"

#include "base/codec.h"
#include "crypto/merkle.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define GOAL_MS 5.0

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* A sum across a tensor of 64 MiB: 64 leaves, each with its own proof. */
static void sketch_across(struct ay_sketch *s)
{
    static const uint32_t in[] = {1}, dims[] = {1, 262144};
    ay_sketch_begin(s, 1, 1);
    (void)ay_sketch_weight(s, AY_WORK_DTYPE_F32, 64, 262144, 11);
    (void)ay_sketch_op(s, (struct ay_work_op){.kind = AY_WORK_OP_REDUCE, .in = in, .in_count = 1,
                                              .dims = dims, .dims_count = 2,
                                              .reduce = AY_WORK_REDUCE_SUM, .axis = 0});
}

static void measure(const char *name, const struct ay_sketch *sketch, uint32_t length, uint32_t op,
                    uint64_t element, uint32_t rounds)
{
    struct ay_truth *truth = ay_truth_new(sketch, length, 1, AY_NO_LIE, 0);
    const struct ay_game_claim claim = {.program = &sketch->program, .runs = 1};
    struct ay_player p = ay_truth_player(truth, &claim, 0, NULL, NULL);
    struct ay_arena arena = ay_arena_over(aligned_alloc(16, ARENA_BYTES), ARENA_BYTES);
    const struct ay_target target = {&sketch->program, length, op, element, 0};
    struct ay_dispute_evidence evidence, decoded;
    struct ay_slice bytes;
    struct ay_merkle ops = {0};
    uint8_t ops_root[32], state[AY_STATE_BYTES];
    p.lists[0] = ay_slice(truth->op_roots, sketch->program.ops_count * 32);
    for (uint32_t i = 0; i < sketch->program.ops_count; i++)
        ay_merkle_add(&ops, ay_slice(truth->op_roots[i], 32));
    ay_merkle_root(&ops, ops_root);
    AY_ASSERT(ay_player_evidence(&p, &target, &arena, &evidence) == AY_OK);
    AY_ASSERT(ay_encode_arena(&ay_dispute_evidence_msg, &evidence, &arena, &bytes) == AY_OK);
    const struct ay_op_shape shape = ay_arbiter_shape(&sketch->program, op, length);
    double best = 1e9, worst = 0;
    for (uint32_t i = 0; i < rounds; i++) {
        size_t mark = arena.used;
        double begin = now_ms();
        AY_ASSERT(ay_decode(&ay_dispute_evidence_msg, bytes, &arena, &decoded, NULL) == AY_OK);
        ay_ref_state_start(&shape, state);
        AY_ASSERT(ay_arbiter_decide(&target, truth->input_root, ops_root, &decoded, state) == AY_OK);
        double took = now_ms() - begin;
        if (took < best) best = took;
        if (took > worst) worst = took;
        ay_arena_rewind(&arena, mark);
    }
    printf("%-36s %7u bytes of evidence, %.3f ms best, %.3f ms worst, goal %.0f ms\n", name, bytes.len,
           best, worst, GOAL_MS);
    free(arena.base);
    ay_truth_free(truth);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200;
    struct ay_sketch zoo, across;
    ay_sketch_zoo(&zoo);
    sketch_across(&across);
    measure("map of two, exp", &zoo, 200, 11, 100000, rounds);
    measure("matmul, a segment of 8192", &zoo, 200, 14, 4, rounds);
    measure("sum along a row, 8192", &zoo, 200, 15, 1, rounds);
    measure("sum across rows, 64 leaves", &across, 1, 0, 77777, rounds);
    ay_sketch_free(&zoo);
    ay_sketch_free(&across);
    return 0;
}
