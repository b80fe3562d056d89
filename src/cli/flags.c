#include "cli/flags.h"

#include "base/gen/base.h"
#include "net/json.h"
#include "net/json_read.h"

#define HELP_COLUMN 34

struct flag {
    struct ay_slice name; /* without the dashes */
    struct ay_slice value;
    bool has_value;
};

struct reader {
    int argc;
    char *const *argv;
    struct ay_arena *arena;
    struct ay_text *why;
};

static enum ay_code refuse(struct reader *r, struct ay_slice flag, const char *what)
{
    ay_text_str(r->why, "--");
    ay_text_put(r->why, flag.data, flag.len);
    ay_text_str(r->why, ": ");
    ay_text_str(r->why, what);
    return AY_E_USAGE;
}

/* Splits argument *i, and takes the one after it as the value when there is no '='. */
static bool next_flag(const struct reader *r, int *i, struct flag *out)
{
    const char *arg = r->argv[(*i)++];
    if (strncmp(arg, "--", 2) != 0 || arg[2] == 0) return false;
    const char *equals = strchr(arg, '=');
    *out = (struct flag){.name = ay_slice_str(arg + 2)};
    if (equals) {
        out->name.len = (uint32_t)(equals - arg - 2);
        out->value = ay_slice_str(equals + 1);
        out->has_value = true;
    } else if (*i < r->argc && strncmp(r->argv[*i], "--", 2) != 0) {
        out->value = ay_slice_str(r->argv[(*i)++]);
        out->has_value = true;
    }
    return true;
}

/* Whether this flag stands among the first n arguments. */
static bool given_before(const struct reader *r, int n, struct ay_slice name)
{
    struct flag other;
    for (int i = 0; i < n;)
        if (next_flag(r, &i, &other) && ay_slice_equal(other.name, name)) return true;
    return false;
}

static bool name_matches(const char *field, struct ay_slice part)
{
    uint32_t i = 0;
    for (; i < part.len && field[i]; i++) {
        char want = field[i] == '_' ? '-' : field[i];
        if (part.data[i] != (uint8_t)want && part.data[i] != (uint8_t)field[i]) return false;
    }
    return i == part.len && field[i] == 0;
}

/* The field that a flag's dotted name means, and the struct that holds it; the messages on the way
 * become present. NULL when there is none. */
static const struct ay_field *find_field(const struct ay_msg *msg, struct ay_slice name,
                                         uint8_t **in)
{
    const uint8_t *dot = memchr(name.data, '.', name.len);
    struct ay_slice part = {name.data, dot ? (uint32_t)(dot - name.data) : name.len};
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        if (!name_matches(f->name, part)) continue;
        if (!dot) return f;
        if (f->kind != AY_KIND_MESSAGE || f->flags & AY_FIELD_REPEATED) return NULL;
        if (f->flags & AY_FIELD_HAS) *(bool *)(*in + f->aside) = true;
        *in += f->offset;
        return find_field(f->sub, ay_slice(dot + 1, name.len - part.len - 1), in);
    }
    return NULL;
}

/* "1000nasy" */
static bool parse_coin(struct ay_slice text, struct ay_arena *arena, struct ay_base_coin *out)
{
    uint32_t digits = 0;
    uint64_t amount;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') digits++;
    struct ay_slice number = {text.data, digits};
    struct ay_slice denom = {text.data + digits, text.len - digits};
    return ay_parse_u64(number, UINT64_MAX, &amount) == AY_OK && denom.len > 0 &&
           denom.len <= AY_MAX_BASE_COIN_DENOM && denom.data[0] != '{' &&
           ay_arena_copy(arena, number, &out->amount) == AY_OK &&
           ay_arena_copy(arena, denom, &out->denom) == AY_OK;
}

static enum ay_code read_json(struct reader *r, const struct flag *flag, const struct ay_msg *msg,
                              void *to)
{
    char why[256];
    json_t *json;
    struct ay_text reason = ay_text_over(why, sizeof why);
    if (msg == &ay_base_coin_msg && parse_coin(flag->value, r->arena, to)) return AY_OK;
    if (msg == &ay_base_coin_msg && (flag->value.len == 0 || flag->value.data[0] != '{'))
        return refuse(r, flag->name, "expects a coin such as 1000nasy");
    enum ay_code code = ay_json_parse(flag->value, &json, why, sizeof why);
    if (code != AY_OK) return refuse(r, flag->name, why);
    code = ay_json_read(msg, json, r->arena, to, &reason);
    json_decref(json);
    return code == AY_E_FORMAT ? refuse(r, flag->name, why) : code;
}

static enum ay_code read_value(struct reader *r, const struct flag *flag, const struct ay_field *f,
                               void *to)
{
    const char *expects;
    if (f->kind == AY_KIND_MESSAGE) return read_json(r, flag, f->sub, to);
    enum ay_code code = ay_value_parse(f, flag->value, r->arena, to, &expects);
    return code == AY_E_FORMAT ? refuse(r, flag->name, expects) : code;
}

/* One more element. The array is copied: command lines are short and the arena goes with them. */
static enum ay_code append_value(struct reader *r, const struct flag *flag,
                                 const struct ay_field *f, uint8_t *in)
{
    uint32_t n, size = ay_field_size(f);
    const void *old = ay_field_values(f, in, &n);
    if (n == f->max_count) return refuse(r, flag->name, "given too often");
    uint8_t *values = ay_arena_take(r->arena, n + 1, size);
    if (!values) return AY_E_LIMIT;
    if (n) memcpy(values, old, (size_t)n * size);
    AY_TRY(read_value(r, flag, f, values + (size_t)n * size));
    n++;
    memcpy(in + f->offset, &values, sizeof values);
    memcpy(in + f->aside, &n, sizeof n);
    return AY_OK;
}

