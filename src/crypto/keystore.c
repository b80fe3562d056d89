#include "crypto/keystore.h"

#include "crypto/ed25519.h"
#include "crypto/secp256k1.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file: a head that anyone may read, then the sealed secret. */
#define MAGIC "assay-key/v1"
enum {
    MAGIC_AT = 0,
    KIND_AT = 12,
    PUBKEY_AT = 13,
    PASSES_AT = 46,
    MEMORY_AT = 50, /* KiB */
    SALT_AT = 54,
    NONCE_AT = 70,
    HEAD_BYTES = 94,
    PLAIN_BYTES = 32 + 1 + AY_MNEMONIC_MAX_ENTROPY,
    FILE_BYTES = HEAD_BYTES + PLAIN_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
    PASSES = 3,
    MEMORY_KIB = 64 << 10,
    MAX_PASSES = 16, /* a file may not ask for more work than this */
    MAX_MEMORY_KIB = 1 << 20,
};
_Static_assert(crypto_pwhash_SALTBYTES == NONCE_AT - SALT_AT, "salt");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == HEAD_BYTES - NONCE_AT, "nonce");

/* ---- secrets ---- */

struct ay_secret *ay_secret_new(void)
{
    AY_ASSERT(sodium_init() >= 0);
    struct ay_secret *secret = sodium_malloc(sizeof *secret);
    if (secret) memset(secret, 0, sizeof *secret);
    return secret;
}

void ay_secret_free(struct ay_secret *secret)
{
    sodium_free(secret);
}

static enum ay_code from_entropy(struct ay_secret *secret)
{
    secret->kind = AY_KEY_SECP256K1;
    return ay_mnemonic_account(ay_slice(secret->entropy, secret->entropy_len), secret->seckey);
}

enum ay_code ay_secret_generate(struct ay_secret *secret)
{
    secret->entropy_len = AY_MNEMONIC_MAX_ENTROPY;
    randombytes_buf(secret->entropy, AY_MNEMONIC_MAX_ENTROPY);
    return from_entropy(secret);
}

enum ay_code ay_secret_recover(struct ay_secret *secret, struct ay_slice words)
{
    AY_TRY(ay_mnemonic_decode(words, secret->entropy, &secret->entropy_len));
    return from_entropy(secret);
}

void ay_secret_generate_ed25519(struct ay_secret *secret)
{
    secret->kind = AY_KEY_ED25519;
    secret->entropy_len = 0;
    ay_ed25519_random(secret->seckey);
}

enum ay_code ay_secret_words(const struct ay_secret *secret, char out[AY_MNEMONIC_MAX_CHARS + 1])
{
    if (secret->entropy_len == 0) return AY_E_NOT_FOUND;
    return ay_mnemonic_encode(ay_slice(secret->entropy, secret->entropy_len), out);
}

enum ay_code ay_secret_pubkey(const struct ay_secret *secret, uint8_t pubkey[33])
{
    memset(pubkey, 0, 33);
    if (secret->kind == AY_KEY_SECP256K1) return ay_secp256k1_pubkey(secret->seckey, pubkey);
    if (secret->kind != AY_KEY_ED25519) return AY_E_KEY;
    ay_ed25519_pubkey(secret->seckey, pubkey);
    return AY_OK;
}

/* ---- paths ---- */

static enum ay_code errno_code(void)
{
    switch (errno) {
    case ENOENT: return AY_E_NOT_FOUND;
    case EEXIST: return AY_E_EXISTS;
    case ELOOP: return AY_E_STATE; /* O_NOFOLLOW met a link */
    case ENOMEM: return AY_E_MEMORY;
    case ENOSPC:
    case EFBIG:
    case EDQUOT: return AY_E_DISK_FULL;
    default: return AY_E_IO;
    }
}

/* No dot and no slash, so a name cannot leave the folder or hide. */
static bool name_is_good(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return len >= 1 && len <= AY_KEY_MAX_NAME && name[len] == 0;
}

struct file_name {
    char text[AY_KEY_MAX_NAME + sizeof ".key"];
};

static struct file_name file_name(const char *name)
{
    struct file_name out;
    (void)snprintf(out.text, sizeof out.text, "%s.key", name);
    return out;
}

static enum ay_code open_folder(const char *folder, int *fd)
{
    struct stat st;
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) return errno_code();
    enum ay_code code = fstat(*fd, &st) != 0 ? errno_code() : st.st_mode & 077 ? AY_E_STATE : AY_OK;
    if (code != AY_OK) close(*fd);
    return code;
}

/* ---- sealing ---- */

/* The name is authenticated with the head, so that a file cannot pass for another key. */
struct bound_head {
    uint8_t bytes[HEAD_BYTES + AY_KEY_MAX_NAME];
    uint32_t len;
};

static struct bound_head bind_head(const uint8_t *head, const char *name)
{
    struct bound_head out = {.len = HEAD_BYTES + (uint32_t)strlen(name)};
    memcpy(out.bytes, head, HEAD_BYTES);
    memcpy(out.bytes + HEAD_BYTES, name, out.len - HEAD_BYTES);
    return out;
}

