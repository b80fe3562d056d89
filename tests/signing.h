/* Accounts with keys made from a label, and transactions signed as wallets sign them
 * (SIGN_MODE_DIRECT), without a node. Trouble ends the program. */
#ifndef AY_TESTS_SIGNING_H
#define AY_TESTS_SIGNING_H

#include "base/arena.h"
#include "base/schema.h"
#include "crypto/bech32.h"

struct account {
    uint8_t seckey[32], pubkey[33], address[20];
    char text[AY_ADDRESS_TEXT_CHARS + 1];
    uint64_t number, sequence; /* the caller's to fill and to keep */
};

/* Account `index` of those whose keys are SHA-256("assay/test-key/" | index). */
void account_init(struct account *account, uint32_t index);

struct outgoing {
    const struct ay_msg *msg;
    const void *value;
};

/* A transaction of these messages at the account's number and sequence, in the arena. */
struct ay_slice sign_tx(const struct account *from, const char *chain_id,
                        const struct outgoing *msgs, uint32_t n, uint64_t gas, uint64_t fee_nasy,
                        struct ay_arena *arena);

/* The same of one bank.MsgSend of `amount` nasy, with a fee that default nodes take. */
struct ay_slice sign_send(const struct account *from, const char *chain_id, const char *to,
                          uint64_t amount, struct ay_arena *arena);

#endif
