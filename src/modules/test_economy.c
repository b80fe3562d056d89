/* Many blocks of random actions by a dozen people over all modules: whatever they do, every invariant
 * holds after every block, and when they stop everything ends and all coins are somewhere. */
#include "modules/test_economy.h"

#include "base/gen/bank.h"

#define BLOCKS 200
#define ACTIONS 12 /* a block */
#define PROGRAMS 3
#define PEOPLE 10 /* of ay_test_names, the proposer left out */

struct world {
    struct ay_test *t;
    uint64_t seed;
    uint8_t programs[PROGRAMS][AY_HASH_BYTES];
    uint64_t asks, jobs; /* ids given out so far */
    uint64_t done[16];   /* how often each action succeeded */
};

static uint64_t draw(struct world *w, uint64_t bound)
{
    /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t z = w->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % bound;
}

static const char *anyone(struct world *w)
{
    return ay_test_names[draw(w, PEOPLE)];
}

static const char *name_of(const uint8_t address[AY_ADDRESS_BYTES])
{
    for (size_t i = 0; i < AY_TEST_NAMES; i++) {
        struct ay_who w = who(ay_test_names[i]);
        if (memcmp(w.address, address, AY_ADDRESS_BYTES) == 0) return ay_test_names[i];
    }
    return "nobody";
}

/* One of the last jobs, mostly in the state wanted. */
static struct ay_job_job any_job(struct world *w, enum ay_job_state state)
{
    struct ay_job_job job = {0};
    uint64_t recent = w->jobs < 100 ? w->jobs : 100;
    for (int tries = 0; recent && tries < 20 && job.state != state; tries++)
        job = eco_job(w->t, w->jobs - draw(w, recent));
    return job;
}

static enum ay_code do_bond(struct world *w)
{
    return eco_bond(w->t, anyone(w), draw(w, 400 * ASY));
}

static enum ay_code do_unbond(struct world *w)
{
    return eco_unbond(w->t, anyone(w), draw(w, 50 * ASY));
}

static enum ay_code do_ask(struct world *w)
{
    struct ay_who p = who(anyone(w));
    struct ay_market_msg_ask msg = eco_ask_msg(&p, w->programs[draw(w, PROGRAMS)],
                                               1 + draw(w, 50) * 1000000000, 1 + draw(w, 20000));
    msg.tier = (uint32_t)draw(w, 5);
    msg.lock_nasy = draw(w, 60 * ASY);
    enum ay_code code = ay_test_run(w->t, &ay_market_msg_ask_msg, &msg, NULL);
    if (code == AY_OK) w->asks++;
    return code;
}

static enum ay_code do_cancel_ask(struct world *w)
{
    struct ay_market_ask row = {.id = 1 + draw(w, w->asks + 1)};
    if (ay_row_get(ay_test_ctx(w->t), &ay_market_ask_msg, &row) != AY_OK) return AY_E_NOT_FOUND;
    return eco_cancel_ask(w->t, draw(w, 8) ? name_of(row.provider) : anyone(w), row.id);
}

static enum ay_code do_post(struct world *w)
{
    struct ay_who c = who(anyone(w));
    uint32_t lengths[4];
    for (int i = 0; i < 4; i++) lengths[i] = (uint32_t)draw(w, AY_ECO_LENGTH_MAX + 2);
    struct ay_job_msg_post msg =
        eco_post_msg(&c, w->programs[draw(w, PROGRAMS)], lengths, 1 + (uint32_t)draw(w, 3),
                     draw(w, 100) * 1000000000 + draw(w, 1000));
    msg.tier = (uint32_t)draw(w, 4) / 2;
    enum ay_code code = ay_test_run(w->t, &ay_job_msg_post_msg, &msg, NULL);
    if (code == AY_OK) w->jobs++;
    return code;
}

static enum ay_code do_cancel(struct world *w)
{
    struct ay_job_job job = any_job(w, AY_JOB_STATE_POSTED);
    return eco_cancel(w->t, name_of(job.consumer), job.id);
}

