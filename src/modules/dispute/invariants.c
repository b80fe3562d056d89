#include "modules/dispute/verbs.h"

/* Differences, all zero when the books are right. */
struct sums {
    uint64_t held;    /* bonds, deposits and pots less what the totals say is held */
    uint64_t forks;   /* open forks less what their cases count, weighed by job */
    uint64_t demands; /* the same of demands */
};

static uint64_t weigh_job(uint64_t job_id, uint64_t n)
{
    return n * (job_id * 0x9e3779b97f4a7c15u | 1);
}

static enum ay_code commit_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_dispute_commit *old = old_row, *new = new_row;
    if (has_old) sums->held -= old->bond_nasy;
    if (has_new) sums->held += new->bond_nasy;
    if (has_new && new->deadline_ms == 0)
        return ay_refuse(ctx, AY_E_INVARIANT, "a commit without a deadline");
    return AY_OK;
}

/* An open fork has a bond, a mover and a deadline; one that has ended changes no more. */
static enum ay_code fork_check(struct ay_ctx *ctx, const struct ay_dispute_fork *old,
                               const struct ay_dispute_fork *new)
{
    bool open = new->settled == AY_FORK_OPEN;
    if (open != (ay_game_mover(new->game.state) != AY_PARTY_NONE) || open != (new->deadline_ms != 0))
        return ay_refuse(ctx, AY_E_INVARIANT, "fork %llu is open without a deadline or the reverse",
                         (unsigned long long)new->id);
    if (new->bond_nasy == 0)
        return ay_refuse(ctx, AY_E_INVARIANT, "fork %llu has no bond", (unsigned long long)new->id);
    if (old && old->settled != AY_FORK_OPEN &&
        (old->settled != new->settled || old->moves != new->moves ||
         old->game.state != new->game.state))
        return ay_refuse(ctx, AY_E_INVARIANT, "fork %llu moved after its end",
                         (unsigned long long)new->id);
    return AY_OK;
}

static enum ay_code fork_changed(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                                 bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_dispute_fork *old = old_row, *new = new_row;
    if (has_old && old->settled == AY_FORK_OPEN) {
        sums->held -= old->bond_nasy;
        sums->forks -= weigh_job(old->job_id, 1);
    }
    if (has_new && new->settled == AY_FORK_OPEN) {
        sums->held += new->bond_nasy;
        sums->forks += weigh_job(new->job_id, 1);
    }
    return has_new ? fork_check(ctx, has_old ? old : NULL, new) : AY_OK;
}

/* A demand is open exactly while it has a deadline; once it has ended it stays as it is. */
static enum ay_code demand_check(struct ay_ctx *ctx, const struct ay_dispute_demand *old,
                                 const struct ay_dispute_demand *new)
{
    bool open = new->state == AY_DISPUTE_DEMAND_STATE_OPEN;
    if (open != (new->deadline_ms != 0))
        return ay_refuse(ctx, AY_E_INVARIANT,
                         "a demand of job %llu is open without a deadline or the reverse",
                         (unsigned long long)new->job_id);
    if (old && old->state != AY_DISPUTE_DEMAND_STATE_OPEN && old->state != new->state)
        return ay_refuse(ctx, AY_E_INVARIANT, "a demand of job %llu was answered twice",
                         (unsigned long long)new->job_id);
    if (new->state != AY_DISPUTE_DEMAND_STATE_SUPPLIED) return AY_OK;
    struct ay_dispute_supply supply = {
        .job_id = new->job_id, .what = new->what, .run = new->run, .part = new->part};
    enum ay_code code = ay_row_get(ctx, &ay_dispute_supply_msg, &supply);
    return code == AY_E_NOT_FOUND
               ? ay_refuse(ctx, AY_E_INVARIANT, "what was supplied for job %llu is gone",
                           (unsigned long long)new->job_id)
               : code;
}

static enum ay_code demand_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_dispute_demand *old = old_row, *new = new_row;
    if (has_old) {
        sums->held -= old->deposit_nasy;
        if (old->state == AY_DISPUTE_DEMAND_STATE_OPEN) sums->demands -= weigh_job(old->job_id, 1);
    }
    if (has_new) {
        sums->held += new->deposit_nasy;
        if (new->state == AY_DISPUTE_DEMAND_STATE_OPEN) sums->demands += weigh_job(new->job_id, 1);
    }
    return has_new ? demand_check(ctx, has_old ? old : NULL, new) : AY_OK;
}

