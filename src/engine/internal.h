/* Between the files of the solo engine; nobody else includes it. */
#ifndef AY_ENGINE_INTERNAL_H
#define AY_ENGINE_INTERNAL_H

#include "engine/block.h"
#include "engine/engine.h"
#include "engine/known.h"
#include "engine/mempool.h"
#include "ledger/ledger.h"

#include <pthread.h>

#define AY_ENGINE_QUERY_SLOTS 8 /* queries that run at one time; others wait */

/* A ledger with its memory, over one view of the store. */
struct ay_desk {
    struct ay_ledger ledger;
    struct ay_ledger_arenas arenas;
    struct ay_store_view *view;
    struct ay_kv kv;
    size_t bytes;
    bool busy;
};

struct ay_engine {
    struct ay_engine_options options;
    struct ay_block_maker maker;
    uint8_t proposer[AY_ADDRESS_BYTES];
    struct ay_store *store;
    struct ay_known *known;
    struct ay_desk block;    /* the maker's */
    struct ay_arena stored; /* the maker's: blocks in their stored form */

    pthread_mutex_t lock; /* all below */
    pthread_cond_t work;  /* something for the maker */
    pthread_cond_t done;  /* a new tip, a free query desk, or the end */
    struct ay_mempool pool;
    struct ay_desk check;
    struct ay_desk query[AY_ENGINE_QUERY_SLOTS];
    struct ay_engine_tip tip;
    bool waits; /* ledger time must go on */
    bool stop;
    enum ay_code health;
    pthread_t thread;
    bool running;
};

/* A fresh ledger over the store as it is now; ends the desk's view. */
enum ay_code ay_desk_open(struct ay_desk *desk, struct ay_store *store) AY_MUST;
void ay_desk_close(struct ay_desk *desk);

/* A block as stored and what became of it (either may be NULL), decoded into the arena. */
enum ay_code ay_read_block(struct ay_store_view *view, uint64_t height, struct ay_arena *arena,
                           struct ay_engine_block *block,
                           struct ay_ledger_block_result *results) AY_MUST;

#endif
