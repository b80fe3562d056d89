#include "net/node_search.h"

#include "base/text.h"
#include "net/node_json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parsing */

struct parser {
    const char *at, *end;
};

static void skip_spaces(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')) p->at++;
}

static bool take(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0) return false;
    p->at += n;
    return true;
}

/* A word of letters ends where the next thing begins. */
static bool take_word(struct parser *p, const char *word)
{
    struct parser before = *p;
    if (take(p, word) && (p->at == p->end || *p->at == ' ' || *p->at == '\'')) return true;
    *p = before;
    return false;
}

static struct ay_slice take_while(struct parser *p, const char *stop)
{
    const char *from = p->at;
    while (p->at < p->end && !strchr(stop, *p->at)) p->at++;
    return ay_slice(from, (uint32_t)(p->at - from));
}

static bool take_op(struct parser *p, enum ay_search_op *op)
{
    static const struct {
        const char *text;
        enum ay_search_op op;
    } ops[] = {{"<=", AY_SEARCH_LE},
               {">=", AY_SEARCH_GE},
               {"<", AY_SEARCH_LT},
               {">", AY_SEARCH_GT},
               {"=", AY_SEARCH_EQ}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (take(p, ops[i].text)) return *op = ops[i].op, true;
    if (take_word(p, "CONTAINS")) return *op = AY_SEARCH_CONTAINS, true;
    if (take_word(p, "EXISTS")) return *op = AY_SEARCH_EXISTS, true;
    return false;
}

static const char *parse_condition(struct parser *p, struct ay_search_condition *c)
{
    skip_spaces(p);
    c->key = take_while(p, " \t\n<>='");
    if (!c->key.len) return "expected a key such as tx.height";
    skip_spaces(p);
    if (!take_op(p, &c->op)) return "expected =, <, <=, >, >=, CONTAINS or EXISTS";
    if (c->op == AY_SEARCH_EXISTS) return NULL;
    skip_spaces(p);
    if (take(p, "'")) {
        c->text = take_while(p, "'");
        if (!take(p, "'")) return "expected a closing quote";
        if (c->op != AY_SEARCH_EQ && c->op != AY_SEARCH_CONTAINS) return "expected a number";
        return NULL;
    }
    c->text = take_while(p, " \t\n");
    c->is_number = true;
    if (c->op == AY_SEARCH_CONTAINS || ay_parse_u64(c->text, UINT64_MAX, &c->number) != AY_OK)
        return "expected a 'text' in single quotes or a whole number";
    return NULL;
}

enum ay_code ay_search_parse(struct ay_slice query, struct ay_search *out, char why[160])
{
    struct parser p = {(const char *)query.data, (const char *)query.data + query.len};
    const char *wrong = query.len > AY_SEARCH_MAX_BYTES ? "maximum query length exceeded" : NULL;
    *out = (struct ay_search){0};
    do {
        if (!wrong && out->n == AY_SEARCH_MAX_CONDITIONS) wrong = "too many conditions";
        if (!wrong) wrong = parse_condition(&p, &out->condition[out->n++]);
        if (wrong) break;
        skip_spaces(&p);
    } while (take_word(&p, "AND"));
    if (!wrong && p.at != p.end) wrong = "expected AND";
    if (!wrong) return AY_OK;
    snprintf(why, 160, "failed to parse query: position %zu: %s",
             query.len ? (size_t)(p.at - (const char *)query.data) : 0, wrong);
    return AY_E_FORMAT;
}

/* Matching */

static bool is(struct ay_slice text, const char *word)
{
    return ay_slice_equal(text, ay_slice_str(word));
}

static bool holds(const struct ay_search_condition *c, struct ay_slice value)
{
    uint64_t number;
    if (c->op == AY_SEARCH_EXISTS) return true;
    if (c->op == AY_SEARCH_CONTAINS)
        return c->text.len == 0 || memmem(value.data, value.len, c->text.data, c->text.len);
    if (!c->is_number) return ay_slice_equal(c->text, value);
    if (ay_parse_u64(value, UINT64_MAX, &number) != AY_OK) return false;
    switch (c->op) {
    case AY_SEARCH_LT: return number < c->number;
    case AY_SEARCH_LE: return number <= c->number;
    case AY_SEARCH_GT: return number > c->number;
    case AY_SEARCH_GE: return number >= c->number;
    case AY_SEARCH_EQ: return number == c->number;
    case AY_SEARCH_CONTAINS:
    case AY_SEARCH_EXISTS: break;
    }
    return false;
}

static bool holds_in_events(const struct ay_search_condition *c,
                            const struct ay_search_subject *subject)
{
    for (uint32_t i = 0; i < subject->event_count; i++) {
        const struct ay_tendermint_abci_event *event = &subject->events[i];
        uint32_t type_len = event->type.len;
        if (c->key.len <= type_len || c->key.data[type_len] != '.' ||
            memcmp(c->key.data, event->type.data, type_len) != 0)
            continue;
        struct ay_slice key = ay_slice(c->key.data + type_len + 1, c->key.len - type_len - 1);
        for (uint32_t k = 0; k < event->attributes_count; k++)
            if (ay_slice_equal(event->attributes[k].key, key) &&
                holds(c, event->attributes[k].value))
                return true;
    }
    return false;
}

static bool condition_matches(const struct ay_search_condition *c,
                              const struct ay_search_subject *subject)
{
    char text[2 * AY_HASH_BYTES + 1];
    struct ay_text own = ay_text_over(text, sizeof text);
    if (is(c->key, "tm.event")) return holds(c, ay_slice_str(subject->event));
    if (is(c->key, "tx.height") || is(c->key, "block.height")) {
        ay_text_u64(&own, subject->height);
        return holds(c, ay_slice(text, own.len));
    }
    if (is(c->key, "tx.hash")) {
        uint8_t hash[AY_HASH_BYTES];
        uint32_t len;
        if (!subject->hash) return false;
        if (c->op == AY_SEARCH_EQ)
            return ay_parse_hex(c->text, hash, sizeof hash, &len) == AY_OK &&
                   len == AY_HASH_BYTES && memcmp(hash, subject->hash, len) == 0;
        ay_text_hex_upper(&own, ay_slice(subject->hash, AY_HASH_BYTES));
        return holds(c, ay_slice(text, own.len));
    }
    return holds_in_events(c, subject);
}

bool ay_search_matches(const struct ay_search *search, const struct ay_search_subject *subject)
{
    for (uint32_t i = 0; i < search->n; i++)
        if (!condition_matches(&search->condition[i], subject)) return false;
    return true;
}

void ay_search_heights(const struct ay_search *search, const char *key, uint64_t tip, uint64_t *low,
                       uint64_t *high)
{
    *low = 1;
    *high = tip;
    for (uint32_t i = 0; i < search->n; i++) {
        const struct ay_search_condition *c = &search->condition[i];
        if (!c->is_number || !is(c->key, key)) continue;
        uint64_t from = c->op == AY_SEARCH_GT ? c->number + 1 : c->number;
        uint64_t to = c->op == AY_SEARCH_LT ? c->number - 1 : c->number;
        bool empty = (c->op == AY_SEARCH_GT && from == 0) || (c->op == AY_SEARCH_LT && !c->number);
        bool bounds_low = c->op == AY_SEARCH_EQ || c->op == AY_SEARCH_GT || c->op == AY_SEARCH_GE;
        bool bounds_high = c->op == AY_SEARCH_EQ || c->op == AY_SEARCH_LT || c->op == AY_SEARCH_LE;
        if (bounds_low && from > *low) *low = from;
        if (bounds_high && to < *high) *high = to;
        if (empty) *high = 0;
    }
}

/* Searching. The narrowest way in is taken: a hash, else an indexed attribute, else heights; what
 * it leads to is held against all conditions. */

struct finder {
    struct ay_engine *engine;
    const struct ay_search *search;
    uint64_t low, high;
    struct ay_engine_place *found;
    uint32_t count, room, scanned;
    struct ay_node_block block; /* the last one looked at; its height, or 0 */
    uint64_t loaded;
};

static enum ay_code load(struct finder *f, uint64_t height)
{
    if (f->loaded == height) return AY_OK;
    if (f->loaded) ay_node_block_close(&f->block);
    f->loaded = 0;
    AY_TRY(ay_node_block_open(f->engine, height, &f->block));
    f->loaded = height;
    return AY_OK;
}

static enum ay_code keep(struct finder *f, struct ay_engine_place place)
{
    if (f->count == AY_SEARCH_MAX_FOUND) return AY_E_LIMIT;
    if (f->count == f->room) {
        f->room = f->room ? 2 * f->room : 64;
        struct ay_engine_place *more = realloc(f->found, f->room * sizeof *more);
        if (!more) return AY_E_MEMORY;
        f->found = more;
    }
    f->found[f->count++] = place;
    return AY_OK;
}

/* Keeps the transaction if all conditions hold. */
static enum ay_code consider(struct finder *f, struct ay_engine_place place)
{
    uint8_t hash[AY_HASH_BYTES];
    if (f->scanned++ >= AY_SEARCH_MAX_SCAN) return AY_E_LIMIT;
    AY_TRY(load(f, place.height));
    AY_ASSERT(place.index < f->block.results.txs_count);
    const struct ay_ledger_tx_result *result = &f->block.results.txs[place.index];
    ay_sha256(f->block.stored.txs[place.index], hash);
    const struct ay_search_subject subject = {.event = "Tx",
                                              .height = place.height,
                                              .hash = hash,
                                              .events = result->events,
                                              .event_count = result->events_count};
    return ay_search_matches(f->search, &subject) ? keep(f, place) : AY_OK;
}

static enum ay_code by_hash(struct finder *f, const struct ay_search_condition *c)
{
    uint8_t hash[AY_HASH_BYTES];
    uint32_t len;
    struct ay_engine_place place;
    if (ay_parse_hex(c->text, hash, sizeof hash, &len) != AY_OK || len != AY_HASH_BYTES)
        return AY_OK;
    enum ay_code code = ay_engine_tx_by_hash(f->engine, hash, &place.height, &place.index);
    if (code == AY_E_NOT_FOUND) return AY_OK;
    return code == AY_OK ? consider(f, place) : code;
}

static enum ay_code by_attribute(struct finder *f, const struct ay_search_condition *c)
{
    enum { PAGE = 256 };
    struct ay_engine_place page[PAGE], from = {.height = f->low};
    uint32_t n = PAGE;
    while (n == PAGE) {
        AY_TRY(ay_engine_txs_by_event(f->engine, c->key, c->text, from, page, PAGE, &n));
        for (uint32_t i = 0; i < n; i++) {
            if (page[i].height > f->high) return AY_OK;
            AY_TRY(consider(f, page[i]));
        }
        if (n) from = (struct ay_engine_place){page[n - 1].height, page[n - 1].index + 1};
    }
    return AY_OK;
}

static enum ay_code by_height(struct finder *f)
{
    for (uint64_t height = f->low; height <= f->high; height++) {
        if (f->scanned++ >= AY_SEARCH_MAX_SCAN) return AY_E_LIMIT;
        AY_TRY(load(f, height));
        for (uint32_t i = 0; i < f->block.results.txs_count; i++)
            AY_TRY(consider(f, (struct ay_engine_place){height, i}));
    }
    return AY_OK;
}

static enum ay_code find(struct finder *f)
{
    const struct ay_search_condition *attribute = NULL;
    for (uint32_t i = 0; i < f->search->n; i++) {
        const struct ay_search_condition *c = &f->search->condition[i];
        if (c->op != AY_SEARCH_EQ || is(c->key, "tm.event")) continue;
        if (is(c->key, "tx.hash")) return by_hash(f, c);
        if (!is(c->key, "tx.height") && !is(c->key, "block.height")) attribute = c;
    }
    return attribute ? by_attribute(f, attribute) : by_height(f);
}

enum ay_code ay_search_txs(struct ay_engine *engine, const struct ay_search *search,
                           struct ay_engine_place **found, uint32_t *count)
{
    struct finder f = {.engine = engine, .search = search};
    struct ay_engine_tip tip;
    ay_engine_tip(engine, &tip);
    ay_search_heights(search, "tx.height", tip.height, &f.low, &f.high);
    enum ay_code code = find(&f);
    if (f.loaded) ay_node_block_close(&f.block);
    if (code != AY_OK) {
        free(f.found);
        return code;
    }
    *found = f.found;
    *count = f.count;
    return AY_OK;
}
