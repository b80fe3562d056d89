/* The ledger: blocks of transactions over a state. Pure: state comes in through ay_kv, what changes
 * goes out as a list, time is an argument. The engines and the simulator are its only callers.
 *
 *   ay_ledger_open      over a view of the state
 *   ay_ledger_init      once, on an empty state
 *   ay_ledger_begin, _deliver ..., _end   one block; ay_ledger_changes is what to commit
 *   ay_ledger_open      again, over a view of the state with the changes in it
 *
 * Checks, simulations and queries run on ledgers of their own over a view, beside the one that
 * makes blocks; opening one costs two reads. A ledger belongs to one thread at a time. */
#ifndef AY_LEDGER_LEDGER_H
#define AY_LEDGER_LEDGER_H

#include "base/gen/genesis.h"
#include "base/gen/ledger.h"
#include "ledger/events.h"
#include "ledger/module.h"
#include "ledger/overlay.h"

/* Memory of a ledger that makes blocks. Part of consensus: a transaction that does not fit is
 * refused, so every node gives as much. Take it from mmap: what is not touched costs nothing. */
#define AY_LEDGER_BLOCK_BYTES   (512u << 20) /* the block's changes, results and events */
#define AY_LEDGER_TX_BYTES      (64u << 20)  /* a transaction's changes and events */
#define AY_LEDGER_SCRATCH_BYTES (128u << 20) /* decoded messages and rows */

#define AY_LEDGER_FULL_CHECK_BLOCKS 1000 /* all invariants in full, each so many blocks */
#define AY_MAX_CHAIN_ID             48

struct ay_ledger_arenas {
    struct ay_arena block, tx, scratch; /* the caller's memory, reset by the ledger */
};

/* Remembers signatures that were right, for a caller whose ledgers meet a transaction more than once:
 * at the door, in a block. The key is a SHA-256 of signature, digest and public key, so what is
 * remembered cannot be wrong and need not be complete. May be called from any ledger's thread. */
struct ay_known_signatures {
    void *self;
    bool (*has)(void *self, const uint8_t key[AY_HASH_BYTES]);
    void (*add)(void *self, const uint8_t key[AY_HASH_BYTES]);
};

struct ay_ledger {
    const struct ay_economy *economy;
    const struct ay_known_signatures *known; /* NULL, or set after open */
    struct ay_ledger_arenas arenas;
    struct ay_overlay overlay; /* the block's */
    struct ay_events events;   /* of begin and end of block */
    struct ay_ctx ctx;
    struct ay_ledger_params params;
    uint64_t last_height;
    uint64_t last_time_ms;
    uint64_t last_reserved_bytes;
    char chain_id[AY_MAX_CHAIN_ID + 1];
    bool initialised; /* the state has a genesis */
    bool in_block;
    uint64_t bytes, reserved_bytes, gas; /* of this block so far */
};

/* A refused query: code != AY_OK and log; an answer: value. Both live in the ledger's memory until
 * its next call. */
struct ay_query_answer {
    enum ay_code code;
    struct ay_slice value;
    char log[320];
};

/* Reads what the ledger must know of the state. An empty state gives initialised = false.
 * The view behind kv and the memory outlive the ledger. Nothing is checked: ay_ledger_verify does.
 * AY_E_CORRUPT, AY_E_IO. */
enum ay_code ay_ledger_open(struct ay_ledger *ledger, const struct ay_economy *economy,
                            const struct ay_kv *kv, struct ay_ledger_arenas arenas) AY_MUST;

/* Writes the first state; height is 0 then. ay_ledger_changes lists it. ctx.reason names what is
 * wrong with a genesis. AY_E_STATE: there is a state already. AY_E_RANGE, AY_E_ADDRESS, …. */
enum ay_code ay_ledger_init(struct ay_ledger *ledger,
                            const struct ay_genesis_genesis *genesis) AY_MUST;

/* Begins the block after the last. time_ms: header time, not before the last block's. proposer: the
 * operator address of its validator, who receives the fees. AY_E_RANGE: height or time. */
enum ay_code ay_ledger_begin(struct ay_ledger *ledger, uint64_t height, uint64_t time_ms,
                             const uint8_t proposer[AY_ADDRESS_BYTES]) AY_MUST;

/* Runs one transaction of the block. Slices of *result live until the ledger is opened again.
 * AY_E_LIMIT: it has no room in this block any more (bytes, gas, or the reserve of dispute moves),
 * nothing happened and it must be left out. Other codes than AY_OK: the node must stop. */
enum ay_code ay_ledger_deliver(struct ay_ledger *ledger, struct ay_slice raw,
                               struct ay_ledger_tx_result *result) AY_MUST;

/* Ends the block: modules, clock, invariants. events: those of begin and end; same life.
 * AY_E_INVARIANT: ctx.reason names the one that is broken, and nothing may be committed. */
enum ay_code ay_ledger_end(struct ay_ledger *ledger, const struct ay_tendermint_abci_event **events,
                           uint32_t *count) AY_MUST;

/* What the block (or the genesis) changes, ascending by key; same life. AY_E_LIMIT. */
enum ay_code ay_ledger_changes(struct ay_ledger *ledger, struct ay_kv_change **changes,
                               uint32_t *count) AY_MUST;

/* Every invariant over the whole state: on open. AY_E_INVARIANT. O(state). */
enum ay_code ay_ledger_verify(struct ay_ledger *ledger) AY_MUST;

/* Must ledger time go on although nobody sends anything? */
bool ay_ledger_waits(struct ay_ledger *ledger) AY_MUST;

/* Would the next block take this transaction? Fee and sequence are spent in the ledger's own layer,
 * so that transactions which follow one another are all admitted; open the ledger again after each
 * block and check those still waiting once more. min_price_nano: 10^-9 nasy a unit of gas. The
 * result's slices live until the next call. AY_E_LIMIT: its memory is full of admitted ones. */
enum ay_code ay_ledger_check(struct ay_ledger *ledger, struct ay_slice raw, uint64_t min_price_nano,
                             struct ay_ledger_tx_result *result) AY_MUST;

/* What would this transaction, signed or not, do and cost? Leaves nothing behind. The result's
 * slices live until the next call. */
enum ay_code ay_ledger_simulate(struct ay_ledger *ledger, struct ay_slice raw,
                                struct ay_ledger_tx_result *result) AY_MUST;

/* Answers "/<service>/<method>" from the state below. Any code but AY_OK: the node must stop. */
enum ay_code ay_ledger_query(struct ay_ledger *ledger, struct ay_slice path, struct ay_slice data,
                             struct ay_query_answer *answer) AY_MUST;

#endif
