/* Pieces of a claim: each of them opens and verifies, together they are all of it, and nothing else
 * passes for one. */
#include "verify/piece.h"

#include "crypto/merkle.h"
#include "verify/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define LENGTH      190u /* of each run's input: an output of 141 KiB, two pieces */
#define MAX_RUNS    5000u

struct desk {
    struct ay_sketch sketch;
    struct ay_game_claim claim;
    uint8_t *output;
    uint32_t output_len;
    uint8_t roots[MAX_RUNS][32], output_root[32];
    struct ay_arena arena;
};

/* A claim of so many runs: one has an output, of the others there are roots only. */
static void lay(struct desk *d, uint32_t runs, uint32_t run)
{
    *d = (struct desk){.arena = ay_arena_over(aligned_alloc(16, ARENA_BYTES), ARENA_BYTES)};
    ay_sketch_zoo(&d->sketch);
    const struct ay_work_program *program = &d->sketch.program;
    uint32_t sizes[AY_MAX_SYMBOLS] = {LENGTH};
    struct ay_tensor_type type;
    struct ay_merkle tree = {0};
    assert_int_equal(
        ay_program_shape(program, ay_program_output(program, program->ops_count - 1), sizes, &type),
        AY_OK);
    d->output_len = (uint32_t)(4 * ay_tensor_elements(&type));
    d->output = malloc(d->output_len);
    assert_non_null(d->output);
    for (uint32_t i = 0; i < d->output_len; i++) d->output[i] = (uint8_t)(i % 61); /* no NaN */
    for (uint32_t i = 0; i < runs; i++) ay_put_be32(d->roots[i], i * 7 + 1);
    assert_int_equal(ay_tensor_root((uint8_t)type.dtype, (uint8_t)type.rank, type.dims, d->output,
                                    d->output_len, d->roots[run]),
                     AY_OK);
    for (uint32_t i = 0; i < runs; i++) ay_merkle_add(&tree, AY_SLICE_OF(d->roots[i]));
    ay_merkle_root(&tree, d->output_root);
    d->claim = (struct ay_game_claim){.program = program,
                                      .runs = runs,
                                      .input_root = d->output_root,
                                      .output_root = d->output_root};
}

static void clear(struct desk *d)
{
    ay_sketch_free(&d->sketch);
    free(d->output);
    free(d->arena.base);
}

static struct ay_piece_opening opened(struct desk *d, const struct ay_piece *piece)
{
    struct ay_piece_opening opening;
    assert_int_equal(ay_piece_open(&d->claim, piece, (ay_hashes)d->roots,
                                   ay_slice(d->output, d->output_len), &d->arena, &opening),
                     AY_OK);
    return opening;
}

/* Goes through the pieces of a kind; the bytes of all of them are `all`. */
static void check_all(struct desk *d, struct ay_piece piece, const void *all, uint32_t len)
{
    uint32_t bytes, at = 0;
    for (piece.part = 0; at < len; piece.part++) {
        size_t mark = d->arena.used;
        struct ay_piece_opening opening = opened(d, &piece);
        assert_int_equal(ay_piece_bytes(&d->claim, &piece, &bytes), AY_OK);
        assert_int_equal(opening.data.len, bytes);
        assert_in_range(bytes, 1, AY_PIECE_BYTES);
        assert_memory_equal(opening.data.data, (const uint8_t *)all + at, bytes);
        assert_int_equal(ay_piece_verify(&d->claim, &piece, &opening, &d->arena), AY_OK);
        ay_arena_rewind(&d->arena, mark);
        at += bytes;
    }
    assert_int_equal(at, len);
    assert_int_equal(ay_piece_bytes(&d->claim, &piece, &bytes), AY_E_RANGE);
}

static void test_piece_all_of_a_claim_opens_and_verifies(void **state)
{
    (void)state;
    static const uint32_t runs[] = {1, 2, 5, 4096, 4097, MAX_RUNS};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        static struct desk d;
        uint32_t run = runs[i] / 2;
        lay(&d, runs[i], run);
        check_all(&d, (struct ay_piece){.what = AY_DISPUTE_WHAT_ROOTS}, d.roots, 32 * runs[i]);
        check_all(&d, (struct ay_piece){AY_DISPUTE_WHAT_OUTPUT, run, 0, LENGTH}, d.output,
                  d.output_len);
        clear(&d);
    }
}

