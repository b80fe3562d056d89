#include "net/node_search.h"
#include "net/testing.h"

static const struct ay_tendermint_abci_event_attribute attributes[] = {
    {{(const uint8_t *)"recipient", 9}, {(const uint8_t *)"assay1a", 7}, true},
    {{(const uint8_t *)"amount", 6}, {(const uint8_t *)"12", 2}, true},
    {{(const uint8_t *)"amount", 6}, {(const uint8_t *)"40nasy", 6}, true}};
static const struct ay_tendermint_abci_event events[] = {
    {{(const uint8_t *)"transfer", 8}, attributes, 3}};
static const uint8_t hash[AY_HASH_BYTES] = {0xab, 0xcd};
static const struct ay_search_subject subject = {
    .event = "Tx", .height = 7, .hash = hash, .events = events, .event_count = 1};

#define ABCD "abcd000000000000000000000000000000000000000000000000000000000000"

static void test_search_conditions_match_as_they_say(void **state)
{
    static const struct {
        const char *query;
        bool matches;
    } cases[] = {
        {"tm.event='Tx'", true},
        {"tm.event = 'NewBlock'", false},
        {"tm.event='Tx' AND tx.hash='" ABCD "'", true},
        {"tx.hash='ABCD'", false},
        {"tx.height=7", true},
        {"tx.height = 7 AND tx.height<8 AND tx.height>6 AND tx.height<=7 AND tx.height>=7", true},
        {"tx.height<7", false},
        {"tx.height>7", false},
        {"transfer.recipient='assay1a'", true},
        {"transfer.recipient='assay1'", false},
        {"transfer.recipient CONTAINS 'say1'", true},
        {"transfer.recipient CONTAINS 'nobody'", false},
        {"transfer.recipient EXISTS", true},
        {"transfer.recipient EXISTS AND tx.height=7", true},
        {"transfer.sender EXISTS", false},
        {"transfer EXISTS", false},
        {"transfer.amount>11", true},
        {"transfer.amount>12", false}, /* 40nasy is no number */
        {"transfer.amount='12' AND transfer.amount='40nasy'", true},
        {"transfer.recipient='a AND b'", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_search search;
        char why[160] = "";
        if (ay_search_parse(ay_slice_str(cases[i].query), &search, why) != AY_OK)
            fail_msg("%s: %s", cases[i].query, why);
        if (ay_search_matches(&search, &subject) != cases[i].matches)
            fail_msg("%s: expected %d", cases[i].query, cases[i].matches);
    }
}

static void test_search_malformed_query_is_refused_at_its_place(void **state)
{
    static const struct {
        const char *query, *why;
    } cases[] = {
        {"", "failed to parse query: position 0: expected a key such as tx.height"},
        {"tx.height", "failed to parse query: position 9: expected =, <, <=, >, >=, CONTAINS or "
                      "EXISTS"},
        {"tx.hash='ab", "failed to parse query: position 11: expected a closing quote"},
        {"tx.hash>'ab'", "failed to parse query: position 12: expected a number"},
        {"tx.height=five", "failed to parse query: position 14: expected a 'text' in single quotes "
                           "or a whole number"},
        {"tx.height=5 OR tx.height=6", "failed to parse query: position 12: expected AND"},
        {"tx.height=5 AND ",
         "failed to parse query: position 16: expected a key such as tx.height"},
        {"block.time>TIME 2026-11-23T00:00:00Z", "failed to parse query: position 15: expected a "
                                                 "'text' in single quotes or a whole number"},
        {"a=1 AND b=1 AND c=1 AND d=1 AND e=1 AND f=1 AND g=1 AND h=1 AND i=1",
         "failed to parse query: position 63: too many conditions"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_search search;
        char why[160] = "";
        assert_code(ay_search_parse(ay_slice_str(cases[i].query), &search, why), AY_E_FORMAT);
        assert_string_equal(why, cases[i].why);
    }
}

static void test_search_heights_are_what_all_conditions_leave(void **state)
{
    static const struct {
        const char *query;
        uint64_t low, high;
    } cases[] = {
        {"tx.height=5", 5, 5},
        {"tx.height>5", 6, 100},
        {"tx.height>=5 AND tx.height<9", 5, 8},
        {"tx.height<=1000", 1, 100},
        {"a.b='c'", 1, 100},
        {"tx.height<0", 1, 0},
        {"tx.height>18446744073709551615", 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ay_search search;
        char why[160];
        uint64_t low, high;
        assert_code(ay_search_parse(ay_slice_str(cases[i].query), &search, why), AY_OK);
        ay_search_heights(&search, "tx.height", 100, &low, &high);
        if (low != cases[i].low || high != cases[i].high)
            fail_msg("%s: [%lu, %lu]", cases[i].query, low, high);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_conditions_match_as_they_say),
        cmocka_unit_test(test_search_malformed_query_is_refused_at_its_place),
        cmocka_unit_test(test_search_heights_are_what_all_conditions_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
