#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

enum md { SHA256_MD, SHA512_MD, RIPEMD160_MD, MD_COUNT };

static EVP_MD *mds[MD_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key; /* its destructor frees a thread's context */
static _Thread_local EVP_MD_CTX *thread_ctx;

static void free_context(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void free_all(void)
{
    EVP_MD_CTX_free(thread_ctx); /* key destructors do not run for the thread that exits last */
    thread_ctx = NULL;
    (void)pthread_setspecific(context_key, NULL);
    for (int i = 0; i < MD_COUNT; i++) EVP_MD_free(mds[i]);
}

static void fetch_all(void)
{
    static const char *const names[MD_COUNT] = {"SHA256", "SHA512", "RIPEMD160"};
    for (int i = 0; i < MD_COUNT; i++) {
        mds[i] = EVP_MD_fetch(NULL, names[i], NULL);
        AY_ASSERT(mds[i]);
    }
    AY_ASSERT(pthread_key_create(&context_key, free_context) == 0);
    (void)atexit(free_all);
}

static const EVP_MD *algorithm(enum md md)
{
    AY_ASSERT(pthread_once(&once, fetch_all) == 0);
    return mds[md];
}

static EVP_MD_CTX *begin(enum md md)
{
    const EVP_MD *type = algorithm(md);
    if (!thread_ctx) {
        thread_ctx = EVP_MD_CTX_new();
        AY_ASSERT(thread_ctx);
        AY_ASSERT(pthread_setspecific(context_key, thread_ctx) == 0);
    }
    AY_ASSERT(EVP_DigestInit_ex2(thread_ctx, type, NULL) == 1);
    return thread_ctx;
}

static void update(EVP_MD_CTX *ctx, const void *data, size_t len)
{
    if (len) AY_ASSERT(EVP_DigestUpdate(ctx, data, len) == 1);
}

static void digest(enum md md, struct ay_slice in, uint8_t *out)
{
    EVP_MD_CTX *ctx = begin(md);
    update(ctx, in.data, in.len);
    AY_ASSERT(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

void ay_sha256(struct ay_slice in, uint8_t out[32])
{
    digest(SHA256_MD, in, out);
}

void ay_sha512(struct ay_slice in, uint8_t out[64])
{
    digest(SHA512_MD, in, out);
}

void ay_ripemd160(struct ay_slice in, uint8_t out[20])
{
    digest(RIPEMD160_MD, in, out);
}

void ay_sha256_parts(const struct ay_slice *parts, size_t count, uint8_t out[32])
{
    EVP_MD_CTX *ctx = begin(SHA256_MD);
    for (size_t i = 0; i < count; i++) update(ctx, parts[i].data, parts[i].len);
    AY_ASSERT(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

void ay_sha256_long(struct ay_slice tag, const void *data, uint64_t len, uint8_t out[32])
{
    EVP_MD_CTX *ctx = begin(SHA256_MD);
    update(ctx, tag.data, tag.len);
    update(ctx, data, len);
    AY_ASSERT(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

void ay_hmac_sha512(struct ay_slice key, struct ay_slice in, uint8_t out[64])
{
    static const uint8_t none[1];
    unsigned len = 64;
    AY_ASSERT(key.len <= INT32_MAX);
    AY_ASSERT(HMAC(algorithm(SHA512_MD), key.len ? key.data : none, (int)key.len,
                   in.len ? in.data : none, in.len, out, &len));
}

/* A stream is an EVP_MD_CTX under a name of ours. */
struct ay_sha256_stream *ay_sha256_begin(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    AY_ASSERT(ctx);
    AY_ASSERT(EVP_DigestInit_ex2(ctx, algorithm(SHA256_MD), NULL) == 1);
    return (struct ay_sha256_stream *)ctx;
}

void ay_sha256_update(struct ay_sha256_stream *stream, const void *data, size_t len)
{
    update((EVP_MD_CTX *)stream, data, len);
}

void ay_sha256_final(struct ay_sha256_stream *stream, uint8_t out[32])
{
    EVP_MD_CTX *ctx = (EVP_MD_CTX *)stream;
    if (out) AY_ASSERT(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx);
}
