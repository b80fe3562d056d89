/* Executes blocks again, on a fresh store.
 *   replay HOME            every block of a node's home folder, node stopped: each stored app hash
 *                          and each stored result must come out again
 *   replay --stream FILE   a recorded stream: prints the app hash after each block */
#include "stream.h"

#include "base/codec.h"
#include "base/gen/engine.h"
#include "engine/internal.h"
#include "net/json.h"
#include "net/json_read.h"

#include <inttypes.h>
#include <string.h>
#include <limits.h>

#define GENESIS_BYTES ((size_t)256 << 20)
#define BLOCK_BYTES   ((size_t)1 << 30)

static void print_hash(const char *what, const uint8_t hash[32])
{
    printf("%s ", what);
    for (int i = 0; i < 32; i++) printf("%02x", hash[i]);
    putchar('\n');
}

/* --- a home folder --- */

static void load_genesis(const char *home, struct ay_arena *arena,
                         struct ay_genesis_genesis *genesis)
{
    char path[PATH_MAX], reason[256] = "";
    struct ay_text why = ay_text_over(reason, sizeof reason);
    json_error_t error;
    snprintf(path, sizeof path, "%s/config/genesis.json", home);
    json_t *json = json_load_file(path, 0, &error);
    must(json ? AY_OK : AY_E_IO, path);
    must(ay_json_read(&ay_genesis_genesis_msg, json, arena, genesis, &why), reason);
    json_decref(json);
}

static void differs(uint64_t height, const char *what, const uint8_t stored[32],
                    const uint8_t now[32])
{
    printf("block %" PRIu64 ": %s differs\n", height, what);
    print_hash("stored  ", stored);
    print_hash("replayed", now);
    exit(1);
}

/* One stored block again; gives back how many transactions it has. */
static uint32_t replay_block(struct chain *chain, struct ay_store_view *view,
                             const struct ay_genesis_genesis *genesis, uint64_t height,
                             struct ay_arena *arena)
{
    struct ay_engine_block block;
    struct ay_ledger_block_result whole;
    struct ay_slice stored, again;
    uint8_t old[32], new[32];
    must(ay_read_block(view, height, arena, &block, NULL), "stored block");
    must(ay_store_block_at(view, AY_STORE_HEIGHT(height), NULL, &stored), "stored results");
    if (memcmp(block.header.app_hash, chain->root, 32) != 0) /* of the state before it */
        differs(height, "the app hash in its header", block.header.app_hash, chain->root);
    struct ay_ledger_tx_result *results =
        AY_NEW(arena, struct ay_ledger_tx_result, block.txs_count);
    must(results ? AY_OK : AY_E_LIMIT, "results");
    chain_block(chain, block.header.time_ms, stream_proposer(genesis), block.txs, block.txs_count,
                results, &whole);
    if (memcmp(block.app_hash, chain->root, 32) != 0)
        differs(height, "the app hash after it", block.app_hash, chain->root);
    must(ay_encode_arena(&ay_ledger_block_result_msg, &whole, arena, &again), "results");
    ay_sha256(stored, old);
    ay_sha256(again, new);
    if (memcmp(old, new, 32) != 0) differs(height, "what became of its transactions", old, new);
    return block.txs_count;
}

static void replay_home(const char *home)
{
    static struct chain chain;
    struct ay_arena kept = big_arena(GENESIS_BYTES), arena = big_arena(BLOCK_BYTES);
    struct ay_genesis_genesis genesis;
    struct ay_store *store;
    struct ay_store_view *view;
    char path[PATH_MAX];
    uint64_t txs = 0;
    snprintf(path, sizeof path, "%s/data/chain", home);
    load_genesis(home, &kept, &genesis);
    must(ay_store_open(path, &(struct ay_store_options){0}, &store), path);
    must(ay_store_view(store, &view), path);
    uint64_t tip = ay_store_view_tip(view).height - AY_STORE_HEIGHT(0);
    chain_open(&chain, &genesis);
    for (uint64_t height = 1; height <= tip; height++) {
        txs += replay_block(&chain, view, &genesis, height, &arena);
        ay_arena_rewind(&arena, 0);
    }
    if (memcmp(ay_store_view_tip(view).root, chain.root, 32) != 0)
        differs(tip, "the store's root", ay_store_view_tip(view).root, chain.root);
    ay_store_view_end(view);
    ay_store_close(store);
    chain_close(&chain);
    printf("%" PRIu64 " blocks with %" PRIu64 " transactions, all app hashes equal\n", tip, txs);
}

/* --- a recorded stream --- */

static void replay_stream(const char *path)
{
    static struct chain chain;
    static struct ay_ledger_tx_result results[STREAM_MAX_TXS];
    struct ay_arena kept = big_arena(GENESIS_BYTES), arena = big_arena(BLOCK_BYTES);
    struct ay_genesis_genesis genesis;
    struct ay_slice txs[STREAM_MAX_TXS];
    uint64_t time_ms, count;
    FILE *file = fopen(path, "rb");
    must(file ? AY_OK : AY_E_IO, path);
    struct ay_slice bytes = stream_get_bytes(file, &kept);
    must(ay_decode(&ay_genesis_genesis_msg, bytes, &kept, &genesis, NULL), "genesis");
    chain_open(&chain, &genesis);
    print_hash("0", chain.root);
    while (stream_get(file, 8, &time_ms)) {
        char height[24];
        must(stream_get(file, 4, &count) && count <= STREAM_MAX_TXS ? AY_OK : AY_E_FORMAT, path);
        ay_arena_rewind(&arena, 0);
        for (uint64_t i = 0; i < count; i++) txs[i] = stream_get_bytes(file, &arena);
        chain_block(&chain, time_ms, stream_proposer(&genesis), txs, (uint32_t)count, results,
                    NULL);
        snprintf(height, sizeof height, "%" PRIu64, chain.height);
        print_hash(height, chain.root);
    }
    fclose(file);
    chain_close(&chain);
}

int main(int argc, char **argv)
{
    if (argc == 2 && argv[1][0] != '-') {
        replay_home(argv[1]);
    } else if (argc == 3 && !strcmp(argv[1], "--stream")) {
        replay_stream(argv[2]);
    } else {
        fputs("usage: replay HOME | replay --stream FILE\n", stderr);
        return 2;
    }
    return 0;
}
