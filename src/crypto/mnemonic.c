#include "crypto/mnemonic.h"

#include "crypto/hash.h"
#include "crypto/secp256k1.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

enum { MAX_WORDS = 24, WORD_BITS = 11, HARDENED = 1u << 31 };

/* Word `i` is bits [11 i, 11 i + 11) of the entropy followed by the first bits of its SHA-256. */
static unsigned word_at(const uint8_t *bits, unsigned i)
{
    unsigned value = 0;
    for (unsigned b = i * WORD_BITS; b < (i + 1) * WORD_BITS; b++)
        value = value << 1 | (bits[b / 8] >> (7 - b % 8) & 1);
    return value;
}

enum ay_code ay_mnemonic_encode(struct ay_slice entropy, char out[AY_MNEMONIC_MAX_CHARS + 1])
{
    uint8_t bits[AY_MNEMONIC_MAX_ENTROPY + 32];
    if (entropy.len < 16 || entropy.len > AY_MNEMONIC_MAX_ENTROPY || entropy.len % 4)
        return AY_E_RANGE;
    memcpy(bits, entropy.data, entropy.len);
    ay_sha256(entropy, bits + entropy.len);
    unsigned words = entropy.len * 3 / 4;
    char *at = out;
    for (unsigned i = 0; i < words; i++) {
        if (i) *at++ = ' ';
        at = stpcpy(at, ay_mnemonic_words[word_at(bits, i)]);
    }
    sodium_memzero(bits, sizeof bits);
    return AY_OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int compare_word(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Takes the next word off the text; its index, or -1 if it is none, or -2 at the end. */
static int next_word(struct ay_slice *text)
{
    uint32_t from = 0, to;
    char word[9] = {0};
    while (from < text->len && is_space(text->data[from])) from++;
    for (to = from; to < text->len && !is_space(text->data[to]);) to++;
    struct ay_slice found = ay_slice(text->data + from, to - from);
    *text = ay_slice(text->data + to, text->len - to);
    if (found.len == 0) return -2;
    if (found.len >= sizeof word) return -1;
    memcpy(word, found.data, found.len);
    const char(*at)[9] =
        bsearch(word, ay_mnemonic_words, AY_MNEMONIC_WORDS, sizeof word, compare_word);
    return at ? (int)(at - ay_mnemonic_words) : -1;
}

enum ay_code ay_mnemonic_decode(struct ay_slice text, uint8_t entropy[AY_MNEMONIC_MAX_ENTROPY],
                                uint32_t *len)
{
    uint8_t bits[MAX_WORDS * WORD_BITS / 8] = {0}, hash[32];
    unsigned words = 0;
    for (int word; (word = next_word(&text)) != -2; words++) {
        if (word < 0 || words == MAX_WORDS) return AY_E_FORMAT;
        for (unsigned b = 0; b < WORD_BITS; b++)
            if (word >> (WORD_BITS - 1 - b) & 1)
                bits[(words * WORD_BITS + b) / 8] |= (uint8_t)(128 >> (words * WORD_BITS + b) % 8);
    }
    if (words < 12 || words % 3) return AY_E_FORMAT;
    uint32_t bytes = words * 4 / 3, check_bits = words / 3;
    ay_sha256(ay_slice(bits, bytes), hash);
    enum ay_code code = (bits[bytes] ^ hash[0]) >> (8 - check_bits) ? AY_E_FORMAT : AY_OK;
    if (code == AY_OK) {
        memcpy(entropy, bits, bytes);
        *len = bytes;
    }
    sodium_memzero(bits, sizeof bits);
    return code;
}

enum ay_code ay_mnemonic_seed(struct ay_slice entropy, uint8_t seed[64])
{
    static const uint8_t salt[] = "mnemonic";
    char words[AY_MNEMONIC_MAX_CHARS + 1];
    AY_TRY(ay_mnemonic_encode(entropy, words));
    AY_ASSERT(PKCS5_PBKDF2_HMAC(words, (int)strlen(words), salt, 8, 2048, EVP_sha512(), 64, seed) ==
              1);
    sodium_memzero(words, sizeof words);
    return AY_OK;
}

/* One step down: node = secret key | chain code. */
static enum ay_code child(uint8_t node[64], uint32_t index)
{
    uint8_t data[37] = {0}, hash[64];
    enum ay_code code = AY_OK;
    if (index & HARDENED)
        memcpy(data + 1, node, 32);
    else
        code = ay_secp256k1_pubkey(node, data);
    ay_put_be32(data + 33, index);
    ay_hmac_sha512(ay_slice(node + 32, 32), AY_SLICE_OF(data), hash);
    if (code == AY_OK) code = ay_secp256k1_add(node, hash);
    memcpy(node + 32, hash + 32, 32);
    sodium_memzero(data, sizeof data);
    sodium_memzero(hash, sizeof hash);
    return code;
}

enum ay_code ay_bip32_derive(struct ay_slice seed, const uint32_t *path, uint32_t depth,
                             uint8_t seckey[32])
{
    uint8_t node[64], pubkey[33];
    ay_hmac_sha512(ay_slice_str("Bitcoin seed"), seed, node);
    enum ay_code code = ay_secp256k1_pubkey(node, pubkey); /* a valid master key? */
    for (uint32_t i = 0; i < depth && code == AY_OK; i++) code = child(node, path[i]);
    memcpy(seckey, node, 32);
    sodium_memzero(node, sizeof node);
    return code;
}

enum ay_code ay_mnemonic_account(struct ay_slice entropy, uint8_t seckey[32])
{
    static const uint32_t path[] = {44 | HARDENED, 118 | HARDENED, 0 | HARDENED, 0, 0};
    uint8_t seed[64];
    AY_TRY(ay_mnemonic_seed(entropy, seed));
    enum ay_code code = ay_bip32_derive(AY_SLICE_OF(seed), path, 5, seckey);
    sodium_memzero(seed, sizeof seed);
    return code;
}
