#include "role/watch.h"

#include "base/gen/dispute.h"
#include "base/math.h"
#include "crypto/hash.h"
#include "role/demand.h"
#include "role/jobio.h"
#include "tensor/program.h"
#include "verify/claim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What was found about a claim: it is right, or nobody may see which run of it is wrong, so that the
 * runs' roots are demanded, or a run is wrong and on its way into a dispute. */
enum finding { RIGHT, WITHHELD, WRONG };

struct look {
    uint64_t job_id;
    enum finding finding;
    uint32_t run;
    uint8_t (*roots)[32]; /* WITHHELD: own output roots of all runs; owned */
    struct look *next;
};

struct watcher {
    struct ay_role *role;
    const struct ay_watch_options *options;
    uint64_t from_id;   /* every earlier job has ended */
    struct look *looks; /* at jobs from from_id on, and at those still in doubt */
    struct ay_dispute_params params;
};

/* The salt of our seal of a claim: known to nobody without the key, and always the same. */
static void salt_of(const struct watcher *w, const struct ay_job_job *job, uint8_t salt[32])
{
    const struct ay_slice parts[] = {ay_slice_str("assay/salt/v1"),
                                     AY_SLICE_OF(w->role->signer->seckey),
                                     AY_SLICE_OF(job->claim_hash)};
    ay_sha256_parts(parts, 3, salt);
}

static void seal_of(const struct watcher *w, const struct ay_job_job *job, uint8_t hash[32])
{
    uint8_t salt[32];
    salt_of(w, job, salt);
    ay_commit_hash(job->claim_hash, w->role->signer->address, salt, hash);
}

static enum ay_code get_job(struct watcher *w, uint64_t id, struct ay_job_job *job)
{
    struct ay_job_query_job_request request = {.id = id};
    return ay_ask(w->role->node, &ay_job_query_job_request_msg, &request, &w->role->arena, job);
}

/* --- looking at claims --- */

static bool go_on(void *self, uint32_t runs)
{
    const struct watcher *w = self;
    (void)runs;
    return !*w->role->stop;
}

/* The first run whose output is not what the provider published; AY_E_NOT_FOUND when what was
 * published is not what was claimed, so that no run can be named. One run needs no publishing. */
static enum ay_code wrong_run(struct watcher *w, const struct ay_job_job *job,
                              const struct ay_job_input *input, const uint8_t (*mine)[32],
                              uint32_t *run)
{
    struct ay_slice theirs;
    uint8_t(*roots)[32], root[32];
    *run = 0;
    if (job->runs == 1) return AY_OK;
    AY_TRY(ay_role_blob(w->role, job->output_blob, job->output_url, &theirs));
    AY_TRY(ay_output_roots(w->role->compute->program, input, theirs.data, theirs.len,
                           &w->role->arena, &roots, root));
    if (memcmp(root, job->output_root, 32) != 0) return AY_E_NOT_FOUND;
    for (*run = 0; *run < input->runs_count; ++*run)
        if (memcmp(roots[*run], mine[*run], 32) != 0) return AY_OK;
    return AY_E_NOT_FOUND;
}

static struct look *look_of(const struct watcher *w, uint64_t job_id)
{
    struct look *look = w->looks;
    while (look && look->job_id != job_id) look = look->next;
    return look;
}

static enum ay_code remember(struct watcher *w, uint64_t job_id, enum finding finding, uint32_t run)
{
    struct look *look = calloc(1, sizeof *look);
    if (!look) return AY_E_MEMORY;
    *look = (struct look){.job_id = job_id, .finding = finding, .run = run, .next = w->looks};
    w->looks = look;
    return AY_OK;
}

static enum ay_code remember_withheld(struct watcher *w, const struct ay_job_job *job,
                                      const uint8_t (*mine)[32])
{
    uint8_t(*roots)[32] = calloc(job->runs, sizeof *roots);
    enum ay_code code = roots ? remember(w, job->id, WITHHELD, 0) : AY_E_MEMORY;
    if (code != AY_OK) {
        free(roots);
        return code;
    }
    memcpy(roots, mine, sizeof *roots * job->runs);
    w->looks->roots = roots;
    return AY_OK;
}

static void forget(struct look *look)
{
    free(look->roots);
    free(look);
}

static enum ay_code recompute(struct watcher *w, const struct ay_job_job *job)
{
    struct ay_role *role = w->role;
    struct ay_job_input input;
    struct ay_slice out;
    uint8_t(*roots)[32], root[32];
    uint32_t run;
    AY_TRY(ay_role_input(role, job, &input));
    AY_TRY(ay_role_compute(role, &input, go_on, w, &out));
    AY_TRY(ay_output_roots(role->compute->program, &input, out.data, out.len, &role->arena, &roots,
                           root));
    if (memcmp(root, job->output_root, 32) == 0) {
        ay_role_say(role, "job %" PRIu64 ": recomputed, the claim is right", job->id);
        return remember(w, job->id, RIGHT, 0);
    }
    enum ay_code code = wrong_run(w, job, &input, (const uint8_t(*)[32])roots, &run);
    if (code == AY_E_INTERRUPTED) return code;
    if (code != AY_OK) {
        ay_role_say(role, "job %" PRIu64 ": the claim is wrong, and its provider withholds the output",
                    job->id);
        return remember_withheld(w, job, (const uint8_t(*)[32])roots);
    }
    ay_role_say(role, "job %" PRIu64 ": run %u of the claim is WRONG", job->id, run);
    return remember(w, job->id, WRONG, run);
}

