/* Explores the dispute exhaustively, over the real modules on a ledger in memory: every order of
 * moves, time-outs and lies of two colluders among four players (provider, two watchers, consumer),
 * down to the states where nothing can happen any more. States are remembered by their hash.
 *
 *   explore [SCENARIO...]     all of them without arguments; prints states and ends
 *
 * One step is one message in a block of its own, or time passing: to the next deadline, where a move
 * is still in time, or just past it. Honest players do what ay_player says and never let time pass
 * while it is their move; colluders do anything, each in a fork of his own, and may try every move in
 * everybody's. In each state the ledger's invariants hold in full (conservation among them); in each
 * last state the books are compared with what the rules give each player, computed here anew. */
#include "base/codec.h"
#include "modules/dispute/testing.h"

#include <stdio.h>

#define MAX_FORKS   4
#define MAX_ACTIONS 128
#define TINY_LENGTH 100u
#define LIE_OP      1u
#define LIE_ELEMENT 1u

/* --- scenarios --- */

struct scenario {
    const char *name;
    bool lie;             /* the claim is wrong */
    bool honest[AY_SEATS];
    bool dawdles;         /* time may also stop at a deadline */
    bool self;            /* the provider may challenge itself */
    bool hides;           /* the honest have to demand what they want to see; colluders may, too */
};

/* The smallest first, so that what is wrong shows soon. */
static const struct scenario scenarios[] = {
    {"demands-against-provider", false, {true, true, true, false}, true, false, true},
    {"provider-withholds-a-true-claim", false, {false, true, true, true}, true, false, true},
    {"delay-against-provider", false, {true, false, true, true}, true, false},
    {"provider-lies-and-delays", true, {false, true, true, true}, true, false},
    {"provider-and-consumer-withhold-a-lie", true, {false, true, true, false}, false, false, true},
    {"provider-and-watcher-lie", true, {false, false, true, true}, false, false},
    {"provider-and-watcher-on-a-true-claim", false, {false, false, true, true}, false, true},
    {"watchers-against-provider", false, {true, false, false, true}, false, false},
    {"watcher-and-consumer-against-provider", false, {true, false, true, false}, false, false},
    {"provider-lies-and-challenges-itself", true, {false, true, true, true}, false, true},
    {"provider-and-consumer-lie", true, {false, true, true, false}, false, false},
    {"watcher-and-consumer-demand", false, {true, false, true, false}, true, false, true},
    {"provider-withholds-a-lie", true, {false, true, true, true}, true, false, true},
    {"provider-and-watcher-withhold-a-lie", true, {false, false, true, true}, false, false, true},
};
#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

#define WHATS (AY_DISPUTE_WHAT_OUTPUT + 1)

/* --- a node of the exploration: the ledger's rows, and what the rows no longer tell --- */

struct ghost {
    uint8_t committed[AY_SEATS], opened[AY_SEATS], refunded[AY_SEATS];
    uint8_t demander[WHATS]; /* seat + 1 of whoever demanded it, the only piece of its kind */
    uint8_t supplied[WHATS];
};

struct node {
    struct ay_test_map map;
    struct ghost ghost;
    uint64_t time_ms;
};

static struct ay_stage stage;
static const struct scenario *play;
static struct ghost ghost;
static uint64_t start_wealth[AY_SEATS], start_fee, start_ms, lock_nasy;
static uint64_t states, steps, refusals, ends, all_states;

#define MAX_DEPTH 512
static const char *const act_names[] = {"commits", "opens",   "answers",  "picks",
                                        "steps",   "demands", "supplies", "time"};

enum act { ACT_COMMIT, ACT_OPEN, ACT_ANSWER, ACT_PICK, ACT_STEP, ACT_DEMAND, ACT_SUPPLY, ACT_WAIT };

struct action {
    enum act act;
    enum ay_seat who;
    uint64_t fork;
    uint32_t index; /* of the entry; of demands: what */
    bool other; /* from the other truth than the player's own */
    uint64_t to_ms;
};

static const struct action *trace[MAX_DEPTH]; /* from the first state to this one */
static uint32_t depth;

