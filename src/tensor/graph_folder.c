#include "tensor/graph_folder.h"

#include "base/codec.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "tensor/graph.h"
#include "tensor/model_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Decoded, a graph takes less than that many times its bytes. */
#define GRAPH_SPREAD 64u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "weights are used as they lie");

bool ay_graph_folder_is(const char *dir)
{
    char *path = ay_model_path(dir, "graph.bin");
    bool is = path && access(path, F_OK) == 0;
    free(path);
    return is;
}

static enum ay_code open_graph(struct ay_graph_folder *f, const char *dir, struct ay_reason *reason)
{
    struct ay_fault fault;
    AY_TRY(ay_model_read(dir, "graph.bin", AY_MAX_GRAPH_BYTES, &f->bytes, &f->bytes_len, reason));
    f->memory_len = ((size_t)f->bytes_len + 64) * GRAPH_SPREAD;
    /* Pages that are not touched cost nothing. */
    f->memory = mmap(NULL, f->memory_len, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f->memory == MAP_FAILED) {
        f->memory = NULL;
        return AY_E_MEMORY;
    }
    struct ay_arena arena = ay_arena_over(f->memory, f->memory_len);
    enum ay_code code =
        ay_decode(&ay_graph_model_msg, ay_slice(f->bytes, f->bytes_len), &arena, &f->model, &fault);
    if (code == AY_OK) return AY_OK;
    char text[160];
    ay_fault_text(&fault, text, sizeof text);
    return ay_reject(reason, code, "graph.bin: %s", text);
}

static enum ay_code map_weights(struct ay_graph_folder *f, const char *dir,
                                struct ay_reason *reason)
{
    static const uint8_t nothing[1];
    AY_TRY(ay_model_map_weights(dir, &f->map, &f->map_len, reason));
    f->weights = f->map ? f->map : nothing;
    f->weights_bytes = f->map_len;
    return AY_OK;
}

static enum ay_code check_hash(const json_t *card, const char *key, const char *file,
                               const void *bytes, uint64_t len, struct ay_reason *reason)
{
    uint8_t hash[32];
    char text[65];
    struct ay_text out = ay_text_over(text, sizeof text);
    const char *wanted = json_string_value(json_object_get(card, key));
    ay_sha256_long((struct ay_slice){0}, bytes, len, hash);
    ay_text_hex(&out, AY_SLICE_OF(hash));
    if (wanted && strcmp(wanted, text) == 0) return AY_OK;
    return ay_reject(reason, AY_E_HASH, "%s is not what model.json says", file);
}

static enum ay_code take_card(struct ay_graph_folder *f, const json_t *card,
                              struct ay_reason *reason)
{
    AY_TRY(check_hash(card, "graph_sha256", "graph.bin", f->bytes, f->bytes_len, reason));
    AY_TRY(check_hash(card, "weights_sha256", "weights.bin", f->weights, f->weights_bytes, reason));
    f->name = ay_model_card_text(card, "name");
    f->licence = ay_model_card_text(card, "licence");
    f->source = ay_model_card_text(card, "source");
    return f->name && f->licence && f->source ? AY_OK : AY_E_MEMORY;
}

static enum ay_code open_all(struct ay_graph_folder *f, const char *dir, struct ay_reason *reason)
{
    json_t *card = NULL;
    AY_TRY(ay_model_card(dir, &card, reason));
    enum ay_code code = open_graph(f, dir, reason);
    if (code == AY_OK) code = map_weights(f, dir, reason);
    if (code == AY_OK) code = take_card(f, card, reason);
    json_decref(card);
    AY_TRY(code);
    return ay_graph_check(&f->model, f->weights_bytes, reason);
}

enum ay_code ay_graph_folder_open(const char *dir, struct ay_graph_folder **out,
                                  struct ay_reason *reason)
{
    struct ay_graph_folder *f = calloc(1, sizeof *f);
    if (!f) return AY_E_MEMORY;
    enum ay_code code = open_all(f, dir, reason);
    if (code == AY_OK)
        *out = f;
    else
        ay_graph_folder_close(f);
    return code;
}

void ay_graph_folder_close(struct ay_graph_folder *f)
{
    if (!f) return;
    if (f->map) (void)munmap(f->map, f->map_len);
    if (f->memory) (void)munmap(f->memory, f->memory_len);
    free(f->bytes);
    free(f->name);
    free(f->licence);
    free(f->source);
    free(f);
}
