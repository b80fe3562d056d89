/* The pieces of a claim that can be demanded of its provider: what each is, and that what was
 * posted is it. All pieces together are everything that the claim is about; each is at most 128 KiB
 * and is proved to the claimed output root by itself. Pure: no heap, no float. */
#ifndef AY_VERIFY_PIECE_H
#define AY_VERIFY_PIECE_H

#include "base/arena.h"
#include "verify/game.h"

#define AY_PIECE_BYTES  131072u
#define AY_PIECE_ROOTS  (AY_PIECE_BYTES / 32u)   /* output tensor roots in a piece */
#define AY_PIECE_LEAVES (AY_PIECE_BYTES / 1024u) /* leaves of an output in a piece */

/* Which piece: ROOTS has runs [4096 part, ...), OUTPUT bytes [131072 part, ...) of a run's output.
 */
struct ay_piece {
    uint32_t what; /* enum ay_dispute_what */
    uint32_t run, part;
    uint32_t length; /* OUTPUT: S, size of the run's input, proved by ay_game_open */
};

/* A piece as it is posted. Borrowed. */
struct ay_piece_opening {
    struct ay_slice data;
    struct ay_slice proof;      /* ROOTS: in the output root; OUTPUT: in merkle_root */
    const uint8_t *merkle_root; /* OUTPUT: 32 bytes, over the output's leaves */
    struct ay_slice run_proof;  /* OUTPUT: its tensor root in the output root */
};

/* Bytes of the piece's data, 1 to AY_PIECE_BYTES. AY_E_RANGE: the claim has no such piece. */
enum ay_code ay_piece_bytes(const struct ay_game_claim *claim, const struct ay_piece *piece,
                            uint32_t *bytes) AY_MUST;

/* KiB that posting a piece of so many bytes counts as, in deposits and deadlines: one more, for its
 * proofs and the transaction. */
uint64_t ay_piece_kib(uint32_t bytes);

/* Is this the piece, byte for byte? AY_E_DISPUTE_EVIDENCE: it is not. Arena: 32 bytes a root or
 * leaf. Cost: hashing the data. */
enum ay_code ay_piece_verify(const struct ay_game_claim *claim, const struct ay_piece *piece,
                             const struct ay_piece_opening *opening,
                             struct ay_arena *arena) AY_MUST;

/* The honest answer. roots: output tensor root of every run; output: the run's whole output (OUTPUT
 * only), both borrowed by *opening; the rest lives in the arena, which needs 32 bytes a run and a
 * leaf of the output. AY_E_RANGE as above, or output has another length. */
enum ay_code ay_piece_open(const struct ay_game_claim *claim, const struct ay_piece *piece,
                           ay_hashes roots, struct ay_slice output, struct ay_arena *arena,
                           struct ay_piece_opening *opening) AY_MUST;

#endif
