#include "engine/block.h"

#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "ledger/header.h"

#include <string.h>

#define PRECOMMIT_FOR_BLOCK 2

static struct ay_tendermint_types_block_id block_id(const struct ay_engine_block *block)
{
    return (struct ay_tendermint_types_block_id){
        .hash = AY_SLICE_OF(block->hash),
        .has_part_set_header = true,
        .part_set_header = {.total = block->parts, .hash = AY_SLICE_OF(block->parts_hash)}};
}

enum ay_code ay_block_commit(const struct ay_engine_block *block, struct ay_arena *arena,
                             struct ay_tendermint_types_commit *out)
{
    struct ay_tendermint_types_commit_sig *sig =
        AY_NEW(arena, struct ay_tendermint_types_commit_sig, 1);
    if (!sig) return AY_E_LIMIT;
    *sig = (struct ay_tendermint_types_commit_sig){
        .block_id_flag = PRECOMMIT_FOR_BLOCK,
        .validator_address = AY_SLICE_OF(block->header.proposer_address),
        .has_timestamp = true,
        .timestamp = ay_header_time(block->header.time_ms),
        .signature = AY_SLICE_OF(block->signature)};
    *out = (struct ay_tendermint_types_commit){.height = (int64_t)block->header.height,
                                               .has_block_id = true,
                                               .block_id = block_id(block),
                                               .signatures = sig,
                                               .signatures_count = 1};
    return AY_OK;
}

/* What the header says of the block before. */
static enum ay_code link_last(const struct ay_block_draft *draft, struct ay_arena *arena,
                              struct ay_engine_header *header,
                              struct ay_tendermint_types_commit *commit)
{
    const struct ay_ledger_tx_result *results = NULL;
    uint32_t count = 0;
    memset(commit, 0, sizeof *commit);
    if (draft->last) {
        memcpy(header->last_block_hash, draft->last->hash, 32);
        memcpy(header->last_parts_hash, draft->last->parts_hash, 32);
        AY_TRY(ay_block_commit(draft->last, arena, commit));
        results = draft->last_results->txs;
        count = draft->last_results->txs_count;
    }
    AY_TRY(ay_header_commit_hash(commit, arena, header->last_commit_hash));
    return ay_header_results_hash(results, count, arena, header->last_results_hash);
}

static enum ay_code vote(const struct ay_block_maker *maker, struct ay_arena *arena,
                         struct ay_engine_block *block)
{
    struct ay_tendermint_types_block_id id = block_id(block);
    struct ay_slice bytes;
    AY_TRY(ay_header_vote_bytes(block->header.height, &id, ay_header_time(block->header.time_ms),
                                maker->chain_id, arena, &bytes));
    ay_ed25519_sign(maker->seed, bytes, block->signature);
    return AY_OK;
}

enum ay_code ay_block_make(const struct ay_block_maker *maker, const struct ay_block_draft *draft,
                           struct ay_arena *arena, struct ay_engine_block *block)
{
    struct ay_tendermint_types_commit commit;
    struct ay_stake_validator validator = {.power = maker->power};
    struct ay_engine_header *header = &block->header;
    *block = (struct ay_engine_block){
        .has_header = true, .txs = draft->txs, .txs_count = draft->txs_count};
    header->chain_id = maker->chain_id;
    header->height = draft->height;
    header->time_ms = draft->time_ms;
    memcpy(header->app_hash, draft->app_hash, 32);
    memcpy(validator.pub_key, maker->pub_key, 32);
    ay_validator_address(maker->pub_key, header->proposer_address);
    AY_TRY(link_last(draft, arena, header, &commit));
    ay_header_data_hash(draft->txs, draft->txs_count, header->data_hash);
    AY_TRY(ay_header_validators_hash(&validator, 1, arena, header->validators_hash));
    AY_TRY(ay_header_consensus_hash(AY_CONSENSUS_MAX_BYTES, AY_CONSENSUS_MAX_GAS, arena,
                                    header->consensus_hash));

    struct ay_tendermint_types_header wire =
        ay_header_of(header, draft->last ? draft->last->parts : 0);
    AY_TRY(ay_header_hash(&wire, arena, block->hash));
    AY_TRY(ay_header_parts(&wire, draft->txs, draft->txs_count, &commit, arena, &block->parts,
                           block->parts_hash));
    return vote(maker, arena, block);
}

/* "type.key" of an attribute, in the arena. */
static enum ay_code tag_key(struct ay_slice type, struct ay_slice key, struct ay_arena *arena,
                            struct ay_slice *out)
{
    uint8_t *joined = ay_arena_take(arena, (size_t)type.len + key.len + 1, 1);
    if (!joined) return AY_E_LIMIT;
    if (type.len) memcpy(joined, type.data, type.len);
    joined[type.len] = '.';
    if (key.len) memcpy(joined + type.len + 1, key.data, key.len);
    *out = ay_slice(joined, type.len + key.len + 1);
    return AY_OK;
}

static enum ay_code tags(const struct ay_ledger_tx_result *result, struct ay_arena *arena,
                         struct ay_store_tx *tx)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < result->events_count; i++) room += result->events[i].attributes_count;
    struct ay_store_tag *list = AY_NEW(arena, struct ay_store_tag, room);
    if (!list) return AY_E_LIMIT;
    for (uint32_t i = 0; i < result->events_count; i++) {
        const struct ay_tendermint_abci_event *event = &result->events[i];
        for (uint32_t k = 0; k < event->attributes_count; k++) {
            const struct ay_tendermint_abci_event_attribute *attribute = &event->attributes[k];
            if (!attribute->index) continue;
            AY_TRY(tag_key(event->type, attribute->key, arena, &list[tx->tag_count].key));
            list[tx->tag_count++].value = attribute->value;
        }
    }
    tx->tags = list;
    return AY_OK;
}

enum ay_code ay_block_index(const struct ay_slice *txs, const struct ay_ledger_block_result *results,
                            struct ay_arena *arena, struct ay_store_tx **out)
{
    struct ay_store_tx *index = AY_NEW(arena, struct ay_store_tx, results->txs_count);
    if (!index) return AY_E_LIMIT;
    for (uint32_t i = 0; i < results->txs_count; i++) {
        ay_sha256(txs[i], index[i].hash);
        index[i].failed = results->txs[i].code != 0;
        AY_TRY(tags(&results->txs[i], arena, &index[i]));
    }
    *out = index;
    return AY_OK;
}
