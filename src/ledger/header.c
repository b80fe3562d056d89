#include "ledger/header.h"

#include "base/codec.h"
#include "base/gen/protobuf.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

#define PRECOMMIT 2

struct ay_protobuf_timestamp ay_header_time(uint64_t time_ms)
{
    return (struct ay_protobuf_timestamp){.seconds = (int64_t)(time_ms / 1000),
                                          .nanos = (int32_t)(time_ms % 1000 * 1000000)};
}

struct ay_tendermint_types_header ay_header_of(const struct ay_engine_header *s,
                                               uint32_t last_parts)
{
    static const uint8_t no_evidence[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                            0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                            0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                            0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    struct ay_tendermint_types_header h = {
        .has_version = true,
        .version = {.block = AY_BLOCK_PROTOCOL, .app = AY_APP_PROTOCOL},
        .chain_id = s->chain_id,
        .height = (int64_t)s->height,
        .has_time = true,
        .time = ay_header_time(s->time_ms),
        .has_last_block_id = true,
        .last_block_id = {.has_part_set_header = true},
        .last_commit_hash = AY_SLICE_OF(s->last_commit_hash),
        .data_hash = AY_SLICE_OF(s->data_hash),
        .validators_hash = AY_SLICE_OF(s->validators_hash),
        .next_validators_hash = AY_SLICE_OF(s->validators_hash),
        .consensus_hash = AY_SLICE_OF(s->consensus_hash),
        .app_hash = AY_SLICE_OF(s->app_hash),
        .last_results_hash = AY_SLICE_OF(s->last_results_hash),
        .evidence_hash = AY_SLICE_OF(no_evidence),
        .proposer_address = AY_SLICE_OF(s->proposer_address),
    };
    if (last_parts) {
        h.last_block_id.hash = AY_SLICE_OF(s->last_block_hash);
        h.last_block_id.part_set_header.total = last_parts;
        h.last_block_id.part_set_header.hash = AY_SLICE_OF(s->last_parts_hash);
    }
    return h;
}

/* Adds the encoding of a message as a leaf. */
static enum ay_code add(struct ay_merkle *tree, const struct ay_msg *msg, const void *in,
                        struct ay_arena *arena)
{
    struct ay_slice bytes;
    size_t mark = arena->used;
    AY_TRY(ay_encode_arena(msg, in, arena, &bytes));
    ay_merkle_add(tree, bytes);
    ay_arena_rewind(arena, mark);
    return AY_OK;
}

enum ay_code ay_header_hash(const struct ay_tendermint_types_header *h, struct ay_arena *arena,
                            uint8_t out[AY_HASH_BYTES])
{
    const struct ay_protobuf_string_value chain_id = {h->chain_id};
    const struct ay_protobuf_int64_value height = {h->height};
    const struct ay_slice hashes[] = {
        h->last_commit_hash,     h->data_hash,      h->validators_hash,
        h->next_validators_hash, h->consensus_hash, h->app_hash,
        h->last_results_hash,    h->evidence_hash,  h->proposer_address};
    struct ay_merkle tree = {0};
    AY_TRY(add(&tree, &ay_tendermint_types_version_msg, &h->version, arena));
    AY_TRY(add(&tree, &ay_protobuf_string_value_msg, &chain_id, arena));
    AY_TRY(add(&tree, &ay_protobuf_int64_value_msg, &height, arena));
    AY_TRY(add(&tree, &ay_protobuf_timestamp_msg, &h->time, arena));
    AY_TRY(add(&tree, &ay_tendermint_types_block_id_msg, &h->last_block_id, arena));
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        const struct ay_protobuf_bytes_value value = {hashes[i]};
        AY_TRY(add(&tree, &ay_protobuf_bytes_value_msg, &value, arena));
    }
    ay_merkle_root(&tree, out);
    return AY_OK;
}

void ay_header_data_hash(const struct ay_slice *txs, uint32_t count, uint8_t out[AY_HASH_BYTES])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint8_t hash[AY_HASH_BYTES];
        ay_sha256(txs[i], hash);
        ay_merkle_add(&tree, AY_SLICE_OF(hash));
    }
    ay_merkle_root(&tree, out);
}

enum ay_code ay_header_results_hash(const struct ay_ledger_tx_result *results, uint32_t count,
                                    struct ay_arena *arena, uint8_t out[AY_HASH_BYTES])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < count; i++) {
        const struct ay_tendermint_types_exec_tx_result hashed = {
            .code = results[i].code,
            .data = results[i].data,
            .gas_wanted = (int64_t)results[i].gas_wanted,
            .gas_used = (int64_t)results[i].gas_used};
        AY_TRY(add(&tree, &ay_tendermint_types_exec_tx_result_msg, &hashed, arena));
    }
    ay_merkle_root(&tree, out);
    return AY_OK;
}

