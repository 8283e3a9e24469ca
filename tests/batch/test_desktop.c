#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <png.h>

#include "batch/cachename.h"
#include "batch/desktop.h"
#include "batch/uri.h"
#include "support/tree.h"

enum { MAX_BYTES = 1 << 20 };

/* Two pictures, in/a.jpg and in/b.jpg, and the cache that their thumbnails go to. */
struct fixture {
    char *root;
    char in[TREE_PATH_BYTES], cache[TREE_PATH_BYTES], real[PATH_MAX];
    struct image_spec spec;
    struct scan scan;
    struct plan plan;
    struct output *output;
    struct desktop *desktop;
};

/* Plans anew, by the fixture's spec. */
static void plan_again(struct fixture *fixture)
{
    const char *bad;
    char *paths[] = {fixture->in};
    struct scan_options scan = {.paths = paths, .path_count = 1};
    struct plan_options plan = {.spec = &fixture->spec,
                                .layout = PLAN_FREEDESKTOP,
                                .format = PLAN_PNG,
                                .output = fixture->cache,
                                .output_real = fixture->real};
    desktop_close(fixture->desktop);
    plan_done(&fixture->plan);
    scan_done(&fixture->scan);
    assert_int_equal(scan_run(&scan, &fixture->scan, &bad), 0);
    assert_int_equal(plan_make(&plan, &fixture->scan, &fixture->plan), 0);
    assert_int_equal(fixture->plan.problem_count, 0);
    assert_int_equal(desktop_open(&fixture->plan, output_folder(fixture->output), "1.2 libx 3",
                                  &fixture->desktop),
                     0);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct output_options options = {.private = true};
    void *root;
    if (!fixture || tree_setup(&root) != 0)
        return -1;
    fixture->root = root;
    tree_write(root, "in/a.jpg", "one", 3);
    tree_write(root, "in/b.jpg", "two", 3);
    snprintf(fixture->in, sizeof fixture->in, "%s/in", fixture->root);
    snprintf(fixture->cache, sizeof fixture->cache, "%s/thumbnails", fixture->root);
    fixture->spec = image_spec_default();
    *state = fixture;
    if (output_open(fixture->cache, options, &fixture->output) != 0 ||
        !realpath(fixture->cache, fixture->real))
        return -1;
    plan_again(fixture);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *root = fixture->root;
    desktop_close(fixture->desktop);
    output_close(fixture->output);
    plan_done(&fixture->plan);
    scan_done(&fixture->scan);
    free(fixture);
    return tree_teardown(&root);
}

#define DESKTOP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static struct stat input_stat(const struct fixture *fixture, uint32_t input)
{
    struct stat found;
    assert_int_equal(stat(fixture->scan.inputs[input].path, &found), 0);
    return found;
}

static const char *name_of(const struct fixture *fixture, uint32_t input, int index)
{
    static char name[PATH_MAX];
    assert_int_equal(plan_name(&fixture->plan, input, index, name, sizeof name), 0);
    return name;
}

/* Makes the thumbnail of one size, as it would be of an input of 600 x 400. */
static void make(struct fixture *fixture, uint32_t input, int index)
{
    const struct run_record record = {.kind = IMAGE_KIND_JPEG, .width = 600, .height = 400};
    const struct output_guard nobody = {0};
    struct stat found = input_stat(fixture, input);
    struct pixels pixels = test_picture(60, 40, 4, false);
    struct test_file file =
        test_png(&pixels, (struct test_png){.type = PNG_COLOR_TYPE_RGB, .depth = 8});
    struct image_thumb thumb = {.bytes = file.bytes, .size_bytes = file.size};
    enum output_written written;
    const uint8_t *bytes;
    size_t size;
    assert_int_equal(desktop_stamp(fixture->desktop, input, &record, &found, &thumb, &bytes, &size),
                     0);
    assert_true(size > file.size);
    assert_int_equal(output_write(fixture->output, name_of(fixture, input, index), bytes, size,
                                  nobody, false, &written),
                     0);
    pixels_done(&pixels);
    test_file_done(&file);
}

static enum upkeep judge(struct fixture *fixture, uint32_t input)
{
    struct entry entry;
    return desktop_judge(fixture->desktop, input, MAX_BYTES, &entry);
}

