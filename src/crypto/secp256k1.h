/* Account signatures: ECDSA over secp256k1 as Cosmos chains use it, thin over libsecp256k1.
 * Signatures are r | s, 64 bytes big-endian, s <= n/2; nonces are those of RFC 6979, so signing is
 * deterministic. Verifying is pure and thread-safe, some 50 us; signing is thread-safe and blinded
 * against side channels. Source: SEC 1 v2, RFC 6979, BIP-62 rule 5. */
#ifndef AY_CRYPTO_SECP256K1_H
#define AY_CRYPTO_SECP256K1_H

#include "base/code.h"

/* Is sig over this 32-byte hash by this compressed key? AY_E_PUBKEY: not a point.
 * AY_E_UNAUTHORIZED: out of range, s above n/2, or it does not verify. */
enum ay_code ay_secp256k1_verify(const uint8_t pubkey[33], const uint8_t hash[32],
                                 const uint8_t sig[64]) AY_MUST;

/* AY_E_PUBKEY unless the bytes are a compressed point on the curve. */
enum ay_code ay_secp256k1_check_pubkey(const uint8_t pubkey[33]) AY_MUST;

/* AY_E_KEY unless 0 < seckey < n; so too below. */
enum ay_code ay_secp256k1_pubkey(const uint8_t seckey[32], uint8_t pubkey[33]) AY_MUST;
enum ay_code ay_secp256k1_sign(const uint8_t seckey[32], const uint8_t hash[32],
                               uint8_t sig[64]) AY_MUST;

/* seckey = (seckey + tweak) mod n, as BIP-32 derives children. AY_E_KEY where the result is 0 or
 * the tweak is not below n; seckey is then all zeros. */
enum ay_code ay_secp256k1_add(uint8_t seckey[32], const uint8_t tweak[32]) AY_MUST;

/* A secret key from the kernel's generator. */
void ay_secp256k1_random(uint8_t seckey[32]);

#endif
