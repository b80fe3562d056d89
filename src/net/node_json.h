/* The node's JSON in CometBFT's shapes, and where it differs in those of Cosmos REST. Numbers of
 * 64 bits are strings; hashes are upper-case hex over RPC and base64 over REST.
 * Every function gives a new reference, NULL when out of memory; json_pack passes NULL on. */
#ifndef AY_NET_NODE_JSON_H
#define AY_NET_NODE_JSON_H

#include "base/arena.h"
#include "base/gen/engine.h"
#include "base/gen/ledger.h"
#include "base/gen/tendermint_types.h"
#include "base/schema.h"
#include "engine/engine.h"

#include <jansson.h>

enum ay_show { AY_SHOW_RPC, AY_SHOW_REST };

/* A stored block as others see it: with its header, the vote on the block before and its own. Views
 * borrow from the memory, which is the block's own. */
struct ay_node_block {
    void *memory;
    struct ay_arena arena;
    struct ay_engine_block stored;
    struct ay_ledger_block_result results;
    struct ay_tendermint_types_header header;
    struct ay_tendermint_types_block_id id;
    struct ay_tendermint_types_commit last_commit, commit;
};

/* height 0 is the tip. AY_E_NOT_FOUND, AY_E_MEMORY, AY_E_CORRUPT, AY_E_IO. On success the caller
 * closes it. */
enum ay_code ay_node_block_open(struct ay_engine *engine, uint64_t height,
                                struct ay_node_block *block) AY_MUST;
void ay_node_block_close(struct ay_node_block *block);

/* The state's root after a block: what the next header carries, or the tip's. Codes as above. */
enum ay_code ay_node_root_after(struct ay_engine *engine, uint64_t height,
                                uint8_t root[AY_HASH_BYTES]) AY_MUST;

/* Memory for one request: cheap until it is touched. AY_E_MEMORY. */
enum ay_code ay_node_arena_open(struct ay_arena *arena) AY_MUST;
void ay_node_arena_close(struct ay_arena *arena);

json_t *ay_show_u64(uint64_t value);
json_t *ay_show_i64(int64_t value);
json_t *ay_show_text(struct ay_slice text); /* bytes that are not UTF-8 become U+FFFD */
json_t *ay_show_base64(struct ay_slice bytes);
json_t *ay_show_hex(struct ay_slice bytes);       /* upper case */
json_t *ay_show_lower_hex(struct ay_slice bytes); /* of node ids */
json_t *ay_show_hash(enum ay_show form, struct ay_slice hash);
json_t *ay_show_time(struct ay_protobuf_timestamp time); /* RFC 3339, trailing zeros cut */

json_t *ay_show_block_id(enum ay_show form, const struct ay_tendermint_types_block_id *id);
json_t *ay_show_header(enum ay_show form, const struct ay_tendermint_types_header *header);
json_t *ay_show_commit(enum ay_show form, const struct ay_tendermint_types_commit *commit);
json_t *ay_show_block(enum ay_show form, const struct ay_node_block *block);

json_t *ay_show_events(const struct ay_tendermint_abci_event *events, uint32_t count);
json_t *ay_show_tx_result(const struct ay_ledger_tx_result *result);
/* An array, or null when there is none. */
json_t *ay_show_tx_results(const struct ay_ledger_block_result *results);
json_t *ay_show_pub_key(const uint8_t key[32]); /* ed25519 */

/* Any message by its descriptor, as malloc'ed JSON text; scratch as for ay_json_write.
 * AY_E_LIMIT: over 64 MiB or out of scratch. */
enum ay_code ay_show_message_text(const struct ay_msg *msg, const void *in,
                                  struct ay_arena *scratch, char **text, size_t *len) AY_MUST;
/* The same as a tree, NULL too when it is too large. */
json_t *ay_show_message(const struct ay_msg *msg, const void *in, struct ay_arena *scratch);

#endif
