#include "record_play.h"

#include "record_model.h"

#include "base/codec.h"
#include "base/gen/bank.h"
#include "base/gen/dispute.h"
#include "base/gen/market.h"
#include "base/gen/stake.h"
#include "crypto/hash.h"
#include "verify/claim.h"
#include "verify/piece.h"

#include <stdio.h>

#define ASY            UINT64_C(1000000000)
#define GAS            3000000
#define RECENT         48 /* of the last jobs and forks are looked at in each block */
#define RANDOM_ACTIONS 9  /* a block, at most */
#define URL            "http://127.0.0.1:1"

const char *const play_kinds[PLAY_KINDS] = {
    "send",       "bond",     "unbond",   "register",       "withdraw", "ask",
    "cancel-ask", "post",     "cancel",   "accept",         "claim",    "commit",
    "open",       "answer",   "pick",     "step",           "demand",   "supply",
    "many",       "too poor", "half bad", "wrong sequence", "forged",   "noise"};

void play_init(struct play *play, struct chain *chain)
{
    memset(play, 0, sizeof *play);
    play->chain = chain;
    play->seed = 20240229;
    play->arena = big_arena((size_t)256 << 20);
}

uint64_t play_draw(struct play *play, uint64_t bound)
{
    /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t z = play->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % bound;
}

static struct account *anyone(struct play *play)
{
    return &play->people[play_draw(play, PLAY_PEOPLE)];
}

/* Who has this address; NULL when none of ours has. */
static struct account *person(struct play *play, const uint8_t address[20])
{
    for (uint32_t i = 0; i < PLAY_PEOPLE; i++)
        if (memcmp(play->people[i].address, address, 20) == 0) return &play->people[i];
    return NULL;
}

/* A query at the state after the last block; false when it is refused. */
static bool ask(struct play *play, const struct ay_msg *request, const void *value, void *answer)
{
    struct ay_query_answer got;
    struct ay_slice data, copy;
    (void)chain_ctx(play->chain);
    must(ay_encode_arena(request, value, &play->arena, &data), request->name);
    must(ay_ledger_query(&play->chain->ledger, ay_slice_str(request->query->path), data, &got),
         request->name);
    if (got.code != AY_OK) return false;
    must(ay_arena_copy(&play->arena, got.value, &copy), "answer");
    must(ay_decode(request->query->answer, copy, &play->arena, answer, NULL), "answer");
    return true;
}

/* --- transactions --- */

static void add_raw(struct play *play, enum play_kind kind, struct ay_slice tx)
{
    if (play->count == STREAM_MAX_TXS) return;
    play->txs[play->count] = tx;
    play->kinds[play->count++] = kind;
}

static void add_many(struct play *play, enum play_kind kind, struct account *from,
                     const struct outgoing *msgs, uint32_t n)
{
    add_raw(play, kind,
            sign_tx(from, PLAY_CHAIN_ID, msgs, n, GAS, play_draw(play, 50000), &play->arena));
    from->sequence++;
}

static void add(struct play *play, enum play_kind kind, struct account *from,
                const struct ay_msg *msg, const void *value)
{
    add_many(play, kind, from, &(struct outgoing){msg, value}, 1);
}

/* A MsgSend with its coin, which live in the block's arena. */
static struct outgoing send_of(struct play *play, const struct account *from, uint64_t amount)
{
    struct ay_bank_msg_send *send = AY_NEW(&play->arena, struct ay_bank_msg_send, 1);
    struct ay_base_coin *coin = AY_NEW(&play->arena, struct ay_base_coin, 1);
    char *digits = AY_NEW(&play->arena, char, 24);
    must(send && coin && digits ? AY_OK : AY_E_LIMIT, "arena");
    snprintf(digits, 24, "%llu", (unsigned long long)amount);
    *coin = (struct ay_base_coin){ay_slice_str("nasy"), ay_slice_str(digits)};
    *send = (struct ay_bank_msg_send){ay_slice_str(from->text), ay_slice_str(anyone(play)->text),
                                      coin, 1};
    return (struct outgoing){&ay_bank_msg_send_msg, send};
}

/* --- anybody, at random --- */

static void act_send(struct play *play)
{
    struct account *from = anyone(play);
    struct outgoing send = send_of(play, from, 1 + play_draw(play, ASY));
    add_many(play, PLAY_SEND, from, &send, 1);
}

