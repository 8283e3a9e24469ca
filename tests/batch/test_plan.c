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

#include "batch/plan.h"
#include "support/tree.h"

/* A scan and a plan of some paths below a root. */
struct planned {
    char paths[4][TREE_PATH_BYTES];
    char *list[4];
    char output[PATH_MAX];
    struct image_spec spec;
    struct scan scan;
    struct plan plan;
};

static struct planned *plan_paths(const char *root, size_t count, const char *const *names,
                                  enum plan_format format, const char *output, const char *sizes)
{
    struct planned *planned = calloc(1, sizeof *planned);
    const char *bad;
    assert_non_null(planned);
    planned->spec = image_spec_default();
    if (sizes) {
        planned->spec.box_count = 0;
        char copy[100], *save = NULL;
        snprintf(copy, sizeof copy, "%s", sizes);
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
            assert_int_equal(image_box_parse(word, &planned->spec.boxes[planned->spec.box_count++]),
                             0);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(planned->paths[i], TREE_PATH_BYTES, "%s/%s", root, names[i]);
        planned->list[i] = planned->paths[i];
    }
    struct scan_options scan = {.paths = planned->list, .path_count = count};
    assert_int_equal(scan_run(&scan, &planned->scan, &bad), 0);
    bool exists = output && realpath(tree_path(root, output), planned->output);
    struct plan_options options = {.spec = &planned->spec,
                                   .format = format,
                                   .output = "thumbs",
                                   .output_real = exists ? planned->output : NULL};
    assert_int_equal(plan_make(&options, &planned->scan, &planned->plan), 0);
    return planned;
}

static void planned_free(struct planned *planned)
{
    plan_done(&planned->plan);
    scan_done(&planned->scan);
    free(planned);
}

/* The output's name of a single input called `name`. */
static void expect_name(const char *root, const char *name, enum plan_format format,
                        const char *sizes, int index, const char *expected)
{
    char found[PATH_MAX];
    tree_write(root, name, "x", 1);
    struct planned *planned = plan_paths(root, 1, (const char *const[]){name}, format, NULL, sizes);
    assert_int_equal(plan_name(&planned->plan, 0, index, found, sizeof found), 0);
    assert_string_equal(found, expected);
    planned_free(planned);
}

static void test_plan_keeps_the_format_of_the_name(void **state)
{
    expect_name(*state, "a.jpg", PLAN_KEEP, NULL, 0, "a.jpg");
    expect_name(*state, "b.JPEG", PLAN_KEEP, NULL, 0, "b.JPEG");
    expect_name(*state, "c.png", PLAN_KEEP, NULL, 0, "c.png");
    expect_name(*state, "d.gif", PLAN_KEEP, NULL, 0, "d.png");
    expect_name(*state, "e.tiff", PLAN_KEEP, NULL, 0, "e.jpg");
    expect_name(*state, "f.heic", PLAN_KEEP, NULL, 0, "f.jpg");
    expect_name(*state, "g.webp", PLAN_KEEP, NULL, 0, "g.webp");
    expect_name(*state, "no-ending", PLAN_KEEP, NULL, 0, "no-ending.jpg");
    expect_name(*state, ".hidden", PLAN_KEEP, NULL, 0, ".hidden.jpg");
    expect_name(*state, "two.dots.jpg", PLAN_KEEP, NULL, 0, "two.dots.jpg");
}

static void test_plan_changes_the_ending_with_the_format(void **state)
{
    expect_name(*state, "a.jpg", PLAN_PNG, NULL, 0, "a.png");
    expect_name(*state, "b.PNG", PLAN_PNG, NULL, 0, "b.PNG");
    expect_name(*state, "c.jpeg", PLAN_JPEG, NULL, 0, "c.jpeg");
    expect_name(*state, "d.png", PLAN_WEBP, NULL, 0, "d.webp");
}

static void test_plan_names_each_size(void **state)
{
    expect_name(*state, "a.jpg", PLAN_KEEP, "320 640x480", 0, "a-320.jpg");
    expect_name(*state, "a.jpg", PLAN_KEEP, "320 640x480", 1, "a-640x480.jpg");
    expect_name(*state, "a.jpg", PLAN_KEEP, "320x x240", 0, "a-320x.jpg");
    expect_name(*state, "a.jpg", PLAN_KEEP, "320x x240", 1, "a-x240.jpg");
}

