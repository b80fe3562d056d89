/* A text file as lines, one sentence each: split at \n only; the last needs none after it. */
#ifndef AY_CLI_LINES_H
#define AY_CLI_LINES_H

#include "base/bytes.h"
#include "base/code.h"

#include <stddef.h>

struct ay_lines {
    void *map; /* the file, as long as the lines are used */
    size_t len;
    struct ay_slice *at;
    uint32_t count;
};

/* Opens a plain file of UTF-8, of at most so many bytes and lines. What is wrong is said on stderr,
 * with the line; 0 or the exit code. Close it either way. */
int ay_lines_open(const char *path, size_t max_bytes, uint32_t max_lines,
                  struct ay_lines *out) AY_MUST;
void ay_lines_close(struct ay_lines *lines);

#endif