static void act_bond(struct play *play)
{
    struct account *from = anyone(play);
    struct ay_stake_msg_bond msg = {ay_slice_str(from->text), 1 + play_draw(play, 400 * ASY)};
    add(play, PLAY_BOND, from, &ay_stake_msg_bond_msg, &msg);
}

static void act_unbond(struct play *play)
{
    struct account *from = anyone(play);
    struct ay_stake_msg_unbond msg = {ay_slice_str(from->text), 1 + play_draw(play, 50 * ASY)};
    add(play, PLAY_UNBOND, from, &ay_stake_msg_unbond_msg, &msg);
}

/* Each work derives from the one before, so that royalties have ancestors to go to. */
static void act_register(struct play *play)
{
    struct account *from = anyone(play), *other = anyone(play);
    uint32_t k = play->programs < MODEL_COUNT ? play->programs : 0; /* or again: refused */
    const struct model *model = model_get(k);
    struct ay_work_share_input shares[2] = {{ay_slice_str(from->text), 7500},
                                            {ay_slice_str(other->text), 2500}};
    struct ay_work_msg_register msg = {.owner = ay_slice_str(from->text),
                                       .name = ay_slice_str("table"),
                                       .licence = ay_slice_str("Apache-2.0"),
                                       .royalty_bps = 100 + 100 * k,
                                       .program = model->bytes};
    if (from != other && k % 2) {
        msg.shares = shares;
        msg.shares_count = 2;
    }
    if (k) {
        msg.parents = &model_get(k - 1)->id;
        msg.parents_count = 1;
    }
    add(play, PLAY_REGISTER, from, &ay_work_msg_register_msg, &msg);
}

static void act_withdraw(struct play *play)
{
    struct account *from = anyone(play);
    struct ay_work_msg_withdraw msg = {.owner = ay_slice_str(from->text)};
    memcpy(msg.work_id, model_get((uint32_t)play_draw(play, MODEL_COUNT))->id, 32);
    add(play, PLAY_WITHDRAW, from, &ay_work_msg_withdraw_msg, &msg);
}

static void act_ask(struct play *play)
{
    struct account *from = anyone(play);
    struct ay_market_msg_ask msg = {.provider = ay_slice_str(from->text),
                                    .tier = (uint32_t)play_draw(play, 3) / 2,
                                    .price_nasy = 1 + play_draw(play, 20) * 1000000,
                                    .capacity_units = 20000 + play_draw(play, 200000),
                                    .lock_nasy = play_draw(play, 60 * ASY),
                                    .rate_units = 1 + play_draw(play, 100000),
                                    .url = ay_slice_str(URL)};
    memcpy(msg.program_id, model_get((uint32_t)play_draw(play, MODEL_COUNT))->id, 32);
    add(play, PLAY_ASK, from, &ay_market_msg_ask_msg, &msg);
}

static void act_cancel_ask(struct play *play)
{
    uint64_t last = 0;
    struct ay_market_ask ask_row = {0}, found = {0};
    for (uint64_t id = 1; id <= RECENT; id++) { /* the last of the oldest that is still there */
        struct ay_market_query_ask_request request = {id};
        if (!ask(play, &ay_market_query_ask_request_msg, &request, &ask_row) || ask_row.closed)
            continue;
        if (last && play_draw(play, 2)) break;
        found = ask_row;
        last = id;
    }
    struct account *from = last ? person(play, found.provider) : NULL;
    if (!from) return;
    struct ay_market_msg_cancel_ask msg = {ay_slice_str(from->text), last};
    add(play, PLAY_CANCEL_ASK, from, &ay_market_msg_cancel_ask_msg, &msg);
}

static void act_post(struct play *play)
{
    struct account *from = anyone(play);
    static struct run run;
    uint32_t length = 1 + (uint32_t)play_draw(play, MODEL_MAX_LENGTH);
    run_make(&run, model_get((uint32_t)play_draw(play, MODEL_COUNT)), length, false);
    struct ay_job_msg_post msg = {.consumer = ay_slice_str(from->text),
                                  .tier = (uint32_t)play_draw(play, 3) / 2,
                                  .lengths = &length,
                                  .lengths_count = 1,
                                  .max_price_nasy = 1 + play_draw(play, 40) * 1000000,
                                  .input_url = ay_slice_str(URL)};
    ay_put_be64(msg.salt, play_draw(play, UINT64_MAX));
    memcpy(msg.program_id, run.model->id, 32);
    memcpy(msg.input_root, run.input_root, 32);
    add(play, PLAY_POST, from, &ay_job_msg_post_msg, &msg);
}

