/* Events: what a transaction or a block tells whoever searches for it. They are in no hash. */
#ifndef AY_LEDGER_EVENTS_H
#define AY_LEDGER_EVENTS_H

#include "base/arena.h"
#include "base/gen/tendermint_abci.h"

#define AY_MAX_EVENTS 65536 /* a transaction or a block */

struct ay_event_node;

struct ay_events {
    struct ay_arena *arena; /* what is recorded lives here */
    struct ay_event_node *first, *last;
    uint32_t count;
    bool in_message; /* adds the attribute msg_index */
    uint32_t message_index;
};

/* A place in the list, to drop what a message recorded before it failed. */
struct ay_events_mark {
    struct ay_event_node *last;
    uint32_t count;
};

struct ay_event_attribute {
    const char *key;
    struct ay_slice value;
};

/* Records one event; type, keys and values are copied. AY_E_LIMIT. */
enum ay_code ay_events_add(struct ay_events *events, const char *type,
                           const struct ay_event_attribute *attributes, uint32_t n) AY_MUST;

/* The same from an event message of the schema: its full name, one attribute for each field that is
 * not repeated. AY_E_LIMIT. */
enum ay_code ay_events_add_message(struct ay_events *events, const struct ay_msg *msg,
                                   const void *event) AY_MUST;

struct ay_events_mark ay_events_mark(const struct ay_events *events);
void ay_events_rewind(struct ay_events *events, struct ay_events_mark mark);

/* All of them in order, copied into the arena given with all their bytes. AY_E_LIMIT. */
enum ay_code ay_events_copy(const struct ay_events *events, struct ay_arena *arena,
                            const struct ay_tendermint_abci_event **out, uint32_t *count) AY_MUST;

#endif