/* Locked memory for what one call needs in the clear. */
struct clear {
    char passphrase[AY_KEY_MAX_PASSPHRASE];
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    uint8_t plain[PLAIN_BYTES];
};

static enum ay_code clear_new(struct clear **out)
{
    AY_ASSERT(sodium_init() >= 0);
    *out = sodium_malloc(sizeof **out);
    return *out ? AY_OK : AY_E_MEMORY;
}

static enum ay_code stretch(struct clear *clear, const uint8_t *head, const char *name, bool fresh,
                            const struct ay_passphrase *passphrase)
{
    uint32_t len = 0;
    AY_TRY(passphrase->ask(passphrase->self, name, fresh, clear->passphrase, &len));
    AY_ASSERT(len <= AY_KEY_MAX_PASSPHRASE);
    int rc =
        crypto_pwhash(clear->key, sizeof clear->key, clear->passphrase, len, head + SALT_AT,
                      ay_get_be32(head + PASSES_AT), (size_t)ay_get_be32(head + MEMORY_AT) << 10,
                      crypto_pwhash_ALG_ARGON2ID13);
    return rc == 0 ? AY_OK : AY_E_MEMORY;
}

static enum ay_code seal(const char *name, const struct ay_secret *secret,
                         const struct ay_passphrase *passphrase, uint8_t file[FILE_BYTES])
{
    struct clear *clear;
    memcpy(file + MAGIC_AT, MAGIC, KIND_AT);
    file[KIND_AT] = (uint8_t)secret->kind;
    AY_TRY(ay_secret_pubkey(secret, file + PUBKEY_AT));
    ay_put_be32(file + PASSES_AT, PASSES);
    ay_put_be32(file + MEMORY_AT, MEMORY_KIB);
    randombytes_buf(file + SALT_AT, HEAD_BYTES - SALT_AT);

    AY_TRY(clear_new(&clear));
    enum ay_code code = stretch(clear, file, name, true, passphrase);
    if (code == AY_OK) {
        struct bound_head bound = bind_head(file, name);
        memcpy(clear->plain, secret->seckey, 32);
        clear->plain[32] = (uint8_t)secret->entropy_len;
        memcpy(clear->plain + 33, secret->entropy, AY_MNEMONIC_MAX_ENTROPY);
        crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEAD_BYTES, NULL, clear->plain,
                                                   PLAIN_BYTES, bound.bytes, bound.len, NULL,
                                                   file + NONCE_AT, clear->key);
    }
    sodium_free(clear);
    return code;
}

static enum ay_code unseal(const uint8_t file[FILE_BYTES], const char *name,
                           const struct ay_passphrase *passphrase, struct ay_secret *secret)
{
    struct clear *clear;
    uint8_t pubkey[33];
    AY_TRY(clear_new(&clear));
    struct bound_head bound = bind_head(file, name);
    enum ay_code code = stretch(clear, file, name, false, passphrase);
    if (code == AY_OK && crypto_aead_xchacha20poly1305_ietf_decrypt(
                             clear->plain, NULL, NULL, file + HEAD_BYTES, FILE_BYTES - HEAD_BYTES,
                             bound.bytes, bound.len, file + NONCE_AT, clear->key) != 0)
        code = AY_E_KEY;
    if (code == AY_OK && clear->plain[32] > AY_MNEMONIC_MAX_ENTROPY) code = AY_E_FORMAT;
    if (code == AY_OK) {
        secret->kind = (enum ay_key_kind)file[KIND_AT];
        memcpy(secret->seckey, clear->plain, 32);
        secret->entropy_len = clear->plain[32];
        memcpy(secret->entropy, clear->plain + 33, AY_MNEMONIC_MAX_ENTROPY);
        code = ay_secret_pubkey(secret, pubkey);
    }
    sodium_free(clear);
    return code == AY_OK && memcmp(pubkey, file + PUBKEY_AT, 33) != 0 ? AY_E_FORMAT : code;
}

/* ---- files ---- */

