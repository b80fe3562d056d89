/* Every invariant is broken in every way it speaks of, on a ledger with something in each state, and
 * must be caught by name in its step form, over the block's changes, and in its full form. */
#include "modules/test_economy.h"

#include "base/gen/bank.h"

#define FEE_PRICE (UINT64_C(1000000) * 1000000)

static uint8_t program_id[AY_HASH_BYTES];
static uint64_t posted, matched, accepted, claimed, paid, ask, closed_ask;

/* Coins appear in a module's account; supply and balances still agree. */
static void give(struct ay_ctx *ctx, const char *module)
{
    uint8_t address[AY_ADDRESS_BYTES];
    ay_module_address(module, address);
    assert_int_equal(ay_bank_mint(ctx, address, 1), AY_OK);
}

static void put(struct ay_ctx *ctx, const struct ay_msg *msg, const void *row)
{
    assert_int_equal(ay_row_put(ctx, msg, row), AY_OK);
}

static void del(struct ay_ctx *ctx, const struct ay_msg *msg, const void *row)
{
    assert_int_equal(ay_row_del(ctx, msg, row), AY_OK);
}

/* The first row of a kind. */
static void first(struct ay_ctx *ctx, const struct ay_msg *msg, void *row)
{
    struct ay_row_walk walk;
    assert_int_equal(ay_row_walk_begin(&walk, msg, 0, row, 0), AY_OK);
    assert_int_equal(ay_row_walk_next(ctx, &walk, row), AY_OK);
}

