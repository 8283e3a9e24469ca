#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/rival.h"
#include "support/tree.h"

struct fixture {
    char *root;
    char in[TREE_PATH_BYTES], output[TREE_PATH_BYTES];
    char *paths[1];
    struct image_spec spec;
    struct scan scan;
    struct plan plan;
};

/* Plans thumbnails of in/a.jpg and in/b/c.jpg. */
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *bad;
    void *root;
    if (!fixture || tree_setup(&root) != 0)
        return -1;
    *state = fixture;
    fixture->root = root;
    tree_write(root, "in/a.jpg", "x", 1);
    tree_write(root, "in/b/c.jpg", "x", 1);
    snprintf(fixture->in, sizeof fixture->in, "%.3000s/in", fixture->root);
    snprintf(fixture->output, sizeof fixture->output, "%.3000s/out", fixture->root);
    fixture->paths[0] = fixture->in;
    fixture->spec = image_spec_default();
    struct scan_options scan = {.paths = fixture->paths, .path_count = 1};
    struct plan_options plan = {.spec = &fixture->spec, .output = fixture->output};
    if (scan_run(&scan, &fixture->scan, &bad) < 0)
        return -1;
    return plan_make(&plan, &fixture->scan, &fixture->plan);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *root = fixture->root;
    plan_done(&fixture->plan);
    scan_done(&fixture->scan);
    free(fixture);
    return tree_teardown(&root);
}

static void expect_found(struct fixture *fixture, const char *name, bool follows, int expected)
{
    char other[PATH_MAX];
    assert_int_equal(rival_find(&fixture->plan, tree_path(fixture->root, name), follows, other),
                     expected);
}

static void test_rival_is_what_would_be_replaced(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(symlink("in", tree_path(fixture->root, "link")), 0);
    for (int follows = 0; follows < 2; follows++) {
        expect_found(fixture, "page.html", follows, RIVAL_NONE);
        expect_found(fixture, "in/page.html", follows, RIVAL_NONE);
        expect_found(fixture, "out/page.html", follows, RIVAL_NONE);
        expect_found(fixture, "in/a.jpg", follows, RIVAL_INPUT);
        expect_found(fixture, "link/b/../a.jpg", follows, RIVAL_INPUT);
        expect_found(fixture, "out/a.jpg", follows, RIVAL_OUTPUT);
        expect_found(fixture, "out/b/c.jpg/page.html", follows, RIVAL_OUTPUT);
        expect_found(fixture, "out/b", follows, RIVAL_OUTPUT);
        expect_found(fixture, "out", follows, RIVAL_OUTPUT);
        expect_found(fixture, "out/.thumbpool.ndjson", follows, RIVAL_OUTPUT);
        expect_found(fixture, "out/.thumbpool-3-of-16.ndjson", follows, RIVAL_OUTPUT);
        expect_found(fixture, "out/.thumbpool-17-of-16.ndjson", follows, RIVAL_NONE);
        expect_found(fixture, "in/.thumbpool-3-of-16.ndjson", follows, RIVAL_NONE);
    }
}

static void test_rival_is_what_would_be_written_into(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(symlink("in/a.jpg", tree_path(fixture->root, "soft")), 0);
    char hard[TREE_PATH_BYTES];
    snprintf(hard, sizeof hard, "%s", tree_path(fixture->root, "hard"));
    assert_int_equal(link(tree_path(fixture->root, "in/b/c.jpg"), hard), 0);
    expect_found(fixture, "soft", true, RIVAL_INPUT);
    expect_found(fixture, "hard", true, RIVAL_INPUT);
    expect_found(fixture, "soft", false, RIVAL_NONE);
    expect_found(fixture, "hard", false, RIVAL_NONE);
    assert_int_equal(mkfifo(tree_path(fixture->root, "pipe"), 0600), 0);
    expect_found(fixture, "pipe", true, RIVAL_NONE);
}

#define RIVAL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIVAL_TEST(test_rival_is_what_would_be_replaced),
        RIVAL_TEST(test_rival_is_what_would_be_written_into),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
