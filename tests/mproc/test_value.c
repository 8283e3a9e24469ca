/* value: each call is atomic between processes, and the lock makes several of them one. */
#include "support/mproc.h"

#include <errno.h>

enum { ROUNDS = 20000, ADDERS = 4 };

static void test_a_value_is_what_it_was_created_with(void **state)
{
    (void)state;
    const int64_t numbers[] = {0, 1, -1, INT64_MIN, INT64_MAX};
    for (int i = 0; i < 5; i++) {
        struct mp_value *value = NULL;
        assert_int_equal(mp_value_create(numbers[i], &value), 0);
        assert_true(mp_value_get(value) == numbers[i]);
        mp_value_free(value);
    }
    struct mp_value *value = NULL;
    assert_int_equal(mp_value_create_double(-0.5, &value), 0);
    assert_true(mp_value_get_double(value) == -0.5);
    mp_value_set_double(value, 2.25);
    assert_true(mp_value_add_double(value, 0.5) == 2.75);
    assert_true(mp_value_get_double(value) == 2.75);
    mp_value_free(value);
    mp_value_free(NULL);
}

static void test_an_addition_wraps_around(void **state)
{
    (void)state;
    struct mp_value *value = NULL;
    assert_int_equal(mp_value_create(INT64_MAX, &value), 0);
    assert_true(mp_value_add(value, 1) == INT64_MIN);
    assert_true(mp_value_add(value, -1) == INT64_MAX);
    mp_value_set(value, 7);
    assert_true(mp_value_add(value, -9) == -2);
    mp_value_free(value);
}

static void test_compare_exchange_tells_what_was_there(void **state)
{
    (void)state;
    struct mp_value *value = NULL;
    assert_int_equal(mp_value_create(5, &value), 0);
    int64_t expected = 4;
    assert_false(mp_value_compare_exchange(value, &expected, 9));
    assert_true(expected == 5 && mp_value_get(value) == 5);
    assert_true(mp_value_compare_exchange(value, &expected, 9));
    assert_true(expected == 5 && mp_value_get(value) == 9);
    mp_value_free(value);
}

static int child_add(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        mp_value_add(arg, 3);
    return 0;
}

static int child_add_double(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        mp_value_add_double(arg, 0.5);
    return 0;
}

static int child_add_under_lock(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (mp_lock_acquire(mp_value_lock(arg), MP_FOREVER) != 0)
            return 2;
        mp_value_set(arg, mp_value_get(arg) + 1);
        if (mp_lock_release(mp_value_lock(arg)) != 0)
            return 3;
    }
    return 0;
}

static void run_adders(int (*fn)(void *), struct mp_value *value)
{
    struct mp_process *adders[ADDERS];
    for (int i = 0; i < ADDERS; i++)
        adders[i] = support_start(fn, value);
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(support_finish(adders[i]), 0);
}

static void test_no_addition_of_several_processes_is_lost(void **state)
{
    (void)state;
    struct mp_value *value = NULL;
    assert_int_equal(mp_value_create(0, &value), 0);
    run_adders(child_add, value);
    assert_true(mp_value_get(value) == 3 * ADDERS * ROUNDS);
    mp_value_set(value, 0);
    run_adders(child_add_under_lock, value);
    assert_true(mp_value_get(value) == ADDERS * ROUNDS);
    mp_value_set_double(value, 0);
    run_adders(child_add_double, value);
    assert_true(mp_value_get_double(value) == ADDERS * ROUNDS / 2);
    mp_value_free(value);
}

static void test_its_lock_is_recursive_and_not_taken_by_its_calls(void **state)
{
    (void)state;
    struct mp_value *value = NULL;
    assert_int_equal(mp_value_create(1, &value), 0);
    assert_int_equal(mp_lock_acquire(mp_value_lock(value), 0), 0);
    assert_int_equal(mp_lock_acquire(mp_value_lock(value), 0), 0);
    run_adders(child_add, value);
    assert_int_equal(mp_lock_release(mp_value_lock(value)), 0);
    assert_int_equal(mp_lock_release(mp_value_lock(value)), 0);
    assert_true(mp_value_get(value) == 1 + 3 * ADDERS * ROUNDS);
    mp_value_free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_a_value_is_what_it_was_created_with),
        SUPPORT_TEST(test_an_addition_wraps_around),
        SUPPORT_TEST(test_compare_exchange_tells_what_was_there),
        SUPPORT_TEST(test_no_addition_of_several_processes_is_lost),
        SUPPORT_TEST(test_its_lock_is_recursive_and_not_taken_by_its_calls),
    };
    return cmocka_run_group_tests_name("mproc/value", tests, NULL, NULL);
}
