#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/timeline.h"

static void assert_near(double found, double expected, double slack)
{
    assert_true(fabs(found - expected) <= slack);
}

static double sum_of(const struct timeline *timeline)
{
    double sum = 0;
    for (int row = 0; row < 2 * TIMELINE_ROWS; row++)
        for (int i = 0; i < TIMELINE_BINS; i++)
            sum += timeline->busy_ms[row][i];
    return sum;
}

static size_t drawn_bytes(const struct timeline *timeline, double end_ms)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    timeline_draw(timeline, end_ms, file);
    fclose(file);
    assert_non_null(strstr(text, "</svg>"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    free(text);
    return size;
}

static void test_timeline_loses_no_work_when_it_outgrows_its_spans(void **state)
{
    struct timeline timeline;
    double worked = 0, at = 1000;
    (void)state;
    timeline_begin(&timeline, 2, 1000);
    assert_true(timeline_is_empty(&timeline));
    for (int i = 0; i < 5000; i++, at += 7.3) {
        timeline_add(&timeline, i % 2, i % 3 == 0, at, at + 5.1);
        worked += 5.1;
    }
    assert_false(timeline_is_empty(&timeline));
    assert_true(timeline.bin_ms * TIMELINE_BINS >= at - 1000 - 7.3);
    assert_near(sum_of(&timeline), worked, 1e-6 * worked);
}

static void test_timeline_puts_work_where_it_was(void **state)
{
    struct timeline timeline;
    (void)state;
    timeline_begin(&timeline, 2, 0);
    timeline_add(&timeline, 1, false, 10.5, 12.25);
    assert_near(timeline.busy_ms[1][10], 0.5, 1e-9);
    assert_near(timeline.busy_ms[1][11], 1, 1e-9);
    assert_near(timeline.busy_ms[1][12], 0.25, 1e-9);
    assert_near(sum_of(&timeline), 1.75, 1e-9);
}

static void test_timeline_is_bounded_for_any_number_of_workers(void **state)
{
    struct timeline timeline;
    (void)state;
    timeline_begin(&timeline, 4096, 0);
    for (int i = 0; i < 40000; i++)
        timeline_add(&timeline, i % 4096, i % 2, i * 0.37, i * 0.37 + i % 97);
    assert_true(drawn_bytes(&timeline, 20000) < 400000);
    timeline_begin(&timeline, 1, 0);
    timeline_add(&timeline, 0, false, 0, 3);
    assert_true(drawn_bytes(&timeline, 3e6) < 2000);
}

static void test_timeline_takes_no_nonsense(void **state)
{
    struct timeline timeline;
    (void)state;
    timeline_begin(&timeline, 2, 100);
    timeline_add(&timeline, -1, false, 101, 102); /* no worker had it */
    timeline_add(&timeline, 2, false, 101, 102);
    timeline_add(&timeline, 0, false, 102, 101);
    timeline_add(&timeline, 0, false, 101, INFINITY);
    assert_true(timeline_is_empty(&timeline));
    timeline_add(&timeline, 0, false, 50, 101); /* begun before the run: its part of the run */
    assert_near(sum_of(&timeline), 1, 1e-9);
    (void)drawn_bytes(&timeline, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeline_loses_no_work_when_it_outgrows_its_spans),
        cmocka_unit_test(test_timeline_puts_work_where_it_was),
        cmocka_unit_test(test_timeline_is_bounded_for_any_number_of_workers),
        cmocka_unit_test(test_timeline_takes_no_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