static _Noreturn void violated(const char *what)
{
    for (uint32_t i = 0; i < depth; i++)
        printf("  %s %s, fork %llu, entry %d%s, to %llu ms\n", ay_seat_names[trace[i]->who],
               act_names[trace[i]->act], (unsigned long long)trace[i]->fork, (int)trace[i]->index,
               trace[i]->other ? ", from the other truth" : "", (unsigned long long)trace[i]->to_ms);
    printf("VIOLATION in %s: %s\n", play->name, what);
    fflush(stdout);
    _Exit(1);
}

static void ended_block(uint64_t ms)
{
    enum ay_code code = ay_test_block(stage.test, 0);
    if (code == AY_OK && ms > 0) code = ay_test_block(stage.test, ms);
    if (code != AY_OK) violated(stage.test->ledger.ctx.reason);
}

static void save(struct node *node)
{
    const struct ay_test_map *map = &stage.test->map;
    *node = (struct node){.ghost = ghost, .time_ms = stage.test->time_ms};
    node->map.count = node->map.cap = map->count;
    node->map.entries = malloc(map->count * sizeof *map->entries);
    AY_ASSERT(node->map.entries);
    for (uint32_t i = 0; i < map->count; i++)
        node->map.entries[i] = (struct ay_kv_change){.key = ay_test_dup(map->entries[i].key),
                                                     .value = ay_test_dup(map->entries[i].value)};
}

static void drop_map(struct ay_test_map *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        ay_test_drop(&map->entries[i].key);
        ay_test_drop(&map->entries[i].value);
    }
    free(map->entries);
    *map = (struct ay_test_map){0};
}

static void restore(const struct node *node)
{
    struct node copy;
    struct ay_test_map *map = &stage.test->map;
    drop_map(map);
    *map = node->map;
    ghost = node->ghost;
    stage.test->time_ms = node->time_ms;
    save(&copy);
    *map = copy.map;
    ay_test_reopen(stage.test);
}

/* --- the set of states seen --- */

static uint8_t (*seen)[16];
static uint64_t seen_cap, seen_count;

static bool insert(const uint8_t hash[16])
{
    uint64_t at = ay_get_be64(hash) & (seen_cap - 1);
    static const uint8_t none[16];
    while (memcmp(seen[at], none, 16) != 0) {
        if (memcmp(seen[at], hash, 16) == 0) return false;
        at = (at + 1) & (seen_cap - 1);
    }
    memcpy(seen[at], hash, 16);
    AY_ASSERT(++seen_count < seen_cap / 2);
    return true;
}

/* Block heights only matter by their order, which the rows' ranks and the forks' shares keep; two
 * states that differ in them alone are one. */
static void hash_row(struct ay_sha256_stream *stream, const struct ay_kv_change *entry,
                     uint64_t first_open)
{
    static _Alignas(16) uint8_t mem[1 << 17];
    struct ay_arena arena = ay_arena_over(mem, sizeof mem);
    struct ay_ledger_meta meta;
    struct ay_dispute_commit commit;
    struct ay_dispute_fork fork;
    struct ay_dispute_case row;
    ay_sha256_update(stream, entry->key.data, entry->key.len);
    if (entry->key.data[1] != 0) return; /* an index */
    uint8_t id = entry->key.data[0];
    if (id == ay_ledger_meta_msg.row->id) {
        AY_ASSERT(ay_decode(&ay_ledger_meta_msg, entry->value, &arena, &meta, NULL) == AY_OK);
        ay_sha256_update(stream, &meta.now_ms, sizeof meta.now_ms);
    } else if (id == ay_dispute_commit_msg.row->id) {
        AY_ASSERT(ay_decode(&ay_dispute_commit_msg, entry->value, &arena, &commit, NULL) == AY_OK);
        commit.height = first_open && commit.height >= first_open;
        ay_sha256_update(stream, &commit.height, sizeof commit.height);
        ay_sha256_update(stream, &commit.deadline_ms, sizeof commit.deadline_ms);
    } else if (id == ay_dispute_fork_msg.row->id) {
        AY_ASSERT(ay_decode(&ay_dispute_fork_msg, entry->value, &arena, &fork, NULL) == AY_OK);
        fork.commit_height = fork.commit_height >= first_open;
        fork.moves = 0;
        ay_sha256_update(stream, &fork, sizeof fork);
    } else if (id == ay_dispute_case_msg.row->id) {
        AY_ASSERT(ay_decode(&ay_dispute_case_msg, entry->value, &arena, &row, NULL) == AY_OK);
        row.first_open_height = 0;
        ay_sha256_update(stream, &row, sizeof row);
    } else {
        ay_sha256_update(stream, entry->value.data, entry->value.len);
    }
}

