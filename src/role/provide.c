#include "role/provide.h"

#include "base/gen/dispute.h"
#include "base/gen/market.h"
#include "base/gen/stake.h"
#include "role/jobio.h"
#include "tensor/program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct provider {
    struct ay_role *role;
    const struct ay_provide_options *options;
    uint64_t ask_id;
    uint64_t from_id; /* every job of ours below it has ended */
    bool busy;   /* a job of ours has not ended */
    bool asked;  /* tried to stand an ask while busy; again when that is over */
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- before the first job --- */

static enum ay_code raise_bond(struct provider *p)
{
    struct ay_role *role = p->role;
    struct ay_slice me = ay_slice_str(role->signer->text);
    struct ay_stake_query_operator_request request = {.address = me};
    struct ay_stake_operator operator= {0};
    enum ay_code code =
        ay_ask(role->node, &ay_stake_query_operator_request_msg, &request, &role->arena, &operator);
    if (code != AY_OK && code != AY_E_NOT_FOUND) return code;
    if (operator.bond_nasy >= p->options->bond_nasy) return AY_OK;
    struct ay_stake_msg_bond bond = {.operator= me,
                                     .amount_nasy = p->options->bond_nasy - operator.bond_nasy};
    AY_TRY(ay_role_send(role, &ay_stake_msg_bond_msg, &bond, NULL, NULL));
    ay_role_say(role, "bonded %" PRIu64 " nasy", bond.amount_nasy);
    return AY_OK;
}

/* Half of what this machine does on the program's longest run: what a dispute may count on. */
static enum ay_code measure_rate(struct provider *p, uint64_t *rate)
{
    const struct ay_compute *compute = p->role->compute;
    uint32_t length = compute->program->max_dims[0], elements;
    uint64_t units;
    uint32_t *ids = calloc(length, sizeof *ids);
    float *out = NULL;
    enum ay_code code = ids ? ay_output_elements(compute->program, length, &elements) : AY_E_MEMORY;
    if (code == AY_OK) code = ay_program_units(compute->program, &length, &units);
    if (code == AY_OK && !(out = malloc(sizeof *out * elements))) code = AY_E_MEMORY;
    struct ay_job_run run = {.ids = ids, .ids_count = length};
    struct ay_job_input input = {.runs = &run, .runs_count = 1};
    for (int i = 0; i < 2 && code == AY_OK; i++) { /* the first one warms up */
        uint64_t begun = now_ms();
        code = compute->run(compute->self, &input, out, NULL, NULL);
        uint64_t took = now_ms() - begun;
        *rate = units * 500 / (took ? took : 1);
    }
    free(ids);
    free(out);
    return code;
}

static bool same_terms(const struct ay_market_ask *ask, const struct provider *p)
{
    const struct ay_provide_options *o = p->options;
    return ask->tier == o->tier && ask->price_nasy == o->price_nasy &&
           ask->capacity_units == o->capacity_units &&
           ay_slice_equal(ask->url, ay_slice_str(o->url));
}

/* Takes up an ask that stands already on the same terms, and takes back others. */
static enum ay_code find_ask(struct provider *p)
{
    struct ay_role *role = p->role;
    struct ay_market_query_asks_request request = {0};
    struct ay_market_query_asks_response got;
    memcpy(request.program_id, role->compute->program_id, 32);
    AY_TRY(ay_ask(role->node, &ay_market_query_asks_request_msg, &request, &role->arena, &got));
    for (uint32_t i = 0; i < got.asks_count; i++) {
        const struct ay_market_ask *ask = &got.asks[i];
        if (memcmp(ask->provider, role->signer->address, AY_ADDRESS_BYTES) != 0 || ask->closed)
            continue;
        if (!p->ask_id && same_terms(ask, p)) {
            p->ask_id = ask->id;
            continue;
        }
        struct ay_market_msg_cancel_ask cancel = {.provider = ay_slice_str(role->signer->text),
                                                  .ask_id = ask->id};
        AY_TRY(ay_role_send(role, &ay_market_msg_cancel_ask_msg, &cancel, NULL, NULL));
    }
    return AY_OK;
}

