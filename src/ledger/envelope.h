/* The envelope of a transaction (cosmos.tx.v1beta1.TxRaw), taken apart strictly, and everything
 * that can be refused without looking at the state. One signer a transaction: every message names
 * it. */
#ifndef AY_LEDGER_ENVELOPE_H
#define AY_LEDGER_ENVELOPE_H

#include "base/gen/tx.h"
#include "ledger/module.h"

#define AY_MAX_MEMO 256 /* bytes */

struct ay_envelope_message {
    const struct ay_module *module;
    const struct ay_tx_verb *verb;
    void *msg; /* decoded */
};

struct ay_envelope {
    struct ay_tx_tx_raw raw;
    struct ay_tx_tx_body body;
    struct ay_tx_auth_info auth;
    struct ay_envelope_message *messages; /* body.messages_count of them */
    uint8_t signer[AY_ADDRESS_BYTES];
    uint64_t fee_nasy;
    bool has_pub_key;
    uint8_t pub_key[33];
    bool reserved; /* all of its messages are dispute moves */
};

/* Decodes and checks. simulate: the signature may be empty and the mode unspecified.
 * Slices borrow from raw, the rest lives in ctx->arena. ctx->reason says why it was refused; codes
 * are those that Cosmos clients know (AY_E_TX_PARSE, …) or what a verb's check returns. */
enum ay_code ay_envelope_decode(struct ay_ctx *ctx, const struct ay_economy *economy,
                                struct ay_slice raw, bool simulate,
                                struct ay_envelope *envelope) AY_MUST;

/* SHA-256 of the SignDoc that the signature must be over. AY_E_LIMIT: arena. */
enum ay_code ay_envelope_digest(struct ay_arena *arena, const struct ay_envelope *envelope,
                                struct ay_slice chain_id, uint64_t account_number,
                                uint8_t out[AY_HASH_BYTES]) AY_MUST;

#endif
