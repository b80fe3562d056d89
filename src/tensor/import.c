#include "tensor/model.h"

#include "tensor/bert.h"
#include "tensor/model_impl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG_BYTES   65536u
#define ARENA_BYTES        (16u << 20)
#define DEFAULT_MAX_TOKENS 256u

struct import {
    const char *from;
    struct ay_folder folder;
    struct ay_reason *reason;
    struct ay_safetensors file;
    struct ay_arena arena;
    struct ay_bert bert;
    struct ay_bert_config config;
};

/* Configuration */

static enum ay_code read_json(struct import *im, const char *name, json_t **out)
{
    uint8_t *bytes = NULL;
    uint32_t len = 0;
    json_error_t error;
    AY_TRY(ay_model_read(im->from, name, MAX_CONFIG_BYTES, &bytes, &len, im->reason));
    *out = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &error);
    free(bytes);
    if (*out) return AY_OK;
    return ay_reject(im->reason, AY_E_FORMAT, "%s, line %d: %s", name, error.line, error.text);
}

static uint32_t number(const json_t *config, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(config, name));
    return value > 0 && value < UINT32_MAX ? (uint32_t)value : 0;
}

static bool is_text(const json_t *config, const char *name, const char *text)
{
    const char *value = json_string_value(json_object_get(config, name));
    return value && strcmp(value, text) == 0;
}

static enum ay_code take_config(struct import *im, const json_t *config)
{
    float eps = (float)json_number_value(json_object_get(config, "layer_norm_eps"));
    if (!is_text(config, "model_type", "bert"))
        return ay_reject(im->reason, AY_E_UNSUPPORTED, "config.json: model_type is not bert");
    if (!is_text(config, "hidden_act", "gelu"))
        return ay_reject(im->reason, AY_E_UNSUPPORTED, "config.json: hidden_act is not gelu");
    if (json_object_get(config, "position_embedding_type") &&
        !is_text(config, "position_embedding_type", "absolute"))
        return ay_reject(im->reason, AY_E_UNSUPPORTED, "config.json: positions are not absolute");
    if (!(eps > 0 && eps < 1))
        return ay_reject(im->reason, AY_E_UNSUPPORTED, "config.json: layer_norm_eps");
    im->config = (struct ay_bert_config){
        .vocabulary = number(config, "vocab_size"),
        .positions = number(config, "max_position_embeddings"),
        .hidden = number(config, "hidden_size"),
        .layers = number(config, "num_hidden_layers"),
        .heads = number(config, "num_attention_heads"),
        .intermediate = number(config, "intermediate_size"),
    };
    memcpy(&im->config.eps_bits, &eps, sizeof eps);
    return AY_OK;
}

static enum ay_code read_config(struct import *im)
{
    json_t *config = NULL;
    AY_TRY(read_json(im, "config.json", &config));
    enum ay_code code = take_config(im, config);
    json_decref(config);
    AY_TRY(code);
    uint32_t positions = im->config.positions;
    im->config.max_tokens = positions < DEFAULT_MAX_TOKENS ? positions : DEFAULT_MAX_TOKENS;
    code = read_json(im, "sentence_bert_config.json", &config);
    if (code == AY_E_NOT_FOUND) return AY_OK;
    AY_TRY(code);
    im->config.max_tokens = number(config, "max_seq_length");
    json_decref(config);
    return AY_OK;
}

/* Writing */

/* One weight: reads it, sets its root in the program, appends it. */
static enum ay_code write_weight(struct import *im, uint32_t index, FILE *f, uint64_t *at)
{
    /* The builder made it in our own arena. */
    struct ay_work_weight *w = (struct ay_work_weight *)(uintptr_t)&im->bert.program.weights[index];
    const struct ay_bert_source *source = &im->bert.sources[index];
    uint64_t unused = 0, begin, len;
    AY_TRY(ay_model_extent(w, &unused, &begin, &len));
    uint32_t *values = malloc(len);
    if (!values) return AY_E_MEMORY;
    enum ay_code code = AY_OK;
    if (source->tensor)
        code = ay_stored_read_f32(source->tensor, source->first, len / 4, (float *)(void *)values);
    for (uint32_t i = 0; !source->tensor && i < len / 4; i++) values[i] = i;
    if (code == AY_OK) code = ay_model_put_weight(&im->folder, f, at, values, w);
    free(values);
    if (code == AY_OK || code == AY_E_IO || code == AY_E_DISK_FULL) return code;
    return ay_reject(im->reason, code, "model.safetensors: %.100s cannot be used",
                     source->tensor ? source->tensor->name : "positions");
}

static enum ay_code write_weights(struct import *im)
{
    uint64_t at = 0;
    enum ay_code code = AY_OK;
    FILE *f = ay_folder_create(&im->folder, "weights.bin");
    if (!f) return ay_folder_failed(&im->folder, "weights.bin");
    for (uint32_t i = 0; code == AY_OK && i < im->bert.program.weights_count; i++)
        code = write_weight(im, i, f, &at);
    if (!ay_folder_finish(f) && code == AY_OK) code = ay_folder_failed(&im->folder, "weights.bin");
    return code;
}

static enum ay_code write_vocabulary(struct import *im)
{
    uint8_t *bytes = NULL;
    uint32_t len = 0;
    struct ay_wordpiece *wp = NULL;
    AY_TRY(ay_model_read(im->from, "vocab.txt", AY_MAX_VOCABULARY_BYTES, &bytes, &len, im->reason));
    enum ay_code code = ay_wordpiece_open(ay_slice(bytes, len), &wp, im->reason);
    if (code == AY_OK && ay_wordpiece_size(wp) > im->config.vocabulary)
        code = ay_reject(im->reason, AY_E_FORMAT, "vocab.txt: more entries than vocab_size");
    if (code == AY_OK) code = ay_folder_write(&im->folder, "vocab.txt", bytes, len);
    ay_wordpiece_close(wp);
    free(bytes);
    return code;
}

static enum ay_code import_into(struct import *im, const char *name, const char *licence,
                                const char *source)
{
    AY_TRY(read_config(im));
    char *path = ay_model_path(im->from, "model.safetensors");
    if (!path) return AY_E_MEMORY;
    enum ay_code code = ay_safetensors_open(path, &im->file, im->reason);
    free(path);
    AY_TRY(code);
    AY_TRY(ay_bert_build(&im->config, &im->file, &im->arena, &im->bert, im->reason));
    AY_TRY(write_vocabulary(im));
    AY_TRY(write_weights(im));
    const struct ay_model_card card = {.name = name,
                                       .licence = licence,
                                       .source = source,
                                       .max_tokens = im->config.max_tokens,
                                       .dims = im->config.hidden};
    return ay_model_put_program(&im->folder, &im->bert.program, &im->arena, &card);
}

enum ay_code ay_model_import(const char *from, const char *dir, const char *licence,
                             const char *source, struct ay_reason *reason)
{
    static const char *const names[] = {"program.bin", "weights.bin", "vocab.txt", "model.json",
                                        NULL};
    const char *name = strrchr(dir, '/');
    struct import im = {.from = from, .reason = reason};
    AY_TRY(ay_folder_begin(dir, names, reason, &im.folder));
    enum ay_code code = AY_E_MEMORY;
    void *memory = aligned_alloc(16, ARENA_BYTES);
    if (memory) {
        im.arena = ay_arena_over(memory, ARENA_BYTES);
        code = import_into(&im, name ? name + 1 : dir, licence, source);
    }
    ay_safetensors_close(&im.file);
    free(memory);
    return ay_folder_end(&im.folder, code);
}
