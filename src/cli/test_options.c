#include "cli/cli.h"
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MAX_ARGS 16

static struct {
    const char *from;
    uint64_t price;
    bool wait;
    uint32_t calls;
} got;

static int count_call(void *calls, char *value)
{
    ++*(uint32_t *)calls;
    return strcmp(value, "bad") == 0 ? AY_EXIT_KEY : 0;
}

static const struct ay_option options[] = {
    {.name = "--from", .kind = AY_OPTION_TEXT, .to = &got.from},
    {"--price", AY_OPTION_NUMBER, &got.price, .min = 1, .max = 100},
    {.name = "--wait", .kind = AY_OPTION_FLAG, .to = &got.wait},
    {"--set", AY_OPTION_CALL, &got.calls, .call = count_call},
    {NULL}};

static char words[256], *argv[MAX_ARGS + 1];
static int argc;

/* The words of a line, separated by blanks, as arguments of a command that takes the options. */
static int take(const char *line)
{
    char *rest = words;
    memset(&got, 0, sizeof got);
    argc = 0;
    assert_true(strlen(line) < sizeof words);
    strcpy(words, line);
    for (char *word; (word = strsep(&rest, " ")); argv[argc++] = word) assert_true(argc < MAX_ARGS);
    argv[argc] = NULL;
    return ay_options_take(&argc, argv, options);
}

static void test_options_both_forms_are_taken_out(void **state)
{
    (void)state;
    assert_int_equal(take("run --from alice x --price=7 --wait --set a --set=b --other 1"), 0);
    assert_string_equal(got.from, "alice");
    assert_int_equal(got.price, 7);
    assert_true(got.wait);
    assert_int_equal(got.calls, 2);
    assert_int_equal(argc, 4);
    assert_string_equal(argv[1], "x");
    assert_string_equal(argv[2], "--other");
    assert_string_equal(argv[3], "1");
    assert_null(argv[4]);
}

static void test_options_after_two_dashes_are_words(void **state)
{
    (void)state;
    assert_int_equal(take("run --from a -- --from b"), 0);
    assert_string_equal(got.from, "a");
    assert_int_equal(ay_options_end(argc, argv, 2, "two words"), 0);
    assert_string_equal(argv[1], "--from");
    assert_string_equal(argv[2], "b");
}

static void test_options_bad_values_are_usage_errors(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "run --from",      "run --from --wait", "run --from=",    "run --wait=yes", "run --price 0",
        "run --price 101", "run --price 1x",    "run --price -1", "run --price="};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(take(lines[i]), AY_EXIT_USAGE);
    assert_int_equal(take("run --price 1 --price 100"), 0);
    assert_int_equal(got.price, 100);
    assert_int_equal(take("run --set bad --from a"), AY_EXIT_KEY);
    assert_null(got.from);
}

static void test_options_end_refuses_what_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int words, exit;
    } cases[] = {{"run", 0, 0},
                 {"run a b", 2, 0},
                 {"run -", 1, 0},
                 {"run a", 0, AY_EXIT_USAGE},
                 {"run a", 2, AY_EXIT_USAGE},
                 {"run --other", 1, AY_EXIT_USAGE},
                 {"run -x", 1, AY_EXIT_USAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(take(cases[i].line), 0);
        assert_int_equal(ay_options_end(argc, argv, cases[i].words, "words"), cases[i].exit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_both_forms_are_taken_out),
        cmocka_unit_test(test_options_after_two_dashes_are_words),
        cmocka_unit_test(test_options_bad_values_are_usage_errors),
        cmocka_unit_test(test_options_end_refuses_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
