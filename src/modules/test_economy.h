/* For tests: the whole economy on a ledger in memory, with one registered program and short calls
 * for each verb. People are ay_test_names; amounts in nasy. */
#ifndef AY_MODULES_TEST_ECONOMY_H
#define AY_MODULES_TEST_ECONOMY_H

#include "base/codec.h"
#include "base/gen/bank.h"
#include "ledger/invariants.h"
#include "ledger/test_kv.h"
#include "modules/bank/bank.h"
#include "modules/job/job.h"
#include "modules/market/market.h"
#include "modules/stake/stake.h"
#include "modules/work/work.h"
#include "tensor/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* The modules under test; disputes are played by calling what their module would call. */
static const struct ay_module *const eco_modules[] = {
    &ay_bank_module, &ay_stake_module, &ay_work_module, &ay_market_module, &ay_job_module, NULL,
};
static const struct ay_economy eco_economy = {eco_modules, ay_bank_move};

#define ASY UINT64_C(1000000000)
#define AY_ECO_LENGTH_MAX 64

struct ay_who {
    uint8_t address[AY_ADDRESS_BYTES];
    char text[AY_ADDRESS_TEXT_CHARS + 1];
};

static inline struct ay_who who(const char *name)
{
    struct ay_who w;
    ay_test_address(name, w.address, w.text);
    return w;
}

static inline uint64_t balance(struct ay_test *t, const char *name)
{
    uint64_t amount;
    struct ay_who w = who(name);
    assert_int_equal(ay_bank_balance(ay_test_ctx(t), w.address, &amount), AY_OK);
    return amount;
}

/* Canonical bytes of a program: rows of a table (width, 2) looked up by token ids (S). Another
 * width is another program. */
static inline struct ay_slice eco_program(uint32_t width)
{
    static uint8_t bytes[512];
    const uint32_t in_dims[] = {AY_DIM_SYMBOL}, max_dims[] = {AY_ECO_LENGTH_MAX};
    const uint32_t table_dims[] = {width, 2}, out_dims[] = {AY_DIM_SYMBOL, 2}, operands[] = {1, 0};
    const struct ay_work_tensor_type input = {AY_WORK_DTYPE_I32, in_dims, 1};
    struct ay_work_weight table = {AY_WORK_DTYPE_F32, table_dims, 2, {7}};
    const struct ay_work_op op = {.kind = AY_WORK_OP_GATHER,
                                  .in = operands,
                                  .in_count = 2,
                                  .dims = out_dims,
                                  .dims_count = 2};
    const struct ay_work_program program = {.numerics = 1,
                                            .iterate = 1,
                                            .max_dims = max_dims,
                                            .max_dims_count = 1,
                                            .inputs = &input,
                                            .inputs_count = 1,
                                            .weights = &table,
                                            .weights_count = 1,
                                            .ops = &op,
                                            .ops_count = 1};
    uint32_t len;
    enum ay_code code = ay_encode(&ay_work_program_msg, &program, bytes, sizeof bytes, &len);
    AY_ASSERT(code == AY_OK);
    return ay_slice(bytes, len);
}

static inline struct ay_work_msg_register eco_register_msg(const struct ay_who *owner,
                                                           uint32_t width)
{
    return (struct ay_work_msg_register){.owner = ay_slice_str(owner->text),
                                         .name = ay_slice_str("table"),
                                         .licence = ay_slice_str("Apache-2.0"),
                                         .royalty_bps = 500,
                                         .program = eco_program(width)};
}

static inline void eco_register(struct ay_test *t, const char *owner, uint32_t width,
                                uint8_t id[AY_HASH_BYTES])
{
    struct ay_who w = who(owner);
    struct ay_work_msg_register msg = eco_register_msg(&w, width);
    struct ay_work_msg_register_response answer;
    enum ay_code code = ay_test_run(t, &ay_work_msg_register_msg, &msg, &answer);
    if (code != AY_OK) fail_msg("%s", t->ledger.ctx.reason);
    memcpy(id, answer.work_id, AY_HASH_BYTES);
}

static inline enum ay_code eco_bond(struct ay_test *t, const char *name, uint64_t amount)
{
    struct ay_who w = who(name);
    struct ay_stake_msg_bond msg = {ay_slice_str(w.text), amount};
    return ay_test_run(t, &ay_stake_msg_bond_msg, &msg, NULL);
}

static inline enum ay_code eco_unbond(struct ay_test *t, const char *name, uint64_t amount)
{
    struct ay_who w = who(name);
    struct ay_stake_msg_unbond msg = {ay_slice_str(w.text), amount};
    return ay_test_run(t, &ay_stake_msg_unbond_msg, &msg, NULL);
}

/* An ask of tier 0 with room for `capacity` units and a lock of 10 ASY. */
static inline struct ay_market_msg_ask eco_ask_msg(const struct ay_who *provider,
                                                   const uint8_t program_id[AY_HASH_BYTES],
                                                   uint64_t price, uint64_t capacity)
{
    struct ay_market_msg_ask msg = {.provider = ay_slice_str(provider->text),
                                    .price_nasy = price,
                                    .capacity_units = capacity,
                                    .lock_nasy = 10 * ASY,
                                    .rate_units = 1000,
                                    .url = ay_slice_str("http://127.0.0.1:1")};
    memcpy(msg.program_id, program_id, AY_HASH_BYTES);
    return msg;
}

