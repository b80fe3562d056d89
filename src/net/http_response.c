/* Building answers, and finding the route that gives one. */
#include "net/http_internal.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ay_http_response_clear(struct ay_http_response *response)
{
    free(response->body);
    if (response->fd >= 0) close(response->fd);
    *response = (struct ay_http_response)AY_HTTP_EMPTY;
}

void ay_http_bytes(struct ay_http_response *response, uint32_t status, const char *type, void *body,
                   size_t len_bytes)
{
    ay_http_response_clear(response);
    response->status = body || len_bytes == 0 ? status : 500;
    response->type = type;
    response->body = (uint8_t *)body;
    response->len_bytes = body ? len_bytes : 0;
}

void ay_http_file(struct ay_http_response *response, const char *type, int fd, size_t len_bytes)
{
    ay_http_response_clear(response);
    response->type = type;
    response->fd = fd;
    response->len_bytes = len_bytes;
}

void ay_http_text(struct ay_http_response *response, uint32_t status, const char *type,
                  const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) return ay_http_bytes(response, 500, "text/plain", NULL, 0);
    ay_http_bytes(response, status, type, text, (size_t)len);
}

void ay_http_refuse(struct ay_http_response *response, enum ay_code code, const char *format, ...)
{
    const struct ay_code_info *info = ay_code_info(code);
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    char *text = NULL;
    json_t *root =
        json_pack("{s:i, s:s, s:o, s:[]}", "code", (int)info->wire, "codespace", info->codespace,
                  "message", json_sprintf("%s: %s", info->text, detail), "details");
    if (root) text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    ay_http_bytes(response, text ? info->http : 500, "application/json", text,
                  text ? strlen(text) : 0);
}

void ay_http_extra(struct ay_http_response *response, const char *name, const char *value)
{
    AY_ASSERT(response->extra_count < AY_HTTP_MAX_EXTRA);
    uint32_t i = response->extra_count++;
    response->extra[i].name = name;
    snprintf(response->extra[i].value, sizeof response->extra[i].value, "%s", value);
}

/* Whether path fits; captured segments are cut out of path, which is written to only then. */
static bool fits(const char *pattern, char *path, const char *param[AY_HTTP_MAX_PARAMS])
{
    char *start[AY_HTTP_MAX_PARAMS], *end[AY_HTTP_MAX_PARAMS];
    uint32_t n = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++) return false;
            continue;
        }
        AY_ASSERT(n < AY_HTTP_MAX_PARAMS);
        pattern = strchr(pattern, '}');
        AY_ASSERT(pattern != NULL);
        pattern++;
        start[n] = path;
        path += strcspn(path, "/");
        if (path == start[n]) return false;
        end[n++] = path;
    }
    if (*path) return false;
    for (uint32_t i = 0; i < n; i++) {
        *end[i] = '\0';
        param[i] = start[i];
    }
    return true;
}

const struct ay_http_route *ay_http_route_find(const struct ay_http_route *routes, uint32_t count,
                                               enum ay_http_method method, char *path,
                                               const char *param[AY_HTTP_MAX_PARAMS], bool *other)
{
    *other = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct ay_http_route *route = &routes[i];
        if (route->method == method) {
            if (fits(route->pattern, path, param)) return route;
        } else if (!*other) {
            char *copy = strdup(path);
            const char *unused[AY_HTTP_MAX_PARAMS];
            *other = copy && fits(route->pattern, copy, unused);
            free(copy);
        }
    }
    return NULL;
}
