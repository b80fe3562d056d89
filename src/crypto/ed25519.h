/* Validator and session keys: Ed25519 (RFC 8032), thin over libsodium. libsodium refuses
 * small-order keys and s that is not reduced, so a signature has one form. Some
 * 100 us to verify. */
#ifndef AY_CRYPTO_ED25519_H
#define AY_CRYPTO_ED25519_H

#include "base/bytes.h"
#include "base/code.h"

/* AY_E_UNAUTHORIZED when it does not verify. */
enum ay_code ay_ed25519_verify(const uint8_t pubkey[32], struct ay_slice msg,
                               const uint8_t sig[64]) AY_MUST;

/* A seed is the secret of RFC 8032; any 32 bytes are one. */
void ay_ed25519_pubkey(const uint8_t seed[32], uint8_t pubkey[32]);
void ay_ed25519_sign(const uint8_t seed[32], struct ay_slice msg, uint8_t sig[64]);
void ay_ed25519_random(uint8_t seed[32]);

#endif
