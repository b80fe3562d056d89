#include "engine/known.h"

#include <stdlib.h>
#include <string.h>

/* Keys are hashes that nobody can choose freely at the cost of a signature check. */
static uint8_t *slot(struct ay_known *known, const uint8_t key[AY_HASH_BYTES])
{
    return known->keys[ay_get_be32(key) & (AY_KNOWN_SLOTS - 1)];
}

static bool has(void *self, const uint8_t key[AY_HASH_BYTES])
{
    struct ay_known *known = self;
    pthread_mutex_lock(&known->lock);
    bool found = memcmp(slot(known, key), key, AY_HASH_BYTES) == 0;
    pthread_mutex_unlock(&known->lock);
    return found;
}

static void add(void *self, const uint8_t key[AY_HASH_BYTES])
{
    struct ay_known *known = self;
    pthread_mutex_lock(&known->lock);
    memcpy(slot(known, key), key, AY_HASH_BYTES);
    pthread_mutex_unlock(&known->lock);
}

enum ay_code ay_known_new(struct ay_known **out)
{
    struct ay_known *known = calloc(1, sizeof *known);
    if (!known) return AY_E_MEMORY;
    pthread_mutex_init(&known->lock, NULL);
    known->memory = (struct ay_known_signatures){known, has, add};
    *out = known;
    return AY_OK;
}

void ay_known_free(struct ay_known *known)
{
    if (!known) return;
    pthread_mutex_destroy(&known->lock);
    free(known);
}
