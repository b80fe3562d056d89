#include "verify/testing.h"

#include "base/codec.h"
#include "crypto/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS 3u
#define RUN 1u
#define SEED 20261123u
#define MAX_MOVES 13u

/* One run of a claim, what the provider claims of it and what the challenger holds true. */
struct table {
    struct ay_sketch sketch;
    struct ay_truth *claimed, *held;
    uint8_t inputs[RUNS][32], outputs[RUNS][32], input_root[32], output_root[32];
    struct ay_game_claim claim;
    struct ay_player provider, challenger;
    struct ay_arena arena;
    struct ay_dispute_game game;
    uint8_t listing[16384];
    struct ay_slice list;
    uint8_t first_list[8192], second_list[8192];
    uint32_t moves;
};

static uint8_t *arena_mem;
static const size_t arena_bytes = (size_t)64 << 20;
static uint32_t largest_evidence;

static void root_of(const uint8_t (*roots)[32], uint8_t out[32])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < RUNS; i++) ay_merkle_add(&tree, ay_slice(roots[i], 32));
    ay_merkle_root(&tree, out);
}

/* claimed and held are borrowed. */
static void sit_down(struct table *t, struct ay_truth *claimed, struct ay_truth *held)
{
    t->claimed = claimed;
    t->held = held;
    for (uint32_t i = 0; i < RUNS; i++) {
        memset(t->inputs[i], (int)i, 32);
        memset(t->outputs[i], (int)(100 + i), 32);
    }
    memcpy(t->inputs[RUN], claimed->input_root, 32);
    memcpy(t->outputs[RUN], ay_truth_output_root(claimed), 32);
    root_of((ay_hashes)t->inputs, t->input_root);
    root_of((ay_hashes)t->outputs, t->output_root);
    t->claim = (struct ay_game_claim){&t->sketch.program, RUNS, t->input_root, t->output_root};
    t->provider = ay_truth_player(claimed, &t->claim, RUN, (ay_hashes)t->inputs, (ay_hashes)t->outputs);
    t->challenger = ay_truth_player(held, &t->claim, RUN, (ay_hashes)t->inputs, (ay_hashes)t->outputs);
    t->arena = ay_arena_over(arena_mem, arena_bytes);
    t->moves = 0;
}

static void open_game(struct table *t)
{
    uint8_t merkle_root[32];
    struct ay_slice proof;
    assert_int_equal(ay_player_open(&t->challenger, &t->arena, merkle_root, &proof), AY_OK);
    assert_int_equal(ay_game_open(&t->claim, RUN, t->held->length, merkle_root, proof, &t->game), AY_OK);
    t->moves = 1;
}

static void keep_list(struct table *t, struct ay_slice data)
{
    memcpy(t->listing, data.data, data.len);
    t->list = ay_slice(t->listing, data.len);
    if (t->game.state != AY_DISPUTE_STATE_ROOTS) return;
    uint8_t *to = t->game.depth == 1 ? t->first_list : t->second_list;
    memcpy(to, data.data, data.len);
    t->challenger.lists[t->game.depth - 1] = ay_slice(to, data.len);
}

static void answer(struct table *t)
{
    struct ay_game_answer given;
    t->arena.used = 0;
    assert_int_equal(ay_truth_answer(&t->provider, &t->game, &t->arena, &given), AY_OK);
    keep_list(t, given.data);
    assert_int_equal(ay_game_answer(&t->claim, &t->game, &given), AY_OK);
    t->moves++;
}

static void choose(struct table *t, struct ay_player_move *move)
{
    t->arena.used = 0;
    assert_int_equal(ay_truth_choose(&t->challenger, &t->game, t->list, &t->arena, move), AY_OK);
}

static void do_move(struct table *t, const struct ay_player_move *move)
{
    uint32_t bytes;
    t->moves++;
    if (!move->step) {
        assert_int_equal(ay_game_pick(&t->claim, &t->game, t->list, move->index), AY_OK);
        return;
    }
    assert_int_equal(ay_encoded_len(&ay_dispute_evidence_msg, &move->evidence, &bytes), AY_OK);
    if (bytes > largest_evidence) largest_evidence = bytes;
    assert_int_equal(ay_game_step(&t->claim, &t->game, t->list, move->index, &move->evidence), AY_OK);
}