static void hash_state(uint8_t out[32])
{
    struct ay_dispute_case row = {.job_id = stage.job_id};
    (void)!ay_row_get(ay_test_ctx(stage.test), &ay_dispute_case_msg, &row);
    struct ay_sha256_stream *stream = ay_sha256_begin();
    for (uint32_t i = 0; i < stage.test->map.count; i++)
        hash_row(stream, &stage.test->map.entries[i], row.first_open_height);
    ay_sha256_update(stream, &ghost, sizeof ghost);
    ay_sha256_final(stream, out);
}

/* --- what can be done --- */

struct menu {
    struct action actions[MAX_ACTIONS];
    uint32_t count;
    bool honest_waits; /* an honest player has a move to make */
};

static void add(struct menu *menu, struct action action)
{
    AY_ASSERT(menu->count < MAX_ACTIONS);
    menu->actions[menu->count++] = action;
    if (action.act != ACT_WAIT && play->honest[action.who]) menu->honest_waits = true;
}

static struct ay_job_job job_row(void)
{
    struct ay_job_job job;
    AY_ASSERT(ay_job_get(ay_test_ctx(stage.test), stage.job_id, &job) == AY_OK);
    return job;
}

static bool has_commit(enum ay_seat who)
{
    struct ay_dispute_commit from = {0}, row;
    struct ay_row_walk walk;
    memcpy(from.challenger, stage.address[who], AY_ADDRESS_BYTES);
    AY_ASSERT(ay_row_walk_begin(&walk, &ay_dispute_commit_msg, 0, &from, 1) == AY_OK);
    return ay_row_walk_next(ay_test_ctx(stage.test), &walk, &row) == AY_OK;
}

/* Sealing and opening. Honest watchers challenge a lie that they have seen, once, and nothing else.
 * Where demands are explored, a consumer's part in it is those. */
static void list_openings(struct menu *menu, const struct ay_job_job *job)
{
    bool claimed = job->state == AY_JOB_STATE_CLAIMED;
    bool seen_lie = play->lie && (!play->hides || ghost.supplied[AY_DISPUTE_WHAT_ROOTS]);
    for (enum ay_seat who = 0; who < AY_SEATS; who++) {
        bool watcher = who == AY_SEAT_A || who == AY_SEAT_B;
        bool free = watcher || (who == AY_SEAT_CONSUMER ? !play->hides : play->self);
        bool wants = play->honest[who] ? watcher && seen_lie : free;
        if (wants && claimed && !ghost.committed[who])
            add(menu, (struct action){.act = ACT_COMMIT, .who = who});
        if (has_commit(who)) add(menu, (struct action){.act = ACT_OPEN, .who = who});
    }
}

/* What is demanded and supplied. Of the honest, a watcher wants to see the roots of a lie and the
 * consumer its output, each once; the provider answers. Colluders try all of it. */
