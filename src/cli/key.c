#include "cli/cli.h"

#include "cli/options.h"
#include "crypto/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Without a passphrase there is nothing to try: says why, once. */
__attribute__((format(printf, 1, 2))) static enum ay_code no_passphrase(const char *format, ...)
{
    char why[PATH_MAX + 128];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    (void)ay_cli_fail(AY_OK, "%s", why);
    return AY_E_UNAUTHORIZED;
}

/* One line without its newline. */
static enum ay_code take_line(int fd, const char *from, char *out, uint32_t *len)
{
    *len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return no_passphrase("cannot read the passphrase from %s", from);
        if (n == 0 || c == '\n') return AY_OK;
        if (*len == AY_KEY_MAX_PASSPHRASE)
            return no_passphrase("the passphrase from %s is too long", from);
        out[(*len)++] = c;
    }
}

/* Waits for a whole line or a signal; ppoll lets signals in only while it waits, so that none comes
 * just before and is slept over. */
static enum ay_code wait_line(int tty, const sigset_t *open)
{
    struct pollfd pollfd = {.fd = tty, .events = POLLIN};
    while (!ay_cli_stop && ppoll(&pollfd, 1, NULL, open) < 0 && errno == EINTR) continue;
    return ay_cli_stop ? AY_E_INTERRUPTED : AY_OK;
}

/* An interrupted question must not leave a terminal without echo. */
static enum ay_code ask_terminal(const char *question, char *out, uint32_t *len)
{
    struct termios shown, hidden;
    sigset_t held, before;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty < 0)
        return no_passphrase("no terminal to ask for the passphrase; set "
                             "ASSAY_PASSPHRASE or ASSAY_PASSPHRASE_FILE");
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &before);
    ay_cli_catch();
    bool echo = tcgetattr(tty, &shown) == 0;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    if (echo) tcsetattr(tty, TCSAFLUSH, &hidden);
    dprintf(tty, "%s: ", question);
    enum ay_code code = wait_line(tty, &before);
    if (code == AY_OK) code = take_line(tty, "the terminal", out, len);
    if (echo) tcsetattr(tty, TCSAFLUSH, &shown);
    dprintf(tty, "\n");
    ay_cli_uncatch();
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(tty);
    return code;
}

static enum ay_code ask(void *self, const char *name, bool fresh, char *out, uint32_t *len)
{
    char question[96], again[AY_KEY_MAX_PASSPHRASE];
    uint32_t again_len;
    (void)self;
    const char *given = getenv("ASSAY_PASSPHRASE"), *path = getenv("ASSAY_PASSPHRASE_FILE");
    if (given) {
        *len = (uint32_t)strnlen(given, AY_KEY_MAX_PASSPHRASE + 1);
        if (*len > AY_KEY_MAX_PASSPHRASE)
            return no_passphrase("the passphrase from ASSAY_PASSPHRASE is too long");
        memcpy(out, given, *len);
        return AY_OK;
    }
    if (path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return no_passphrase("cannot read %s, named by ASSAY_PASSPHRASE_FILE", path);
        enum ay_code code = take_line(fd, path, out, len);
        close(fd);
        return code;
    }
    snprintf(question, sizeof question, fresh ? "New passphrase for %s" : "Passphrase for %s",
             name);
    AY_TRY(ask_terminal(question, out, len));
    if (!fresh) return AY_OK;
    AY_TRY(ask_terminal("The same again", again, &again_len));
    bool same = again_len == *len && memcmp(again, out, *len) == 0;
    explicit_bzero(again, sizeof again);
    return same ? AY_OK : no_passphrase("the two passphrases are not the same");
}

const struct ay_passphrase ay_cli_passphrase = {.ask = ask};

static int key_folder(char path[PATH_MAX])
{
    return ay_cli_path(path, "keys") == AY_OK
               ? 0
               : ay_cli_fail(AY_E_USAGE, "the home folder's name is too long");
}

