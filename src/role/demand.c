#include "role/demand.h"

#include "base/gen/ledger.h"
#include "base/math.h"
#include "role/jobio.h"
#include "verify/piece.h"

#include <inttypes.h>
#include <string.h>

/* The pieces of one kind, in order, and how each stands. */
struct pieces {
    struct piece {
        struct ay_piece at;
        uint32_t bytes;
        uint32_t state; /* enum ay_dispute_demand_state; NONE: not demanded */
    } * list;
    uint32_t count;
    uint64_t bytes;
};

static struct ay_game_claim claim_of(const struct ay_role *role, const struct ay_job_job *job)
{
    return (struct ay_game_claim){.program = role->compute->program,
                                  .runs = job->runs,
                                  .input_root = job->input_root,
                                  .output_root = job->output_root};
}

/* Appends the parts of one thing; the list has room for them. AY_E_LIMIT: it has not. */
static enum ay_code add_parts(const struct ay_game_claim *claim, struct ay_piece at,
                              struct pieces *pieces, uint32_t room)
{
    for (at.part = 0;; at.part++) {
        uint32_t bytes;
        enum ay_code code = ay_piece_bytes(claim, &at, &bytes);
        if (code == AY_E_RANGE && at.part > 0) return AY_OK;
        AY_TRY(code);
        if (pieces->count == room) return AY_E_LIMIT;
        pieces->list[pieces->count++] = (struct piece){.at = at, .bytes = bytes};
        pieces->bytes += bytes;
    }
}

static enum ay_code take_room(struct ay_role *role, uint64_t room, struct pieces *pieces)
{
    *pieces = (struct pieces){.list = AY_NEW(&role->arena, struct piece, room)};
    return pieces->list ? AY_OK : AY_E_LIMIT;
}

static enum ay_code list_roots(struct ay_role *role, const struct ay_job_job *job,
                               struct pieces *pieces)
{
    const struct ay_game_claim claim = claim_of(role, job);
    uint32_t room = job->runs / AY_PIECE_ROOTS + 1;
    AY_TRY(take_room(role, room, pieces));
    return add_parts(&claim, (struct ay_piece){.what = AY_DISPUTE_WHAT_ROOTS}, pieces, room);
}

static enum ay_code list_outputs(struct ay_role *role, const struct ay_job_job *job,
                                 const struct ay_job_input *input, struct pieces *pieces)
{
    const struct ay_game_claim claim = claim_of(role, job);
    uint32_t room = job->runs + AY_MAX_INPUT_BLOB_BYTES / AY_PIECE_BYTES;
    AY_TRY(take_room(role, room, pieces));
    for (uint32_t run = 0; run < job->runs; run++)
        AY_TRY(add_parts(&claim,
                         (struct ay_piece){.what = AY_DISPUTE_WHAT_OUTPUT,
                                           .run = run,
                                           .length = input->runs[run].ids_count},
                         pieces, room));
    return AY_OK;
}

/* Pieces of one kind stand in the order of run and part. */
static void note(struct pieces *pieces, const struct ay_dispute_demand *row)
{
    uint32_t low = 0, high = pieces->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct ay_piece *at = &pieces->list[mid].at;
        if (at->run < row->run || (at->run == row->run && at->part < row->part)) low = mid + 1;
        else high = mid;
    }
    if (low == pieces->count) return;
    const struct ay_piece *at = &pieces->list[low].at;
    if (at->what == row->what && at->run == row->run && at->part == row->part)
        pieces->list[low].state = row->state;
}

/* What the ledger says of them. */
static enum ay_code look_up(struct ay_role *role, const struct ay_job_job *job,
                            struct pieces *pieces)
{
    struct ay_dispute_query_demands_request request = {.job_id = job->id};
    for (;;) {
        struct ay_dispute_query_demands_response got;
        AY_TRY(ay_ask(role->node, &ay_dispute_query_demands_request_msg, &request, &role->arena,
                      &got));
        for (uint32_t i = 0; i < got.demands_count; i++) note(pieces, &got.demands[i]);
        if (got.demands_count < AY_MAX_DISPUTE_QUERY_DEMANDS_RESPONSE_DEMANDS) return AY_OK;
        uint32_t last = got.demands[got.demands_count - 1].run;
        if (last <= request.from_run) return AY_E_LIMIT; /* a run of over 32 MiB */
        request.from_run = last;
    }
}

