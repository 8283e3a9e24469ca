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

#include "batch/gallery.h"
#include "batch/run.h"
#include "support/tree.h"

/* A plan of some pictures, and a gallery that hears of them. */
struct fixture {
    char *root;
    char in[TREE_PATH_BYTES], output[TREE_PATH_BYTES], page[TREE_PATH_BYTES];
    char *paths[1];
    struct image_spec spec;
    struct scan scan;
    struct plan plan;
    struct gallery gallery;
    struct run_observer observer;
    struct run_counts counts;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    void *root;
    if (!fixture || tree_setup(&root) != 0)
        return -1;
    fixture->root = root;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *root = fixture->root;
    gallery_close(&fixture->gallery);
    plan_done(&fixture->plan);
    scan_done(&fixture->scan);
    free(fixture);
    return tree_teardown(&root);
}

/* Plans a thumbnail of each file below in/, in order of their names. */
static void prepare(struct fixture *fixture, const char *const *names, size_t count)
{
    const char *bad;
    char name[300];
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "in/%s", names[i]);
        tree_write(fixture->root, name, "", 0);
    }
    snprintf(fixture->in, sizeof fixture->in, "%.3000s/in", fixture->root);
    snprintf(fixture->output, sizeof fixture->output, "%.3000s/out", fixture->root);
    snprintf(fixture->page, sizeof fixture->page, "%.3000s/page.html", fixture->root);
    fixture->paths[0] = fixture->in;
    fixture->spec = image_spec_default();
    struct scan_options scan = {.paths = fixture->paths, .path_count = 1};
    assert_int_equal(scan_run(&scan, &fixture->scan, &bad), 0);
    struct plan_options plan = {.spec = &fixture->spec, .output = fixture->output};
    assert_int_equal(plan_make(&plan, &fixture->scan, &fixture->plan), 0);
}

static void begin(struct fixture *fixture)
{
    struct gallery *gallery = &fixture->gallery;
    assert_int_equal(gallery_open(gallery, fixture->page, &fixture->plan, "1.0", 1700000000), 0);
    fixture->observer = gallery_observer(gallery);
    tree_write(fixture->root, "out/.there", "", 0);
    fixture->observer.begin(gallery, fixture->plan.count, 2);
}

static struct run_record record_of(struct fixture *fixture, size_t input, char *path)
{
    snprintf(path, TREE_PATH_BYTES, "%.3000s/", fixture->output);
    assert_int_equal(plan_name(&fixture->plan, (uint32_t)input, 0, path + strlen(path),
                               TREE_PATH_BYTES - strlen(path)),
                     0);
    return (struct run_record){.input = &fixture->scan.inputs[input],
                               .status = RUN_MADE,
                               .kind = IMAGE_KIND_JPEG,
                               .width = 600,
                               .height = 400,
                               .output_count = 1,
                               .outputs = {{path, 256, 171, 9000}},
                               .worker = 1,
                               .attempts = 1};
}

static void made(struct fixture *fixture, size_t input)
{
    char path[TREE_PATH_BYTES];
    struct run_record record = record_of(fixture, input, path);
    fixture->counts.made++;
    fixture->observer.result(&fixture->gallery, &record, &fixture->counts);
}

static void failed(struct fixture *fixture, size_t input, const char *code, const char *message)
{
    struct run_record record = {.input = &fixture->scan.inputs[input],
                                .status = RUN_FAILED,
                                .worker = -1,
                                .code = code,
                                .message = message};
    fixture->counts.failed++;
    fixture->observer.result(&fixture->gallery, &record, &fixture->counts);
}

/* The page's text; NULL when there is none. */
static char *end(struct fixture *fixture, struct run_summary summary)
{
    summary.counts = fixture->counts;
    fixture->observer.end(&fixture->gallery, &summary);
    struct test_file file = tree_read(fixture->root, "page.html");
    char *text = file.bytes ? strndup((const char *)file.bytes, file.size) : NULL;
    if (text)
        assert_int_equal(strlen(text), file.size);
    test_file_done(&file);
    return text;
}

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

