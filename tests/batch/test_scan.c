#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/scan.h"
#include "support/tree.h"

static void touch(const char *root, const char *name)
{
    tree_write(root, name, "x", 1);
}

/* Scans one path below the root; the names that it finds, joined by spaces, must be `expected`. */
static void expect_names(const char *root, const char *path, const char *base, const char *expected)
{
    char full[TREE_PATH_BYTES], found[2000] = "";
    const char *bad;
    struct scan scan;
    snprintf(full, sizeof full, "%s/%s", root, path);
    char *paths[] = {full};
    struct scan_options options = {.paths = paths, .path_count = 1, .base = base};
    assert_int_equal(scan_run(&options, &scan, &bad), 0);
    for (size_t i = 0; i < scan.count; i++) {
        strcat(found, i ? " " : "");
        strcat(found, scan.roots[scan.inputs[i].root].prefix);
        strcat(found, scan_name(&scan.inputs[i]));
    }
    assert_string_equal(found, expected);
    scan_done(&scan);
}

static void test_scan_walks_by_name_and_takes_pictures_only(void **state)
{
    const char *root = *state;
    touch(root, "b.JPG");
    touch(root, "a/z.png");
    touch(root, "a/b/c.webp");
    touch(root, "notes.txt");
    touch(root, "jpg");
    touch(root, "c.jpeg");
    expect_names(root, "", NULL, "a/b/c.webp a/z.png b.JPG c.jpeg");
    expect_names(root, "a//", NULL, "b/c.webp z.png");
}

/* Drawings only where they are read; what is named is tried, whatever its name. */
static void test_scan_takes_drawings_when_they_are_allowed(void **state)
{
    const char *root = *state;
    char full[TREE_PATH_BYTES];
    const char *bad;
    struct scan scan;
    touch(root, "a.svg");
    touch(root, "b.jpg");
    touch(root, "c.pdf");
    touch(root, "d.SVGZ");
    expect_names(root, "", NULL, "b.jpg");
    expect_names(root, "a.svg", NULL, "a.svg");
    expect_names(root, "c.pdf", NULL, "c.pdf");
    snprintf(full, sizeof full, "%s", root);
    char *paths[] = {full};
    struct scan_filter filter = {.untrusted = true};
    struct scan_options options = {.paths = paths, .path_count = 1, .filter = &filter};
    assert_int_equal(scan_run(&options, &scan, &bad), 0);
    assert_int_equal(scan.count, 3);
    assert_string_equal(scan_name(&scan.inputs[2]), "d.SVGZ");
    scan_done(&scan);
}

static void test_scan_leaves_hidden_ones_alone(void **state)
{
    const char *root = *state;
    touch(root, ".a.jpg");
    touch(root, ".git/b.jpg");
    touch(root, "c.jpg");
    expect_names(root, "", NULL, "c.jpg");
    expect_names(root, ".git", NULL, "b.jpg"); /* named is named */
}

static void test_scan_takes_whatever_was_named(void **state)
{
    const char *root = *state;
    touch(root, "notes.txt");
    expect_names(root, "notes.txt", NULL, "notes.txt");
    expect_names(root, "missing.jpg", NULL, "missing.jpg");
}

static void test_scan_tells_what_cannot_be_read(void **state)
{
    const char *root = *state, *bad;
    char *paths[] = {(char *)tree_path(root, "missing.jpg")};
    struct scan_options options = {.paths = paths, .path_count = 1};
    struct scan scan;
    assert_int_equal(scan_run(&options, &scan, &bad), 0);
    assert_int_equal(scan.count, 1);
    assert_int_equal(scan.inputs[0].error, ENOENT);
    assert_true(scan.inputs[0].named);
    scan_done(&scan);
}

static void test_scan_tells_of_a_folder_that_it_may_not_enter(void **state)
{
    const char *root = *state, *bad;
    if (geteuid() == 0) {
        print_message("skipped: root may enter every folder\n");
        skip();
    }
    touch(root, "closed/a.jpg");
    touch(root, "open.jpg");
    chmod(tree_path(root, "closed"), 0);
    char *paths[] = {(char *)root};
    struct scan_options options = {.paths = paths, .path_count = 1};
    struct scan scan;
    assert_int_equal(scan_run(&options, &scan, &bad), 0);
    assert_int_equal(scan.count, 2);
    assert_int_equal(scan.inputs[0].error, EACCES);
    assert_string_equal(scan_name(&scan.inputs[1]), "open.jpg");
    scan_done(&scan);
}

static void test_scan_follows_no_link_that_it_meets(void **state)
{
    const char *root = *state;
    touch(root, "real/a.jpg");
    assert_int_equal(symlink("real", tree_path(root, "linked")), 0);
    assert_int_equal(symlink("..", tree_path(root, "real/loop")), 0);
    expect_names(root, "", NULL, "real/a.jpg");
    expect_names(root, "linked", NULL, "a.jpg"); /* named is named */
}

