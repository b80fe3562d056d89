/* A job's input and output as blobs, and the roots that bind them.
 * Input blob: canonical assay.job.v1.Input. Output blob: the runs' output tensors one after another,
 * f32 little-endian, each of the shape that the program's last op has for the run. A root of either
 * is the RFC 6962 root over the runs' tensor roots, 32 bytes a leaf. */
#ifndef AY_ROLE_JOBIO_H
#define AY_ROLE_JOBIO_H

#include "base/arena.h"
#include "base/gen/job.h"
#include "base/gen/work.h"
#include "crypto/merkle.h"

#define AY_MAX_INPUT_BLOB_BYTES (32u << 20)

/* Root over n hashes, 32 bytes a leaf; and the proof of leaf `index` (AY_MERKLE_MAX_PROOF hashes at
 * most), which *count says. AY_E_LIMIT when the arena is full. */
enum ay_code ay_roots_root(const uint8_t (*roots)[32], uint32_t n, uint8_t out[32]) AY_MUST;
enum ay_code ay_roots_prove(const uint8_t (*roots)[32], uint32_t n, uint32_t index,
                            struct ay_arena *arena, uint8_t (*proof)[32], size_t *count) AY_MUST;

/* Tensor root of one run's ids (i32, shape (n)). */
enum ay_code ay_run_root(const struct ay_job_run *run, struct ay_arena *arena,
                         uint8_t out[32]) AY_MUST;

/* Tensor roots of all runs into the arena, and their root. */
enum ay_code ay_input_roots(const struct ay_job_input *input, struct ay_arena *arena,
                            uint8_t (**roots)[32], uint8_t root[32]) AY_MUST;

/* Decodes an input blob and checks it against the program: number of runs, lengths within the
 * program's maximum, ids within i32. AY_E_FORMAT, AY_E_RANGE, AY_E_LIMIT. */
enum ay_code ay_input_decode(struct ay_slice blob, const struct ay_work_program *program,
                             struct ay_arena *arena, struct ay_job_input *out) AY_MUST;

/* f32 elements of one run's output. */
enum ay_code ay_output_elements(const struct ay_work_program *program, uint32_t length,
                                uint32_t *out) AY_MUST;

/* Tensor roots of the outputs of all runs, which lie one after another in `data`, and their root.
 * AY_E_RANGE when data_len is not what the runs need; AY_E_FORMAT for a NaN that is not canonical. */
enum ay_code ay_output_roots(const struct ay_work_program *program,
                             const struct ay_job_input *input, const void *data, uint64_t data_len,
                             struct ay_arena *arena, uint8_t (**roots)[32],
                             uint8_t root[32]) AY_MUST;

#endif
