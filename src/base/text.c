#include "base/text.h"

struct ay_text ay_text_over(char *buf, uint32_t cap)
{
    AY_ASSERT(cap > 0);
    buf[0] = 0;
    return (struct ay_text){buf, cap, 0, false};
}

void ay_text_put(struct ay_text *t, const void *data, uint32_t len)
{
    uint32_t room = t->cap - 1 - t->len;
    if (len > room) {
        t->full = true;
        len = room;
    }
    if (len) memcpy(t->buf + t->len, data, len);
    t->len += len;
    t->buf[t->len] = 0;
}

void ay_text_str(struct ay_text *t, const char *s)
{
    ay_text_put(t, s, (uint32_t)strlen(s));
}

void ay_text_char(struct ay_text *t, char c)
{
    ay_text_put(t, &c, 1);
}

void ay_text_u64(struct ay_text *t, uint64_t v)
{
    char digits[20];
    uint32_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    ay_text_put(t, digits + at, (uint32_t)sizeof digits - at);
}

void ay_text_i64(struct ay_text *t, int64_t v)
{
    if (v < 0) ay_text_char(t, '-');
    ay_text_u64(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void put_hex(struct ay_text *t, struct ay_slice s, const char digits[16])
{
    for (uint32_t i = 0; i < s.len; i++) {
        char pair[2] = {digits[s.data[i] >> 4], digits[s.data[i] & 15]};
        ay_text_put(t, pair, 2);
    }
}

void ay_text_hex(struct ay_text *t, struct ay_slice s)
{
    put_hex(t, s, "0123456789abcdef");
}

void ay_text_hex_upper(struct ay_text *t, struct ay_slice s)
{
    put_hex(t, s, "0123456789ABCDEF");
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ay_text_base64(struct ay_text *t, struct ay_slice s)
{
    for (uint32_t i = 0; i < s.len; i += 3) {
        uint32_t n = s.len - i < 3 ? s.len - i : 3, v = 0;
        for (uint32_t k = 0; k < 3; k++) v = v << 8 | (k < n ? s.data[i + k] : 0u);
        char quad[4];
        for (uint32_t k = 0; k < 4; k++)
            quad[k] = k <= n ? base64_digits[v >> (18 - 6 * k) & 63] : '=';
        ay_text_put(t, quad, 4);
    }
}

/* Bytes of the well-formed UTF-8 character that s begins with; 0 when it begins with none. */
static uint32_t utf8_span(struct ay_slice s)
{
    uint8_t b = s.data[0];
    if (b < 0x80) return 1;
    uint32_t n = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
    if (b < 0xc2 || b > 0xf4 || s.len < n) return 0;
    uint8_t lo = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    uint8_t hi = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    if (s.data[1] < lo || s.data[1] > hi) return 0;
    for (uint32_t i = 2; i < n; i++)
        if (s.data[i] < 0x80 || s.data[i] > 0xbf) return 0;
    return n;
}

bool ay_utf8_valid(struct ay_slice s)
{
    uint32_t span;
    for (uint32_t i = 0; i < s.len; i += span) {
        span = utf8_span(ay_slice(s.data + i, s.len - i));
        if (span == 0) return false;
    }
    return true;
}

static void put_escape(struct ay_text *t, uint8_t c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (uint32_t i = 0; i + 1 < sizeof named; i += 2) {
        if ((uint8_t)named[i] != c) continue;
        ay_text_char(t, '\\');
        ay_text_char(t, named[i + 1]);
        return;
    }
    ay_text_str(t, "\\u00");
    ay_text_hex(t, ay_slice(&c, 1));
}

void ay_text_json(struct ay_text *t, struct ay_slice s)
{
    ay_text_char(t, '"');
    for (uint32_t i = 0, span; i < s.len; i += span ? span : 1) {
        uint8_t c = s.data[i];
        span = utf8_span(ay_slice(s.data + i, s.len - i));
        if (span == 0)
            ay_text_str(t, "\xef\xbf\xbd");
        else if (c < 0x20 || c == '"' || c == '\\')
            put_escape(t, c);
        else
            ay_text_put(t, s.data + i, span);
    }
    ay_text_char(t, '"');
}

enum ay_code ay_parse_u64(struct ay_slice s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len == 0 || (s.len > 1 && s.data[0] == '0')) return AY_E_FORMAT;
    for (uint32_t i = 0; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9') return AY_E_FORMAT;
    for (uint32_t i = 0; i < s.len; i++) {
        if (__builtin_mul_overflow(v, 10, &v)) return AY_E_RANGE;
        if (__builtin_add_overflow(v, s.data[i] - '0', &v)) return AY_E_RANGE;
    }
    if (v > max) return AY_E_RANGE;
    *out = v;
    return AY_OK;
}

enum ay_code ay_parse_i64(struct ay_slice s, int64_t min, int64_t max, int64_t *out)
{
    uint64_t v;
    bool negative = s.len > 0 && s.data[0] == '-';
    if (negative) s = ay_slice(s.data + 1, s.len - 1);
    AY_TRY(ay_parse_u64(s, (uint64_t)INT64_MAX + negative, &v));
    if (negative && v == 0) return AY_E_FORMAT;
    int64_t value = (int64_t)(negative ? 0 - v : v);
    if (value < min || value > max) return AY_E_RANGE;
    *out = value;
    return AY_OK;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum ay_code ay_parse_hex(struct ay_slice s, uint8_t *out, uint32_t cap, uint32_t *len)
{
    if (s.len % 2) return AY_E_FORMAT;
    if (s.len / 2 > cap) return AY_E_LIMIT;
    for (uint32_t i = 0; i < s.len; i += 2) {
        int hi = hex_digit(s.data[i]), lo = hex_digit(s.data[i + 1]);
        if (hi < 0 || lo < 0) return AY_E_FORMAT;
        out[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    *len = s.len / 2;
    return AY_OK;
}

/* The 6 bits of a base64 character, or -1. */
static int base64_digit(uint8_t c)
{
    const char *at = c ? strchr(base64_digits, c) : NULL;
    return at ? (int)(at - base64_digits) : -1;
}

enum ay_code ay_parse_base64(struct ay_slice s, uint8_t *out, uint32_t cap, uint32_t *len)
{
    if (s.len % 4) return AY_E_FORMAT;
    uint32_t pad = 0, n = 0;
    while (pad < 2 && pad < s.len && s.data[s.len - 1 - pad] == '=') pad++;
    uint32_t bytes = s.len / 4 * 3 - pad;
    if (bytes > cap) return AY_E_LIMIT;
    for (uint32_t i = 0; i < s.len; i += 4) {
        uint32_t v = 0, digits = i + 4 == s.len ? 4 - pad : 4;
        for (uint32_t k = 0; k < 4; k++) {
            int d = k < digits ? base64_digit(s.data[i + k]) : 0;
            if (d < 0) return AY_E_FORMAT;
            v = v << 6 | (uint32_t)d;
        }
        for (uint32_t k = 0; k < 3; k++) {
            uint8_t byte = (uint8_t)(v >> (16 - 8 * k));
            if (n < bytes)
                out[n++] = byte;
            else if (byte != 0)
                return AY_E_FORMAT;
        }
    }
    *len = bytes;
    return AY_OK;
}
