#include "record_model.h"

#include "base/codec.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

#define F32 AY_WORK_DTYPE_F32
#define I32 AY_WORK_DTYPE_I32

static void root_of(uint32_t dtype, uint32_t rank, const uint32_t *dims, const void *data,
                    uint64_t len, uint8_t out[32])
{
    enum ay_code code = ay_tensor_root((uint8_t)dtype, (uint8_t)rank, dims, data, len, out);
    AY_ASSERT(code == AY_OK);
}

static void build(struct model *m, uint32_t k)
{
    static const uint32_t in_dims[] = {AY_DIM_SYMBOL}, max_dims[] = {MODEL_MAX_LENGTH};
    static const uint32_t out_dims[] = {AY_DIM_SYMBOL, MODEL_COLUMNS}, operands[] = {1, 0};
    static const struct ay_work_tensor_type input = {I32, in_dims, 1};
    static const struct ay_work_op op = {.kind = AY_WORK_OP_GATHER,
                                         .in = operands,
                                         .in_count = 2,
                                         .dims = out_dims,
                                         .dims_count = 2};
    static uint32_t dims[MODEL_COUNT][2];
    static struct ay_work_weight weights[MODEL_COUNT];
    static uint8_t bytes[MODEL_COUNT][512];
    uint32_t len;
    m->rows = k + 3;
    for (uint32_t i = 0; i < m->rows * MODEL_COLUMNS; i++) m->table[i] = (float)i + 0.5f;
    dims[k][0] = m->rows;
    dims[k][1] = MODEL_COLUMNS;
    weights[k] = (struct ay_work_weight){F32, dims[k], 2, {0}};
    root_of(F32, 2, dims[k], m->table, 4ull * m->rows * MODEL_COLUMNS, weights[k].root);
    m->program = (struct ay_work_program){.numerics = 1,
                                          .iterate = 1,
                                          .max_dims = max_dims,
                                          .max_dims_count = 1,
                                          .inputs = &input,
                                          .inputs_count = 1,
                                          .weights = &weights[k],
                                          .weights_count = 1,
                                          .ops = &op,
                                          .ops_count = 1};
    enum ay_code code =
        ay_encode(&ay_work_program_msg, &m->program, bytes[k], sizeof bytes[k], &len);
    AY_ASSERT(code == AY_OK);
    m->bytes = ay_slice(bytes[k], len);
    struct ay_slice parts[2] = {ay_slice_str("assay/program/v1"), m->bytes};
    ay_sha256_parts(parts, 2, m->id);
}

const struct model *model_get(uint32_t k)
{
    static struct model models[MODEL_COUNT];
    AY_ASSERT(k < MODEL_COUNT);
    if (!models[k].rows) build(&models[k], k);
    return &models[k];
}

void run_make(struct run *run, const struct model *model, uint32_t length, bool lie)
{
    const uint32_t in_dims[] = {length}, out_dims[] = {length, MODEL_COLUMNS};
    uint32_t elements = length * MODEL_COLUMNS;
    AY_ASSERT(length > 0 && length <= MODEL_MAX_LENGTH);
    run->model = model;
    run->length = length;
    for (uint32_t i = 0; i < length; i++) run->ids[i] = (int32_t)(i % model->rows);
    for (uint32_t i = 0; i < elements; i++)
        run->out[i] = model->table[i % (model->rows * MODEL_COLUMNS)];
    if (lie) {
        uint32_t bits;
        memcpy(&bits, &run->out[elements - 1], sizeof bits);
        bits ^= 1;
        memcpy(&run->out[elements - 1], &bits, sizeof bits);
    }
    root_of(I32, 1, in_dims, run->ids, 4ull * length, run->input_tensor[0]);
    root_of(F32, 2, out_dims, run->out, 4ull * elements, run->output_tensor[0]);
    ay_merkle_leaf(AY_SLICE_OF(run->input_tensor[0]), run->input_root);
    ay_merkle_leaf(AY_SLICE_OF(run->output_tensor[0]), run->output_root);
}

/* Operands: the input, the table, the op's output. */
static enum ay_code tensor(void *self, uint32_t value, const uint8_t **data, uint64_t *len)
{
    const struct run *run = self;
    const void *const all[] = {run->ids, run->model->table, run->out};
    const uint64_t lens[] = {4ull * run->length, 4ull * run->model->rows * MODEL_COLUMNS,
                             4ull * run->length * MODEL_COLUMNS};
    AY_ASSERT(value < 3);
    *data = all[value];
    *len = lens[value];
    return AY_OK;
}

struct ay_player run_player(struct run *run, const struct ay_job_job *job)
{
    return (struct ay_player){.claim = {.program = &run->model->program,
                                        .runs = job->runs,
                                        .input_root = job->input_root,
                                        .output_root = job->output_root},
                              .length = run->length,
                              .tensor = tensor,
                              .self = run,
                              .op_roots = (const uint8_t(*)[32])run->output_tensor,
                              .run_roots = (const uint8_t(*)[32])run->output_tensor,
                              .input_roots = (const uint8_t(*)[32])run->input_tensor};
}
