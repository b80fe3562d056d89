#include "tensor/reason.h"

#include <stdarg.h>
#include <stdio.h>

enum ay_code ay_reject(struct ay_reason *reason, enum ay_code code, const char *format, ...)
{
    if (!reason) return code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason->text, sizeof reason->text, format, args);
    va_end(args);
    return code;
}
