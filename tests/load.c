/* Transfers by many clients at once, for tests and measurements of a node.
 *
 *   load --addresses N                 prints the addresses of accounts 0 to N - 1, to be funded
 *   load commit URL CLIENTS SECONDS    each client has its own account and waits for each transfer
 *                                      (broadcast_tx_commit), until the time is over or the node is
 *                                      gone. Before a transfer is sent: "S hash from to amount";
 *                                      when the node has acknowledged it: "A hash height".
 *   load sync URL CLIENTS COUNT        signs COUNT transfers from 64 accounts, then sends them all
 *                                      (broadcast_tx_sync); prints the seconds that sending took
 *
 * Exit code 0 also when the node goes away; 1 when it refuses a transfer. */
#include "signing.h"

#include "base/codec.h"
#include "base/gen/auth.h"
#include "crypto/hash.h"
#include "net/node_client.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CLIENTS   64
#define SYNC_ACCOUNTS 64
#define CLIENT_BYTES  (1u << 20)
#define TX_ROOM       2048 /* bytes that signing one transfer takes of an arena */

struct client {
    const char *url;
    uint32_t index, clients;
    double until;
    struct ay_node_client *node;
    struct ay_arena arena;
    char chain_id[64];
    struct ay_slice *txs; /* sync: all transfers, this client's are index, index + clients, ... */
    uint32_t count;
    pthread_t thread;
};

static atomic_bool refused;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void open_client(struct client *c)
{
    struct ay_node_status status;
    enum ay_code code = ay_node_open(c->url, NULL, &c->node);
    if (code == AY_OK) code = ay_node_status(c->node, &status);
    if (code != AY_OK) {
        fprintf(stderr, "load: %s: %s\n", c->url, ay_code_info(code)->text);
        exit(1);
    }
    snprintf(c->chain_id, sizeof c->chain_id, "%s", status.chain_id);
}

/* Number and sequence as the node has them. */
static enum ay_code ask_account(struct client *c, struct account *account)
{
    struct ay_auth_query_account_request request = {.address = ay_slice_str(account->text)};
    struct ay_auth_query_account_response answer;
    struct ay_auth_base_account base;
    struct ay_node_query got;
    struct ay_slice data;
    AY_TRY(ay_encode_arena(&ay_auth_query_account_request_msg, &request, &c->arena, &data));
    AY_TRY(ay_node_query(c->node, ay_auth_query_account_request_msg.query->path, data, 0, &got));
    if (got.result.code) return ay_node_code(&got.result);
    AY_TRY(
        ay_decode(&ay_auth_query_account_response_msg, got.result.data, &c->arena, &answer, NULL));
    AY_TRY(ay_decode(&ay_auth_base_account_msg, answer.account.value, &c->arena, &base, NULL));
    account->number = base.account_number;
    account->sequence = base.sequence;
    return AY_OK;
}

static void print_hash(const char *what, const uint8_t hash[32])
{
    printf("%s ", what);
    for (int i = 0; i < 32; i++) printf("%02X", hash[i]);
}

static void refuse(const char *log)
{
    fprintf(stderr, "load: refused: %s\n", log);
    refused = true;
}

/* --- commit --- */

/* One transfer, waited for. */
static enum ay_code transfer(struct client *c, struct account *from, const char *to,
                             uint64_t amount)
{
    struct ay_node_tx done;
    uint8_t hash[32];
    ay_arena_rewind(&c->arena, 0);
    struct ay_slice tx = sign_send(from, c->chain_id, to, amount, &c->arena);
    ay_sha256(tx, hash);
    flockfile(stdout);
    print_hash("S", hash);
    printf(" %s %s %" PRIu64 "\n", from->text, to, amount);
    funlockfile(stdout);
    AY_TRY(ay_node_broadcast_commit(c->node, tx, &done));
    const struct ay_node_result *result = done.check.code ? &done.check : &done.result;
    if (result->code) {
        refuse(result->log);
        return AY_E_REJECTED;
    }
    from->sequence++;
    flockfile(stdout);
    print_hash("A", hash);
    printf(" %" PRId64 "\n", done.height);
    funlockfile(stdout);
    return AY_OK;
}

