/* Between the files of the node's server; nobody else includes it. */
#ifndef AY_NET_NODE_INTERNAL_H
#define AY_NET_NODE_INTERNAL_H

#include "net/jsonrpc.h"
#include "net/metrics.h"
#include "net/node_json.h"
#include "net/node_search.h"
#include "net/node_server.h"

#include <pthread.h>
#include <stdatomic.h>

#define AY_NODE_COMET_VERSION  "0.38.26" /* by its beginning CosmJS chooses how to read answers */
#define AY_NODE_SDK_VERSION    "v0.53.8"
#define AY_NODE_CHANNELS       "40202122233038606100"
#define AY_NODE_COMMIT_WAIT_MS 30000

/* GET route of a query that the schema declares. */
struct ay_rest_query {
    struct ay_node_server *server;
    const struct ay_msg *request;
    const char *pattern;
};

struct ay_subscription;

struct ay_node_server {
    struct ay_node_server_options options;
    uint8_t address[20]; /* the validator's */
    struct ay_rpc rpc;
    struct ay_http_route *routes;
    uint32_t route_count;
    struct ay_rest_query *queries;
    struct ay_http_server *http;
    _Atomic uint16_t port; /* 0 until it is known */
    json_t *genesis;       /* the answer to `genesis` */

    /* Subscriptions: one thread hears of blocks and tells those who asked. */
    pthread_t events_thread;
    bool events_running;
    pthread_mutex_t events_lock; /* all below */
    bool events_stop;
    struct ay_subscription *subscriptions;
};

/* JSON-RPC methods, by name (node_rpc.c has the table). */
extern const struct ay_rpc_method ay_node_methods[];
extern const uint32_t ay_node_method_count;

ay_rpc_fn ay_method_block, ay_method_block_by_hash, ay_method_block_results, ay_method_block_search,
    ay_method_blockchain, ay_method_commit, ay_method_consensus_params, ay_method_header,
    ay_method_header_by_hash, ay_method_validators;
ay_rpc_fn ay_method_broadcast_async, ay_method_broadcast_sync, ay_method_broadcast_commit,
    ay_method_tx, ay_method_tx_search, ay_method_num_unconfirmed;
ay_rpc_fn ay_method_subscribe, ay_method_unsubscribe, ay_method_unsubscribe_all;

/* *result = value, or AY_E_MEMORY when there is none. */
enum ay_code ay_node_give(json_t *value, json_t **result) AY_MUST;

/* The height that a client asked for, absent or null the tip's; refused in CometBFT's words. */
enum ay_code ay_node_height(struct ay_node_server *server, const struct ay_rpc_value *arg,
                            uint64_t *height, struct ay_rpc_error *error) AY_MUST;

/* Page `page` of `total` things, per_page of which make one. *per_page absent: 30, at most 100. */
struct ay_node_page {
    uint32_t first, count;
};
enum ay_code ay_node_paginate(const struct ay_rpc_value *page, const struct ay_rpc_value *per_page,
                              uint32_t total, struct ay_node_page *out,
                              struct ay_rpc_error *error) AY_MUST;

json_t *ay_node_consensus_params_json(void);

/* One transaction of a loaded block in the shape of `tx`; prove adds its proof. */
json_t *ay_node_tx_json(const struct ay_node_block *block, uint32_t index, bool prove);

/* A fact about a transaction that was just sent, in the shape of tx_result. */
struct ay_ledger_tx_result ay_node_check_result(const struct ay_engine_check *check);

/* The node's address as clients are told it: "tcp://127.0.0.1:26657". */
void ay_node_listen(const struct ay_node_server *server, char out[80]);

/* Appends the REST routes: at most AY_NODE_REST_ROUTES, and one for each query of the schema. */
#define AY_NODE_REST_ROUTES 24
void ay_node_rest_routes(struct ay_node_server *server);

/* Starts and ends the thread that serves subscriptions. AY_E_MEMORY. */
enum ay_code ay_node_events_start(struct ay_node_server *server) AY_MUST;
void ay_node_events_stop(struct ay_node_server *server);
/* For struct ay_ws_handler (ctx: the server's struct ay_rpc): a session ends. */
void ay_node_events_close(void *ctx, struct ay_ws *ws);

#endif
