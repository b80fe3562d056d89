/* What the files of the work module share. */
#ifndef AY_MODULES_WORK_VERBS_H
#define AY_MODULES_WORK_VERBS_H

#include "modules/bank/bank.h"
#include "modules/common.h"
#include "modules/work/work.h"
#include "modules/work/work_math.h"

#define AY_PROGRAM_TAG "assay/program/v1"

/* Verbs, by the message's name. */
enum ay_code ay_work_register_check(struct ay_ctx *ctx, const void *msg) AY_MUST;
enum ay_code ay_work_register(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;
enum ay_code ay_work_withdraw(struct ay_ctx *ctx, const void *msg, void *response) AY_MUST;

/* Program id: SHA-256 of a tag and the program's canonical bytes. */
void ay_work_id(struct ay_slice program, uint8_t out[AY_HASH_BYTES]);

/* Merkle root over the roots of the program's weights. */
void ay_work_weights_root(const struct ay_work_program *program, uint8_t out[AY_HASH_BYTES]);

/* Decodes a program and checks it and that a job can carry it (ay_game_check). AY_E_WORK_PROGRAM with
 * a reason. */
enum ay_code ay_work_decode(struct ay_ctx *ctx, struct ay_slice bytes,
                            struct ay_work_program *program) AY_MUST;

/* The parents and their ancestors, each once, with the rates of their licences, into
 * out[AY_MAX_WORK_WORK_ANCESTORS]. AY_E_NOT_FOUND: a parent is not registered. AY_E_LIMIT. */
enum ay_code ay_work_flatten(struct ay_ctx *ctx, const uint8_t (*parents)[AY_HASH_BYTES],
                             uint32_t count, struct ay_work_ancestor *out,
                             uint32_t *out_count) AY_MUST;

/* Part of a fee that goes to the work and its ancestors together, in basis points. */
uint32_t ay_work_gross(const struct ay_work_work *work);

/* What a holder of bps of the work may have withdrawn in all. */
uint64_t ay_work_entitled(const struct ay_work_work *work, uint32_t bps);

enum ay_code ay_work_genesis(struct ay_ctx *ctx, const struct ay_msg *msg,
                             const void *section) AY_MUST;

extern const struct ay_query_verb ay_work_queries[];
extern const struct ay_invariant ay_work_invariants[];

#endif