static void *commit_client(void *self)
{
    struct client *c = self;
    struct account from, to;
    account_init(&from, c->index);
    account_init(&to, (c->index + 1) % c->clients);
    enum ay_code code = ask_account(c, &from);
    for (uint64_t amount = 1; code == AY_OK && now() < c->until; amount++)
        code = transfer(c, &from, to.text, amount);
    return NULL;
}

/* --- sync --- */

static void sign_all(struct client *c, struct ay_slice *txs, uint32_t count)
{
    static struct account accounts[SYNC_ACCOUNTS];
    struct ay_arena arena = {0};
    for (uint32_t i = 0; i < SYNC_ACCOUNTS; i++) {
        account_init(&accounts[i], i);
        enum ay_code code = ask_account(c, &accounts[i]);
        if (code != AY_OK) refuse(ay_code_info(code)->text);
    }
    arena = ay_arena_over(aligned_alloc(16, (size_t)count * TX_ROOM), (size_t)count * TX_ROOM);
    if (!arena.base) abort();
    for (uint32_t i = 0; i < count; i++) {
        struct account *from = &accounts[i % SYNC_ACCOUNTS];
        txs[i] = sign_send(from, c->chain_id, accounts[(i + 1) % SYNC_ACCOUNTS].text, 1, &arena);
        from->sequence++;
    }
}

/* Sends one; waits while the node has no room for it. */
static bool submit(struct client *c, struct ay_slice tx)
{
    static const struct timespec pause = {.tv_nsec = 2000000};
    struct ay_node_tx done;
    for (;;) {
        enum ay_code code = ay_node_broadcast_sync(c->node, tx, &done);
        if (code == AY_OK && !done.check.code) return true;
        if (code != AY_E_MEMPOOL_FULL) {
            refuse(code == AY_OK ? done.check.log : ay_node_message(c->node));
            return false;
        }
        nanosleep(&pause, NULL);
    }
}

/* A client has whole accounts, so that an account's transfers come in their order. */
static void *sync_client(void *self)
{
    struct client *c = self;
    for (uint32_t i = 0; i < c->count; i++)
        if (i % SYNC_ACCOUNTS % c->clients == c->index && !submit(c, c->txs[i])) break;
    return NULL;
}

/* --- both --- */

static double run(struct client *clients, uint32_t n, void *(*body)(void *))
{
    double begun = now();
    for (uint32_t i = 0; i < n; i++)
        if (pthread_create(&clients[i].thread, NULL, body, &clients[i]) != 0) abort();
    for (uint32_t i = 0; i < n; i++) pthread_join(clients[i].thread, NULL);
    return now() - begun;
}

static int addresses(uint32_t n)
{
    struct account account;
    for (uint32_t i = 0; i < n; i++) {
        account_init(&account, i);
        puts(account.text);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct client clients[MAX_CLIENTS];
    if (argc == 3 && !strcmp(argv[1], "--addresses"))
        return addresses((uint32_t)strtoul(argv[2], NULL, 10));
    uint32_t n = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    bool sync = argc == 5 && !strcmp(argv[1], "sync");
    if (n < 1 || n > MAX_CLIENTS || (!sync && strcmp(argv[1], "commit") != 0)) {
        fputs("usage: load --addresses N | commit URL CLIENTS SECONDS | sync URL CLIENTS COUNT\n",
              stderr);
        return 2;
    }
    for (uint32_t i = 0; i < n; i++) {
        clients[i] = (struct client){.url = argv[2], .index = i, .clients = n};
        clients[i].until = now() + strtod(argv[4], NULL);
        clients[i].arena = ay_arena_over(aligned_alloc(16, CLIENT_BYTES), CLIENT_BYTES);
        if (!clients[i].arena.base) abort();
        open_client(&clients[i]);
    }
    if (!sync) {
        run(clients, n, commit_client);
        return refused;
    }
    uint32_t count = (uint32_t)strtoul(argv[4], NULL, 10);
    struct ay_slice *txs = calloc(count, sizeof *txs);
    if (!txs) abort();
    sign_all(&clients[0], txs, count);
    for (uint32_t i = 0; i < n; i++) {
        clients[i].txs = txs;
        clients[i].count = count;
    }
    fprintf(stderr, "signed\n");
    printf("%.3f\n", run(clients, n, sync_client));
    return refused;
}
