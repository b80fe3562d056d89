/* Cuts of products: whole panels, no block empty, and threads with equal parts of the items have
 * about equal parts of the work. */
#include "tensor/cut.h"
#include "tensor/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MAX_ITEMS 100u /* of which each is compared with each */

static uint64_t seed = 20261127;

static uint32_t to(uint32_t most)
{
    return 1 + ay_test_below(&seed, most);
}

static struct ay_cut cut_of(const struct ay_cut_shape *s, int form)
{
    return form < 2 ? ay_cut_filters(s, form == 1) : ay_cut_columns(s, form == 3);
}

static uint32_t part(uint32_t whole, uint32_t block, uint32_t begin)
{
    return whole - begin < block ? whole - begin : block;
}

/* Elements of the item. */
static uint64_t work_of(const struct ay_cut_shape *s, const struct ay_cut *c, uint32_t item)
{
    const struct ay_cut_place at = ay_cut_place(c, item);
    assert_true(at.batch < s->batches && at.row < s->m && at.column < s->n);
    return (uint64_t)part(s->batches, c->group, at.batch) * part(s->m, c->rows, at.row) *
           part(s->n, c->columns, at.column);
}

/* No two items are one block. */
static void check_apart(const struct ay_cut_shape *s, const struct ay_cut *c)
{
    uint32_t items = ay_cut_items(c, s->batches);
    if (items > MAX_ITEMS) return;
    for (uint32_t i = 0; i < items; i++)
        for (uint32_t k = 0; k < i; k++) {
            const struct ay_cut_place a = ay_cut_place(c, i), b = ay_cut_place(c, k);
            assert_true(a.batch != b.batch || a.row != b.row || a.column != b.column);
        }
}

/* The largest part of the work that one thread begins with, in hundredths of an even one. */
static uint64_t largest_share(const struct ay_cut_shape *s, const struct ay_cut *c)
{
    uint32_t items = ay_cut_items(c, s->batches);
    uint64_t most = 0, all = (uint64_t)s->batches * s->m * s->n, sum = 0;
    for (uint32_t t = 0; t < s->threads; t++) {
        uint32_t end = (uint32_t)((uint64_t)items * (t + 1) / s->threads);
        uint64_t work = 0;
        for (uint32_t i = (uint32_t)((uint64_t)items * t / s->threads); i < end; i++)
            work += work_of(s, c, i);
        if (work > most) most = work;
        sum += work;
    }
    assert_int_equal(sum, all);
    return most * s->threads * 100 / all;
}

static void test_cut_any_shape_has_whole_panels_and_no_empty_block(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        int form = (int)(i % 4);
        struct ay_cut_shape s = {
            form < 2 ? 1 : to(40), to(2000), to(20000), to(5000), 16 * to(4), to(16)};
        struct ay_cut c = cut_of(&s, form);
        assert_true(c.columns > 0 && c.rows > 0 && c.group > 0 && c.group <= s.batches);
        assert_true((uint64_t)c.columns * c.column_blocks >= s.n);
        assert_true((uint64_t)c.columns * (c.column_blocks - 1) < s.n);
        assert_true((uint64_t)c.rows * c.row_blocks >= s.m);
        assert_true((uint64_t)c.rows * (c.row_blocks - 1) < s.m);
        assert_int_equal((form < 2 ? c.rows : c.columns) % s.panel, 0);
        (void)largest_share(&s, &c);
        check_apart(&s, &c);
    }
}

/* Convolutions of ResNet-50: filters, columns, k. */
static void test_cut_threads_have_equal_work(void **state)
{
    (void)state;
    static const uint32_t shapes[][3] = {
        {64, 12544, 147}, {64, 3136, 576},  {256, 3136, 64},  {64, 3136, 256},  {128, 784, 1152},
        {512, 784, 128},  {256, 196, 2304}, {1024, 196, 256}, {256, 196, 1024}, {512, 49, 4608},
        {2048, 49, 512},  {512, 49, 2048},  {2048, 49, 1024}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint32_t threads = 1; threads <= 4; threads *= 2)
            for (int form = 0; form < 3; form++) {
                const uint32_t *w = shapes[i];
                struct ay_cut_shape s = {1, w[0], w[1], w[2], 16, threads};
                struct ay_cut c = cut_of(&s, form);
                uint64_t share = largest_share(&s, &c);
                if (share > 115)
                    fail_msg("(%u, %u, %u) in form %d by %u threads: %d hundredths", w[0], w[1],
                             w[2], form, threads, (int)share);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_any_shape_has_whole_panels_and_no_empty_block),
        cmocka_unit_test(test_cut_threads_have_equal_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