static enum ay_code do_accept(struct world *w)
{
    struct ay_job_job job = any_job(w, AY_JOB_STATE_MATCHED);
    return eco_accept(w->t, draw(w, 8) ? name_of(job.provider) : anyone(w), job.id);
}

static enum ay_code do_claim(struct world *w)
{
    struct ay_job_job job = any_job(w, AY_JOB_STATE_ACCEPTED);
    if (job.id == 0) return AY_E_NOT_FOUND;
    return eco_claim(w->t, draw(w, 8) ? name_of(job.provider) : anyone(w), job.id);
}

static enum ay_code do_fork_open(struct world *w)
{
    return ay_job_fork_open(ay_test_ctx(w->t), any_job(w, AY_JOB_STATE_CLAIMED).id);
}

static enum ay_code do_fork_close(struct world *w)
{
    return ay_job_fork_close(ay_test_ctx(w->t), any_job(w, AY_JOB_STATE_CLAIMED).id);
}

static enum ay_code do_slash(struct world *w)
{
    struct ay_job_job job = any_job(w, AY_JOB_STATE_CLAIMED);
    struct ay_who watcher = who("watcher");
    uint64_t slashed;
    if (job.open_forks == 0) return AY_E_STATE;
    AY_TRY(ay_job_slash(ay_test_ctx(w->t), job.id, watcher.address, &slashed));
    assert_int_equal(slashed, job.lock_nasy);
    return AY_OK;
}

static enum ay_code do_reward(struct world *w)
{
    struct ay_who from = who(anyone(w)), to = who(anyone(w));
    return ay_stake_reward(ay_test_ctx(w->t), from.address, to.address, draw(w, ASY));
}

static enum ay_code do_withdraw(struct world *w)
{
    struct ay_who owner = who(draw(w, 4) ? "author" : anyone(w));
    struct ay_work_msg_withdraw msg = {.owner = ay_slice_str(owner.text)};
    memcpy(msg.work_id, w->programs[draw(w, PROGRAMS)], AY_HASH_BYTES);
    return ay_test_run(w->t, &ay_work_msg_withdraw_msg, &msg, NULL);
}

static const struct {
    const char *name;
    enum ay_code (*act)(struct world *w);
    uint32_t weight;
} actions[] = {
    {"bond", do_bond, 2},           {"unbond", do_unbond, 1},   {"ask", do_ask, 4},
    {"cancel-ask", do_cancel_ask, 1}, {"post", do_post, 10},      {"cancel", do_cancel, 1},
    {"accept", do_accept, 8},       {"claim", do_claim, 8},     {"fork", do_fork_open, 4},
    {"close", do_fork_close, 8},    {"slash", do_slash, 1},     {"reward", do_reward, 1},
    {"withdraw", do_withdraw, 2},
};
#define KINDS (sizeof actions / sizeof actions[0])

static void act(struct world *w)
{
    uint32_t total = 0;
    for (size_t i = 0; i < KINDS; i++) total += actions[i].weight;
    uint64_t pick = draw(w, total);
    size_t kind = 0;
    while (pick >= actions[kind].weight) pick -= actions[kind++].weight;
    if (actions[kind].act(w) == AY_OK) w->done[kind]++;
}

static void begin(struct world *w, uint64_t seed)
{
    *w = (struct world){.seed = seed};
    w->t = eco_new(w->programs[0]);
    struct ay_who author = who("author");
    /* The others derive from the first, so that royalties go up a chain. */
    for (uint32_t i = 1; i < PROGRAMS; i++) {
        struct ay_work_msg_register msg = eco_register_msg(&author, 10 + i);
        struct ay_work_msg_register_response answer;
        msg.parents = (const uint8_t(*)[AY_HASH_BYTES])w->programs[i - 1];
        msg.parents_count = 1;
        msg.royalty_bps = 333 * i;
        assert_int_equal(ay_test_run(w->t, &ay_work_msg_register_msg, &msg, &answer), AY_OK);
        memcpy(w->programs[i], answer.work_id, AY_HASH_BYTES);
    }
}

