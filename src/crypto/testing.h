/* What tests of several layers share: cmocka with its includes, hex, a seeded generator. */
#ifndef AY_CRYPTO_TESTING_H
#define AY_CRYPTO_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Writes half as many bytes as there are digits. */
static inline void from_hex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i]; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
}

/* Are the bytes those of the hex text, as many as it has? */
static inline void assert_hex(const uint8_t *bytes, const char *hex)
{
    uint8_t want[1024];
    assert_true(strlen(hex) / 2 <= sizeof want);
    from_hex(hex, want);
    assert_memory_equal(bytes, want, strlen(hex) / 2);
}

/* SplitMix64 (Steele, Lea, Flood 2014). The seed is printed; AY_TEST_SEED overrides it. */
static uint64_t test_random_state;

static inline uint64_t test_random(void)
{
    uint64_t z = test_random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline uint64_t test_random_below(uint64_t n)
{
    return test_random() % n;
}

static inline void test_seed(uint64_t standard)
{
    const char *given = getenv("AY_TEST_SEED");
    test_random_state = given ? strtoull(given, NULL, 0) : standard;
    printf("seed %llu\n", (unsigned long long)test_random_state);
}

#endif
