#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/original.h"
#include "support/tree.h"

static struct scan_input input_of(const char *path, bool named)
{
    return (struct scan_input){.path = path, .named = named, .linked = named};
}

static void expect(const char *path, bool named, enum original_verdict verdict, int code)
{
    struct original original = {.fd = -1};
    struct image_fault fault = {0};
    struct scan_input input = input_of(path, named);
    assert_int_equal(original_open(&input, 1000, &original, &fault), verdict);
    if (verdict == ORIGINAL_OPEN) {
        original_close(&original);
        return;
    }
    assert_int_equal(fault.code, code);
    assert_int_not_equal(fault.message[0], '\0');
}

static void test_original_knows_a_picture_by_its_content(void **state)
{
    struct original original;
    struct image_fault fault;
    tree_write(*state, "a.jpg", "\x89PNG\r\n\x1a\n    ", 12);
    struct scan_input input = input_of(tree_path(*state, "a.jpg"), false);
    assert_int_equal(original_open(&input, 1000, &original, &fault), ORIGINAL_OPEN);
    assert_int_equal(original.kind, IMAGE_KIND_PNG);
    original_close(&original);
}

static void test_original_says_how_something_else_begins(void **state)
{
    struct original original;
    struct image_fault fault;
    tree_write(*state, "a.jpg", "<html>\n", 7);
    struct scan_input input = input_of(tree_path(*state, "a.jpg"), false);
    assert_int_equal(original_open(&input, 1000, &original, &fault), ORIGINAL_FAILED);
    assert_int_equal(fault.code, IMAGE_UNSUPPORTED);
    assert_non_null(strstr(fault.message, "\"<html>\""));
}

static void test_original_refuses_the_empty_and_the_large(void **state)
{
    char large[1001] = "\xff\xd8\xff";
    tree_write(*state, "empty.jpg", "", 0);
    tree_write(*state, "large.jpg", large, sizeof large);
    tree_write(*state, "fits.jpg", large, sizeof large - 1);
    expect(tree_path(*state, "empty.jpg"), false, ORIGINAL_FAILED, IMAGE_DAMAGED);
    expect(tree_path(*state, "large.jpg"), false, ORIGINAL_FAILED, IMAGE_LIMIT);
    expect(tree_path(*state, "fits.jpg"), false, ORIGINAL_OPEN, 0);
}

static void test_original_skips_what_is_no_file_unless_it_was_named(void **state)
{
    const char *fifo = tree_path(*state, "f.jpg"), *folder = tree_path(*state, "d.jpg");
    const char *link = tree_path(*state, "l.jpg");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    tree_write(*state, "real.jpg", "\xff\xd8\xff....", 7);
    assert_int_equal(symlink("real.jpg", link), 0);
    expect(fifo, false, ORIGINAL_SKIPPED, IMAGE_UNSUPPORTED);
    expect(fifo, true, ORIGINAL_FAILED, IMAGE_UNSUPPORTED);
    expect(folder, false, ORIGINAL_SKIPPED, IMAGE_UNSUPPORTED);
    expect(folder, true, ORIGINAL_FAILED, IMAGE_UNSUPPORTED);
    expect(link, false, ORIGINAL_SKIPPED, IMAGE_UNSUPPORTED);
    expect(link, true, ORIGINAL_OPEN, 0);
}

static void test_original_fails_for_what_is_not_there_or_not_allowed(void **state)
{
    expect(tree_path(*state, "none.jpg"), false, ORIGINAL_FAILED, IMAGE_IO);
    if (geteuid() == 0)
        return; /* root may read everything */
    tree_write(*state, "shut.jpg", "\xff\xd8\xff", 3);
    chmod(tree_path(*state, "shut.jpg"), 0);
    expect(tree_path(*state, "shut.jpg"), false, ORIGINAL_FAILED, IMAGE_IO);
}

static void test_original_notices_that_it_was_changed(void **state)
{
    struct original original;
    struct image_fault fault;
    tree_write(*state, "a.jpg", "\xff\xd8\xff....", 7);
    struct scan_input input = input_of(tree_path(*state, "a.jpg"), false);
    assert_int_equal(original_open(&input, 1000, &original, &fault), ORIGINAL_OPEN);
    assert_false(original_changed(&original));
    tree_write(*state, "a.jpg", "\xff\xd8\xff", 3);
    assert_true(original_changed(&original));
    original_close(&original);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_original_knows_a_picture_by_its_content),
        TREE_TEST(test_original_says_how_something_else_begins),
        TREE_TEST(test_original_refuses_the_empty_and_the_large),
        TREE_TEST(test_original_skips_what_is_no_file_unless_it_was_named),
        TREE_TEST(test_original_fails_for_what_is_not_there_or_not_allowed),
        TREE_TEST(test_original_notices_that_it_was_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
