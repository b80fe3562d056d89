#include "role/role.h"

#include "base/gen/dispute.h"
#include "role/jobio.h"
#include "tensor/program.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors in memory are their wire bytes");

/* What the player asks for: the operands of one traced run. */
struct truth {
    struct ay_role *role;
    const struct ay_job_run *run;
};

static enum ay_code tensor(void *self, uint32_t value, const uint8_t **data, uint64_t *len)
{
    const struct truth *truth = self;
    const struct ay_compute *compute = truth->role->compute;
    const struct ay_work_program *program = compute->program;
    uint32_t weights = program->inputs_count, ops = weights + program->weights_count;
    struct ay_tensor_type type;
    AY_TRY(ay_program_shape(program, value, &truth->run->ids_count, &type));
    *len = ay_tensor_elements(&type) * ay_dtype_bytes(type.dtype);
    if (value < weights)
        *data = (const uint8_t *)truth->run->ids;
    else if (value < ops)
        *data = compute->weights[value - weights];
    else
        *data = compute->op_output(compute->self, value - ops);
    return AY_OK;
}

/* Runs the disputed run once and keeps the roots of its ops until another run is asked for. */
static enum ay_code trace(struct ay_role *role, uint64_t job, uint32_t run, struct truth *truth,
                          struct ay_player *player)
{
    const struct ay_work_program *program = role->compute->program;
    if (!role->traced.valid || role->traced.job != job || role->traced.run != run) {
        role->traced.valid = false;
        free(role->traced.roots);
        role->traced.roots = calloc(program->ops_count, 32);
        if (!role->traced.roots) return AY_E_MEMORY;
        AY_TRY(role->compute->trace(role->compute->self, truth->run));
        AY_TRY(ay_player_roots(player, role->traced.roots));
        role->traced.valid = true;
        role->traced.job = job;
        role->traced.run = run;
    }
    player->op_roots = (const uint8_t(*)[32])role->traced.roots;
    return AY_OK;
}

static enum ay_code answer(struct ay_role *role, const struct ay_dispute_fork *fork,
                           struct ay_player *player, const struct ay_job_job *job,
                           const struct ay_job_input *input)
{
    struct ay_game_answer move;
    struct ay_slice output;
    uint8_t(*roots)[32], root[32];
    AY_TRY(ay_role_blob(role, job->output_blob, job->output_url, &output));
    AY_TRY(ay_output_roots(role->compute->program, input, output.data, output.len, &role->arena,
                           &roots, root));
    player->run_roots = (const uint8_t(*)[32])roots;
    AY_TRY(ay_player_answer(player, &fork->game, &role->arena, &move));
    struct ay_dispute_msg_answer msg = {.provider = ay_slice_str(role->signer->text),
                                        .fork_id = fork->id,
                                        .data = move.data,
                                        .proof = move.proof,
                                        .tail = move.tail};
    ay_role_say(role, "dispute %llu about job %llu, run %u: answering with %u bytes",
                (unsigned long long)fork->id, (unsigned long long)fork->job_id, fork->game.run,
                move.data.len + move.proof.len + move.tail.len);
    return ay_role_send(role, &ay_dispute_msg_answer_msg, &msg, NULL, NULL);
}

/* The provider's answer at a depth of the fork; 0 is the last one. */
static enum ay_code listing(struct ay_role *role, uint64_t fork, uint32_t depth, struct ay_slice *out)
{
    struct ay_dispute_query_answer_request request = {.fork_id = fork, .depth = depth};
    struct ay_dispute_answer got;
    AY_TRY(ay_ask(role->node, &ay_dispute_query_answer_request_msg, &request, &role->arena, &got));
    *out = got.data;
    return AY_OK;
}

static enum ay_code choose(struct ay_role *role, const struct ay_dispute_fork *fork,
                           struct ay_player *player)
{
    struct ay_player_move move;
    struct ay_slice last, me = ay_slice_str(role->signer->text);
    unsigned long long id = fork->id;
    AY_TRY(listing(role, fork->id, 0, &last));
    AY_TRY(listing(role, fork->id, 1, &player->lists[0]));
    if (role->compute->program->ops_count > AY_GAME_WAYS && fork->game.depth > 2)
        AY_TRY(listing(role, fork->id, 2, &player->lists[1]));
    AY_TRY(ay_player_choose(player, &fork->game, last, &role->arena, &move));
    if (move.agree) {
        ay_role_say(role, "dispute %llu: the provider's answer is right; leaving it", id);
        return AY_OK;
    }
    if (!move.step) {
        struct ay_dispute_msg_pick pick = {
            .challenger = me, .fork_id = fork->id, .index = move.index};
        ay_role_say(role, "dispute %llu: entry %u of the answer is wrong", id, move.index);
        return ay_role_send(role, &ay_dispute_msg_pick_msg, &pick, NULL, NULL);
    }
    struct ay_dispute_msg_step step = {.challenger = me,
                                       .fork_id = fork->id,
                                       .index = move.index,
                                       .has_evidence = true,
                                       .evidence = move.evidence};
    struct ay_dispute_msg_step_response verdict = {0};
    ay_role_say(role, "dispute %llu: showing the inputs of entry %u to the ledger", id, move.index);
    AY_TRY(ay_role_send(role, &ay_dispute_msg_step_msg, &step, &ay_dispute_msg_step_response_msg,
                        &verdict));
    ay_role_say(role, "dispute %llu: %s", id, verdict.proved ? "the claim is proved wrong" : "lost");
    return AY_OK;
}

enum ay_code ay_role_play(struct ay_role *role, const struct ay_dispute_fork *fork,
                          const struct ay_job_job *job, const struct ay_job_input *input)
{
    bool provider = memcmp(fork->provider, role->signer->address, AY_ADDRESS_BYTES) == 0;
    enum ay_party mine = provider ? AY_PARTY_PROVIDER : AY_PARTY_CHALLENGER;
    if (ay_game_mover(fork->game.state) != mine) return AY_OK;
    AY_ASSERT(fork->game.run < input->runs_count);
    struct truth truth = {.role = role, .run = &input->runs[fork->game.run]};
    uint8_t(*input_roots)[32], root[32];
    AY_TRY(ay_input_roots(input, &role->arena, &input_roots, root));
    struct ay_player player = {.claim = {.program = role->compute->program,
                                         .runs = job->runs,
                                         .input_root = job->input_root,
                                         .output_root = job->output_root},
                               .run = fork->game.run,
                               .length = truth.run->ids_count,
                               .tensor = tensor,
                               .self = &truth,
                               .input_roots = (const uint8_t(*)[32])input_roots};
    AY_TRY(trace(role, fork->job_id, fork->game.run, &truth, &player));
    return provider ? answer(role, fork, &player, job, input) : choose(role, fork, &player);
}