static enum ay_code case_changed(struct ay_ctx *ctx, void *self, bool has_old, const void *old_row,
                                 bool has_new, const void *new_row)
{
    struct sums *sums = self;
    const struct ay_dispute_case *old = old_row, *new = new_row;
    if (has_old) {
        sums->held -= old->pot_nasy;
        sums->forks += weigh_job(old->job_id, old->open_forks);
        sums->demands += weigh_job(old->job_id, old->open_demands);
    }
    if (has_new) {
        sums->held += new->pot_nasy;
        sums->forks -= weigh_job(new->job_id, new->open_forks);
        sums->demands -= weigh_job(new->job_id, new->open_demands);
        if (has_old && new->stage < old->stage)
            return ay_refuse(ctx, AY_E_INVARIANT, "the case of job %llu went back",
                             (unsigned long long)new->job_id);
    }
    return AY_OK;
}

static enum ay_code totals_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    (void)ctx;
    struct sums *sums = self;
    const struct ay_dispute_totals *old = old_row, *new = new_row;
    if (has_old) sums->held += old->in_nasy - old->out_nasy - old->burnt_nasy;
    if (has_new) sums->held -= new->in_nasy - new->out_nasy - new->burnt_nasy;
    return AY_OK;
}

/* The first valid answer is final. */
static enum ay_code answer_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    (void)self;
    const struct ay_dispute_answer *old = old_row, *new = new_row;
    if (has_old && has_new && old->posted_ms != 0 &&
        (old->posted_ms != new->posted_ms || !ay_slice_equal(old->data, new->data)))
        return ay_refuse(ctx, AY_E_INVARIANT, "an answer was changed");
    return AY_OK;
}

static enum ay_code supply_changed(struct ay_ctx *ctx, void *self, bool has_old,
                                   const void *old_row, bool has_new, const void *new_row)
{
    (void)self;
    const struct ay_dispute_supply *old = old_row, *new = new_row;
    if (has_old && has_new && !ay_slice_equal(old->data, new->data))
        return ay_refuse(ctx, AY_E_INVARIANT, "an answer to a demand was changed");
    return AY_OK;
}

static enum ay_code check_sums(struct ay_ctx *ctx, ay_rows_each each)
{
    struct sums sums = {0};
    AY_TRY(each(ctx, &ay_dispute_commit_msg, commit_changed, &sums));
    AY_TRY(each(ctx, &ay_dispute_fork_msg, fork_changed, &sums));
    AY_TRY(each(ctx, &ay_dispute_demand_msg, demand_changed, &sums));
    AY_TRY(each(ctx, &ay_dispute_case_msg, case_changed, &sums));
    AY_TRY(each(ctx, &ay_dispute_totals_msg, totals_changed, &sums));
    if (sums.held) return ay_refuse(ctx, AY_E_INVARIANT, "bonds and their totals disagree");
    if (sums.forks) return ay_refuse(ctx, AY_E_INVARIANT, "open forks and cases disagree");
    if (sums.demands) return ay_refuse(ctx, AY_E_INVARIANT, "open demands and cases disagree");
    return AY_OK;
}

static enum ay_code sums_step(struct ay_ctx *ctx)
{
    return check_sums(ctx, ay_rows_changed);
}

static enum ay_code sums_full(struct ay_ctx *ctx)
{
    return check_sums(ctx, ay_rows_all);
}

static enum ay_code answers_step(struct ay_ctx *ctx)
{
    AY_TRY(ay_rows_changed(ctx, &ay_dispute_answer_msg, answer_changed, NULL));
    return ay_rows_changed(ctx, &ay_dispute_supply_msg, supply_changed, NULL);
}

static enum ay_code coins(struct ay_ctx *ctx)
{
    struct ay_dispute_totals totals = {0};
    uint8_t module[AY_ADDRESS_BYTES];
    uint64_t balance;
    AY_TRY(ay_row_get(ctx, &ay_dispute_totals_msg, &totals));
    ay_module_address("dispute", module);
    AY_TRY(ay_bank_balance(ctx, module, &balance));
    uint64_t held = totals.in_nasy - totals.out_nasy - totals.burnt_nasy;
    if (balance != held)
        return ay_refuse(ctx, AY_E_INVARIANT, "dispute has %llunasy and holds %llunasy for others",
                         (unsigned long long)balance, (unsigned long long)held);
    return AY_OK;
}

const struct ay_invariant ay_dispute_invariants[] = {
    {"coins", coins, coins},
    {"sums", sums_step, sums_full},
    {"answers", answers_step, answers_step},
    {0},
};
