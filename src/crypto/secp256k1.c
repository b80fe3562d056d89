#include "crypto/secp256k1.h"

#include <pthread.h>
#include <secp256k1.h>
#include <sodium.h>
#include <stdlib.h>

static secp256k1_context *signing;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void destroy(void)
{
    secp256k1_context_destroy(signing);
}

static void create(void)
{
    uint8_t seed[32];
    AY_ASSERT(sodium_init() >= 0);
    signing = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    AY_ASSERT(signing);
    randombytes_buf(seed, sizeof seed);
    AY_ASSERT(secp256k1_context_randomize(signing, seed) == 1);
    sodium_memzero(seed, sizeof seed);
    (void)atexit(destroy);
}

static const secp256k1_context *signer(void)
{
    AY_ASSERT(pthread_once(&once, create) == 0);
    return signing;
}

static enum ay_code parse(const uint8_t pubkey[33], secp256k1_pubkey *point)
{
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, point, pubkey, 33) ? AY_OK
                                                                                  : AY_E_PUBKEY;
}

enum ay_code ay_secp256k1_check_pubkey(const uint8_t pubkey[33])
{
    secp256k1_pubkey point;
    return parse(pubkey, &point);
}

enum ay_code ay_secp256k1_verify(const uint8_t pubkey[33], const uint8_t hash[32],
                                 const uint8_t sig[64])
{
    secp256k1_pubkey point;
    secp256k1_ecdsa_signature parsed;
    AY_TRY(parse(pubkey, &point));
    /* libsecp256k1's verify itself refuses s above n/2. */
    if (!secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &parsed, sig) ||
        !secp256k1_ecdsa_verify(secp256k1_context_static, &parsed, hash, &point))
        return AY_E_UNAUTHORIZED;
    return AY_OK;
}

enum ay_code ay_secp256k1_pubkey(const uint8_t seckey[32], uint8_t pubkey[33])
{
    secp256k1_pubkey point;
    size_t len = 33;
    if (!secp256k1_ec_pubkey_create(signer(), &point, seckey)) return AY_E_KEY;
    AY_ASSERT(secp256k1_ec_pubkey_serialize(secp256k1_context_static, pubkey, &len, &point,
                                            SECP256K1_EC_COMPRESSED));
    AY_ASSERT(len == 33);
    return AY_OK;
}

enum ay_code ay_secp256k1_sign(const uint8_t seckey[32], const uint8_t hash[32], uint8_t sig[64])
{
    secp256k1_ecdsa_signature made;
    if (!secp256k1_ecdsa_sign(signer(), &made, hash, seckey, secp256k1_nonce_function_rfc6979,
                              NULL))
        return AY_E_KEY;
    AY_ASSERT(secp256k1_ecdsa_signature_serialize_compact(secp256k1_context_static, sig, &made));
    return AY_OK;
}

enum ay_code ay_secp256k1_add(uint8_t seckey[32], const uint8_t tweak[32])
{
    return secp256k1_ec_seckey_tweak_add(secp256k1_context_static, seckey, tweak) ? AY_OK
                                                                                  : AY_E_KEY;
}

void ay_secp256k1_random(uint8_t seckey[32])
{
    do {
        randombytes_buf(seckey, 32);
    } while (!secp256k1_ec_seckey_verify(signer(), seckey));
}