static int key_fail(enum ay_code code, const char *name)
{
    switch ((int)code) {
    case AY_E_NOT_FOUND:
        return ay_cli_fail(code, "there is no key %s in %s/keys", name, ay_cli.home);
    case AY_E_RANGE:
        return ay_cli_fail(AY_E_USAGE, "a key's name is 1 to 32 of a-z, 0-9, _ and -, not %s",
                           name);
    case AY_E_STATE:
        return ay_cli_fail(code, "%s/keys or key %s may be read by others; chmod go-rwx",
                           ay_cli.home, name);
    case AY_E_EXISTS: return ay_cli_fail(code, "there is a key %s already", name);
    case AY_E_FORMAT:
        return ay_cli_fail(code, "%s/keys/%s.key is no whole key file", ay_cli.home, name);
    case AY_E_KEY:
        return ay_cli_fail(code, "the passphrase does not open key %s, or its file was changed",
                           name);
    case AY_E_UNAUTHORIZED: return AY_EXIT_KEY; /* whoever asked for the passphrase said why */
    default: return ay_cli_fail(code, "key %s", name);
    }
}

int ay_cli_signer(const char *name, struct ay_signer *signer)
{
    char folder[PATH_MAX];
    if (!name) return ay_cli_fail(AY_E_USAGE, "say which key signs: --from NAME");
    if (key_folder(folder)) return AY_EXIT_USAGE;
    struct ay_secret *secret = ay_secret_new();
    if (!secret) return ay_cli_fail(AY_E_MEMORY, "key %s", name);
    enum ay_code code = ay_keystore_open(folder, name, &ay_cli_passphrase, secret);
    if (code == AY_OK && secret->kind != AY_KEY_SECP256K1) code = AY_E_KEY;
    if (code == AY_OK) {
        memcpy(signer->seckey, secret->seckey, 32);
        code = ay_signer_init(signer);
    }
    ay_secret_free(secret);
    return code == AY_OK ? 0 : key_fail(code, name);
}

/* --- assay keys --- */

/* name: NULL for list; given: the verb's option. */
typedef int key_verb(const char *folder, const char *name, bool given);

static void key_address(const struct ay_key_info *info, char out[AY_ADDRESS_TEXT_CHARS + 1])
{
    uint8_t bytes[AY_ADDRESS_BYTES];
    out[0] = 0;
    if (info->kind != AY_KEY_SECP256K1) return;
    ay_address_of(info->pubkey, bytes);
    ay_address_encode(bytes, out);
}

static void print_key(const struct ay_key_info *info)
{
    char address[AY_ADDRESS_TEXT_CHARS + 1], hex[67];
    key_address(info, address);
    for (int i = 0; i < 33; i++) snprintf(hex + 2 * i, 3, "%02x", info->pubkey[i]);
    if (ay_cli.json)
        printf("{\"name\":\"%s\",\"address\":\"%s\",\"pub_key\":\"%s\"}", info->name, address, hex);
    else
        printf("%-16s %s", info->name, address);
}

/* One line with a text that is a secret or an address. */
static void print_text(const char *name, const char *text)
{
    if (ay_cli.json)
        printf("{\"%s\":\"%s\"}\n", name, text);
    else
        puts(text);
}

static int list_keys(const char *folder, const char *name, bool given)
{
    enum { MAX_KEYS = 1024 };
    static struct ay_key_info infos[MAX_KEYS];
    uint32_t count;
    (void)name, (void)given;
    enum ay_code code = ay_keystore_list(folder, infos, MAX_KEYS, &count);
    if (code == AY_E_LIMIT) return ay_cli_fail(code, "%s holds more than %d keys", folder, MAX_KEYS);
    if (code != AY_OK) return key_fail(code, infos[count].name);
    if (ay_cli.json) putchar('[');
    for (uint32_t i = 0; i < count; i++) {
        if (ay_cli.json && i) putchar(',');
        print_key(&infos[i]);
        if (!ay_cli.json) putchar('\n');
    }
    if (ay_cli.json) puts("]");
    if (!count) fprintf(stderr, "no keys in %s\n", folder);
    return 0;
}

static int show_key(const char *folder, const char *name, bool address_only)
{
    struct ay_key_info info;
    enum ay_code code = ay_keystore_info(folder, name, &info);
    if (code != AY_OK) return key_fail(code, name);
    if (address_only) {
        char address[AY_ADDRESS_TEXT_CHARS + 1];
        key_address(&info, address);
        print_text("address", address);
        return 0;
    }
    print_key(&info);
    putchar('\n');
    return 0;
}

