/* Addresses as people read them: bech32 (BIP-173, the original constant 1) of 20 bytes under the
 * prefix "assay". An account's address is ripemd160(sha256(compressed public key)), as on Cosmos
 * chains. Pure. */
#ifndef AY_CRYPTO_BECH32_H
#define AY_CRYPTO_BECH32_H

#include "base/bytes.h"
#include "base/code.h"

#define AY_ADDRESS_BYTES      20
#define AY_ADDRESS_PREFIX     "assay"
#define AY_ADDRESS_TEXT_CHARS 44 /* "assay1", 32 digits, 6 of checksum */

void ay_address_of(const uint8_t pubkey[33], uint8_t out[20]);

/* 44 characters and a NUL. */
void ay_address_encode(const uint8_t address[20], char out[AY_ADDRESS_TEXT_CHARS + 1]);

/* AY_E_ADDRESS: another prefix or length, a wrong checksum, upper case (Cosmos writes lower only,
 * and one account must have one spelling). */
enum ay_code ay_address_decode(struct ay_slice text, uint8_t out[20]) AY_MUST;

#endif