static enum ay_code stand(struct provider *p)
{
    const struct ay_provide_options *o = p->options;
    struct ay_role *role = p->role;
    struct ay_market_msg_ask ask = {.provider = ay_slice_str(role->signer->text),
                                    .tier = o->tier,
                                    .price_nasy = o->price_nasy,
                                    .capacity_units = o->capacity_units,
                                    .lock_nasy = o->lock_nasy,
                                    .rate_units = o->rate_units,
                                    .url = ay_slice_str(o->url)};
    struct ay_market_msg_ask_response response;
    AY_TRY(raise_bond(p));
    AY_TRY(find_ask(p));
    if (p->ask_id) {
        ay_role_say(role, "ask %" PRIu64 " still stands", p->ask_id);
        return AY_OK;
    }
    if (!ask.rate_units) AY_TRY(measure_rate(p, &ask.rate_units));
    memcpy(ask.program_id, role->compute->program_id, 32);
    AY_TRY(ay_role_send(role, &ay_market_msg_ask_msg, &ask, &ay_market_msg_ask_response_msg,
                        &response));
    p->ask_id = response.ask_id;
    ay_role_say(role, "ask %" PRIu64 ": %" PRIu64 " nasy a million units, %" PRIu64 " units/s",
                p->ask_id, o->price_nasy, ask.rate_units);
    return AY_OK;
}

/* --- jobs --- */

static enum ay_code answer_forks(struct provider *p)
{
    struct ay_role *role = p->role;
    if (p->options->silent) return AY_OK;
    struct ay_dispute_query_forks_request request = {.provider = ay_slice_str(role->signer->text),
                                                     .open = true};
    struct ay_dispute_query_forks_response got;
    AY_TRY(ay_ask(role->node, &ay_dispute_query_forks_request_msg, &request, &role->arena, &got));
    for (uint32_t i = 0; i < got.forks_count; i++) {
        struct ay_job_query_job_request ask = {.id = got.forks[i].job_id};
        struct ay_job_job job;
        struct ay_job_input input;
        if (ay_game_mover(got.forks[i].game.state) != AY_PARTY_PROVIDER) continue;
        AY_TRY(ay_ask(role->node, &ay_job_query_job_request_msg, &ask, &role->arena, &job));
        AY_TRY(ay_role_input(role, &job, &input));
        AY_TRY(ay_role_play(role, &got.forks[i], &job, &input));
    }
    return AY_OK;
}

/* Disputes, and what is demanded. */
static enum ay_code answer_all(struct provider *p)
{
    enum ay_code forks = answer_forks(p);
    enum ay_code demands = p->options->silent ? AY_OK : ay_role_supply(p->role);
    return forks != AY_OK ? forks : demands;
}

/* After each batch of a long job: answers do not wait for it. */
static bool between_batches(void *self, uint32_t runs)
{
    struct provider *p = self;
    (void)runs;
    if (*p->role->stop) return false;
    size_t mark = p->role->arena.used;
    if (answer_all(p) != AY_OK)
        ay_role_say(p->role, "a dispute or demand could not be answered; trying again");
    ay_arena_rewind(&p->role->arena, mark);
    return true;
}

static enum ay_code accept_job(struct provider *p, const struct ay_job_job *job)
{
    struct ay_role *role = p->role;
    struct ay_job_input input;
    struct ay_job_msg_accept accept = {.provider = ay_slice_str(role->signer->text),
                                       .job_id = job->id};
    AY_TRY(ay_role_input(role, job, &input));
    AY_TRY(ay_blob_pin(role->blobs, job->input_blob, true));
    AY_TRY(ay_role_send(role, &ay_job_msg_accept_msg, &accept, NULL, NULL));
    ay_role_say(role, "job %" PRIu64 ": accepted, %u runs for %" PRIu64 " nasy", job->id, job->runs,
                job->fee_nasy);
    return AY_OK;
}

static enum ay_code claim_job(struct provider *p, const struct ay_job_job *job)
{
    struct ay_role *role = p->role;
    struct ay_job_input input;
    struct ay_slice bytes;
    uint8_t(*roots)[32];
    AY_TRY(ay_role_input(role, job, &input));
    AY_TRY(ay_role_compute(role, &input, between_batches, p, &bytes));
    struct ay_job_msg_claim claim = {.provider = ay_slice_str(role->signer->text),
                                     .job_id = job->id,
                                     .n_in = job->n_in,
                                     .n_out = input.runs_count,
                                     .stop_reason = 1};
    memcpy(claim.request_hash, job->request_hash, 32);
    AY_TRY(ay_output_roots(role->compute->program, &input, bytes.data, bytes.len, &role->arena, &roots,
                           claim.output_root));
    AY_TRY(ay_blob_put(role->blobs, bytes, claim.output_blob));
    AY_TRY(ay_blob_pin(role->blobs, claim.output_blob, true));
    AY_TRY(ay_role_send(role, &ay_job_msg_claim_msg, &claim, NULL, NULL));
    ay_role_say(role, "job %" PRIu64 ": claimed", job->id);
    return AY_OK;
}