static enum ay_code look_at_claims(struct watcher *w)
{
    struct ay_role *role = w->role;
    struct ay_job_query_jobs_response got;
    AY_TRY(ay_role_jobs(role, "", AY_JOB_STATE_CLAIMED, w->from_id, &got));
    for (uint32_t i = 0; i < got.jobs_count && !*role->stop; i++) {
        const struct ay_job_job *job = &got.jobs[i];
        if (memcmp(job->program_id, role->compute->program_id, 32) != 0) continue;
        if (memcmp(job->provider, role->signer->address, AY_ADDRESS_BYTES) == 0) continue;
        if (look_of(w, job->id)) continue;
        size_t mark = role->arena.used;
        enum ay_code code = recompute(w, job);
        ay_arena_rewind(&role->arena, mark);
        if (code == AY_E_INTERRUPTED || code == AY_E_MEMORY) return code;
        if (code != AY_OK)
            ay_role_say(role, "job %" PRIu64 ": not checked yet: %s", job->id,
                        ay_code_info(code)->text);
    }
    return AY_OK;
}

/* Jobs are claimed out of order, so a look is kept until every older job has ended too. */
static enum ay_code move_on(struct watcher *w)
{
    struct ay_job_query_jobs_response got;
    AY_TRY(ay_role_jobs(w->role, "", 0, w->from_id, &got));
    for (uint32_t i = 0; i < got.jobs_count && got.jobs[i].state >= AY_JOB_STATE_PAID; i++)
        w->from_id = got.jobs[i].id + 1;
    for (struct look **link = &w->looks; *link;) {
        struct look *look = *link;
        if (look->finding != RIGHT || look->job_id >= w->from_id) {
            link = &look->next;
            continue;
        }
        *link = look->next;
        forget(look);
    }
    return AY_OK;
}

/* --- disputes --- */

static enum ay_code bond_of(struct watcher *w, const struct ay_job_input *input, uint32_t run,
                            uint64_t *bond)
{
    uint64_t units, extra;
    AY_TRY(ay_program_units(w->role->compute->program, &input->runs[run].ids_count, &units));
    AY_TRY(ay_mul_div(units, w->params.bond_per_mega_nasy, 1000000, AY_CEIL, &extra));
    return ay_add(w->params.bond_nasy, extra, bond);
}

static enum ay_code seal(struct watcher *w, const struct ay_job_job *job,
                         const struct ay_job_input *input, uint32_t run)
{
    struct ay_dispute_msg_commit commit = {.challenger = ay_slice_str(w->role->signer->text)};
    AY_TRY(bond_of(w, input, run, &commit.bond_nasy));
    if (commit.bond_nasy > w->options->max_bond_nasy) {
        ay_role_say(w->role, "job %" PRIu64 ": a bond of %" PRIu64 " nasy is more than is allowed",
                    job->id, commit.bond_nasy);
        return AY_E_RANGE;
    }
    seal_of(w, job, commit.hash);
    AY_TRY(ay_role_send(w->role, &ay_dispute_msg_commit_msg, &commit, NULL, NULL));
    ay_role_say(w->role, "job %" PRIu64 ": sealed a challenge with a bond of %" PRIu64 " nasy",
                job->id, commit.bond_nasy);
    return AY_OK;
}

static enum ay_code open_fork(struct watcher *w, const struct ay_job_job *job,
                              const struct ay_job_input *input, uint32_t run)
{
    struct ay_role *role = w->role;
    struct ay_dispute_msg_open_response response;
    struct ay_dispute_msg_open open = {
        .challenger = ay_slice_str(role->signer->text), .job_id = job->id, .run = run};
    struct ay_role_run name;
    AY_TRY(ay_role_name_run(role, job, input, run, &name));
    salt_of(w, job, open.salt);
    open.length = name.length;
    open.proof = name.proof;
    memcpy(open.input_merkle_root, name.merkle_root, 32);
    AY_TRY(ay_role_send(role, &ay_dispute_msg_open_msg, &open, &ay_dispute_msg_open_response_msg,
                        &response));
    ay_role_say(role, "job %" PRIu64 ": opened dispute %" PRIu64 " about run %u", job->id,
                response.fork_id, run);
    return AY_OK;
}

/* Is our seal of this claim on the ledger, unopened? */
static enum ay_code is_sealed(struct watcher *w, const struct ay_job_job *job, bool *sealed)
{
    struct ay_dispute_query_commits_request request = {
        .challenger = ay_slice_str(w->role->signer->text)};
    struct ay_dispute_query_commits_response got;
    uint8_t hash[32];
    seal_of(w, job, hash);
    AY_TRY(ay_ask(w->role->node, &ay_dispute_query_commits_request_msg, &request, &w->role->arena,
                  &got));
    *sealed = false;
    for (uint32_t i = 0; i < got.commits_count; i++)
        *sealed = *sealed || memcmp(got.commits[i].hash, hash, 32) == 0;
    return AY_OK;
}

