/* Text for people and for JSON: a bounded buffer to write into, and the strict reading of numbers,
 * hexadecimal and base64. Pure; no locale. */
#ifndef AY_BASE_TEXT_H
#define AY_BASE_TEXT_H

#include "base/bytes.h"
#include "base/code.h"

/* What is written. Always NUL-terminated; what does not fit is left out and `full` is set, so that
 * one check at the end is enough. */
struct ay_text {
    char *buf;    /* the caller's */
    uint32_t cap; /* bytes, at least 1 */
    uint32_t len; /* without the NUL */
    bool full;
};

struct ay_text ay_text_over(char *buf, uint32_t cap);

void ay_text_put(struct ay_text *t, const void *data, uint32_t len);
void ay_text_str(struct ay_text *t, const char *s);
void ay_text_char(struct ay_text *t, char c);
void ay_text_u64(struct ay_text *t, uint64_t v);
void ay_text_i64(struct ay_text *t, int64_t v);
/* Lower case. */
void ay_text_hex(struct ay_text *t, struct ay_slice s);
void ay_text_hex_upper(struct ay_text *t, struct ay_slice s);
/* RFC 4648 section 4, padded. */
void ay_text_base64(struct ay_text *t, struct ay_slice s);
/* A JSON string with its quotes (RFC 8259). Bytes that are not UTF-8 become U+FFFD each. */
void ay_text_json(struct ay_text *t, struct ay_slice s);

/* Well-formed UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF. */
bool ay_utf8_valid(struct ay_slice s);

/* Decimal digits alone, no sign, no leading zeros. AY_E_FORMAT; AY_E_RANGE above max. */
enum ay_code ay_parse_u64(struct ay_slice s, uint64_t max, uint64_t *out) AY_MUST;
/* The same with an optional leading minus; "-0" is refused. */
enum ay_code ay_parse_i64(struct ay_slice s, int64_t min, int64_t max, int64_t *out) AY_MUST;

/* Into out, of cap bytes. AY_E_FORMAT: odd length, a character that does not belong, or for base64
 * wrong padding or bits left over; AY_E_LIMIT: more than cap bytes. */
enum ay_code ay_parse_hex(struct ay_slice s, uint8_t *out, uint32_t cap, uint32_t *len) AY_MUST;
enum ay_code ay_parse_base64(struct ay_slice s, uint8_t *out, uint32_t cap, uint32_t *len) AY_MUST;

#endif