static void test_scan_never_enters_the_output_folder(void **state)
{
    const char *root = *state, *bad;
    struct stat output;
    touch(root, "a.jpg");
    touch(root, "thumbs/a.jpg");
    assert_int_equal(stat(tree_path(root, "thumbs"), &output), 0);
    char *paths[] = {(char *)root};
    struct scan_options options = {
        .paths = paths, .path_count = 1, .skip_dev = output.st_dev, .skip_ino = output.st_ino};
    struct scan scan;
    assert_int_equal(scan_run(&options, &scan, &bad), 0);
    assert_int_equal(scan.count, 1);
    scan_done(&scan);
    paths[0] = (char *)tree_path(root, "thumbs");
    assert_int_equal(scan_run(&options, &scan, &bad), -EEXIST);
    scan_done(&scan);
}

/* Those that it went into, and only where somebody wants to know. */
static void test_scan_keeps_the_folders_that_it_walked(void **state)
{
    const char *root = *state, *bad;
    char full[TREE_PATH_BYTES];
    struct scan scan;
    touch(root, "in/a/b/c.jpg");
    touch(root, "in/a/b/deep/d.jpg");
    touch(root, "in/empty/notes.txt");
    touch(root, "in/.hidden/e.jpg");
    snprintf(full, sizeof full, "%s/in", root);
    char *paths[] = {full};
    struct scan_filter filter = {.depth = 3};
    struct scan_options options = {
        .paths = paths, .path_count = 1, .filter = &filter, .keep_folders = true};
    assert_int_equal(scan_run(&options, &scan, &bad), 0);
    static const char *const expected[] = {"", "/a", "/a/b", "/empty"};
    assert_int_equal(scan.folder_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(scan.folders[i] + strlen(full), expected[i]);
    scan_done(&scan);
    options.keep_folders = false;
    assert_int_equal(scan_run(&options, &scan, &bad), 0);
    assert_int_equal(scan.folder_count, 0);
    scan_done(&scan);
}

static void test_scan_names_outputs_from_the_base(void **state)
{
    const char *root = *state, *bad;
    touch(root, "x/y/a.jpg");
    expect_names(root, "x/y", root, "x/y/a.jpg");
    expect_names(root, "x/y/a.jpg", root, "x/y/a.jpg");
    expect_names(root, "x", tree_path(root, "x"), "y/a.jpg");
    char *paths[] = {(char *)tree_path(root, "x")};
    struct scan_options options = {.paths = paths, .path_count = 1, .base = tree_path(root, "x/y")};
    struct scan scan;
    assert_int_equal(scan_run(&options, &scan, &bad), -EINVAL);
    assert_ptr_equal(bad, paths[0]);
    scan_done(&scan);
}

static void test_scan_takes_a_base_at_its_name_not_at_its_beginning(void **state)
{
    const char *root = *state, *bad;
    touch(root, "photos2/a.jpg");
    touch(root, "photos/a.jpg");
    char *paths[] = {(char *)tree_path(root, "photos2")};
    struct scan_options options = {
        .paths = paths, .path_count = 1, .base = tree_path(root, "photos")};
    struct scan scan;
    assert_int_equal(scan_run(&options, &scan, &bad), -EINVAL);
    scan_done(&scan);
}

static bool count_looks(void *self, size_t found)
{
    size_t *looks = self;
    (void)found;
    return ++*looks < 3;
}

static void test_scan_stops_when_it_is_told_to(void **state)
{
    const char *root = *state, *bad;
    struct scan scan;
    size_t looks = 0;
    for (char name[] = "a/x.jpg"; name[0] <= 'e'; name[0]++)
        touch(root, name);
    char *paths[] = {(char *)root};
    struct scan_options options = {
        .paths = paths, .path_count = 1, .look = count_looks, .look_self = &looks};
    assert_int_equal(scan_run(&options, &scan, &bad), -ECANCELED);
    assert_int_equal(looks, 3);
    assert_in_range(scan.count, 1, 4);
    scan_done(&scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_scan_walks_by_name_and_takes_pictures_only),
        TREE_TEST(test_scan_takes_drawings_when_they_are_allowed),
        TREE_TEST(test_scan_stops_when_it_is_told_to),
        TREE_TEST(test_scan_leaves_hidden_ones_alone),
        TREE_TEST(test_scan_takes_whatever_was_named),
        TREE_TEST(test_scan_tells_what_cannot_be_read),
        TREE_TEST(test_scan_tells_of_a_folder_that_it_may_not_enter),
        TREE_TEST(test_scan_follows_no_link_that_it_meets),
        TREE_TEST(test_scan_never_enters_the_output_folder),
        TREE_TEST(test_scan_keeps_the_folders_that_it_walked),
        TREE_TEST(test_scan_names_outputs_from_the_base),
        TREE_TEST(test_scan_takes_a_base_at_its_name_not_at_its_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
