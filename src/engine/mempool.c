#include "engine/mempool.h"

#include <stdlib.h>

enum ay_code ay_mempool_init(struct ay_mempool *pool, uint32_t max_count, uint64_t max_bytes)
{
    uint32_t buckets = 64;
    while (buckets < max_count && buckets < 1u << 24) buckets *= 2;
    *pool = (struct ay_mempool){.mask = buckets - 1, .max_count = max_count, .max_bytes = max_bytes};
    pool->last = &pool->first;
    pool->buckets = calloc(buckets, sizeof *pool->buckets);
    return pool->buckets ? AY_OK : AY_E_MEMORY;
}

void ay_mempool_free(struct ay_mempool *pool)
{
    while (pool->first) {
        struct ay_mempool_tx *tx = pool->first;
        pool->first = tx->next;
        free(tx);
    }
    free(pool->buckets);
    *pool = (struct ay_mempool){0};
}

static struct ay_mempool_tx **bucket(const struct ay_mempool *pool, const uint8_t hash[32])
{
    return &pool->buckets[ay_get_be32(hash) & pool->mask];
}

bool ay_mempool_has(const struct ay_mempool *pool, const uint8_t hash[32])
{
    const struct ay_mempool_tx *tx = *bucket(pool, hash);
    while (tx && memcmp(tx->hash, hash, 32) != 0) tx = tx->same;
    return tx != NULL;
}

bool ay_mempool_fits(const struct ay_mempool *pool, uint32_t len)
{
    return pool->count < pool->max_count && len <= pool->max_bytes &&
           pool->total_bytes <= pool->max_bytes - len;
}

enum ay_code ay_mempool_push(struct ay_mempool *pool, const uint8_t hash[32], struct ay_slice bytes)
{
    AY_ASSERT(ay_mempool_fits(pool, bytes.len));
    AY_ASSERT(!ay_mempool_has(pool, hash));
    struct ay_mempool_tx *tx = malloc(sizeof *tx + bytes.len);
    if (!tx) return AY_E_MEMORY;
    memcpy(tx->hash, hash, 32);
    tx->len = bytes.len;
    if (bytes.len) memcpy(tx->bytes, bytes.data, bytes.len);
    struct ay_mempool_tx **head = bucket(pool, hash);
    tx->same = *head;
    *head = tx;
    tx->next = NULL;
    *pool->last = tx;
    pool->last = &tx->next;
    pool->count++;
    pool->total_bytes += bytes.len;
    return AY_OK;
}

void ay_mempool_remove(struct ay_mempool *pool, const uint8_t hash[32])
{
    struct ay_mempool_tx **link = bucket(pool, hash), **queue = &pool->first, *tx;
    while (*link && memcmp((*link)->hash, hash, 32) != 0) link = &(*link)->same;
    tx = *link;
    if (!tx) return;
    *link = tx->same;
    while (*queue != tx) queue = &(*queue)->next; /* blocks take the oldest: found at once */
    *queue = tx->next;
    if (!tx->next) pool->last = queue;
    pool->count--;
    pool->total_bytes -= tx->len;
    free(tx);
}