static void test_plan_finds_two_inputs_with_one_output(void **state)
{
    const char *root = *state;
    tree_write(root, "p/a.jpg", "x", 1);
    tree_write(root, "p/a.tif", "x", 1);
    struct planned *planned =
        plan_paths(root, 1, (const char *const[]){"p"}, PLAN_KEEP, NULL, NULL);
    assert_int_equal(planned->plan.problem_count, 1);
    assert_int_equal(planned->plan.problems[0].kind, PLAN_CLASH);
    assert_int_equal(planned->plan.problems[0].input, 1);
    assert_int_equal(planned->plan.problems[0].other, 0);
    planned_free(planned);
}

static void test_plan_finds_clashes_of_different_folders(void **state)
{
    const char *root = *state;
    tree_write(root, "p/a.jpg", "x", 1);
    tree_write(root, "q/a.jpg", "x", 1);
    struct planned *planned =
        plan_paths(root, 2, (const char *const[]){"p", "q"}, PLAN_KEEP, NULL, NULL);
    assert_int_equal(planned->plan.problem_count, 1);
    planned_free(planned);
}

static void test_plan_does_an_input_once_however_often_it_is_named(void **state)
{
    const char *root = *state;
    tree_write(root, "p/a.jpg", "x", 1);
    assert_int_equal(symlink("p", tree_path(root, "q")), 0);
    struct planned *planned =
        plan_paths(root, 3, (const char *const[]){"p", "p/a.jpg", "q"}, PLAN_KEEP, NULL, NULL);
    assert_int_equal(planned->plan.problem_count, 0);
    assert_int_equal(planned->plan.count, 1);
    planned_free(planned);
}

static void test_plan_refuses_to_replace_an_input(void **state)
{
    const char *root = *state;
    tree_write(root, "p/a.jpg", "x", 1);
    tree_write(root, "p/b.tif", "x", 1);
    struct planned *planned = plan_paths(root, 1, (const char *const[]){"p"}, PLAN_KEEP, "p", NULL);
    assert_int_equal(planned->plan.problem_count, 1); /* b.jpg is nobody's */
    assert_int_equal(planned->plan.problems[0].kind, PLAN_OVERWRITE);
    planned_free(planned);
}

static void test_plan_refuses_to_replace_another_input(void **state)
{
    const char *root = *state;
    tree_write(root, "p/a.png", "x", 1);
    tree_write(root, "p/sub/a.jpg", "x", 1);
    struct planned *planned = plan_paths(root, 2, (const char *const[]){"p/a.png", "p/sub/a.jpg"},
                                         PLAN_PNG, "p/sub", NULL);
    /* a.png of the upper folder and a.jpg both come to p/sub/a.png, which is no input */
    assert_int_equal(planned->plan.problem_count, 1);
    assert_int_equal(planned->plan.problems[0].kind, PLAN_CLASH);
    planned_free(planned);
    planned = plan_paths(root, 2, (const char *const[]){"p/a.png", "p/sub/a.jpg"}, PLAN_JPEG,
                         "p/sub", NULL);
    assert_int_equal(planned->plan.problem_count, 3); /* a clash, and both replace p/sub/a.jpg */
    planned_free(planned);
}

static void test_plan_has_no_output_for_what_cannot_be_read(void **state)
{
    const char *root = *state;
    tree_write(root, "p/a.jpg", "x", 1);
    struct planned *planned =
        plan_paths(root, 2, (const char *const[]){"p/a.jpg", "q/a.jpg"}, PLAN_KEEP, NULL, NULL);
    assert_int_equal(planned->plan.problem_count, 0);
    assert_int_equal(planned->plan.count, 2);
    planned_free(planned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_plan_keeps_the_format_of_the_name),
        TREE_TEST(test_plan_changes_the_ending_with_the_format),
        TREE_TEST(test_plan_names_each_size),
        TREE_TEST(test_plan_finds_two_inputs_with_one_output),
        TREE_TEST(test_plan_finds_clashes_of_different_folders),
        TREE_TEST(test_plan_does_an_input_once_however_often_it_is_named),
        TREE_TEST(test_plan_refuses_to_replace_an_input),
        TREE_TEST(test_plan_refuses_to_replace_another_input),
        TREE_TEST(test_plan_has_no_output_for_what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
