#include "cli/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { TEXT, NUMBER };

struct setting {
    const char *section, *key, *doc;
    enum kind kind;
    size_t offset;
    const char *text;  /* default of a TEXT */
    uint64_t number;   /* default of a NUMBER */
};

#define FIELD(name) offsetof(struct ay_config, name)

static const struct setting settings[] = {
    {"node", "moniker", "name that status shows", TEXT, FIELD(moniker), "assay", 0},
    {"node", "min_gas_price", "least price per gas that this node admits", TEXT,
     FIELD(min_gas_price), "0.025nasy", 0},
    {"rpc", "address", "host:port of JSON-RPC, REST and blobs; 127.0.0.1 unless a key is set", TEXT,
     FIELD(rpc_address), "127.0.0.1:26657", 0},
    {"rpc", "key", "bearer token that every request must carry; empty: none", TEXT, FIELD(rpc_key),
     "", 0},
    {"rpc", "cors_origins", "comma-separated origins whose pages may call; empty: none", TEXT,
     FIELD(cors_origins), "", 0},
    {"mempool", "txs", "transactions that may wait", NUMBER, FIELD(mempool_txs), NULL, 5000},
    {"mempool", "bytes", "bytes that may wait", NUMBER, FIELD(mempool_bytes), NULL, 64u << 20},
    {"store", "map_bytes", "first size of the data file's map; it grows by itself", NUMBER,
     FIELD(map_bytes), NULL, 256u << 20},
    {"blobs", "quota_bytes", "bytes of blobs that are kept; the oldest unpinned go first", NUMBER,
     FIELD(blob_quota_bytes), NULL, 4ull << 30},
};
#define N_SETTINGS (sizeof settings / sizeof settings[0])

static char *text_of(struct ay_config *config, const struct setting *s)
{
    return (char *)config + s->offset;
}

static uint64_t *number_of(struct ay_config *config, const struct setting *s)
{
    return (uint64_t *)(void *)((char *)config + s->offset);
}

void ay_config_default(struct ay_config *config)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < N_SETTINGS; i++) {
        const struct setting *s = &settings[i];
        if (s->kind == TEXT)
            snprintf(text_of(config, s), AY_MAX_CONFIG_TEXT, "%s", s->text);
        else
            *number_of(config, s) = s->number;
    }
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) *--end = 0;
    return s;
}

/* Cuts a comment that stands outside quotes. */
static void cut_comment(char *line)
{
    bool quoted = false;
    for (; *line; line++) {
        if (*line == '"') quoted = !quoted;
        if (*line == '#' && !quoted) {
            *line = 0;
            return;
        }
    }
}

static const char *set(struct ay_config *config, const struct setting *s, char *value)
{
    size_t len = strlen(value);
    if (s->kind == TEXT) {
        if (len < 2 || value[0] != '"' || value[len - 1] != '"') return "a text in \"quotes\" goes here";
        value[len - 1] = 0;
        if (strpbrk(value + 1, "\"\\")) return "quotes and backslashes have no place in a text";
        if (len - 2 >= AY_MAX_CONFIG_TEXT) return "the text is too long";
        memcpy(text_of(config, s), value + 1, len - 1);
        return NULL;
    }
    if (!isdigit((unsigned char)value[0])) return "a whole number goes here";
    char *end;
    errno = 0;
    uint64_t number = strtoull(value, &end, 10);
    if (*end || errno) return "a whole number goes here";
    *number_of(config, s) = number;
    return NULL;
}

static const char *read_line(struct ay_config *config, char *line, char section[64])
{
    cut_comment(line);
    char *at = trim(line);
    if (!*at) return NULL;
    if (*at == '[') {
        size_t len = strlen(at);
        if (at[len - 1] != ']' || len - 2 >= 64) return "a section looks like [name]";
        at[len - 1] = 0;
        memcpy(section, at + 1, len - 1);
        return NULL;
    }
    char *equals = strchr(at, '=');
    if (!equals) return "a setting looks like key = value";
    *equals = 0;
    char *key = trim(at), *value = trim(equals + 1);
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (!strcmp(settings[i].section, section) && !strcmp(settings[i].key, key))
            return set(config, &settings[i], value);
    return "there is no such setting";
}

enum ay_code ay_config_read(const char *path, struct ay_config *config, char why[256])
{
    FILE *file = fopen(path, "re");
    if (!file) return errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO;
    enum ay_code code = AY_OK;
    char line[1024], section[64] = "";
    unsigned number = 0;
    size_t total = 0;
    while (code == AY_OK && fgets(line, sizeof line, file)) {
        number++;
        size_t len = strlen(line);
        total += len;
        const char *wrong = NULL;
        if (total > AY_MAX_CONFIG_FILE || (len && line[len - 1] != '\n' && !feof(file)))
            wrong = "the line or the file is too long";
        else
            wrong = read_line(config, line, section);
        if (wrong) {
            snprintf(why, 256, "%s:%u: %s", path, number, wrong);
            code = AY_E_FORMAT;
        }
    }
    if (code == AY_OK && ferror(file)) code = AY_E_IO;
    fclose(file);
    return code;
}

enum ay_code ay_config_write(const char *path, const struct ay_config *config)
{
    struct ay_config copy = *config;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return errno == EEXIST ? AY_E_EXISTS : AY_E_IO;
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return AY_E_IO;
    }
    const char *section = "";
    for (size_t i = 0; i < N_SETTINGS; i++) {
        const struct setting *s = &settings[i];
        if (strcmp(section, s->section) != 0) fprintf(file, "%s[%s]\n", *section ? "\n" : "", s->section);
        section = s->section;
        fprintf(file, "# %s\n", s->doc);
        if (s->kind == TEXT)
            fprintf(file, "%s = \"%s\"\n", s->key, text_of(&copy, s));
        else
            fprintf(file, "%s = %" PRIu64 "\n", s->key, *number_of(&copy, s));
    }
    bool good = !ferror(file) && fflush(file) == 0 && fsync(fd) == 0;
    return fclose(file) == 0 && good ? AY_OK : AY_E_IO;
}