static void list_demands(struct menu *menu, const struct ay_job_job *job)
{
    if (!play->hides || job->state != AY_JOB_STATE_CLAIMED) return;
    for (enum ay_seat who = 0; who < AY_SEATS; who++)
        for (uint32_t what = AY_DISPUTE_WHAT_ROOTS; what < WHATS; what++) {
            bool output = what == AY_DISPUTE_WHAT_OUTPUT;
            bool consumer = who == AY_SEAT_CONSUMER, provider = who == AY_SEAT_PROVIDER;
            bool open = ghost.demander[what] && !ghost.supplied[what];
            bool in_time = stage.test->time_ms < job->demand_by_ms;
            bool wants = !provider && consumer == output && (output || play->lie) && in_time;
            struct action action = {.act = ACT_DEMAND, .who = who, .index = what};
            if (!ghost.demander[what] && (wants || !play->honest[who])) add(menu, action);
            if (!open || (play->honest[who] && !provider)) continue;
            action.act = ACT_SUPPLY;
            add(menu, action);
            action.other = true;
            if (!play->honest[who]) add(menu, action);
        }
}

static enum ay_seat seat_of(const uint8_t address[AY_ADDRESS_BYTES])
{
    enum ay_seat who = 0;
    while (memcmp(stage.address[who], address, AY_ADDRESS_BYTES) != 0) who++;
    return who;
}

/* What anybody dishonest may try in a fork: entries of what is picked from, with true evidence and
 * with that of the other truth; in the forks of others one move is enough to see it refused. */
static void list_tries(struct menu *menu, enum ay_seat who, const struct ay_dispute_fork *fork,
                       bool mover)
{
    const uint32_t indices[] = {0, 1, 2, 4096};
    bool step = fork->game.state == AY_DISPUTE_STATE_STEP;
    uint32_t n = fork->game.state == AY_DISPUTE_STATE_PICK_OP ? 4 : 2;
    for (uint32_t i = 0; i < (mover ? n : 1); i++)
        for (uint32_t other = 0; other < (mover && step ? 2u : 1u); other++)
            add(menu, (struct action){.act = step ? ACT_STEP : ACT_PICK,
                                      .who = who,
                                      .fork = fork->id,
                                      .index = indices[i],
                                      .other = other});
}

static void list_fork(struct menu *menu, const struct ay_dispute_fork *fork)
{
    enum ay_seat challenger = seat_of(fork->challenger);
    bool provider_moves = ay_game_mover(fork->game.state) == AY_PARTY_PROVIDER;
    for (enum ay_seat who = 0; who < AY_SEATS; who++) {
        bool mover = who == (provider_moves ? AY_SEAT_PROVIDER : challenger);
        if (play->honest[who]) {
            if (!mover) continue;
            add(menu, (struct action){.act = provider_moves ? ACT_ANSWER : ACT_PICK, .who = who,
                                      .fork = fork->id, .index = UINT32_MAX});
        } else if (provider_moves) {
            add(menu, (struct action){.act = ACT_ANSWER, .who = who, .fork = fork->id});
            if (!mover) continue;
            add(menu, (struct action){.act = ACT_ANSWER, .who = who, .fork = fork->id, .other = true});
        } else {
            list_tries(menu, who, fork, mover);
        }
    }
}

/* The next moment at which something happens by itself. */
static void note_time(uint64_t *next, uint64_t at_ms)
{
    if (at_ms != 0 && at_ms >= stage.test->time_ms && at_ms < *next) *next = at_ms;
}

static uint64_t next_time(const struct ay_job_job *job, uint64_t forks)
{
    uint64_t next = UINT64_MAX;
    struct ay_dispute_commit from = {0}, commit;
    struct ay_row_walk walk;
    note_time(&next, job->deadline_ms);
    if (play->hides && job->state == AY_JOB_STATE_CLAIMED) note_time(&next, job->demand_by_ms - 1);
    struct ay_dispute_demand any = {0}, demand;
    AY_ASSERT(ay_row_walk_begin(&walk, &ay_dispute_demand_msg, 0, &any, 0) == AY_OK);
    while (ay_row_walk_next(ay_test_ctx(stage.test), &walk, &demand) == AY_OK)
        note_time(&next, demand.deadline_ms);
    for (uint64_t id = 1; id <= forks; id++) {
        struct ay_dispute_fork fork;
        struct ay_slice listing;
        AY_ASSERT(ay_stage_fork(&stage, id, &fork, &listing) == AY_OK);
        note_time(&next, fork.deadline_ms);
        fork = (struct ay_dispute_fork){.id = id}; /* its row, where an answer is not yet taken in */
        AY_ASSERT(ay_row_get(ay_test_ctx(stage.test), &ay_dispute_fork_msg, &fork) == AY_OK);
        note_time(&next, fork.deadline_ms);
    }
    AY_ASSERT(ay_row_walk_begin(&walk, &ay_dispute_commit_msg, 0, &from, 0) == AY_OK);
    while (ay_row_walk_next(ay_test_ctx(stage.test), &walk, &commit) == AY_OK)
        note_time(&next, commit.deadline_ms);
    return next;
}

