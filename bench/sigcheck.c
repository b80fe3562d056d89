/* How many account signatures one thread of this machine checks in a second: the bound that the
 * benchmark of transfers is held against. Prints the number. */
#include "crypto/secp256k1.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEYS    64
#define SECONDS 2.0

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void)
{
    static uint8_t seckeys[KEYS][32], keys[KEYS][33], digests[KEYS][32], signatures[KEYS][64];
    uint64_t checked = 0;
    for (uint8_t i = 0; i < KEYS; i++) {
        memset(seckeys[i], i + 1, 32);
        memset(digests[i], 255 - i, 32);
        if (ay_secp256k1_pubkey(seckeys[i], keys[i]) != AY_OK ||
            ay_secp256k1_sign(seckeys[i], digests[i], signatures[i]) != AY_OK)
            return 1;
    }
    double begun = now(), elapsed;
    while ((elapsed = now() - begun) < SECONDS)
        for (int i = 0; i < KEYS; i++, checked++)
            if (ay_secp256k1_verify(keys[i], digests[i], signatures[i]) != AY_OK) return 1;
    printf("%.0f\n", (double)checked / elapsed);
    return 0;
}
