#include "modules/dispute/testing.h"

#include "base/codec.h"
#include "crypto/merkle.h"
#include "modules/modules.h"

#include <stdio.h>

const char *const ay_seat_names[AY_SEATS] = {"provider", "alice", "bob", "consumer"};

#define ARENA_BYTES ((size_t)16 << 20)
#define BOND        (UINT64_C(10) * AY_STAGE_LOCK_MIN)
#define PRICE       UINT64_C(1000)

static void must(struct ay_stage *s, enum ay_code code, const char *what)
{
    if (code == AY_OK) return;
    fprintf(stderr, "%s: %s: %s\n", what, ay_code_info(code)->text, s->test->ledger.ctx.reason);
    abort();
}

static struct ay_slice text_of(struct ay_stage *s, enum ay_seat who)
{
    return ay_slice_str(s->text[who]);
}

static void run(struct ay_stage *s, const struct ay_msg *desc, const void *msg, void *response)
{
    must(s, ay_test_run(s->test, desc, msg, response), desc->name);
}

static void end_block(struct ay_stage *s)
{
    must(s, ay_test_block(s->test, 0), "end of block");
}

static void start_ledger(struct ay_stage *s)
{
    struct ay_genesis_genesis g;
    struct ay_genesis_account accounts[AY_SEATS];
    ay_genesis_defaults(&g, "assay-test-1", AY_TEST_START_MS);
    for (uint32_t i = 0; i < AY_SEATS; i++) {
        ay_test_address(ay_seat_names[i], s->address[i], s->text[i]);
        accounts[i] = (struct ay_genesis_account){ay_slice_str(s->text[i]), UINT64_C(1000000000)};
    }
    g.bank.accounts = accounts;
    g.bank.accounts_count = AY_SEATS;
    g.ledger.clock_step_ms = UINT64_C(1) << 40;
    g.market.lock_min_nasy = AY_STAGE_LOCK_MIN;
    g.job.window_ms = AY_STAGE_WINDOW_MS;
    g.dispute = (struct ay_dispute_params){.turn_ms = AY_STAGE_TURN_MS,
                                           .bond_nasy = AY_STAGE_BOND,
                                           .bond_per_mega_nasy = 999999,
                                           .move_fee_nasy = AY_STAGE_MOVE_FEE,
                                           .kib_fee_nasy = AY_STAGE_KIB_FEE,
                                           .supply_fee_nasy = AY_STAGE_SUPPLY_FEE,
                                           .supply_kib_fee_nasy = AY_STAGE_SUPPLY_KIB_FEE,
                                           .supply_kib_ms = AY_STAGE_SUPPLY_KIB_MS};
    s->test = ay_test_new(&ay_economy, &g);
}

static void register_program(struct ay_stage *s)
{
    struct ay_slice bytes;
    struct ay_work_msg_register_response response;
    must(s, ay_encode_arena(&ay_work_program_msg, &s->sketch.program, &s->arena, &bytes), "program");
    const struct ay_work_msg_register msg = {.owner = text_of(s, AY_SEAT_CONSUMER),
                                             .name = ay_slice_str("stage"),
                                             .licence = ay_slice_str("Apache-2.0"),
                                             .program = bytes};
    run(s, &ay_work_msg_register_msg, &msg, &response);
    memcpy(s->program_id, response.work_id, 32);
}

static void offer(struct ay_stage *s)
{
    const struct ay_stake_msg_bond bond = {text_of(s, AY_SEAT_PROVIDER), BOND};
    run(s, &ay_stake_msg_bond_msg, &bond, NULL);
    struct ay_market_msg_ask ask = {.provider = text_of(s, AY_SEAT_PROVIDER),
                                    .price_nasy = PRICE,
                                    .capacity_units = UINT64_C(1) << 40,
                                    .lock_nasy = BOND,
                                    .rate_units = UINT64_C(1) << 40,
                                    .url = ay_slice_str("http://127.0.0.1:1")};
    memcpy(ask.program_id, s->program_id, 32);
    run(s, &ay_market_msg_ask_msg, &ask, NULL);
}

