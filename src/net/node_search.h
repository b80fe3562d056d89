/* The queries of tx_search, block_search and subscribe: conditions on event attributes, joined by
 * AND, such as "tx.height>=5 AND transfer.recipient='assay1...'". Besides what the ledger emits,
 * tm.event, tx.hash, tx.height and block.height can be asked for.
 * Source: CometBFT v0.38 internal/pubsub/query/syntax; TIME and DATE operands are refused. */
#ifndef AY_NET_NODE_SEARCH_H
#define AY_NET_NODE_SEARCH_H

#include "engine/engine.h"

enum {
    AY_SEARCH_MAX_CONDITIONS = 8,
    AY_SEARCH_MAX_BYTES = 512,    /* of a query, as in CometBFT */
    AY_SEARCH_MAX_SCAN = 200000,  /* blocks and transactions looked at for one answer */
    AY_SEARCH_MAX_FOUND = 100000, /* transactions that one query may find */
};

enum ay_search_op {
    AY_SEARCH_EQ,
    AY_SEARCH_LT,
    AY_SEARCH_LE,
    AY_SEARCH_GT,
    AY_SEARCH_GE,
    AY_SEARCH_CONTAINS,
    AY_SEARCH_EXISTS
};

/* Borrows from the query's text. */
struct ay_search_condition {
    struct ay_slice key, text; /* text: the operand as written, without quotes */
    enum ay_search_op op;
    bool is_number;
    uint64_t number;
};

struct ay_search {
    uint32_t n;
    struct ay_search_condition condition[AY_SEARCH_MAX_CONDITIONS];
};

/* AY_E_FORMAT, AY_E_LIMIT: `why` gets the reason. */
enum ay_code ay_search_parse(struct ay_slice query, struct ay_search *out, char why[160]) AY_MUST;

/* What conditions are held against. */
struct ay_search_subject {
    const char *event; /* "Tx", "NewBlock", ...: the value of tm.event */
    uint64_t height;
    const uint8_t *hash; /* of a transaction, or NULL */
    const struct ay_tendermint_abci_event *events;
    uint32_t event_count;
};
bool ay_search_matches(const struct ay_search *search, const struct ay_search_subject *subject);

/* The heights that conditions on `key` leave: [*low, *high]; *high < *low for none. */
void ay_search_heights(const struct ay_search *search, const char *key, uint64_t tip, uint64_t *low,
                       uint64_t *high);

/* Every transaction that matches, ascending, in malloc'ed *found. AY_E_LIMIT: too much to look at;
 * AY_E_MEMORY, and what the engine returns. */
enum ay_code ay_search_txs(struct ay_engine *engine, const struct ay_search *search,
                           struct ay_engine_place **found, uint32_t *count) AY_MUST;

#endif
