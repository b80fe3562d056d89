/* Signatures that were right, so that a transaction's is checked once at the door and not again in
 * the block: the newest of each slot of a fixed table. Thread-safe. */
#ifndef AY_ENGINE_KNOWN_H
#define AY_ENGINE_KNOWN_H

#include "ledger/ledger.h"

#include <pthread.h>

#define AY_KNOWN_SLOTS 16384u /* power of two; 512 KiB */

struct ay_known {
    pthread_mutex_t lock;
    uint8_t keys[AY_KNOWN_SLOTS][AY_HASH_BYTES];
    struct ay_known_signatures memory; /* what ledgers are given */
};

/* AY_E_MEMORY. */
enum ay_code ay_known_new(struct ay_known **out) AY_MUST;
void ay_known_free(struct ay_known *known); /* NULL is fine */

#endif