static void post(struct ay_stage *s)
{
    struct ay_job_msg_post_response response;
    struct ay_job_msg_post msg = {.consumer = text_of(s, AY_SEAT_CONSUMER),
                                  .lengths = &s->truth->length,
                                  .lengths_count = 1,
                                  .max_price_nasy = PRICE,
                                  .input_url = ay_slice_str("http://127.0.0.1:2")};
    memcpy(msg.program_id, s->program_id, 32);
    memcpy(msg.input_root, s->input_root, 32);
    run(s, &ay_job_msg_post_msg, &msg, &response);
    s->job_id = response.job_id;
    end_block(s);
}

static void claim(struct ay_stage *s)
{
    struct ay_job_job job;
    const struct ay_job_msg_accept accept = {text_of(s, AY_SEAT_PROVIDER), s->job_id};
    run(s, &ay_job_msg_accept_msg, &accept, NULL);
    must(s, ay_job_get(ay_test_ctx(s->test), s->job_id, &job), "job");
    struct ay_job_msg_claim msg = {.provider = text_of(s, AY_SEAT_PROVIDER),
                                   .job_id = s->job_id,
                                   .n_in = job.n_in,
                                   .n_out = 1,
                                   .stop_reason = 1};
    memcpy(msg.request_hash, job.request_hash, 32);
    memcpy(msg.output_root, s->output_root, 32);
    run(s, &ay_job_msg_claim_msg, &msg, NULL);
    end_block(s);
}

void ay_stage_new(struct ay_stage *s, void (*sketch)(struct ay_sketch *), uint32_t length,
                  uint32_t lie_op, uint64_t lie_element, bool claim_lie)
{
    *s = (struct ay_stage){.arena = ay_arena_over(aligned_alloc(16, ARENA_BYTES), ARENA_BYTES)};
    sketch(&s->sketch);
    s->truth = ay_truth_new(&s->sketch, length, 1, AY_NO_LIE, 0);
    s->lie = ay_truth_lie(s->truth, lie_op, lie_element);
    s->claimed = claim_lie ? s->lie : s->truth;
    memcpy(s->input_roots[0], s->truth->input_root, 32);
    memcpy(s->output_roots[0], ay_truth_output_root(s->claimed), 32);
    ay_merkle_leaf(AY_SLICE_OF(s->input_roots[0]), s->input_root);
    ay_merkle_leaf(AY_SLICE_OF(s->output_roots[0]), s->output_root);
    start_ledger(s);
    register_program(s);
    offer(s);
    post(s);
    claim(s);
    uint64_t units;
    must(s, ay_program_units(&s->sketch.program, &length, &units), "units");
    s->bond_nasy = AY_STAGE_BOND + (units * 999999 + 999999) / 1000000;
}

void ay_stage_free(struct ay_stage *s)
{
    ay_test_free(s->test);
    ay_truth_free(s->lie);
    ay_truth_free(s->truth);
    ay_sketch_free(&s->sketch);
    free(s->arena.base);
}

static const struct ay_game_claim *claim_of(struct ay_stage *s)
{
    struct ay_game_claim *claim = ay_arena_take(&s->arena, 1, sizeof *claim);
    AY_ASSERT(claim);
    *claim = (struct ay_game_claim){&s->sketch.program, 1, s->input_root, s->output_root};
    return claim;
}

static struct ay_slice list_at(struct ay_stage *s, const struct ay_dispute_fork *fork, uint32_t depth)
{
    struct ay_dispute_answer answer = {0};
    struct ay_job_job job;
    struct ay_ctx *ctx = ay_test_ctx(s->test);
    if (fork->game.depth < depth) return answer.data;
    must(s, ay_job_get(ctx, fork->job_id, &job), "job");
    enum ay_code code = ay_dispute_answer_at(ctx, job.claim_hash, &fork->game, depth, &answer);
    return code == AY_OK ? answer.data : ay_slice(NULL, 0);
}

