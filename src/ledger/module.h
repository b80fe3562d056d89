/* A module of the economy: a name, its verbs and what must hold. All modules stand in one ordered
 * array (modules/modules.c); their order is consensus. */
#ifndef AY_LEDGER_MODULE_H
#define AY_LEDGER_MODULE_H

#include "ledger/ctx.h"

struct ay_tx_verb {
    const struct ay_msg *msg;
    const struct ay_msg *response;
    bool reserved; /* a dispute move: its bytes count against the block's reserve */
    /* Looks at the message alone: shapes, ranges. May be NULL. */
    enum ay_code (*check)(struct ay_ctx *ctx, const void *msg);
    /* Changes state. ctx->signer is the address in the message's signer field, already verified.
     * *response is zeroed. */
    enum ay_code (*apply)(struct ay_ctx *ctx, const void *msg, void *response);
};

struct ay_query_verb {
    const struct ay_msg *request;
    const struct ay_msg *answer;
    enum ay_code (*run)(struct ay_ctx *ctx, const void *request, void *answer);
};

struct ay_invariant {
    const char *name;
    /* Cheap, after every block, from ay_rows_changed(). May be NULL. */
    enum ay_code (*step)(struct ay_ctx *ctx);
    /* The whole state; on open, every 1,000 blocks, and in every simulated block. */
    enum ay_code (*full)(struct ay_ctx *ctx);
};

struct ay_module {
    const char *name; /* also the codespace of its codes */
    /* Writes the module's first rows. section: the module's message in the genesis, or NULL. */
    enum ay_code (*genesis)(struct ay_ctx *ctx, const struct ay_msg *msg, const void *section);
    const struct ay_msg *genesis_msg;                /* what section is; NULL: nothing */
    enum ay_code (*begin_block)(struct ay_ctx *ctx); /* may be NULL */
    enum ay_code (*end_block)(struct ay_ctx *ctx);   /* may be NULL */
    /* True while ledger time must go on although no transaction comes. May be NULL. */
    bool (*waits)(struct ay_ctx *ctx);
    const struct ay_tx_verb *txs;          /* ends with msg == NULL; may be NULL */
    const struct ay_query_verb *queries;   /* ends with request == NULL; may be NULL */
    const struct ay_invariant *invariants; /* ends with name == NULL; may be NULL */
};

/* Everything that a ledger runs: the modules in order, and how a fee is moved. */
struct ay_economy {
    const struct ay_module *const *modules; /* ends with NULL */
    /* Moves coins between two addresses; AY_E_FUNDS. */
    enum ay_code (*move)(struct ay_ctx *ctx, const uint8_t from[AY_ADDRESS_BYTES],
                         const uint8_t to[AY_ADDRESS_BYTES], uint64_t amount_nasy);
};

/* Fees of a block's transactions wait here; the bank hands them to the proposer at its end. */
#define AY_FEES_MODULE "fees"

#endif