static enum ay_code read_key(int folder, const char *name, uint8_t file[FILE_BYTES])
{
    struct stat st;
    uint8_t more;
    int fd = openat(folder, file_name(name).text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return errno_code();
    enum ay_code code = AY_OK;
    if (fstat(fd, &st) != 0)
        code = errno_code();
    else if (!S_ISREG(st.st_mode) || st.st_mode & 077)
        code = AY_E_STATE;
    else if (read(fd, file, FILE_BYTES) != FILE_BYTES || read(fd, &more, 1) != 0)
        code = AY_E_FORMAT;
    close(fd);
    AY_TRY(code);
    uint32_t passes = ay_get_be32(file + PASSES_AT), memory = ay_get_be32(file + MEMORY_AT);
    bool good = memcmp(file + MAGIC_AT, MAGIC, KIND_AT) == 0 && file[KIND_AT] != AY_KEY_NONE &&
                file[KIND_AT] < AY_KEY_KIND_COUNT && passes >= 1 && passes <= MAX_PASSES &&
                memory >= 8 && memory <= MAX_MEMORY_KIB;
    return good ? AY_OK : AY_E_FORMAT;
}

/* Written and synced under a name that no key has, then put in place without replacing anything. */
static enum ay_code write_key(int folder, const char *name, const uint8_t file[FILE_BYTES])
{
    char temporary[32];
    (void)snprintf(temporary, sizeof temporary, ".new-%08x%08x", randombytes_random(),
                   randombytes_random());
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return errno_code();
    enum ay_code code = AY_OK;
    errno = ENOSPC; /* what a short write without an error of its own means */
    if (write(fd, file, FILE_BYTES) != FILE_BYTES || fsync(fd) != 0) code = errno_code();
    close(fd);
    if (code == AY_OK &&
        renameat2(folder, temporary, folder, file_name(name).text, RENAME_NOREPLACE) != 0)
        code = errno_code();
    if (code != AY_OK) {
        unlinkat(folder, temporary, 0);
        return code;
    }
    return fsync(folder) == 0 ? AY_OK : errno_code();
}

enum ay_code ay_keystore_add(const char *folder, const char *name, const struct ay_secret *secret,
                             const struct ay_passphrase *passphrase)
{
    uint8_t file[FILE_BYTES];
    struct stat st;
    int fd;
    if (!name_is_good(name)) return AY_E_RANGE;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) return errno_code();
    AY_TRY(open_folder(folder, &fd));
    enum ay_code code = AY_OK; /* say so before asking for a passphrase; the rename decides */
    if (fstatat(fd, file_name(name).text, &st, AT_SYMLINK_NOFOLLOW) == 0) code = AY_E_EXISTS;
    if (code == AY_OK) code = seal(name, secret, passphrase, file);
    if (code == AY_OK) code = write_key(fd, name, file);
    close(fd);
    return code;
}

static enum ay_code read_named(const char *folder, const char *name, uint8_t file[FILE_BYTES])
{
    int fd;
    if (!name_is_good(name)) return AY_E_RANGE;
    AY_TRY(open_folder(folder, &fd));
    enum ay_code code = read_key(fd, name, file);
    close(fd);
    return code;
}

enum ay_code ay_keystore_open(const char *folder, const char *name,
                              const struct ay_passphrase *passphrase, struct ay_secret *secret)
{
    uint8_t file[FILE_BYTES];
    AY_TRY(read_named(folder, name, file));
    return unseal(file, name, passphrase, secret);
}

enum ay_code ay_keystore_info(const char *folder, const char *name, struct ay_key_info *info)
{
    uint8_t file[FILE_BYTES];
    AY_TRY(read_named(folder, name, file));
    memset(info, 0, sizeof *info);
    (void)snprintf(info->name, sizeof info->name, "%s", name);
    info->kind = (enum ay_key_kind)file[KIND_AT];
    memcpy(info->pubkey, file + PUBKEY_AT, 33);
    return AY_OK;
}

enum ay_code ay_keystore_remove(const char *folder, const char *name)
{
    int fd;
    if (!name_is_good(name)) return AY_E_RANGE;
    AY_TRY(open_folder(folder, &fd));
    enum ay_code code = AY_OK;
    if (unlinkat(fd, file_name(name).text, 0) != 0 || fsync(fd) != 0) code = errno_code();
    close(fd);
    return code;
}

/* Cuts ".key" off; false for a file that is no key of ours. */
static bool key_name(const char *file, char name[AY_KEY_MAX_NAME + 1])
{
    size_t len = strlen(file);
    if (len < 5 || len - 4 > AY_KEY_MAX_NAME || strcmp(file + len - 4, ".key") != 0) return false;
    memcpy(name, file, len - 4);
    name[len - 4] = 0;
    return name_is_good(name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ay_key_info *)a)->name, ((const struct ay_key_info *)b)->name);
}

enum ay_code ay_keystore_list(const char *folder, struct ay_key_info *infos, uint32_t max,
                              uint32_t *count)
{
    char name[AY_KEY_MAX_NAME + 1];
    int fd;
    *count = 0;
    enum ay_code code = open_folder(folder, &fd);
    if (code != AY_OK) return code == AY_E_NOT_FOUND ? AY_OK : code;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return AY_E_MEMORY;
    }
    for (struct dirent *entry; code == AY_OK && (entry = readdir(dir));) {
        if (!key_name(entry->d_name, name)) continue;
        if (*count == max) {
            code = AY_E_LIMIT;
            break;
        }
        code = ay_keystore_info(folder, name, &infos[*count]);
        if (code != AY_OK) memcpy(infos[*count].name, name, sizeof name);
        *count += code == AY_OK;
    }
    closedir(dir);
    if (*count) qsort(infos, *count, sizeof *infos, by_name);
    return code;
}