static enum ay_code read_words(struct ay_secret *secret)
{
    char words[512];
    if (isatty(0)) fputs("Your recovery words, on one line:\n", stderr);
    if (!fgets(words, sizeof words, stdin)) return AY_E_FORMAT;
    enum ay_code code = ay_secret_recover(secret, ay_slice_str(words));
    explicit_bzero(words, sizeof words);
    return code;
}

static int add_key(const char *folder, const char *name, bool recover)
{
    char words[AY_MNEMONIC_MAX_CHARS + 1];
    struct ay_key_info info;
    struct ay_secret *secret = ay_secret_new();
    if (!secret) return ay_cli_fail(AY_E_MEMORY, "key %s", name);
    enum ay_code code = recover ? read_words(secret) : ay_secret_generate(secret);
    if (code == AY_E_FORMAT) {
        ay_secret_free(secret);
        return ay_cli_fail(AY_E_KEY, "these are not 12 to 24 words of BIP-39 with their checksum");
    }
    if (code == AY_OK) code = ay_cli_make_folder("");
    if (code == AY_OK) code = ay_keystore_add(folder, name, secret, &ay_cli_passphrase);
    if (code == AY_OK && !recover) code = ay_secret_words(secret, words);
    ay_secret_free(secret);
    if (code == AY_OK) code = ay_keystore_info(folder, name, &info);
    if (code != AY_OK) return key_fail(code, name);
    print_key(&info);
    putchar('\n');
    fflush(stdout);
    if (!recover) {
        fprintf(stderr,
                "\nWrite these words down; they are shown once and are the only way back:\n\n%s\n",
                words);
        explicit_bzero(words, sizeof words);
    }
    return 0;
}

static int export_key(const char *folder, const char *name, bool given)
{
    (void)given;
    char words[AY_MNEMONIC_MAX_CHARS + 1];
    struct ay_secret *secret = ay_secret_new();
    if (!secret) return ay_cli_fail(AY_E_MEMORY, "key %s", name);
    enum ay_code code = ay_keystore_open(folder, name, &ay_cli_passphrase, secret);
    if (code == AY_OK) code = ay_secret_words(secret, words);
    ay_secret_free(secret);
    if (code != AY_OK) return key_fail(code, name);
    print_text("words", words);
    explicit_bzero(words, sizeof words);
    return 0;
}

static int remove_key(const char *folder, const char *name, bool sure)
{
    if (!sure) return ay_cli_fail(AY_E_USAGE, "to delete key %s for good, add --yes", name);
    enum ay_code code = ay_keystore_remove(folder, name);
    if (code != AY_OK) return key_fail(code, name);
    fprintf(stderr, "key %s is gone; only its words bring it back\n", name);
    if (ay_cli.json) print_text("removed", name);
    return 0;
}

int ay_cli_keys(int argc, char **argv)
{
    static const char usage[] =
        "usage: assay keys VERB ...\n"
        "  list                     all keys and their addresses\n"
        "  add NAME [--recover]     a new key, or one from words on standard input\n"
        "  show NAME [--address]    one key; --address prints the address alone\n"
        "  export NAME              the recovery words\n"
        "  remove NAME --yes        delete the key\n"
        "Keys lie encrypted in HOME/keys. The passphrase comes from ASSAY_PASSPHRASE, the file "
        "named\n"
        "by ASSAY_PASSPHRASE_FILE, or the terminal.\n";
    char folder[PATH_MAX];
    static const struct {
        const char *name, *option;
        key_verb *run;
    } verbs[] = {{"list", NULL, list_keys},
                 {"add", "--recover", add_key},
                 {"show", "--address", show_key},
                 {"export", NULL, export_key},
                 {"remove", "--yes", remove_key}};
    if (ay_cli.help || argc < 2) return ay_cli_usage(usage);
    if (key_folder(folder)) return AY_EXIT_USAGE;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        bool given = false;
        if (strcmp(argv[1], verbs[i].name) != 0) continue;
        const struct ay_option options[] = {
            {.name = verbs[i].option, .kind = AY_OPTION_FLAG, .to = &given}, {NULL}};
        argc--;
        argv++;
        int failed = ay_options_take(&argc, argv, options);
        if (!failed) failed = ay_options_end(argc, argv, i > 0, i > 0 ? "NAME" : "nothing");
        return failed ? failed : verbs[i].run(folder, argv[1], given);
    }
    return ay_cli_fail(AY_E_USAGE, "keys has no verb %s", argv[1]);
}
