/* Typed client of a node's public interface, the JSON-RPC that CometBFT defines, so that it speaks
 * to a solo node and to CometBFT alike. One object a thread.
 *
 * Every call may give AY_E_UNREACHABLE, AY_E_TIMEOUT, AY_E_INTERRUPTED, AY_E_LIMIT (see
 * http_client.h), AY_E_KEY (the node wants a key), AY_E_FORMAT (the answer is not what the
 * interface says) or AY_E_MEMORY. What a call gives out is borrowed until the next call. */
#ifndef AY_NET_NODE_CLIENT_H
#define AY_NET_NODE_CLIENT_H

#include "net/http_client.h"

enum { AY_NODE_MAX_ANSWER_BYTES = 16 << 20 };

struct ay_node_client;

/* url as "http://127.0.0.1:26657" or "tcp://…", copied; key as in http_client.h. */
enum ay_code ay_node_open(const char *url, const char *key, struct ay_node_client **out) AY_MUST;
void ay_node_close(struct ay_node_client *node); /* NULL is fine */

/* Why the last call failed, for people; "" after success. */
const char *ay_node_message(const struct ay_node_client *node);

/* As ay_http_client_cancel. */
void ay_node_cancel(struct ay_node_client *node);

struct ay_node_status {
    const char *chain_id, *moniker, *version;
    int64_t height;       /* of the last block */
    const char *time;     /* its, RFC 3339 */
    const char *app_hash; /* upper-case hex */
    bool catching_up;
};
enum ay_code ay_node_status(struct ay_node_client *node, struct ay_node_status *out) AY_MUST;

struct ay_node_event {
    const char *type;
    uint32_t attr_count;
    const struct ay_node_attr {
        const char *key, *value;
    } * attrs;
};

/* What a query, a check or an execution came to. */
struct ay_node_result {
    uint32_t code;         /* on the wire; 0 is success */
    const char *codespace; /* "" on success */
    const char *log;
    struct ay_slice data; /* of a transaction: TxMsgData */
    int64_t gas_wanted, gas_used;
    uint32_t event_count;
    const struct ay_node_event *events;
};

/* The ay_code that (codespace, code) stands for; AY_E_REJECTED when it is none of ours. */
enum ay_code ay_node_code(const struct ay_node_result *result);

struct ay_node_query {
    struct ay_node_result result; /* code, codespace, log; data is the value */
    int64_t height;               /* of the state that was read */
};
/* height 0 is the latest. AY_OK whatever result.code says. */
enum ay_code ay_node_query(struct ay_node_client *node, const char *path, struct ay_slice data,
                           int64_t height, struct ay_node_query *out) AY_MUST;

struct ay_node_tx {
    struct ay_node_result check;  /* of admission; for ay_node_tx unused */
    struct ay_node_result result; /* of execution, when height is not 0 */
    int64_t height;               /* 0: not in a block */
    uint32_t index;
    uint8_t hash[32];
};
/* sync: returns once admitted. commit: once durable in a block; AY_E_TIMEOUT when the node gave up
 * waiting, which says nothing about the transaction. */
enum ay_code ay_node_broadcast_sync(struct ay_node_client *node, struct ay_slice tx,
                                    struct ay_node_tx *out) AY_MUST;
enum ay_code ay_node_broadcast_commit(struct ay_node_client *node, struct ay_slice tx,
                                      struct ay_node_tx *out) AY_MUST;
/* AY_E_NOT_FOUND: no block has it. */
enum ay_code ay_node_tx(struct ay_node_client *node, const uint8_t hash[32],
                        struct ay_node_tx *out) AY_MUST;

struct ay_node_txs {
    int64_t total; /* found; the page may hold fewer */
    uint32_t count;
    const struct ay_node_tx *txs;
};
/* page from 1, per_page 1 to 100, ascending. */
enum ay_code ay_node_tx_search(struct ay_node_client *node, const char *query, uint32_t page,
                               uint32_t per_page, struct ay_node_txs *out) AY_MUST;

struct ay_node_block_results {
    int64_t height;
    uint32_t tx_count;
    const struct ay_node_result *txs;
    uint32_t event_count; /* of the block itself */
    const struct ay_node_event *events;
};
/* height 0 is the latest. AY_E_RANGE: no such block yet, or no longer. */
enum ay_code ay_node_block_results(struct ay_node_client *node, int64_t height,
                                   struct ay_node_block_results *out) AY_MUST;

/* Value of an event's attribute, NULL when it has none of that key. */
const char *ay_node_attr(const struct ay_node_event *event, const char *key);

#endif
