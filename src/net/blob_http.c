#include "net/blob_http.h"

#include "base/text.h"
#include "crypto/merkle.h"
#include "net/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_BYTES = 512, HEX_BYTES = 65 };

static void hex_of(const uint8_t id[32], char out[HEX_BYTES])
{
    struct ay_text text = ay_text_over(out, HEX_BYTES);
    ay_text_hex(&text, ay_slice(id, 32));
}

/* Serving */

static bool read_id(const struct ay_http_request *request, struct ay_http_response *response,
                    uint8_t id[32])
{
    uint32_t len = 0;
    if (ay_parse_hex(ay_slice_str(request->param[0]), id, 32, &len) == AY_OK && len == 32)
        return true;
    ay_http_refuse(response, AY_E_FORMAT, "a blob's id is 64 hex digits");
    return false;
}

void ay_blob_http_put(void *ctx, const struct ay_http_request *request,
                      struct ay_http_response *response)
{
    uint8_t id[32];
    char hex[HEX_BYTES];
    enum ay_code code = ay_blob_put(ctx, request->body, id);
    if (code != AY_OK) return ay_http_refuse(response, code, "blob not stored");
    hex_of(id, hex);
    ay_http_text(response, 201, "application/json", "{\"id\":\"%s\",\"len\":\"%u\"}", hex,
                 request->body.len);
}

void ay_blob_http_get(void *ctx, const struct ay_http_request *request,
                      struct ay_http_response *response)
{
    uint8_t id[32];
    int fd;
    uint64_t len;
    if (!read_id(request, response, id)) return;
    enum ay_code code = ay_blob_file(ctx, id, &fd, &len);
    if (code != AY_OK) return ay_http_refuse(response, code, "blob %s", request->param[0]);
    ay_http_file(response, "application/octet-stream", fd, len);
    ay_http_extra(response, "Cache-Control", "public, max-age=31536000, immutable");
}

static uint32_t chunks_of(uint64_t len_bytes)
{
    return (uint32_t)((len_bytes + AY_BLOB_CHUNK - 1) / AY_BLOB_CHUNK);
}

static struct ay_slice chunk_at(const uint8_t *bytes, uint64_t len_bytes, uint32_t i)
{
    uint64_t at = (uint64_t)i * AY_BLOB_CHUNK, rest = len_bytes - at;
    return ay_slice(bytes + at, rest < AY_BLOB_CHUNK ? (uint32_t)rest : AY_BLOB_CHUNK);
}

static bool read_number(const struct ay_http_request *request, const char *name, uint64_t *out)
{
    const char *text = ay_http_arg(request, name);
    return text && ay_parse_u64(ay_slice_str(text), UINT32_MAX, out) == AY_OK;
}

/* The answer: {"proof":["<hex>"…],"bytes":"<base64>"}. */
static void answer_range(struct ay_http_response *response, const uint8_t *bytes, uint32_t len,
                         uint32_t first, uint32_t count)
{
    uint32_t chunks = chunks_of(len);
    uint8_t proof[AY_MERKLE_MAX_PROOF][32];
    uint8_t(*leaves)[32] = calloc(chunks, sizeof *leaves);
    uint64_t from = (uint64_t)first * AY_BLOB_CHUNK, to = from + (uint64_t)count * AY_BLOB_CHUNK;
    uint32_t range = (uint32_t)((to < len ? to : len) - from);
    uint32_t room = range / 3 * 4 + AY_MERKLE_MAX_PROOF * (HEX_BYTES + 2) + 64;
    char *text = malloc(room);
    if (!leaves || !text) {
        free(leaves);
        free(text);
        return ay_http_refuse(response, AY_E_MEMORY, "proof");
    }
    for (uint32_t i = 0; i < chunks; i++) ay_merkle_leaf(chunk_at(bytes, len, i), leaves[i]);
    size_t n = ay_merkle_prove((const uint8_t(*)[32])leaves, chunks, first, count, proof);
    struct ay_text out = ay_text_over(text, room);
    ay_text_str(&out, "{\"proof\":[");
    for (size_t i = 0; i < n; i++) {
        ay_text_str(&out, i ? ",\"" : "\"");
        ay_text_hex(&out, AY_SLICE_OF(proof[i]));
        ay_text_char(&out, '"');
    }
    ay_text_str(&out, "],\"bytes\":\"");
    ay_text_base64(&out, ay_slice(bytes + from, range));
    ay_text_str(&out, "\"}");
    AY_ASSERT(!out.full);
    free(leaves);
    ay_http_bytes(response, 200, "application/json", text, out.len);
}

void ay_blob_http_proof(void *ctx, const struct ay_http_request *request,
                        struct ay_http_response *response)
{
    uint8_t id[32], *bytes;
    uint32_t len;
    uint64_t first, count;
    if (!read_id(request, response, id)) return;
    if (!read_number(request, "first", &first) || !read_number(request, "count", &count))
        return ay_http_refuse(response, AY_E_FORMAT, "first and count are decimal numbers");
    enum ay_code code = ay_blob_get(ctx, id, &bytes, &len);
    if (code != AY_OK) return ay_http_refuse(response, code, "blob %s", request->param[0]);
    if (count == 0 || count > AY_BLOB_MAX_RANGE || first + count > chunks_of(len))
        ay_http_refuse(response, AY_E_RANGE, "1 to %d chunks of %u", AY_BLOB_MAX_RANGE,
                       chunks_of(len));
    else
        answer_range(response, bytes, len, (uint32_t)first, (uint32_t)count);
    free(bytes);
}

