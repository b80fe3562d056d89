/* A message with a field of every kind and mode, and a row of it with every kind of key field:
 * descriptors as the generator would make them, so that tests do not hang on the real schema. */
#ifndef AY_BASE_TEST_KINDS_H
#define AY_BASE_TEST_KINDS_H

#include "base/schema.h"

#include <stddef.h>

struct kinds_leaf {
    uint32_t n;
    uint8_t id[4];
};

struct kinds {
    bool flag;
    uint32_t u32;
    uint64_t u64;
    int32_t i32;
    int64_t i64;
    uint64_t fixed64;
    int64_t sfixed64;
    uint32_t colour;
    struct ay_slice string;
    struct ay_slice bytes;
    uint8_t fixed[4];
    bool has_leaf;
    struct kinds_leaf leaf;
    bool has_maybe;
    uint32_t maybe;
    uint32_t present;
    struct kinds_leaf must;
    const uint64_t *u64s;
    uint32_t u64s_count;
    const int64_t *sfixed64s;
    uint32_t sfixed64s_count;
    const bool *flags;
    uint32_t flags_count;
    const uint32_t *colours;
    uint32_t colours_count;
    const struct ay_slice *strings;
    uint32_t strings_count;
    const uint8_t (*fixeds)[4];
    uint32_t fixeds_count;
    const struct kinds_leaf *leaves;
    uint32_t leaves_count;
};

static const struct ay_enum_value colour_values[] = {
    {"COLOUR_NONE", "", 0}, {"COLOUR_RED", "", 1}, {"COLOUR_BLUE", "", 7}};
static const struct ay_enum colour_enum = {"test.Colour", colour_values, 3};

#define LEAF(field) .name = #field, .camel = #field, .offset = offsetof(struct kinds_leaf, field)
static const struct ay_field leaf_fields[] = {
    {LEAF(n), .number = 1, .kind = AY_KIND_U32},
    {LEAF(id), .number = 2, .kind = AY_KIND_FIXED, .flags = AY_FIELD_REQUIRED, .len = 4},
};
static const struct ay_msg leaf_msg = {
    .name = "test.Leaf", .size = sizeof(struct kinds_leaf), .n = 2, .fields = leaf_fields};

#define ONE(field) .name = #field, .camel = #field, .offset = offsetof(struct kinds, field)
#define HAS(field) ONE(field), .flags = AY_FIELD_HAS, .aside = offsetof(struct kinds, has_##field)
#define MANY(field)                                                                                \
    ONE(field), .flags = AY_FIELD_REPEATED, .aside = offsetof(struct kinds, field##_count),        \
                .max_count = 5
#define MUST(field) ONE(field), .flags = AY_FIELD_REQUIRED
static const struct ay_field kinds_fields[] = {
    {ONE(flag), .number = 1, .kind = AY_KIND_BOOL},
    {ONE(u32), .number = 2, .kind = AY_KIND_U32},
    {ONE(u64), .number = 3, .kind = AY_KIND_U64},
    {ONE(i32), .number = 4, .kind = AY_KIND_I32},
    {ONE(i64), .number = 5, .kind = AY_KIND_I64},
    {ONE(fixed64), .number = 6, .kind = AY_KIND_FIXED64},
    {ONE(sfixed64), .number = 7, .kind = AY_KIND_SFIXED64},
    {ONE(colour), .number = 8, .kind = AY_KIND_ENUM, .values = &colour_enum},
    {ONE(string), .number = 9, .kind = AY_KIND_STRING, .len = 8},
    {ONE(bytes), .number = 10, .kind = AY_KIND_BYTES, .len = 8},
    {MUST(fixed), .number = 11, .kind = AY_KIND_FIXED, .len = 4},
    {HAS(leaf), .number = 12, .kind = AY_KIND_MESSAGE, .sub = &leaf_msg},
    {HAS(maybe), .number = 13, .kind = AY_KIND_U32},
    {MUST(present), .number = 14, .kind = AY_KIND_U32},
    {MUST(must), .number = 15, .kind = AY_KIND_MESSAGE, .sub = &leaf_msg},
    {MANY(u64s), .number = 16, .kind = AY_KIND_U64},
    {MANY(sfixed64s), .number = 17, .kind = AY_KIND_SFIXED64},
    {MANY(flags), .number = 18, .kind = AY_KIND_BOOL},
    {MANY(colours), .number = 19, .kind = AY_KIND_ENUM, .values = &colour_enum},
    {MANY(strings), .number = 20, .kind = AY_KIND_STRING, .len = 8},
    {MANY(fixeds), .number = 21, .kind = AY_KIND_FIXED, .len = 4},
    {MANY(leaves), .number = 22, .kind = AY_KIND_MESSAGE, .sub = &leaf_msg},
};

/* Keys: primary (u32, string); 1: (bytes); 2: (i32, flag, fixed); 3: (). */
static const uint8_t kinds_key0[] = {1, 8}, kinds_key1[] = {9}, kinds_key2[] = {3, 0, 10};
static const struct ay_key_desc kinds_keys[] = {
    {kinds_key0, 2}, {kinds_key1, 1}, {kinds_key2, 3}, {NULL, 0}};
static const struct ay_row_desc kinds_row = {200, kinds_keys, 4};
static const struct ay_msg kinds_msg = {.name = "test.Kinds",
                                        .size = sizeof(struct kinds),
                                        .n = sizeof kinds_fields / sizeof kinds_fields[0],
                                        .fields = kinds_fields,
                                        .row = &kinds_row};
#undef LEAF
#undef ONE
#undef HAS
#undef MANY
#undef MUST

#endif