static uint64_t fork_count(void)
{
    struct ay_dispute_totals totals = {0};
    AY_ASSERT(ay_row_get(ay_test_ctx(stage.test), &ay_dispute_totals_msg, &totals) == AY_OK);
    return totals.next_fork - 1;
}

static void list_actions(struct menu *menu)
{
    struct ay_job_job job = job_row();
    uint64_t forks = fork_count();
    *menu = (struct menu){0};
    list_openings(menu, &job);
    list_demands(menu, &job);
    for (uint64_t id = 1; id <= forks; id++) {
        struct ay_dispute_fork fork;
        struct ay_slice listing;
        AY_ASSERT(ay_stage_fork(&stage, id, &fork, &listing) == AY_OK);
        if (fork.settled == AY_FORK_OPEN && ay_game_mover(fork.game.state) != AY_PARTY_NONE)
            list_fork(menu, &fork);
    }
    if (menu->honest_waits) return;
    uint64_t next = next_time(&job, forks);
    if (next == UINT64_MAX) return;
    if (play->dawdles && next > stage.test->time_ms)
        add(menu, (struct action){.act = ACT_WAIT, .to_ms = next});
    add(menu, (struct action){.act = ACT_WAIT, .to_ms = next + 1});
}

/* --- doing it --- */

static const struct ay_truth *held_by(enum ay_seat who, bool other)
{
    bool lie = who == AY_SEAT_PROVIDER && play->lie;
    return lie != other ? stage.lie : stage.truth;
}

static enum ay_code do_answer(const struct action *a, const struct ay_dispute_fork *fork)
{
    struct ay_game_answer answer;
    const struct ay_player p = ay_stage_player(&stage, held_by(AY_SEAT_PROVIDER, a->other), fork);
    if (a->other) AY_TRY(ay_player_answer(&p, &fork->game, &stage.arena, &answer));
    else AY_TRY(ay_truth_answer(&p, &fork->game, &stage.arena, &answer));
    return ay_stage_answer(&stage, a->who, fork->id, &answer);
}

/* An honest challenger does what the player says; others what the action says. */
static enum ay_code do_challenge(const struct action *a, const struct ay_dispute_fork *fork,
                                 struct ay_slice listing)
{
    const struct ay_player p = ay_stage_player(&stage, held_by(AY_SEAT_A, a->other), fork);
    struct ay_player_move move = {.step = a->act == ACT_STEP, .index = a->index};
    if (a->index == UINT32_MAX) {
        AY_TRY(ay_player_choose(&p, &fork->game, listing, &stage.arena, &move));
        if (move.agree) violated("an honest challenger has nothing to challenge any more");
    } else if (move.step) {
        struct ay_target target = ay_game_target(&p.claim, &fork->game, a->index);
        AY_TRY(ay_player_evidence(&p, &target, &stage.arena, &move.evidence));
    }
    return move.step ? ay_stage_step(&stage, a->who, fork->id, move.index, &move.evidence)
                     : ay_stage_pick(&stage, a->who, fork->id, move.index);
}

static enum ay_code do_open(const struct action *a)
{
    uint64_t id;
    AY_TRY(ay_stage_open(&stage, a->who, &id));
    if (id == 0) ghost.refunded[a->who] = 1;
    else ghost.opened[a->who] = 1;
    return AY_OK;
}

static enum ay_code do_demand(const struct action *a)
{
    AY_TRY(ay_stage_demand(&stage, a->who, a->index, 0));
    ghost.demander[a->index] = (uint8_t)(a->who + 1);
    return AY_OK;
}

