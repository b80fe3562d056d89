#include "tensor/lower/scope.h"

#include "base/code.h"

#include <stdlib.h>

bool ay_scope_open(struct ay_scope *scope, const struct ay_scope *parent, uint64_t names)
{
    uint32_t cap = 16;
    AY_ASSERT(names < 1u << 30);
    while (cap < 2 * names) cap *= 2;
    *scope = (struct ay_scope){.parent = parent, .depth = parent ? parent->depth + 1 : 0};
    scope->entries = calloc(cap, sizeof *scope->entries);
    scope->cap = cap;
    return scope->entries != NULL;
}

void ay_scope_close(struct ay_scope *scope)
{
    free(scope->entries);
    scope->entries = NULL;
}

static struct ay_scope_entry *entry_of(const struct ay_scope *scope, struct ay_slice name)
{
    uint32_t h = 0x811c9dc5u;
    for (uint32_t i = 0; i < name.len; i++) h = (h ^ name.data[i]) * 0x01000193u;
    h ^= h >> 15;
    for (;; h++) {
        struct ay_scope_entry *e = &scope->entries[h & (scope->cap - 1)];
        if (e->name.len == 0 || ay_slice_equal(e->name, name)) return e;
    }
}

void ay_scope_bind(struct ay_scope *scope, struct ay_slice name, const struct ay_value *value)
{
    if (name.len == 0) return;
    struct ay_scope_entry *e = entry_of(scope, name);
    *e = (struct ay_scope_entry){name, value};
}

const struct ay_value *ay_scope_find(const struct ay_scope *scope, struct ay_slice name)
{
    for (; scope; scope = scope->parent) {
        const struct ay_scope_entry *e = entry_of(scope, name);
        if (e->value) return e->value;
    }
    return NULL;
}
