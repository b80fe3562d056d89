#include "base/schema.h"

const struct ay_msg *ay_msg_find(struct ay_slice name)
{
    uint32_t lo = 0, hi = ay_msgs_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = ay_slice_compare(ay_slice_str(ay_msgs[mid]->name), name);
        if (c == 0) return ay_msgs[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct ay_msg *ay_msg_find_url(struct ay_slice type_url)
{
    if (type_url.len == 0 || type_url.data[0] != '/') return NULL;
    return ay_msg_find(ay_slice(type_url.data + 1, type_url.len - 1));
}

const struct ay_field *ay_field_find(const struct ay_msg *msg, struct ay_slice name)
{
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        if (ay_slice_equal(ay_slice_str(f->name), name)) return f;
        if (ay_slice_equal(ay_slice_str(f->camel), name)) return f;
    }
    return NULL;
}

const struct ay_enum_value *ay_enum_find(const struct ay_enum *e, uint32_t number)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->values[i].number == number) return &e->values[i];
    return NULL;
}

const struct ay_enum_value *ay_enum_named(const struct ay_enum *e, struct ay_slice name)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (ay_slice_equal(ay_slice_str(e->values[i].name), name)) return &e->values[i];
    return NULL;
}

uint32_t ay_field_size(const struct ay_field *f)
{
    static const uint8_t size[AY_KIND_COUNT] = {
        [AY_KIND_BOOL] = sizeof(bool),
        [AY_KIND_U32] = 4,
        [AY_KIND_U64] = 8,
        [AY_KIND_I32] = 4,
        [AY_KIND_I64] = 8,
        [AY_KIND_FIXED64] = 8,
        [AY_KIND_SFIXED64] = 8,
        [AY_KIND_ENUM] = 4,
        [AY_KIND_STRING] = sizeof(struct ay_slice),
        [AY_KIND_BYTES] = sizeof(struct ay_slice),
    };
    if (f->kind == AY_KIND_FIXED) return f->len;
    if (f->kind == AY_KIND_MESSAGE) return f->sub->size;
    AY_ASSERT(f->kind < AY_KIND_COUNT);
    return size[f->kind];
}

uint64_t ay_field_number(const struct ay_field *f, const void *value)
{
    uint64_t u64;
    uint32_t u32;
    uint32_t size = ay_field_size(f);
    AY_ASSERT(size == 1 || size == 4 || size == 8);
    if (size == 1) return *(const uint8_t *)value;
    if (size == 8) {
        memcpy(&u64, value, sizeof u64);
        return u64;
    }
    memcpy(&u32, value, sizeof u32);
    return f->kind == AY_KIND_I32 ? (uint64_t)(int64_t)(int32_t)u32 : u32;
}

void ay_field_set_number(const struct ay_field *f, void *value, uint64_t number)
{
    uint32_t u32 = (uint32_t)number;
    uint32_t size = ay_field_size(f);
    AY_ASSERT(size == 1 || size == 4 || size == 8);
    if (size == 1)
        *(uint8_t *)value = (uint8_t)number;
    else if (size == 8)
        memcpy(value, &number, sizeof number);
    else
        memcpy(value, &u32, sizeof u32);
}

const void *ay_field_values(const struct ay_field *f, const void *in, uint32_t *n)
{
    const uint8_t *at = (const uint8_t *)in + f->offset;
    const uint8_t *aside = (const uint8_t *)in + f->aside;
    *n = 1;
    if (f->flags & AY_FIELD_REPEATED) {
        const void *first;
        memcpy(&first, at, sizeof first);
        memcpy(n, aside, sizeof *n);
        return first;
    }
    if (f->flags & AY_FIELD_HAS) *n = *(const bool *)aside;
    return at;
}
