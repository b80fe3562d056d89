#include "verify/piece.h"

#include "crypto/merkle.h"

#define HASH 32u

/* A piece is entries [first, first + count) of `all`, which have `bytes` bytes together. */
struct extent {
    uint64_t first, count, all;
    uint64_t bytes;
    struct ay_tensor_type type; /* OUTPUT: the whole output's */
};

static enum ay_code measure(const struct ay_game_claim *claim, const struct ay_piece *piece,
                            struct extent *e)
{
    uint64_t total, each = 1024;
    *e = (struct extent){0};
    if (piece->what == AY_DISPUTE_WHAT_ROOTS) {
        each = HASH;
        total = (uint64_t)claim->runs * HASH;
    } else {
        uint32_t sizes[AY_MAX_SYMBOLS] = {piece->length};
        uint32_t last = ay_program_output(claim->program, claim->program->ops_count - 1);
        if (piece->what != AY_DISPUTE_WHAT_OUTPUT || piece->run >= claim->runs) return AY_E_RANGE;
        AY_TRY(ay_program_shape(claim->program, last, sizes, &e->type));
        total = 4 * ay_tensor_elements(&e->type);
    }
    uint64_t at = (uint64_t)piece->part * AY_PIECE_BYTES;
    if (at >= total) return AY_E_RANGE;
    e->bytes = total - at < AY_PIECE_BYTES ? total - at : AY_PIECE_BYTES;
    e->all = (total + each - 1) / each;
    e->first = at / each;
    e->count = (e->bytes + each - 1) / each;
    return AY_OK;
}

enum ay_code ay_piece_bytes(const struct ay_game_claim *claim, const struct ay_piece *piece,
                            uint32_t *bytes)
{
    struct extent e;
    AY_TRY(measure(claim, piece, &e));
    *bytes = (uint32_t)e.bytes;
    return AY_OK;
}

uint64_t ay_piece_kib(uint32_t bytes)
{
    return ((uint64_t)bytes + 1023) / 1024 + 1;
}

/* Do these leaf hashes stand at the piece's place of the tree? */
static bool stand(const uint8_t root[HASH], const struct extent *e, ay_hashes leaves,
                  struct ay_slice proof)
{
    return proof.len % HASH == 0 &&
           ay_merkle_verify(root, e->all, e->first, e->count, leaves, ay_hashes_of(proof),
                            proof.len / HASH) == AY_OK;
}

static bool is_output(const struct ay_game_claim *claim, const struct ay_piece *piece,
                      const struct extent *e, const struct ay_piece_opening *opening)
{
    uint8_t root[HASH], leaf[1][HASH];
    const struct extent one = {.first = piece->run, .count = 1, .all = claim->runs};
    ay_tensor_root_bind((uint8_t)e->type.dtype, (uint8_t)e->type.rank, e->type.dims,
                        opening->merkle_root, root);
    ay_merkle_leaf(ay_slice(root, HASH), leaf[0]);
    return stand(claim->output_root, &one, (ay_hashes)leaf, opening->run_proof);
}

enum ay_code ay_piece_verify(const struct ay_game_claim *claim, const struct ay_piece *piece,
                             const struct ay_piece_opening *opening, struct ay_arena *arena)
{
    struct extent e;
    AY_TRY(measure(claim, piece, &e));
    bool roots = piece->what == AY_DISPUTE_WHAT_ROOTS;
    if (opening->data.len != e.bytes) return AY_E_DISPUTE_EVIDENCE;
    uint8_t(*leaves)[HASH] = (uint8_t(*)[HASH])ay_arena_take(arena, e.count, HASH);
    if (!leaves) return AY_E_LIMIT;
    for (uint64_t i = 0; i < e.count; i++) {
        if (roots)
            ay_merkle_leaf(ay_slice(opening->data.data + i * HASH, HASH), leaves[i]);
        else
            ay_tensor_leaf(opening->data.data, opening->data.len, i, leaves[i]);
    }
    if (roots)
        return stand(claim->output_root, &e, (ay_hashes)leaves, opening->proof)
                   ? AY_OK
                   : AY_E_DISPUTE_EVIDENCE;
    return stand(opening->merkle_root, &e, (ay_hashes)leaves, opening->proof) &&
                   is_output(claim, piece, &e, opening)
               ? AY_OK
               : AY_E_DISPUTE_EVIDENCE;
}

static enum ay_code prove(ay_hashes leaves, uint64_t all, uint64_t first, uint64_t count,
                          struct ay_arena *arena, struct ay_slice *out)
{
    uint8_t(*proof)[HASH] = (uint8_t(*)[HASH])ay_arena_take(arena, AY_MERKLE_MAX_PROOF, HASH);
    if (!proof) return AY_E_LIMIT;
    size_t n = ay_merkle_prove(leaves, all, first, count, proof);
    *out = ay_slice(proof, (uint32_t)(n * HASH));
    return AY_OK;
}

static enum ay_code open_output(const struct extent *e, struct ay_slice output,
                                struct ay_arena *arena, struct ay_piece_opening *opening)
{
    uint8_t(*leaves)[HASH] = (uint8_t(*)[HASH])ay_arena_take(arena, e->all, HASH);
    uint8_t *root = ay_arena_take(arena, HASH, 1);
    if (!leaves || !root) return AY_E_LIMIT;
    for (uint64_t i = 0; i < e->all; i++) ay_tensor_leaf(output.data, output.len, i, leaves[i]);
    ay_merkle_root_of((ay_hashes)leaves, e->all, root);
    opening->merkle_root = root;
    opening->data = ay_slice(output.data + e->first * 1024, (uint32_t)e->bytes);
    return prove((ay_hashes)leaves, e->all, e->first, e->count, arena, &opening->proof);
}

enum ay_code ay_piece_open(const struct ay_game_claim *claim, const struct ay_piece *piece,
                           ay_hashes roots, struct ay_slice output, struct ay_arena *arena,
                           struct ay_piece_opening *opening)
{
    static const uint8_t none[HASH];
    struct extent e;
    *opening = (struct ay_piece_opening){.merkle_root = none};
    AY_TRY(measure(claim, piece, &e));
    uint8_t(*runs)[HASH] = (uint8_t(*)[HASH])ay_arena_take(arena, claim->runs, HASH);
    if (!runs) return AY_E_LIMIT;
    for (uint32_t i = 0; i < claim->runs; i++) ay_merkle_leaf(ay_slice(roots[i], HASH), runs[i]);
    if (piece->what == AY_DISPUTE_WHAT_ROOTS) {
        opening->data = ay_slice(roots[e.first], (uint32_t)e.bytes);
        return prove((ay_hashes)runs, e.all, e.first, e.count, arena, &opening->proof);
    }
    if (output.len != 4 * ay_tensor_elements(&e.type)) return AY_E_RANGE;
    AY_TRY(open_output(&e, output, arena, opening));
    return prove((ay_hashes)runs, claim->runs, piece->run, 1, arena, &opening->run_proof);
}