struct ay_player ay_stage_player(struct ay_stage *s, const struct ay_truth *truth,
                                 const struct ay_dispute_fork *fork)
{
    struct ay_player p = ay_truth_player(truth, claim_of(s), 0, (ay_hashes)s->input_roots,
                                         (ay_hashes)s->output_roots);
    if (fork) {
        p.lists[0] = list_at(s, fork, 1);
        p.lists[1] = list_at(s, fork, 2);
    }
    return p;
}

enum ay_code ay_stage_fork(struct ay_stage *s, uint64_t id, struct ay_dispute_fork *fork,
                           struct ay_slice *listing)
{
    struct ay_dispute_table table;
    struct ay_ctx *ctx = ay_test_ctx(s->test);
    AY_TRY(ay_dispute_load(ctx, id, &table));
    AY_TRY(ay_dispute_take_in(ctx, &table));
    *fork = table.fork;
    *listing = list_at(s, fork, fork->game.depth);
    return AY_OK;
}

/* Each seat has one salt. */
static void salt_of(enum ay_seat who, uint8_t salt[32])
{
    memset(salt, 1 + (int)who, 32);
}

enum ay_code ay_stage_commit(struct ay_stage *s, enum ay_seat who, uint64_t bond_nasy)
{
    struct ay_dispute_msg_commit msg = {.challenger = text_of(s, who), .bond_nasy = bond_nasy};
    struct ay_job_job job;
    uint8_t salt[32];
    salt_of(who, salt);
    must(s, ay_job_get(ay_test_ctx(s->test), s->job_id, &job), "job");
    ay_commit_hash(job.claim_hash, s->address[who], salt, msg.hash);
    return ay_test_run(s->test, &ay_dispute_msg_commit_msg, &msg, NULL);
}

enum ay_code ay_stage_open(struct ay_stage *s, enum ay_seat who, uint64_t *fork_id)
{
    struct ay_dispute_msg_open_response response = {0};
    struct ay_dispute_msg_open msg = {
        .challenger = text_of(s, who), .job_id = s->job_id, .length = s->truth->length};
    s->arena.used = 0;
    const struct ay_player p = ay_stage_player(s, s->truth, NULL);
    salt_of(who, msg.salt);
    must(s, ay_player_open(&p, &s->arena, msg.input_merkle_root, &msg.proof), "open");
    enum ay_code code = ay_test_run(s->test, &ay_dispute_msg_open_msg, &msg, &response);
    *fork_id = response.fork_id;
    return code;
}

enum ay_code ay_stage_pick(struct ay_stage *s, enum ay_seat who, uint64_t fork_id, uint32_t index)
{
    const struct ay_dispute_msg_pick msg = {text_of(s, who), fork_id, index};
    return ay_test_run(s->test, &ay_dispute_msg_pick_msg, &msg, NULL);
}

enum ay_code ay_stage_answer(struct ay_stage *s, enum ay_seat who, uint64_t fork_id,
                             const struct ay_game_answer *answer)
{
    const struct ay_dispute_msg_answer msg = {text_of(s, who), fork_id, answer->data, answer->proof,
                                              answer->tail};
    return ay_test_run(s->test, &ay_dispute_msg_answer_msg, &msg, NULL);
}

enum ay_code ay_stage_step(struct ay_stage *s, enum ay_seat who, uint64_t fork_id, uint32_t index,
                           const struct ay_dispute_evidence *evidence)
{
    const struct ay_dispute_msg_step msg = {.challenger = text_of(s, who),
                                            .fork_id = fork_id,
                                            .index = index,
                                            .has_evidence = true,
                                            .evidence = *evidence};
    return ay_test_run(s->test, &ay_dispute_msg_step_msg, &msg, NULL);
}

