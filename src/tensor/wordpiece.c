#include "tensor/wordpiece.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define MAX_DECOMPOSED 8 /* no canonical decomposition is longer than 4 */

struct entry {
    struct ay_slice text; /* without "##" */
    bool inside;          /* continues a word */
    int32_t id;
};

struct ay_wordpiece {
    uint8_t *memory;
    struct entry *entries; /* ascending by inside, text */
    uint32_t count;
    uint32_t longest; /* bytes */
    int32_t unknown, begin, end;
};

/* Entries whose text stands for itself wherever it is met, before anything else is looked at. */
static const char *const specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
#define SPECIALS (sizeof specials / sizeof specials[0])

/* Vocabulary */

static int entry_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->inside != y->inside) return x->inside ? 1 : -1;
    return ay_slice_compare(x->text, y->text);
}

static int32_t find(const struct ay_wordpiece *wp, struct ay_slice text, bool inside)
{
    struct entry key = {text, inside, 0};
    const struct entry *at = bsearch(&key, wp->entries, wp->count, sizeof key, entry_order);
    return at ? at->id : -1;
}

static enum ay_code parse(struct ay_wordpiece *wp, uint32_t len, struct ay_reason *reason)
{
    const uint8_t *at = wp->memory, *end = at + len;
    while (at < end) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        uint32_t n = (uint32_t)((stop ? stop : end) - at);
        struct ay_slice line = {at, n > 0 && at[n - 1] == '\r' ? n - 1 : n};
        bool inside = line.len > 2 && line.data[0] == '#' && line.data[1] == '#';
        if (!ay_utf8_valid(line))
            return ay_reject(reason, AY_E_FORMAT, "vocabulary, line %u: not UTF-8", wp->count + 1);
        if (inside) line = ay_slice(line.data + 2, line.len - 2);
        if (line.len > wp->longest) wp->longest = line.len;
        wp->entries[wp->count] = (struct entry){line, inside, (int32_t)wp->count};
        wp->count++;
        at += stop ? n + 1 : n;
    }
    qsort(wp->entries, wp->count, sizeof *wp->entries, entry_order);
    for (uint32_t i = 1; i < wp->count; i++)
        if (entry_order(&wp->entries[i - 1], &wp->entries[i]) == 0)
            return ay_reject(reason, AY_E_FORMAT, "vocabulary, line %d: entry met before",
                             wp->entries[i].id + 1);
    return AY_OK;
}

static enum ay_code open_into(struct ay_wordpiece *wp, struct ay_slice vocab,
                              struct ay_reason *reason)
{
    uint32_t lines = 1;
    for (uint32_t i = 0; i < vocab.len; i++) lines += vocab.data[i] == '\n';
    if (lines > AY_MAX_VOCABULARY)
        return ay_reject(reason, AY_E_LIMIT, "vocabulary of more than %u entries",
                         AY_MAX_VOCABULARY);
    wp->memory = malloc(vocab.len + 1u);
    wp->entries = calloc(lines, sizeof *wp->entries);
    if (!wp->memory || !wp->entries) return AY_E_MEMORY;
    if (vocab.len) memcpy(wp->memory, vocab.data, vocab.len);
    AY_TRY(parse(wp, vocab.len, reason));
    wp->unknown = find(wp, ay_slice_str("[UNK]"), false);
    wp->begin = find(wp, ay_slice_str("[CLS]"), false);
    wp->end = find(wp, ay_slice_str("[SEP]"), false);
    if (wp->unknown < 0 || wp->begin < 0 || wp->end < 0)
        return ay_reject(reason, AY_E_FORMAT, "vocabulary lacks [UNK], [CLS] or [SEP]");
    return AY_OK;
}

enum ay_code ay_wordpiece_open(struct ay_slice vocab, struct ay_wordpiece **out,
                               struct ay_reason *reason)
{
    struct ay_wordpiece *wp = calloc(1, sizeof *wp);
    if (!wp) return AY_E_MEMORY;
    enum ay_code code = open_into(wp, vocab, reason);
    if (code == AY_OK)
        *out = wp;
    else
        ay_wordpiece_close(wp);
    return code;
}

void ay_wordpiece_close(struct ay_wordpiece *wp)
{
    if (!wp) return;
    free(wp->memory);
    free(wp->entries);
    free(wp);
}

uint32_t ay_wordpiece_size(const struct ay_wordpiece *wp)
{
    return wp->count;
}

/* Characters */

static bool is_space(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return c == '\t' || c == '\n' || c == '\r' || k == UTF8PROC_CATEGORY_ZS ||
           k == UTF8PROC_CATEGORY_ZL || k == UTF8PROC_CATEGORY_ZP;
}

/* What cleaning drops. */
static bool is_noise(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    bool control =
        k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_CO;
    return c == 0xfffd || (control && c != '\t' && c != '\n' && c != '\r');
}

