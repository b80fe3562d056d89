#include "crypto/bech32.h"

#include "crypto/hash.h"

enum { PREFIX = sizeof AY_ADDRESS_PREFIX - 1, DATA = 32, CHECK = 6 };
_Static_assert(PREFIX + 1 + DATA + CHECK == AY_ADDRESS_TEXT_CHARS, "length of an address");

static const char digits[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t polymod_step(uint32_t acc, uint8_t value)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = acc >> 25;
    acc = (acc & 0x1ffffff) << 5 ^ value;
    for (int i = 0; i < 5; i++)
        if (top >> i & 1) acc ^= generator[i];
    return acc;
}

/* Over the prefix, expanded as the BIP says, and `count` values of 5 bits. */
static uint32_t polymod(const uint8_t *values, int count)
{
    uint32_t acc = 1;
    for (int i = 0; i < PREFIX; i++) acc = polymod_step(acc, (uint8_t)AY_ADDRESS_PREFIX[i] >> 5);
    acc = polymod_step(acc, 0);
    for (int i = 0; i < PREFIX; i++) acc = polymod_step(acc, AY_ADDRESS_PREFIX[i] & 31);
    for (int i = 0; i < count; i++) acc = polymod_step(acc, values[i]);
    return acc;
}

void ay_address_of(const uint8_t pubkey[33], uint8_t out[20])
{
    uint8_t hash[32];
    ay_sha256(ay_slice(pubkey, 33), hash);
    ay_ripemd160(AY_SLICE_OF(hash), out);
}

void ay_address_encode(const uint8_t address[20], char out[AY_ADDRESS_TEXT_CHARS + 1])
{
    uint8_t values[DATA + CHECK] = {0};
    for (int bit = 0; bit < 8 * AY_ADDRESS_BYTES; bit++)
        if (address[bit / 8] >> (7 - bit % 8) & 1) values[bit / 5] |= (uint8_t)(16 >> bit % 5);
    uint32_t check = polymod(values, DATA + CHECK) ^ 1;
    for (int i = 0; i < CHECK; i++) values[DATA + i] = check >> 5 * (CHECK - 1 - i) & 31;

    memcpy(out, AY_ADDRESS_PREFIX "1", PREFIX + 1);
    for (int i = 0; i < DATA + CHECK; i++) out[PREFIX + 1 + i] = digits[values[i]];
    out[AY_ADDRESS_TEXT_CHARS] = 0;
}

enum ay_code ay_address_decode(struct ay_slice text, uint8_t out[20])
{
    uint8_t values[DATA + CHECK];
    if (text.len != AY_ADDRESS_TEXT_CHARS) return AY_E_ADDRESS;
    if (memcmp(text.data, AY_ADDRESS_PREFIX "1", PREFIX + 1) != 0) return AY_E_ADDRESS;
    for (int i = 0; i < DATA + CHECK; i++) {
        const char *digit = memchr(digits, text.data[PREFIX + 1 + i], 32);
        if (!digit) return AY_E_ADDRESS;
        values[i] = (uint8_t)(digit - digits);
    }
    if (polymod(values, DATA + CHECK) != 1) return AY_E_ADDRESS;
    /* 160 bits are 32 groups of 5 exactly, so there is no padding to check. */
    memset(out, 0, AY_ADDRESS_BYTES);
    for (int bit = 0; bit < 8 * AY_ADDRESS_BYTES; bit++)
        if (values[bit / 5] & 16 >> bit % 5) out[bit / 8] |= (uint8_t)(128 >> bit % 8);
    return AY_OK;
}
