#include "crypto/ed25519.h"

#include <sodium.h>

enum ay_code ay_ed25519_verify(const uint8_t pubkey[32], struct ay_slice msg, const uint8_t sig[64])
{
    AY_ASSERT(sodium_init() >= 0);
    int bad = crypto_sign_verify_detached(sig, msg.data, msg.len, pubkey);
    return bad ? AY_E_UNAUTHORIZED : AY_OK;
}

static void expand(const uint8_t seed[32], uint8_t pubkey[32], uint8_t secret[64])
{
    AY_ASSERT(sodium_init() >= 0);
    AY_ASSERT(crypto_sign_seed_keypair(pubkey, secret, seed) == 0);
}

void ay_ed25519_pubkey(const uint8_t seed[32], uint8_t pubkey[32])
{
    uint8_t secret[64];
    expand(seed, pubkey, secret);
    sodium_memzero(secret, sizeof secret);
}

void ay_ed25519_sign(const uint8_t seed[32], struct ay_slice msg, uint8_t sig[64])
{
    uint8_t pubkey[32], secret[64];
    expand(seed, pubkey, secret);
    AY_ASSERT(crypto_sign_detached(sig, NULL, msg.data, msg.len, secret) == 0);
    sodium_memzero(secret, sizeof secret);
}

void ay_ed25519_random(uint8_t seed[32])
{
    AY_ASSERT(sodium_init() >= 0);
    randombytes_buf(seed, 32);
}
