#include "role/role.h"

#include "base/codec.h"
#include "base/gen/dispute.h"
#include "role/jobio.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum ay_code ay_role_open(struct ay_role *role, const char *dir, uint64_t quota_bytes)
{
    const struct ay_blob_limits limits = {.max_blob_bytes = AY_MAX_INPUT_BLOB_BYTES,
                                          .max_total_bytes = quota_bytes};
    role->mem = aligned_alloc(16, AY_ROLE_ARENA_BYTES);
    if (!role->mem) return AY_E_MEMORY;
    role->arena = ay_arena_over(role->mem, AY_ROLE_ARENA_BYTES);
    const struct ay_http_client_options http = {.max_bytes = AY_MAX_INPUT_BLOB_BYTES};
    AY_TRY(ay_http_client_open(&http, &role->http));
    return ay_blob_open(dir, &limits, &role->blobs);
}

void ay_role_close(struct ay_role *role)
{
    ay_blob_close(role->blobs);
    ay_http_client_close(role->http);
    free(role->mem);
    role->blobs = NULL;
    role->http = NULL;
    role->mem = NULL;
}

void ay_role_say(const struct ay_role *role, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", role->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

enum ay_code ay_role_next(struct ay_role *role)
{
    const struct timespec pause = {0, AY_ROLE_POLL_MS * 1000000l};
    for (;;) {
        if (*role->stop) return AY_E_INTERRUPTED;
        struct ay_node_status status;
        enum ay_code code = ay_node_status(role->node, &status);
        if (code != AY_OK && !role->unreachable)
            ay_role_say(role, "%s; trying again", ay_node_message(role->node));
        if (code == AY_OK && role->unreachable) ay_role_say(role, "the node is back");
        role->unreachable = code != AY_OK;
        if (code == AY_OK && (uint64_t)status.height != role->height) {
            role->height = (uint64_t)status.height;
            ay_arena_rewind(&role->arena, 0);
            return AY_OK;
        }
        nanosleep(&pause, NULL);
    }
}

enum ay_code ay_role_send(struct ay_role *role, const struct ay_msg *msg, const void *value,
                          const struct ay_msg *response_msg, void *response)
{
    struct ay_outgoing out = {msg, value};
    struct ay_sent sent;
    enum ay_code code = ay_wallet_send(role->wallet, &out, 1, 0, "", &sent);
    if (code != AY_OK) {
        ay_role_say(role, "%s: %s", msg->name, ay_node_message(role->node));
        return code;
    }
    if (sent.code != AY_OK) {
        ay_role_say(role, "%s refused: %s", msg->name, sent.log);
        return sent.code;
    }
    return response ? ay_sent_response(&sent, 0, response_msg, &role->arena, response) : AY_OK;
}

/* A row's URL as a C string; what is no URL the HTTP client refuses. */
static enum ay_code url_of(struct ay_slice base, char out[160])
{
    if (!base.len || base.len >= 160 || memchr(base.data, 0, base.len)) return AY_E_USAGE;
    memcpy(out, base.data, base.len);
    out[base.len] = 0;
    return AY_OK;
}

enum ay_code ay_role_blob(struct ay_role *role, const uint8_t id[32], struct ay_slice base,
                          struct ay_slice *bytes)
{
    uint8_t *got;
    uint32_t len;
    char url[160];
    enum ay_code code = ay_blob_get(role->blobs, id, &got, &len);
    if (code == AY_E_NOT_FOUND || code == AY_E_CORRUPT) {
        AY_TRY(url_of(base, url));
        AY_TRY(ay_blob_download(role->http, url, id, role->blobs));
        code = ay_blob_get(role->blobs, id, &got, &len);
    }
    if (code != AY_OK) return code;
    code = ay_arena_copy(&role->arena, ay_slice(got, len), bytes);
    free(got);
    return code;
}

enum ay_code ay_role_input(struct ay_role *role, const struct ay_job_job *job,
                           struct ay_job_input *input)
{
    struct ay_slice bytes;
    uint8_t(*roots)[32], root[32];
    uint64_t n_in = 0;
    AY_TRY(ay_role_blob(role, job->input_blob, job->input_url, &bytes));
    AY_TRY(ay_input_decode(bytes, role->compute->program, &role->arena, input));
    AY_TRY(ay_input_roots(input, &role->arena, &roots, root));
    for (uint32_t i = 0; i < input->runs_count; i++) n_in += input->runs[i].ids_count;
    if (input->runs_count != job->runs || n_in != job->n_in) return AY_E_RANGE;
    return memcmp(root, job->input_root, 32) == 0 ? AY_OK : AY_E_HASH;
}

enum ay_code ay_role_compute(struct ay_role *role, const struct ay_job_input *input,
                             bool (*done)(void *context, uint32_t runs), void *context,
                             struct ay_slice *outputs)
{
    const struct ay_compute *compute = role->compute;
    uint64_t elements = 0;
    for (uint32_t i = 0; i < input->runs_count; i++) {
        uint32_t n;
        AY_TRY(ay_output_elements(compute->program, input->runs[i].ids_count, &n));
        elements += n;
    }
    float *out = ay_arena_take(&role->arena, elements, sizeof *out);
    if (!out || elements > UINT32_MAX / 4) return AY_E_LIMIT;
    *outputs = ay_slice(out, (uint32_t)(4 * elements));
    return compute->run(compute->self, input, out, done, context);
}

/* Naming a run needs no more of its truth than its ids. */
static enum ay_code run_ids(void *self, uint32_t value, const uint8_t **data, uint64_t *len)
{
    const struct ay_job_run *run = *(const struct ay_job_run *const *)self;
    AY_ASSERT(value == 0);
    *data = (const uint8_t *)run->ids;
    *len = 4ull * run->ids_count;
    return AY_OK;
}

enum ay_code ay_role_name_run(struct ay_role *role, const struct ay_job_job *job,
                              const struct ay_job_input *input, uint32_t run,
                              struct ay_role_run *out)
{
    uint8_t root[32], (*roots)[32];
    const struct ay_job_run *truth = &input->runs[run];
    AY_TRY(ay_input_roots(input, &role->arena, &roots, root));
    struct ay_player player = {.claim = {.program = role->compute->program,
                                         .runs = job->runs,
                                         .input_root = job->input_root,
                                         .output_root = job->output_root},
                               .run = run,
                               .length = truth->ids_count,
                               .tensor = run_ids,
                               .self = &truth,
                               .input_roots = (const uint8_t(*)[32])roots};
    out->length = player.length;
    return ay_player_open(&player, &role->arena, out->merkle_root, &out->proof);
}

enum ay_code ay_role_jobs(struct ay_role *role, const char *provider, uint32_t state,
                          uint64_t from_id, struct ay_job_query_jobs_response *jobs)
{
    struct ay_job_query_jobs_request request = {
        .provider = ay_slice_str(provider), .state = state, .from_id = from_id};
    return ay_ask(role->node, &ay_job_query_jobs_request_msg, &request, &role->arena, jobs);
}
