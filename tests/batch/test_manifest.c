#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/lines.h"
#include "batch/manifest.h"
#include "support/tree.h"

enum { PICTURES = 3 };

static const char name_of_manifest[] = "out/" MANIFEST_NAME;

struct fixture {
    char *root;
    char in[TREE_PATH_BYTES], out[TREE_PATH_BYTES];
    struct image_spec spec;
    struct scan scan;
    struct plan plan;
    struct output *output;
};

/* Plans thumbnails of in/0.jpg, 1.jpg and 2.jpg. */
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    void *root;
    const char *bad;
    if (!fixture || tree_setup(&root) != 0)
        return -1;
    fixture->root = root;
    for (int i = 0; i < PICTURES; i++) {
        char name[32];
        snprintf(name, sizeof name, "in/%d.jpg", i);
        tree_write(root, name, "x", 1);
    }
    snprintf(fixture->in, sizeof fixture->in, "%s/in", fixture->root);
    snprintf(fixture->out, sizeof fixture->out, "%s/out", fixture->root);
    char *paths[] = {fixture->in};
    struct scan_options scan = {.paths = paths, .path_count = 1};
    fixture->spec = image_spec_default();
    struct plan_options plan = {.spec = &fixture->spec, .output = fixture->out};
    if (scan_run(&scan, &fixture->scan, &bad) != 0 ||
        plan_make(&plan, &fixture->scan, &fixture->plan) != 0 ||
        output_open(fixture->out, (struct output_options){0}, &fixture->output) != 0)
        return -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *root = fixture->root;
    output_close(fixture->output);
    plan_done(&fixture->plan);
    scan_done(&fixture->scan);
    free(fixture);
    return tree_teardown(&root);
}

static struct manifest *begin(struct fixture *fixture)
{
    struct manifest *manifest;
    assert_int_equal(manifest_open(&fixture->plan, output_folder(fixture->output), "1", &manifest),
                     0);
    return manifest;
}

static void end(struct fixture *fixture, struct manifest *manifest)
{
    manifest_finish(manifest, fixture->output, NULL, NULL);
    manifest_close(manifest);
}

static void note_name(struct manifest *manifest, uint32_t input, const char *name, int width)
{
    struct entry entry = {.src = "/in.jpg",
                          .name = name,
                          .kind = IMAGE_KIND_JPEG,
                          .width = width,
                          .height = 1,
                          .shrink = 1,
                          .output_count = 1,
                          .key = manifest_key(manifest, input)};
    entry.outputs[0] = (struct run_output){(char *)name, 1, 1, 1};
    manifest_note(manifest, input, &entry);
}

/* Notes something of an input, to be known by its width. */
static void note(struct manifest *manifest, uint32_t input, int width)
{
    char name[32];
    snprintf(name, sizeof name, "%u.jpg", input);
    note_name(manifest, input, name, width);
}

/* What is known of an input, 0 for nothing. */
static int width_of(struct manifest *manifest, uint32_t input)
{
    struct entry entry;
    return manifest_find(manifest, input, &entry) ? entry.width : 0;
}

static void expect_widths(struct fixture *fixture, int first, int second, int third)
{
    struct manifest *manifest = begin(fixture);
    assert_int_equal(width_of(manifest, 0), first);
    assert_int_equal(width_of(manifest, 1), second);
    assert_int_equal(width_of(manifest, 2), third);
    manifest_close(manifest);
}

static size_t lines_of(struct fixture *fixture)
{
    struct test_file file = tree_read(fixture->root, name_of_manifest);
    size_t lines = 0;
    for (size_t i = 0; i < file.size; i++)
        lines += file.bytes[i] == '\n';
    test_file_done(&file);
    return lines;
}

