#include "role/jobio.h"
#include "role/role.h"
#include "verify/piece.h"

#include <inttypes.h>
#include <string.h>

/* Bytes of pieces in one transaction: half of what it may have. */
#define MAX_BATCH_BYTES (AY_MAX_WALLET_TX_BYTES / 2)

/* A claim of ours with what it claims; all in the arena. */
struct held {
    struct ay_job_job job;
    struct ay_job_input input;
    struct ay_slice output; /* of all runs */
    uint8_t (*roots)[32];
};

static bool go_on(void *self, uint32_t runs)
{
    const struct ay_role *role = self;
    (void)runs;
    return !*role->stop;
}

/* The output's blob, or where it was lost the output computed again: silence would cost the lock.
 * AY_E_UNSUPPORTED: another model's, for another process of this signer to answer. */
static enum ay_code hold(struct ay_role *role, uint64_t job_id, struct held *h)
{
    struct ay_job_query_job_request request = {.id = job_id};
    uint8_t root[32];
    AY_TRY(ay_ask(role->node, &ay_job_query_job_request_msg, &request, &role->arena, &h->job));
    if (memcmp(h->job.program_id, role->compute->program_id, 32) != 0) return AY_E_UNSUPPORTED;
    AY_TRY(ay_role_input(role, &h->job, &h->input));
    if (ay_role_blob(role, h->job.output_blob, h->job.output_url, &h->output) != AY_OK)
        AY_TRY(ay_role_compute(role, &h->input, go_on, role, &h->output));
    AY_TRY(ay_output_roots(role->compute->program, &h->input, h->output.data, h->output.len,
                           &role->arena, &h->roots, root));
    return memcmp(root, h->job.output_root, 32) == 0 ? AY_OK : AY_E_HASH;
}

/* One run's part of the output. */
static enum ay_code output_of(const struct ay_role *role, const struct held *h, uint32_t run,
                              struct ay_slice *out)
{
    uint32_t at = 0, n = 0;
    if (run >= h->input.runs_count) return AY_E_RANGE;
    for (uint32_t i = 0; i <= run; i++) {
        at += 4 * n;
        AY_TRY(ay_output_elements(role->compute->program, h->input.runs[i].ids_count, &n));
    }
    *out = ay_slice(h->output.data + at, 4 * n);
    return AY_OK;
}

static enum ay_code fill(struct ay_role *role, const struct held *h,
                         const struct ay_dispute_demand *demand, struct ay_dispute_msg_supply *msg)
{
    const struct ay_game_claim claim = {.program = role->compute->program,
                                        .runs = h->job.runs,
                                        .input_root = h->job.input_root,
                                        .output_root = h->job.output_root};
    const struct ay_piece piece = {demand->what, demand->run, demand->part, demand->length};
    struct ay_piece_opening opening;
    struct ay_slice output;
    AY_TRY(output_of(role, h, demand->run, &output));
    AY_TRY(ay_piece_open(&claim, &piece, (ay_hashes)h->roots, output, &role->arena, &opening));
    *msg = (struct ay_dispute_msg_supply){.provider = ay_slice_str(role->signer->text),
                                          .job_id = demand->job_id,
                                          .what = demand->what,
                                          .run = demand->run,
                                          .part = demand->part,
                                          .data = opening.data,
                                          .proof = opening.proof,
                                          .run_proof = opening.run_proof};
    memcpy(msg->output_merkle_root, opening.merkle_root, 32);
    return AY_OK;
}

/* All in one transaction; when that is refused, each by itself, so that one does not hold up
 * others. */
static enum ay_code send(struct ay_role *role, const struct ay_dispute_msg_supply *supplies,
                         uint32_t n)
{
    struct ay_outgoing msgs[AY_MAX_WALLET_MSGS];
    struct ay_sent sent;
    enum ay_code worst = AY_OK;
    for (uint32_t i = 0; i < n; i++)
        msgs[i] = (struct ay_outgoing){&ay_dispute_msg_supply_msg, &supplies[i]};
    AY_TRY(ay_wallet_send(role->wallet, msgs, n, 0, "", &sent));
    for (uint32_t i = 0; i < n && sent.code != AY_OK; i++) {
        enum ay_code code =
            ay_role_send(role, &ay_dispute_msg_supply_msg, &supplies[i], NULL, NULL);
        if (code != AY_OK) worst = code;
    }
    if (worst == AY_OK)
        ay_role_say(role, "job %" PRIu64 ": supplied %u pieces that were demanded",
                    supplies[0].job_id, n);
    return worst;
}

/* The first demands of the list that are of one job and fit in one transaction; *n is how many. */
static enum ay_code supply_some(struct ay_role *role, const struct ay_dispute_demand *demands,
                                uint32_t count, uint32_t *n)
{
    struct ay_dispute_msg_supply supplies[AY_MAX_WALLET_MSGS];
    struct held held;
    uint64_t bytes = 0;
    *n = 0;
    while (*n < count && *n < AY_MAX_WALLET_MSGS && demands[*n].job_id == demands[0].job_id) ++*n;
    AY_TRY(hold(role, demands[0].job_id, &held));
    for (uint32_t i = 0; i < *n; i++) {
        AY_TRY(fill(role, &held, &demands[i], &supplies[i]));
        bytes += supplies[i].data.len;
        if (bytes > MAX_BATCH_BYTES) *n = i > 0 ? i : 1;
    }
    return send(role, supplies, *n);
}

enum ay_code ay_role_supply(struct ay_role *role)
{
    struct ay_dispute_query_demands_request request = {.provider =
                                                           ay_slice_str(role->signer->text)};
    struct ay_dispute_query_demands_response got;
    AY_TRY(ay_ask(role->node, &ay_dispute_query_demands_request_msg, &request, &role->arena, &got));
    enum ay_code worst = AY_OK;
    uint32_t n = 0;
    for (uint32_t i = 0; i < got.demands_count && !*role->stop; i += n) {
        size_t mark = role->arena.used;
        enum ay_code code = supply_some(role, &got.demands[i], got.demands_count - i, &n);
        ay_arena_rewind(&role->arena, mark);
        if (code != AY_OK && code != AY_E_UNSUPPORTED) worst = code;
    }
    return worst;
}