static enum ay_code do_supply(const struct action *a)
{
    AY_TRY(ay_stage_supply(&stage, a->who, a->index, 0, held_by(AY_SEAT_PROVIDER, a->other)));
    ghost.supplied[a->index] = 1;
    return AY_OK;
}

static enum ay_code do_action(const struct action *a)
{
    struct ay_dispute_fork fork;
    struct ay_slice listing;
    stage.arena.used = 0;
    switch (a->act) {
    case ACT_COMMIT:
        ghost.committed[a->who] = 1;
        return ay_stage_commit(&stage, a->who, stage.bond_nasy + 2 * (uint64_t)a->who);
    case ACT_OPEN: return do_open(a);
    case ACT_DEMAND: return do_demand(a);
    case ACT_SUPPLY: return do_supply(a);
    case ACT_WAIT: ended_block(a->to_ms - stage.test->time_ms); return AY_OK;
    case ACT_ANSWER:
    case ACT_PICK:
    case ACT_STEP: break;
    }
    AY_TRY(ay_stage_fork(&stage, a->fork, &fork, &listing));
    return a->act == ACT_ANSWER ? do_answer(a, &fork) : do_challenge(a, &fork, listing);
}

/* --- the rules once more, for the last states --- */

static uint64_t quarter(uint64_t bond)
{
    return (bond + 3) / 4;
}

/* Deposits: the provider's for what it posted of a claim that stands, else the demander's again. Gives
 * back who is rewarded for silence, if anybody. */
static void expect_demands(int64_t *delta, const struct ay_job_job *job, enum ay_seat *silent)
{
    struct ay_dispute_case row = {.job_id = stage.job_id};
    (void)!ay_row_get(ay_test_ctx(stage.test), &ay_dispute_case_msg, &row);
    const struct ay_work_program *program = &stage.sketch.program;
    uint64_t output_bytes = stage.truth->lens[ay_program_output(program, program->ops_count - 1)];
    *silent = AY_SEATS;
    bool found = ay_is_zero(row.demander, AY_ADDRESS_BYTES);
    if (!found) *silent = seat_of(row.demander);
    for (uint32_t what = AY_DISPUTE_WHAT_ROOTS; what < WHATS; what++) {
        uint64_t bytes = what == AY_DISPUTE_WHAT_ROOTS ? 32 : output_bytes;
        uint64_t deposit = AY_STAGE_SUPPLY_FEE + AY_STAGE_SUPPLY_KIB_FEE * ((bytes + 1023) / 1024 + 1);
        if (!ghost.demander[what]) continue;
        enum ay_seat who = ghost.demander[what] - 1;
        found |= who == *silent && !ghost.supplied[what];
        if (job->state == AY_JOB_STATE_SLASHED) continue;
        if (!ghost.supplied[what]) violated("a job was paid although its provider was silent");
        delta[who] -= (int64_t)deposit;
        delta[AY_SEAT_PROVIDER] += (int64_t)deposit;
    }
    if (!found) violated("somebody was rewarded whose demand was answered");
}