/* All forks close and time passes until nothing waits. */
static void settle(struct world *w)
{
    for (uint64_t id = 1; id <= w->jobs; id++)
        while (eco_job(w->t, id).open_forks > 0)
            assert_int_equal(ay_job_fork_close(ay_test_ctx(w->t), id), AY_OK);
    eco_block(w->t, 0);
    for (int i = 0; i < 5000 && ay_ledger_waits(&w->t->ledger); i++) eco_block(w->t, 1000);
    assert_false(ay_ledger_waits(&w->t->ledger));
}

/* Counts coins by hand: what people hold and have bonded, what works hold, what was burnt. */
static void check_coins(struct world *w)
{
    struct ay_ctx *ctx = ay_test_ctx(w->t);
    struct ay_bank_supply supply = {.denom = ay_slice_str(AY_DENOM)};
    struct ay_work_totals works = {0};
    struct ay_job_totals jobs = {0};
    assert_int_equal(ay_row_get(ctx, &ay_bank_supply_msg, &supply), AY_OK);
    assert_int_equal(ay_row_get(ctx, &ay_work_totals_msg, &works), AY_OK);
    assert_int_equal(ay_row_get(ctx, &ay_job_totals_msg, &jobs), AY_OK);
    assert_int_equal(jobs.escrow_nasy, 0);
    uint64_t sum = supply.burned + works.held_nasy;
    for (size_t i = 0; i < AY_TEST_NAMES; i++) {
        struct ay_who p = who(ay_test_names[i]);
        struct ay_stake_operator row = {0};
        memcpy(row.address, p.address, AY_ADDRESS_BYTES);
        enum ay_code code = ay_row_get(ctx, &ay_stake_operator_msg, &row);
        assert_true(code == AY_OK || code == AY_E_NOT_FOUND);
        sum += balance(w->t, ay_test_names[i]) + row.bond_nasy;
    }
    assert_int_equal(sum, AY_TEST_COINS * AY_TEST_NAMES);
}

static void count_endings(struct world *w, uint64_t ended[AY_JOB_STATE_CANCELLED + 1])
{
    for (uint64_t id = 1; id <= w->jobs; id++) {
        struct ay_job_job job = eco_job(w->t, id);
        assert_true(job.state >= AY_JOB_STATE_PAID && job.state <= AY_JOB_STATE_CANCELLED);
        assert_int_equal(job.escrow_nasy + job.lock_nasy, 0);
        ended[job.state]++;
    }
}

static void play(struct world *w, uint64_t seed)
{
    begin(w, seed);
    for (int block = 0; block < BLOCKS; block++) {
        ay_test_begin(w->t, 1 + draw(w, 4000));
        for (int i = 0; i < ACTIONS; i++) act(w);
        eco_block(w->t, 0);
    }
    settle(w);
    check_coins(w);
}

static void test_economy_random_actions_keep_every_coin(void **state)
{
    (void)state;
    uint64_t ended[AY_JOB_STATE_CANCELLED + 1] = {0}, done[KINDS] = {0};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct world w;
        printf("seed %llu\n", (unsigned long long)seed);
        play(&w, seed);
        count_endings(&w, ended);
        for (size_t i = 0; i < KINDS; i++) done[i] += w.done[i];
        ay_test_free(w.t);
    }
    /* Nothing was left untried. */
    for (size_t i = 0; i < KINDS; i++) {
        printf("%s %llu  ", actions[i].name, (unsigned long long)done[i]);
        assert_true(done[i] > 0);
    }
    printf("\n");
    for (uint32_t s = AY_JOB_STATE_PAID; s <= AY_JOB_STATE_CANCELLED; s++) {
        printf("%s %llu  ", ay_enum_find(&ay_job_state_enum, s)->name, (unsigned long long)ended[s]);
        assert_true(ended[s] > 0);
    }
    printf("\n");
}

static void test_economy_same_seed_gives_the_same_state(void **state)
{
    (void)state;
    uint8_t digest[2][32];
    for (int i = 0; i < 2; i++) {
        struct world w;
        play(&w, 11);
        ay_test_map_digest(&w.t->map, digest[i]);
        ay_test_free(w.t);
    }
    assert_memory_equal(digest[0], digest[1], 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_economy_random_actions_keep_every_coin),
        cmocka_unit_test(test_economy_same_seed_gives_the_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
