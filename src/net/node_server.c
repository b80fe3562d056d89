#include "net/node_server.h"

#include "ledger/header.h"
#include "net/blob_http.h"
#include "net/node_internal.h"

#include <stdlib.h>

enum {
    WORKERS = 32,         /* broadcast_tx_commit and long queries keep one each */
    BODY_BYTES = 2 << 20, /* a transaction of 1 MiB in base64 */
    BLOB_BYTES = 64 << 20,
    OWN_ROUTES = 7,
};

/* Gauges are read when /metrics is; there is one node a process. */
static struct ay_metric height = {
    .name = "assay_block_height", .help = "Height of the last block.", .kind = AY_METRIC_GAUGE};
static struct ay_metric pending_txs = {.name = "assay_mempool_txs",
                                       .help = "Transactions that wait for a block.",
                                       .kind = AY_METRIC_GAUGE};
static struct ay_metric pending_bytes = {
    .name = "assay_mempool_bytes", .help = "Their bytes.", .kind = AY_METRIC_GAUGE};
static struct ay_metric blob_files = {
    .name = "assay_blobs", .help = "Blobs held.", .kind = AY_METRIC_GAUGE};
static struct ay_metric blob_bytes = {
    .name = "assay_blob_bytes", .help = "Bytes of blobs held.", .kind = AY_METRIC_GAUGE};
static struct ay_metric *const gauges[] = {&height, &pending_txs, &pending_bytes, &blob_files,
                                           &blob_bytes};

static void metrics(void *ctx, const struct ay_http_request *request,
                    struct ay_http_response *response)
{
    struct ay_node_server *server = ctx;
    struct ay_metrics table = {gauges, sizeof gauges / sizeof *gauges};
    struct ay_engine_tip tip;
    uint32_t txs, files = 0;
    uint64_t bytes, held = 0;
    ay_engine_tip(server->options.engine, &tip);
    ay_engine_pending(server->options.engine, &txs, &bytes);
    if (server->options.blobs) ay_blob_usage(server->options.blobs, &held, &files);
    ay_metric_set(&height, (int64_t)tip.height);
    ay_metric_set(&pending_txs, txs);
    ay_metric_set(&pending_bytes, (int64_t)bytes);
    ay_metric_set(&blob_files, files);
    ay_metric_set(&blob_bytes, (int64_t)held);
    ay_metrics_get(&table, request, response);
}

/* The genesis as CometBFT tells it; ours is its app_state. */
static json_t *genesis_json(const struct ay_node_server *server)
{
    const struct ay_node_server_options *o = &server->options;
    struct ay_arena arena;
    if (ay_node_arena_open(&arena) != AY_OK) return NULL;
    json_t *state = ay_show_message(&ay_genesis_genesis_msg, o->genesis, &arena);
    ay_node_arena_close(&arena);
    return json_pack("{s:{s:o, s:o, s:s, s:o, s:[{s:o, s:o, s:o, s:s}], s:s, s:o}}", "genesis",
                     "genesis_time", ay_show_time(ay_header_time(o->genesis->time_ms)), "chain_id",
                     ay_show_text(o->genesis->chain_id), "initial_height", "1", "consensus_params",
                     ay_node_consensus_params_json(), "validators", "address",
                     ay_show_hex(AY_SLICE_OF(server->address)), "pub_key",
                     ay_show_pub_key(o->validator_pub_key), "power",
                     ay_show_u64(o->validator_power), "name", o->moniker, "app_hash", "",
                     "app_state", state);
}

/* What is asked for most stands first; the wide patterns of REST come last. */
static enum ay_code lay_routes(struct ay_node_server *server)
{
    struct ay_blob_store *blobs = server->options.blobs;
    const struct ay_http_route own[OWN_ROUTES] = {
        {AY_HTTP_POST, "/", ay_rpc_post, &server->rpc, BODY_BYTES},
        {AY_HTTP_GET, "/metrics", metrics, server, 0},
        {AY_HTTP_GET, "/{method}", ay_rpc_get, &server->rpc, 0},
        {AY_HTTP_PUT, "/blobs", ay_blob_http_put, blobs, BLOB_BYTES},
        {AY_HTTP_POST, "/blobs", ay_blob_http_put, blobs, BLOB_BYTES},
        {AY_HTTP_GET, "/blobs/{id}", ay_blob_http_get, blobs, 0},
        {AY_HTTP_GET, "/blobs/{id}/proof", ay_blob_http_proof, blobs, 0}};
    uint32_t count = blobs ? OWN_ROUTES : 3;
    server->routes =
        calloc(OWN_ROUTES + AY_NODE_REST_ROUTES + ay_msgs_count, sizeof *server->routes);
    server->queries = calloc(ay_msgs_count + 1, sizeof *server->queries);
    if (!server->routes || !server->queries) return AY_E_MEMORY;
    memcpy(server->routes, own, count * sizeof *own);
    server->route_count = count;
    ay_node_rest_routes(server);
    return AY_OK;
}

static enum ay_code start(struct ay_node_server *server)
{
    const struct ay_node_server_options *o = &server->options;
    server->rpc = (struct ay_rpc){ay_node_methods, ay_node_method_count, server};
    ay_validator_address(o->validator_pub_key, server->address);
    server->genesis = genesis_json(server);
    if (!server->genesis) return AY_E_MEMORY;
    AY_TRY(lay_routes(server));
    AY_TRY(ay_node_events_start(server));
    const struct ay_http_options http = {
        .address = o->address,
        .port = o->port,
        .key = o->key,
        .origins = o->origins,
        .routes = server->routes,
        .route_count = server->route_count,
        .websocket = {"/websocket", &server->rpc, ay_rpc_ws_text, ay_node_events_close},
        .workers = WORKERS};
    AY_TRY(ay_http_start(&http, &server->http));
    atomic_store(&server->port, ay_http_port(server->http));
    return AY_OK;
}

enum ay_code ay_node_server_start(const struct ay_node_server_options *options,
                                  struct ay_node_server **out)
{
    struct ay_node_server *server = calloc(1, sizeof *server);
    if (!server) return AY_E_MEMORY;
    server->options = *options;
    pthread_mutex_init(&server->events_lock, NULL);
    enum ay_code code = start(server);
    if (code != AY_OK) {
        ay_node_server_stop(server);
        return code;
    }
    *out = server;
    return AY_OK;
}

uint16_t ay_node_server_port(const struct ay_node_server *server)
{
    return ay_http_port(server->http);
}

void ay_node_server_stop(struct ay_node_server *server)
{
    if (!server) return;
    ay_node_events_stop(server);
    ay_http_stop(server->http);
    pthread_mutex_destroy(&server->events_lock);
    json_decref(server->genesis);
    free(server->routes);
    free(server->queries);
    free(server);
}
