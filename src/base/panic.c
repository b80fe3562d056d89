#include "base/code.h"

#include <stdio.h>
#include <stdlib.h>

/* Its own file and archive member: the one place in src/base that talks to the outside, and only
 * to say why the process stops. */
_Noreturn void ay_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "assay: stopped at %s:%d: %s does not hold\n", file, line, what);
    abort();
}