/* Both sides play on until somebody has won. */
static uint32_t play_out(struct table *t)
{
    while (ay_game_mover(t->game.state) != AY_PARTY_NONE) {
        struct ay_player_move move;
        if (ay_game_mover(t->game.state) == AY_PARTY_PROVIDER) {
            answer(t);
            continue;
        }
        choose(t, &move);
        do_move(t, &move);
    }
    return t->game.state;
}

/* A provider that lies, in one element of one op, to an honest challenger; or one that is honest and
 * whose challenger believes in the lie. */
static uint32_t play(struct table *t, struct ay_truth *truth, uint32_t op, uint64_t element, bool liar)
{
    struct ay_truth *lie = ay_truth_lie(truth, op, element);
    sit_down(t, liar ? lie : truth, liar ? truth : lie);
    open_game(t);
    uint32_t state = play_out(t);
    ay_truth_free(lie);
    return state;
}

static struct table *zoo_table(void)
{
    struct table *t = calloc(1, sizeof *t);
    struct ay_program_fault fault;
    assert_non_null(t);
    ay_sketch_zoo(&t->sketch);
    if (ay_program_check(&t->sketch.program, &fault) != AY_OK) fail_msg("op %u: %s", fault.op, fault.reason);
    assert_int_equal(ay_game_check(&t->sketch.program, NULL), AY_OK);
    return t;
}

static void drop_table(struct table *t)
{
    ay_sketch_free(&t->sketch);
    free(t);
}

static void play_each_op(uint32_t length, bool liar, uint32_t expected)
{
    struct table *t = zoo_table();
    uint32_t most = 0, games = 0;
    struct ay_truth *truth = ay_truth_new(&t->sketch, length, SEED, AY_NO_LIE, 0);
    for (uint32_t op = 0; op < t->sketch.program.ops_count; op++) {
        uint64_t n = ay_truth_elements(truth, op);
        const uint64_t elements[] = {0, n - 1, (uint64_t)rand() % n};
        for (uint32_t i = 0; i < 3; i++) {
            uint32_t state = play(t, truth, op, elements[i], liar);
            if (state != expected || t->moves > MAX_MOVES)
                fail_msg("op %u element %llu: state %u after %u moves", op,
                         (unsigned long long)elements[i], state, t->moves);
            if (t->moves > most) most = t->moves;
            games++;
        }
    }
    print_message("length %u: %u games, at most %u moves, largest evidence so far %u bytes\n", length,
                  games, most, largest_evidence);
    assert_true(largest_evidence <= AY_MAX_EVIDENCE_BYTES);
    ay_truth_free(truth);
    drop_table(t);
}

static void test_game_lie_in_any_op_is_proved(void **state)
{
    (void)state;
    play_each_op(130, true, AY_DISPUTE_STATE_PROVED);
}

static void test_game_lie_in_shortest_run_is_proved(void **state)
{
    (void)state;
    play_each_op(1, true, AY_DISPUTE_STATE_PROVED);
}

static void test_game_false_challenge_fails(void **state)
{
    (void)state;
    play_each_op(70, false, AY_DISPUTE_STATE_FAILED);
}

static void test_game_over_256_ops_lists_in_two_levels(void **state)
{
    (void)state;
    static const uint32_t counts[] = {256, 257, 600}, lies[] = {0, 1, 254, 255, 256, 511, 512, 598};
    for (uint32_t c = 0; c < 3; c++) {
        struct table *t = calloc(1, sizeof *t);
        ay_sketch_chain(&t->sketch, counts[c]);
        struct ay_truth *truth = ay_truth_new(&t->sketch, 1, SEED, AY_NO_LIE, 0);
        for (uint32_t i = 0; i < sizeof lies / sizeof *lies; i++) {
            if (lies[i] >= counts[c] - 1) continue;
            assert_int_equal(play(t, truth, lies[i], lies[i] % 16, true), AY_DISPUTE_STATE_PROVED);
            assert_true(t->moves <= MAX_MOVES);
            assert_int_equal(play(t, truth, lies[i], 15, false), AY_DISPUTE_STATE_FAILED);
        }
        assert_int_equal(play(t, truth, counts[c] - 1, 3, true), AY_DISPUTE_STATE_PROVED);
        ay_truth_free(truth);
        drop_table(t);
    }
}

