/* Descriptors: what the generator knows about each message of proto/, as constant tables. The
 * codec, row keys, JSON, CLI flags and help all read these; nothing is written twice.
 *
 * For each message M of package P there are `struct ay_<p>_<m>` and the descriptor
 * `ay_<p>_<m>_msg` in base/gen/<p>.h, where p is P without its leading assay, cosmos or google and
 * without its version. A field becomes
 *   uint32_t, uint64_t, int32_t, int64_t, bool   the numbers; enums are uint32_t
 *   uint8_t x[N]                                 bytes of fixed length
 *   struct ay_slice x                            other bytes and strings, borrowed from the input
 *   struct ay_... x                              a message
 *   const T *x; uint32_t x_count                 a repeated field, in the decoder's arena
 * beside `bool has_x` where absence is not the same as the default: messages, and fields that the
 * schema calls optional. */
#ifndef AY_BASE_SCHEMA_H
#define AY_BASE_SCHEMA_H

#include "base/bytes.h"
#include "base/code.h"

struct ay_msg;

enum ay_kind {
    AY_KIND_BOOL,
    AY_KIND_U32,
    AY_KIND_U64,
    AY_KIND_I32,
    AY_KIND_I64,
    AY_KIND_FIXED64,  /* uint64_t, 8 bytes little-endian on the wire */
    AY_KIND_SFIXED64, /* int64_t, the same */
    AY_KIND_ENUM,     /* uint32_t */
    AY_KIND_STRING,   /* UTF-8 */
    AY_KIND_BYTES,
    AY_KIND_FIXED, /* bytes of one length */
    AY_KIND_MESSAGE,
    AY_KIND_COUNT
};

/* How bytes read and print for people. */
enum ay_text_form { AY_TEXT_HEX, AY_TEXT_BASE64, AY_TEXT_ADDRESS };

enum {
    AY_FIELD_REPEATED = 1, /* a pointer, and a uint32_t count at `aside` */
    AY_FIELD_HAS = 2,      /* a bool at `aside` says whether it is there */
    AY_FIELD_REQUIRED = 4  /* always on the wire; bytes without it are refused */
};

struct ay_enum_value {
    const char *name, *doc;
    uint32_t number;
};

struct ay_enum {
    const char *name;
    const struct ay_enum_value *values; /* ascending numbers */
    uint32_t n;
};

struct ay_field {
    const char *name;         /* snake_case */
    const char *camel;        /* camelCase, as JSON may have it */
    const char *doc;          /* one paragraph, or "" */
    const char *unit;         /* what a number counts, or "" */
    uint32_t number;          /* on the wire */
    uint8_t kind;             /* enum ay_kind */
    uint8_t flags;            /* AY_FIELD_... */
    uint8_t text;             /* enum ay_text_form, for bytes */
    uint32_t offset;          /* of the value in the struct */
    uint32_t aside;           /* of the count or of has_x, by flags */
    uint32_t len;             /* bytes: exactly for AY_KIND_FIXED, at most for strings and bytes */
    uint32_t max_count;       /* of a repeated field */
    const struct ay_msg *sub; /* AY_KIND_MESSAGE */
    const struct ay_enum *values; /* AY_KIND_ENUM */
};

struct ay_tx_desc {
    const struct ay_field *signer; /* the field holding the signer's address */
    const char *cli;               /* assay tx MODULE <cli> */
    const struct ay_msg *response;
};

struct ay_query_desc {
    const struct ay_msg *answer;
    const char *cli;  /* assay query MODULE <cli>, or "" */
    const char *rest; /* REST path, fields in braces, or "" */
    const char *path; /* ABCI query path */
};

/* One ordered list of fields, by their indices in ay_msg.fields. */
struct ay_key_desc {
    const uint8_t *fields;
    uint32_t n;
};

struct ay_row_desc {
    uint8_t id;                     /* first byte of every key of this row */
    const struct ay_key_desc *keys; /* keys[0] is the primary key; keys[i] is index i */
    uint32_t n;                     /* 1 + number of indexes */
};

struct ay_msg {
    const char *name;   /* full: assay.job.v1.MsgPost */
    const char *module; /* job */
    const char *doc;
    uint32_t size;                     /* of the struct */
    uint32_t n;                        /* fields */
    const struct ay_field *fields;     /* ascending numbers */
    const struct ay_tx_desc *tx;       /* or NULL */
    const struct ay_row_desc *row;     /* or NULL */
    const struct ay_query_desc *query; /* or NULL */
    bool event;
};

/* Every message, ascending by full name. */
extern const struct ay_msg *const ay_msgs[];
extern const uint32_t ay_msgs_count;

/* The message with this full name, or with this type URL ("/" before the name); NULL when there is
 * none. O(log n). */
const struct ay_msg *ay_msg_find(struct ay_slice name);
const struct ay_msg *ay_msg_find_url(struct ay_slice type_url);

/* The field of this snake_case or camelCase name, or NULL. */
const struct ay_field *ay_field_find(const struct ay_msg *msg, struct ay_slice name);

/* The value of this number or name, or NULL. */
const struct ay_enum_value *ay_enum_find(const struct ay_enum *e, uint32_t number);
const struct ay_enum_value *ay_enum_named(const struct ay_enum *e, struct ay_slice name);

/* Bytes of one value of the field in memory: of the element when repeated. */
uint32_t ay_field_size(const struct ay_field *f);

/* A number or BOOL of the field in memory, as 64 bits: signed kinds are sign-extended. Setting takes
 * the low bits. On hosts of either byte order. */
uint64_t ay_field_number(const struct ay_field *f, const void *value);
void ay_field_set_number(const struct ay_field *f, void *value, uint64_t number);

/* Where field f of the struct at `in` is: the value itself, or the first element when repeated
 * (NULL when none); *n is how many values there are: 0 or 1 when it is not repeated, by has_x. */
const void *ay_field_values(const struct ay_field *f, const void *in, uint32_t *n);

/* Rows. A key is
 *   row id (1 byte) ‖ index number (1 byte, 0 for the primary key) ‖ fields
 * and an index's fields are followed by those of the primary key, so that index keys are unique.
 * Integers are big-endian (signed ones with the sign bit flipped, bool one byte), fixed bytes are
 * raw, a slice is raw when it is the key's last field, else 0x00 becomes 00 FF and 00 00 ends it.
 * So keys of different rows never collide, order of keys is order of fields, and the first k fields
 * make the prefix that all rows with these k values share.
 *
 * index 0 is the primary key; n_fields says how many fields to write, AY_KEY_ALL for all of them.
 * AY_E_LIMIT when cap bytes do not hold it. msg must be a row. */
#define AY_KEY_ALL UINT32_MAX
enum ay_code ay_row_index_key(const struct ay_msg *msg, const void *row, uint32_t index,
                              uint32_t n_fields, uint8_t *buf, uint32_t cap, uint32_t *len) AY_MUST;

static inline enum ay_code ay_row_key(const struct ay_msg *msg, const void *row, uint32_t n_fields,
                                      uint8_t *buf, uint32_t cap, uint32_t *len)
{
    return ay_row_index_key(msg, row, 0, n_fields, buf, cap, len);
}

/* The primary key of the row that an entry of index `index` (1...) stands for. AY_E_FORMAT when
 * the entry is not one, AY_E_LIMIT when cap bytes do not hold the key. */
enum ay_code ay_row_key_of_index(const struct ay_msg *msg, uint32_t index, struct ay_slice entry,
                                 uint8_t *buf, uint32_t cap, uint32_t *len) AY_MUST;

#endif
