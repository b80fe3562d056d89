/* Recovery phrases: BIP-39 in English, with an empty passphrase, and the account key that Cosmos
 * wallets derive from them, m/44'/118'/0'/0/0 (BIP-32, BIP-44, SLIP-44 coin 118). English words are
 * ASCII, so that the NFKD of the BIP changes nothing and other bytes are refused. Whoever passes
 * secrets in or gets them out keeps them in locked memory (keystore.h) and zeroes them. */
#ifndef AY_CRYPTO_MNEMONIC_H
#define AY_CRYPTO_MNEMONIC_H

#include "base/bytes.h"
#include "base/code.h"

#define AY_MNEMONIC_WORDS       2048
#define AY_MNEMONIC_MAX_ENTROPY 32
#define AY_MNEMONIC_MAX_CHARS   (24 * 8 + 23) /* 24 words of at most 8 letters, spaces between */

extern const char ay_mnemonic_words[AY_MNEMONIC_WORDS][9];

/* Words for 16, 20, 24, 28 or 32 bytes of entropy (12 to 24 words), one space between, NUL at the
 * end. AY_E_RANGE: another length. */
enum ay_code ay_mnemonic_encode(struct ay_slice entropy,
                                char out[AY_MNEMONIC_MAX_CHARS + 1]) AY_MUST;

/* Any run of spaces, tabs and newlines separates; letters must be lower case.
 * AY_E_FORMAT: wrong number of words, a word not in the list, or a wrong checksum. */
enum ay_code ay_mnemonic_decode(struct ay_slice text, uint8_t entropy[AY_MNEMONIC_MAX_ENTROPY],
                                uint32_t *len) AY_MUST;

/* The seed of BIP-39: PBKDF2-HMAC-SHA512 over the words with 2048 rounds, about 1 ms.
 * AY_E_RANGE as in encode. */
enum ay_code ay_mnemonic_seed(struct ay_slice entropy, uint8_t seed[64]) AY_MUST;

/* BIP-32: the private key at `path` from the master of `seed` (16 to 64 bytes); an index with its
 * top bit set is hardened. AY_E_KEY in the one case in 2^127 that the BIP calls invalid. */
enum ay_code ay_bip32_derive(struct ay_slice seed, const uint32_t *path, uint32_t depth,
                             uint8_t seckey[32]) AY_MUST;

/* The account key of a phrase. AY_E_RANGE, AY_E_KEY. */
enum ay_code ay_mnemonic_account(struct ay_slice entropy, uint8_t seckey[32]) AY_MUST;

#endif