static const char *const hostile[] = {
    "\"><script>alert(1)<\\script>.jpg",
    "' onerror='alert(2)' x='.jpg",
    "--><img src=x onerror=alert(3)>.jpg",
    "<\\style><style>*{display:none}.jpg",
    "&lt;b&gt;.jpg",
    "javascript:alert(4).jpg",
    "line\nfeed.jpg",
    "not \xff utf-8 \xc0\xbc>.jpg",
    "100% #1?.jpg",
};
enum { HOSTILE = sizeof hostile / sizeof *hostile };

static void test_gallery_takes_no_name_for_markup(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, hostile, HOSTILE);
    begin(fixture);
    for (size_t i = 0; i < HOSTILE; i++)
        made(fixture, i);
    char *text = end(fixture, (struct run_summary){0});
    assert_non_null(text);
    const char *end_of_head = strstr(text, "<body>");
    assert_int_equal(occurrences(end_of_head, "<script"), 1);
    assert_int_equal(occurrences(end_of_head, "<style"), 0);
    assert_int_equal(occurrences(end_of_head, "<b>"), 1); /* of the summary */
    assert_int_equal(occurrences(text, "<li data-d=\""), HOSTILE);
    assert_int_equal(occurrences(text, "loading=lazy decoding=async alt=\"\"><span>"), HOSTILE);
    assert_int_equal(occurrences(text, "<img src=\"out/"), HOSTILE);
    assert_int_equal(occurrences(text, "'alert"), 0);
    assert_non_null(strstr(text, "href=\"out/100%25%20%231%3F.jpg\""));
    assert_non_null(strstr(text, "href=\"out/javascript%3Aalert%284%29.jpg\""));
    assert_non_null(strstr(text, "src=\"out/not%20%FF%20utf-8%20%C0%BC%3E.jpg\""));
    assert_non_null(strstr(text, "<span>line&#x240a;feed.jpg</span>"));
    assert_non_null(strstr(text, "<span>not \xef\xbf\xbd utf-8 "));
    assert_non_null(strstr(text, "<span>&amp;lt;b&amp;gt;.jpg</span>"));
    free(text);
}

static void test_gallery_takes_no_message_for_markup(void **state)
{
    struct fixture *fixture = *state;
    prepare(fixture, hostile, HOSTILE);
    begin(fixture);
    for (size_t i = 0; i < HOSTILE; i++)
        failed(fixture, i, "damaged", hostile[i]);
    char *text = end(fixture, (struct run_summary){.fatal = "<i>no disk</i>"});
    assert_non_null(text);
    const char *end_of_head = strstr(text, "<body>");
    assert_int_equal(occurrences(end_of_head, "<script"), 1);
    assert_int_equal(occurrences(end_of_head, "<img"), 1); /* of the view */
    assert_int_equal(occurrences(end_of_head, "<i>"), 0);
    assert_int_equal(occurrences(text, "<li><b>damaged</b><span>"), HOSTILE);
    assert_non_null(strstr(text, "<p>&quot;&gt;&lt;script&gt;alert(1)&lt;\\script&gt;.jpg"));
    free(text);
}

static void test_gallery_has_a_section_a_folder_whatever_the_order_of_results(void **state)
{
    static const char *const names[] = {"a/1.jpg", "a/2/3.jpg", "a/4.jpg", "b.jpg"};
    static const char *const shown[] = {"/a/</h2>", ">1.jpg<",   ">4.jpg<", "/a/2/</h2>",
                                        ">3.jpg<",  "/in/</h2>", ">b.jpg<"};
    struct fixture *fixture = *state;
    prepare(fixture, names, 4);
    begin(fixture);
    for (size_t i = 4; i-- > 0;)
        made(fixture, i);
    char *text = end(fixture, (struct run_summary){0});
    const char *at = text;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        assert_non_null(at = strstr(at, shown[i]));
    assert_int_equal(occurrences(text, "<section>"), 3);
    assert_non_null(strstr(text, "14 November 2023, 22:13 UTC"));
    free(text);
}