static bool is_free(uint32_t state)
{
    return state == AY_DISPUTE_STATE_ROOTS || state == AY_DISPUTE_STATE_SEGMENT;
}

/* An answer is refused, and the game stays, if any bit of it is not as it must be. */
static void refuse_changed(struct table *t, const struct ay_game_answer *given)
{
    const struct ay_dispute_game before = t->game;
    const struct ay_slice parts[] = {given->data, given->proof, given->tail};
    for (uint32_t p = 0; p < 3; p++) {
        uint8_t bytes[20000] = {0};
        struct ay_slice changed[3] = {parts[0], parts[1], parts[2]};
        if (parts[p].len) memcpy(bytes, parts[p].data, parts[p].len);
        for (int32_t by = -1; by <= 1; by++) {
            /* op roots and running states are the provider's to claim, all but the last */
            if (by == 0 && p == 0 && is_free(t->game.state)) continue;
            for (uint32_t at = 0; at < (by ? 1u : 40u) && parts[p].len > 0; at++) {
                uint32_t byte = (uint32_t)rand() % parts[p].len, bit = 1u << rand() % 8;
                if (by == 0) bytes[byte] ^= (uint8_t)bit;
                changed[p] = ay_slice(bytes, parts[p].len + (uint32_t)by);
                const struct ay_game_answer bad = {changed[0], changed[1], changed[2]};
                assert_int_equal(ay_game_answer(&t->claim, &t->game, &bad), AY_E_DISPUTE_EVIDENCE);
                if (by == 0) bytes[byte] ^= (uint8_t)bit;
            }
        }
        changed[p] = ay_slice(bytes, parts[p].len + 32);
        const struct ay_game_answer longer = {changed[0], changed[1], changed[2]};
        assert_int_equal(ay_game_answer(&t->claim, &t->game, &longer), AY_E_DISPUTE_EVIDENCE);
    }
    assert_memory_equal(&before, &t->game, sizeof before);
}

static void refuse_changed_evidence(struct table *t, const struct ay_player_move *move)
{
    const struct ay_dispute_game before = t->game;
    struct ay_dispute_evidence e = move->evidence;
    struct ay_dispute_range ranges[65] = {0};
    struct ay_dispute_operand operands[6];
    memcpy(ranges, e.ranges, e.ranges_count * sizeof *ranges);
    memcpy(operands, e.operands, e.operands_count * sizeof *operands);
    e.ranges = ranges;
    e.operands = operands;
    for (uint32_t i = 0; i < 60; i++) {
        struct ay_dispute_range *r = &ranges[e.ranges_count ? (uint32_t)rand() % e.ranges_count : 0];
        struct ay_dispute_operand *o = &operands[(uint32_t)rand() % e.operands_count];
        struct ay_slice leaves = r->leaves, proof = r->proof, list = o->proof;
        uint8_t *flip = i % 4 == 0 ? o->merkle_root
                                   : (uint8_t *)(uintptr_t)(i % 4 == 1   ? leaves.data
                                                            : i % 4 == 2 ? proof.data
                                                                         : list.data);
        uint32_t len = i % 4 == 0 ? 32 : i % 4 == 1 ? leaves.len : i % 4 == 2 ? proof.len : list.len;
        if (len == 0) continue;
        uint32_t at = (uint32_t)rand() % len;
        flip[at] ^= 0x10;
        enum ay_code code = ay_game_step(&t->claim, &t->game, t->list, move->index, &e);
        if (code != AY_E_DISPUTE_EVIDENCE) fail_msg("op %u: change %u at %u of %u: %d", t->game.op, i % 4, at, len, code);
        flip[at] ^= 0x10;
    }
    e.ranges_count++;
    assert_int_equal(ay_game_step(&t->claim, &t->game, t->list, move->index, &e), AY_E_DISPUTE_EVIDENCE);
    e.ranges_count--;
    if (e.ranges_count > 0) {
        e.ranges_count--;
        assert_int_equal(ay_game_step(&t->claim, &t->game, t->list, move->index, &e), AY_E_DISPUTE_EVIDENCE);
        e.ranges_count++;
    }
    e.operands_count--;
    assert_int_equal(ay_game_step(&t->claim, &t->game, t->list, move->index, &e), AY_E_DISPUTE_EVIDENCE);
    assert_memory_equal(&before, &t->game, sizeof before);
}

