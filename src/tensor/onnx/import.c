/* FILE.onnx to a folder. */
#include "base/codec.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "tensor/folder.h"
#include "tensor/graph_folder.h"
#include "tensor/onnx/onnx.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct import {
    const char *file;
    struct ay_folder folder;
    const struct ay_onnx_options *options;
    struct ay_reason *reason;
    struct ay_onnx onnx;
    int source; /* the folder of the model's file */
    FILE *weights;
    struct ay_sha256_stream *weights_hash;
    uint8_t graph_sha256[32], weights_sha256[32];
};

static enum ay_code parse_file(struct import *im, int fd)
{
    struct stat info;
    enum ay_code code = AY_E_IO;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        size_t len = (size_t)info.st_size;
        void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) {
            code = ay_onnx_parse(map, len, im->options->limit_bytes, &im->onnx, im->reason);
            (void)munmap(map, len);
            return code;
        }
    }
    return ay_reject(im->reason, code, "%.160s: cannot be mapped", im->file);
}

/* Opens the file's folder too: constants may lie in other files there. */
static enum ay_code parse(struct import *im)
{
    int fd = open(im->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ay_reject(im->reason, errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "%.160s: %s",
                         im->file, strerror(errno));
    enum ay_code code = parse_file(im, fd);
    (void)close(fd);
    AY_TRY(code);
    char *path = strdup(im->file);
    if (!path) return AY_E_MEMORY;
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path] = 0;
    im->source = open(slash ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(path);
    return im->source >= 0
               ? AY_OK
               : ay_reject(im->reason, AY_E_IO, "%.160s: its folder cannot be opened", im->file);
}

static enum ay_code write_graph(struct import *im)
{
    uint32_t len = 0;
    uint8_t *bytes = NULL;
    enum ay_code code = ay_encoded_len(&ay_graph_model_msg, &im->onnx.model, &len);
    if (code == AY_OK && len > AY_MAX_GRAPH_BYTES) code = AY_E_LIMIT;
    if (code == AY_OK && !(bytes = malloc(len))) code = AY_E_MEMORY;
    if (code == AY_OK) code = ay_encode(&ay_graph_model_msg, &im->onnx.model, bytes, len, &len);
    if (code != AY_OK) {
        free(bytes);
        return ay_reject(im->reason, code, "the graph, without weights, is above %u MiB",
                         AY_MAX_GRAPH_BYTES >> 20);
    }
    ay_sha256(ay_slice(bytes, len), im->graph_sha256);
    code = ay_folder_write(&im->folder, "graph.bin", bytes, len);
    free(bytes);
    return code;
}

static enum ay_code pour(void *context, const void *bytes, size_t len)
{
    struct import *im = context;
    ay_sha256_update(im->weights_hash, bytes, len);
    return fwrite(bytes, 1, len, im->weights) == len ? AY_OK
                                                     : ay_folder_failed(&im->folder, "weights.bin");
}

static enum ay_code write_weights(struct import *im)
{
    im->weights = ay_folder_create(&im->folder, "weights.bin");
    if (!im->weights) return ay_folder_failed(&im->folder, "weights.bin");
    im->weights_hash = ay_sha256_begin();
    enum ay_code code = ay_onnx_weights(&im->onnx, im->source, pour, im, im->reason);
    ay_sha256_final(im->weights_hash, im->weights_sha256);
    if (!ay_folder_finish(im->weights) && code == AY_OK)
        code = ay_folder_failed(&im->folder, "weights.bin");
    return code;
}

static enum ay_code write_card(struct import *im, const char *name)
{
    char graph[65], weights[65];
    struct ay_text graph_out = ay_text_over(graph, 65), weights_out = ay_text_over(weights, 65);
    ay_text_hex(&graph_out, AY_SLICE_OF(im->graph_sha256));
    ay_text_hex(&weights_out, AY_SLICE_OF(im->weights_sha256));
    json_t *card =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", name, "licence", im->options->licence,
                  "source", im->options->source, "graph_sha256", graph, "weights_sha256", weights);
    char *text = card ? json_dumps(card, JSON_INDENT(2)) : NULL;
    json_decref(card);
    if (!text) return ay_reject(im->reason, AY_E_FORMAT, "name, licence or source is not UTF-8");
    enum ay_code code = ay_folder_write(&im->folder, "model.json", text, strlen(text));
    free(text);
    return code;
}

static void say_converted(const struct ay_onnx *onnx, struct ay_reason *notice)
{
    uint32_t all = onnx->from_f16 + onnx->from_bf16 + onnx->from_f64;
    notice->text[0] = 0;
    if (all)
        (void)snprintf(notice->text, sizeof notice->text,
                       "%u constants are kept as f32: %u of f16, %u of bf16, %u of f64", all,
                       onnx->from_f16, onnx->from_bf16, onnx->from_f64);
}

enum ay_code ay_onnx_import(const char *file, const char *dir,
                            const struct ay_onnx_options *options, struct ay_reason *notice,
                            struct ay_reason *reason)
{
    static const char *const names[] = {"graph.bin", "weights.bin", "model.json", NULL};
    const char *name = strrchr(dir, '/');
    struct import im = {.file = file, .options = options, .reason = reason, .source = -1};
    AY_TRY(ay_folder_begin(dir, names, reason, &im.folder));
    enum ay_code code = parse(&im);
    if (code == AY_OK) say_converted(&im.onnx, notice);
    if (code == AY_OK) code = write_graph(&im);
    if (code == AY_OK) code = write_weights(&im);
    if (code == AY_OK) code = write_card(&im, name ? name + 1 : dir);
    ay_onnx_close(&im.onnx);
    if (im.source >= 0) (void)close(im.source);
    return ay_folder_end(&im.folder, code);
}
