/* Decodes and encodes again: reads lines "full.name HEX", answers each with the hexadecimal of what
 * the codec makes of it, or "refused: why". For tests/test_codec_oracle.py. */
#include "base/codec.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES (1u << 20)

static _Alignas(16) uint8_t arena_mem[1 << 22];
static uint8_t in_mem[LINE_BYTES], out_mem[LINE_BYTES];
static char line[LINE_BYTES], answer[2 * LINE_BYTES + 1];

static void echo(const char *name, const char *hex)
{
    struct ay_text text = ay_text_over(answer, sizeof answer);
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    const struct ay_msg *msg = ay_msg_find(ay_slice_str(name));
    struct ay_slice in = {in_mem, 0};
    struct ay_fault fault;
    uint32_t len;
    AY_ASSERT(msg);
    AY_ASSERT(ay_parse_hex(ay_slice_str(hex), in_mem, sizeof in_mem, &in.len) == AY_OK);
    void *value = ay_arena_take(&arena, 1, msg->size);
    AY_ASSERT(value);
    if (ay_decode(msg, in, &arena, value, &fault) != AY_OK) {
        char why[256];
        ay_fault_text(&fault, why, sizeof why);
        printf("refused: %s\n", why);
        return;
    }
    AY_ASSERT(ay_encode(msg, value, out_mem, sizeof out_mem, &len) == AY_OK);
    ay_text_hex(&text, ay_slice(out_mem, len));
    puts(answer);
}

int main(void)
{
    while (fgets(line, sizeof line, stdin)) {
        char *space = strchr(line, ' '), *end = strchr(line, '\n');
        AY_ASSERT(space && end);
        *space = *end = 0;
        echo(line, space + 1);
    }
    return EXIT_SUCCESS;
}