static bool is_punctuation(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    bool ascii = c < 128 && ((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
                             (c >= 123 && c <= 126));
    return ascii || (k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO);
}

static bool is_cjk(int32_t c)
{
    static const int32_t ranges[][2] = {{0x4e00, 0x9fff},   {0x3400, 0x4dbf},   {0x20000, 0x2a6df},
                                        {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf},
                                        {0xf900, 0xfaff},   {0x2f800, 0x2fa1f}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    return false;
}

/* Encoding: a word at a time, so that nothing is allocated. */

struct encoder {
    const struct ay_wordpiece *wp;
    int32_t *ids;
    uint32_t count, max; /* max leaves room for [SEP] */
    int32_t word[AY_MAX_WORD_CHARS];
    uint32_t chars; /* of the word, also those that did not fit */
};

static void put(struct encoder *e, int32_t id)
{
    if (e->count < e->max) e->ids[e->count++] = id;
}

/* The longest entry that begins at char `from` of the word: its id, and in *to its end; -1: none.
 * text holds the word in UTF-8, char i beginning at starts[i]. */
static int32_t longest(const struct encoder *e, const uint8_t *text, const uint32_t *starts,
                       uint32_t from, uint32_t *to)
{
    for (*to = e->chars; *to > from; --*to) {
        uint32_t len = starts[*to] - starts[from];
        if (len > e->wp->longest) continue;
        int32_t id = find(e->wp, ay_slice(text + starts[from], len), from > 0);
        if (id >= 0) return id;
    }
    return -1;
}

static void end_word(struct encoder *e)
{
    uint8_t text[4 * AY_MAX_WORD_CHARS];
    uint32_t starts[AY_MAX_WORD_CHARS + 1] = {0}, n = 0, from = 0, to = 0;
    int32_t pieces[AY_MAX_WORD_CHARS];
    if (e->chars == 0) return;
    if (e->chars > AY_MAX_WORD_CHARS) from = e->chars;
    for (uint32_t i = 0; from == 0 && i < e->chars; i++)
        starts[i + 1] = starts[i] + (uint32_t)utf8proc_encode_char(e->word[i], text + starts[i]);
    while (from < e->chars && (pieces[n] = longest(e, text, starts, from, &to)) >= 0) {
        from = to;
        n++;
    }
    if (n == 0 || from < e->chars)
        put(e, e->wp->unknown);
    else
        for (uint32_t i = 0; i < n; i++) put(e, pieces[i]);
    e->chars = 0;
}

/* Appends a character to the word, marks in canonical order (Unicode 15, section 3.11). */
static void append(struct encoder *e, int32_t c)
{
    if (e->chars >= AY_MAX_WORD_CHARS) {
        e->chars = AY_MAX_WORD_CHARS + 1;
        return;
    }
    utf8proc_propval_t class = utf8proc_get_property(c)->combining_class;
    uint32_t at = e->chars++;
    for (; class && at > 0 && utf8proc_get_property(e->word[at - 1])->combining_class > class; at--)
        e->word[at] = e->word[at - 1];
    e->word[at] = c;
}

static void take_char(struct encoder *e, int32_t c)
{
    int32_t parts[MAX_DECOMPOSED];
    int boundary = 0;
    if (is_noise(c)) return;
    if (is_space(c)) {
        end_word(e);
        return;
    }
    bool alone = is_cjk(c);
    if (alone) end_word(e);
    utf8proc_ssize_t n =
        utf8proc_decompose_char(c, parts, MAX_DECOMPOSED, UTF8PROC_DECOMPOSE, &boundary);
    AY_ASSERT(n > 0 && n <= MAX_DECOMPOSED);
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        if (utf8proc_category(parts[i]) == UTF8PROC_CATEGORY_MN) continue;
        bool mark = is_punctuation(parts[i]);
        if (mark) end_word(e);
        append(e, utf8proc_tolower(parts[i]));
        if (mark) end_word(e);
    }
    if (alone) end_word(e);
}

/* The special entry that the text begins with; SPECIALS: none. */
static size_t special_at(struct ay_slice text)
{
    size_t i = 0;
    while (i < SPECIALS && (text.len < strlen(specials[i]) ||
                            memcmp(text.data, specials[i], strlen(specials[i])) != 0))
        i++;
    return i;
}

enum ay_code ay_wordpiece_encode(const struct ay_wordpiece *wp, struct ay_slice text,
                                 uint32_t max_tokens, int32_t *ids, uint32_t *count)
{
    struct encoder e = {.wp = wp, .ids = ids, .max = max_tokens - 1};
    AY_ASSERT(max_tokens >= 2);
    if (!ay_utf8_valid(text)) return AY_E_FORMAT;
    put(&e, wp->begin);
    while (text.len > 0 && e.count < e.max) {
        int32_t c;
        size_t special = text.data[0] == '[' ? special_at(text) : SPECIALS;
        uint32_t n = (uint32_t)utf8proc_iterate(text.data, (utf8proc_ssize_t)text.len, &c);
        int32_t id = special < SPECIALS ? find(wp, ay_slice_str(specials[special]), false) : -1;
        if (id >= 0) {
            end_word(&e);
            put(&e, id);
            n = (uint32_t)strlen(specials[special]);
        } else {
            take_char(&e, c);
        }
        text = ay_slice(text.data + n, text.len - n);
    }
    end_word(&e);
    e.max = max_tokens;
    put(&e, wp->end);
    *count = e.count;
    return AY_OK;
}
