/* Integers by AVX-512 VNNI: four bytes a word, unsigned by signed. Needs -mavx512vnni beside what
 * lanes_avx512.h needs. */
#define SUMS    1
#define Q8_SUMS 1
#include "tensor/kernel/words_avx512.h"

#define AY_INTEGERS      ay_integers_vnni
#define AY_INTEGERS_NAME "vnni"
#include "tensor/kernel/int_lanes.h"
