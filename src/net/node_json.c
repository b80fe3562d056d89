#include "net/node_json.h"

#include "base/json_write.h"
#include "base/text.h"
#include "engine/block.h"
#include "ledger/header.h"
#include "net/json_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    ARENA_BYTES = 512 << 20, /* reserved; what a request does not touch costs nothing */
    FIRST_TEXT_BYTES = 64 << 10,
    MAX_TEXT_BYTES = 64 << 20,
};

/* Memory */

enum ay_code ay_node_arena_open(struct ay_arena *arena)
{
    void *memory = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return AY_E_MEMORY;
    *arena = ay_arena_over(memory, ARENA_BYTES);
    return AY_OK;
}

void ay_node_arena_close(struct ay_arena *arena)
{
    if (arena->base) munmap(arena->base, ARENA_BYTES);
    *arena = (struct ay_arena){0};
}

static enum ay_code load(struct ay_engine *engine, uint64_t height, struct ay_node_block *block)
{
    uint32_t last_parts = 0;
    AY_TRY(ay_engine_block(engine, height, &block->arena, &block->stored, &block->results));
    if (block->stored.header.height > 1) {
        struct ay_engine_block *last = AY_NEW(&block->arena, struct ay_engine_block, 1);
        if (!last) return AY_E_LIMIT;
        AY_TRY(ay_engine_block(engine, block->stored.header.height - 1, &block->arena, last, NULL));
        AY_TRY(ay_block_commit(last, &block->arena, &block->last_commit));
        last_parts = last->parts;
    }
    AY_TRY(ay_block_commit(&block->stored, &block->arena, &block->commit));
    block->header = ay_header_of(&block->stored.header, last_parts);
    block->id = block->commit.block_id;
    return AY_OK;
}

enum ay_code ay_node_block_open(struct ay_engine *engine, uint64_t height,
                                struct ay_node_block *block)
{
    *block = (struct ay_node_block){0};
    AY_TRY(ay_node_arena_open(&block->arena));
    enum ay_code code = load(engine, height, block);
    if (code != AY_OK) ay_node_block_close(block);
    return code;
}

void ay_node_block_close(struct ay_node_block *block)
{
    ay_node_arena_close(&block->arena);
}

enum ay_code ay_node_root_after(struct ay_engine *engine, uint64_t height,
                                uint8_t root[AY_HASH_BYTES])
{
    struct ay_engine_tip tip;
    struct ay_node_block next;
    ay_engine_tip(engine, &tip);
    memcpy(root, tip.app_hash, AY_HASH_BYTES);
    if (height >= tip.height) return AY_OK;
    AY_TRY(ay_node_block_open(engine, height + 1, &next));
    memcpy(root, next.stored.header.app_hash, AY_HASH_BYTES);
    ay_node_block_close(&next);
    return AY_OK;
}

/* Values */

json_t *ay_show_u64(uint64_t value)
{
    return json_sprintf("%" PRIu64, value);
}

json_t *ay_show_i64(int64_t value)
{
    return json_sprintf("%" PRId64, value);
}

/* A string made by `write`, which needs at most `room` bytes. */
static json_t *written(struct ay_slice bytes, size_t room,
                       void (*write)(struct ay_text *, struct ay_slice))
{
    char small[256], *buf = room < sizeof small ? small : malloc(room + 1);
    if (!buf) return NULL;
    struct ay_text text = ay_text_over(buf, (uint32_t)room + 1);
    write(&text, bytes);
    json_t *out = json_stringn(buf, text.len);
    if (buf != small) free(buf);
    return out;
}

json_t *ay_show_text(struct ay_slice text)
{
    if (text.len == 0) return json_string("");
    if (ay_utf8_valid(text)) return json_stringn((const char *)text.data, text.len);
    size_t room = 6 * (size_t)text.len + 3;
    char *buf = malloc(room);
    if (!buf) return NULL;
    struct ay_text quoted = ay_text_over(buf, (uint32_t)room);
    ay_text_json(&quoted, text);
    json_t *out = json_loadb(buf, quoted.len, JSON_DECODE_ANY, NULL);
    free(buf);
    return out;
}

json_t *ay_show_base64(struct ay_slice bytes)
{
    return written(bytes, ((size_t)bytes.len + 2) / 3 * 4, ay_text_base64);
}

json_t *ay_show_hex(struct ay_slice bytes)
{
    return written(bytes, 2 * (size_t)bytes.len, ay_text_hex_upper);
}

json_t *ay_show_lower_hex(struct ay_slice bytes)
{
    return written(bytes, 2 * (size_t)bytes.len, ay_text_hex);
}

json_t *ay_show_hash(enum ay_show form, struct ay_slice hash)
{
    return form == AY_SHOW_RPC ? ay_show_hex(hash) : ay_show_base64(hash);
}

json_t *ay_show_time(struct ay_protobuf_timestamp time)
{
    char text[40];
    struct tm parts;
    time_t seconds = time.seconds;
    gmtime_r(&seconds, &parts);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (time.nanos) {
        n += (size_t)snprintf(text + n, sizeof text - n, ".%09" PRId32, time.nanos);
        while (text[n - 1] == '0') n--;
    }
    text[n++] = 'Z';
    return json_stringn(text, n);
}

json_t *ay_show_pub_key(const uint8_t key[32])
{
    return json_pack("{s:s, s:o}", "type", "tendermint/PubKeyEd25519", "value",
                     ay_show_base64(ay_slice(key, 32)));
}

/* Blocks */

