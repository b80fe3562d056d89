/* What opening and importing a model share. Internal. */
#ifndef AY_TENSOR_MODEL_IMPL_H
#define AY_TENSOR_MODEL_IMPL_H

#include "base/arena.h"
#include "tensor/folder.h"
#include "tensor/model.h"

#include <jansson.h>
#include <stdio.h>

/* "<dir>/<name>" in new memory; NULL without memory. */
char *ay_model_path(const char *dir, const char *name);

/* A whole file of at most `max` bytes, in new memory with a NUL after it.
 * AY_E_NOT_FOUND, AY_E_IO, AY_E_LIMIT with a reason. */
enum ay_code ay_model_read(const char *dir, const char *name, uint32_t max, uint8_t **out,
                           uint32_t *len, struct ay_reason *reason) AY_MUST;

/* Maps dir/weights.bin to be read: *map is NULL when it is empty; munmap is the caller's.
 * AY_E_NOT_FOUND, AY_E_IO with a reason. */
enum ay_code ay_model_map_weights(const char *dir, void **map, size_t *len,
                                  struct ay_reason *reason) AY_MUST;

/* Reads dir/model.json, an object; json_decref is the caller's. AY_E_FORMAT, and what ay_model_read
 * returns, with a reason. */
enum ay_code ay_model_card(const char *dir, json_t **out, struct ay_reason *reason) AY_MUST;
/* A text of the card in new memory, "" when it is missing; NULL without memory. */
char *ay_model_card_text(const json_t *card, const char *name);

/* Bytes of weight i, and where it begins in weights.bin: at what *at says, which is advanced to
 * where the next may begin. AY_E_LIMIT above 2^47. */
enum ay_code ay_model_extent(const struct ay_work_weight *weight, uint64_t *at, uint64_t *begin,
                             uint64_t *len) AY_MUST;

/* What model.json says beside hashes. */
struct ay_model_card {
    const char *name, *licence, *source;
    uint32_t max_tokens, dims;
    /* Of a model made from another: its program id (32), and how. NULL: an imported one. */
    const uint8_t *parent;
    const char *profile;
};

/* Appends a weight to weights.bin, of which *at bytes are written, and sets its root.
 * What ay_tensor_root returns, without a reason; AY_E_IO and AY_E_DISK_FULL with one. */
enum ay_code ay_model_put_weight(const struct ay_folder *folder, FILE *file, uint64_t *at,
                                 const void *values, struct ay_work_weight *weight) AY_MUST;

/* Writes program.bin and model.json; the program's roots are set. */
enum ay_code ay_model_put_program(const struct ay_folder *folder,
                                  const struct ay_work_program *program, struct ay_arena *arena,
                                  const struct ay_model_card *card) AY_MUST;

#endif
