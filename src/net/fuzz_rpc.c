/* Fuzz target: a JSON-RPC message of any bytes, to a method with an argument of each kind. The
 * answer is always JSON of the protocol's shape. With AY_PLANTED_BUG the method reads past an
 * argument's end, to see that the fuzzer finds what needs a whole request around it. */
#include "net/jsonrpc.h"

#include "net/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t seen;

/* Reads all that it was given. */
static enum ay_code touch(void *ctx, const struct ay_rpc_call *call, json_t **result,
                          struct ay_rpc_error *error)
{
    (void)ctx;
    (void)error;
    for (size_t i = 0; i < 5; i++) {
        const struct ay_rpc_value *value = &call->arg[i];
        if (!value->text) abort();
        uint32_t end = value->bytes.len;
#ifdef AY_PLANTED_BUG
        if (i == 4 && call->arg[1].number == 7) end = 64;
#endif
        for (uint32_t j = 0; j < end; j++) seen = (uint8_t)(seen ^ value->bytes.data[j]);
    }
    *result = json_string(call->arg[0].text);
    return *result ? AY_OK : AY_E_FORMAT;
}

static const struct ay_rpc_method methods[] = {{"touch",
                                                touch,
                                                false,
                                                {{"text", AY_RPC_TEXT},
                                                 {"number", AY_RPC_INT},
                                                 {"flag", AY_RPC_BOOL},
                                                 {"tx", AY_RPC_BASE64},
                                                 {"data", AY_RPC_HEX}}}};

static void check(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    const char *version = json_string_value(json_object_get(answer, "jsonrpc"));
    if (!version || strcmp(version, "2.0") != 0) abort();
    if ((error != NULL) == (json_object_get(answer, "result") != NULL)) abort();
    if (error && !json_is_integer(json_object_get(error, "code"))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ay_rpc rpc = {methods, 1, NULL};
    char *text, why[160];
    size_t len;
    json_t *answer = NULL;
    ay_rpc_message(&rpc, ay_slice(data, (uint32_t)size), NULL, &text, &len);
    if (!text) return 0;
    if (ay_json_parse(ay_slice(text, (uint32_t)len), &answer, why, sizeof why) != AY_OK) abort();
    free(text);
    if (json_is_object(answer)) check(answer);
    for (size_t i = 0; i < json_array_size(answer); i++) check(json_array_get(answer, i));
    json_decref(answer);
    return 0;
}
