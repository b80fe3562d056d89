#include "cli/config.h"

#include "base/text.h"

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
    const char *text; /* default of a TEXT */
    uint64_t number;  /* default of a NUMBER */
    uint64_t max;     /* of a NUMBER */
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
    {"mempool", "txs", "transactions that may wait", NUMBER, FIELD(mempool_txs), NULL, 5000,
     1u << 20},
    {"mempool", "bytes", "bytes that may wait", NUMBER, FIELD(mempool_bytes), NULL, 64u << 20,
     1ull << 40},
    {"store", "map_bytes", "first size of the data file's map; it grows by itself", NUMBER,
     FIELD(map_bytes), NULL, 256u << 20, 1ull << 44},
    {"blobs", "quota_bytes", "bytes of blobs that are kept; the oldest unpinned go first", NUMBER,
     FIELD(blob_quota_bytes), NULL, 4ull << 30, 1ull << 60},
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

static const char *set(struct ay_config *config, const struct setting *s, const char *text)
{
    if (s->kind == NUMBER) {
        if (ay_parse_u64(ay_slice_str(text), s->max, number_of(config, s)) == AY_OK) return NULL;
        return s->max > UINT32_MAX ? "a whole number goes here"
                                   : "a smaller whole number goes here";
    }
    if (strpbrk(text, "\"\\")) return "quotes and backslashes have no place in a text";
    if (!ay_utf8_valid(ay_slice_str(text))) return "a text is in UTF-8";
    if (strlen(text) >= AY_MAX_CONFIG_TEXT) return "the text is too long";
    memcpy(text_of(config, s), text, strlen(text) + 1);
    return NULL;
}

static const struct setting *find(const char *section, const char *key)
{
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (!strcmp(settings[i].section, section) && !strcmp(settings[i].key, key))
            return &settings[i];
    return NULL;
}

const char *ay_config_set(struct ay_config *config, const char *section, const char *key,
                          const char *text)
{
    const struct setting *s = find(section, key);
    return s ? set(config, s, text) : "there is no such setting";
}

struct reader {
    struct ay_config *config;
    char section[64];
    uint32_t seen; /* a bit for each setting */
};
_Static_assert(N_SETTINGS <= 32, "a bit each");

static const char *read_setting(struct reader *r, const char *key, char *value)
{
    const struct setting *s = find(r->section, key);
    if (!s) return "there is no such setting";
    uint32_t bit = 1u << (s - settings);
    if (r->seen & bit) return "the setting is there twice";
    r->seen |= bit;
    if (s->kind == TEXT) {
        size_t len = strlen(value);
        if (len < 2 || value[0] != '"' || value[len - 1] != '"')
            return "a text in \"quotes\" goes here";
        value[len - 1] = 0;
        value++;
    }
    return set(r->config, s, value);
}

static const char *read_line(struct reader *r, char *line)
{
    cut_comment(line);
    char *at = trim(line);
    if (!*at) return NULL;
    if (*at == '[') {
        size_t len = strlen(at);
        if (at[len - 1] != ']' || len - 2 >= sizeof r->section)
            return "a section looks like [name]";
        at[len - 1] = 0;
        memcpy(r->section, at + 1, len - 1);
        return NULL;
    }
    char *equals = strchr(at, '=');
    if (!equals) return "a setting looks like key = value";
    *equals = 0;
    return read_setting(r, trim(at), trim(equals + 1));
}

/* text ends in a NUL of our own. */
static enum ay_code read_lines(struct reader *r, char *text, char why[AY_CONFIG_WHY])
{
    unsigned number = 0;
    for (char *line; (line = strsep(&text, "\n"));) {
        number++;
        const char *wrong = read_line(r, line);
        if (!wrong) continue;
        snprintf(why, AY_CONFIG_WHY, "line %u: %s", number, wrong);
        return AY_E_FORMAT;
    }
    return AY_OK;
}

enum ay_code ay_config_read(const char *path, struct ay_config *config, char why[AY_CONFIG_WHY])
{
    FILE *file = fopen(path, "re");
    char *text = malloc(AY_MAX_CONFIG_FILE + 1);
    struct reader reader = {.config = config};
    enum ay_code code = AY_OK;
    size_t len = 0;
    if (!file) {
        code = errno == ENOENT ? AY_E_NOT_FOUND : AY_E_IO;
        snprintf(why, AY_CONFIG_WHY, "%s", strerror(errno));
        goto out;
    }
    if (!text) code = AY_E_MEMORY;
    if (text) len = fread(text, 1, AY_MAX_CONFIG_FILE + 1, file);
    if (ferror(file)) code = AY_E_IO;
    snprintf(why, AY_CONFIG_WHY, "cannot be read");
    if (len > AY_MAX_CONFIG_FILE) {
        code = AY_E_LIMIT;
        snprintf(why, AY_CONFIG_WHY, "longer than %d bytes", AY_MAX_CONFIG_FILE);
    } else if (len && memchr(text, 0, len)) {
        code = AY_E_FORMAT;
        snprintf(why, AY_CONFIG_WHY, "has a NUL in it");
    }
    if (code != AY_OK) goto out;
    text[len] = 0;
    code = read_lines(&reader, text, why);
out:
    if (file) fclose(file);
    free(text);
    return code;
}

bool ay_config_address(const char *address, char host[AY_MAX_CONFIG_TEXT], uint16_t *port)
{
    const char *colon = strrchr(address, ':');
    uint64_t number;
    if (!colon || colon == address || colon - address >= AY_MAX_CONFIG_TEXT ||
        ay_parse_u64(ay_slice_str(colon + 1), UINT16_MAX, &number) != AY_OK)
        return false;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    *port = (uint16_t)number;
    return true;
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
        if (strcmp(section, s->section) != 0)
            fprintf(file, "%s[%s]\n", *section ? "\n" : "", s->section);
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
