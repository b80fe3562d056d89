#include "base/gen/bank.h"
#include "base/gen/job.h"
#include "base/gen/tx.h"
#include "base/gen/work.h"
#include "cli/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static _Alignas(16) uint8_t arena_mem[1 << 16], out[4096];
static char why[512];

#define MAX_ARGS 24

/* Reads the words of a line, separated by blanks, as flags into the cleared struct. */
static enum ay_code read_line(const struct ay_msg *msg, const char *line)
{
    static char words[1024];
    char *argv[MAX_ARGS], *rest = words;
    int argc = 0;
    struct ay_arena arena = ay_arena_over(arena_mem, sizeof arena_mem);
    struct ay_text reason = ay_text_over(why, sizeof why);
    assert_true(strlen(line) < sizeof words && msg->size <= sizeof out);
    strcpy(words, line);
    for (char *word; (word = strsep(&rest, " "));) {
        assert_true(argc < MAX_ARGS);
        if (*word) argv[argc++] = word;
    }
    memset(out, 0, sizeof out);
    return ay_flags_read(msg, argc, argv, &arena, out, &reason);
}

static void test_flags_fill_strings_numbers_and_coins(void **state)
{
    (void)state;
    const struct ay_bank_msg_send *send = (const void *)out;
    assert_int_equal(read_line(&ay_bank_msg_send_msg, "--to-address=bob --amount 5nasy --amount "
                                                      "{\"denom\":\"x\",\"amount\":\"7\"}"),
                     AY_OK);
    assert_true(ay_slice_equal(send->to_address, ay_slice_str("bob")));
    assert_int_equal(send->amount_count, 2);
    assert_true(ay_slice_equal(send->amount[0].amount, ay_slice_str("5")));
    assert_true(ay_slice_equal(send->amount[0].denom, ay_slice_str("nasy")));
    assert_true(ay_slice_equal(send->amount[1].denom, ay_slice_str("x")));
}

static void test_flags_reach_nested_messages_and_repeat(void **state)
{
    (void)state;
    const struct ay_tx_signer_info *signer = (const void *)out;
    assert_int_equal(
        read_line(&ay_tx_signer_info_msg, "--mode-info.single.mode SIGN_MODE_DIRECT --sequence 7"),
        AY_OK);
    assert_true(signer->has_mode_info && signer->mode_info.has_single && !signer->has_public_key);
    assert_int_equal(signer->mode_info.single.mode, 1);
    assert_int_equal(signer->sequence, 7);

    const struct ay_work_op *op = (const void *)out;
    assert_int_equal(read_line(&ay_work_op_msg, "--in 3 --in 4 --in=5 --kind OP_MAP"), AY_OK);
    assert_int_equal(op->in_count, 3);
    assert_int_equal(op->in[0] * 100 + op->in[1] * 10 + op->in[2], 345);
}

static void test_flags_bool_alone_is_true(void **state)
{
    (void)state;
    const struct ay_tx_tx_body *body = (const void *)out;
    assert_int_equal(read_line(&ay_tx_tx_body_msg, "--unordered --memo hi"), AY_OK);
    assert_true(body->unordered && body->memo.len == 2);
    assert_int_equal(read_line(&ay_tx_tx_body_msg, "--unordered=false"), AY_OK);
    assert_false(body->unordered);
}

static void test_flags_refusal_names_flag_and_reason(void **state)
{
    (void)state;
    static const struct {
        const struct ay_msg *msg;
        const char *line, *why;
    } cases[] = {
        {&ay_bank_msg_send_msg, "--nope 1", "--nope: unknown flag"},
        {&ay_bank_msg_send_msg, "--amount.denom x", "--amount.denom: unknown flag"},
        {&ay_bank_msg_send_msg, "word", "word: expected a flag such as --name value"},
        {&ay_bank_msg_send_msg, "--", "--: expected a flag such as --name value"},
        {&ay_bank_msg_send_msg, "--to-address", "--to-address: needs a value"},
        {&ay_bank_msg_send_msg, "--to-address a --to-address=b", "--to-address: given twice"},
        {&ay_tx_fee_msg, "--gas-limit x", "--gas-limit: expects a whole number from 0 to 2^64 - 1"},
        {&ay_tx_fee_msg, "--amount {\"denom\":3}",
         "--amount: denom: expects text in UTF-8 within the field's length"},
        {&ay_work_op_msg, "--in 1 --in 1 --in 1 --in 1 --in 1 --in 1 --in 1",
         "--in: given too often"},
        {&ay_work_weight_msg, "--dtype DTYPE_F32", "--root: missing"},
        {&ay_work_weight_msg, "--root 00",
         "--root: expects hexadecimal bytes within the field's length"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(read_line(cases[i].msg, cases[i].line), AY_E_USAGE);
        assert_string_equal(why, cases[i].why);
    }
}

static void test_flags_help_lists_every_flag_but_the_skipped(void **state)
{
    (void)state;
    char help[2048];
    struct ay_text text = ay_text_over(help, sizeof help);
    ay_flags_help(&ay_bank_msg_send_msg, ay_bank_msg_send_msg.tx->signer, &text);
    assert_string_equal(
        help, "  --to-address TEXT\n"
              "  --amount COIN                   Sorted by denom, each above 0. (repeatable)\n");
    text = ay_text_over(help, sizeof help);
    ay_flags_help(&ay_tx_signer_info_msg, NULL, &text);
    assert_non_null(strstr(help, "  --mode-info.single.mode NAME"));
    assert_non_null(strstr(help, "SIGN_MODE_DIRECT"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_fill_strings_numbers_and_coins),
        cmocka_unit_test(test_flags_reach_nested_messages_and_repeat),
        cmocka_unit_test(test_flags_bool_alone_is_true),
        cmocka_unit_test(test_flags_refusal_names_flag_and_reason),
        cmocka_unit_test(test_flags_help_lists_every_flag_but_the_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
