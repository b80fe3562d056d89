/* The files of a graph's folder but its weights, written. */
#include "tensor/graph_folder.h"

#include "base/codec.h"
#include "base/text.h"
#include "crypto/hash.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static enum ay_code put_graph(const struct ay_folder *folder, const struct ay_graph_model *model,
                              uint8_t sha256[32])
{
    uint32_t len = 0;
    uint8_t *bytes = NULL;
    enum ay_code code = ay_encoded_len(&ay_graph_model_msg, model, &len);
    if (code == AY_OK && len > AY_MAX_GRAPH_BYTES) code = AY_E_LIMIT;
    if (code == AY_OK && !(bytes = malloc(len))) code = AY_E_MEMORY;
    if (code == AY_OK) code = ay_encode(&ay_graph_model_msg, model, bytes, len, &len);
    if (code != AY_OK) {
        free(bytes);
        return ay_reject(folder->reason, code, "the graph, without weights, is above %u MiB",
                         AY_MAX_GRAPH_BYTES >> 20);
    }
    ay_sha256(ay_slice(bytes, len), sha256);
    code = ay_folder_write(folder, "graph.bin", bytes, len);
    free(bytes);
    return code;
}

static json_t *hex(const uint8_t hash[32])
{
    char text[65];
    struct ay_text out = ay_text_over(text, sizeof text);
    ay_text_hex(&out, ay_slice(hash, 32));
    return json_string(text);
}

enum ay_code ay_graph_put(const struct ay_folder *folder, const struct ay_graph_model *model,
                          const uint8_t weights_sha256[32], const struct ay_graph_card *card)
{
    uint8_t graph_sha256[32], parent[32];
    AY_TRY(put_graph(folder, model, graph_sha256));
    json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", card->name, "licence",
                             card->licence, "source", card->source, "graph_sha256",
                             hex(graph_sha256), "weights_sha256", hex(weights_sha256));
    if (json && card->parent) {
        ay_sha256(ay_slice(card->parent->bytes, card->parent->bytes_len), parent);
        json_object_set_new(json, "parent_graph_sha256", hex(parent));
        ay_sha256_long((struct ay_slice){0}, card->parent->weights, card->parent->weights_bytes,
                       parent);
        json_object_set_new(json, "parent_weights_sha256", hex(parent));
        json_object_set_new(json, "profile", json_string(card->profile));
    }
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!text)
        return ay_reject(folder->reason, AY_E_FORMAT, "name, licence or source is not UTF-8");
    enum ay_code code = ay_folder_write(folder, "model.json", text, strlen(text));
    free(text);
    return code;
}