/* Adds bytes to the file, or makes it. */
static void append(struct fixture *fixture, const char *text, size_t size)
{
    int fd = open(tree_path(fixture->root, name_of_manifest), O_WRONLY | O_APPEND | O_CREAT, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static void test_manifest_remembers_from_run_to_run(void **state)
{
    struct fixture *fixture = *state;
    struct manifest *manifest = begin(fixture);
    assert_int_equal(width_of(manifest, 0), 0);
    note(manifest, 0, 10);
    note(manifest, 2, 30);
    end(fixture, manifest);
    expect_widths(fixture, 10, 0, 30);
}

static void test_manifest_believes_the_last_line_of_a_name(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 3; i++) {
        struct manifest *manifest = begin(fixture);
        note(manifest, 1, i);
        end(fixture, manifest);
    }
    expect_widths(fixture, 0, 3, 0);
    assert_int_equal(lines_of(fixture), 3);
}

static void test_manifest_writes_nothing_when_nothing_is_noted(void **state)
{
    struct fixture *fixture = *state;
    end(fixture, begin(fixture));
    assert_int_equal(tree_count(fixture->root, "out", NULL), 0);
}

static void test_manifest_is_thinned_once_most_of_it_is_stale(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 40; i++) {
        struct manifest *manifest = begin(fixture);
        for (uint32_t k = 0; k < PICTURES; k++)
            note(manifest, k, i);
        note_name(manifest, 0, "of-another-run.jpg", i);
        end(fixture, manifest);
    }
    assert_true(lines_of(fixture) < 140);
    expect_widths(fixture, 40, 40, 40);
    assert_int_equal(tree_count(fixture->root, "out", ".thumbpool-"), 0);
    struct test_file file = tree_read(fixture->root, name_of_manifest);
    assert_non_null(memmem(file.bytes, file.size, "of-another-run.jpg", 18));
    test_file_done(&file);
}

static void test_manifest_goes_on_after_a_line_that_was_cut(void **state)
{
    struct fixture *fixture = *state;
    struct manifest *manifest = begin(fixture);
    note(manifest, 0, 10);
    end(fixture, manifest);
    append(fixture, "{\"type\":\"result\",\"src\":\"/a", 26);
    manifest = begin(fixture);
    assert_non_null(strstr(manifest_complaint(manifest), "is damaged"));
    assert_int_equal(width_of(manifest, 0), 10);
    note(manifest, 1, 20);
    end(fixture, manifest);
    assert_int_equal(lines_of(fixture), 2); /* written anew, without it */
    manifest = begin(fixture);
    assert_null(manifest_complaint(manifest));
    assert_int_equal(width_of(manifest, 1), 20);
    manifest_close(manifest);
}

static void test_manifest_uses_what_can_be_read_among_rubbish(void **state)
{
    struct fixture *fixture = *state;
    char *rubbish = malloc(3 * LINES_LONGEST);
    assert_non_null(rubbish);
    for (size_t i = 0; i < 3 * LINES_LONGEST; i++)
        rubbish[i] = (char)(i * 7919 % 251 == '\n' ? 1 : i * 7919 % 251);
    append(fixture, "{}\n[1]\nnonsense\n\n", 17);
    append(fixture, rubbish, 3 * LINES_LONGEST);
    append(fixture, "\n", 1);
    struct manifest *manifest = begin(fixture);
    assert_non_null(manifest_complaint(manifest));
    note(manifest, 2, 7);
    end(fixture, manifest);
    expect_widths(fixture, 0, 0, 7);
    assert_int_equal(lines_of(fixture), 1);
    free(rubbish);
}

static void test_manifest_leaves_alone_what_is_no_file(void **state)
{
    struct fixture *fixture = *state;
    const char *path = tree_path(fixture->root, name_of_manifest);
    for (int kind = 0; kind < 3; kind++) {
        tree_write(fixture->root, "precious", "keep me", 7);
        if (kind == 0)
            assert_int_equal(mkdir(path, 0777), 0);
        else if (kind == 1)
            assert_int_equal(symlink("../precious", path), 0);
        else
            assert_int_equal(mkfifo(path, 0666), 0);
        struct manifest *manifest = begin(fixture);
        assert_non_null(strstr(manifest_complaint(manifest), "not a regular file"));
        note(manifest, 0, 1);
        assert_int_equal(width_of(manifest, 0), 0);
        end(fixture, manifest);
        struct stat found;
        assert_int_equal(lstat(path, &found), 0);
        assert_false(S_ISREG(found.st_mode));
        assert_int_equal(kind == 0 ? rmdir(path) : unlink(path), 0);
    }
    struct test_file file = tree_read(fixture->root, "precious");
    assert_int_equal(file.size, 7);
    test_file_done(&file);
}