static void end_job(struct provider *p, const struct ay_job_job *job)
{
    const struct ay_enum_value *state = ay_enum_find(&ay_job_state_enum, job->state);
    ay_role_say(p->role, "job %" PRIu64 ": %s", job->id, state ? state->name + 6 : "?");
    /* They may have gone already; either way nothing depends on them any more. */
    enum ay_code gone = ay_blob_pin(p->role->blobs, job->input_blob, false);
    if (gone == AY_OK) gone = ay_blob_pin(p->role->blobs, job->output_blob, false);
    (void)gone;
}

static enum ay_code work_on(struct provider *p, const struct ay_job_job *job)
{
    if (memcmp(job->program_id, p->role->compute->program_id, 32) != 0) return AY_OK;
    if (job->state == AY_JOB_STATE_MATCHED) return accept_job(p, job);
    if (job->state == AY_JOB_STATE_ACCEPTED) return claim_job(p, job);
    return AY_OK;
}

/* All jobs of ours that have not ended, oldest first. */
static enum ay_code look_at_jobs(struct provider *p)
{
    struct ay_role *role = p->role;
    struct ay_job_query_jobs_response got;
    AY_TRY(ay_role_jobs(role, role->signer->text, 0, p->from_id, &got));
    bool all_ended = true;
    p->busy = false;
    for (uint32_t i = 0; i < got.jobs_count && !*role->stop; i++) {
        const struct ay_job_job *job = &got.jobs[i];
        if (job->state >= AY_JOB_STATE_PAID) {
            if (all_ended) {
                end_job(p, job);
                p->from_id = job->id + 1;
            }
            continue;
        }
        all_ended = false;
        p->busy = true;
        size_t mark = role->arena.used;
        enum ay_code code = work_on(p, job);
        ay_arena_rewind(&role->arena, mark);
        if (code == AY_E_UNREACHABLE || code == AY_E_INTERRUPTED) return code;
        if (code != AY_OK)
            ay_role_say(role, "job %" PRIu64 ": %s", job->id, ay_code_info(code)->text);
    }
    return AY_OK;
}

static void take_back(struct provider *p)
{
    struct ay_market_msg_cancel_ask cancel = {.provider = ay_slice_str(p->role->signer->text),
                                              .ask_id = p->ask_id};
    struct ay_job_query_jobs_response got;
    ay_arena_rewind(&p->role->arena, 0);
    if (p->ask_id &&
        ay_role_send(p->role, &ay_market_msg_cancel_ask_msg, &cancel, NULL, NULL) == AY_OK)
        ay_role_say(p->role, "ask %" PRIu64 " taken back", p->ask_id);
    if (ay_role_jobs(p->role, p->role->signer->text, 0, p->from_id, &got) != AY_OK) return;
    uint32_t open = 0;
    for (uint32_t i = 0; i < got.jobs_count; i++) open += got.jobs[i].state < AY_JOB_STATE_PAID;
    if (open)
        ay_role_say(p->role, "%u jobs are still in hand: start again to finish and defend them", open);
}

/* Jobs in hand come first, after a restart too: they may lock so much of the bond that a new ask has
 * to wait until they have ended. */
static enum ay_code stand_when_possible(struct provider *p)
{
    if (p->ask_id || (p->busy && p->asked)) return AY_OK;
    p->asked = p->busy;
    enum ay_code code = stand(p);
    if (code == AY_OK || code == AY_E_UNREACHABLE || !p->busy) return code;
    ay_role_say(p->role, "no new ask until the jobs in hand have ended");
    return AY_OK;
}

enum ay_code ay_provide(struct ay_role *role, const struct ay_provide_options *options)
{
    struct provider p = {.role = role, .options = options};
    enum ay_code code;
    while ((code = ay_role_next(role)) == AY_OK) {
        enum ay_code answers = answer_all(&p), jobs = look_at_jobs(&p);
        if (answers != AY_OK && answers != AY_E_UNREACHABLE)
            ay_role_say(role, "disputes and demands: %s", ay_code_info(answers)->text);
        if (jobs != AY_OK && jobs != AY_E_UNREACHABLE && jobs != AY_E_INTERRUPTED)
            ay_role_say(role, "jobs: %s", ay_code_info(jobs)->text);
        if (jobs == AY_OK) code = stand_when_possible(&p);
        if (code != AY_OK && code != AY_E_UNREACHABLE) return code;
    }
    take_back(&p);
    return code == AY_E_INTERRUPTED ? AY_OK : code;
}