json_t *ay_show_block_id(enum ay_show form, const struct ay_tendermint_types_block_id *id)
{
    return json_pack("{s:o, s:{s:I, s:o}}", "hash", ay_show_hash(form, id->hash),
                     form == AY_SHOW_RPC ? "parts" : "part_set_header", "total",
                     (json_int_t)id->part_set_header.total, "hash",
                     ay_show_hash(form, id->part_set_header.hash));
}

json_t *ay_show_header(enum ay_show form, const struct ay_tendermint_types_header *h)
{
    const struct {
        const char *name;
        struct ay_slice hash;
    } hashes[] = {{"last_commit_hash", h->last_commit_hash},
                  {"data_hash", h->data_hash},
                  {"validators_hash", h->validators_hash},
                  {"next_validators_hash", h->next_validators_hash},
                  {"consensus_hash", h->consensus_hash},
                  {"app_hash", h->app_hash},
                  {"last_results_hash", h->last_results_hash},
                  {"evidence_hash", h->evidence_hash},
                  {"proposer_address", h->proposer_address}};
    json_t *out = json_pack("{s:{s:o, s:o}, s:o, s:o, s:o, s:o}", "version", "block",
                            ay_show_u64(h->version.block), "app", ay_show_u64(h->version.app),
                            "chain_id", ay_show_text(h->chain_id), "height", ay_show_i64(h->height),
                            "time", ay_show_time(h->time), "last_block_id",
                            ay_show_block_id(form, &h->last_block_id));
    bool failed = !out;
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes && !failed; i++)
        failed = json_object_set_new(out, hashes[i].name, ay_show_hash(form, hashes[i].hash)) != 0;
    if (!failed) return out;
    json_decref(out);
    return NULL;
}

static json_t *show_signature(enum ay_show form, const struct ay_tendermint_types_commit_sig *sig)
{
    json_t *flag = form == AY_SHOW_RPC ? json_integer(sig->block_id_flag)
                                       : json_string("BLOCK_ID_FLAG_COMMIT");
    return json_pack("{s:o, s:o, s:o, s:o}", "block_id_flag", flag, "validator_address",
                     ay_show_hash(form, sig->validator_address), "timestamp",
                     ay_show_time(sig->timestamp), "signature", ay_show_base64(sig->signature));
}

json_t *ay_show_commit(enum ay_show form, const struct ay_tendermint_types_commit *commit)
{
    json_t *signatures = json_array();
    for (uint32_t i = 0; i < commit->signatures_count; i++)
        json_array_append_new(signatures, show_signature(form, &commit->signatures[i]));
    return json_pack("{s:o, s:i, s:o, s:o}", "height", ay_show_i64(commit->height), "round",
                     (int)commit->round, "block_id", ay_show_block_id(form, &commit->block_id),
                     "signatures", signatures);
}

json_t *ay_show_block(enum ay_show form, const struct ay_node_block *block)
{
    json_t *txs = json_array();
    for (uint32_t i = 0; i < block->stored.txs_count; i++)
        json_array_append_new(txs, ay_show_base64(block->stored.txs[i]));
    return json_pack("{s:o, s:{s:o}, s:{s:[]}, s:o}", "header",
                     ay_show_header(form, &block->header), "data", "txs", txs, "evidence",
                     "evidence", "last_commit", ay_show_commit(form, &block->last_commit));
}

/* Results */

static json_t *show_attributes(const struct ay_tendermint_abci_event *event)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < event->attributes_count; i++) {
        const struct ay_tendermint_abci_event_attribute *a = &event->attributes[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:b}", "key", ay_show_text(a->key), "value",
                                        ay_show_text(a->value), "index", (int)a->index));
    }
    return list;
}

json_t *ay_show_events(const struct ay_tendermint_abci_event *events, uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "type", ay_show_text(events[i].type),
                                              "attributes", show_attributes(&events[i])));
    return list;
}

json_t *ay_show_tx_result(const struct ay_ledger_tx_result *r)
{
    return json_pack("{s:I, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "code", (json_int_t)r->code,
                     "data", r->data.len ? ay_show_base64(r->data) : json_null(), "log",
                     ay_show_text(r->log), "info", "", "gas_wanted", ay_show_u64(r->gas_wanted),
                     "gas_used", ay_show_u64(r->gas_used), "events",
                     ay_show_events(r->events, r->events_count), "codespace",
                     ay_show_text(r->codespace));
}

json_t *ay_show_tx_results(const struct ay_ledger_block_result *results)
{
    if (!results->txs_count) return json_null();
    json_t *list = json_array();
    for (uint32_t i = 0; i < results->txs_count; i++)
        json_array_append_new(list, ay_show_tx_result(&results->txs[i]));
    return list;
}

/* Messages */

enum ay_code ay_show_message_text(const struct ay_msg *msg, const void *in,
                                  struct ay_arena *scratch, char **text, size_t *len)
{
    for (uint32_t room = FIRST_TEXT_BYTES; room <= MAX_TEXT_BYTES; room *= 4) {
        char *buf = malloc(room);
        if (!buf) return AY_E_MEMORY;
        struct ay_text out = ay_text_over(buf, room);
        enum ay_code code = ay_json_write(msg, in, ay_address_write, scratch, &out);
        if (code == AY_OK) {
            *text = buf;
            *len = out.len;
            return AY_OK;
        }
        free(buf);
        if (code != AY_E_LIMIT) return code;
    }
    return AY_E_LIMIT;
}

json_t *ay_show_message(const struct ay_msg *msg, const void *in, struct ay_arena *scratch)
{
    char *text;
    size_t len;
    if (ay_show_message_text(msg, in, scratch, &text, &len) != AY_OK) return NULL;
    json_t *out = json_loadb(text, len, 0, NULL);
    free(text);
    return out;
}
