#include "cli/lines.h"

#include "base/text.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_file(const char *path, int fd, size_t max_bytes, struct ay_lines *lines)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return ay_cli_fail(AY_E_IO, "%s is no plain file", path);
    if ((uint64_t)info.st_size > max_bytes)
        return ay_cli_fail(AY_E_LIMIT, "%s is longer than %zu bytes", path, max_bytes);
    if (info.st_size == 0) return 0;
    void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) return ay_cli_fail(AY_E_IO, "%s: %s", path, strerror(errno));
    lines->map = map;
    lines->len = (size_t)info.st_size;
    return 0;
}

static int split(const char *path, uint32_t max_lines, struct ay_lines *lines)
{
    const uint8_t *text = lines->map;
    size_t all = 0;
    for (size_t i = 0; i < lines->len; i++) all += text[i] == '\n';
    all += lines->len && text[lines->len - 1] != '\n';
    if (all > max_lines)
        return ay_cli_fail(AY_E_LIMIT, "%s has more than %u lines", path, max_lines);
    lines->at = calloc(all + 1, sizeof *lines->at);
    if (!lines->at) return ay_cli_fail(AY_E_MEMORY, "%s", path);
    for (size_t i = 0; i < lines->len;) {
        const uint8_t *stop = memchr(text + i, '\n', lines->len - i);
        size_t end = stop ? (size_t)(stop - text) : lines->len;
        struct ay_slice line = ay_slice(text + i, (uint32_t)(end - i));
        lines->at[lines->count++] = line;
        if (!ay_utf8_valid(line))
            return ay_cli_fail(AY_E_FORMAT, "%s, line %u is not UTF-8", path, lines->count);
        i = end + 1;
    }
    return 0;
}

int ay_lines_open(const char *path, size_t max_bytes, uint32_t max_lines, struct ay_lines *out)
{
    AY_ASSERT(max_bytes <= UINT32_MAX);
    *out = (struct ay_lines){0};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe must not hold us up */
    if (fd < 0)
        return ay_cli_fail(errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO, "%s: %s", path,
                           strerror(errno));
    int failed = map_file(path, fd, max_bytes, out);
    (void)close(fd);
    return failed ? failed : split(path, max_lines, out);
}

void ay_lines_close(struct ay_lines *lines)
{
    if (lines->map) (void)munmap(lines->map, lines->len);
    free(lines->at);
    *lines = (struct ay_lines){0};
}