static void test_gallery_of_a_run_that_stopped_says_so(void **state)
{
    static const char *const names[] = {"a.jpg", "b.jpg", "c.jpg"};
    struct fixture *fixture = *state;
    prepare(fixture, names, 3);
    begin(fixture);
    made(fixture, 1);
    fixture->counts.not_started = 2;
    char *text = end(fixture, (struct run_summary){.interrupted = true});
    assert_non_null(strstr(text, "The run was interrupted. 2 pictures were not started."));
    assert_int_equal(occurrences(text, "<li data-d"), 1);
    free(text);
}

static void test_gallery_shows_the_smallest_that_is_large_enough_and_opens_the_largest(void **state)
{
    static const char *const names[] = {"a.jpg"};
    char paths[3][TREE_PATH_BYTES];
    struct fixture *fixture = *state;
    prepare(fixture, names, 1);
    begin(fixture);
    struct run_record record = record_of(fixture, 0, paths[0]);
    record.output_count = 3;
    record.outputs[0] = (struct run_output){paths[0], 640, 427, 40000};
    record.outputs[1] = (struct run_output){paths[1], 64, 43, 900};
    record.outputs[2] = (struct run_output){paths[2], 160, 107, 4000};
    snprintf(paths[1], sizeof paths[1], "%.3000s/small.jpg", fixture->output);
    snprintf(paths[2], sizeof paths[2], "%.3000s/middle.jpg", fixture->output);
    record.code = "damaged";
    record.message = "the data ends";
    fixture->observer.result(&fixture->gallery, &record, &fixture->counts);
    char *text = end(fixture, (struct run_summary){0});
    assert_non_null(strstr(text, "<a href=\"out/a.jpg\"><img src=\"out/middle.jpg\" width=160"));
    assert_non_null(strstr(text, ";640 427 40000 64 43 900 160 107 4000\""));
    assert_non_null(strstr(text, "data-w=\"damaged: the data ends\""));
    free(text);
}

/* What stood there stays until the new page is whole, and no temporary file is left. */
static void test_gallery_is_whole_or_not_there(void **state)
{
    static const char *const names[] = {"a.jpg"};
    struct fixture *fixture = *state;
    prepare(fixture, names, 1);
    tree_write(fixture->root, "page.html", "old", 3);
    begin(fixture);
    made(fixture, 0);
    struct test_file file = tree_read(fixture->root, "page.html");
    assert_int_equal(file.size, 3);
    test_file_done(&file);
    assert_int_equal(tree_count(fixture->root, "", ".thumbpool-"), 0);
    char *text = end(fixture, (struct run_summary){0});
    assert_non_null(strstr(text, "</html>\n"));
    free(text);
    assert_int_equal(fixture->gallery.error, 0);
    assert_int_equal(tree_count(fixture->root, "", ".thumbpool-"), 0);
}

static void test_gallery_that_cannot_be_written_leaves_what_was_there(void **state)
{
    static const char *const names[] = {"a.jpg"};
    struct fixture *fixture = *state;
    prepare(fixture, names, 1);
    begin(fixture);
    made(fixture, 0);
    assert_int_equal(mkdir(tree_path(fixture->root, "page.html"), 0700), 0);
    struct run_summary summary = {.counts = fixture->counts};
    fixture->observer.end(&fixture->gallery, &summary);
    assert_true(fixture->gallery.error < 0);
    assert_int_equal(tree_count(fixture->root, "", ".thumbpool-"), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_gallery_takes_no_name_for_markup),
        CASE(test_gallery_takes_no_message_for_markup),
        CASE(test_gallery_has_a_section_a_folder_whatever_the_order_of_results),
        CASE(test_gallery_of_a_run_that_stopped_says_so),
        CASE(test_gallery_shows_the_smallest_that_is_large_enough_and_opens_the_largest),
        CASE(test_gallery_is_whole_or_not_there),
        CASE(test_gallery_that_cannot_be_written_leaves_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
