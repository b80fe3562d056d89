#include "base/code.h"

#include <string.h>

static const struct ay_code_info info[AY_CODE_COUNT] = {
#define AY_CODE(name, codespace, wire, http, text) {codespace, wire, http, text},
#include "base/code.def"
#undef AY_CODE
};

const struct ay_code_info *ay_code_info(enum ay_code code)
{
    AY_ASSERT((unsigned)code < AY_CODE_COUNT);
    return &info[code];
}

enum ay_code ay_code_find(const char *codespace, uint32_t wire)
{
    unsigned i = 0;
    while (i < AY_CODE_COUNT && (info[i].wire != wire || strcmp(info[i].codespace, codespace) != 0))
        i++;
    return (enum ay_code)i;
}