static void test_manifest_of_two_runs_at_once_has_the_lines_of_both(void **state)
{
    struct fixture *fixture = *state;
    struct manifest *one = begin(fixture), *other = begin(fixture);
    note(one, 0, 10);
    note(other, 1, 20);
    manifest_finish(one, fixture->output, NULL, NULL);
    manifest_finish(other, fixture->output, NULL, NULL);
    note(one, 2, 30); /* by the descriptor that it has open already */
    end(fixture, one);
    manifest_close(other);
    expect_widths(fixture, 10, 20, 30);
    assert_int_equal(lines_of(fixture), 3);
}

static bool keeps_nothing(void *user, const struct entry *entry)
{
    (void)user;
    (void)entry;
    return false;
}

static void test_manifest_appends_to_the_file_that_has_the_name(void **state)
{
    struct fixture *fixture = *state;
    struct manifest *one = begin(fixture), *other = begin(fixture);
    note(one, 0, 10);
    manifest_finish(one, fixture->output, NULL, NULL);
    manifest_finish(other, fixture->output, keeps_nothing, NULL); /* another file by now */
    note(one, 1, 20);
    end(fixture, one);
    manifest_close(other);
    expect_widths(fixture, 0, 20, 0);
}

static void test_manifest_is_not_written_anew_while_another_has_the_lock(void **state)
{
    struct fixture *fixture = *state;
    struct manifest *manifest = begin(fixture);
    note(manifest, 0, 10);
    end(fixture, manifest);
    int fd = open(tree_path(fixture->root, name_of_manifest), O_RDONLY);
    assert_int_equal(flock(fd, LOCK_SH), 0);
    manifest = begin(fixture);
    manifest_finish(manifest, fixture->output, keeps_nothing, NULL);
    manifest_close(manifest);
    close(fd);
    expect_widths(fixture, 10, 0, 0);
}

/* ---- Parts ---------------------------------------------------------------------------------- */

static const char name_of_part[] = "out/.thumbpool-1-of-1.ndjson";

/* Writes what the one shard of all pictures knows, as a run does. */
static void part_write(struct fixture *fixture, int width)
{
    fixture->plan.options.shard = (struct shard){1, 1};
    struct manifest *manifest = begin(fixture);
    note(manifest, 0, width);
    end(fixture, manifest);
    fixture->plan.options.shard = (struct shard){0};
}

static void test_manifest_reads_parts_and_joins_them(void **state)
{
    struct fixture *fixture = *state;
    part_write(fixture, 10);
    expect_widths(fixture, 10, 0, 0);
    assert_int_equal(tree_count(fixture->root, "out", NULL), 1);
    assert_int_equal(parts_join(fixture->output, false), 0);
    assert_int_equal(tree_count(fixture->root, "out", ".thumbpool-"), 0);
    expect_widths(fixture, 10, 0, 0);
    assert_int_equal(lines_of(fixture), 1);
}

