/* Hex and base64 at the network's border. Base64 is RFC 4648 §4, padded, strict. */
#ifndef AY_NET_ENCODING_H
#define AY_NET_ENCODING_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

/* Writes 2 * in.len digits and a NUL to out. */
void ay_hex_lower(struct ay_slice in, char *out);
void ay_hex_upper(struct ay_slice in, char *out);

/* Reads digits of either case; out has room for len / 2 bytes. AY_E_FORMAT: odd, or no digit. */
enum ay_code ay_hex_read(const char *text, size_t len, uint8_t *out) AY_MUST;

/* Bytes that ay_base64_write needs, with the NUL. */
static inline size_t ay_base64_room(uint32_t len)
{
    return ((size_t)len + 2) / 3 * 4 + 1;
}
void ay_base64_write(struct ay_slice in, char *out);

/* out has room for len / 4 * 3 bytes; *n is how many there are. AY_E_FORMAT: anything that
 * ay_base64_write would not have written. */
enum ay_code ay_base64_read(const char *text, size_t len, uint8_t *out, uint32_t *n) AY_MUST;

#endif
