#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/statistics.h"

#define assert_near(found, wanted, within) assert_true(fabs((found) - (wanted)) <= (within))

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_statistics_of_five_values(void **state)
{
    const double values[] = {2, 4, 4, 5, 10};
    struct statistics all = statistics_of(values, COUNT(values));
    (void)state;
    assert_int_equal(all.count, 5);
    assert_near(all.mean, 5, 1e-12);
    assert_near(all.stddev, 3, 1e-12); /* (9 + 1 + 1 + 0 + 25) / 4 = 9 */
    assert_near(all.median, 4, 1e-12);
    assert_near(all.min, 2, 1e-12);
    assert_near(all.max, 10, 1e-12);
}

static void test_statistics_of_a_single_value_has_no_deviation(void **state)
{
    struct statistics all = statistics_of(&(double){7}, 1);
    (void)state;
    assert_near(all.mean, 7, 1e-12);
    assert_near(all.stddev, 0, 1e-12);
    assert_int_equal(all.outliers, 0);
}

static void test_statistics_median_of_an_even_count_lies_between(void **state)
{
    const double values[] = {4, 1, 3, 2};
    (void)state;
    assert_near(statistics_median(values, COUNT(values)), 2.5, 1e-12);
}

/* Distances from the median 10 are 2, 1, 0, 1 and the last one's: their median is 1. */
static void test_statistics_outliers_are_further_than_14_826_distances(void **state)
{
    const double near[] = {8, 9, 10, 11, 24.8}, far[] = {8, 9, 10, 11, 24.9};
    (void)state;
    assert_int_equal(statistics_outliers(near, COUNT(near)), 0);
    assert_int_equal(statistics_outliers(far, COUNT(far)), 1);
}

static void test_statistics_outliers_where_all_others_are_equal(void **state)
{
    const double values[] = {1, 1, 1, 1, 2};
    (void)state;
    assert_int_equal(statistics_outliers(values, COUNT(values)), 1);
}

/* Of five against five, U of 2 has a chance of 0.0317 and U of 3 one of 0.0556 (two-sided; the
 * printed tables of Mann and Whitney). */
static void test_statistics_differ_at_five_percent(void **state)
{
    const double low[] = {1, 2, 3, 4, 7.5};
    const double high[] = {5, 7, 8, 9, 10};  /* 7.5 is above two of them: U = 2 */
    const double mixed[] = {5, 6, 7, 9, 10}; /* above three: U = 3 */
    (void)state;
    assert_true(statistics_differ(low, 5, high, 5));
    assert_true(statistics_differ(high, 5, low, 5));
    assert_false(statistics_differ(low, 5, mixed, 5));
    assert_false(statistics_differ(low, 5, low, 5));
}

static void test_statistics_differ_never_by_three_values(void **state)
{
    const double low[] = {1, 2, 3}, high[] = {101, 102, 103};
    (void)state;
    assert_false(statistics_differ(low, 3, high, 3));
}

static void test_statistics_differ_of_many_values(void **state)
{
    double low[30], high[30], same[30];
    (void)state;
    for (int i = 0; i < 30; i++) {
        low[i] = i;
        high[i] = i + 12;
        same[i] = i + 2.5;
    }
    assert_true(statistics_differ(low, 30, high, 30));
    assert_false(statistics_differ(low, 30, same, 30));
}

static void test_amdahl_finds_the_share_that_made_the_times(void **state)
{
    /* 8 s, a quarter of them serial: 8 * (1/4 + 3/4 / n). */
    const struct amdahl_point points[] = {{1, 8}, {2, 5}, {4, 3.5}, {8, 2.75}};
    double serial, residual;
    (void)state;
    assert_int_equal(amdahl_fit(8, points, COUNT(points), &serial, &residual), 3);
    assert_near(serial, 0.25, 1e-12);
    assert_near(residual, 0, 1e-7);
}

/* Two points that no share explains: at 2 workers s = 0, at 4 workers s = 1/3. Through the origin
 * sum(xy)/sum(xx) = (0 + 3/4 * 1/4) / (1/4 + 9/16) = 3/13. */
static void test_amdahl_is_a_least_squares_fit(void **state)
{
    const struct amdahl_point points[] = {{2, 0.5}, {4, 0.5}};
    double serial, residual;
    (void)state;
    assert_int_equal(amdahl_fit(1, points, COUNT(points), &serial, &residual), 2);
    assert_near(serial, 3.0 / 13, 1e-12);
    assert_true(residual > 0.01);
}

static void test_amdahl_of_one_worker_says_nothing(void **state)
{
    double serial, residual;
    (void)state;
    assert_int_equal(amdahl_fit(1, &(struct amdahl_point){1, 2}, 1, &serial, &residual), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics_of_five_values),
        cmocka_unit_test(test_statistics_of_a_single_value_has_no_deviation),
        cmocka_unit_test(test_statistics_median_of_an_even_count_lies_between),
        cmocka_unit_test(test_statistics_outliers_are_further_than_14_826_distances),
        cmocka_unit_test(test_statistics_outliers_where_all_others_are_equal),
        cmocka_unit_test(test_statistics_differ_at_five_percent),
        cmocka_unit_test(test_statistics_differ_never_by_three_values),
        cmocka_unit_test(test_statistics_differ_of_many_values),
        cmocka_unit_test(test_amdahl_finds_the_share_that_made_the_times),
        cmocka_unit_test(test_amdahl_is_a_least_squares_fit),
        cmocka_unit_test(test_amdahl_of_one_worker_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
