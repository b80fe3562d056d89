/* What the people of a recorded stream do in a block: small, random by a fixed seed, and led by the
 * state, so that jobs are accepted, claimed, lied about, disputed to a verdict, or left to time
 * out. */
#ifndef AY_TESTS_RECORD_PLAY_H
#define AY_TESTS_RECORD_PLAY_H

#include "chain.h"
#include "signing.h"
#include "stream.h"

#define PLAY_CHAIN_ID "assay-record-1"
#define PLAY_PEOPLE   12
#define PLAY_COINS    UINT64_C(1000000000000000)
#define PLAY_MAX_JOBS 4096

enum play_kind {
    PLAY_SEND,
    PLAY_BOND,
    PLAY_UNBOND,
    PLAY_REGISTER,
    PLAY_WITHDRAW,
    PLAY_ASK,
    PLAY_CANCEL_ASK,
    PLAY_POST,
    PLAY_CANCEL,
    PLAY_ACCEPT,
    PLAY_CLAIM,
    PLAY_COMMIT,
    PLAY_OPEN,
    PLAY_ANSWER,
    PLAY_PICK,
    PLAY_STEP,
    PLAY_DEMAND,
    PLAY_SUPPLY,
    PLAY_MANY, /* several messages in one transaction */
    PLAY_FIRST_BAD,
    PLAY_POOR = PLAY_FIRST_BAD, /* sends more than there is */
    PLAY_HALF,                  /* two messages, the second of which fails */
    PLAY_SEQUENCE,              /* a wrong sequence */
    PLAY_FORGED,                /* a signature by another key */
    PLAY_NOISE,                 /* no transaction at all */
    PLAY_KINDS
};
extern const char *const play_kinds[PLAY_KINDS];

struct play_tally {
    uint64_t passed, failed;
};

struct play {
    struct chain *chain;
    uint64_t seed;
    struct account people[PLAY_PEOPLE];
    struct ay_arena arena; /* of the block */
    struct ay_slice txs[STREAM_MAX_TXS];
    enum play_kind kinds[STREAM_MAX_TXS];
    uint32_t count;
    uint32_t programs;           /* registered so far */
    uint64_t jobs, forks;        /* ids given out so far */
    uint8_t done[PLAY_MAX_JOBS]; /* PLAY_COMMIT, PLAY_OPEN: what was done against a claim */
    uint8_t demanded[PLAY_MAX_JOBS]; /* PLAY_DEMAND, PLAY_SUPPLY: the same of what is demanded of it */
    struct play_tally tallies[PLAY_KINDS];
};

void play_init(struct play *play, struct chain *chain);

/* A number below bound; the stream's only randomness. */
uint64_t play_draw(struct play *play, uint64_t bound);

/* Fills txs, kinds and count for the next block, from the state after the last. */
void play_block(struct play *play);

#endif