/* What each seat should own: bonds lost and won, the slash, its shares, and the job's fee. */
static void expect_forks(int64_t *delta, const struct ay_job_job *job, enum ay_seat silent)
{
    uint64_t pot = 0, shares = 0, forks = fork_count(), reward = lock_nasy / 4;
    struct ay_dispute_case row = {.job_id = stage.job_id};
    (void)!ay_row_get(ay_test_ctx(stage.test), &ay_dispute_case_msg, &row);
    if (job->state == AY_JOB_STATE_SLASHED) {
        delta[AY_SEAT_PROVIDER] -= (int64_t)lock_nasy;
        pot = reward;
    }
    struct ay_dispute_fork all[MAX_FORKS];
    for (uint64_t i = 0; i < forks; i++) {
        struct ay_dispute_fork *f = &all[i];
        *f = (struct ay_dispute_fork){.id = i + 1};
        AY_ASSERT(ay_row_get(ay_test_ctx(stage.test), &ay_dispute_fork_msg, f) == AY_OK);
        if (f->bond_nasy < stage.bond_nasy) violated("a fork with too small a bond");
        if (f->game.state == AY_DISPUTE_STATE_FAILED) {
            delta[seat_of(f->challenger)] -= (int64_t)f->bond_nasy;
            delta[AY_SEAT_PROVIDER] += (int64_t)(f->bond_nasy - quarter(f->bond_nasy));
            continue;
        }
        if (job->state != AY_JOB_STATE_SLASHED) violated("a fork won, and there was no slash");
        delta[seat_of(f->challenger)] += (int64_t)f->fees_nasy;
        pot -= f->fees_nasy;
        uint32_t common = 4 * (f->game.depth < row.depth ? f->game.depth : row.depth);
        bool same = memcmp(f->game.path, row.path, common) == 0;
        f->settled = same && f->commit_height < row.first_open_height &&
                     silent == AY_SEATS; /* from here on: it shares */
        if (f->settled) shares += f->bond_nasy;
    }
    for (uint64_t i = 0; i < forks; i++)
        if (all[i].game.state != AY_DISPUTE_STATE_FAILED && all[i].settled)
            delta[seat_of(all[i].challenger)] += (int64_t)(pot * all[i].bond_nasy / shares);
    if (silent != AY_SEATS) delta[silent] += (int64_t)pot;
}

static void check_honest(const struct ay_job_job *job, const int64_t *delta)
{
    bool watched = false;
    for (enum ay_seat who = AY_SEAT_A; who <= AY_SEAT_B; who++) watched |= play->honest[who];
    if (play->lie && watched && job->state != AY_JOB_STATE_SLASHED)
        violated("a lie was watched by an honest player and not slashed");
    if (play->honest[AY_SEAT_PROVIDER] && job->state != AY_JOB_STATE_PAID)
        violated("an honest provider was not paid");
    bool delivered = !play->hides || ghost.supplied[AY_DISPUTE_WHAT_OUTPUT];
    if (play->honest[AY_SEAT_CONSUMER] && job->state == AY_JOB_STATE_PAID && !delivered)
        violated("the consumer paid for what it never saw");
    for (enum ay_seat who = 0; who < AY_SEATS; who++)
        if (play->honest[who] && who != AY_SEAT_CONSUMER && delta[who] < 0)
            violated("an honest player lost money");
    if (play->honest[AY_SEAT_CONSUMER] && job->state == AY_JOB_STATE_SLASHED &&
        delta[AY_SEAT_CONSUMER] < 0)
        violated("the consumer of a wrong answer lost money");
    int64_t coalition = 0;
    for (enum ay_seat who = 0; who < AY_SEATS; who++)
        if (!play->honest[who]) coalition += delta[who];
    if (!play->honest[AY_SEAT_CONSUMER]) coalition -= (int64_t)start_fee; /* its own, given back */
    int64_t worst = -(int64_t)(lock_nasy - lock_nasy / 4);
    if (!play->honest[AY_SEAT_PROVIDER] && job->state == AY_JOB_STATE_SLASHED && coalition > worst)
        violated("a coalition that challenged itself lost less than three quarters of S");
}

