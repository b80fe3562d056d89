/* assay model: import a model, run it, look at it. */
#include "cli/cli.h"

#include "base/text.h"
#include "cli/model.h"
#include "cli/options.h"
#include "tensor/model.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Inputs of a model, names of sizes. */
#define MAX_NAMED 4096u

static const char usage[] =
    "usage: assay model import FROM DIR [--licence L] [--source TEXT]\n"
    "       assay model import FILE.onnx DIR [--licence L] [--source TEXT] [--max-memory 4G]\n"
    "       assay model run DIR --input SENTENCES.txt --out Y.npy [--threads N]\n"
    "       assay model run DIR --input NAME=FILE --out DIR2 [--preprocess imagenet] [--threads "
    "N]\n"
    "                       [--max-memory 4G] [--profile] [--trace]\n"
    "       assay model quantize DIR --profile q8 --out DIR2 [--input SENTENCES.txt] [--threads "
    "N]\n"
    "       assay model quantize DIR --profile q8|int8 --out DIR2 [--calibrate X.npy]\n"
    "                       [--input NAME=X.npy] [--threads N]\n"
    "       assay model show DIR [--dim NAME=SIZE | --dim INPUT:AXIS=SIZE]\n"
    "       assay model id DIR\n"
    "       assay model ls FOLDER\n"
    "\n"
    "import  a sentence-transformers BERT folder, with every weight's root, or an ONNX file, to\n"
    "        DIR; --out DIR is the same\n"
    "run     BERT: embeds each line of a UTF-8 file, cut at the model's longest input; Y.npy is "
    "f32\n"
    "        of shape (lines, width). ONNX: takes a .npy file for each input, or with "
    "--preprocess\n"
    "        a .png or .jpg, and writes DIR2/OUTPUT.npy for each output, / in a name being _.\n"
    "        --trace prints the root of what each op gives, --profile what each costs\n"
    "quantize\n"
    "        writes a model of fewer bits to DIR2. q8: weights of products in blocks of 32. int8,\n"
    "        ONNX only: convolutions and linear layers on bytes, scales from the samples that\n"
    "        --calibrate (of the one input) or --input holds. With samples or sentences it says "
    "how\n"
    "        near and how fast DIR2 is beside DIR\n"
    "show    what a model is, and whether it can be registered; sizes that an ONNX model leaves "
    "open\n"
    "        are 1 unless --dim says another; id prints its program id alone; ls lists a folder "
    "of\n"
    "        models\n";

/* Options that several verbs have. */

/* 4G, 512M, 100000. */
static int take_memory(void *to, char *value)
{
    struct ay_model_options *o = to;
    static const char units[] = "KMGT";
    size_t len = strlen(value);
    const char *unit = len ? strchr(units, value[len - 1]) : NULL;
    unsigned shift = unit ? (unsigned)(unit - units + 1) * 10 : 0;
    struct ay_slice digits = ay_slice(value, (uint32_t)(len - (unit != NULL)));
    if (ay_parse_u64(digits, UINT64_MAX >> shift, &o->max_memory_bytes) != AY_OK ||
        o->max_memory_bytes == 0)
        return ay_cli_fail(AY_E_USAGE, "--max-memory takes a size such as 512M or 4G, not %s",
                           value);
    o->max_memory_bytes <<= shift;
    return 0;
}

static int append(char ***list, uint32_t *count, char *value, const char *option)
{
    if (*count == MAX_NAMED)
        return ay_cli_fail(AY_E_USAGE, "%s is given more than %u times", option, MAX_NAMED);
    if (!*list) *list = calloc(MAX_NAMED, sizeof **list);
    if (!*list) return ay_cli_fail(AY_E_MEMORY, "%s", option);
    (*list)[(*count)++] = value;
    return 0;
}

static int take_dim(void *to, char *value)
{
    struct ay_model_options *o = to;
    return append(&o->dims, &o->dims_count, value, "--dim");
}

static int take_input(void *to, char *value)
{
    struct ay_model_options *o = to;
    return append(&o->inputs, &o->inputs_count, value, "--input");
}

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

int ay_model_print(json_t *value)
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
    struct ay_model_options o = {0};
    struct ay_reason reason = {"out of memory"};
    const struct ay_option options[] = {
        {.name = "--dim", .kind = AY_OPTION_CALL, .to = &o, .call = take_dim}, {NULL}};
    bool id = strcmp(argv[0], "id") == 0;
    int failed = id ? 0 : ay_options_take(&argc, argv, options);
    if (!failed) failed = ay_options_end(argc, argv, 1, "DIR");
    if (!failed && ay_graph_folder_is(argv[1])) {
        failed = id ? ay_cli_fail(AY_E_UNSUPPORTED,
                                  "%s is a graph: it has a program for each shape", argv[1])
                    : ay_model_show_graph(argv[1], &o);
        free(o.dims);
        return failed;
    }
    free(o.dims);
    if (failed) return failed;
    enum ay_code code = ay_model_open(argv[1], &m, &reason);
    if (code != AY_OK) return ay_cli_fail(code, "%s", reason.text);
    if (id && !ay_cli.json) {
        for (int i = 0; i < 32; i++) printf("%02x", m->program_id[i]);
        putchar('\n');
    } else {
        failed = ay_model_print(describe(m));
    }
    ay_model_close(m);
    return failed;
}

