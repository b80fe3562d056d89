/* JSON-RPC methods about transactions: handing them in and finding them again. */
#include "net/node_internal.h"

#include "base/text.h"
#include "crypto/merkle.h"

#include <stdlib.h>

/* --- handing in --- */

struct ay_ledger_tx_result ay_node_check_result(const struct ay_engine_check *check)
{
    const struct ay_code_info *info = ay_code_info(check->code);
    return (struct ay_ledger_tx_result){.code = info->wire,
                                        .codespace = ay_slice_str(info->codespace),
                                        .log = ay_slice_str(check->log),
                                        .gas_wanted = check->gas_wanted,
                                        .gas_used = check->gas_used};
}

/* Whether it is admitted; what the mempool refuses is an error in CometBFT, and so here. */
static enum ay_code submit(struct ay_node_server *server, const struct ay_rpc_call *call,
                           struct ay_engine_check *check, struct ay_rpc_error *error)
{
    if (!call->arg[0].bytes.len) return ay_rpc_fail(error, AY_E_REQUEST, "tx is empty");
    AY_TRY(ay_engine_submit(server->options.engine, call->arg[0].bytes, check));
    if (check->code == AY_E_TX_IN_CACHE || check->code == AY_E_MEMPOOL_FULL)
        return ay_rpc_fail(error, check->code, "%s", check->log);
    return AY_OK;
}

static json_t *broadcast_json(const struct ay_engine_check *check)
{
    const struct ay_code_info *info = ay_code_info(check->code);
    return json_pack("{s:i, s:s, s:o, s:s, s:o}", "code", (int)info->wire, "data", "", "log",
                     ay_show_text(ay_slice_str(check->log)), "codespace", info->codespace, "hash",
                     ay_show_hex(AY_SLICE_OF(check->hash)));
}

enum ay_code ay_method_broadcast_sync(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                      struct ay_rpc_error *error)
{
    struct ay_engine_check check;
    AY_TRY(submit(ctx, call, &check, error));
    return ay_node_give(broadcast_json(&check), result);
}

/* Says nothing of the outcome, though it is known. */
enum ay_code ay_method_broadcast_async(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                       struct ay_rpc_error *error)
{
    struct ay_engine_check check;
    AY_TRY(submit(ctx, call, &check, error));
    check.code = AY_OK;
    check.log[0] = '\0';
    return ay_node_give(broadcast_json(&check), result);
}

static json_t *commit_json(const struct ay_engine_check *check, uint64_t height,
                           const struct ay_ledger_tx_result *result)
{
    const struct ay_ledger_tx_result checked = ay_node_check_result(check);
    return json_pack("{s:o, s:o, s:o, s:o}", "check_tx", ay_show_tx_result(&checked), "tx_result",
                     ay_show_tx_result(result), "hash", ay_show_hex(AY_SLICE_OF(check->hash)),
                     "height", ay_show_u64(height));
}

enum ay_code ay_method_broadcast_commit(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                        struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_engine_check check;
    struct ay_node_block block;
    uint64_t height;
    uint32_t index;
    AY_TRY(submit(server, call, &check, error));
    if (check.code != AY_OK) {
        const struct ay_ledger_tx_result none = {0};
        return ay_node_give(commit_json(&check, 0, &none), result);
    }
    enum ay_code code =
        ay_engine_wait(server->options.engine, check.hash, AY_NODE_COMMIT_WAIT_MS, &height, &index);
    if (code == AY_E_TIMEOUT)
        return ay_rpc_fail(error, code, "timed out waiting for tx to be included in a block");
    AY_TRY(code);
    AY_TRY(ay_node_block_open(server->options.engine, height, &block));
    *result = commit_json(&check, height, &block.results.txs[index]);
    ay_node_block_close(&block);
    return ay_node_give(*result, result);
}

enum ay_code ay_method_num_unconfirmed(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                       struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    uint32_t txs;
    uint64_t bytes;
    (void)call;
    (void)error;
    ay_engine_pending(server->options.engine, &txs, &bytes);
    return ay_node_give(json_pack("{s:o, s:o, s:o, s:n}", "n_txs", ay_show_u64(txs), "total",
                                  ay_show_u64(txs), "total_bytes", ay_show_u64(bytes), "txs"),
                        result);
}

/* --- finding --- */

/* Siblings of leaf `index`, from the leaf up. */
static void collect_aunts(const uint8_t (*leaves)[32], uint64_t n, uint64_t index, json_t *aunts)
{
    if (n < 2) return;
    uint64_t left = ay_merkle_split(n);
    bool goes_left = index < left;
    uint8_t sibling[32];
    if (goes_left) {
        collect_aunts(leaves, left, index, aunts);
        ay_merkle_root_of(leaves + left, n - left, sibling);
    } else {
        collect_aunts(leaves + left, n - left, index - left, aunts);
        ay_merkle_root_of(leaves, left, sibling);
    }
    json_array_append_new(aunts, ay_show_base64(AY_SLICE_OF(sibling)));
}

