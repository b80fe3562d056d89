/* What a module's code works in: one context for a transaction's message, a begin or end of block,
 * a query or an invariant. Everything a verb may know comes through it; there is no clock, heap or
 * randomness behind it. Writes go to an overlay that is dropped when the verb returns an error. */
#ifndef AY_LEDGER_CTX_H
#define AY_LEDGER_CTX_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/code.h"
#include "base/schema.h"

#define AY_ADDRESS_BYTES 20
#define AY_HASH_BYTES 32
#define AY_DENOM "nasy"
#define AY_MAX_KEY 480 /* bytes of a row's key in the state */

struct ay_overlay; /* ledger/overlay.h: not for modules */
struct ay_events;
struct ay_gas;
struct ay_economy; /* ledger/module.h */

struct ay_ctx {
    const struct ay_economy *economy; /* all modules: who else is there */
    struct ay_overlay *overlay;
    /* What rows borrow lives in it. Nothing that must outlast the call: a verb may rewind what it
     * has taken itself, and a walk over many rows should. */
    struct ay_arena *arena;
    struct ay_gas *gas;     /* NULL where nobody pays: begin, end, queries, invariants */
    struct ay_events *events; /* NULL in queries and invariants */
    uint64_t height;
    uint64_t time_ms; /* header time */
    uint64_t now_ms;  /* ledger time: the only clock that deadlines are measured by */
    uint8_t genesis_hash[AY_HASH_BYTES];
    uint8_t proposer[AY_ADDRESS_BYTES]; /* operator address of the block's proposer */
    uint8_t signer[AY_ADDRESS_BYTES];   /* of the message; zero outside transactions */
    char reason[256]; /* a refusal's text for people; never consensus */
};

/* Writes a text for people about the refusal at hand and returns code, so that a verb may say
 * `return ay_refuse(ctx, AY_E_JOB_STATE, "job %llu is %s", …)`. Only %s %.*s %u %llu %x. */
enum ay_code ay_refuse(struct ay_ctx *ctx, enum ay_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- rows: generic over the schema. Set the key fields of *row, call, read the rest. --- */

/* Fills *row from state. AY_E_NOT_FOUND leaves the non-key fields zero. Slices live in ctx->arena.
 * Cost: one read of gas. */
enum ay_code ay_row_get(struct ay_ctx *ctx, const struct ay_msg *msg, void *row) AY_MUST;

/* Inserts or replaces, with every index kept up. Cost: one write and the row's bytes. */
enum ay_code ay_row_put(struct ay_ctx *ctx, const struct ay_msg *msg, const void *row) AY_MUST;

/* Removes the row and its index entries. AY_E_NOT_FOUND when there is none. */
enum ay_code ay_row_del(struct ay_ctx *ctx, const struct ay_msg *msg, const void *key) AY_MUST;

/* A walk over rows in key order. index: 0 the primary key, 1.. the row's indexes in schema order.
 * The first n_fields of that key, taken from *from, must be equal in all rows returned.
 * Rows may be put and deleted during the walk: each step looks again for the next key. */
struct ay_row_walk {
    const struct ay_msg *msg;
    uint32_t index;
    uint32_t prefix_len;
    uint32_t key_len;
    uint8_t key[AY_MAX_KEY];
    bool started;
};
enum ay_code ay_row_walk_begin(struct ay_row_walk *walk, const struct ay_msg *msg, uint32_t index,
                               const void *from, uint32_t n_fields) AY_MUST;

/* Starts the walk at the first key >= that of *from's n_at fields, still within the prefix. */
enum ay_code ay_row_walk_seek(struct ay_row_walk *walk, const void *from, uint32_t n_at) AY_MUST;

/* The next row, or AY_E_NOT_FOUND at the end. */
enum ay_code ay_row_walk_next(struct ay_ctx *ctx, struct ay_row_walk *walk, void *row) AY_MUST;

/* Rows of msg that this block has changed so far, each once in key order, with the row before the
 * block (has_old) and now (has_new): what incremental invariants read.
 * changed() returns AY_OK to go on; the rows it is given are gone when it returns.
 * Only where ctx->overlay is the block's: in end of block and in invariants. */
typedef enum ay_code (*ay_row_changed)(struct ay_ctx *ctx, void *self, bool has_old,
                                       const void *old_row, bool has_new, const void *new_row);
enum ay_code ay_rows_changed(struct ay_ctx *ctx, const struct ay_msg *msg, ay_row_changed changed,
                             void *self) AY_MUST;

/* --- events and gas --- */

/* Records an event: type = the message's full name, one attribute for each field (text form). */
enum ay_code ay_emit(struct ay_ctx *ctx, const struct ay_msg *msg, const void *event) AY_MUST;

/* Charges units beyond what rows, bytes and signatures cost by themselves; AY_E_OUT_OF_GAS. */
enum ay_code ay_gas_charge(struct ay_ctx *ctx, uint64_t amount) AY_MUST;

/* --- addresses --- */

/* 20 bytes of a bech32 "assay1…" string; AY_E_ADDRESS. */
enum ay_code ay_address_parse(struct ay_slice text, uint8_t out[AY_ADDRESS_BYTES]) AY_MUST;

/* The address that holds a module's coins: first 20 bytes of SHA-256("assay/module/" + name). */
void ay_module_address(const char *module, uint8_t out[AY_ADDRESS_BYTES]);

/* Does the address hold a module's coins? Nobody may send to it by a transaction, because what a
 * module holds is, to the coin, what it owes. Cost: a hash for each module. */
bool ay_is_module_address(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES]) AY_MUST;

#endif