static void act_many(struct play *play)
{
    struct account *from = anyone(play);
    struct ay_stake_msg_bond bond = {ay_slice_str(from->text), 1 + play_draw(play, ASY)};
    struct outgoing msgs[3] = {send_of(play, from, 1 + play_draw(play, ASY)),
                               {&ay_stake_msg_bond_msg, &bond},
                               send_of(play, from, 1)};
    add_many(play, PLAY_MANY, from, msgs, 3);
}

static void act_bad(struct play *play)
{
    struct account *from = anyone(play), forger = *from;
    struct outgoing msgs[2] = {send_of(play, from, 1), send_of(play, from, UINT64_MAX)};
    switch (play_draw(play, 5)) {
    case 0: add_many(play, PLAY_POOR, from, &msgs[1], 1); return;
    case 1: add_many(play, PLAY_HALF, from, msgs, 2); return;
    case 2:
        forger.sequence += 1 + play_draw(play, 5);
        add_raw(play, PLAY_SEQUENCE,
                sign_send(&forger, PLAY_CHAIN_ID, from->text, 1, &play->arena));
        return;
    case 3:
        memcpy(forger.seckey, play->people[from == play->people].seckey, 32);
        add_raw(play, PLAY_FORGED, sign_send(&forger, PLAY_CHAIN_ID, from->text, 1, &play->arena));
        return;
    default: {
        uint8_t noise[40];
        struct ay_slice kept;
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)play_draw(play, 256);
        must(ay_arena_copy(&play->arena, AY_SLICE_OF(noise), &kept), "arena");
        add_raw(play, PLAY_NOISE, kept);
    }
    }
}

/* --- jobs and disputes, led by the state --- */

static bool is_lie(const struct ay_job_job *job)
{
    return job->id % 3 == 0;
}

static bool truth(const struct ay_job_job *job, bool lie, struct run *run)
{
    for (uint32_t k = 0; k < MODEL_COUNT; k++)
        if (memcmp(model_get(k)->id, job->program_id, 32) == 0) {
            run_make(run, model_get(k), (uint32_t)job->n_in, lie);
            return true;
        }
    return false;
}

static void claim(struct play *play, const struct ay_job_job *job, struct account *provider)
{
    static struct run run;
    if (!truth(job, is_lie(job), &run)) return;
    struct ay_job_msg_claim msg = {.provider = ay_slice_str(provider->text),
                                   .job_id = job->id,
                                   .n_in = job->n_in,
                                   .n_out = job->runs,
                                   .stop_reason = 1};
    memcpy(msg.request_hash, job->request_hash, 32);
    memcpy(msg.output_root, run.output_root, 32);
    add(play, PLAY_CLAIM, provider, &ay_job_msg_claim_msg, &msg);
}

/* Lies are challenged, and some true claims too; some commits are never opened. */
static void challenge(struct play *play, const struct ay_job_job *job)
{
    struct account *watcher = &play->people[(job->id + 1) % PLAY_PEOPLE];
    static struct run run;
    uint8_t salt[32] = {0}, *done = &play->done[job->id % PLAY_MAX_JOBS];
    ay_put_be64(salt, job->id);
    if ((!is_lie(job) && job->id % 7 != 1) || !truth(job, false, &run)) return;
    if (*done == 0) {
        struct ay_dispute_msg_commit msg = {.challenger = ay_slice_str(watcher->text),
                                            .bond_nasy = ASY};
        ay_commit_hash(job->claim_hash, watcher->address, salt, msg.hash);
        add(play, PLAY_COMMIT, watcher, &ay_dispute_msg_commit_msg, &msg);
        *done = PLAY_COMMIT;
    } else if (*done == PLAY_COMMIT && job->id % 5 != 2) {
        struct ay_player player = run_player(&run, job);
        struct ay_dispute_msg_open msg = {
            .challenger = ay_slice_str(watcher->text), .job_id = job->id, .length = run.length};
        memcpy(msg.salt, salt, 32);
        must(ay_player_open(&player, &play->arena, msg.input_merkle_root, &msg.proof), "open");
        add(play, PLAY_OPEN, watcher, &ay_dispute_msg_open_msg, &msg);
        *done = PLAY_OPEN;
    }
}