static void check_end(void)
{
    for (uint32_t i = 0; i < 3; i++) ended_block(1); /* answers are swept */
    struct ay_job_job job = job_row();
    int64_t expected[AY_SEATS] = {0}, delta[AY_SEATS];
    if (job.state != AY_JOB_STATE_PAID && job.state != AY_JOB_STATE_SLASHED)
        violated("nothing can happen, and the job has not ended");
    if (ay_dispute_waits(ay_test_ctx(stage.test))) violated("the ledger waits for nothing");
    enum ay_seat silent;
    expect_demands(expected, &job, &silent);
    expect_forks(expected, &job, silent);
    for (enum ay_seat who = 0; who < AY_SEATS; who++) {
        delta[who] = (int64_t)(ay_stage_wealth(&stage, who) - start_wealth[who]);
        bool expired = ghost.committed[who] && !ghost.opened[who] && !ghost.refunded[who];
        if (expired) expected[who] -= (int64_t)quarter(stage.bond_nasy + 2 * (uint64_t)who);
    }
    /* the fee: back to the consumer, or to the provider less what is burnt for the protocol and paid
     * to the program's owner, here the consumer */
    bool paid = job.state == AY_JOB_STATE_PAID;
    expected[AY_SEAT_CONSUMER] += paid ? 0 : (int64_t)start_fee;
    expected[AY_SEAT_PROVIDER] += paid ? (int64_t)(start_fee - start_fee / 100) : 0;
    for (enum ay_seat who = 0; who < AY_SEATS; who++) {
        if (delta[who] == expected[who]) continue;
        printf("%s has %lld more, not %lld\n", ay_seat_names[who], (long long)delta[who],
               (long long)expected[who]);
        violated("the books are not what the rules say");
    }
    check_honest(&job, delta);
    /* the window, and for each fork its commit, the first answer and both clocks; for demands, however
     * many, a turn and their posting, and two turns after it; a fifth of a turn for the milliseconds
     * past deadlines */
    uint64_t most = AY_STAGE_WINDOW_MS + AY_STAGE_TURN_MS / 5 +
                    fork_count() * (2 * AY_DISPUTE_TURNS + 3) * AY_STAGE_TURN_MS +
                    (play->hides ? 4 * AY_STAGE_TURN_MS : 0);
    if (stage.test->time_ms - start_ms > most) violated("the game was drawn out");
    ends++;
}

/* --- the search --- */

static void explore(void)
{
    uint8_t hash[32];
    ended_block(0);
    hash_state(hash);
    if (!insert(hash)) return;
    states++;
    struct menu *menu = malloc(sizeof *menu);
    struct node node;
    uint32_t done = 0;
    AY_ASSERT(menu);
    list_actions(menu);
    save(&node);
    for (uint32_t i = 0; i < menu->count; i++) {
        const struct action *a = &menu->actions[i];
        trace[depth++] = a;
        AY_ASSERT(depth < MAX_DEPTH);
        enum ay_code code = do_action(a); /* a refusal leaves no trace */
        steps++;
        if (code == AY_OK) {
            done++;
            explore();
            restore(&node);
        } else {
            refusals++;
            if (play->honest[a->who]) violated(stage.test->ledger.ctx.reason);
        }
        depth--;
    }
    if (done == 0) check_end();
    drop_map(&node.map);
    free(menu);
}

static void run_scenario(const struct scenario *scenario)
{
    play = scenario;
    ghost = (struct ghost){0};
    depth = 0;
    states = steps = refusals = ends = 0;
    seen_cap = UINT64_C(1) << 22;
    seen_count = 0;
    seen = calloc(seen_cap, sizeof *seen);
    AY_ASSERT(seen);
    ay_stage_new(&stage, ay_sketch_tiny, TINY_LENGTH, LIE_OP, LIE_ELEMENT, scenario->lie);
    start_ms = stage.test->time_ms;
    struct ay_job_job job = job_row();
    start_fee = job.fee_nasy;
    lock_nasy = job.lock_nasy;
    for (enum ay_seat who = 0; who < AY_SEATS; who++) start_wealth[who] = ay_stage_wealth(&stage, who);
    explore();
    printf("%-48s %8llu states, %7llu ends, %9llu steps, %9llu refused\n", scenario->name,
           (unsigned long long)states, (unsigned long long)ends, (unsigned long long)steps,
           (unsigned long long)refusals);
    fflush(stdout);
    all_states += states;
    ay_stage_free(&stage);
    free(seen);
}

int main(int argc, char **argv)
{
    for (uint32_t i = 0; i < SCENARIOS; i++) {
        bool wanted = argc == 1;
        for (int a = 1; a < argc; a++) wanted |= strcmp(argv[a], scenarios[i].name) == 0;
        if (wanted) run_scenario(&scenarios[i]);
    }
    printf("%llu states in all\n", (unsigned long long)all_states);
    return 0;
}
