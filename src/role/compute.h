/* What a role needs of a model, behind function pointers, so that a role does not know where its
 * answers come from. ay_compute_open gives the honest one, over the tensor runtime. */
#ifndef AY_ROLE_COMPUTE_H
#define AY_ROLE_COMPUTE_H

#include "base/gen/job.h"
#include "tensor/model.h"

struct ay_compute {
    void *self;
    const struct ay_work_program *program;
    const void *const *weights; /* one a weight, contiguous, little-endian */
    uint8_t program_id[32];
    /* Outputs of all runs one after another into out, as role/jobio.h says. `done` (may be NULL) is
     * told after each batch. AY_E_INTERRUPTED when it says stop. */
    enum ay_code (*run)(void *self, const struct ay_job_input *input, float *out,
                        bool (*done)(void *context, uint32_t runs), void *context);
    /* Runs one run with every op's output kept; op_output reads them until the next call. */
    enum ay_code (*trace)(void *self, const struct ay_job_run *run);
    const void *(*op_output)(void *self, uint32_t op);
};

/* The honest computation. model is borrowed until close. threads 0: one a processor. */
enum ay_code ay_compute_open(const struct ay_model *model, uint32_t threads,
                             struct ay_compute *out) AY_MUST;
void ay_compute_close(struct ay_compute *compute);

#endif