static void refuses(struct desk *d, const struct ay_piece *piece, struct ay_piece_opening opening)
{
    assert_int_equal(ay_piece_verify(&d->claim, piece, &opening, &d->arena), AY_E_DISPUTE_EVIDENCE);
}

/* A copy with the last byte changed. */
static struct ay_slice bent(struct desk *d, struct ay_slice bytes)
{
    struct ay_slice copy;
    assert_int_equal(ay_arena_copy(&d->arena, bytes, &copy), AY_OK);
    ((uint8_t *)(uintptr_t)copy.data)[copy.len - 1] ^= 1;
    return copy;
}

/* Every part of an opening counts, to its last bit and in its length. */
static void check_bent(struct desk *d, struct ay_piece piece)
{
    struct ay_piece_opening good = opened(d, &piece), bad = good;
    assert_int_equal(ay_piece_verify(&d->claim, &piece, &good, &d->arena), AY_OK);
    bad.data = bent(d, good.data), refuses(d, &piece, bad);
    bad.data = ay_slice(good.data.data, good.data.len - 1), refuses(d, &piece, bad);
    bad.data = ay_slice(good.data.data, 0), refuses(d, &piece, bad);
    bad = good;
    bad.proof = bent(d, good.proof), refuses(d, &piece, bad);
    bad.proof.len = good.proof.len - 1, refuses(d, &piece, bad);
    bad.proof.len = good.proof.len - 32, refuses(d, &piece, bad);
    piece.part ^= 1, refuses(d, &piece, good);
    piece.part ^= 1;
    if (piece.what == AY_DISPUTE_WHAT_ROOTS) return;
    bad = good;
    bad.merkle_root = bent(d, ay_slice(good.merkle_root, 32)).data, refuses(d, &piece, bad);
    bad = good;
    bad.run_proof = bent(d, good.run_proof), refuses(d, &piece, bad);
    bad.run_proof.len = good.run_proof.len - 32, refuses(d, &piece, bad);
    piece.run++, refuses(d, &piece, good);
}

static void test_piece_anything_else_is_refused(void **state)
{
    (void)state;
    static struct desk d;
    lay(&d, MAX_RUNS, 7);
    check_bent(&d, (struct ay_piece){.what = AY_DISPUTE_WHAT_ROOTS, .part = 1});
    check_bent(&d, (struct ay_piece){AY_DISPUTE_WHAT_OUTPUT, 7, 1, LENGTH});
    clear(&d);
}

static void test_piece_that_does_not_exist_is_out_of_range(void **state)
{
    (void)state;
    static struct desk d;
    struct ay_piece_opening opening;
    uint32_t bytes;
    lay(&d, 3, 0);
    const struct ay_piece none[] = {
        {.what = AY_DISPUTE_WHAT_NONE},         {.what = AY_DISPUTE_WHAT_ROOTS, .part = 1},
        {AY_DISPUTE_WHAT_OUTPUT, 3, 0, LENGTH}, {AY_DISPUTE_WHAT_OUTPUT, 0, UINT32_MAX, LENGTH},
        {AY_DISPUTE_WHAT_OUTPUT, 0, 0, 0},      {AY_DISPUTE_WHAT_OUTPUT, 0, 0, 201},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(ay_piece_bytes(&d.claim, &none[i], &bytes), AY_E_RANGE);
    const struct ay_piece whole = {AY_DISPUTE_WHAT_OUTPUT, 0, 0, LENGTH};
    assert_int_equal(ay_piece_open(&d.claim, &whole, (ay_hashes)d.roots,
                                   ay_slice(d.output, d.output_len - 4), &d.arena, &opening),
                     AY_E_RANGE);
    clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_piece_all_of_a_claim_opens_and_verifies),
        cmocka_unit_test(test_piece_anything_else_is_refused),
        cmocka_unit_test(test_piece_that_does_not_exist_is_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
