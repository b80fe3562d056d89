/* Hashes, thin over OpenSSL's libcrypto. Algorithms are fetched once in a process and each thread
 * keeps one context, so that hashing allocates nothing after a thread's first call. Failure inside
 * libcrypto (no memory, algorithm missing) stops the process: no caller could go on without.
 * Thread-safe. About 0.3 us and 0.6 ns a byte with SHA extensions.
 * Sources: FIPS 180-4 (SHA-2), RFC 2104 (HMAC), RIPEMD-160 (Dobbertin and others 1996). */
#ifndef AY_CRYPTO_HASH_H
#define AY_CRYPTO_HASH_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

#define AY_HASH_BYTES 32

void ay_sha256(struct ay_slice in, uint8_t out[32]);

/* SHA-256 of the parts one after another; nothing marks where one ends. */
void ay_sha256_parts(const struct ay_slice *parts, size_t count, uint8_t out[32]);

/* SHA-256 of `len` bytes after a tag: for what is longer than a slice may be. */
void ay_sha256_long(struct ay_slice tag, const void *data, uint64_t len, uint8_t out[32]);

void ay_sha512(struct ay_slice in, uint8_t out[64]);
void ay_ripemd160(struct ay_slice in, uint8_t out[20]);
void ay_hmac_sha512(struct ay_slice key, struct ay_slice in, uint8_t out[64]);

/* SHA-256 of what comes in pieces. */
struct ay_sha256_stream; /* owned by whoever made it */

/* Never NULL; given back by _final. */
struct ay_sha256_stream *ay_sha256_begin(void) AY_MUST;
void ay_sha256_update(struct ay_sha256_stream *stream, const void *data, size_t len);
/* Frees the stream. out may be NULL, to give up. */
void ay_sha256_final(struct ay_sha256_stream *stream, uint8_t out[32]);

#endif
