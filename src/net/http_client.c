#include "net/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ERROR_BYTES = 65536 }; /* of an answer whose body was to go to a sink */

struct ay_http_client {
    CURL *curl;
    struct curl_slist *headers; /* of every call */
    size_t max_bytes;
    atomic_bool cancelled;
    uint8_t *body;
    size_t len, room;
    ay_http_sink *sink;
    void *sink_ctx;
    enum ay_code refused; /* by the limit or the sink, while a call runs */
    char detail[CURL_ERROR_SIZE];
    char message[CURL_ERROR_SIZE + 300];
};

static void start_library(void)
{
    AY_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static enum ay_code keep(struct ay_http_client *client, struct ay_slice piece, size_t limit)
{
    size_t need = client->len + piece.len;
    if (need > limit) return AY_E_LIMIT;
    if (need + 1 > client->room) {
        size_t room = need + 1 > client->room * 2 ? need + 1 : client->room * 2;
        uint8_t *body = realloc(client->body, room);
        if (!body) return AY_E_MEMORY;
        client->body = body;
        client->room = room;
    }
    memcpy(client->body + client->len, piece.data, piece.len);
    client->len = need;
    client->body[need] = '\0';
    return AY_OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct ay_http_client *client = ctx;
    struct ay_slice piece = ay_slice(data, (uint32_t)(size * count));
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (!client->sink)
        client->refused = keep(client, piece, client->max_bytes);
    else if (status == 200)
        client->refused = client->sink(client->sink_ctx, piece);
    else
        client->refused = keep(client, piece, MAX_ERROR_BYTES);
    return client->refused == AY_OK ? piece.len : 0;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct ay_http_client *client = ctx;
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&client->cancelled);
}

static enum ay_code set_options(struct ay_http_client *client,
                                const struct ay_http_client_options *options)
{
    CURL *curl = client->curl;
    bool failed = false;
    if (options->key) {
        char line[1024];
        snprintf(line, sizeof line, "Authorization: Bearer %s", options->key);
        client->headers = curl_slist_append(client->headers, line);
        failed |= !client->headers;
    }
    const char *agent = options->user_agent ? options->user_agent : "assay";
    long connect_ms = options->connect_ms ? options->connect_ms : 5000;
    long total_ms = options->total_ms ? options->total_ms : 60000;
    failed |= curl_easy_setopt(curl, CURLOPT_USERAGENT, agent) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, total_ms) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, client) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client) != CURLE_OK;
    failed |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->detail) != CURLE_OK;
    return failed ? AY_E_MEMORY : AY_OK;
}

enum ay_code ay_http_client_open(const struct ay_http_client_options *options,
                                 struct ay_http_client **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_library);
    struct ay_http_client *client = calloc(1, sizeof *client);
    if (!client) return AY_E_MEMORY;
    client->max_bytes = options->max_bytes ? options->max_bytes : 16 << 20;
    client->curl = curl_easy_init();
    if (!client->curl || set_options(client, options) != AY_OK) {
        ay_http_client_close(client);
        return AY_E_MEMORY;
    }
    *out = client;
    return AY_OK;
}

void ay_http_client_close(struct ay_http_client *client)
{
    if (!client) return;
    curl_easy_cleanup(client->curl);
    curl_slist_free_all(client->headers);
    free(client->body);
    free(client);
}

const char *ay_http_client_message(const struct ay_http_client *client)
{
    return client->message;
}

void ay_http_client_cancel(struct ay_http_client *client)
{
    atomic_store(&client->cancelled, true);
}

static enum ay_code code_from(const struct ay_http_client *client, CURLcode result)
{
    if (client->refused != AY_OK) return client->refused;
    if (result == CURLE_OPERATION_TIMEDOUT) return AY_E_TIMEOUT;
    if (result == CURLE_ABORTED_BY_CALLBACK) return AY_E_INTERRUPTED;
    if (result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL) return AY_E_USAGE;
    if (result == CURLE_OUT_OF_MEMORY) return AY_E_MEMORY;
    return AY_E_UNREACHABLE;
}

static enum ay_code perform(struct ay_http_client *client, const char *url,
                            struct curl_slist *headers, struct ay_http_answer *answer)
{
    client->len = 0;
    client->refused = AY_OK;
    client->detail[0] = client->message[0] = '\0';
    enum ay_code code = keep(client, (struct ay_slice){(const uint8_t *)"", 0}, 0);
    if (code != AY_OK) return code;
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode result = curl_easy_perform(client->curl);
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (uint32_t)status;
    answer->body = ay_slice(client->body, (uint32_t)client->len);
    if (result == CURLE_OK) return AY_OK;
    code = code_from(client, result);
    const char *why = client->refused != AY_OK ? ay_code_info(code)->text
                      : *client->detail        ? client->detail
                                               : curl_easy_strerror(result);
    snprintf(client->message, sizeof client->message, "%.250s: %s", url, why);
    return code;
}

/* The lasting headers with type before them, for one call; the caller frees only the first. */
static struct curl_slist *with_type(struct ay_http_client *client, struct curl_slist *first,
                                    const char *type, char line[160])
{
    snprintf(line, 160, "Content-Type: %s", type);
    *first = (struct curl_slist){.data = line, .next = client->headers};
    return first;
}

enum ay_code ay_http_call(struct ay_http_client *client, const char *method, const char *url,
                          const char *type, struct ay_slice body, struct ay_http_answer *answer)
{
    CURL *curl = client->curl;
    struct curl_slist first, *headers = client->headers;
    char line[160];
    client->sink = NULL;
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (type) {
        headers = with_type(client, &first, type, line);
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.len ? (const char *)body.data : "");
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    enum ay_code code = perform(client, url, headers, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    return code;
}

enum ay_code ay_http_fetch(struct ay_http_client *client, const char *url, ay_http_sink *sink,
                           void *ctx, struct ay_http_answer *answer)
{
    client->sink = sink;
    client->sink_ctx = ctx;
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    enum ay_code code = perform(client, url, client->headers, answer);
    client->sink = NULL;
    return code;
}
