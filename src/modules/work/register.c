#include "modules/work/verbs.h"

#include "ledger/gas.h"

/* What SPDX licence expressions are written with (SPDX 2.3, annex D). */
static bool is_spdx(struct ay_slice text)
{
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z', digit = c >= '0' && c <= '9';
        if (!letter && !digit && !memchr(" .-+():", c, 7)) return false;
    }
    return text.len > 0;
}

static bool is_name(struct ay_slice text)
{
    for (uint32_t i = 0; i < text.len; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f) return false;
    return text.len > 0;
}

/* Reads share i. AY_E_WORK_SHARES when an earlier one has its address. */
static enum ay_code read_share(struct ay_ctx *ctx, const struct ay_work_msg_register *msg,
                               uint32_t i, struct ay_work_share *shares)
{
    AY_TRY(ay_address_parse(msg->shares[i].address, shares[i].address));
    shares[i].bps = msg->shares[i].bps;
    for (uint32_t j = 0; j < i; j++)
        if (memcmp(shares[j].address, shares[i].address, AY_ADDRESS_BYTES) == 0)
            return ay_refuse(ctx, AY_E_WORK_SHARES, "shares %u and %u are of one address", j, i);
    return AY_OK;
}

static enum ay_code read_shares(struct ay_ctx *ctx, const struct ay_work_msg_register *msg,
                                struct ay_work_share *shares)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < msg->shares_count; i++) {
        AY_TRY(read_share(ctx, msg, i, shares));
        if (shares[i].bps == 0) return ay_refuse(ctx, AY_E_WORK_SHARES, "share %u is 0", i);
        sum += shares[i].bps;
    }
    if (msg->shares_count > 0 && sum != AY_BPS)
        return ay_refuse(ctx, AY_E_WORK_SHARES, "shares add up to %llu basis points",
                         (unsigned long long)sum);
    return AY_OK;
}

enum ay_code ay_work_register_check(struct ay_ctx *ctx, const void *message)
{
    const struct ay_work_msg_register *msg = message;
    if (!is_name(msg->name)) return ay_refuse(ctx, AY_E_REQUEST, "name is empty or not printable");
    if (!is_spdx(msg->licence))
        return ay_refuse(ctx, AY_E_REQUEST, "licence is not an SPDX expression");
    if (msg->royalty_bps > AY_BPS) return ay_refuse(ctx, AY_E_RANGE, "royalty_bps above 10000");
    if (msg->program.len == 0) return ay_refuse(ctx, AY_E_WORK_PROGRAM, "program is empty");
    struct ay_work_share shares[AY_MAX_WORK_MSG_REGISTER_SHARES];
    return read_shares(ctx, msg, shares);
}

/* Takes the registration's fee from the sender and burns it. */
static enum ay_code pay_fee(struct ay_ctx *ctx, const struct ay_work_params *params)
{
    return ay_bank_burn(ctx, ctx->signer, params->register_fee_nasy);
}

/* Fills what a work says of itself; the rest of *work is zero. */
static enum ay_code describe(struct ay_ctx *ctx, const struct ay_work_msg_register *msg,
                             struct ay_work_share *shares, struct ay_work_work *work)
{
    memcpy(work->owner, ctx->signer, AY_ADDRESS_BYTES);
    work->name = msg->name;
    work->licence = msg->licence;
    work->royalty_bps = msg->royalty_bps;
    AY_TRY(read_shares(ctx, msg, shares));
    work->shares = shares;
    work->shares_count = msg->shares_count;
    if (msg->shares_count > 0) return AY_OK;
    memcpy(shares[0].address, ctx->signer, AY_ADDRESS_BYTES);
    shares[0].bps = AY_BPS;
    work->shares_count = 1;
    return AY_OK;
}

/* The program's bytes under their id, unless they stand there already. */
static enum ay_code store_program(struct ay_ctx *ctx, struct ay_slice program,
                                  struct ay_work_work *work)
{
    struct ay_work_program decoded;
    AY_TRY(ay_gas_charge(ctx, (uint64_t)program.len * AY_GAS_HASH_BYTE));
    AY_TRY(ay_work_decode(ctx, program, &decoded));
    ay_work_id(program, work->id);
    ay_work_weights_root(&decoded, work->weights_root);
    struct ay_work_work_program row = {0};
    memcpy(row.id, work->id, AY_HASH_BYTES);
    enum ay_code code = ay_row_get(ctx, &ay_work_work_program_msg, &row);
    if (code == AY_OK) return ay_refuse(ctx, AY_E_EXISTS, "this program is registered");
    if (code != AY_E_NOT_FOUND) return code;
    row.program = program;
    return ay_row_put(ctx, &ay_work_work_program_msg, &row);
}

enum ay_code ay_work_register(struct ay_ctx *ctx, const void *message, void *response)
{
    const struct ay_work_msg_register *msg = message;
    struct ay_work_msg_register_response *answer = response;
    struct ay_work_params params = {0};
    struct ay_work_work work = {0};
    struct ay_work_share shares[AY_MAX_WORK_WORK_SHARES] = {0};
    struct ay_work_ancestor ancestors[AY_MAX_WORK_WORK_ANCESTORS] = {0};

    AY_TRY(ay_row_get(ctx, &ay_work_params_msg, &params));
    AY_TRY(pay_fee(ctx, &params));
    AY_TRY(describe(ctx, msg, shares, &work));
    AY_TRY(ay_work_flatten(ctx, msg->parents, msg->parents_count, ancestors,
                           &work.ancestors_count));
    work.ancestors = ancestors;
    if (ay_work_gross(&work) > params.max_royalty_bps)
        return ay_refuse(ctx, AY_E_WORK_SHARES, "royalty with ancestors is %u bps, %u at most",
                         ay_work_gross(&work), params.max_royalty_bps);
    AY_TRY(store_program(ctx, msg->program, &work));
    memcpy(answer->work_id, work.id, AY_HASH_BYTES);
    return ay_row_put(ctx, &ay_work_work_msg, &work);
}
