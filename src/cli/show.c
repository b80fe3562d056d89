/* Answers as people read them: members a line each, lists of like things as a table. */
#include "cli/cli.h"

#include "base/json_write.h"
#include "net/json_read.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 12u
/* A wider table is shown member by member instead. */
#define MAX_WIDTH 120u

/* A value on one line, in new memory; NULL for what has members of its own. */
static char *scalar(const json_t *value)
{
    if (json_is_object(value) || json_is_array(value))
        return json_object_size(value) || json_array_size(value) ? NULL : strdup("none");
    return json_is_string(value) ? strdup(json_string_value(value))
                                 : json_dumps(value, JSON_ENCODE_ANY);
}

struct table {
    const char *names[MAX_COLUMNS];
    size_t widths[MAX_COLUMNS];
    size_t columns;
};

/* Whether each entry has the first one's members, all on one line, and they fit beside each other.
 */
static bool is_table(const json_t *list, int depth, struct table *t)
{
    const json_t *entry;
    size_t row, width = 2 * (size_t)depth;
    *t = (struct table){0};
    json_t *first = json_array_get(list, 0);
    if (json_object_size(first) == 0 || json_object_size(first) > MAX_COLUMNS) return false;
    for (void *it = json_object_iter(first); it; it = json_object_iter_next(first, it))
        t->names[t->columns++] = json_object_iter_key(it);
    json_array_foreach(list, row, entry)
    {
        if (json_object_size(entry) != t->columns) return false;
        for (size_t c = 0; c < t->columns; c++) {
            const json_t *member = json_object_get(entry, t->names[c]);
            char *text = member ? scalar(member) : NULL;
            if (!text) return false;
            if (strlen(text) > t->widths[c]) t->widths[c] = strlen(text);
            free(text);
        }
    }
    for (size_t c = 0; c < t->columns; c++) {
        if (strlen(t->names[c]) > t->widths[c]) t->widths[c] = strlen(t->names[c]);
        width += t->widths[c] + 2;
    }
    return width <= MAX_WIDTH;
}

/* Numbers stand to the right, texts to the left; nothing follows the last column. */
static void show_cell(const struct table *t, size_t column, const char *text, bool right)
{
    int width = (int)t->widths[column];
    bool last = column + 1 == t->columns;
    if (right)
        printf("%*s%s", width, text, last ? "\n" : "  ");
    else
        printf("%-*s%s", last ? 0 : width, text, last ? "\n" : "  ");
}

static void show_table(const struct table *t, const json_t *list, int depth)
{
    const json_t *entry, *first = json_array_get(list, 0);
    size_t row;
    printf("%*s", 2 * depth, "");
    for (size_t c = 0; c < t->columns; c++)
        show_cell(t, c, t->names[c], json_is_number(json_object_get(first, t->names[c])));
    json_array_foreach(list, row, entry)
    {
        printf("%*s", 2 * depth, "");
        for (size_t c = 0; c < t->columns; c++) {
            const json_t *member = json_object_get(entry, t->names[c]);
            char *text = scalar(member);
            show_cell(t, c, text ? text : "", json_is_number(member));
            free(text);
        }
    }
}

static void show(const json_t *value, int depth);

static void show_member(const char *name, const json_t *value, int depth)
{
    char *text = scalar(value);
    printf("%*s%s:%s%s\n", 2 * depth, "", name, text ? " " : "", text ? text : "");
    if (!text) show(value, depth + 1);
    free(text);
}

static void show(const json_t *value, int depth)
{
    struct table table;
    const json_t *member;
    size_t i;
    if (json_is_object(value)) {
        json_t *object = (json_t *)(uintptr_t)value; /* iterating changes nothing */
        for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it))
            show_member(json_object_iter_key(it), json_object_iter_value(it), depth);
    } else if (is_table(value, depth, &table)) {
        show_table(&table, value, depth);
    } else {
        json_array_foreach(value, i, member)
        {
            char number[24];
            snprintf(number, sizeof number, "%zu", i + 1);
            show_member(number, member, depth);
        }
    }
}

void ay_cli_show(const char *json)
{
    json_t *value = ay_cli.json ? NULL : json_loads(json, 0, NULL);
    if (value)
        show(value, 0);
    else
        puts(json);
    json_decref(value);
    fflush(stdout);
}

enum ay_code ay_cli_show_msg(const struct ay_msg *msg, const void *value)
{
    uint32_t cap = 1u << 16;
    enum ay_code code;
    do {
        cap *= 8;
        uint8_t *mem = aligned_alloc(16, 2 * (size_t)cap);
        if (!mem) return AY_E_MEMORY;
        struct ay_text text = ay_text_over((char *)mem, cap);
        struct ay_arena scratch = ay_arena_over(mem + cap, cap);
        code = ay_json_write(msg, value, ay_address_write, &scratch, &text);
        if (code == AY_OK) ay_cli_show((const char *)mem);
        free(mem);
    } while (code == AY_E_LIMIT && cap < 1u << 28);
    return code;
}
