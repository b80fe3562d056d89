/* assay model: import a model, run it, look at it. */
#include "cli/cli.h"

#include "base/text.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "tensor/model.h"
#include "tensor/npy.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT_BYTES (1u << 30)
#define MAX_LINES       (1u << 24)

static const char usage[] =
    "usage: assay model import FROM DIR [--licence L] [--source TEXT]\n"
    "       assay model run DIR --input SENTENCES.txt --out Y.npy [--threads N]\n"
    "       assay model show DIR\n"
    "       assay model id DIR\n"
    "       assay model ls FOLDER\n"
    "\n"
    "import  a sentence-transformers BERT folder to DIR, with every weight's root\n"
    "run     embeds each line of a UTF-8 file, cut at the model's longest input;\n"
    "        Y.npy is f32 of shape (lines, width)\n"
    "show    what a model is; id prints its program id alone; ls lists a folder of models\n";

/* show, id, ls */

static json_t *describe(const struct ay_model *m)
{
    char id[65], root[65], units[24];
    struct ay_text id_text = ay_text_over(id, 65), root_text = ay_text_over(root, 65);
    snprintf(units, sizeof units, "%" PRIu64, ay_program_max_units(&m->program));
    uint32_t ops = m->program.ops_count;
    ay_text_hex(&id_text, ay_slice(m->program_id, 32));
    ay_text_hex(&root_text, ay_slice(m->weights_root, 32));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "name", m->name,
                     "licence", m->licence, "source", m->source, "program_id", id, "weights_root",
                     root, "ops", (json_int_t)ops, "weights", (json_int_t)m->program.weights_count,
                     "max_tokens", (json_int_t)m->max_tokens, "dims", (json_int_t)m->dims,
                     "max_units", units);
}

static int show_json(json_t *value)
{
    char *text = value ? json_dumps(value, 0) : NULL;
    json_decref(value);
    if (!text) return ay_cli_fail(AY_E_MEMORY, "cannot print the answer");
    ay_cli_show(text);
    free(text);
    return 0;
}

static int model_show(int argc, char **argv)
{
    struct ay_model *m = NULL;
    struct ay_reason reason = {"out of memory"};
    int failed = ay_options_end(argc, argv, 1, "DIR");
    if (failed) return failed;
    enum ay_code code = ay_model_open(argv[1], &m, &reason);
    if (code != AY_OK) return ay_cli_fail(code, "%s", reason.text);
    if (strcmp(argv[0], "id") == 0 && !ay_cli.json) {
        for (int i = 0; i < 32; i++) printf("%02x", m->program_id[i]);
        putchar('\n');
    } else {
        failed = show_json(describe(m));
    }
    ay_model_close(m);
    return failed;
}

static int is_listed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int model_ls(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int failed = ay_options_end(argc, argv, 1, "FOLDER");
    if (failed) return failed;
    int n = scandir(argv[1], &entries, is_listed, alphasort);
    if (n < 0)
        return ay_cli_fail(errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "cannot list %s: %s",
                           argv[1], strerror(errno));
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        struct ay_model *m = NULL;
        struct ay_reason reason = {"the name is too long"};
        int len = snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        if (len < (int)sizeof path && ay_model_open(path, &m, &reason) == AY_OK)
            json_array_append_new(list, describe(m));
        else
            fprintf(stderr, "%s is no model: %s\n", entries[i]->d_name, reason.text);
        ay_model_close(m);
        free(entries[i]);
    }
    free(entries);
    return show_json(list);
}

/* import */

static int model_import(int argc, char **argv)
{
    const char *licence = "", *source = "";
    const struct ay_option options[] = {
        {.name = "--licence", .kind = AY_OPTION_TEXT, .to = &licence},
        {.name = "--source", .kind = AY_OPTION_TEXT, .to = &source},
        {NULL}};
    struct ay_reason reason = {"out of memory"};
    int failed = ay_options_take(&argc, argv, options);
    if (!failed) failed = ay_options_end(argc, argv, 2, "FROM and DIR");
    if (failed) return failed;
    enum ay_code code = ay_model_import(argv[1], argv[2], licence, source, &reason);
    if (code != AY_OK) return ay_cli_fail(code, "%s", reason.text);
    return ay_cli.json ? model_show(2, (char *[]){"show", argv[2], NULL}) : 0;
}

/* run */

static void advance(void *context, size_t done, size_t all)
{
    (void)all;
    ay_progress_set(context, done);
}

static enum ay_code embed(const struct ay_model *m, const struct ay_lines *in, uint32_t threads,
                          const char *out_path, struct ay_reason *reason)
{
    struct ay_exec *exec = NULL;
    struct ay_progress bar;
    struct ay_exec_options options = {.threads = threads};
    float *out = calloc((size_t)in->count * m->dims + 1, sizeof *out);
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

static int report(const struct ay_model *m, const struct ay_lines *in, const char *out_path)
{
    if (ay_cli.json)
        return show_json(json_pack("{s:s, s:I, s:I}", "out", out_path, "sentences",
                                   (json_int_t)in->count, "dims", (json_int_t)m->dims));
    fprintf(stderr, "%u sentences, %u numbers each, in %s\n", in->count, m->dims, out_path);
    return 0;
}

static int model_run(int argc, char **argv)
{
    const char *input = NULL, *out_path = NULL;
    uint64_t threads = 0;
    const struct ay_option options[] = {
        {.name = "--input", .kind = AY_OPTION_TEXT, .to = &input},
        {.name = "--out", .kind = AY_OPTION_TEXT, .to = &out_path},
        {"--threads", AY_OPTION_NUMBER, &threads, .min = 1, .max = AY_MAX_THREADS},
        {NULL}};
    int failed = ay_options_take(&argc, argv, options);
    if (!failed) failed = ay_options_end(argc, argv, 1, "DIR");
    if (!failed && !input) failed = ay_cli_fail(AY_E_USAGE, "say what to run: --input FILE");
    if (!failed && !out_path)
        failed = ay_cli_fail(AY_E_USAGE, "say where the vectors go: --out FILE.npy");
    if (failed) return failed;
    struct ay_model *m = NULL;
    struct ay_lines in = {0};
    struct ay_reason reason = {"out of memory"};
    failed = ay_lines_open(input, MAX_INPUT_BYTES, MAX_LINES, &in);
    if (!failed) {
        enum ay_code code = ay_model_open(argv[1], &m, &reason);
        if (code == AY_OK) code = embed(m, &in, (uint32_t)threads, out_path, &reason);
        failed = code == AY_OK ? report(m, &in, out_path) : ay_cli_fail(code, "%s", reason.text);
    }
    ay_model_close(m);
    ay_lines_close(&in);
    return failed;
}

int ay_cli_model(int argc, char **argv)
{
    static const struct {
        const char *name;
        ay_cli_command *run;
    } verbs[] = {{"import", model_import},
                 {"run", model_run},
                 {"show", model_show},
                 {"id", model_show},
                 {"ls", model_ls}};
    if (ay_cli.help || argc < 2) return ay_cli_usage(usage);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    return ay_cli_fail(AY_E_USAGE, "model has no verb %s", argv[1]);
}
