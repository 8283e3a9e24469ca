#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/rate.h"

/* Tells of `per_s` things a second, ten times a second, for so long; `done` counts on. */
static int64_t go(struct rate *rate, int64_t now_ms, int seconds, size_t per_s, size_t *done)
{
    for (int i = 0; i < seconds * 10; i++) {
        *done += per_s / 10;
        rate_tell(rate, now_ms += 100, *done);
    }
    return now_ms;
}

static void test_rate_knows_nothing_at_first(void **state)
{
    struct rate rate;
    double seconds;
    (void)state;
    rate_begin(&rate, 5000);
    assert_false(rate_left(&rate, 10, &seconds));
    rate_tell(&rate, 5900, 9);
    assert_false(rate_left(&rate, 10, &seconds));
    rate_tell(&rate, 6100, 11);
    assert_true(rate_left(&rate, 10, &seconds));
    assert_float_equal(seconds, 1, 0.01);
}

static void test_rate_says_nothing_where_nothing_is_done(void **state)
{
    struct rate rate;
    size_t done = 0;
    double seconds;
    (void)state;
    rate_begin(&rate, 0);
    go(&rate, 0, 5, 0, &done);
    assert_false(rate_left(&rate, 10, &seconds));
}

static void test_rate_forgets_what_is_long_ago(void **state)
{
    struct rate rate;
    size_t done = 0;
    (void)state;
    rate_begin(&rate, 0);
    int64_t now_ms = go(&rate, 0, 20, 10000, &done);
    assert_float_equal(rate.per_s, 10000, 1);
    now_ms = go(&rate, now_ms, 10, 100, &done);
    assert_in_range(rate.per_s, 1000, 5000);
    go(&rate, now_ms, 60, 100, &done);
    assert_in_range(rate.per_s, 95, 130);
}

static void test_rate_does_not_count_a_stop(void **state)
{
    struct rate rate;
    size_t done = 0;
    (void)state;
    rate_begin(&rate, 0);
    int64_t now_ms = go(&rate, 0, 20, 100, &done);
    go(&rate, now_ms + 3600 * 1000, 5, 100, &done);
    assert_in_range(rate.per_s, 85, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_knows_nothing_at_first),
        cmocka_unit_test(test_rate_says_nothing_where_nothing_is_done),
        cmocka_unit_test(test_rate_forgets_what_is_long_ago),
        cmocka_unit_test(test_rate_does_not_count_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