static void note(struct fixture *fixture, uint32_t input, enum run_status status)
{
    const struct run_record record = {
        .status = status, .kind = IMAGE_KIND_JPEG, .code = "damaged", .message = "it: ends early"};
    struct stat found = input_stat(fixture, input);
    desktop_note(fixture->desktop, fixture->output, input, &record, &found);
}

static void test_a_thumbnail_has_the_name_that_desktops_look_for(void **state)
{
    struct fixture *fixture = *state;
    char uri[URI_BYTES], path[2 * PATH_MAX], want[PATH_MAX];
    snprintf(path, sizeof path, "%s/a.jpg", fixture->in);
    assert_int_equal(uri_of_path(path, uri, sizeof uri), 0);
    assert_int_equal(cachename_of("large", uri, want, sizeof want), 0);
    assert_string_equal(name_of(fixture, 0, 0), want);
}

static void test_what_was_made_is_current_and_says_of_what(void **state)
{
    struct fixture *fixture = *state;
    struct entry entry;
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
    make(fixture, 0, 0);
    assert_int_equal(desktop_judge(fixture->desktop, 0, MAX_BYTES, &entry), UPKEEP_CURRENT);
    assert_int_equal(entry.kind, IMAGE_KIND_JPEG);
    assert_int_equal(entry.width, 600);
    assert_int_equal(entry.height, 400);
    assert_int_equal(entry.output_count, 1);
    assert_string_equal(entry.outputs[0].path, name_of(fixture, 0, 0));
    assert_int_equal(entry.outputs[0].width, 60);
    assert_int_equal(entry.outputs[0].height, 40);
    struct test_file file = tree_read(fixture->cache, entry.outputs[0].path);
    assert_int_equal(entry.outputs[0].size_bytes, file.size);
    test_file_done(&file);
    assert_int_equal(judge(fixture, 1), UPKEEP_MAKE);
}

static void test_another_time_or_size_of_the_input_is_another_picture(void **state)
{
    struct fixture *fixture = *state;
    struct stat before = input_stat(fixture, 0);
    const char *path = fixture->scan.inputs[0].path;
    struct timespec times[2] = {before.st_mtim, before.st_mtim};
    make(fixture, 0, 0);
    times[1].tv_sec -= 1; /* older is as wrong as newer */
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
    times[1].tv_sec += 1;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_CURRENT);
    assert_int_equal(truncate(path, 2), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
}

static void test_the_thumbnail_of_another_picture_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    char from[PATH_MAX];
    make(fixture, 0, 0);
    strcpy(from, name_of(fixture, 0, 0));
    struct test_file file = tree_read(fixture->cache, from);
    tree_write(fixture->cache, name_of(fixture, 1, 0), file.bytes, file.size);
    assert_int_equal(judge(fixture, 1), UPKEEP_MAKE);
    test_file_done(&file);
}

