#include "role/consume.h"

#include "base/codec.h"
#include "role/demand.h"
#include "role/jobio.h"
#include "tensor/wordpiece.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MAX_TRIES 3
#define ORDINAL_STATE_NAME 6 /* a state's name after STATE_ */

struct consumer {
    struct ay_role *role;
    const struct ay_consume_options *options;
    struct ay_consumed *jobs;
    uint32_t *tries;
    uint32_t count;
    float *out;
    uint32_t ready; /* lines that are there for good */
    void (*progress)(void *context, uint32_t lines);
    void *context;
};

/* --- posting --- */

/* The job's lines as runs, in the arena. */
static enum ay_code tokenise(struct consumer *c, const struct ay_consumed *job,
                             struct ay_job_input *input)
{
    const struct ay_model *model = c->options->model;
    struct ay_arena *arena = &c->role->arena;
    struct ay_job_run *runs = AY_NEW(arena, struct ay_job_run, job->lines);
    if (!runs) return AY_E_LIMIT;
    for (uint32_t i = 0; i < job->lines; i++) {
        int32_t *ids = AY_NEW(arena, int32_t, model->max_tokens);
        if (!ids) return AY_E_LIMIT;
        enum ay_code code =
            ay_wordpiece_encode(model->tokenizer, c->options->lines[job->first_line + i],
                                model->max_tokens, ids, &runs[i].ids_count);
        if (code == AY_E_FORMAT)
            ay_role_say(c->role, "line %u is not UTF-8", job->first_line + i + 1);
        if (code != AY_OK) return code;
        runs[i].ids = (const uint32_t *)ids;
    }
    *input = (struct ay_job_input){.runs = runs, .runs_count = job->lines};
    return AY_OK;
}

static enum ay_code upload(struct consumer *c, struct ay_slice blob, uint8_t id[32])
{
    uint8_t uploaded[32];
    AY_TRY(ay_blob_put(c->role->blobs, blob, id));
    enum ay_code code = ay_blob_upload(c->role->http, c->options->url, blob, uploaded);
    if (code != AY_OK)
        ay_role_say(c->role, "cannot upload the input: %s", ay_http_client_message(c->role->http));
    return code;
}

static enum ay_code prepare(struct consumer *c, const struct ay_consumed *job,
                            struct ay_job_msg_post *post)
{
    struct ay_arena *arena = &c->role->arena;
    struct ay_job_input input;
    struct ay_slice blob;
    uint8_t(*roots)[32];
    AY_TRY(tokenise(c, job, &input));
    AY_TRY(ay_encode_arena(&ay_job_input_msg, &input, arena, &blob));
    uint32_t *lengths = AY_NEW(arena, uint32_t, job->lines);
    if (!lengths) return AY_E_LIMIT;
    for (uint32_t i = 0; i < job->lines; i++) lengths[i] = input.runs[i].ids_count;
    *post = (struct ay_job_msg_post){.consumer = ay_slice_str(c->role->signer->text),
                                     .tier = c->options->tier,
                                     .lengths = lengths,
                                     .lengths_count = job->lines,
                                     .max_price_nasy = c->options->max_price_nasy,
                                     .input_url = ay_slice_str(c->options->url)};
    memcpy(post->program_id, c->options->model->program_id, 32);
    if (getrandom(post->salt, sizeof post->salt, 0) != sizeof post->salt) return AY_E_IO;
    AY_TRY(ay_input_roots(&input, arena, &roots, post->input_root));
    return upload(c, blob, post->input_blob);
}

