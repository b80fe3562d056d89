/* Borrowed bytes. A slice owns nothing; whoever hands it out says until when it may be read. */
#ifndef AY_BASE_BYTES_H
#define AY_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct ay_slice {
    const uint8_t *data; /* may be NULL when len is 0 */
    uint32_t len;        /* bytes */
};

#define AY_SLICE_OF(array) ((struct ay_slice){(const uint8_t *)(array), (uint32_t)sizeof(array)})

static inline struct ay_slice ay_slice(const void *data, uint32_t len)
{
    return (struct ay_slice){(const uint8_t *)data, len};
}

/* A NUL-terminated string without its NUL. */
static inline struct ay_slice ay_slice_str(const char *s)
{
    return ay_slice(s, (uint32_t)strlen(s));
}

static inline bool ay_slice_equal(struct ay_slice a, struct ay_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Lexicographic order of unsigned bytes, a prefix before what it begins: <0, 0, >0. */
static inline int ay_slice_compare(struct ay_slice a, struct ay_slice b)
{
    uint32_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline void ay_put_be32(uint8_t out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(v >> (24 - 8 * i));
}
static inline void ay_put_be64(uint8_t out[8], uint64_t v)
{
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(v >> (56 - 8 * i));
}
static inline uint32_t ay_get_be32(const uint8_t in[4])
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) v = v << 8 | in[i];
    return v;
}
static inline uint64_t ay_get_be64(const uint8_t in[8])
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v = v << 8 | in[i];
    return v;
}
static inline void ay_put_le32(uint8_t out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(v >> (8 * i));
}
static inline uint32_t ay_get_le32(const uint8_t in[4])
{
    uint32_t v = 0;
    for (int i = 3; i >= 0; i--) v = v << 8 | in[i];
    return v;
}

#endif
