/* Headers, commits and votes: the bytes that CometBFT 0.38 hashes and signs, so that its light
 * client accepts our blocks. Everything is hashed as a Merkle tree of RFC 6962 over proto3 leaves.
 * Source: CometBFT spec/core/data_structures.md; types/block.go, types/canonical.go at v0.38.26.
 * Encodings are made in the arena given; AY_E_LIMIT: it is full. */
#ifndef AY_LEDGER_HEADER_H
#define AY_LEDGER_HEADER_H

#include "base/arena.h"
#include "base/gen/engine.h"
#include "base/gen/ledger.h"
#include "base/gen/stake.h"
#include "base/gen/tendermint_types.h"
#include "ledger/ctx.h"

#define AY_BLOCK_PART_BYTES 65536
#define AY_BLOCK_PROTOCOL   11
#define AY_APP_PROTOCOL     1

/* Milliseconds since 1970 as seconds and nanoseconds. */
struct ay_protobuf_timestamp ay_header_time(uint64_t time_ms);

/* The header as CometBFT has it, from the one that we store; last_parts: how many parts the last
 * block had, 0 for block 1. Borrows from `stored`. */
struct ay_tendermint_types_header ay_header_of(const struct ay_engine_header *stored,
                                               uint32_t last_parts);

/* The block's hash: over the header's 14 fields. */
enum ay_code ay_header_hash(const struct ay_tendermint_types_header *header, struct ay_arena *arena,
                            uint8_t out[AY_HASH_BYTES]) AY_MUST;

/* Over the SHA-256 of each transaction. */
void ay_header_data_hash(const struct ay_slice *txs, uint32_t count, uint8_t out[AY_HASH_BYTES]);

/* Over code, data and gas of each result. */
enum ay_code ay_header_results_hash(const struct ay_ledger_tx_result *results, uint32_t count,
                                    struct ay_arena *arena, uint8_t out[AY_HASH_BYTES]) AY_MUST;

/* Over the validators, which stand by power, highest first, then by address. */
enum ay_code ay_header_validators_hash(const struct ay_stake_validator *validators, uint32_t count,
                                       struct ay_arena *arena, uint8_t out[AY_HASH_BYTES]) AY_MUST;

/* SHA-256 of the block limits; max_gas -1: none. */
enum ay_code ay_header_consensus_hash(int64_t max_bytes, int64_t max_gas, struct ay_arena *arena,
                                      uint8_t out[AY_HASH_BYTES]) AY_MUST;

/* Over the signatures of a commit; none gives SHA-256(""), as block 1 has it. */
enum ay_code ay_header_commit_hash(const struct ay_tendermint_types_commit *commit,
                                   struct ay_arena *arena, uint8_t out[AY_HASH_BYTES]) AY_MUST;

/* The block in parts of 64 KiB: their number and root. */
enum ay_code ay_header_parts(const struct ay_tendermint_types_header *header,
                             const struct ay_slice *txs, uint32_t count,
                             const struct ay_tendermint_types_commit *last_commit,
                             struct ay_arena *arena, uint32_t *parts,
                             uint8_t out[AY_HASH_BYTES]) AY_MUST;

/* What a validator signs to commit the block `id` at height, round 0. */
enum ay_code ay_header_vote_bytes(uint64_t height, const struct ay_tendermint_types_block_id *id,
                                  struct ay_protobuf_timestamp time, struct ay_slice chain_id,
                                  struct ay_arena *arena, struct ay_slice *out) AY_MUST;

/* A validator's address: the first 20 bytes of its key's SHA-256. */
void ay_validator_address(const uint8_t pub_key[32], uint8_t out[AY_ADDRESS_BYTES]);

#endif