static void test_game_changed_moves_are_refused(void **state)
{
    (void)state;
    struct table *t = zoo_table();
    struct ay_truth *truth = ay_truth_new(&t->sketch, 130, SEED, AY_NO_LIE, 0);
    for (uint32_t op = 0; op < t->sketch.program.ops_count; op++) {
        struct ay_truth *lie = ay_truth_lie(truth, op, 1);
        sit_down(t, lie, truth);
        open_game(t);
        while (ay_game_mover(t->game.state) != AY_PARTY_NONE) {
            struct ay_player_move move;
            struct ay_game_answer given;
            t->arena.used = 0;
            if (ay_game_mover(t->game.state) == AY_PARTY_PROVIDER) {
                assert_int_equal(ay_truth_answer(&t->provider, &t->game, &t->arena, &given), AY_OK);
                refuse_changed(t, &given);
                answer(t);
                continue;
            }
            assert_int_equal(ay_game_answer(&t->claim, &t->game, &(struct ay_game_answer){0}), AY_E_DISPUTE_MOVE);
            if (t->game.state != AY_DISPUTE_STATE_STEP)
                assert_int_equal(ay_game_pick(&t->claim, &t->game, t->list, 4096), AY_E_RANGE);
            choose(t, &move);
            assert_false(move.agree);
            if (move.step) refuse_changed_evidence(t, &move);
            do_move(t, &move);
        }
        assert_int_equal(t->game.state, AY_DISPUTE_STATE_PROVED);
        ay_truth_free(lie);
    }
    ay_truth_free(truth);
    drop_table(t);
}

static void test_game_honest_claim_is_agreed_with(void **state)
{
    (void)state;
    struct table *t = zoo_table();
    struct ay_player_move move;
    struct ay_truth *truth = ay_truth_new(&t->sketch, 130, SEED, AY_NO_LIE, 0);
    sit_down(t, truth, truth);
    open_game(t);
    answer(t);
    choose(t, &move);
    assert_true(move.agree);
    ay_truth_free(truth);
    drop_table(t);
}

/* Every op, first and last element, every segment. */
static void test_game_largest_evidence_is_within_limit(void **state)
{
    (void)state;
    struct table *t = zoo_table();
    struct ay_truth *truth = ay_truth_new(&t->sketch, 200, SEED, AY_NO_LIE, 0);
    uint32_t largest = 0, at_op = 0;
    sit_down(t, truth, truth);
    open_game(t);
    answer(t);
    for (uint32_t op = 0; op < t->sketch.program.ops_count; op++) {
        uint64_t segments = ay_arbiter_segments(&t->sketch.program, op, 200);
        for (uint64_t i = 0; i < 2 * segments; i++) {
            struct ay_target target = {.program = &t->sketch.program, .length = 200, .op = op};
            struct ay_dispute_evidence evidence;
            uint8_t state_bytes[AY_STATE_BYTES];
            uint32_t bytes;
            target.element = i % 2 ? ay_truth_elements(truth, op) - 1 : 0;
            target.segment = i / 2;
            t->arena.used = 0;
            assert_int_equal(ay_player_evidence(&t->challenger, &target, &t->arena, &evidence), AY_OK);
            assert_int_equal(ay_encoded_len(&ay_dispute_evidence_msg, &evidence, &bytes), AY_OK);
            const struct ay_op_shape shape = ay_arbiter_shape(&t->sketch.program, op, 200);
            ay_ref_state_start(&shape, state_bytes);
            assert_int_equal(ay_arbiter_decide(&target, t->game.input_root, t->game.ops_root, &evidence,
                                               state_bytes), AY_OK);
            if (bytes > largest) at_op = op;
            if (bytes > largest) largest = bytes;
        }
    }
    print_message("largest evidence: %u bytes, of op %u\n", largest, at_op);
    assert_true(largest <= AY_MAX_EVIDENCE_BYTES);
    ay_truth_free(truth);
    drop_table(t);
}

