#include "modules/work/verbs.h"

#include "base/codec.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "ledger/gas.h"
#include "verify/game.h"

void ay_work_id(struct ay_slice program, uint8_t out[AY_HASH_BYTES])
{
    const struct ay_slice parts[] = {ay_slice_str(AY_PROGRAM_TAG), program};
    ay_sha256_parts(parts, 2, out);
}

void ay_work_weights_root(const struct ay_work_program *program, uint8_t out[AY_HASH_BYTES])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < program->weights_count; i++)
        ay_merkle_add(&tree, AY_SLICE_OF(program->weights[i].root));
    ay_merkle_root(&tree, out);
}

enum ay_code ay_work_decode(struct ay_ctx *ctx, struct ay_slice bytes,
                            struct ay_work_program *program)
{
    struct ay_fault wrong;
    enum ay_code code = ay_decode(&ay_work_program_msg, bytes, ctx->arena, program, &wrong);
    if (code == AY_E_FORMAT) {
        char text[160];
        ay_fault_text(&wrong, text, sizeof text);
        return ay_refuse(ctx, AY_E_WORK_PROGRAM, "program: %s", text);
    }
    AY_TRY(code);
    struct ay_program_fault fault = {.op = AY_NO_OP, .reason = ""};
    if (ay_program_check(program, &fault) == AY_OK) {
        const char *reason;
        if (ay_game_check(program, &reason) == AY_OK) return AY_OK;
        return ay_refuse(ctx, AY_E_WORK_PROGRAM, "%s", reason);
    }
    if (fault.op == AY_NO_OP)
        return ay_refuse(ctx, AY_E_WORK_PROGRAM, "program: %s", fault.reason);
    return ay_refuse(ctx, AY_E_WORK_PROGRAM, "program: op %u: %s", fault.op, fault.reason);
}

enum ay_code ay_work_program(struct ay_ctx *ctx, const uint8_t id[AY_HASH_BYTES],
                             struct ay_work_program *program)
{
    struct ay_work_work_program row = {0};
    memcpy(row.id, id, AY_HASH_BYTES);
    AY_TRY(ay_row_get(ctx, &ay_work_work_program_msg, &row));
    return ay_decode(&ay_work_program_msg, row.program, ctx->arena, program, NULL);
}