static void test_a_link_or_a_cut_file_is_no_thumbnail(void **state)
{
    struct fixture *fixture = *state;
    char path[2 * PATH_MAX], moved[2 * PATH_MAX];
    make(fixture, 0, 0);
    snprintf(path, sizeof path, "%s/%s", fixture->cache, name_of(fixture, 0, 0));
    snprintf(moved, sizeof moved, "%s/moved.png", fixture->cache);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(symlink(moved, path), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
    assert_int_equal(rename(moved, path), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_CURRENT);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(truncate(path, found.st_size - 1), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
}

static void test_all_sizes_must_be_there(void **state)
{
    struct fixture *fixture = *state;
    fixture->spec.boxes[fixture->spec.box_count++] = (struct image_box){128, 128};
    plan_again(fixture);
    make(fixture, 0, 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
    make(fixture, 0, 1);
    assert_int_equal(judge(fixture, 0), UPKEEP_CURRENT);
}

static void test_a_failure_is_remembered_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    struct entry entry;
    note(fixture, 0, RUN_FAILED);
    assert_int_equal(tree_count(fixture->cache, "fail/thumbpool-1.2", NULL), 1);
    assert_int_equal(desktop_judge(fixture->desktop, 0, MAX_BYTES, &entry), UPKEEP_FAILED);
    assert_true(entry.failed);
    assert_string_equal(entry.code, "damaged");
    assert_string_equal(entry.message, "it: ends early");
    assert_int_equal(entry.kind, IMAGE_KIND_JPEG);
    assert_int_equal(judge(fixture, 1), UPKEEP_MAKE);
    /* of a changed picture, and of other options, it says nothing */
    fixture->spec.on_damage = IMAGE_DAMAGE_WARNS;
    plan_again(fixture);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
    fixture->spec.on_damage = IMAGE_DAMAGE_FAILS;
    plan_again(fixture);
    assert_int_equal(judge(fixture, 0), UPKEEP_FAILED);
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, fixture->scan.inputs[0].path, times, 0), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
}

static void test_a_picture_that_was_made_has_failed_no_more(void **state)
{
    struct fixture *fixture = *state;
    note(fixture, 0, RUN_FAILED);
    note(fixture, 1, RUN_FAILED);
    note(fixture, 0, RUN_MADE);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
    assert_int_equal(judge(fixture, 1), UPKEEP_FAILED);
    note(fixture, 0, RUN_MADE); /* there is nothing to forget */
    assert_int_equal(tree_count(fixture->cache, "fail", NULL), 1);
}

static void test_a_failure_of_an_unknown_kind_is_none(void **state)
{
    struct fixture *fixture = *state;
    const struct run_record record = {.status = RUN_FAILED, .code = "crashed", .message = "x"};
    struct stat found = input_stat(fixture, 0);
    desktop_note(fixture->desktop, fixture->output, 0, &record, &found);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
}

static void test_what_has_to_be_refused_is_judged_anew(void **state)
{
    struct fixture *fixture = *state;
    struct entry entry;
    make(fixture, 0, 0);
    assert_int_equal(desktop_judge(fixture->desktop, 0, 2, &entry), UPKEEP_MAKE);
    assert_int_equal(unlink(fixture->scan.inputs[0].path), 0);
    assert_int_equal(judge(fixture, 0), UPKEEP_MAKE);
}

static void test_without_a_cache_all_is_to_be_made(void **state)
{
    struct fixture *fixture = *state;
    struct desktop *desktop;
    struct entry entry;
    make(fixture, 0, 0);
    assert_int_equal(desktop_open(&fixture->plan, -1, "1.2", &desktop), 0);
    assert_int_equal(desktop_judge(desktop, 0, MAX_BYTES, &entry), UPKEEP_MAKE);
    desktop_close(desktop);
}

static void test_files_of_the_cache_get_no_thumbnails(void **state)
{
    struct fixture *fixture = *state;
    char near[TREE_PATH_BYTES + 8];
    assert_false(desktop_holds(&fixture->plan, 0));
    make(fixture, 0, 0);
    snprintf(near, sizeof near, "%s-not", fixture->cache);
    tree_write(fixture->root, "thumbnails-not/a.jpg", "x", 1);
    memcpy(fixture->in, near, sizeof fixture->in);
    plan_again(fixture);
    assert_int_equal(fixture->scan.count, 1);
    assert_false(desktop_holds(&fixture->plan, 0));
    snprintf(fixture->in, sizeof fixture->in, "%.4000s/large", fixture->cache);
    plan_again(fixture);
    assert_int_equal(fixture->scan.count, 1);
    assert_true(desktop_holds(&fixture->plan, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESKTOP_TEST(test_a_thumbnail_has_the_name_that_desktops_look_for),
        DESKTOP_TEST(test_what_was_made_is_current_and_says_of_what),
        DESKTOP_TEST(test_another_time_or_size_of_the_input_is_another_picture),
        DESKTOP_TEST(test_the_thumbnail_of_another_picture_does_not_count),
        DESKTOP_TEST(test_a_link_or_a_cut_file_is_no_thumbnail),
        DESKTOP_TEST(test_all_sizes_must_be_there),
        DESKTOP_TEST(test_a_failure_is_remembered_with_its_reason),
        DESKTOP_TEST(test_a_picture_that_was_made_has_failed_no_more),
        DESKTOP_TEST(test_a_failure_of_an_unknown_kind_is_none),
        DESKTOP_TEST(test_what_has_to_be_refused_is_judged_anew),
        DESKTOP_TEST(test_without_a_cache_all_is_to_be_made),
        DESKTOP_TEST(test_files_of_the_cache_get_no_thumbnails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
