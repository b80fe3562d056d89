/* Transactions that were admitted and wait for a block: first in, first out, each once, bounded in
 * number and bytes. Not thread-safe: the engine's lock is held around it. */
#ifndef AY_ENGINE_MEMPOOL_H
#define AY_ENGINE_MEMPOOL_H

#include "base/bytes.h"
#include "base/code.h"

struct ay_mempool_tx {
    struct ay_mempool_tx *next; /* in the queue */
    struct ay_mempool_tx *same; /* in the bucket */
    uint8_t hash[32];
    uint32_t len;
    uint8_t bytes[];
};

struct ay_mempool {
    struct ay_mempool_tx *first, **last;
    struct ay_mempool_tx **buckets; /* power of two of them, by the hash's first bytes */
    uint32_t mask;
    uint32_t count, max_count;
    uint64_t total_bytes, max_bytes;
};

/* AY_E_MEMORY. */
enum ay_code ay_mempool_init(struct ay_mempool *pool, uint32_t max_count, uint64_t max_bytes) AY_MUST;
void ay_mempool_free(struct ay_mempool *pool);

bool ay_mempool_has(const struct ay_mempool *pool, const uint8_t hash[32]);

/* Is there room for a transaction of this length? */
bool ay_mempool_fits(const struct ay_mempool *pool, uint32_t len);

/* Appends a copy. It must not be there yet and must fit. AY_E_MEMORY. */
enum ay_code ay_mempool_push(struct ay_mempool *pool, const uint8_t hash[32],
                             struct ay_slice tx) AY_MUST;

/* Removes and frees the transaction of this hash, if it is there. */
void ay_mempool_remove(struct ay_mempool *pool, const uint8_t hash[32]);

#endif
