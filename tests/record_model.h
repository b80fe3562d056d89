/* The works that a recorded stream registers, and a player's truth about their runs. Model k looks
 * rows up in a table of k + 3 rows of two numbers. A job has one run, of the token ids 0, 1, ...
 * wrapping round the table; a lie is the last bit of the output's last number. */
#ifndef AY_TESTS_RECORD_MODEL_H
#define AY_TESTS_RECORD_MODEL_H

#include "base/gen/job.h"
#include "verify/player.h"

#define MODEL_COUNT      4
#define MODEL_MAX_LENGTH 1024
#define MODEL_COLUMNS    2
#define MODEL_MAX_ROWS   (MODEL_COUNT + 3)

struct model {
    uint8_t id[32];        /* of the program */
    struct ay_slice bytes; /* canonical, of the program */
    struct ay_work_program program;
    uint32_t rows;
    float table[MODEL_MAX_ROWS * MODEL_COLUMNS];
};

/* Model k < MODEL_COUNT; built at the first call. */
const struct model *model_get(uint32_t k);

/* One run of a model, with its roots. */
struct run {
    const struct model *model;
    uint32_t length;
    int32_t ids[MODEL_MAX_LENGTH];
    float out[MODEL_MAX_LENGTH * MODEL_COLUMNS];
    uint8_t input_root[32], output_root[32];           /* the job's: of one run */
    uint8_t input_tensor[1][32], output_tensor[1][32]; /* the run's */
};
void run_make(struct run *run, const struct model *model, uint32_t length, bool lie);

/* Who holds this truth, playing about the job as its claim stands on the ledger. Borrows both. */
struct ay_player run_player(struct run *run, const struct ay_job_job *job);

#endif
