/* What a request must be before a handler sees it. libmicrohttpd lets two Content-Length, or one
 * beside Transfer-Encoding, through; two readers that differ on a message's end can be made to
 * see different requests. */
#include "net/http_internal.h"

#include <string.h>
#include <strings.h>

struct tally {
    uint32_t headers, lengths, codings, hosts;
    size_t bytes;
    bool malformed;
};

static bool is_token(const char *s, size_t len)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || !strchr(others, c))) return false;
    }
    return len > 0;
}

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                    size_t name_len, const char *value, size_t value_len)
{
    struct tally *tally = cls;
    tally->bytes += name_len + value_len + 4;
    tally->malformed |= value && memchr(value, 0, value_len) != NULL;
    if (kind != MHD_HEADER_KIND) {
        tally->malformed |= memchr(name, 0, name_len) != NULL;
        return MHD_YES;
    }
    tally->headers++;
    tally->malformed |= !is_token(name, name_len);
    tally->lengths += !strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH);
    tally->codings += !strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    tally->hosts += !strcasecmp(name, MHD_HTTP_HEADER_HOST);
    return MHD_YES;
}

static bool all_digits(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == '\0';
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

struct ay_http_verdict ay_http_check_header(struct MHD_Connection *connection)
{
    struct tally tally = {0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, count_header, &tally);
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, count_header, &tally);
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding = header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    const struct {
        bool bad;
        struct ay_http_verdict verdict;
    } rules[] = {
        {tally.lengths + tally.codings > 1, {400, "the length of the body is said twice"}},
        {length && !all_digits(length), {400, "Content-Length is no number"}},
        {coding && strcasecmp(coding, "chunked") != 0, {400, "unknown Transfer-Encoding"}},
        {tally.malformed, {400, "malformed header or argument"}},
        {tally.hosts > 1, {400, "two Host headers"}},
        {tally.headers > AY_HTTP_MAX_HEADERS, {431, "too many headers"}},
        {tally.bytes > AY_HTTP_MAX_HEADER_BYTES, {431, "header too large"}},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].bad) return rules[i].verdict;
    return (struct ay_http_verdict){0};
}

static bool is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        if (!strncasecmp(host, names[i], len) && (host[len] == '\0' || host[len] == ':'))
            return true;
    }
    return false;
}

/* In time that does not depend on where they differ. */
static bool same_key(const char *given, const char *key)
{
    size_t given_len = strlen(given), len = strlen(key);
    unsigned char differ = given_len != len;
    for (size_t i = 0; i < len; i++)
        differ |= (unsigned char)(key[i] ^ given[given_len ? i % given_len : 0]);
    return !differ;
}

bool ay_http_origin_listed(struct MHD_Connection *connection, const struct ay_http_guard *guard)
{
    const char *origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
    for (const char *const *p = guard->origins; origin && p && *p; p++)
        if (!strcmp(*p, "*") || !strcmp(*p, origin)) return true;
    return false;
}

struct ay_http_verdict ay_http_check_origin(struct MHD_Connection *connection,
                                            const struct ay_http_guard *guard, bool preflight)
{
    static const char bearer[] = "Bearer ";
    const char *host = header(connection, MHD_HTTP_HEADER_HOST);
    const char *origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
    const char *given = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!guard->key && host && !is_loopback(host))
        return (struct ay_http_verdict){403, "this Host is not served"};
    const char *own = origin ? strstr(origin, "://") : NULL;
    bool same = own && host && !strcasecmp(own + 3, host);
    if (origin && !same && !ay_http_origin_listed(connection, guard))
        return (struct ay_http_verdict){403, "this Origin is not served"};
    if (guard->key && !preflight &&
        (!given || strncasecmp(given, bearer, sizeof bearer - 1) != 0 ||
         !same_key(given + sizeof bearer - 1, guard->key)))
        return (struct ay_http_verdict){401, "wrong or missing key"};
    return (struct ay_http_verdict){0};
}
