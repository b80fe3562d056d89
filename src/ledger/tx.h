/* A transaction's way through the ledger: what stands before its messages (fee, key, sequence,
 * signature: what Cosmos calls ante), and the messages. The order of checks, their codes and texts
 * are those of the Cosmos SDK, because clients read them. */
#ifndef AY_LEDGER_TX_H
#define AY_LEDGER_TX_H

#include "base/gen/ledger.h"
#include "ledger/envelope.h"
#include "ledger/gas.h"

enum ay_tx_mode {
    AY_TX_DELIVER,  /* in a block */
    AY_TX_CHECK,    /* at the door: the node's least price counts, messages do not run */
    AY_TX_SIMULATE, /* nothing signed and nothing paid: what would it cost? */
};

struct ay_known_signatures;

struct ay_tx_rules {
    const struct ay_economy *economy;
    struct ay_slice chain_id;
    uint64_t max_gas;        /* highest gas limit */
    uint64_t min_price_nano; /* AY_TX_CHECK: 10^-9 nasy a unit of gas */
    const struct ay_known_signatures *known; /* ledger/ledger.h; NULL: all are checked */
};

/* Runs a decoded transaction on ctx->overlay, which is the layer below it: the block's, or the
 * check state. What holds afterwards stands in that layer: everything, or fee and sequence alone
 * when a message failed, or nothing when the part before the messages did. tx_arena holds its
 * layers and events and is the caller's to reset. The result's slices live in `keep`. *paid: fee
 * and sequence are spent. Returns AY_OK with *result filled, also when the transaction was refused;
 * any other code means that the ledger itself cannot go on. */
enum ay_code ay_tx_run(struct ay_ctx *ctx, const struct ay_tx_rules *rules, enum ay_tx_mode mode,
                       const struct ay_envelope *envelope, uint32_t raw_len,
                       struct ay_arena *tx_arena, struct ay_arena *keep,
                       struct ay_ledger_tx_result *result, bool *paid) AY_MUST;

/* Fills a result for a refusal, with the text "prefix reason: what the code means". */
enum ay_code ay_tx_refusal(enum ay_code code, const char *prefix, const char *reason,
                           struct ay_arena *keep, struct ay_ledger_tx_result *result) AY_MUST;

/* True for codes that are the node's trouble, never a transaction's: disk, memory, damage. */
bool ay_code_is_fatal(enum ay_code code) AY_MUST;

#endif