static bool all_are(const struct pieces *pieces, enum ay_dispute_demand_state state)
{
    for (uint32_t i = 0; i < pieces->count; i++)
        if (pieces->list[i].state != (uint32_t)state) return false;
    return true;
}

/* Would their deposits, as the params set them, be too much? */
static enum ay_code check_deposits(struct ay_role *role, const struct ay_job_job *job,
                                   const struct pieces *pieces, uint64_t max_nasy)
{
    struct ay_dispute_query_params_request request = {0};
    struct ay_dispute_params params;
    uint64_t sum = 0;
    AY_TRY(
        ay_ask(role->node, &ay_dispute_query_params_request_msg, &request, &role->arena, &params));
    for (uint32_t i = 0; i < pieces->count; i++) {
        uint64_t kib = ay_piece_kib(pieces->list[i].bytes), fee;
        AY_TRY(ay_mul(params.supply_kib_fee_nasy, kib, &fee));
        AY_TRY(ay_add(fee, params.supply_fee_nasy, &fee));
        AY_TRY(ay_add(sum, fee, &sum));
    }
    if (sum <= max_nasy) return AY_OK;
    ay_role_say(role, "job %" PRIu64 ": deposits of %" PRIu64 " nasy are more than is allowed",
                job->id, sum);
    return AY_E_RANGE;
}

static enum ay_code fill(struct ay_role *role, const struct ay_job_job *job,
                         const struct ay_job_input *input, const struct ay_piece *at,
                         struct ay_dispute_msg_demand *msg)
{
    struct ay_role_run name;
    *msg = (struct ay_dispute_msg_demand){.demander = ay_slice_str(role->signer->text),
                                          .job_id = job->id,
                                          .what = at->what,
                                          .run = at->run,
                                          .part = at->part};
    if (at->what == AY_DISPUTE_WHAT_ROOTS) return AY_OK;
    AY_TRY(ay_role_name_run(role, job, input, at->run, &name));
    msg->length = name.length;
    msg->proof = name.proof;
    memcpy(msg->input_merkle_root, name.merkle_root, 32);
    return AY_OK;
}

/* Demands what has not been demanded, as much as a transaction takes; *n is how much. */
static enum ay_code demand_some(struct ay_role *role, const struct ay_job_job *job,
                                const struct ay_job_input *input, struct pieces *pieces,
                                uint32_t *n)
{
    struct ay_dispute_msg_demand demands[AY_MAX_WALLET_MSGS];
    struct ay_outgoing msgs[AY_MAX_WALLET_MSGS];
    struct ay_sent sent;
    *n = 0;
    for (uint32_t i = 0; i < pieces->count && *n < AY_MAX_WALLET_MSGS; i++) {
        struct piece *piece = &pieces->list[i];
        if (piece->state != AY_DISPUTE_DEMAND_STATE_NONE) continue;
        AY_TRY(fill(role, job, input, &piece->at, &demands[*n]));
        msgs[*n] = (struct ay_outgoing){&ay_dispute_msg_demand_msg, &demands[*n]};
        piece->state = AY_DISPUTE_DEMAND_STATE_OPEN;
        ++*n;
    }
    if (*n == 0) return AY_OK;
    AY_TRY(ay_wallet_send(role->wallet, msgs, *n, 0, "", &sent));
    if (sent.code == AY_OK) {
        ay_role_say(role, "job %" PRIu64 ": demanded %u pieces of what was claimed", job->id, *n);
        return AY_OK;
    }
    ay_role_say(role, "job %" PRIu64 ": demand refused: %s", job->id, sent.log);
    return sent.code;
}

