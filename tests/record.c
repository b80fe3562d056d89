/* Writes a recorded stream (stream.h) of 500 blocks in which a dozen people use every module:
 * record FILE. Same seed, same bytes. Prints how often each message passed and failed; the exit
 * code is 1 when a kind of message never passed, so that the stream cannot lose its use unnoticed.
 */
#include "record_play.h"
#include "stream.h"

#include "base/codec.h"
#include "ledger/genesis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS      500
#define GENESIS_MS  UINT64_C(1700000000000)
#define MAX_STEP_MS 2500

static void make_genesis(struct play *play, struct ay_genesis_genesis *genesis)
{
    static struct ay_genesis_account accounts[PLAY_PEOPLE];
    static struct ay_stake_validator validator = {.power = 10};
    ay_genesis_defaults(genesis, PLAY_CHAIN_ID, GENESIS_MS);
    genesis->stake.params.unbonding_ms = 60000;
    for (uint32_t i = 0; i < PLAY_PEOPLE; i++) {
        account_init(&play->people[i], i);
        accounts[i] = (struct ay_genesis_account){ay_slice_str(play->people[i].text), PLAY_COINS};
    }
    memcpy(validator.operator, play->people[0].address, AY_ADDRESS_BYTES);
    genesis->bank.accounts = accounts;
    genesis->bank.accounts_count = PLAY_PEOPLE;
    genesis->stake.validators = &validator;
    genesis->stake.validators_count = 1;
}

static void write_block(FILE *file, uint64_t time_ms, const struct play *play)
{
    stream_put(file, time_ms, 8);
    stream_put(file, play->count, 4);
    for (uint32_t i = 0; i < play->count; i++) stream_put_bytes(file, play->txs[i]);
}

/* Adds what became of the block's transactions to the tally of their kinds. */
static void tally(struct play *play, const struct ay_ledger_tx_result *results)
{
    for (uint32_t i = 0; i < play->count; i++) {
        struct play_tally *kind = &play->tallies[play->kinds[i]];
        if (results[i].code == 0)
            kind->passed++;
        else
            kind->failed++;
        if (results[i].code && getenv("RECORD_VERBOSE"))
            fprintf(stderr, "%s: %.*s\n", play_kinds[play->kinds[i]], (int)results[i].log.len,
                    (const char *)results[i].log.data);
    }
}

static int report(const struct play *play)
{
    uint64_t passed = 0, failed = 0;
    int bad = 0;
    for (uint32_t i = 0; i < PLAY_KINDS; i++) {
        const struct play_tally *kind = &play->tallies[i];
        printf("%-16s passed %5" PRIu64 "  failed %5" PRIu64 "\n", play_kinds[i], kind->passed,
               kind->failed);
        passed += kind->passed;
        failed += kind->failed;
        bool meant_to_pass = i < PLAY_FIRST_BAD;
        if (meant_to_pass ? !kind->passed : kind->passed || !kind->failed) {
            fprintf(stderr, "record: %s never came out as it should\n", play_kinds[i]);
            bad = 1;
        }
    }
    printf("%d blocks, %" PRIu64 " transactions passed, %" PRIu64 " failed\n", BLOCKS, passed,
           failed);
    return bad;
}

int main(int argc, char **argv)
{
    static struct play play;
    static struct chain chain;
    static struct ay_ledger_tx_result results[STREAM_MAX_TXS];
    struct ay_genesis_genesis genesis;
    struct ay_slice bytes;
    uint64_t time_ms = GENESIS_MS;
    if (argc != 2) {
        fputs("usage: record FILE\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[1], "wb");
    must(file ? AY_OK : AY_E_IO, argv[1]);
    play_init(&play, &chain);
    make_genesis(&play, &genesis);
    must(ay_encode_arena(&ay_genesis_genesis_msg, &genesis, &play.arena, &bytes), "genesis");
    stream_put_bytes(file, bytes);
    chain_open(&chain, &genesis);
    for (int i = 0; i < BLOCKS; i++) {
        play_block(&play);
        time_ms += 1 + play_draw(&play, MAX_STEP_MS);
        write_block(file, time_ms, &play);
        chain_block(&chain, time_ms, stream_proposer(&genesis), play.txs, play.count, results,
                    NULL);
        tally(&play, results);
    }
    chain_close(&chain);
    must(fclose(file) == 0 ? AY_OK : AY_E_IO, argv[1]);
    return report(&play);
}
