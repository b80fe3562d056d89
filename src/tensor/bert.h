/* Imports a BERT encoder for sentence embeddings (Devlin et al. 2018; Reimers and Gurevych 2019,
 * arXiv:1908.10084) as a program: embeddings, layers, mean over the tokens, division by the L2
 * norm. Input: token ids i32 (S), S <= max_tokens. Output: f32 (1, hidden). */
#ifndef AY_TENSOR_BERT_H
#define AY_TENSOR_BERT_H

#include "base/arena.h"
#include "tensor/program.h"
#include "tensor/reason.h"
#include "tensor/safetensors.h"

struct ay_bert_config {
    uint32_t vocabulary, positions, hidden, layers, heads, intermediate;
    uint32_t eps_bits;   /* f32 bits of layer_norm_eps */
    uint32_t max_tokens; /* S at most */
};

/* Where the bytes of a weight of the program come from. */
struct ay_bert_source {
    const struct ay_stored_tensor *tensor; /* NULL: positions 0, 1, 2, ... as i32 */
    uint64_t first;                        /* element */
};

struct ay_bert {
    struct ay_work_program program;       /* weights' roots still zero */
    const struct ay_bert_source *sources; /* one a weight */
};

/* Everything in *out lies in the arena or in file. AY_E_FORMAT: a tensor is missing or has another
 * shape; AY_E_UNSUPPORTED: a config outside bounds; AY_E_LIMIT: arena full. The program is checked.
 */
enum ay_code ay_bert_build(const struct ay_bert_config *config, const struct ay_safetensors *file,
                           struct ay_arena *arena, struct ay_bert *out,
                           struct ay_reason *reason) AY_MUST;

#endif