static void supply(struct play *play, const struct ay_job_job *job, struct account *provider,
                   const struct run *run, uint32_t what)
{
    const struct ay_game_claim claim = {&run->model->program, job->runs, job->input_root,
                                        job->output_root};
    const struct ay_piece piece = {.what = what, .length = run->length};
    struct ay_piece_opening opening;
    must(ay_piece_open(&claim, &piece, (ay_hashes)run->output_tensor,
                       ay_slice(run->out, 4 * MODEL_COLUMNS * run->length), &play->arena, &opening),
         "piece");
    struct ay_dispute_msg_supply msg = {.provider = ay_slice_str(provider->text),
                                        .job_id = job->id,
                                        .what = what,
                                        .data = opening.data,
                                        .proof = opening.proof,
                                        .run_proof = opening.run_proof};
    memcpy(msg.output_merkle_root, opening.merkle_root, 32);
    add(play, PLAY_SUPPLY, provider, &ay_dispute_msg_supply_msg, &msg);
}

/* Of some claims a watcher demands the roots or the consumer the output; some providers are silent. */
static void demand(struct play *play, const struct ay_job_job *job, struct account *provider,
                   struct account *consumer)
{
    static struct run run;
    uint8_t *done = &play->demanded[job->id % PLAY_MAX_JOBS];
    bool output = job->id % 8 == 1;
    uint32_t what = output ? AY_DISPUTE_WHAT_OUTPUT : AY_DISPUTE_WHAT_ROOTS;
    if (job->id % 4 != 1 || !truth(job, is_lie(job), &run)) return;
    if (*done == 0) {
        struct account *watcher = &play->people[(job->id + 2) % PLAY_PEOPLE];
        struct account *who = output ? consumer : watcher;
        struct ay_dispute_msg_demand msg = {
            .demander = ay_slice_str(who->text), .job_id = job->id, .what = what};
        struct ay_player player = run_player(&run, job);
        if (output) {
            msg.length = run.length;
            must(ay_player_open(&player, &play->arena, msg.input_merkle_root, &msg.proof),
                 "demand");
        }
        add(play, PLAY_DEMAND, who, &ay_dispute_msg_demand_msg, &msg);
        *done = PLAY_DEMAND;
    } else if (*done == PLAY_DEMAND && job->id % 5 != 1) {
        supply(play, job, provider, &run, what);
        *done = PLAY_SUPPLY;
    }
}

static void visit_job(struct play *play, uint64_t id)
{
    struct ay_job_query_job_request request = {id};
    struct ay_job_job job;
    if (!ask(play, &ay_job_query_job_request_msg, &request, &job)) return;
    struct account *provider = person(play, job.provider), *consumer = person(play, job.consumer);
    if (job.state == AY_JOB_STATE_CLAIMED) {
        challenge(play, &job);
        demand(play, &job, provider, consumer);
    }
    if (play_draw(play, 4)) return; /* people are slow */
    if (job.state == AY_JOB_STATE_POSTED && id % 8 == 0) {
        struct ay_job_msg_cancel msg = {ay_slice_str(consumer->text), id};
        add(play, PLAY_CANCEL, consumer, &ay_job_msg_cancel_msg, &msg);
    } else if (job.state == AY_JOB_STATE_MATCHED && id % 11) {
        struct ay_job_msg_accept msg = {ay_slice_str(provider->text), id};
        add(play, PLAY_ACCEPT, provider, &ay_job_msg_accept_msg, &msg);
    } else if (job.state == AY_JOB_STATE_ACCEPTED && id % 13) {
        claim(play, &job, provider);
    }
}

static void answer(struct play *play, const struct ay_dispute_fork *fork, struct ay_player *player)
{
    struct account *provider = person(play, fork->provider);
    struct ay_game_answer move;
    must(ay_player_answer(player, &fork->game, &play->arena, &move), "answer");
    struct ay_dispute_msg_answer msg = {.provider = ay_slice_str(provider->text),
                                        .fork_id = fork->id,
                                        .data = move.data,
                                        .proof = move.proof,
                                        .tail = move.tail};
    add(play, PLAY_ANSWER, provider, &ay_dispute_msg_answer_msg, &msg);
}