/* Posts up to AY_MAX_WALLET_MSGS jobs that are not on the ledger, in one transaction. */
static enum ay_code post_some(struct consumer *c, bool *more)
{
    struct ay_consumed *jobs[AY_MAX_WALLET_MSGS];
    struct ay_job_msg_post posts[AY_MAX_WALLET_MSGS];
    struct ay_outgoing msgs[AY_MAX_WALLET_MSGS];
    struct ay_sent sent;
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->count && n < AY_MAX_WALLET_MSGS; i++) {
        if (c->jobs[i].job_id) continue;
        AY_TRY(prepare(c, &c->jobs[i], &posts[n]));
        jobs[n] = &c->jobs[i];
        msgs[n] = (struct ay_outgoing){&ay_job_msg_post_msg, &posts[n]};
        n++;
    }
    *more = n > 0;
    if (!n) return AY_OK;
    enum ay_code code = ay_wallet_send(c->role->wallet, msgs, n, 0, "", &sent);
    if (code == AY_OK && sent.code != AY_OK) code = sent.code;
    if (code != AY_OK) {
        ay_role_say(c->role, "posting: %s",
                    sent.code != AY_OK ? sent.log : ay_node_message(c->role->node));
        return sent.code != AY_OK ? AY_E_REJECTED : code;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct ay_job_msg_post_response response;
        AY_TRY(ay_sent_response(&sent, i, &ay_job_msg_post_response_msg, &c->role->arena,
                                &response));
        jobs[i]->job_id = response.job_id;
        jobs[i]->escrow_nasy = response.escrow_nasy;
        jobs[i]->job.state = AY_JOB_STATE_POSTED;
        ay_role_say(c->role, "job %" PRIu64 ": posted, %u lines, %" PRIu64 " nasy in escrow",
                    response.job_id, jobs[i]->lines, response.escrow_nasy);
    }
    return AY_OK;
}

static enum ay_code post_all(struct consumer *c)
{
    bool more = true;
    while (more) {
        size_t mark = c->role->arena.used;
        AY_TRY(post_some(c, &more));
        ay_arena_rewind(&c->role->arena, mark);
    }
    return AY_OK;
}

/* --- receiving --- */

/* Computes some of the job's lines again and compares the bits. */
static enum ay_code recheck(struct consumer *c, const struct ay_consumed *job,
                            const struct ay_job_input *input, const float *rows)
{
    const struct ay_compute *compute = c->role->compute;
    uint32_t dims = c->options->model->dims, n = c->options->rechecks;
    if (n > job->lines) n = job->lines;
    float *own = AY_NEW(&c->role->arena, float, dims);
    if (!own) return AY_E_LIMIT;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = (uint32_t)((uint64_t)k * job->lines / n);
        struct ay_job_input one = {.runs = &input->runs[i], .runs_count = 1};
        AY_TRY(compute->run(compute->self, &one, own, NULL, NULL));
        if (memcmp(own, rows + (size_t)i * dims, sizeof *own * dims) == 0) continue;
        ay_role_say(c->role, "job %" PRIu64 ": line %u is not what this machine computes",
                    job->job_id, job->first_line + i + 1);
        return AY_E_HASH;
    }
    return AY_OK;
}

/* Is this what was claimed? */
static enum ay_code check_outputs(struct consumer *c, const struct ay_job_job *row,
                                  const struct ay_job_input *input, struct ay_slice bytes)
{
    uint8_t(*roots)[32], root[32];
    AY_TRY(ay_output_roots(c->role->compute->program, input, bytes.data, bytes.len, &c->role->arena,
                           &roots, root));
    return memcmp(root, row->output_root, 32) == 0 ? AY_OK : AY_E_HASH;
}

/* The outputs as the provider serves them, or else as the ledger makes it post them. */
static enum ay_code receive(struct consumer *c, const struct ay_job_job *row,
                            const struct ay_job_input *input, struct ay_slice *bytes)
{
    enum ay_code code = ay_role_blob(c->role, row->output_blob, row->output_url, bytes);
    if (code == AY_OK) code = check_outputs(c, row, input, *bytes);
    if (code == AY_OK || code == AY_E_INTERRUPTED) return code;
    AY_TRY(ay_demand_outputs(c->role, row, input, c->options->max_deposit_nasy, bytes));
    return check_outputs(c, row, input, *bytes);
}

static enum ay_code fetch(struct consumer *c, struct ay_consumed *job, const struct ay_job_job *row)
{
    struct ay_role *role = c->role;
    struct ay_job_input input;
    struct ay_slice bytes;
    AY_TRY(ay_role_input(role, row, &input));
    AY_TRY(receive(c, row, &input, &bytes));
    float *rows = c->out + (size_t)job->first_line * c->options->model->dims;
    memcpy(rows, bytes.data, bytes.len);
    AY_TRY(recheck(c, job, &input, rows));
    job->delivered = true;
    ay_role_say(role, "job %" PRIu64 ": output received, and it is what was claimed", job->job_id);
    return AY_OK;
}

static bool is_over(const struct consumer *c, const struct ay_consumed *job)
{
    if (job->job.state == AY_JOB_STATE_PAID) return job->delivered;
    return !c->options->wait_paid && job->delivered && job->job.state == AY_JOB_STATE_CLAIMED;
}

