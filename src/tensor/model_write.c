/* The files of a model's folder, written. */
#include "tensor/model_impl.h"

#include "base/codec.h"
#include "base/text.h"
#include "crypto/merkle.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum ay_code ay_model_put_weight(const struct ay_folder *folder, FILE *file, uint64_t *at,
                                 const void *values, struct ay_work_weight *weight)
{
    static const uint8_t zeros[AY_MODEL_ALIGN];
    uint64_t before = *at, begin, len;
    AY_TRY(ay_model_extent(weight, at, &begin, &len));
    AY_TRY(ay_tensor_root((uint8_t)weight->dtype, (uint8_t)weight->dims_count, weight->dims, values,
                          len, weight->root));
    if (fwrite(zeros, 1, begin - before, file) == begin - before &&
        fwrite(values, 1, len, file) == len)
        return AY_OK;
    return ay_folder_failed(folder, "weights.bin");
}

static json_t *card_json(const struct ay_work_program *program, struct ay_slice bytes,
                         const struct ay_model_card *card)
{
    uint8_t id[32], root[32];
    char id_text[65], root_text[65], parent_text[65];
    struct ay_text id_out = ay_text_over(id_text, 65), root_out = ay_text_over(root_text, 65);
    struct ay_text parent_out = ay_text_over(parent_text, 65);
    ay_program_id(bytes, id);
    ay_program_weights_root(program, root);
    ay_text_hex(&id_out, AY_SLICE_OF(id));
    ay_text_hex(&root_out, AY_SLICE_OF(root));
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "name", card->name,
                             "licence", card->licence, "source", card->source, "program_id",
                             id_text, "weights_root", root_text, "tokenizer", "wordpiece-uncased",
                             "max_tokens", (int)card->max_tokens, "dims", (int)card->dims);
    if (!json || !card->parent) return json;
    ay_text_hex(&parent_out, ay_slice(card->parent, 32));
    json_object_set_new(json, "parent", json_string(parent_text));
    json_object_set_new(json, "profile", json_string(card->profile));
    return json;
}

enum ay_code ay_model_put_program(const struct ay_folder *folder,
                                  const struct ay_work_program *program, struct ay_arena *arena,
                                  const struct ay_model_card *card)
{
    struct ay_slice bytes;
    AY_TRY(ay_encode_arena(&ay_work_program_msg, program, arena, &bytes));
    AY_TRY(ay_folder_write(folder, "program.bin", bytes.data, bytes.len));
    json_t *json = card_json(program, bytes, card);
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!text) return AY_E_MEMORY;
    enum ay_code code = ay_folder_write(folder, "model.json", text, strlen(text));
    free(text);
    return code;
}