/* Changes one row: defines a way named NAME that edits *row of TYPE and puts it back. */
#define EDIT(NAME, TYPE, FIND, CHANGE)         \
    static void NAME(struct ay_ctx *ctx)       \
    {                                          \
        struct TYPE row = {0};                 \
        FIND;                                  \
        CHANGE;                                \
        put(ctx, &TYPE##_msg, &row);           \
    }
#define FIRST(TYPE) first(ctx, &TYPE##_msg, &row)
#define JOB(ID) assert_int_equal(ay_job_get(ctx, ID, &row), AY_OK)
#define ASK(ID) (row.id = (ID), assert_int_equal(ay_row_get(ctx, &ay_market_ask_msg, &row), AY_OK))

static void stake_coins(struct ay_ctx *ctx)
{
    give(ctx, "stake");
}
EDIT(bond_appears, ay_stake_operator, FIRST(ay_stake_operator), row.bond_nasy++)
EDIT(locked_drifts, ay_stake_operator, FIRST(ay_stake_operator), row.locked_nasy++)
EDIT(locks_exceed_bond, ay_stake_operator, FIRST(ay_stake_operator), row.bond_nasy = row.locked_nasy - 1)
EDIT(slash_undone, ay_stake_operator, FIRST(ay_stake_operator), row.slashed_nasy--)
EDIT(lock_grows, ay_stake_lock, FIRST(ay_stake_lock), row.amount_nasy++)
EDIT(lock_empty, ay_stake_lock, FIRST(ay_stake_lock), row.amount_nasy = 0)
EDIT(unbonding_grows, ay_stake_unbonding, FIRST(ay_stake_unbonding), row.amount_nasy++)
EDIT(bonded_total, ay_stake_totals, FIRST(ay_stake_totals), (row.bonded_nasy++, row.unbonding_nasy--))

static void lock_changes_owner(struct ay_ctx *ctx)
{
    struct ay_stake_lock lock = {0};
    first(ctx, &ay_stake_lock_msg, &lock);
    del(ctx, &ay_stake_lock_msg, &lock);
    lock.operator[0] ^= 0x80;
    put(ctx, &ay_stake_lock_msg, &lock);
}

static void unbonding_ends_early(struct ay_ctx *ctx)
{
    struct ay_stake_unbonding row = {0};
    struct ay_stake_totals totals = {0};
    uint8_t module[AY_ADDRESS_BYTES];
    ay_module_address("stake", module);
    first(ctx, &ay_stake_unbonding_msg, &row);
    first(ctx, &ay_stake_totals_msg, &totals);
    totals.unbonding_nasy -= row.amount_nasy;
    del(ctx, &ay_stake_unbonding_msg, &row);
    put(ctx, &ay_stake_totals_msg, &totals);
    assert_int_equal(ay_bank_move(ctx, module, row.address, row.amount_nasy), AY_OK);
}

static void work_coins(struct ay_ctx *ctx)
{
    give(ctx, "work");
}
EDIT(royalty_appears, ay_work_work, FIRST(ay_work_work), row.paid_nasy++)
EDIT(royalty_falls, ay_work_work, FIRST(ay_work_work), (row.paid_nasy--, row.earned_nasy--))
EDIT(shares_shrink, ay_work_work, FIRST(ay_work_work), row.shares_count = 0)
EDIT(royalty_above_fee, ay_work_work, FIRST(ay_work_work), row.royalty_bps = 10001)
EDIT(earned_unpaid, ay_work_work, FIRST(ay_work_work), row.earned_nasy += row.paid_nasy + 1)
EDIT(withdrawn_grows, ay_work_withdrawn, FIRST(ay_work_withdrawn), row.amount_nasy += UINT32_MAX)
EDIT(held_total, ay_work_totals, FIRST(ay_work_totals), row.held_nasy++)

static void withdrawal_forgotten(struct ay_ctx *ctx)
{
    struct ay_work_withdrawn row = {0};
    first(ctx, &ay_work_withdrawn_msg, &row);
    del(ctx, &ay_work_withdrawn_msg, &row);
}

static void work_without_program(struct ay_ctx *ctx)
{
    struct ay_work_work row = {0};
    first(ctx, &ay_work_work_msg, &row);
    row.id[0] ^= 1;
    row.paid_nasy = row.earned_nasy = 0;
    put(ctx, &ay_work_work_msg, &row);
}

static void program_of_another(struct ay_ctx *ctx)
{
    struct ay_work_work row = {0};
    struct ay_work_work_program program = {0};
    first(ctx, &ay_work_work_msg, &row);
    first(ctx, &ay_work_work_program_msg, &program);
    row.id[0] ^= 1;
    program.id[0] ^= 1;
    row.paid_nasy = row.earned_nasy = 0;
    put(ctx, &ay_work_work_msg, &row);
    put(ctx, &ay_work_work_program_msg, &program);
}

static void work_gone(struct ay_ctx *ctx)
{
    struct ay_work_work row = {0};
    first(ctx, &ay_work_work_msg, &row);
    del(ctx, &ay_work_work_msg, &row);
}

EDIT(free_lock_grows, ay_market_ask, ASK(ask), row.free_lock_nasy++)
EDIT(over_capacity, ay_market_ask, ASK(ask), row.used_units = row.capacity_units + 1)
EDIT(jobs_without_units, ay_market_ask, ASK(ask), row.jobs = 0)
EDIT(closed_and_idle, ay_market_ask, ASK(closed_ask), (row.jobs = 0, row.used_units = 0))
EDIT(ask_price_moves, ay_market_ask, ASK(ask), row.price_nasy++)
EDIT(bid_units_differ, ay_market_bid, FIRST(ay_market_bid), row.units++)
EDIT(bid_rank_wrong, ay_market_bid, FIRST(ay_market_bid), row.price_rank--)
EDIT(bid_without_job, ay_market_bid, FIRST(ay_market_bid), row.job_id = 999)
EDIT(bid_of_ended_job, ay_market_bid, FIRST(ay_market_bid), row.job_id = paid)

static void ask_gone(struct ay_ctx *ctx)
{
    struct ay_market_ask row = {0};
    ASK(ask);
    del(ctx, &ay_market_ask_msg, &row);
}

static void job_coins(struct ay_ctx *ctx)
{
    give(ctx, "job");
}
EDIT(escrow_grows, ay_job_job, JOB(claimed), row.escrow_nasy++)
EDIT(escrow_total, ay_job_totals, FIRST(ay_job_totals), row.escrow_nasy++)
EDIT(paid_twice, ay_job_job, JOB(paid), row.state = AY_JOB_STATE_CLAIMED)
EDIT(ended_holds_escrow, ay_job_job, JOB(paid), row.escrow_nasy = 5)
EDIT(job_lock_differs, ay_job_job, JOB(accepted), row.lock_nasy--)
EDIT(deadline_lost, ay_job_job, JOB(accepted), row.deadline_ms = 0)
EDIT(deadline_early, ay_job_job, JOB(posted), row.deadline_ms = 1)
EDIT(frozen_deadline, ay_job_job, JOB(claimed), row.open_forks = 1)
EDIT(fork_too_soon, ay_job_job, JOB(matched), (row.open_forks = 1, row.deadline_ms = 0))
EDIT(demand_too_soon, ay_job_job, JOB(accepted), row.open_demands = 1)
EDIT(demand_after_the_end, ay_job_job, JOB(paid), row.open_demands = 1)

static void posted_without_bid(struct ay_ctx *ctx)
{
    struct ay_job_job row;
    struct ay_market_bid bid = {.job_id = posted};
    JOB(posted);
    del(ctx, &ay_market_bid_msg, &bid);
    row.input_url = ay_slice_str("http://elsewhere");
    put(ctx, &ay_job_job_msg, &row);
}

static void job_gone(struct ay_ctx *ctx)
{
    struct ay_job_job row;
    JOB(paid);
    del(ctx, &ay_job_job_msg, &row);
}

enum { STEP = 1, FULL = 2, BOTH = 3 };

static const struct {
    const char *what, *invariant;
    void (*way)(struct ay_ctx *ctx);
    int seen_by; /* what only one form can see says so */
} ways[] = {
    {"coins nobody owns", "stake/coins", stake_coins, BOTH},
    {"a bond appears", "stake/sums", bond_appears, BOTH},
    {"locked drifts", "stake/sums", locked_drifts, BOTH},
    {"locks exceed the bond", "stake/sums", locks_exceed_bond, BOTH},
    {"a slash is undone", "stake/sums", slash_undone, STEP},
    {"a lock grows", "stake/sums", lock_grows, BOTH},
    {"an empty lock stays", "stake/sums", lock_empty, BOTH},
    {"a lock changes its owner", "stake/sums", lock_changes_owner, BOTH},
    {"an unbonding grows", "stake/sums", unbonding_grows, BOTH},
    {"an unbonding ends early", "stake/sums", unbonding_ends_early, STEP},
    {"totals drift, their sum holds", "stake/sums", bonded_total, BOTH},
    {"coins nobody owns", "work/coins", work_coins, BOTH},
    {"a royalty appears", "work/sums", royalty_appears, BOTH},
    {"earnings fall", "work/sums", royalty_falls, BOTH},
    {"shares do not add up", "work/sums", shares_shrink, BOTH},
    {"a royalty above the fee", "work/sums", royalty_above_fee, BOTH},
    {"earned more than paid", "work/sums", earned_unpaid, FULL},
    {"more withdrawn than earned", "work/sums", withdrawn_grows, BOTH},
    {"a withdrawal is forgotten", "work/sums", withdrawal_forgotten, BOTH},
    {"the total held drifts", "work/coins", held_total, BOTH},
    {"a work without a program", "work/sums", work_without_program, BOTH},
    {"a program with another's id", "work/sums", program_of_another, BOTH},
    {"a work is gone", "work/sums", work_gone, BOTH},
    {"an ask's lock is not locked", "market/asks", free_lock_grows, BOTH},
    {"more in hand than capacity", "market/asks", over_capacity, BOTH},
    {"units without jobs", "market/asks", jobs_without_units, BOTH},
    {"a closed ask stays idle", "market/asks", closed_and_idle, BOTH},
    {"an ask's price moves", "market/asks", ask_price_moves, STEP},
    {"an ask goes, its lock stays", "market/asks", ask_gone, BOTH},
    {"bid and job differ", "market/bids", bid_units_differ, BOTH},
    {"a bid at the wrong rank", "market/bids", bid_rank_wrong, BOTH},
    {"a bid without a job", "market/bids", bid_without_job, BOTH},
    {"a bid of a job that ended", "market/bids", bid_of_ended_job, BOTH},
    {"coins nobody owns", "job/coins", job_coins, BOTH},
    {"an escrow grows", "job/jobs", escrow_grows, BOTH},
    {"the total of escrows drifts", "job/coins", escrow_total, BOTH},
    {"a paid job is claimed again", "job/jobs", paid_twice, BOTH},
    {"an ended job holds escrow", "job/jobs", ended_holds_escrow, BOTH},
    {"a job's lock is not locked", "job/jobs", job_lock_differs, BOTH},
    {"a deadline is lost", "job/jobs", deadline_lost, BOTH},
    {"a bid has a deadline", "job/jobs", deadline_early, BOTH},
    {"a frozen job's clock runs", "job/jobs", frozen_deadline, BOTH},
    {"a fork before the claim", "job/jobs", fork_too_soon, BOTH},
    {"a demand before the claim", "job/jobs", demand_too_soon, BOTH},
    {"a demand of a job that ended", "job/jobs", demand_after_the_end, BOTH},
    {"a posted job without a bid", "job/jobs", posted_without_bid, BOTH},
    {"a job is gone", "job/jobs", job_gone, BOTH},
};
#define WAYS (sizeof ways / sizeof ways[0])

/* Something in every state, committed. */
static struct ay_test *lively(void)
{
    struct ay_test *t = eco_new(program_id);
    ask = eco_ask(t, "alice", program_id, FEE_PRICE, 1000000);
    closed_ask = eco_ask(t, "bob", program_id, FEE_PRICE, 1000000);
    uint64_t late = eco_post(t, "carol", program_id, 3, FEE_PRICE).job_id;
    eco_block(t, 1000);
    eco_wait(t, 10000);
    assert_int_equal(eco_job(t, late).state, AY_JOB_STATE_MISSED); /* alice was slashed a little */

    paid = eco_post(t, "carol", program_id, 3, FEE_PRICE).job_id;
    eco_block(t, 0);
    const char *winner = eco_job(t, paid).ask_id == ask ? "alice" : "bob";
    assert_int_equal(eco_accept(t, winner, paid), AY_OK);
    assert_int_equal(eco_claim(t, winner, paid), AY_OK);
    eco_wait(t, 20000);
    struct ay_who author = who("author");
    struct ay_work_msg_withdraw withdraw = {.owner = ay_slice_str(author.text)};
    memcpy(withdraw.work_id, program_id, AY_HASH_BYTES);
    assert_int_equal(ay_test_run(t, &ay_work_msg_withdraw_msg, &withdraw, NULL), AY_OK);
    assert_int_equal(eco_unbond(t, "alice", 5), AY_OK);

    uint64_t *const live[] = {&matched, &accepted, &claimed};
    for (int i = 0; i < 3; i++) *live[i] = eco_post(t, "carol", program_id, 3, FEE_PRICE).job_id;
    eco_block(t, 0);
    for (int i = 1; i < 3; i++) {
        winner = eco_job(t, *live[i]).ask_id == ask ? "alice" : "bob";
        assert_int_equal(eco_accept(t, winner, *live[i]), AY_OK);
        if (i == 2) assert_int_equal(eco_claim(t, winner, *live[i]), AY_OK);
    }
    assert_int_equal(eco_cancel_ask(t, "bob", closed_ask), AY_OK);
    posted = eco_post(t, "carol", program_id, 3, FEE_PRICE - 1).job_id;
    eco_block(t, 0);
    return t;
}

static bool caught(struct ay_test *t, enum ay_code code, const char *invariant)
{
    return code == AY_E_INVARIANT && strncmp(t->ledger.ctx.reason, invariant, strlen(invariant)) == 0;
}

static void test_invariants_each_way_to_break_them_is_caught(void **state)
{
    (void)state;
    struct ay_test *t = lively();
    for (size_t i = 0; i < WAYS; i++) {
        struct ay_ctx *ctx = ay_test_ctx(t);
        ways[i].way(ctx);
        bool step = caught(t, ay_invariants_step(ctx, &eco_economy), ways[i].invariant);
        bool full = caught(t, ay_invariants_full(ctx, &eco_economy), ways[i].invariant);
        if ((ways[i].seen_by & STEP && !step) || (ways[i].seen_by & FULL && !full))
            fail_msg("%s: step %d, full %d, reason %s", ways[i].what, step, full, ctx->reason);
        ay_test_reopen(t);
    }
    assert_int_equal(ay_test_block(t, 0), AY_OK);
    printf("%zu ways to break the books, all caught\n", WAYS);
    ay_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invariants_each_way_to_break_them_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