enum ay_code ay_stage_demand(struct ay_stage *s, enum ay_seat who, enum ay_dispute_what what,
                             uint32_t part)
{
    struct ay_dispute_msg_demand msg = {
        .demander = text_of(s, who), .job_id = s->job_id, .what = what, .part = part};
    s->arena.used = 0;
    const struct ay_player p = ay_stage_player(s, s->truth, NULL);
    if (what == AY_DISPUTE_WHAT_OUTPUT) {
        msg.length = s->truth->length;
        must(s, ay_player_open(&p, &s->arena, msg.input_merkle_root, &msg.proof), "open");
    }
    return ay_test_run(s->test, &ay_dispute_msg_demand_msg, &msg, NULL);
}

enum ay_code ay_stage_supply(struct ay_stage *s, enum ay_seat who, enum ay_dispute_what what,
                             uint32_t part, const struct ay_truth *holds)
{
    const struct ay_work_program *program = &s->sketch.program;
    uint32_t last = ay_program_output(program, program->ops_count - 1);
    const struct ay_piece piece = {what, 0, part, s->truth->length};
    uint8_t roots[1][32];
    struct ay_piece_opening opening;
    s->arena.used = 0;
    memcpy(roots[0], ay_truth_output_root(holds), 32);
    must(s,
         ay_piece_open(claim_of(s), &piece, (ay_hashes)roots,
                       ay_slice(holds->values[last], (uint32_t)holds->lens[last]), &s->arena,
                       &opening),
         "piece");
    struct ay_dispute_msg_supply msg = {.provider = text_of(s, who),
                                        .job_id = s->job_id,
                                        .what = what,
                                        .part = part,
                                        .data = opening.data,
                                        .proof = opening.proof,
                                        .run_proof = opening.run_proof};
    memcpy(msg.output_merkle_root, opening.merkle_root, 32);
    return ay_test_run(s->test, &ay_dispute_msg_supply_msg, &msg, NULL);
}

enum ay_code ay_stage_move(struct ay_stage *s, enum ay_seat challenger, uint64_t fork_id,
                           const struct ay_truth *provider_holds,
                           const struct ay_truth *challenger_holds)
{
    struct ay_dispute_fork fork;
    struct ay_slice listing;
    AY_TRY(ay_stage_fork(s, fork_id, &fork, &listing));
    s->arena.used = 0;
    if (ay_game_mover(fork.game.state) == AY_PARTY_PROVIDER) {
        const struct ay_player p = ay_stage_player(s, provider_holds, &fork);
        struct ay_game_answer answer;
        AY_TRY(ay_truth_answer(&p, &fork.game, &s->arena, &answer));
        return ay_stage_answer(s, AY_SEAT_PROVIDER, fork_id, &answer);
    }
    const struct ay_player p = ay_stage_player(s, challenger_holds, &fork);
    struct ay_player_move move;
    AY_TRY(ay_truth_choose(&p, &fork.game, listing, &s->arena, &move));
    if (!move.step) return ay_stage_pick(s, challenger, fork_id, move.index);
    return ay_stage_step(s, challenger, fork_id, move.index, &move.evidence);
}

uint64_t ay_stage_wealth(struct ay_stage *s, enum ay_seat who)
{
    struct ay_ctx *ctx = ay_test_ctx(s->test);
    uint64_t sum;
    struct ay_stake_operator op = {0};
    struct ay_stake_unbonding unbonding = {0};
    struct ay_row_walk walk;
    memcpy(op.address, s->address[who], AY_ADDRESS_BYTES);
    memcpy(unbonding.address, s->address[who], AY_ADDRESS_BYTES);
    must(s, ay_bank_balance(ctx, s->address[who], &sum), "balance");
    must(s, ay_row_or_zero(ctx, &ay_stake_operator_msg, &op), "operator");
    must(s, ay_row_walk_begin(&walk, &ay_stake_unbonding_msg, 1, &unbonding, 1), "walk");
    while (ay_row_walk_next(ctx, &walk, &unbonding) == AY_OK) sum += unbonding.amount_nasy;
    return sum + op.bond_nasy;
}
