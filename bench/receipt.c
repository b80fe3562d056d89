/* The share of an answer's time that its claim costs an honest provider: roots of the outputs,
 * canonical claim, hash, signature, beside the computation itself. build/bench/receipt MODEL_DIR
 * [threads] */
#include "base/codec.h"
#include "crypto/secp256k1.h"
#include "role/compute.h"
#include "role/jobio.h"
#include "verify/claim.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 64
#define TOKENS 32
#define ROUNDS 5

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static enum ay_code claim_of(const struct ay_model *model, const struct ay_job_input *input,
                             const float *out, struct ay_arena *arena, uint8_t signature[64])
{
    struct ay_job_claim claim = {.n_in = RUNS * TOKENS, .n_out = RUNS, .stop_reason = 1};
    uint8_t(*roots)[32], hash[32], seckey[32] = {1};
    ay_arena_rewind(arena, 0);
    AY_TRY(ay_output_roots(&model->program, input, out, 4ull * RUNS * model->dims, arena, &roots,
                           claim.output_root));
    ay_claim_hash(&claim, hash);
    return ay_secp256k1_sign(seckey, hash, signature);
}

static enum ay_code measure(const struct ay_model *model, uint32_t threads)
{
    static _Alignas(16) uint8_t mem[1 << 20];
    static uint32_t ids[TOKENS];
    static struct ay_job_run runs[RUNS];
    struct ay_arena arena = ay_arena_over(mem, sizeof mem);
    struct ay_job_input input = {.runs = runs, .runs_count = RUNS};
    struct ay_compute compute;
    uint8_t signature[64];
    float *out = calloc((size_t)RUNS * model->dims, sizeof *out);
    if (!out) return AY_E_MEMORY;
    for (uint32_t i = 0; i < TOKENS; i++) ids[i] = 1000 + 37 * i;
    for (uint32_t i = 0; i < RUNS; i++)
        runs[i] = (struct ay_job_run){.ids = ids, .ids_count = TOKENS};
    enum ay_code code = ay_compute_open(model, threads, &compute);
    double answer = 1e300, claim = 1e300;
    for (int round = 0; round < ROUNDS && code == AY_OK; round++) {
        double begun = now_ms();
        code = compute.run(compute.self, &input, out, NULL, NULL);
        double middle = now_ms();
        if (code == AY_OK) code = claim_of(model, &input, out, &arena, signature);
        double end = now_ms();
        if (middle - begun < answer) answer = middle - begun;
        if (end - middle < claim) claim = end - middle;
    }
    if (code == AY_OK) {
        printf("| claim of %d answers of %d tokens: %.3f ms beside %.1f ms of computing, %.3f %% "
               "(goal < 1 %%)\n",
               RUNS, TOKENS, claim, answer, 100 * claim / answer);
        ay_compute_close(&compute);
    }
    free(out);
    return code;
}

int main(int argc, char **argv)
{
    struct ay_model *model;
    struct ay_reason reason = {0};
    if (argc < 2) return 2;
    enum ay_code code = ay_model_open(argv[1], &model, &reason);
    if (code == AY_OK) {
        code = measure(model, argc > 2 ? (uint32_t)atoi(argv[2]) : 1);
        ay_model_close(model);
    }
    if (code != AY_OK) fprintf(stderr, "receipt: %s %s\n", ay_code_info(code)->text, reason.text);
    return code != AY_OK;
}
