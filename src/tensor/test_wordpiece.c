/* The tokenizer against golden cases of another one, and on what is hostile. */
#include "tensor/wordpiece.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#define MAX_TOKENS 256u

static const char *folder; /* of the golden files */

static struct ay_slice read_golden(const char *name)
{
    static uint8_t memory[2][1 << 18];
    static int turn;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    turn = !turn;
    size_t n = fread(memory[turn], 1, sizeof memory[turn], f);
    assert_true(n > 0 && n < sizeof memory[turn]);
    (void)fclose(f);
    return ay_slice(memory[turn], (uint32_t)n);
}

static struct ay_slice next_line(struct ay_slice *text)
{
    const uint8_t *stop = memchr(text->data, '\n', text->len);
    assert_non_null(stop);
    struct ay_slice line = ay_slice(text->data, (uint32_t)(stop - text->data));
    *text = ay_slice(stop + 1, text->len - line.len - 1);
    return line;
}

static struct ay_wordpiece *open_vocabulary(struct ay_slice vocabulary)
{
    struct ay_wordpiece *wp = NULL;
    struct ay_reason reason = {""};
    if (ay_wordpiece_open(vocabulary, &wp, &reason) != AY_OK) fail_msg("%s", reason.text);
    return wp;
}

static void test_wordpiece_golden_cases_give_the_same_ids(void **state)
{
    (void)state;
    struct ay_wordpiece *wp = open_vocabulary(read_golden("vocab.txt"));
    struct ay_slice cases = read_golden("cases.txt");
    uint32_t number = 0;
    for (; cases.len > 0; number++) {
        int32_t ids[MAX_TOKENS];
        uint32_t count;
        struct ay_slice text = next_line(&cases), wanted = next_line(&cases);
        const char *at = (const char *)wanted.data, *end = at + wanted.len;
        assert_int_equal(ay_wordpiece_encode(wp, text, MAX_TOKENS, ids, &count), AY_OK);
        for (uint32_t i = 0; i < count; i++) {
            char *after;
            assert_true(at < end);
            if (strtol(at, &after, 10) != ids[i]) fail_msg("case %u, token %u", number, i);
            at = after;
        }
        assert_ptr_equal(at, end);
    }
    print_message("%u cases\n", number);
    assert_true(number > 300);
    ay_wordpiece_close(wp);
}

static const char small[] = "[UNK]\n[CLS]\n[SEP]\nab\n##c\na\n##b\n";

static void test_wordpiece_text_beyond_the_limit_is_cut_before_the_last_token(void **state)
{
    (void)state;
    struct ay_wordpiece *wp = open_vocabulary(ay_slice_str(small));
    for (uint32_t max = 2; max < 9; max++) {
        int32_t ids[9] = {0};
        uint32_t count;
        ids[max] = -7;
        assert_int_equal(ay_wordpiece_encode(wp, ay_slice_str("abc a\xcc\x81 x"), max, ids, &count),
                         AY_OK);
        /* [CLS] ab ##c a [UNK] [SEP] */
        const int32_t wanted[] = {1, 3, 4, 5, 0};
        uint32_t kept = max - 2 < 4 ? max - 2 : 4;
        assert_int_equal(count, kept + 2);
        assert_memory_equal(ids, wanted, (kept + 1) * sizeof *ids);
        assert_int_equal(ids[kept + 1], 2);
        assert_int_equal(ids[max], -7);
    }
    ay_wordpiece_close(wp);
}

static void test_wordpiece_malformed_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "ok \xff"};
    struct ay_wordpiece *wp = open_vocabulary(ay_slice_str(small));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t ids[8];
        uint32_t count;
        assert_int_equal(ay_wordpiece_encode(wp, ay_slice_str(bad[i]), 8, ids, &count),
                         AY_E_FORMAT);
    }
    ay_wordpiece_close(wp);
}

static void test_wordpiece_bad_vocabulary_is_refused_with_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *vocabulary, *reason;
    } bad[] = {{"", "vocabulary lacks"},
               {"[UNK]\n[CLS]\n", "vocabulary lacks"},
               {"[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "vocabulary, line "},
               {"[UNK]\n[CLS]\n\xff\n[SEP]\n", "vocabulary, line 3: not UTF-8"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ay_wordpiece *wp = NULL;
        struct ay_reason reason = {""};
        struct ay_slice vocabulary = ay_slice_str(bad[i].vocabulary);
        assert_int_equal(ay_wordpiece_open(vocabulary, &wp, &reason), AY_E_FORMAT);
        assert_null(wp);
        assert_int_equal(strncmp(reason.text, bad[i].reason, strlen(bad[i].reason)), 0);
    }
}

static void test_wordpiece_any_bytes_stay_within_bounds(void **state)
{
    (void)state;
    struct ay_wordpiece *wp = open_vocabulary(ay_slice_str(small));
    uint32_t seed = 9;
    printf("seed %u\n", seed);
    for (int i = 0; i < 20000; i++) {
        uint8_t text[64];
        int32_t ids[16];
        uint32_t count = 0, len = 0;
        while (len < sizeof text - 4) { /* mostly well-formed */
            seed = seed * 1664525u + 1013904223u;
            int32_t c = (int32_t)(seed >> 8 & (seed >> 30 ? 0x3ff : 0xffff));
            if (seed >> 22 == 0)
                text[len++] = 0xff;
            else
                len +=
                    (uint32_t)utf8proc_encode_char(c >= 0xd800 && c < 0xe000 ? 'a' : c, text + len);
        }
        enum ay_code code = ay_wordpiece_encode(wp, ay_slice(text, len), 16, ids, &count);
        assert_true(code == AY_OK || code == AY_E_FORMAT);
        assert_true(count <= 16);
    }
    ay_wordpiece_close(wp);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    folder = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wordpiece_golden_cases_give_the_same_ids),
        cmocka_unit_test(test_wordpiece_text_beyond_the_limit_is_cut_before_the_last_token),
        cmocka_unit_test(test_wordpiece_malformed_utf8_is_refused),
        cmocka_unit_test(test_wordpiece_bad_vocabulary_is_refused_with_the_line),
        cmocka_unit_test(test_wordpiece_any_bytes_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
