/* Why something from outside was refused, for people: the place and the reason. The code says what
 * kind of trouble it is; the text is never parsed. */
#ifndef AY_TENSOR_REASON_H
#define AY_TENSOR_REASON_H

#include "base/code.h"

struct ay_reason {
    char text[240]; /* NUL-terminated, cut when longer */
};

/* Writes the text and gives back the code, so that a refusal is one line. reason may be NULL. */
AY_MUST __attribute__((format(printf, 3, 4))) enum ay_code
ay_reject(struct ay_reason *reason, enum ay_code code, const char *format, ...);

#endif
