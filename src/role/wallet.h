/* Sends transactions through a node's public interface: account, simulation, fee, signature,
 * broadcast, and the wait until a block has it. One wallet a thread. */
#ifndef AY_ROLE_WALLET_H
#define AY_ROLE_WALLET_H

#include "base/arena.h"
#include "base/schema.h"
#include "crypto/bech32.h"
#include "net/node_client.h"

#define AY_MAX_WALLET_MSGS 16
#define AY_MAX_WALLET_TX_BYTES (1u << 20)

/* Who signs. Zero the key when done: ay_signer_clear. */
struct ay_signer {
    uint8_t seckey[32];
    uint8_t pubkey[33];
    uint8_t address[20];
    char text[AY_ADDRESS_TEXT_CHARS + 1]; /* the address in bech32 */
};

/* Fills the rest from seckey. AY_E_KEY when it is no key. */
enum ay_code ay_signer_init(struct ay_signer *signer) AY_MUST;
void ay_signer_clear(struct ay_signer *signer);

struct ay_wallet;

/* "0.025nasy" as a fraction of nasy per gas. AY_E_USAGE when the text is not of this form. */
enum ay_code ay_gas_price_parse(const char *text, uint64_t *num, uint64_t *den) AY_MUST;

/* node and signer are borrowed until close. gas_price as "0.025nasy"; AY_E_USAGE when it is not.
 * Asks the node for its chain id. */
enum ay_code ay_wallet_open(struct ay_node_client *node, const struct ay_signer *signer,
                            const char *gas_price, struct ay_wallet **out) AY_MUST;
void ay_wallet_close(struct ay_wallet *wallet);

/* One message to send: a descriptor with a tx option and its struct. */
struct ay_outgoing {
    const struct ay_msg *msg;
    const void *value;
};

struct ay_sent {
    enum ay_code code; /* what the chain said: AY_OK, or why it was refused */
    char codespace[32];
    uint32_t wire;
    char log[512];
    uint8_t hash[32];
    int64_t height; /* 0: not in a block */
    int64_t gas_used;
    uint64_t fee_nasy;
    struct ay_slice data; /* TxMsgData, in the wallet until the next send */
};

/* Sends the messages in one transaction and waits until it is in a block. gas_limit 0: simulate
 * first and take 1.4 times what it used. AY_OK means that the exchange went through; sent->code is
 * the outcome. AY_E_UNREACHABLE, AY_E_TIMEOUT: it is not known whether the chain took it; the hash
 * is in sent. */
enum ay_code ay_wallet_send(struct ay_wallet *wallet, const struct ay_outgoing *msgs, uint32_t n,
                            uint64_t gas_limit, const char *memo, struct ay_sent *sent) AY_MUST;

/* Decodes response `index` of a successful send into *out (of descriptor msg). */
enum ay_code ay_sent_response(const struct ay_sent *sent, uint32_t index, const struct ay_msg *msg,
                              struct ay_arena *arena, void *out) AY_MUST;

/* Asks a module query: request and answer as the schema says. *answer is in the arena.
 * AY_E_NOT_FOUND and the rest as the node answered. */
enum ay_code ay_ask(struct ay_node_client *node, const struct ay_msg *request, const void *value,
                    struct ay_arena *arena, void *answer) AY_MUST;

#endif