enum ay_code ay_header_validators_hash(const struct ay_stake_validator *validators, uint32_t count,
                                       struct ay_arena *arena, uint8_t out[AY_HASH_BYTES])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < count; i++) {
        const struct ay_tendermint_types_simple_validator simple = {
            .has_pub_key = true,
            .pub_key = {AY_SLICE_OF(validators[i].pub_key)},
            .voting_power = (int64_t)validators[i].power};
        AY_TRY(add(&tree, &ay_tendermint_types_simple_validator_msg, &simple, arena));
    }
    ay_merkle_root(&tree, out);
    return AY_OK;
}

enum ay_code ay_header_consensus_hash(int64_t max_bytes, int64_t max_gas, struct ay_arena *arena,
                                      uint8_t out[AY_HASH_BYTES])
{
    const struct ay_tendermint_types_hashed_params params = {max_bytes, max_gas};
    struct ay_slice bytes;
    AY_TRY(ay_encode_arena(&ay_tendermint_types_hashed_params_msg, &params, arena, &bytes));
    ay_sha256(bytes, out);
    return AY_OK;
}

enum ay_code ay_header_commit_hash(const struct ay_tendermint_types_commit *commit,
                                   struct ay_arena *arena, uint8_t out[AY_HASH_BYTES])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < commit->signatures_count; i++)
        AY_TRY(add(&tree, &ay_tendermint_types_commit_sig_msg, &commit->signatures[i], arena));
    ay_merkle_root(&tree, out);
    return AY_OK;
}

enum ay_code ay_header_parts(const struct ay_tendermint_types_header *header,
                             const struct ay_slice *txs, uint32_t count,
                             const struct ay_tendermint_types_commit *last_commit,
                             struct ay_arena *arena, uint32_t *parts, uint8_t out[AY_HASH_BYTES])
{
    const struct ay_tendermint_types_block block = {.has_header = true,
                                                    .header = *header,
                                                    .has_data = true,
                                                    .data = {.txs = txs, .txs_count = count},
                                                    .has_evidence = true,
                                                    .has_last_commit = true,
                                                    .last_commit = *last_commit};
    struct ay_slice bytes;
    struct ay_merkle tree = {0};
    size_t mark = arena->used;
    AY_TRY(ay_encode_arena(&ay_tendermint_types_block_msg, &block, arena, &bytes));
    for (uint32_t at = 0; at < bytes.len; at += AY_BLOCK_PART_BYTES) {
        uint32_t left = bytes.len - at;
        ay_merkle_add(&tree, ay_slice(bytes.data + at,
                                      left < AY_BLOCK_PART_BYTES ? left : AY_BLOCK_PART_BYTES));
    }
    *parts = (uint32_t)tree.count;
    ay_merkle_root(&tree, out);
    ay_arena_rewind(arena, mark);
    return AY_OK;
}

enum ay_code ay_header_vote_bytes(uint64_t height, const struct ay_tendermint_types_block_id *id,
                                  struct ay_protobuf_timestamp time, struct ay_slice chain_id,
                                  struct ay_arena *arena, struct ay_slice *out)
{
    const struct ay_tendermint_types_canonical_vote vote = {.type = PRECOMMIT,
                                                            .height = (int64_t)height,
                                                            .has_block_id = true,
                                                            .block_id = *id,
                                                            .has_timestamp = true,
                                                            .timestamp = time,
                                                            .chain_id = chain_id};
    struct ay_slice bytes;
    AY_TRY(ay_encode_arena(&ay_tendermint_types_canonical_vote_msg, &vote, arena, &bytes));
    AY_ASSERT(bytes.len < 16384);
    /* Its length comes before it, as a varint of one or two bytes. */
    uint8_t *framed = AY_NEW(arena, uint8_t, bytes.len + 2);
    if (!framed) return AY_E_LIMIT;
    uint32_t n = 0;
    if (bytes.len >= 128) framed[n++] = (uint8_t)(bytes.len | 0x80);
    framed[n] = (uint8_t)(n ? bytes.len >> 7 : bytes.len);
    n++;
    memcpy(framed + n, bytes.data, bytes.len);
    *out = ay_slice(framed, bytes.len + n);
    return AY_OK;
}

void ay_validator_address(const uint8_t pub_key[32], uint8_t out[AY_ADDRESS_BYTES])
{
    uint8_t digest[AY_HASH_BYTES];
    ay_sha256(ay_slice(pub_key, 32), digest);
    memcpy(out, digest, AY_ADDRESS_BYTES);
}