/* A joiner that was killed before it removed the part, and one that met a shard at work. */
static void test_manifest_joins_a_part_that_stayed_again(void **state)
{
    struct fixture *fixture = *state;
    part_write(fixture, 10);
    int fd = open(tree_path(fixture->root, name_of_part), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(parts_join(fixture->output, true), 0);
    assert_int_equal(tree_count(fixture->root, "out", ".thumbpool-"), 1);
    struct timespec long_ago[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(futimens(fd, long_ago), 0);
    close(fd);
    struct manifest *manifest = begin(fixture);
    note(manifest, 0, 20); /* later than the part */
    end(fixture, manifest);
    expect_widths(fixture, 20, 0, 0);
    assert_int_equal(parts_join(fixture->output, false), 0);
    assert_int_equal(tree_count(fixture->root, "out", ".thumbpool-"), 0);
    expect_widths(fixture, 20, 0, 0);
    assert_int_equal(lines_of(fixture), 1);
}

static void test_manifest_of_a_running_shard_is_not_removed(void **state)
{
    struct fixture *fixture = *state;
    part_write(fixture, 10);
    fixture->plan.options.shard = (struct shard){1, 1};
    struct manifest *manifest = begin(fixture);
    manifest_hold(manifest);
    assert_int_equal(parts_join(fixture->output, false), 0);
    assert_int_equal(tree_count(fixture->root, "out", ".thumbpool-"), 1);
    note(manifest, 1, 20);
    end(fixture, manifest);
    fixture->plan.options.shard = (struct shard){0};
    assert_int_equal(parts_join(fixture->output, false), 0);
    assert_int_equal(tree_count(fixture->root, "out", ".thumbpool-"), 0);
    expect_widths(fixture, 10, 20, 0);
}

static void test_manifest_parts_have_strict_names(void **state)
{
    (void)state;
    assert_true(parts_is_name(".thumbpool-1-of-1.ndjson"));
    assert_true(parts_is_name(".thumbpool-1000000-of-1000000.ndjson"));
    static const char *const wrong[] = {MANIFEST_NAME,
                                        ".thumbpool-0-of-1.ndjson",
                                        ".thumbpool-2-of-1.ndjson",
                                        ".thumbpool-01-of-1.ndjson",
                                        ".thumbpool-1-of-1.ndjson~",
                                        ".thumbpool-1-of-1000001.ndjson",
                                        ".thumbpool--1-of-1.ndjson",
                                        "thumbpool-1-of-1.ndjson"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(parts_is_name(wrong[i]));
}

static int count_width(void *user, const struct entry *entry)
{
    *(int *)user += entry->width;
    return 0;
}

static void test_manifest_each_shows_what_counts(void **state)
{
    struct fixture *fixture = *state;
    struct manifest *manifest = begin(fixture);
    int sum = 0;
    note(manifest, 0, 1);
    note(manifest, 1, 10);
    note(manifest, 0, 100);
    note_name(manifest, 0, "elsewhere.jpg", 1000);
    assert_int_equal(manifest_each(manifest, count_width, &sum), 0);
    assert_int_equal(sum, 1110);
    manifest_close(manifest);
}

static void test_manifest_that_cannot_be_written_says_so(void **state)
{
    struct fixture *fixture = *state;
    if (geteuid() == 0)
        skip(); /* nothing is forbidden to root */
    struct manifest *manifest = begin(fixture);
    assert_int_equal(chmod(fixture->out, 0555), 0);
    note(manifest, 0, 10);
    manifest_finish(manifest, fixture->output, NULL, NULL);
    assert_non_null(strstr(manifest_complaint(manifest), "cannot be written"));
    manifest_close(manifest);
    assert_int_equal(chmod(fixture->out, 0777), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_manifest_remembers_from_run_to_run),
        TEST(test_manifest_believes_the_last_line_of_a_name),
        TEST(test_manifest_writes_nothing_when_nothing_is_noted),
        TEST(test_manifest_is_thinned_once_most_of_it_is_stale),
        TEST(test_manifest_goes_on_after_a_line_that_was_cut),
        TEST(test_manifest_uses_what_can_be_read_among_rubbish),
        TEST(test_manifest_leaves_alone_what_is_no_file),
        TEST(test_manifest_of_two_runs_at_once_has_the_lines_of_both),
        TEST(test_manifest_appends_to_the_file_that_has_the_name),
        TEST(test_manifest_is_not_written_anew_while_another_has_the_lock),
        TEST(test_manifest_reads_parts_and_joins_them),
        TEST(test_manifest_joins_a_part_that_stayed_again),
        TEST(test_manifest_of_a_running_shard_is_not_removed),
        TEST(test_manifest_parts_have_strict_names),
        TEST(test_manifest_each_shows_what_counts),
        TEST(test_manifest_that_cannot_be_written_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