/* Bytes of fixed length cannot be left out: the message would be refused without saying which. */
static enum ay_code check_missing(struct reader *r, const struct ay_msg *msg, const uint8_t *out)
{
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        char flag[64];
        struct ay_text name = ay_text_over(flag, sizeof flag);
        uint32_t zeros = 0;
        if (f->kind != AY_KIND_FIXED || !(f->flags & AY_FIELD_REQUIRED)) continue;
        while (zeros < f->len && out[f->offset + zeros] == 0) zeros++;
        for (const char *c = f->name; *c; c++) ay_text_char(&name, *c == '_' ? '-' : *c);
        if (zeros == f->len && !given_before(r, r->argc, ay_slice(flag, name.len)))
            return refuse(r, ay_slice(flag, name.len), "missing");
    }
    return AY_OK;
}

enum ay_code ay_flags_read(const struct ay_msg *msg, int argc, char *const argv[],
                           struct ay_arena *arena, void *out, struct ay_text *why)
{
    struct reader r = {argc, argv, arena, why};
    for (int i = 0; i < argc;) {
        struct flag flag;
        int start = i;
        if (!next_flag(&r, &i, &flag)) {
            ay_text_str(why, argv[start]);
            ay_text_str(why, ": expected a flag such as --name value");
            return AY_E_USAGE;
        }
        uint8_t *in = out;
        const struct ay_field *f = find_field(msg, flag.name, &in);
        if (!f) return refuse(&r, flag.name, "unknown flag");
        if (!flag.has_value && f->kind == AY_KIND_BOOL)
            flag.value = ay_slice_str("true");
        else if (!flag.has_value)
            return refuse(&r, flag.name, "needs a value");
        if (f->flags & AY_FIELD_REPEATED) {
            AY_TRY(append_value(&r, &flag, f, in));
            continue;
        }
        if (given_before(&r, start, flag.name)) return refuse(&r, flag.name, "given twice");
        AY_TRY(read_value(&r, &flag, f, in + f->offset));
        if (f->flags & AY_FIELD_HAS) *(bool *)(in + f->aside) = true;
    }
    return check_missing(&r, msg, out);
}

/* ---- help ---- */

static const char *value_word(const struct ay_field *f)
{
    static const char *const by_kind[AY_KIND_COUNT] = {
        [AY_KIND_BOOL] = "",
        [AY_KIND_U32] = " NUMBER",
        [AY_KIND_U64] = " NUMBER",
        [AY_KIND_I32] = " NUMBER",
        [AY_KIND_I64] = " NUMBER",
        [AY_KIND_FIXED64] = " NUMBER",
        [AY_KIND_SFIXED64] = " NUMBER",
        [AY_KIND_ENUM] = " NAME",
        [AY_KIND_STRING] = " TEXT",
        [AY_KIND_MESSAGE] = " JSON",
    };
    static const char *const by_form[] = {
        [AY_TEXT_HEX] = " HEX", [AY_TEXT_BASE64] = " BASE64", [AY_TEXT_ADDRESS] = " ADDRESS"};
    if (f->kind == AY_KIND_BYTES || f->kind == AY_KIND_FIXED) return by_form[f->text];
    return f->kind == AY_KIND_MESSAGE && f->sub == &ay_base_coin_msg ? " COIN" : by_kind[f->kind];
}

static void put_line(const struct ay_field *f, struct ay_slice prefix, struct ay_text *out)
{
    uint32_t start = out->len;
    ay_text_str(out, "  --");
    ay_text_put(out, prefix.data, prefix.len);
    for (const char *c = f->name; *c; c++) ay_text_char(out, *c == '_' ? '-' : *c);
    ay_text_str(out, value_word(f));
    do ay_text_char(out, ' ');
    while (out->len - start < HELP_COLUMN && !out->full);
    ay_text_str(out, f->doc);
    if (f->unit[0]) {
        ay_text_str(out, f->doc[0] ? " [" : "[");
        ay_text_str(out, f->unit);
        ay_text_char(out, ']');
    }
    if (f->flags & AY_FIELD_REPEATED)
        ay_text_str(out, f->doc[0] ? " (repeatable)" : "(repeatable)");
    for (uint32_t i = 0; f->kind == AY_KIND_ENUM && i < f->values->n; i++) {
        ay_text_str(out, i ? ", " : " One of ");
        ay_text_str(out, f->values->values[i].name);
    }
    while (out->len && out->buf[out->len - 1] == ' ') out->buf[--out->len] = 0;
    ay_text_char(out, '\n');
}

static void put_help(const struct ay_msg *msg, const struct ay_field *skip, struct ay_slice prefix,
                     struct ay_text *out)
{
    char path[256];
    for (uint32_t i = 0; i < msg->n; i++) {
        const struct ay_field *f = &msg->fields[i];
        bool opened = f->kind == AY_KIND_MESSAGE && !(f->flags & AY_FIELD_REPEATED) &&
                      f->sub != &ay_base_coin_msg;
        if (f == skip) continue;
        if (!opened) {
            put_line(f, prefix, out);
            continue;
        }
        struct ay_text inner = ay_text_over(path, sizeof path);
        ay_text_put(&inner, prefix.data, prefix.len);
        for (const char *c = f->name; *c; c++) ay_text_char(&inner, *c == '_' ? '-' : *c);
        ay_text_char(&inner, '.');
        put_help(f->sub, NULL, ay_slice(path, inner.len), out);
    }
}

void ay_flags_help(const struct ay_msg *msg, const struct ay_field *skip, struct ay_text *out)
{
    put_help(msg, skip, ay_slice(NULL, 0), out);
}
