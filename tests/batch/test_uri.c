#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef TEST_GLIB
#include <glib.h>
#endif

#include "batch/cachename.h"
#include "batch/uri.h"
#include "support/tree.h"

static const char *uri(const char *path)
{
    static char text[URI_BYTES];
    assert_int_equal(uri_of_path(path, text, sizeof text), 0);
    return text;
}

static void test_uri_escapes_what_is_not_plain(void **state)
{
    (void)state;
    assert_string_equal(uri("/home/jens/photo/me.jpg"), "file:///home/jens/photo/me.jpg");
    assert_string_equal(uri("/a b/%#?.jpg"), "file:///a%20b/%25%23%3F.jpg");
    assert_string_equal(uri("/\xc3\xa4\xff\n"), "file:///%C3%A4%FF%0A");
    assert_string_equal(uri("/-_.!~*'()&=:@+$,"), "file:///-_.!~*'()&=:@+$,");
    assert_string_equal(uri("/"), "file:///");
}

static void test_uri_fits_or_is_refused(void **state)
{
    char path[PATH_MAX], text[URI_BYTES];
    (void)state;
    memset(path, '%', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_int_equal(uri_of_path(path, text, sizeof text), 0);
    assert_int_equal(strlen(text), 7 + 1 + 3 * (PATH_MAX - 2));
    assert_int_equal(uri_of_path(path, text, sizeof text - 16), -ENAMETOOLONG);
    assert_int_equal(uri_of_path(path, text, 7), -ENAMETOOLONG);
}

/* Of every byte, and of all of them before and behind another. */
static void test_uri_is_what_glib_makes_of_it(void **state)
{
    (void)state;
#ifdef TEST_GLIB
    for (int byte = 1; byte < 256; byte++) {
        char path[] = {'/', 'a', (char)byte, 'b', (char)byte, '\0'};
        char *want = g_filename_to_uri(path, NULL, NULL);
        assert_non_null(want);
        assert_string_equal(uri(path), want);
        g_free(want);
    }
#else
    skip();
#endif
}

static const char *folder(const char *path, const char *real)
{
    static char text[PATH_MAX];
    assert_int_equal(uri_folder_path(path, real, text), 0);
    return text;
}

static void test_folders_are_absolute_and_short(void **state)
{
    (void)state;
    assert_string_equal(folder("/", NULL), "/");
    assert_string_equal(folder("//a///b/", NULL), "/a/b");
    assert_string_equal(folder("/a/./b/../c/.", NULL), "/a/c");
    assert_string_equal(folder("/../../a/..", NULL), "/");
}

static void test_folders_are_called_as_the_user_reached_them(void **state)
{
    char real[PATH_MAX], link[PATH_MAX];
    tree_write(*state, "disk/photos/a.jpg", "x", 1);
    assert_non_null(realpath(tree_path(*state, "disk"), real));
    assert_int_equal(symlink(real, tree_path(*state, "Pictures")), 0);
    strcpy(link, tree_path(*state, "Pictures"));
    assert_string_equal(folder(link, real), link);
    /* behind the link, ".." is where the disk is, and not where the link is */
    tree_write(*state, "far/away/b.jpg", "x", 1);
    assert_int_equal(symlink(tree_path(*state, "far/away"), tree_path(*state, "door")), 0);
    assert_non_null(realpath(tree_path(*state, "far"), real));
    assert_string_equal(folder(tree_path(*state, "door/.."), real), real);
}

static void test_the_working_folder_is_the_shells(void **state)
{
    char was[PATH_MAX], link[PATH_MAX], real[PATH_MAX], text[2 * PATH_MAX];
    char *told = getenv("PWD") ? strdup(getenv("PWD")) : NULL;
    assert_non_null(getcwd(was, sizeof was));
    tree_write(*state, "disk/photos/a.jpg", "x", 1);
    assert_int_equal(symlink("disk", tree_path(*state, "link")), 0);
    strcpy(link, tree_path(*state, "link"));
    assert_int_equal(chdir(link), 0);
    assert_non_null(realpath(link, real));
    setenv("PWD", link, 1);
    snprintf(text, sizeof text, "%s/photos", link);
    assert_string_equal(folder("photos", NULL), text);
    assert_string_equal(folder("", NULL), link);
    setenv("PWD", "/", 1); /* which it is not */
    assert_string_equal(folder(".", NULL), real);
    assert_int_equal(chdir(was), 0);
    if (told)
        setenv("PWD", told, 1);
    free(told);
}

static void test_names_in_the_cache_are_md5_sums(void **state)
{
    char name[100];
    (void)state;
    assert_int_equal(cachename_of("normal", "file:///home/jens/photos/me.png", name, sizeof name),
                     0);
    assert_string_equal(name, "normal/c6ee772d9e49320e97ec29a7eb5b1697.png");
    assert_int_equal(cachename_of("normal", "file:///", name, 20), -ENAMETOOLONG);
}

static void test_the_cache_has_four_sizes(void **state)
{
    (void)state;
    assert_string_equal(cachename_folder((struct image_box){128, 128}), "normal");
    assert_string_equal(cachename_folder((struct image_box){256, 256}), "large");
    assert_string_equal(cachename_folder((struct image_box){512, 512}), "x-large");
    assert_string_equal(cachename_folder((struct image_box){1024, 1024}), "xx-large");
    assert_null(cachename_folder((struct image_box){2048, 2048}));
    assert_null(cachename_folder((struct image_box){128, 0}));
    assert_null(cachename_folder((struct image_box){128, 256}));
}

static void test_the_cache_is_found_by_the_environment(void **state)
{
    char path[PATH_MAX];
    (void)state;
    setenv("HOME", "/home/jens", 1);
    setenv("XDG_CACHE_HOME", "/cache", 1);
    assert_int_equal(cachename_root(path, sizeof path), 0);
    assert_string_equal(path, "/cache/thumbnails");
    assert_int_equal(cachename_root(path, 10), -ENAMETOOLONG);
    setenv("XDG_CACHE_HOME", "relative", 1);
    assert_int_equal(cachename_root(path, sizeof path), 0);
    assert_string_equal(path, "/home/jens/.cache/thumbnails");
    setenv("HOME", "", 1);
    assert_int_equal(cachename_root(path, sizeof path), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uri_escapes_what_is_not_plain),
        cmocka_unit_test(test_uri_fits_or_is_refused),
        cmocka_unit_test(test_uri_is_what_glib_makes_of_it),
        cmocka_unit_test(test_folders_are_absolute_and_short),
        TREE_TEST(test_folders_are_called_as_the_user_reached_them),
        TREE_TEST(test_the_working_folder_is_the_shells),
        cmocka_unit_test(test_names_in_the_cache_are_md5_sums),
        cmocka_unit_test(test_the_cache_has_four_sizes),
        cmocka_unit_test(test_the_cache_is_found_by_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