static int is_listed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* NULL, with a reason, where there is no model. */
static json_t *describe_any(const char *dir, struct ay_reason *reason)
{
    static const struct ay_model_options none;
    struct ay_graph_folder *graph = NULL;
    struct ay_model *m = NULL;
    json_t *card = NULL;
    if (ay_graph_folder_is(dir)) {
        if (ay_graph_folder_open(dir, &graph, reason) == AY_OK)
            card = ay_model_describe_graph(graph, &none);
        ay_graph_folder_close(graph);
        return card;
    }
    if (ay_model_open(dir, &m, reason) == AY_OK) card = describe(m);
    ay_model_close(m);
    return card;
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
        struct ay_reason reason = {"the name is too long"};
        int len = snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        json_t *card = len < (int)sizeof path ? describe_any(path, &reason) : NULL;
        if (!card || json_array_append_new(list, card) != 0)
            fprintf(stderr, "%s is no model: %s\n", entries[i]->d_name, reason.text);
        free(entries[i]);
    }
    free(entries);
    return ay_model_print(list);
}

/* import */

static int import_any(const char *from, const char *dir, const struct ay_model_options *options)
{
    struct stat info;
    struct ay_reason reason = {"out of memory"};
    if (stat(from, &info) == 0 && !S_ISDIR(info.st_mode))
        return ay_model_import_onnx(from, dir, options);
    enum ay_code code = ay_model_import(from, dir, options->licence, options->source, &reason);
    return code == AY_OK ? 0 : ay_cli_fail(code, "%s", reason.text);
}

static int model_import(int argc, char **argv)
{
    struct ay_model_options o = {.licence = "", .source = ""};
    const struct ay_option options[] = {
        {.name = "--licence", .kind = AY_OPTION_TEXT, .to = &o.licence},
        {.name = "--source", .kind = AY_OPTION_TEXT, .to = &o.source},
        {.name = "--out", .kind = AY_OPTION_TEXT, .to = &o.out},
        {.name = "--max-memory", .kind = AY_OPTION_CALL, .to = &o, .call = take_memory},
        {NULL}};
    int failed = ay_options_take(&argc, argv, options);
    if (!failed)
        failed = ay_options_end(argc, argv, o.out ? 1 : 2, o.out ? "FROM" : "FROM and DIR");
    if (!failed) failed = import_any(argv[1], o.out ? o.out : argv[2], &o);
    if (failed || !ay_cli.json) return failed;
    return model_show(2, (char *[]){"show", o.out ? (char *)(uintptr_t)o.out : argv[2], NULL});
}

/* run */

static int model_run(int argc, char **argv)
{
    struct ay_model_options o = {0};
    const struct ay_option options[] = {
        {.name = "--input", .kind = AY_OPTION_CALL, .to = &o, .call = take_input},
        {.name = "--out", .kind = AY_OPTION_TEXT, .to = &o.out},
        {.name = "--preprocess", .kind = AY_OPTION_TEXT, .to = &o.preprocess},
        {.name = "--profile", .kind = AY_OPTION_FLAG, .to = &o.profile},
        {.name = "--trace", .kind = AY_OPTION_FLAG, .to = &o.trace},
        {.name = "--max-memory", .kind = AY_OPTION_CALL, .to = &o, .call = take_memory},
        {"--threads", AY_OPTION_NUMBER, &o.threads, .min = 1, .max = AY_MAX_THREADS},
        {NULL}};
    int failed = ay_options_take(&argc, argv, options);
    if (!failed) failed = ay_options_end(argc, argv, 1, "DIR");
    bool graph = !failed && ay_graph_folder_is(argv[1]);
    if (!failed && !graph && o.inputs_count == 0)
        failed = ay_cli_fail(AY_E_USAGE, "say what to run: --input FILE");
    if (!failed && !o.out)
        failed = ay_cli_fail(AY_E_USAGE, "say where the results go: --out %s",
                             graph ? "DIR2" : "FILE.npy");
    if (!failed) failed = graph ? ay_model_run_graph(argv[1], &o) : ay_model_run_lines(argv[1], &o);
    free(o.inputs);
    return failed;
}

/* quantize */

static int model_quantize(int argc, char **argv)
{
    struct ay_model_options o = {0};
    const struct ay_option options[] = {
        {.name = "--profile", .kind = AY_OPTION_TEXT, .to = &o.profile_name},
        {.name = "--out", .kind = AY_OPTION_TEXT, .to = &o.out},
        {.name = "--input", .kind = AY_OPTION_CALL, .to = &o, .call = take_input},
        {.name = "--calibrate", .kind = AY_OPTION_TEXT, .to = &o.calibrate},
        {"--threads", AY_OPTION_NUMBER, &o.threads, .min = 1, .max = AY_MAX_THREADS},
        {NULL}};
    int failed = ay_options_take(&argc, argv, options);
    if (!failed) failed = ay_options_end(argc, argv, 1, "DIR");
    if (!failed && !o.out) failed = ay_cli_fail(AY_E_USAGE, "say where the model goes: --out DIR2");
    if (!failed && (!o.profile_name ||
                    (strcmp(o.profile_name, "q8") != 0 && strcmp(o.profile_name, "int8") != 0)))
        failed = ay_cli_fail(AY_E_USAGE, "--profile takes q8 or int8, not %s",
                             o.profile_name ? o.profile_name : "nothing");
    if (!failed)
        failed = ay_graph_folder_is(argv[1]) ? ay_model_quantize_graph(argv[1], &o)
                                             : ay_model_quantize_lines(argv[1], &o);
    free(o.inputs);
    return failed;
}

int ay_cli_model(int argc, char **argv)
{
    static const struct {
        const char *name;
        ay_cli_command *run;
    } verbs[] = {{"import", model_import}, {"run", model_run}, {"quantize", model_quantize},
                 {"show", model_show},     {"id", model_show}, {"ls", model_ls}};
    if (ay_cli.help || argc < 2) return ay_cli_usage(usage);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    return ay_cli_fail(AY_E_USAGE, "model has no verb %s", argv[1]);
}
