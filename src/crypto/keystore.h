/* Keys at rest: one file a key, `<folder>/<name>.key`, sealed with XChaCha20-Poly1305 under
 * argon2id(passphrase) at 64 MiB and 3 passes (RFC 9106's second choice), about 0.1 s to open.
 * Name, kind and public key can be read without the passphrase and are authenticated with it.
 *
 * The folder is 0700 and files 0600; wider ones are refused. A new file is written beside its
 * place, synced, put there without replacing anything, and the folder synced: after a crash a key
 * is whole or absent.
 *
 * Codes shared below: AY_E_RANGE: name is not [a-z0-9_-]{1,32}. AY_E_NOT_FOUND: no such key.
 * AY_E_STATE: folder or file may be read by others, or is no plain file. AY_E_FORMAT: not a key
 * file. AY_E_KEY: wrong passphrase, or the file was changed. AY_E_DISK_FULL, AY_E_MEMORY,
 * AY_E_IO. */
#ifndef AY_CRYPTO_KEYSTORE_H
#define AY_CRYPTO_KEYSTORE_H

#include "base/bytes.h"
#include "base/code.h"
#include "crypto/mnemonic.h"

#define AY_KEY_MAX_NAME       32
#define AY_KEY_MAX_PASSPHRASE 256

enum ay_key_kind { AY_KEY_NONE, AY_KEY_SECP256K1, AY_KEY_ED25519, AY_KEY_KIND_COUNT };

/* In locked, guarded memory: only ay_secret_new makes one. */
struct ay_secret {
    enum ay_key_kind kind;
    uint8_t seckey[32];   /* scalar of secp256k1, seed of ed25519 */
    uint32_t entropy_len; /* bytes of phrase entropy that the key came from, 0 if from none */
    uint8_t entropy[AY_MNEMONIC_MAX_ENTROPY];
};

/* What anyone who can read the file may know. */
struct ay_key_info {
    char name[AY_KEY_MAX_NAME + 1];
    enum ay_key_kind kind;
    uint8_t pubkey[33]; /* compressed; ed25519 fills 32 and the last is 0 */
};

/* Asks for a passphrase: writes up to AY_KEY_MAX_PASSPHRASE bytes to out (locked memory), their
 * number to len; it may be empty. `fresh`: it is being chosen, so ask twice. A code other than
 * AY_OK ends the call with that code. */
struct ay_passphrase {
    void *self;
    enum ay_code (*ask)(void *self, const char *name, bool fresh, char *out, uint32_t *len);
};

/* A zeroed secret, NULL when out of memory; _free zeroes it. */
struct ay_secret *ay_secret_new(void) AY_MUST;
void ay_secret_free(struct ay_secret *secret);

/* Fills a secret from a phrase of 24 new words, or from words that the user has (AY_E_FORMAT). */
enum ay_code ay_secret_generate(struct ay_secret *secret) AY_MUST;
enum ay_code ay_secret_recover(struct ay_secret *secret, struct ay_slice words) AY_MUST;
/* A new ed25519 key; it has no phrase. */
void ay_secret_generate_ed25519(struct ay_secret *secret);
/* The words again. AY_E_NOT_FOUND: the key came from none. */
enum ay_code ay_secret_words(const struct ay_secret *secret,
                             char out[AY_MNEMONIC_MAX_CHARS + 1]) AY_MUST;
/* pubkey as in ay_key_info. AY_E_KEY: not a secret key. */
enum ay_code ay_secret_pubkey(const struct ay_secret *secret, uint8_t pubkey[33]) AY_MUST;

/* Writes a new key; makes the folder if missing. AY_E_EXISTS: the name is taken. */
enum ay_code ay_keystore_add(const char *folder, const char *name, const struct ay_secret *secret,
                             const struct ay_passphrase *passphrase) AY_MUST;
enum ay_code ay_keystore_open(const char *folder, const char *name,
                              const struct ay_passphrase *passphrase,
                              struct ay_secret *secret) AY_MUST;
enum ay_code ay_keystore_info(const char *folder, const char *name,
                              struct ay_key_info *info) AY_MUST;
enum ay_code ay_keystore_remove(const char *folder, const char *name) AY_MUST;

/* All keys by name, at most `max`; *count says how many. A folder that is missing is empty.
 * AY_E_LIMIT: more than max. Another code: of the key that infos[*count].name is, or of the folder when
 * that is empty; those before it are filled. */
enum ay_code ay_keystore_list(const char *folder, struct ay_key_info *infos, uint32_t max,
                              uint32_t *count) AY_MUST;

#endif