static bool has_failed(uint32_t state)
{
    return state > AY_JOB_STATE_PAID;
}

/* Looks at one job; when it came to nothing it is posted again. */
static enum ay_code look(struct consumer *c, uint32_t i)
{
    struct ay_consumed *job = &c->jobs[i];
    struct ay_job_query_job_request request = {.id = job->job_id};
    struct ay_job_job row;
    AY_TRY(ay_ask(c->role->node, &ay_job_query_job_request_msg, &request, &c->role->arena, &row));
    bool changed = row.state != job->job.state;
    job->job = row;
    job->job.input_url = job->job.output_url = (struct ay_slice){0};
    if (changed) {
        const struct ay_enum_value *state = ay_enum_find(&ay_job_state_enum, row.state);
        ay_role_say(c->role, "job %" PRIu64 ": %s", job->job_id,
                    state ? state->name + ORDINAL_STATE_NAME : "?");
    }
    if (!job->delivered && (row.state == AY_JOB_STATE_CLAIMED || row.state == AY_JOB_STATE_PAID)) {
        enum ay_code code = fetch(c, job, &row);
        if (code != AY_OK && code != job->trouble)
            ay_role_say(c->role, "job %" PRIu64 ": output: %s; trying again", job->job_id,
                        ay_code_info(code)->text);
        job->trouble = code;
        if (code != AY_OK && row.state == AY_JOB_STATE_PAID) return code;
    }
    if (!has_failed(row.state)) return AY_OK;
    if (++c->tries[i] >= MAX_TRIES) {
        ay_role_say(c->role, "job %" PRIu64 ": given up after %d tries", job->job_id, MAX_TRIES);
        return AY_E_REJECTED;
    }
    job->job_id = 0;
    job->delivered = false;
    return AY_OK;
}

static void count_ready(struct consumer *c)
{
    c->ready = 0;
    for (uint32_t i = 0; i < c->count; i++)
        if (is_over(c, &c->jobs[i])) c->ready += c->jobs[i].lines;
    if (c->progress) c->progress(c->context, c->ready);
}

static enum ay_code split(struct consumer *c)
{
    const struct ay_consume_options *o = c->options;
    uint32_t each = o->lines_a_job;
    AY_ASSERT(each > 0);
    uint32_t count = o->line_count / each + (o->line_count % each != 0);
    if (!count || count > AY_MAX_CONSUME_JOBS) return AY_E_RANGE;
    c->jobs = calloc(count, sizeof *c->jobs);
    c->tries = calloc(count, sizeof *c->tries);
    if (!c->jobs || !c->tries) return AY_E_MEMORY;
    c->count = count;
    for (uint32_t i = 0; i < count; i++) {
        c->jobs[i].first_line = i * each;
        c->jobs[i].lines = i + 1 < count ? each : o->line_count - i * each;
    }
    return AY_OK;
}

static enum ay_code follow(struct consumer *c)
{
    AY_TRY(post_all(c));
    while (c->ready < c->options->line_count) {
        AY_TRY(ay_role_next(c->role));
        for (uint32_t i = 0; i < c->count; i++) {
            if (is_over(c, &c->jobs[i])) continue;
            size_t mark = c->role->arena.used;
            enum ay_code code = look(c, i);
            ay_arena_rewind(&c->role->arena, mark);
            if (code != AY_OK && code != AY_E_UNREACHABLE && code != AY_E_TIMEOUT) return code;
        }
        AY_TRY(post_all(c));
        count_ready(c);
    }
    return AY_OK;
}

enum ay_code ay_consume(struct ay_role *role, const struct ay_consume_options *options, float *out,
                        struct ay_consumed **jobs, uint32_t *count,
                        void (*progress)(void *context, uint32_t lines), void *context)
{
    struct consumer c = {
        .role = role, .options = options, .out = out, .progress = progress, .context = context};
    enum ay_code code = split(&c);
    if (code == AY_OK) code = follow(&c);
    if (code == AY_E_INTERRUPTED)
        for (uint32_t i = 0; i < c.count; i++)
            if (c.jobs[i].job_id && !is_over(&c, &c.jobs[i]))
                ay_role_say(role, "job %" PRIu64 " goes on without you", c.jobs[i].job_id);
    free(c.tries);
    *jobs = c.jobs;
    *count = c.count;
    return code;
}