static enum ay_code has_fork(struct watcher *w, uint64_t job_id, bool *has)
{
    struct ay_dispute_query_forks_request request = {.job_id = job_id};
    struct ay_dispute_query_forks_response got;
    AY_TRY(ay_ask(w->role->node, &ay_dispute_query_forks_request_msg, &request, &w->role->arena,
                  &got));
    *has = false;
    for (uint32_t i = 0; i < got.forks_count; i++)
        *has = *has || memcmp(got.forks[i].challenger, w->role->signer->address,
                              AY_ADDRESS_BYTES) == 0;
    return AY_OK;
}

/* One step towards knowing which run is wrong; *done when nothing can come of it any more. */
static enum ay_code press(struct watcher *w, struct look *look, bool *done)
{
    struct ay_job_job job;
    AY_TRY(get_job(w, look->job_id, &job));
    *done = job.state != AY_JOB_STATE_CLAIMED;
    if (*done) return AY_OK;
    enum ay_code code = ay_demand_wrong_run(w->role, &job, (const uint8_t(*)[32])look->roots,
                                            w->options->max_bond_nasy, &look->run);
    if (code == AY_E_NOT_FOUND) return AY_OK;
    AY_TRY(code);
    ay_role_say(w->role, "job %" PRIu64 ": run %u of the claim is WRONG", job.id, look->run);
    look->finding = WRONG;
    return AY_OK;
}

/* One step towards an open dispute; *done when there is nothing left to do for it. */
static enum ay_code pursue(struct watcher *w, const struct look *look, bool *done)
{
    struct ay_job_job job;
    struct ay_job_input input;
    bool sealed, forked;
    AY_TRY(get_job(w, look->job_id, &job));
    AY_TRY(has_fork(w, job.id, &forked));
    AY_TRY(is_sealed(w, &job, &sealed));
    *done = forked || (!sealed && job.state != AY_JOB_STATE_CLAIMED);
    if (*done) return AY_OK;
    AY_TRY(ay_role_input(w->role, &job, &input));
    return sealed ? open_fork(w, &job, &input, look->run) : seal(w, &job, &input, look->run);
}

static void pursue_all(struct watcher *w)
{
    for (struct look *look = w->looks; look; look = look->next) {
        bool done = false;
        if (look->finding == RIGHT) continue;
        size_t mark = w->role->arena.used;
        enum ay_code code = look->finding == WRONG ? pursue(w, look, &done) : press(w, look, &done);
        ay_arena_rewind(&w->role->arena, mark);
        if (code != AY_OK && code != AY_E_UNREACHABLE && code != AY_E_TIMEOUT) {
            ay_role_say(w->role, "job %" PRIu64 ": not disputed yet: %s", look->job_id,
                        ay_code_info(code)->text);
            done = code == AY_E_RANGE || code == AY_E_DISPUTE_WINDOW;
        }
        if (done) look->finding = RIGHT;
    }
}

static enum ay_code play_forks(struct watcher *w)
{
    struct ay_role *role = w->role;
    struct ay_dispute_query_forks_request request = {.challenger = ay_slice_str(role->signer->text),
                                                     .open = true};
    struct ay_dispute_query_forks_response got;
    AY_TRY(ay_ask(role->node, &ay_dispute_query_forks_request_msg, &request, &role->arena, &got));
    for (uint32_t i = 0; i < got.forks_count && !*role->stop; i++) {
        struct ay_job_job job;
        struct ay_job_input input;
        if (ay_game_mover(got.forks[i].game.state) != AY_PARTY_CHALLENGER) continue;
        AY_TRY(get_job(w, got.forks[i].job_id, &job));
        if (memcmp(job.program_id, role->compute->program_id, 32) != 0) continue;
        AY_TRY(ay_role_input(role, &job, &input));
        AY_TRY(ay_role_play(role, &got.forks[i], &job, &input));
    }
    return AY_OK;
}

enum ay_code ay_watch(struct ay_role *role, const struct ay_watch_options *options)
{
    struct watcher w = {.role = role, .options = options, .from_id = 1};
    struct ay_dispute_query_params_request request = {0};
    AY_TRY(ay_ask(role->node, &ay_dispute_query_params_request_msg, &request, &role->arena,
                  &w.params));
    ay_role_say(role, "watching");
    enum ay_code code;
    while ((code = ay_role_next(role)) == AY_OK) {
        enum ay_code step = play_forks(&w);
        if (step == AY_OK) step = look_at_claims(&w);
        if (step == AY_OK) step = move_on(&w);
        pursue_all(&w);
        if (step != AY_OK && step != AY_E_UNREACHABLE && step != AY_E_INTERRUPTED)
            ay_role_say(role, "%s", ay_code_info(step)->text);
    }
    while (w.looks) {
        struct look *look = w.looks;
        w.looks = look->next;
        forget(look);
    }
    return code == AY_E_INTERRUPTED ? AY_OK : code;
}
