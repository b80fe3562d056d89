/* subscribe over websockets: a thread waits for blocks and tells every subscription what it asked
 * for. A session's subscriptions end with it; a peer that does not read is dropped by ay_ws_send.
 */
#include "net/node_internal.h"

#include <stdlib.h>

enum {
    MAX_SUBSCRIPTIONS = 256,
    MAX_SESSION_SUBSCRIPTIONS = 16,
    WAIT_MS = 250, /* how soon a stopping server is noticed */
};

struct ay_subscription {
    struct ay_subscription *next;
    struct ay_ws *ws;
    json_t *id; /* of the request; every event repeats it */
    struct ay_search search;
    char query[AY_SEARCH_MAX_BYTES + 1];
};

/* Subscriptions; the lock is held. */

static void subscription_free(struct ay_subscription *s)
{
    json_decref(s->id);
    free(s);
}

/* Removes those of a session, all of them or with one query; says how many. */
static uint32_t drop(struct ay_node_server *server, const struct ay_ws *ws, const char *query)
{
    uint32_t n = 0;
    for (struct ay_subscription **at = &server->subscriptions; *at;) {
        struct ay_subscription *s = *at;
        if (s->ws != ws || (query && strcmp(s->query, query) != 0)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        subscription_free(s);
        n++;
    }
    return n;
}

static enum ay_code add(struct ay_node_server *server, struct ay_subscription *fresh,
                        struct ay_rpc_error *error)
{
    uint32_t total = 0, own = 0;
    for (const struct ay_subscription *s = server->subscriptions; s; s = s->next) {
        total++;
        own += s->ws == fresh->ws;
        if (s->ws == fresh->ws && !strcmp(s->query, fresh->query))
            return ay_rpc_fail(error, AY_E_EXISTS, "already subscribed");
    }
    if (total == MAX_SUBSCRIPTIONS || own == MAX_SESSION_SUBSCRIPTIONS)
        return ay_rpc_fail(error, AY_E_LIMIT, "too many subscriptions");
    fresh->next = server->subscriptions;
    server->subscriptions = fresh;
    return AY_OK;
}

/* Methods */

enum ay_code ay_method_subscribe(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                 struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_slice query = call->arg[0].bytes;
    struct ay_subscription *s = calloc(1, sizeof *s);
    char why[160];
    if (!s) return AY_E_MEMORY;
    s->ws = call->ws;
    s->id = json_deep_copy(call->id);
    if (query.len <= AY_SEARCH_MAX_BYTES) memcpy(s->query, call->arg[0].text, query.len);
    query.data = (const uint8_t *)s->query; /* what the parsed query borrows from */
    enum ay_code code = s->id ? AY_OK : AY_E_MEMORY;
    if (code == AY_OK && query.len > AY_SEARCH_MAX_BYTES)
        code = ay_rpc_fail(error, AY_E_LIMIT, "maximum query length exceeded");
    if (code == AY_OK && (code = ay_search_parse(query, &s->search, why)) != AY_OK)
        ay_rpc_fail(error, code, "%s", why);
    pthread_mutex_lock(&server->events_lock);
    if (code == AY_OK) code = add(server, s, error);
    pthread_mutex_unlock(&server->events_lock);
    if (code == AY_OK) return ay_node_give(json_object(), result);
    subscription_free(s);
    return code;
}

enum ay_code ay_method_unsubscribe(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                   struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    pthread_mutex_lock(&server->events_lock);
    uint32_t n = drop(server, call->ws, call->arg[0].text);
    pthread_mutex_unlock(&server->events_lock);
    if (!n) return ay_rpc_fail(error, AY_E_NOT_FOUND, "subscription not found");
    return ay_node_give(json_object(), result);
}

enum ay_code ay_method_unsubscribe_all(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                       struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    (void)error;
    pthread_mutex_lock(&server->events_lock);
    drop(server, call->ws, NULL);
    pthread_mutex_unlock(&server->events_lock);
    return ay_node_give(json_object(), result);
}

void ay_node_events_close(void *ctx, struct ay_ws *ws)
{
    struct ay_node_server *server = ((struct ay_rpc *)ctx)->ctx;
    pthread_mutex_lock(&server->events_lock);
    drop(server, ws, NULL);
    pthread_mutex_unlock(&server->events_lock);
}

/* What happened */

/* {"type.key": [values...]} of a subject. */
static json_t *tags(const struct ay_search_subject *subject)
{
    json_t *out = json_pack("{s:[s]}", "tm.event", subject->event);
    for (uint32_t i = 0; i < subject->event_count; i++) {
        const struct ay_tendermint_abci_event *event = &subject->events[i];
        for (uint32_t k = 0; k < event->attributes_count; k++) {
            char name[160];
            snprintf(name, sizeof name, "%.*s.%.*s", (int)event->type.len,
                     (const char *)event->type.data, (int)event->attributes[k].key.len,
                     (const char *)event->attributes[k].key.data);
            json_t *values = json_object_get(out, name);
            if (!values) {
                json_object_set_new(out, name, json_array());
                values = json_object_get(out, name);
            }
            json_array_append_new(values, ay_show_text(event->attributes[k].value));
        }
    }
    if (subject->hash) {
        json_object_set_new(out, "tx.hash",
                            json_pack("[o]", ay_show_hex(ay_slice(subject->hash, AY_HASH_BYTES))));
        json_object_set_new(out, "tx.height", json_pack("[o]", ay_show_u64(subject->height)));
    }
    return out;
}

static json_t *tx_value(const struct ay_node_block *block, uint32_t index)
{
    return json_pack("{s:{s:o, s:I, s:o, s:o}}", "TxResult", "height",
                     ay_show_i64(block->header.height), "index", (json_int_t)index, "tx",
                     ay_show_base64(block->stored.txs[index]), "result",
                     ay_show_tx_result(&block->results.txs[index]));
}

static json_t *block_value(const struct ay_node_block *block, const uint8_t root[AY_HASH_BYTES])
{
    return json_pack(
        "{s:o, s:o, s:{s:o, s:o, s:[], s:n, s:o}}", "block", ay_show_block(AY_SHOW_RPC, block),
        "block_id", ay_show_block_id(AY_SHOW_RPC, &block->id), "result_finalize_block", "events",
        ay_show_events(block->results.events, block->results.events_count), "tx_results",
        ay_show_tx_results(&block->results), "validator_updates", "consensus_param_updates",
        "app_hash", ay_show_base64(ay_slice(root, AY_HASH_BYTES)));
}

/* The event's value, made when somebody turns out to want it. */
static json_t *value_of(struct ay_node_server *server, const struct ay_node_block *block,
                        const struct ay_search_subject *subject, uint32_t index)
{
    uint8_t root[AY_HASH_BYTES];
    if (!strcmp(subject->event, "Tx")) return tx_value(block, index);
    if (!strcmp(subject->event, "NewBlock"))
        return ay_node_root_after(server->options.engine, subject->height, root) == AY_OK
                   ? block_value(block, root)
                   : NULL;
    return json_pack("{s:o}", "header", ay_show_header(AY_SHOW_RPC, &block->header));
}

static void send_event(const struct ay_subscription *s, json_t *data, json_t *events)
{
    json_t *message = json_pack("{s:s, s:O, s:{s:s, s:O, s:O}}", "jsonrpc", "2.0", "id", s->id,
                                "result", "query", s->query, "data", data, "events", events);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    if (text && ay_ws_send(s->ws, ay_slice(text, (uint32_t)strlen(text))) != AY_OK) {
        /* the session's own thread ends it */
    }
    free(text);
    json_decref(message);
}

/* Tells everybody who asked for it; the lock is held. */
static void tell(struct ay_node_server *server, const struct ay_node_block *block,
                 const struct ay_search_subject *subject, uint32_t index)
{
    json_t *data = NULL, *events = NULL;
    for (const struct ay_subscription *s = server->subscriptions; s; s = s->next) {
        if (!ay_search_matches(&s->search, subject)) continue;
        if (!data) {
            data =
                json_pack("{s:o, s:o}", "type", json_sprintf("tendermint/event/%s", subject->event),
                          "value", value_of(server, block, subject, index));
            events = tags(subject);
        }
        if (data && events) send_event(s, data, events);
    }
    json_decref(data);
    json_decref(events);
}

static void tell_block(struct ay_node_server *server, const struct ay_node_block *block)
{
    struct ay_search_subject subject = {.event = "NewBlock",
                                        .height = block->stored.header.height,
                                        .events = block->results.events,
                                        .event_count = block->results.events_count};
    tell(server, block, &subject, 0);
    subject.event = "NewBlockHeader";
    tell(server, block, &subject, 0);
    subject.event = "Tx";
    for (uint32_t i = 0; i < block->stored.txs_count; i++) {
        uint8_t hash[AY_HASH_BYTES];
        ay_sha256(block->stored.txs[i], hash);
        subject.hash = hash;
        subject.events = block->results.txs[i].events;
        subject.event_count = block->results.txs[i].events_count;
        tell(server, block, &subject, i);
    }
}

/* Nobody asked: the block is not even read. */
static bool wanted(struct ay_node_server *server)
{
    pthread_mutex_lock(&server->events_lock);
    bool yes = server->subscriptions != NULL;
    pthread_mutex_unlock(&server->events_lock);
    return yes;
}

static enum ay_code announce(struct ay_node_server *server, uint64_t height)
{
    struct ay_node_block block;
    if (!wanted(server)) return AY_OK;
    AY_TRY(ay_node_block_open(server->options.engine, height, &block));
    pthread_mutex_lock(&server->events_lock);
    tell_block(server, &block);
    pthread_mutex_unlock(&server->events_lock);
    ay_node_block_close(&block);
    return AY_OK;
}

static void *follow(void *self)
{
    struct ay_node_server *server = self;
    struct ay_engine_tip tip;
    ay_engine_tip(server->options.engine, &tip);
    uint64_t told = tip.height;
    for (;;) {
        pthread_mutex_lock(&server->events_lock);
        bool stop = server->events_stop;
        pthread_mutex_unlock(&server->events_lock);
        if (stop) return NULL;
        enum ay_code code = ay_engine_wait_block(server->options.engine, told, WAIT_MS);
        if (code == AY_E_TIMEOUT) continue;
        if (code == AY_OK) code = announce(server, told + 1);
        if (code != AY_OK) return NULL; /* the engine has stopped, or cannot be read */
        told++;
    }
}

enum ay_code ay_node_events_start(struct ay_node_server *server)
{
    server->events_running = pthread_create(&server->events_thread, NULL, follow, server) == 0;
    return server->events_running ? AY_OK : AY_E_MEMORY;
}

void ay_node_events_stop(struct ay_node_server *server)
{
    if (!server->events_running) return;
    pthread_mutex_lock(&server->events_lock);
    server->events_stop = true;
    pthread_mutex_unlock(&server->events_lock);
    pthread_join(server->events_thread, NULL);
    server->events_running = false;
}
