/* What the ledger asks of whatever keeps its state: reads and ordered iteration. The store's views
 * implement it over LMDB, the overlay over another ay_kv, tests over an array. */
#ifndef AY_LEDGER_KV_H
#define AY_LEDGER_KV_H

#include "base/bytes.h"
#include "base/code.h"

#define AY_KV_MAX_KEY   480        /* bytes; a key has at least one */
#define AY_KV_MAX_VALUE (1u << 24) /* bytes; a value may be empty */

/* Slices handed out are borrowed until the view that `self` is ends. */
struct ay_kv {
    void *self;
    /* AY_E_NOT_FOUND: no such key. AY_E_IO, AY_E_CORRUPT from what lies below. */
    enum ay_code (*get)(void *self, struct ay_slice key, struct ay_slice *value);
    /* The first key at or after `from` (strictly after unless inclusive) in lexicographic order.
     * An empty `from` is before every key. AY_E_NOT_FOUND: there is none. */
    enum ay_code (*next)(void *self, struct ay_slice from, bool inclusive, struct ay_slice *key,
                         struct ay_slice *value);
};

/* One row of a block's outcome. A commit takes them sorted by key, each key once. */
struct ay_kv_change {
    struct ay_slice key;
    struct ay_slice value;
    bool removed; /* value is then ignored; removing what is not there changes nothing */
};

#endif
