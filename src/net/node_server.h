/* What a node offers to everybody on one port: CometBFT's JSON-RPC (POST /, GET /method, websocket
 * /websocket), Cosmos REST (/cosmos/..., and /assay/... from the schema), blobs (/blobs), metrics
 * (/metrics) and /health. All of it reads through the engine. */
#ifndef AY_NET_NODE_SERVER_H
#define AY_NET_NODE_SERVER_H

#include "engine/engine.h"
#include "net/blob.h"
#include "net/http_server.h"

struct ay_node_server_options {
    struct ay_engine *engine;
    struct ay_blob_store *blobs;      /* NULL: no /blobs */
    const char *address;              /* as in ay_http_options; so too below */
    uint16_t port;
    const char *key;
    const char *const *origins;
    const char *moniker;
    const char *min_gas_price;        /* "0.025nasy", as /cosmos/base/node/v1beta1/config says it */
    const char *version;              /* of the program */
    uint8_t validator_pub_key[32];
    uint64_t validator_power;
    const struct ay_genesis_genesis *genesis;
};

struct ay_node_server;

/* Everything in options is borrowed until stop. Codes as ay_http_start. */
enum ay_code ay_node_server_start(const struct ay_node_server_options *options,
                                  struct ay_node_server **out) AY_MUST;
uint16_t ay_node_server_port(const struct ay_node_server *server);
void ay_node_server_stop(struct ay_node_server *server); /* NULL is fine */

#endif
