/* Patterns and names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "batch/globs.h"

static bool fits(const char *pattern, const char *path)
{
    struct globs globs = {0};
    assert_int_equal(globs_add(&globs, pattern), 0);
    bool match = globs_match(&globs, path);
    globs_done(&globs);
    return match;
}

static void test_globs_without_a_slash_are_for_the_last_part(void **state)
{
    (void)state;
    assert_true(fits("*.jpg", "a/b.jpg"));
    assert_true(fits("b.*", "a/b.jpg"));
    assert_false(fits("a*", "a/b.jpg"));
    assert_true(fits("[ab].jpg", "b.jpg"));
}

static void test_globs_with_a_slash_are_for_the_whole_path(void **state)
{
    (void)state;
    assert_true(fits("a/*.jpg", "a/b.jpg"));
    assert_true(fits("a/*", "a/b/c.jpg"));
    assert_false(fits("a/*", "x/a/b.jpg"));
    assert_true(fits("*/a/*", "x/a/b.jpg"));
}

static void test_globs_do_not_care_for_case(void **state)
{
    (void)state;
    assert_true(fits("*.jpg", "IMG_1.JPG"));
    assert_true(fits("DCIM", "dcim"));
}

static void test_globs_are_alternatives(void **state)
{
    (void)state;
    struct globs globs = {0};
    assert_false(globs_match(&globs, "a.jpg"));
    assert_int_equal(globs_add(&globs, "*.png"), 0);
    assert_int_equal(globs_add(&globs, "*.jpg"), 0);
    assert_true(globs_match(&globs, "a.jpg"));
    assert_true(globs_match(&globs, "a.png"));
    assert_false(globs_match(&globs, "a.gif"));
    globs_done(&globs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs_without_a_slash_are_for_the_last_part),
        cmocka_unit_test(test_globs_with_a_slash_are_for_the_whole_path),
        cmocka_unit_test(test_globs_do_not_care_for_case),
        cmocka_unit_test(test_globs_are_alternatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
