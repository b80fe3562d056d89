/* A model on disk, as a folder:
 *   program.bin   canonical bytes of assay.work.v1.Program
 *   weights.bin   the weights in the program's order, little-endian, each at a multiple of 64 bytes
 *   vocab.txt     the tokenizer's vocabulary
 *   model.json    for people: name, licence, source, program id, weights root
 * Opening checks everything against the program: the program's rules and every weight's root. */
#ifndef AY_TENSOR_MODEL_H
#define AY_TENSOR_MODEL_H

#include "base/bytes.h"
#include "tensor/exec.h"
#include "tensor/program.h"
#include "tensor/reason.h"
#include "tensor/wordpiece.h"

#include <stddef.h>

#define AY_MODEL_ALIGN          64u
#define AY_MAX_PROGRAM_BYTES    (4u << 20)
#define AY_MAX_VOCABULARY_BYTES (16u << 20)

struct ay_model {
    struct ay_work_program program; /* checked */
    struct ay_slice program_bytes;  /* canonical */
    uint8_t program_id[32];         /* SHA256("assay/program/v1" | program_bytes) */
    uint8_t weights_root[32];       /* RFC 6962 over the weights' tensor roots, 32 bytes a leaf */
    const void **weights;           /* one a weight, in the mapping */
    struct ay_wordpiece *tokenizer;
    uint32_t max_tokens;           /* of one run */
    uint32_t dims;                 /* of one embedding */
    char *name, *licence, *source; /* from model.json */
    /* owned */
    void *map, *program_memory;
    size_t map_len;
};

/* AY_E_NOT_FOUND, AY_E_IO, AY_E_FORMAT, AY_E_HASH, AY_E_WORK_PROGRAM, AY_E_LIMIT, AY_E_MEMORY, all
 * with a reason that names the file. Cost: one pass of SHA-256 over the weights. */
enum ay_code ay_model_open(const char *dir, struct ay_model **out,
                           struct ay_reason *reason) AY_MUST;
void ay_model_close(struct ay_model *model); /* NULL is allowed */

/* SHA256("assay/program/v1" | canonical bytes), and the root of the weights' roots. */
void ay_program_id(struct ay_slice program_bytes, uint8_t out[32]);
void ay_program_weights_root(const struct ay_work_program *program, uint8_t out[32]);

/* Imports a sentence-transformers BERT folder (config.json, model.safetensors, vocab.txt and, when
 * there, sentence_bert_config.json) to `dir`, which must not exist; it appears whole or not at all.
 * licence and source go to model.json as they are.
 * AY_E_EXISTS, AY_E_UNSUPPORTED, and what ay_model_open may return. */
enum ay_code ay_model_import(const char *from, const char *dir, const char *licence,
                             const char *source, struct ay_reason *reason) AY_MUST;

/* Told how many of all lines are done; may be NULL. */
typedef void ay_model_progress(void *context, size_t done, size_t all);

/* Embeddings of `count` lines: out (count, model->dims) f32. exec must run model->program.
 * AY_E_FORMAT: a line is not UTF-8, reason names it (from 1); AY_E_MEMORY. */
enum ay_code ay_model_embed(const struct ay_model *model, struct ay_exec *exec,
                            const struct ay_slice *lines, size_t count, float *out,
                            ay_model_progress *progress, void *context,
                            struct ay_reason *reason) AY_MUST;

#endif