static inline uint64_t eco_ask(struct ay_test *t, const char *name,
                               const uint8_t program_id[AY_HASH_BYTES], uint64_t price,
                               uint64_t capacity)
{
    struct ay_who w = who(name);
    struct ay_market_msg_ask msg = eco_ask_msg(&w, program_id, price, capacity);
    struct ay_market_msg_ask_response answer;
    enum ay_code code = ay_test_run(t, &ay_market_msg_ask_msg, &msg, &answer);
    if (code != AY_OK) fail_msg("%s", t->ledger.ctx.reason);
    return answer.ask_id;
}

static inline enum ay_code eco_cancel_ask(struct ay_test *t, const char *name, uint64_t id)
{
    struct ay_who w = who(name);
    struct ay_market_msg_cancel_ask msg = {ay_slice_str(w.text), id};
    return ay_test_run(t, &ay_market_msg_cancel_ask_msg, &msg, NULL);
}

static inline struct ay_job_msg_post eco_post_msg(const struct ay_who *consumer,
                                                  const uint8_t program_id[AY_HASH_BYTES],
                                                  const uint32_t *lengths, uint32_t count,
                                                  uint64_t max_price)
{
    struct ay_job_msg_post msg = {.consumer = ay_slice_str(consumer->text),
                                  .lengths = lengths,
                                  .lengths_count = count,
                                  .max_price_nasy = max_price,
                                  .input_url = ay_slice_str("http://127.0.0.1:2")};
    memcpy(msg.program_id, program_id, AY_HASH_BYTES);
    return msg;
}

/* A job of one run of `length` tokens. */
static inline struct ay_job_msg_post_response eco_post(struct ay_test *t, const char *name,
                                                       const uint8_t program_id[AY_HASH_BYTES],
                                                       uint32_t length, uint64_t max_price)
{
    struct ay_who w = who(name);
    struct ay_job_msg_post msg = eco_post_msg(&w, program_id, &length, 1, max_price);
    struct ay_job_msg_post_response answer;
    enum ay_code code = ay_test_run(t, &ay_job_msg_post_msg, &msg, &answer);
    if (code != AY_OK) fail_msg("%s", t->ledger.ctx.reason);
    return answer;
}

static inline struct ay_job_job eco_job(struct ay_test *t, uint64_t id)
{
    struct ay_job_job job;
    assert_int_equal(ay_job_get(ay_test_ctx(t), id, &job), AY_OK);
    return job;
}

static inline enum ay_code eco_cancel(struct ay_test *t, const char *name, uint64_t id)
{
    struct ay_who w = who(name);
    struct ay_job_msg_cancel msg = {ay_slice_str(w.text), id};
    return ay_test_run(t, &ay_job_msg_cancel_msg, &msg, NULL);
}

static inline enum ay_code eco_accept(struct ay_test *t, const char *name, uint64_t id)
{
    struct ay_who w = who(name);
    struct ay_job_msg_accept msg = {ay_slice_str(w.text), id};
    return ay_test_run(t, &ay_job_msg_accept_msg, &msg, NULL);
}

static inline struct ay_job_msg_claim eco_claim_msg(struct ay_test *t, const struct ay_who *provider,
                                                    uint64_t id)
{
    struct ay_job_job job = eco_job(t, id);
    struct ay_job_msg_claim msg = {.provider = ay_slice_str(provider->text),
                                   .job_id = id,
                                   .n_in = job.n_in,
                                   .n_out = job.runs,
                                   .stop_reason = 1,
                                   .output_root = {9}};
    memcpy(msg.request_hash, job.request_hash, AY_HASH_BYTES);
    return msg;
}

static inline enum ay_code eco_claim(struct ay_test *t, const char *name, uint64_t id)
{
    struct ay_who w = who(name);
    struct ay_job_msg_claim msg = eco_claim_msg(t, &w, id);
    return ay_test_run(t, &ay_job_msg_claim_msg, &msg, NULL);
}

static inline void eco_block(struct ay_test *t, uint64_t step_ms)
{
    if (ay_test_block(t, step_ms) != AY_OK) fail_msg("%s", t->ledger.ctx.reason);
}

/* Ends the block that is open, if any, and lets ms pass. */
static inline void eco_wait(struct ay_test *t, uint64_t ms)
{
    if (t->ledger.in_block) eco_block(t, 0);
    if (ay_test_wait(t, ms) != AY_OK) fail_msg("%s", t->ledger.ctx.reason);
}

/* Alice and Bob bonded with 1000 ASY, the author's program registered. */
static inline struct ay_test *eco_new(uint8_t program_id[AY_HASH_BYTES])
{
    struct ay_test *t = ay_test_new(&eco_economy, NULL);
    eco_register(t, "author", 4, program_id);
    assert_int_equal(eco_bond(t, "alice", 1000 * ASY), AY_OK);
    assert_int_equal(eco_bond(t, "bob", 1000 * ASY), AY_OK);
    eco_block(t, 1000);
    return t;
}

#endif