/* Asking */

/* The code that a refusal carries, else what the status says. */
static enum ay_code code_of(const struct ay_http_answer *answer)
{
    char why[160];
    json_t *root = NULL;
    const char *codespace;
    int64_t wire;
    enum ay_code code = AY_CODE_COUNT;
    if (ay_json_parse(answer->body, &root, why, sizeof why) == AY_OK &&
        ay_json_string(root, "codespace", &codespace) == AY_OK &&
        ay_json_int64(root, "code", &wire) == AY_OK && wire > 0 && wire <= UINT32_MAX)
        code = ay_code_find(codespace, (uint32_t)wire);
    json_decref(root);
    if (code != AY_CODE_COUNT && code != AY_OK) return code;
    switch (answer->status) {
    case 401:
    case 403: return AY_E_KEY;
    case 404: return AY_E_NOT_FOUND;
    case 413: return AY_E_LIMIT;
    default: return AY_E_FORMAT;
    }
}

enum ay_code ay_blob_upload(struct ay_http_client *client, const char *base, struct ay_slice bytes,
                            uint8_t id[32])
{
    char url[URL_BYTES], hex[HEX_BYTES], why[160];
    struct ay_http_answer answer;
    snprintf(url, sizeof url, "%s/blobs", base);
    AY_TRY(ay_http_call(client, "PUT", url, "application/octet-stream", bytes, &answer));
    if (answer.status != 201) return code_of(&answer);
    ay_blob_id(bytes, id);
    hex_of(id, hex);
    json_t *root = NULL;
    const char *named;
    enum ay_code code = ay_json_parse(answer.body, &root, why, sizeof why);
    if (code == AY_OK) code = ay_json_string(root, "id", &named);
    if (code == AY_OK && strcmp(named, hex) != 0) code = AY_E_HASH;
    json_decref(root);
    return code;
}

static enum ay_code to_writer(void *ctx, struct ay_slice piece)
{
    return ay_blob_append(ctx, piece);
}

enum ay_code ay_blob_download(struct ay_http_client *client, const char *base, const uint8_t id[32],
                              struct ay_blob_store *store)
{
    char url[URL_BYTES], hex[HEX_BYTES];
    struct ay_http_answer answer;
    struct ay_blob_writer *writer;
    hex_of(id, hex);
    snprintf(url, sizeof url, "%s/blobs/%s", base, hex);
    AY_TRY(ay_blob_begin(store, &writer));
    enum ay_code code = ay_http_fetch(client, url, to_writer, writer, &answer);
    if (code == AY_OK && answer.status == 200) return ay_blob_commit(writer, id, NULL);
    ay_blob_abort(writer);
    return code == AY_OK ? code_of(&answer) : code;
}

/* Checks an answer to a proof request; bytes decoded in place into room. */
static enum ay_code check_range(const json_t *root, const uint8_t id[32], uint64_t len_bytes,
                                uint32_t first, uint32_t count, uint8_t *room, uint32_t expected)
{
    uint8_t proof[AY_MERKLE_MAX_PROOF][32], leaves[AY_BLOB_MAX_RANGE][32];
    const json_t *hashes = json_object_get(root, "proof");
    const char *text;
    uint32_t len = 0;
    size_t n = json_array_size(hashes);
    AY_TRY(ay_json_string(root, "bytes", &text));
    if (n > AY_MERKLE_MAX_PROOF) return AY_E_FORMAT;
    for (size_t i = 0; i < n; i++) {
        const char *hex = json_string_value(json_array_get(hashes, i));
        if (!hex || ay_parse_hex(ay_slice_str(hex), proof[i], 32, &len) != AY_OK || len != 32)
            return AY_E_FORMAT;
    }
    AY_TRY(ay_parse_base64(ay_slice_str(text), room, expected, &len));
    if (len != expected) return AY_E_HASH;
    for (uint32_t i = 0; i < count; i++) ay_merkle_leaf(chunk_at(room, len, i), leaves[i]);
    return ay_merkle_verify(id, chunks_of(len_bytes), first, count, (const uint8_t(*)[32])leaves,
                            (const uint8_t(*)[32])proof, n);
}

enum ay_code ay_blob_range(struct ay_http_client *client, const char *base, const uint8_t id[32],
                           uint64_t len_bytes, uint32_t first, uint32_t count, uint8_t *bytes,
                           uint32_t *len)
{
    char url[URL_BYTES], hex[HEX_BYTES], why[160];
    struct ay_http_answer answer;
    if (count == 0 || count > AY_BLOB_MAX_RANGE || (uint64_t)first + count > chunks_of(len_bytes))
        return AY_E_RANGE;
    uint64_t from = (uint64_t)first * AY_BLOB_CHUNK, to = from + (uint64_t)count * AY_BLOB_CHUNK;
    uint32_t expected = (uint32_t)((to < len_bytes ? to : len_bytes) - from);
    hex_of(id, hex);
    snprintf(url, sizeof url, "%s/blobs/%s/proof?first=%u&count=%u", base, hex, first, count);
    AY_TRY(ay_http_call(client, "GET", url, NULL, (struct ay_slice){0}, &answer));
    if (answer.status != 200) return code_of(&answer);
    json_t *root = NULL;
    enum ay_code code = ay_json_parse(answer.body, &root, why, sizeof why);
    if (code == AY_OK) code = check_range(root, id, len_bytes, first, count, bytes, expected);
    json_decref(root);
    if (code == AY_OK) *len = expected;
    return code;
}