/* That the transaction stands in the block: under the header's data_hash. */
static json_t *proof_json(const struct ay_node_block *block, uint32_t index)
{
    uint32_t n = block->stored.txs_count;
    uint8_t(*leaves)[32] = calloc(n, sizeof *leaves);
    json_t *aunts = json_array();
    if (!leaves || !aunts) {
        free(leaves);
        json_decref(aunts);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint8_t hash[AY_HASH_BYTES];
        ay_sha256(block->stored.txs[i], hash);
        ay_merkle_leaf(AY_SLICE_OF(hash), leaves[i]);
    }
    collect_aunts((const uint8_t(*)[32])leaves, n, index, aunts);
    json_t *proof = json_pack("{s:o, s:o, s:{s:o, s:o, s:o, s:o}}", "root_hash",
                              ay_show_hex(AY_SLICE_OF(block->stored.header.data_hash)), "data",
                              ay_show_base64(block->stored.txs[index]), "proof", "total",
                              ay_show_u64(n), "index", ay_show_u64(index), "leaf_hash",
                              ay_show_base64(AY_SLICE_OF(leaves[index])), "aunts", aunts);
    free(leaves);
    return proof;
}

json_t *ay_node_tx_json(const struct ay_node_block *block, uint32_t index, bool prove)
{
    uint8_t hash[AY_HASH_BYTES];
    ay_sha256(block->stored.txs[index], hash);
    json_t *out = json_pack("{s:o, s:o, s:I, s:o, s:o}", "hash", ay_show_hex(AY_SLICE_OF(hash)),
                            "height", ay_show_i64(block->header.height), "index", (json_int_t)index,
                            "tx_result", ay_show_tx_result(&block->results.txs[index]), "tx",
                            ay_show_base64(block->stored.txs[index]));
    if (!out || !prove || json_object_set_new(out, "proof", proof_json(block, index)) == 0)
        return out;
    json_decref(out);
    return NULL;
}

enum ay_code ay_method_tx(void *ctx, const struct ay_rpc_call *call, json_t **result,
                          struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_slice hash = call->arg[0].bytes;
    struct ay_node_block block;
    uint64_t height;
    uint32_t index;
    enum ay_code code = AY_E_NOT_FOUND;
    if (hash.len == AY_HASH_BYTES)
        code = ay_engine_tx_by_hash(server->options.engine, hash.data, &height, &index);
    if (code == AY_E_NOT_FOUND) {
        char text[2 * AY_HASH_BYTES + 1];
        struct ay_text hex = ay_text_over(text, sizeof text);
        ay_text_hex_upper(&hex, hash.len > AY_HASH_BYTES ? ay_slice(NULL, 0) : hash);
        return ay_rpc_fail(error, code, "tx (%s) not found", text);
    }
    AY_TRY(code);
    AY_TRY(ay_node_block_open(server->options.engine, height, &block));
    *result = ay_node_tx_json(&block, index, call->arg[1].flag);
    ay_node_block_close(&block);
    return ay_node_give(*result, result);
}

static enum ay_code append_tx(struct ay_node_server *server, struct ay_engine_place place,
                              bool prove, json_t *txs)
{
    struct ay_node_block block;
    AY_TRY(ay_node_block_open(server->options.engine, place.height, &block));
    json_t *one = ay_node_tx_json(&block, place.index, prove);
    ay_node_block_close(&block);
    return json_array_append_new(txs, one) == 0 ? AY_OK : AY_E_MEMORY;
}

static enum ay_code search(struct ay_node_server *server, const struct ay_rpc_call *call,
                           struct ay_engine_place **found, uint32_t *count,
                           struct ay_rpc_error *error)
{
    struct ay_search query;
    char why[160];
    if (ay_search_parse(call->arg[0].bytes, &query, why) != AY_OK)
        return ay_rpc_fail(error, AY_E_FORMAT, "%s", why);
    enum ay_code code = ay_search_txs(server->options.engine, &query, found, count);
    if (code == AY_E_LIMIT)
        return ay_rpc_fail(error, code, "the query looks at too much; narrow it by tx.height");
    return code;
}

enum ay_code ay_method_tx_search(void *ctx, const struct ay_rpc_call *call, json_t **result,
                                 struct ay_rpc_error *error)
{
    struct ay_node_server *server = ctx;
    struct ay_engine_place *found = NULL;
    struct ay_node_page page;
    uint32_t count = 0;
    bool desc = !strcmp(call->arg[4].text, "desc");
    if (!desc && *call->arg[4].text && strcmp(call->arg[4].text, "asc") != 0)
        return ay_rpc_fail(error, AY_E_FORMAT,
                           "expected order_by to be either `asc` or `desc` or empty");
    AY_TRY(search(server, call, &found, &count, error));
    enum ay_code code = ay_node_paginate(&call->arg[2], &call->arg[3], count, &page, error);
    json_t *txs = json_array();
    if (code == AY_OK && !txs) code = AY_E_MEMORY;
    for (uint32_t i = 0; code == AY_OK && i < page.count; i++) {
        uint32_t at = page.first + i;
        code = append_tx(server, found[desc ? count - 1 - at : at], call->arg[1].flag, txs);
    }
    free(found);
    if (code == AY_OK)
        return ay_node_give(json_pack("{s:o, s:o}", "txs", txs, "total_count", ay_show_u64(count)),
                            result);
    json_decref(txs);
    return code;
}
