#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "batch/budget.h"

static const int64_t mib = 1 << 20;

static void test_budget_without_a_limit_lets_everything_fly(void **state)
{
    struct budget budget;
    (void)state;
    budget_init(&budget, 0, 4);
    assert_int_equal(budget_grant(&budget, 0), 0);
    for (int i = 0; i < 100; i++) {
        assert_true(budget_allows(&budget, budget_grant(&budget, 0), i));
        budget_take(&budget, 0);
    }
}

static void test_budget_never_keeps_an_ordinary_picture_waiting(void **state)
{
    struct budget budget;
    (void)state;
    budget_init(&budget, 80 * mib, 4);
    assert_int_equal(budget.ordinary, 10 * mib);
    assert_int_equal(budget_grant(&budget, 9 * mib), 10 * mib);
    budget_take(&budget, budget_grant(&budget, 50 * mib)); /* all that large ones may have */
    for (int i = 1; i < 12; i++) {
        assert_true(budget_allows(&budget, budget_grant(&budget, 0), i));
        budget_take(&budget, budget_grant(&budget, 0));
    }
}

static void test_budget_grants_an_ordinary_share_with_a_bound(void **state)
{
    struct budget budget;
    (void)state;
    budget_init(&budget, (int64_t)1 << 40, 4);
    assert_true(budget.ordinary >= 130 * mib); /* the largest PNG that is inflated whole */
    assert_true(budget.ordinary <= 256 * mib);
}

static void test_budget_of_a_few_bytes_is_a_limit_and_keeps_nobody_waiting(void **state)
{
    struct budget budget;
    (void)state;
    for (int total = 1; total < 20; total++) {
        budget_init(&budget, total, 8);
        assert_true(budget_grant(&budget, 0) > 0);
        assert_true(budget_grant(&budget, 100) <= total);
        assert_true(budget_allows(&budget, budget_grant(&budget, 0), 0));
        assert_true(budget_allows(&budget, budget_grant(&budget, 100), 0));
    }
}

/* Whatever is granted, what workers have at a time stays within the total. */
static void test_budget_is_not_exceeded(void **state)
{
    struct budget budget;
    int64_t flying[100], sum = 0;
    int count = 0;
    uint32_t random = 1;
    (void)state;
    budget_init(&budget, 80 * mib, 4);
    for (int step = 0; step < 100000; step++) {
        random = random * 1664525 + 1013904223;
        int64_t grant = budget_grant(&budget, (random >> 16) % 90 * mib);
        assert_true(grant <= budget.total);
        if (random >> 31 && count < 4 && budget_allows(&budget, grant, count)) {
            budget_take(&budget, grant);
            flying[count++] = grant;
            sum += grant;
        } else if (count > 0) {
            int which = (int)(random >> 8) % count;
            which = which < 0 ? -which : which;
            budget_give_back(&budget, flying[which]);
            sum -= flying[which];
            flying[which] = flying[--count];
        }
        assert_true(sum <= budget.total);
    }
    while (count > 0)
        budget_give_back(&budget, flying[--count]);
    assert_int_equal(budget.taken, 0);
}

static void test_budget_lets_a_picture_that_needs_all_of_it_fly_alone(void **state)
{
    struct budget budget;
    (void)state;
    budget_init(&budget, 80 * mib, 4);
    int64_t all = budget_grant(&budget, 80 * mib);
    assert_int_equal(all, 80 * mib);
    assert_true(budget_is_for_one(&budget, all));
    assert_false(budget_allows(&budget, all, 1));
    assert_true(budget_allows(&budget, all, 0));
    budget_take(&budget, all);
    assert_false(budget_allows(&budget, budget_grant(&budget, 0), 1));
    budget_give_back(&budget, all);
    assert_true(budget_allows(&budget, budget_grant(&budget, 0), 1));
    assert_false(budget_is_for_one(&budget, budget_grant(&budget, 50 * mib)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget_without_a_limit_lets_everything_fly),
        cmocka_unit_test(test_budget_never_keeps_an_ordinary_picture_waiting),
        cmocka_unit_test(test_budget_grants_an_ordinary_share_with_a_bound),
        cmocka_unit_test(test_budget_is_not_exceeded),
        cmocka_unit_test(test_budget_of_a_few_bytes_is_a_limit_and_keeps_nobody_waiting),
        cmocka_unit_test(test_budget_lets_a_picture_that_needs_all_of_it_fly_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