static void choose(struct play *play, const struct ay_dispute_fork *fork, struct ay_player *player)
{
    struct account *challenger = person(play, fork->challenger);
    struct ay_slice me = ay_slice_str(challenger->text);
    struct ay_dispute_query_answer_request last = {fork->id, 0}, first = {fork->id, 1};
    struct ay_dispute_answer listing, roots;
    struct ay_player_move move;
    if (!ask(play, &ay_dispute_query_answer_request_msg, &last, &listing) ||
        !ask(play, &ay_dispute_query_answer_request_msg, &first, &roots))
        return;
    player->lists[0] = roots.data;
    must(ay_player_choose(player, &fork->game, listing.data, &play->arena, &move), "choice");
    if (move.agree) return; /* a false challenge: its clock runs out */
    struct ay_dispute_msg_pick pick = {me, fork->id, move.index};
    struct ay_dispute_msg_step step = {me, fork->id, move.index, true, move.evidence};
    if (move.step)
        add(play, PLAY_STEP, challenger, &ay_dispute_msg_step_msg, &step);
    else
        add(play, PLAY_PICK, challenger, &ay_dispute_msg_pick_msg, &pick);
}

/* The mover's next move; in some forks one side falls silent on the way. */
static void visit_fork(struct play *play, uint64_t id)
{
    struct ay_dispute_query_fork_request request = {id};
    struct ay_dispute_fork fork;
    struct ay_job_job job;
    static struct run run;
    if (!ask(play, &ay_dispute_query_fork_request_msg, &request, &fork) || fork.settled) return;
    struct ay_job_query_job_request about = {fork.job_id};
    if (!ask(play, &ay_job_query_job_request_msg, &about, &job)) return;
    enum ay_party mover = ay_game_mover(fork.game.state);
    bool provider = mover == AY_PARTY_PROVIDER;
    if (mover == AY_PARTY_NONE || (id % 6 == 5 && fork.moves >= 2 + id % 4)) return;
    if (!truth(&job, provider && is_lie(&job), &run)) return;
    struct ay_player player = run_player(&run, &job);
    if (provider)
        answer(play, &fork, &player);
    else
        choose(play, &fork, &player);
}

/* The last of the ids 1, 2, ... for which `there` holds, from `known` on. */
static uint64_t last_id(struct play *play, uint64_t known, const struct ay_msg *request, void *row)
{
    uint64_t id = known;
    for (;; id++) { /* each of these requests has the id for its first field */
        uint64_t next = id + 1;
        if (!ask(play, request, &next, row)) return id;
    }
}

static uint64_t recent(uint64_t last)
{
    return last > RECENT ? last - RECENT + 1 : 1;
}

static void lead(struct play *play)
{
    static struct ay_job_job job;
    static struct ay_dispute_fork fork;
    play->jobs = last_id(play, play->jobs, &ay_job_query_job_request_msg, &job);
    play->forks = last_id(play, play->forks, &ay_dispute_query_fork_request_msg, &fork);
    for (uint64_t id = recent(play->jobs); id <= play->jobs; id++) visit_job(play, id);
    for (uint64_t id = recent(play->forks); id <= play->forks; id++) visit_fork(play, id);
}

void play_block(struct play *play)
{
    static void (*const actions[])(struct play *) = {
        act_send, act_send, act_bond, act_bond,       act_unbond, act_withdraw, act_ask,
        act_ask,  act_post, act_post, act_cancel_ask, act_many,   act_bad,      act_bad};
    play->count = 0;
    ay_arena_rewind(&play->arena, 0);
    for (uint32_t i = 0; i < PLAY_PEOPLE; i++) {
        struct ay_ledger_account row = {0};
        memcpy(row.address, play->people[i].address, 20);
        must(ay_row_get(chain_ctx(play->chain), &ay_ledger_account_msg, &row), "account");
        play->people[i].number = row.number;
        play->people[i].sequence = row.sequence;
    }
    while (play->programs < MODEL_COUNT) {
        struct ay_work_query_work_request request;
        struct ay_work_work work;
        memcpy(request.id, model_get(play->programs)->id, 32);
        if (!ask(play, &ay_work_query_work_request_msg, &request, &work)) break;
        play->programs++;
    }
    if (play->programs < MODEL_COUNT || play_draw(play, 50) == 0) act_register(play);
    lead(play);
    for (uint64_t n = play_draw(play, RANDOM_ACTIONS + 1); n-- > 0;)
        actions[play_draw(play, sizeof actions / sizeof *actions)](play);
}
