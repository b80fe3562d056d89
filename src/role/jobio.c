#include "role/jobio.h"

#include "base/codec.h"
#include "tensor/program.h"

enum ay_code ay_roots_root(const uint8_t (*roots)[32], uint32_t n, uint8_t out[32])
{
    struct ay_merkle tree = {0};
    for (uint32_t i = 0; i < n; i++) ay_merkle_add(&tree, ay_slice(roots[i], 32));
    ay_merkle_root(&tree, out);
    return AY_OK;
}

enum ay_code ay_roots_prove(const uint8_t (*roots)[32], uint32_t n, uint32_t index,
                            struct ay_arena *arena, uint8_t (*proof)[32], size_t *count)
{
    AY_ASSERT(index < n);
    uint8_t(*leaves)[32] = ay_arena_take(arena, n, 32);
    if (!leaves) return AY_E_LIMIT;
    for (uint32_t i = 0; i < n; i++) ay_merkle_leaf(ay_slice(roots[i], 32), leaves[i]);
    *count = ay_merkle_prove((const uint8_t(*)[32])leaves, n, index, 1, proof);
    return AY_OK;
}

enum ay_code ay_run_root(const struct ay_job_run *run, struct ay_arena *arena, uint8_t out[32])
{
    size_t mark = arena->used;
    uint8_t *bytes = ay_arena_take(arena, run->ids_count, 4);
    if (!bytes) return AY_E_LIMIT;
    for (uint32_t i = 0; i < run->ids_count; i++) ay_put_le32(bytes + 4 * (size_t)i, run->ids[i]);
    enum ay_code code = ay_tensor_root(AY_WORK_DTYPE_I32, 1, &run->ids_count, bytes,
                                       4ull * run->ids_count, out);
    ay_arena_rewind(arena, mark);
    return code;
}

enum ay_code ay_input_roots(const struct ay_job_input *input, struct ay_arena *arena,
                            uint8_t (**roots)[32], uint8_t root[32])
{
    *roots = ay_arena_take(arena, input->runs_count, 32);
    if (!*roots) return AY_E_LIMIT;
    for (uint32_t i = 0; i < input->runs_count; i++)
        AY_TRY(ay_run_root(&input->runs[i], arena, (*roots)[i]));
    return ay_roots_root((const uint8_t(*)[32]) * roots, input->runs_count, root);
}

enum ay_code ay_input_decode(struct ay_slice blob, const struct ay_work_program *program,
                             struct ay_arena *arena, struct ay_job_input *out)
{
    AY_TRY(ay_decode(&ay_job_input_msg, blob, arena, out, NULL));
    if (!out->runs_count || program->inputs_count != 1 || program->max_dims_count != 1)
        return AY_E_RANGE;
    for (uint32_t i = 0; i < out->runs_count; i++) {
        const struct ay_job_run *run = &out->runs[i];
        if (!run->ids_count || run->ids_count > program->max_dims[0]) return AY_E_RANGE;
        for (uint32_t k = 0; k < run->ids_count; k++)
            if (run->ids[k] > INT32_MAX) return AY_E_RANGE;
    }
    return AY_OK;
}

enum ay_code ay_output_elements(const struct ay_work_program *program, uint32_t length,
                                uint32_t *out)
{
    struct ay_tensor_type type;
    uint32_t last = ay_program_output(program, program->ops_count - 1);
    AY_TRY(ay_program_shape(program, last, &length, &type));
    uint64_t elements = ay_tensor_elements(&type);
    if (elements > UINT32_MAX / 4) return AY_E_LIMIT;
    *out = (uint32_t)elements;
    return AY_OK;
}

enum ay_code ay_output_roots(const struct ay_work_program *program,
                             const struct ay_job_input *input, const void *data, uint64_t data_len,
                             struct ay_arena *arena, uint8_t (**roots)[32], uint8_t root[32])
{
    uint32_t last = ay_program_output(program, program->ops_count - 1);
    const uint8_t *at = data;
    *roots = ay_arena_take(arena, input->runs_count, 32);
    if (!*roots) return AY_E_LIMIT;
    for (uint32_t i = 0; i < input->runs_count; i++) {
        struct ay_tensor_type type;
        AY_TRY(ay_program_shape(program, last, &input->runs[i].ids_count, &type));
        uint64_t len = 4 * ay_tensor_elements(&type);
        if (len > data_len) return AY_E_RANGE;
        AY_TRY(ay_tensor_root((uint8_t)type.dtype, (uint8_t)type.rank, type.dims, at, len,
                              (*roots)[i]));
        at += len;
        data_len -= len;
    }
    if (data_len) return AY_E_RANGE;
    return ay_roots_root((const uint8_t(*)[32]) * roots, input->runs_count, root);
}
