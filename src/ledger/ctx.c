#include "ledger/ctx.h"

#include "crypto/bech32.h"
#include "crypto/hash.h"
#include "ledger/events.h"
#include "ledger/gas.h"
#include "ledger/module.h"

#include <stdarg.h>
#include <stdio.h>

/* vsnprintf with %s %u %llu %x alone reads no locale and takes no heap. */
enum ay_code ay_refuse(struct ay_ctx *ctx, enum ay_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(ctx->reason, sizeof ctx->reason, format, args);
    va_end(args);
    AY_ASSERT(n >= 0);
    return code;
}

enum ay_code ay_emit(struct ay_ctx *ctx, const struct ay_msg *msg, const void *event)
{
    return ctx->events ? ay_events_add_message(ctx->events, msg, event) : AY_OK;
}

enum ay_code ay_gas_charge(struct ay_ctx *ctx, uint64_t amount)
{
    return ctx->gas ? ay_gas_use(ctx->gas, amount) : AY_OK;
}

enum ay_code ay_address_parse(struct ay_slice text, uint8_t out[AY_ADDRESS_BYTES])
{
    return ay_address_decode(text, out);
}

void ay_module_address(const char *module, uint8_t out[AY_ADDRESS_BYTES])
{
    struct ay_slice parts[2] = {ay_slice_str("assay/module/"), ay_slice_str(module)};
    uint8_t digest[AY_HASH_BYTES];
    ay_sha256_parts(parts, 2, digest);
    memcpy(out, digest, AY_ADDRESS_BYTES);
}

bool ay_is_module_address(struct ay_ctx *ctx, const uint8_t address[AY_ADDRESS_BYTES])
{
    uint8_t known[AY_ADDRESS_BYTES];
    ay_module_address(AY_FEES_MODULE, known);
    bool found = memcmp(known, address, sizeof known) == 0;
    for (const struct ay_module *const *m = ctx->economy->modules; *m && !found; m++) {
        ay_module_address((*m)->name, known);
        found = memcmp(known, address, sizeof known) == 0;
    }
    return found;
}
