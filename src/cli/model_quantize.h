/* What the files of `assay model quantize` share. */
#ifndef AY_CLI_MODEL_QUANTIZE_H
#define AY_CLI_MODEL_QUANTIZE_H

#include "cli/model.h"

#include <stddef.h>

/* Results of a model before and after. Begins with cosine 1. */
struct ay_compared {
    size_t rows;
    double cosine;     /* the least of a row */
    double difference; /* the largest of an element */
    uint64_t before_ns, after_ns;
};

/* Takes in rows of a result before, a, and after, b: (rows, width). */
void ay_compare_rows(struct ay_compared *compared, const float *a, const float *b, size_t rows,
                     size_t width);
uint64_t ay_compare_now_ns(void);

/* What quantize prints: sizes of the folders and, where rows were compared, how they are. NULL
 * without memory. */
json_t *ay_compare_report(const char *dir, const struct ay_model_options *options,
                          const struct ay_compared *compared);

#endif