static void test_game_wrong_opening_is_refused(void **state)
{
    (void)state;
    struct table *t = zoo_table();
    uint8_t root[32];
    struct ay_slice proof;
    struct ay_truth *truth = ay_truth_new(&t->sketch, 130, SEED, AY_NO_LIE, 0);
    sit_down(t, truth, truth);
    assert_int_equal(ay_player_open(&t->challenger, &t->arena, root, &proof), AY_OK);
    assert_int_equal(ay_game_open(&t->claim, RUNS, 130, root, proof, &t->game), AY_E_RANGE);
    assert_int_equal(ay_game_open(&t->claim, RUN, 0, root, proof, &t->game), AY_E_RANGE);
    assert_int_equal(ay_game_open(&t->claim, RUN, 201, root, proof, &t->game), AY_E_RANGE);
    assert_int_equal(ay_game_open(&t->claim, RUN, 129, root, proof, &t->game), AY_E_DISPUTE_EVIDENCE);
    assert_int_equal(ay_game_open(&t->claim, 0, 130, root, proof, &t->game), AY_E_DISPUTE_EVIDENCE);
    root[0] ^= 1;
    assert_int_equal(ay_game_open(&t->claim, RUN, 130, root, proof, &t->game), AY_E_DISPUTE_EVIDENCE);
    ay_truth_free(truth);
    drop_table(t);
}

static void test_game_program_that_no_job_carries_is_refused(void **state)
{
    (void)state;
    struct table *t = zoo_table();
    const struct ay_work_program good = t->sketch.program;
    const uint32_t last = ay_program_output(&good, good.ops_count - 1);
    const uint32_t two[] = {last - 1, last}, other[] = {last - 1}, same[] = {last}, dims[] = {8};
    const uint32_t maxima[] = {200, 200}, pair[] = {AY_SYMBOL, 2};
    const struct ay_work_tensor_type wrong[] = {{AY_WORK_DTYPE_I64, good.inputs->dims, 1},
                                                {AY_WORK_DTYPE_I32, pair, 2},
                                                {AY_WORK_DTYPE_I32, dims, 1}};
    struct ay_work_program bad[] = {good, good, good, good, good, good, good, good};
    for (uint32_t i = 0; i < 3; i++) bad[i].inputs = &wrong[i];
    bad[3].inputs_count = 2;
    bad[4].max_dims = maxima;
    bad[4].max_dims_count = 2;
    for (uint32_t i = 5; i < 7; i++) {
        bad[i].outputs = i == 5 ? two : other;
        bad[i].outputs_count = i == 5 ? 2 : 1;
    }
    while (bad[7].ops[bad[7].ops_count - 1].dtype != AY_WORK_DTYPE_BOOL) bad[7].ops_count--;
    for (uint32_t i = 0; i < 8; i++) {
        const char *reason = NULL;
        assert_int_equal(ay_game_check(&bad[i], &reason), AY_E_WORK_PROGRAM);
        assert_string_equal(reason, i < 5   ? "the program's input is not one list of token ids"
                                    : i < 7 ? "the program has other outputs than its last op's"
                                            : "the program's output is not f32");
    }
    struct ay_work_program named = good;
    named.outputs = same;
    named.outputs_count = 1;
    assert_int_equal(ay_game_check(&named, NULL), AY_OK);
    drop_table(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_game_lie_in_any_op_is_proved),
        cmocka_unit_test(test_game_lie_in_shortest_run_is_proved),
        cmocka_unit_test(test_game_false_challenge_fails),
        cmocka_unit_test(test_game_over_256_ops_lists_in_two_levels),
        cmocka_unit_test(test_game_changed_moves_are_refused),
        cmocka_unit_test(test_game_honest_claim_is_agreed_with),
        cmocka_unit_test(test_game_largest_evidence_is_within_limit),
        cmocka_unit_test(test_game_wrong_opening_is_refused),
        cmocka_unit_test(test_game_program_that_no_job_carries_is_refused),
    };
    srand(SEED);
    printf("seed %u\n", SEED);
    arena_mem = aligned_alloc(16, arena_bytes);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
