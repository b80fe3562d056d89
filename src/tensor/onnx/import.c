/* FILE.onnx to a folder. */
#include "crypto/hash.h"
#include "tensor/folder.h"
#include "tensor/graph_folder.h"
#include "tensor/onnx/onnx.h"

#include <errno.h>
#include <fcntl.h>
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
    uint8_t weights_sha256[32];
};

static enum ay_code parse_file(struct import *im, int fd)
{
    struct stat info;
    enum ay_code code = AY_E_IO;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        if (info.st_size == 0)
            return ay_reject(im->reason, AY_E_FORMAT, "%.160s: is empty", im->file);
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

static void say_converted(const struct ay_onnx *onnx, struct ay_reason *notice)
{
    uint32_t all = onnx->from_f16 + onnx->from_bf16 + onnx->from_f64;
    int len = 0;
    notice->text[0] = 0;
    if (all)
        len = snprintf(notice->text, sizeof notice->text,
                       "%u constants are kept as f32: %u of f16, %u of bf16, %u of f64", all,
                       onnx->from_f16, onnx->from_bf16, onnx->from_f64);
    if (onnx->inputs_f64 && len >= 0)
        (void)snprintf(notice->text + len, sizeof notice->text - (size_t)len,
                       "%s%u inputs of f64 are taken as f32, and computed with as such",
                       len ? "; " : "", onnx->inputs_f64);
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
    const struct ay_graph_card card = {
        .name = name ? name + 1 : dir, .licence = options->licence, .source = options->source};
    if (code == AY_OK) code = write_weights(&im);
    if (code == AY_OK) code = ay_graph_put(&im.folder, &im.onnx.model, im.weights_sha256, &card);
    ay_onnx_close(&im.onnx);
    if (im.source >= 0) (void)close(im.source);
    return ay_folder_end(&im.folder, code);
}