static enum ay_code demand_rest(struct ay_role *role, const struct ay_job_job *job,
                                const struct ay_job_input *input, struct pieces *pieces,
                                uint64_t max_nasy)
{
    uint32_t n;
    if (job->state != AY_JOB_STATE_CLAIMED) return AY_OK;
    AY_TRY(check_deposits(role, job, pieces, max_nasy));
    do {
        size_t mark = role->arena.used;
        AY_TRY(demand_some(role, job, input, pieces, &n));
        ay_arena_rewind(&role->arena, mark);
    } while (n > 0);
    return AY_OK;
}

/* The pieces one after another, in the arena. */
static enum ay_code collect(struct ay_role *role, const struct ay_job_job *job,
                            const struct pieces *pieces, struct ay_slice *all)
{
    uint8_t *bytes = ay_arena_take(&role->arena, pieces->bytes, 1), *at = bytes;
    if (!bytes || pieces->bytes > UINT32_MAX) return AY_E_LIMIT;
    for (uint32_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = &pieces->list[i];
        struct ay_dispute_query_supply_request request = {.job_id = job->id,
                                                          .what = piece->at.what,
                                                          .run = piece->at.run,
                                                          .part = piece->at.part};
        struct ay_dispute_supply got;
        size_t mark = role->arena.used;
        AY_TRY(
            ay_ask(role->node, &ay_dispute_query_supply_request_msg, &request, &role->arena, &got));
        if (got.data.len != piece->bytes) return AY_E_RANGE;
        memcpy(at, got.data.data, got.data.len);
        at += got.data.len;
        ay_arena_rewind(&role->arena, mark);
    }
    *all = ay_slice(bytes, (uint32_t)pieces->bytes);
    return AY_OK;
}

enum ay_code ay_demand_wrong_run(struct ay_role *role, const struct ay_job_job *job,
                                 const uint8_t (*mine)[32], uint64_t max_nasy, uint32_t *run)
{
    struct pieces pieces;
    struct ay_slice roots;
    AY_TRY(list_roots(role, job, &pieces));
    AY_TRY(look_up(role, job, &pieces));
    if (!all_are(&pieces, AY_DISPUTE_DEMAND_STATE_SUPPLIED)) {
        AY_TRY(demand_rest(role, job, NULL, &pieces, max_nasy));
        return AY_E_NOT_FOUND;
    }
    AY_TRY(collect(role, job, &pieces, &roots));
    for (*run = 0; *run < job->runs; ++*run)
        if (memcmp(roots.data + 32ull * *run, mine[*run], 32) != 0) return AY_OK;
    return AY_E_NOT_FOUND;
}

/* Half of the window has gone by. */
static enum ay_code is_time(struct ay_role *role, const struct ay_job_job *job, bool *time)
{
    struct ay_job_query_params_request params_request = {0};
    struct ay_ledger_query_meta_request meta_request = {0};
    struct ay_job_params params;
    struct ay_ledger_meta meta;
    AY_TRY(ay_ask(role->node, &ay_job_query_params_request_msg, &params_request, &role->arena,
                  &params));
    AY_TRY(
        ay_ask(role->node, &ay_ledger_query_meta_request_msg, &meta_request, &role->arena, &meta));
    *time =
        meta.now_ms < job->demand_by_ms && job->demand_by_ms - meta.now_ms <= params.window_ms / 2;
    return AY_OK;
}

enum ay_code ay_demand_outputs(struct ay_role *role, const struct ay_job_job *job,
                               const struct ay_job_input *input, uint64_t max_nasy,
                               struct ay_slice *outputs)
{
    struct pieces pieces;
    bool time;
    AY_TRY(list_outputs(role, job, input, &pieces));
    AY_TRY(look_up(role, job, &pieces));
    if (all_are(&pieces, AY_DISPUTE_DEMAND_STATE_SUPPLIED))
        return collect(role, job, &pieces, outputs);
    AY_TRY(is_time(role, job, &time));
    if (time) AY_TRY(demand_rest(role, job, input, &pieces, max_nasy));
    return AY_E_NOT_FOUND;
}
