/* Values by name: one scope a graph at work, within that of the graph around it. Internal. */
#ifndef AY_TENSOR_LOWER_SCOPE_H
#define AY_TENSOR_LOWER_SCOPE_H

#include "base/bytes.h"
#include "tensor/tape.h"

/* Owns its table; names are borrowed. */
struct ay_scope {
    const struct ay_scope *parent; /* NULL: the model's graph */
    uint32_t depth;
    struct ay_scope_entry {
        struct ay_slice name; /* empty: free */
        const struct ay_value *value;
    } * entries;
    uint32_t cap; /* a power of two */
};

/* Room for `names` values. false: no memory. */
bool ay_scope_open(struct ay_scope *scope, const struct ay_scope *parent, uint64_t names);
void ay_scope_close(struct ay_scope *scope);

/* An empty name binds nothing; a name bound again is the later value. */
void ay_scope_bind(struct ay_scope *scope, struct ay_slice name, const struct ay_value *value);

/* Here or around; NULL when there is none. */
const struct ay_value *ay_scope_find(const struct ay_scope *scope, struct ay_slice name);

#endif
