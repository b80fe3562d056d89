/* assay model run, for a BERT model: a vector for each line of a file. */
#include "cli/model.h"

#include "cli/cli.h"
#include "tensor/model.h"
#include "tensor/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_INPUT_BYTES (1u << 30)

struct lines {
    void *map;
    size_t len;
    struct ay_slice *at;
    size_t count;
};

/* One sentence a line, split at \n only; the last one needs none after it. */
static enum ay_code split(struct lines *in)
{
    const uint8_t *text = in->map;
    size_t all = 0;
    for (size_t i = 0; i < in->len; i++) all += text[i] == '\n';
    in->at = calloc(all + 1, sizeof *in->at);
    if (!in->at) return AY_E_MEMORY;
    for (size_t i = 0; i < in->len;) {
        const uint8_t *stop = memchr(text + i, '\n', in->len - i);
        size_t end = stop ? (size_t)(stop - text) : in->len;
        in->at[in->count++] = ay_slice(text + i, (uint32_t)(end - i));
        i = end + 1;
    }
    return AY_OK;
}

static enum ay_code open_lines(const char *path, struct lines *out)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO;
    enum ay_code code = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? AY_OK : AY_E_IO;
    if (code == AY_OK && info.st_size > MAX_INPUT_BYTES) code = AY_E_LIMIT;
    if (code == AY_OK && info.st_size > 0) {
        out->map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (out->map == MAP_FAILED) {
            out->map = NULL;
            code = AY_E_IO;
        } else {
            out->len = (size_t)info.st_size;
        }
    }
    (void)close(fd);
    return code == AY_OK ? split(out) : code;
}

static void advance(void *context, size_t done, size_t all)
{
    (void)all;
    ay_progress_set(context, done);
}

static enum ay_code embed(const struct ay_model *m, const struct lines *in, uint32_t threads,
                          const char *out_path, struct ay_reason *reason)
{
    struct ay_exec *exec = NULL;
    struct ay_progress bar;
    struct ay_exec_options options = {.threads = threads};
    float *out = calloc(in->count * m->dims + 1, sizeof *out);
    enum ay_code code = out ? AY_OK : AY_E_MEMORY;
    if (code == AY_OK) {
        code = ay_exec_open(&m->program, m->weights, &options, &exec);
        if (code == AY_E_USAGE || code == AY_E_UNSUPPORTED)
            code = ay_reject(reason, code, "ASSAY_CPU names what cannot run here");
    }
    if (code == AY_OK) {
        ay_progress_begin(&bar, "embedding", in->count);
        code = ay_model_embed(m, exec, in->at, in->count, out, advance, &bar, reason);
        ay_progress_end(&bar);
    }
    if (code == AY_OK) {
        code = ay_npy_write(out_path, out, in->count, m->dims);
        if (code != AY_OK) code = ay_reject(reason, code, "cannot write %.160s", out_path);
    }
    ay_exec_close(exec);
    free(out);
    return code;
}

static int report(const struct ay_model *m, const struct lines *in, const char *out_path)
{
    if (ay_cli.json)
        return ay_model_print(json_pack("{s:s, s:I, s:I}", "out", out_path, "sentences",
                                        (json_int_t)in->count, "dims", (json_int_t)m->dims));
    fprintf(stderr, "%zu sentences, %u numbers each, in %s\n", in->count, m->dims, out_path);
    return 0;
}

int ay_model_run_lines(const char *dir, const struct ay_model_options *options)
{
    struct ay_model *m = NULL;
    struct lines in = {0};
    struct ay_reason reason = {"out of memory"};
    const char *input = options->inputs[0];
    int failed;
    if (options->inputs_count != 1)
        return ay_cli_fail(AY_E_USAGE, "this model takes one --input FILE, of lines");
    enum ay_code code = open_lines(input, &in);
    if (code != AY_OK) {
        failed = ay_cli_fail(code, "cannot read %s", input);
        goto out;
    }
    code = ay_model_open(dir, &m, &reason);
    if (code == AY_OK) code = embed(m, &in, (uint32_t)options->threads, options->out, &reason);
    failed = code == AY_OK ? report(m, &in, options->out) : ay_cli_fail(code, "%s", reason.text);
out:
    ay_model_close(m);
    if (in.map) (void)munmap(in.map, in.len);
    free(in.at);
    return failed;
}
