/* Error codes. Three kinds of trouble exist: bad input returns a code; a broken invariant or a
 * programmer's error stops the process (AY_ASSERT); a failed resource, outside the pure layers,
 * returns a code. The code is consensus, its text never is. The list is code.def. */
#ifndef AY_BASE_CODE_H
#define AY_BASE_CODE_H

#include <stdbool.h>
#include <stdint.h>

enum ay_code {
#define AY_CODE(name, codespace, wire, http, text) AY_##name,
#include "base/code.def"
#undef AY_CODE
    AY_CODE_COUNT
};

#define AY_MUST __attribute__((warn_unused_result))

/* Evaluates expr once; returns its code from the calling function unless it is AY_OK. */
#define AY_TRY(expr)                                 \
    do {                                             \
        enum ay_code ay_try_code = (expr);           \
        if (ay_try_code != AY_OK) return ay_try_code; \
    } while (0)

struct ay_code_info {
    const char *codespace; /* module, "sdk" or "assay"; "" for AY_OK */
    uint32_t wire;         /* code within the codespace */
    uint32_t http;         /* HTTP status */
    const char *text;
};

/* What there is to know about a code; a value outside the enum stops the process. Never NULL. */
const struct ay_code_info *ay_code_info(enum ay_code code);

/* The code with this codespace and wire code, or AY_CODE_COUNT where there is none. */
enum ay_code ay_code_find(const char *codespace, uint32_t wire);

/* Stops the process, naming the place: a broken invariant halts rather than forks. */
_Noreturn void ay_panic(const char *file, int line, const char *what);
#define AY_ASSERT(cond)                                       \
    do {                                                      \
        if (!(cond)) ay_panic(__FILE__, __LINE__, #cond);     \
    } while (0)

#endif
