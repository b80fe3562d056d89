/* What the files of `assay model` share. */
#ifndef AY_CLI_MODEL_H
#define AY_CLI_MODEL_H

#include "tensor/graph_folder.h"

#include <jansson.h>

/* Options of import, run, show and quantize; each takes those it has. */
struct ay_model_options {
    const char *licence, *source, *out, *preprocess;
    const char *profile_name, *calibrate; /* quantize: --profile, --calibrate */
    uint64_t threads;                     /* 0: one a processor */
    uint64_t max_memory_bytes;
    bool profile, trace;
    /* --input, --dim, as given: NAME=VALUE, or for a BERT model one FILE */
    char **inputs, **dims;
    uint32_t inputs_count, dims_count;
};

/* Prints the value and lets go of it; 0 or the exit code. */
int ay_model_print(json_t *value);

/* run and quantize for a BERT model. */
int ay_model_run_lines(const char *dir, const struct ay_model_options *options);
int ay_model_quantize_lines(const char *dir, const struct ay_model_options *options);

/* The verbs for models kept as graphs. Exit codes, having said what is wrong. */
int ay_model_import_onnx(const char *file, const char *dir, const struct ay_model_options *options);
int ay_model_run_graph(const char *dir, const struct ay_model_options *options);
int ay_model_quantize_graph(const char *dir, const struct ay_model_options *options);
int ay_model_show_graph(const char *dir, const struct ay_model_options *options);
/* What show and ls print of one; NULL without memory. Lowers it with the sizes given by dims, open
 * ones being 1. */
json_t *ay_model_describe_graph(const struct ay_graph_folder *graph,
                                const struct ay_model_options *options);

#endif
