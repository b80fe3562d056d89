#include "tensor/lower/origin.h"
#include "tensor/lower/window.h"

#include "tensor/ref/float.h"

#include <stdlib.h>

void ay_origins_close(struct ay_origins *origins)
{
    free(origins->entries);
    *origins = (struct ay_origins){NULL};
}

static struct ay_origins_entry *entry_of(const struct ay_origins *origins, term value)
{
    uint32_t h = value->id * 0x9e3779b1u;
    for (h ^= h >> 16;; h++) {
        struct ay_origins_entry *e = &origins->entries[h & (origins->cap - 1)];
        if (!e->value || e->value == value) return e;
    }
}

static bool grow(struct ay_origins *origins)
{
    struct ay_origins more = {.cap = origins->cap ? 2 * origins->cap : 64, .count = origins->count};
    more.entries = calloc(more.cap, sizeof *more.entries);
    if (!more.entries) return false;
    for (uint32_t i = 0; i < origins->cap; i++)
        if (origins->entries[i].value)
            *entry_of(&more, origins->entries[i].value) = origins->entries[i];
    free(origins->entries);
    *origins = more;
    return true;
}

void ay_origin_put(const struct ay_lower *l, term value, const struct ay_origin *origin)
{
    struct ay_origins *all = l->origins;
    if (!all || failed(l)) return;
    if (2 * all->count >= all->cap && !grow(all)) {
        ay_lower_fail(l, AY_E_MEMORY, "out of memory");
        return;
    }
    struct ay_origins_entry *e = entry_of(all, value);
    all->count += e->value == NULL;
    *e = (struct ay_origins_entry){value, *origin};
}

bool ay_origin_of(const struct ay_lower *l, term value, struct ay_origin *out)
{
    if (!value || !l->origins || l->origins->count == 0) return false;
    const struct ay_origins_entry *e = entry_of(l->origins, value);
    if (e->value) *out = e->of;
    return e->value != NULL;
}

bool ay_origin_is_single(const struct ay_origin *origin)
{
    return ay_value_elements(origin->scale) == 1 &&
           (!origin->q.zero || ay_value_elements(origin->q.zero) == 1);
}

/* A known scale which is a number that neither overflows nor vanishes, times a byte. */
static bool is_plain(term scale)
{
    float s = scale->data ? *(const float *)scale->data : 0;
    return s > 0x1p-60F && s < 0x1p60F;
}

bool ay_origin_move(const struct ay_lower *l, const struct ay_operator *op,
                    const struct ay_operands *o)
{
    struct ay_origin from;
    /* What is i32 gains nothing. The largest byte is the largest number by a scale above 0. */
    if (!ay_origin_of(l, ay_in(o, 0), &from) || from.q.x->dtype == I32 ||
        !ay_origin_is_single(&from) || (op->lower == ay_lower_max_pool && !is_plain(from.scale)))
        return false;
    term *in = ay_term_list(l, o->in_count);
    if (!in) return true;
    memcpy(in, o->in, o->in_count * sizeof *in);
    in[0] = from.q.x;
    struct ay_operands moved = *o;
    moved.in = in;
    op->lower(l, &moved);
    free(in);
    for (uint32_t i = 0; i < o->out_count && !failed(l); i++) {
        if (!o->out[i] || o->out[i]->dtype != from.q.x->dtype) continue;
        from.q.x = o->out[i];
        o->out[i] = ay_dequantize(l, from.q, from.scale);
        if (o->out[i]) ay_origin_put(l, o->out[i], &from);
    }
    return true;
}

static bool same_number(term a, term b)
{
    if (a == b) return true;
    if (!a || !b)
        return ay_value_elements(a ? a : b) == 1 && (a ? a : b)->data &&
               ay_value_int(a ? a : b, 0) == 0;
    return a->dtype == b->dtype && ay_value_elements(a) == 1 && ay_value_elements(b) == 1 &&
           a->data && b->data && memcmp(a->data, b->data, ay_dtype_bytes(a->dtype)) == 0;
}

term ay_origin_again(const struct ay_lower *l, term x, term scale, term zero, uint32_t dtype)
{
    struct ay_origin from;
    /* f32(n s) / s is off n by less than one, so that it is rounded to n. */
    bool same = ay_origin_of(l, x, &from) && from.q.x->dtype == dtype &&
                ay_origin_is_single(&from) && is_plain(from.scale) && scale &&
                same_number(from.scale, scale) && same_number(from.q.zero, zero);
    return same ? from.q.x : NULL;
}
