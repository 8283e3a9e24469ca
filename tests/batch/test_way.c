#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "batch/date.h"
#include "batch/way.h"
#include "support/tree.h"

static void expect_between(const char *from, const char *to, const char *expected)
{
    char way[PATH_MAX];
    assert_int_equal(way_between(from, to, way), 0);
    assert_string_equal(way, expected);
}

static void test_way_between_folders(void **state)
{
    (void)state;
    expect_between("/home/me", "/home/me", "");
    expect_between("/home/me", "/home/me/thumbs", "thumbs/");
    expect_between("/home/me/pages", "/home/me/thumbs", "../thumbs/");
    expect_between("/home/me/pages/old", "/home/me", "../../");
    expect_between("/home/me", "/home/mean/x", "../mean/x/");
    expect_between("/home/mean", "/home/me", "../me/");
}

static void test_way_is_absolute_where_only_the_root_is_common(void **state)
{
    (void)state;
    expect_between("/home/me", "/mnt/thumbs", "/mnt/thumbs/");
    expect_between("/", "/mnt", "/mnt/");
    expect_between("/mnt", "/", "/");
}

static void test_way_clashes_where_both_cannot_be_files(void **state)
{
    (void)state;
    assert_true(way_clashes("/a/b.html", "/a/b.html"));
    assert_true(way_clashes("/a/B.html", "/a/b.html"));
    assert_true(way_clashes("/a/b", "/a/b/c.jpg"));
    assert_true(way_clashes("/a/b.jpg/page.html", "/a/b.jpg"));
    assert_false(way_clashes("/a/b.jp", "/a/b.jpg"));
    assert_false(way_clashes("/a/b.html", "/a/c.html"));
}

static void test_way_follows_links_as_far_as_there_is_something(void **state)
{
    char real[PATH_MAX], found[PATH_MAX], expected[PATH_MAX + 40];
    const char *root = *state;
    assert_non_null(realpath(root, real));
    tree_write(root, "there/file", "", 0);
    assert_int_equal(symlink("there", tree_path(root, "link")), 0);
    assert_int_equal(way_folder(tree_path(root, "link/new/./x/../y"), found), 0);
    snprintf(expected, sizeof expected, "%s/there/new/y", real);
    assert_string_equal(found, expected);
    assert_int_equal(way_file(tree_path(root, "link"), found), 0); /* a link that is replaced */
    snprintf(expected, sizeof expected, "%s/link", real);
    assert_string_equal(found, expected);
    assert_int_equal(way_folder(tree_path(root, "there/file/x"), found) < 0, true);
    assert_non_null(getcwd(real, sizeof real));
    assert_int_equal(way_file("no such page.html", found), 0);
    snprintf(expected, sizeof expected, "%s/no such page.html", real);
    assert_string_equal(found, expected);
}

static void test_date_is_the_one_asked_for(void **state)
{
    time_t found;
    char text[DATE_BYTES];
    (void)state;
    assert_true(date_find("1700000000", &found));
    date_text(found, text);
    assert_string_equal(text, "14 November 2023, 22:13 UTC");
    assert_true(date_find("0", &found));
    date_text(found, text);
    assert_string_equal(text, "1 January 1970, 00:00 UTC");
}

static void test_date_that_is_none_is_told(void **state)
{
    static const char *const wrong[] = {"x",           "-1", "12 ", "1e9", "99999999999999999999",
                                        "253402300800"};
    time_t found;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        time_t before = time(NULL);
        assert_false(date_find(wrong[i], &found));
        assert_true(found >= before);
    }
    assert_true(date_find(NULL, &found));
    assert_true(date_find("", &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_way_between_folders),
        cmocka_unit_test(test_way_is_absolute_where_only_the_root_is_common),
        cmocka_unit_test(test_way_clashes_where_both_cannot_be_files),
        TREE_TEST(test_way_follows_links_as_far_as_there_is_something),
        cmocka_unit_test(test_date_is_the_one_asked_for),
        cmocka_unit_test(test_date_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
