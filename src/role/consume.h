/* The consumer: has lines of text embedded through the market. Splits them into jobs, posts all jobs
 * in as few transactions as may be so that they clear together, waits for the claims, fetches the
 * outputs, or demands them where they cannot be fetched, and checks that they are what was claimed. */
#ifndef AY_ROLE_CONSUME_H
#define AY_ROLE_CONSUME_H

#include "role/role.h"

#define AY_MAX_CONSUME_JOBS 4096

struct ay_consume_options {
    const struct ay_model *model;
    const struct ay_slice *lines;
    uint32_t line_count;
    uint32_t lines_a_job;
    uint32_t tier;
    uint64_t max_price_nasy;  /* per million work units */
    const char *url;          /* of the blob server that providers fetch inputs from */
    bool wait_paid;           /* until every job has ended, else until all are claimed */
    uint64_t max_deposit_nasy; /* most to put up for having one job's outputs posted */
    uint32_t rechecks;        /* lines to recompute here and compare, spread over all jobs */
};

/* What became of one job. */
struct ay_consumed {
    uint64_t job_id;
    uint32_t first_line, lines;
    uint64_t escrow_nasy;
    enum ay_code trouble;       /* of the last try to receive the output */
    bool delivered;             /* its rows of the output are there */
    struct ay_job_job job;      /* as last seen; its slices are not kept */
};

/* Runs the jobs. out: (line_count, model->dims) f32. *jobs: malloc'ed, `*count` of them, the
 * caller's. A job that expires, is missed, late or slashed is posted again, up to three times.
 * AY_E_INTERRUPTED leaves the jobs on the ledger, and says their ids.
 * progress (may be NULL) is told how many lines are there. */
enum ay_code ay_consume(struct ay_role *role, const struct ay_consume_options *options, float *out,
                        struct ay_consumed **jobs, uint32_t *count,
                        void (*progress)(void *context, uint32_t lines), void *context) AY_MUST;

#endif
