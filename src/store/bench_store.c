/* What a block costs the store: bench_store [rows] [changes a block]. Prints one line a figure. */
#include "store/testing.h"

#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int by_key(const void *a, const void *b)
{
    return ay_slice_compare(((const struct ay_kv_change *)a)->key,
                            ((const struct ay_kv_change *)b)->key);
}

/* Sets the rows numbered by `keys` to a value of 64 bytes made from `height`. */
static void commit_rows(struct ay_store *store, uint64_t height, uint64_t (*keys)[1],
                        uint32_t count)
{
    static uint8_t value[64];
    struct ay_kv_change *changes = calloc(count, sizeof *changes);
    struct ay_store_block block = plain_block(height);
    uint8_t root[32];
    AY_ASSERT(changes);
    ay_put_be64(value, height);
    for (uint32_t i = 0; i < count; i++)
        changes[i] = (struct ay_kv_change){AY_SLICE_OF(keys[i]), AY_SLICE_OF(value), false};
    qsort(changes, count, sizeof *changes, by_key);
    uint32_t unique = 0;
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || by_key(&changes[i], &changes[unique - 1]) != 0)
            changes[unique++] = changes[i];
    AY_ASSERT(ay_store_commit(store, changes, unique, &block, root) == AY_OK);
    free(changes);
}

int main(int argc, char **argv)
{
    enum { BLOCKS = 50, PROOFS = 2000 };
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, height = 0;
    uint32_t batch = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;
    uint64_t(*keys)[1] = calloc(batch, sizeof *keys);
    char path[] = "./bench_store_XXXXXX";
    struct ay_store *store;
    struct ay_store_view *view;
    AY_ASSERT(keys && batch && mkdtemp(path) && ay_store_open(path, NULL, &store) == AY_OK);
    for (uint64_t at = 0; at < rows; at += batch) {
        for (uint32_t i = 0; i < batch; i++) keys[i][0] = (at + i) * 0x9e3779b97f4a7c15;
        commit_rows(store, ++height, keys, batch);
    }
    test_seed(1);
    double start = seconds();
    for (int b = 0; b < BLOCKS; b++) {
        for (uint32_t i = 0; i < batch; i++)
            keys[i][0] = test_random_below(rows) * 0x9e3779b97f4a7c15;
        commit_rows(store, ++height, keys, batch);
    }
    double block = (seconds() - start) / BLOCKS;
    printf("commit of %u changes over %llu rows: %.2f ms, %.2f us a change\n", batch,
           (unsigned long long)rows, 1e3 * block, 1e6 * block / batch);

    static struct ay_smt_proof proof;
    AY_ASSERT(ay_store_view(store, &view) == AY_OK);
    start = seconds();
    for (uint64_t i = 0; i < PROOFS; i++) {
        keys[0][0] = i % rows * 0x9e3779b97f4a7c15;
        AY_ASSERT(ay_store_prove(view, height, AY_SLICE_OF(keys[0]), NULL, &proof) == AY_OK);
    }
    printf("proof: %.2f us, depth %u\n", 1e6 * (seconds() - start) / PROOFS, proof.depth);
    ay_store_view_end(view);
    ay_store_close(store);
    start = seconds();
    AY_ASSERT(ay_store_open(path, NULL, &store) == AY_OK);
    printf("open with full check: %.2f us a row\n", 1e6 * (seconds() - start) / (double)rows);
    ay_store_close(store);
    remove_folder(path);
    free(keys);
    return 0;
}
