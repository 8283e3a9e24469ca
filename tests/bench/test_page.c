#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch/text.h"
#include "bench/figures.h"
#include "bench/page.h"
#include "bench/table.h"

enum { RUNS = 5, JOBS = 96 };

/* ---- Comparisons that are made up ----------------------------------------------------------- */

static struct bench *made_up(const char *work)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->options = bench_options_default();
    bench->options.works[0] = work_find(work);
    bench->options.work_count = 1;
    bench->options.workers_count = 0;
    bench->options.version = "1.0";
    bench->options.libraries = "libnothing 2";
    bench->machine = (struct machine){.model = "Test", .cpus_host = 8, .cpus_usable = 8};
    return bench;
}

/* A cell whose jobs went round its workers; the numbers of workers grow from cell to cell. */
static void add(struct bench *bench, enum mp_kind kind, int workers, double seconds)
{
    struct result *result = &bench->results[bench->count++];
    int *numbers = bench->options.workers, last = bench->options.workers_count;
    if (kind != MP_SEQUENTIAL && (last == 0 || numbers[last - 1] < workers))
        numbers[bench->options.workers_count++] = workers;
    *result = (struct result){.cell = {bench->options.works[0], kind, workers}, .jobs = JOBS};
    result->runs = calloc(RUNS, sizeof *result->runs);
    result->stamps = calloc((size_t)RUNS * JOBS, sizeof *result->stamps);
    result->run_count = RUNS;
    double times[RUNS], job = seconds * workers / JOBS;
    for (int i = 0; i < RUNS; i++)
        times[i] = result->runs[i].wall_s = seconds * (1 + 0.02 * i);
    for (int i = 0; i < RUNS * JOBS; i++) {
        double begin = i % JOBS / workers * job;
        result->stamps[i] = (struct stamp){begin, begin + job, i % JOBS % workers};
    }
    result->wall = statistics_of(times, RUNS);
    result->speedup = 1 / seconds;
    result->efficiency = result->speedup / workers;
}

static struct bench *one_result(void)
{
    struct bench *bench = made_up("cpu");
    add(bench, MP_PROCESSES, 2, 0.6);
    return bench;
}

static struct bench *three_results(void)
{
    struct bench *bench = made_up("cpu");
    add(bench, MP_SEQUENTIAL, 1, 1);
    add(bench, MP_THREADS, 8, 0.1251);
    add(bench, MP_PROCESSES, 8, 0.1252);
    return bench;
}

/* One, and eleven numbers of workers that lie as near to each other as they can. */
static struct bench *twelve_results(void)
{
    struct bench *bench = made_up("photos");
    add(bench, MP_SEQUENTIAL, 1, 1);
    for (int workers = 2; workers <= 11; workers++)
        add(bench, MP_PROCESSES, workers, 1.3 / workers);
    add(bench, MP_PROCESSES, 1000, 12.5);
    return bench;
}

static struct bench *(*const all[])(void) = {one_result, three_results, twelve_results};

enum { ALL = sizeof all / sizeof *all };

/* ---- Text in charts ------------------------------------------------------------------------- */

static void check_texts(const struct chart *chart)
{
    for (int i = 0; i < chart->text_count; i++) {
        const struct chart_box *box = &chart->texts[i];
        assert_true(box->left >= -0.5 && box->right <= chart->width + 0.5);
        assert_true(box->top >= -2 && box->bottom <= chart->height + 2);
        for (int k = 0; k < i; k++)
            assert_false(chart_boxes_overlap(box, &chart->texts[k]));
    }
}

static void test_page_no_text_overlaps_in_any_chart(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; i++) {
        struct bench *bench = all[i]();
        const struct work *work = bench->options.works[0];
        struct chart chart;
        char *text;
        size_t size;
        FILE *file = open_memstream(&text, &size);
        figure_times(bench, work, file, &chart);
        assert_int_equal(chart.text_count, 2 * bench->count);
        check_texts(&chart);
        assert_int_equal(figure_speedup(bench, work, file, &chart), i > 0);
        if (i > 0)
            check_texts(&chart);
        figure_timeline(bench, work, file, &chart);
        assert_true(chart.text_count > 2);
        check_texts(&chart);
        fclose(file);
        free(text);
        bench_free(bench);
    }
}

static void test_page_text_that_would_cover_other_text_is_left_out(void **state)
{
    struct chart chart;
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    (void)state;
    chart_begin(&chart, file, 100, 100, "");
    chart_text(&chart, 0, 50, CHART_LEFT, "", "one");
    assert_false(chart_text_if_free(&chart, 10, 55, CHART_LEFT, "", "two"));
    assert_true(chart_text_if_free(&chart, 40, 50, CHART_LEFT, "", "three"));
    chart_end(&chart);
    fclose(file);
    assert_null(strstr(text, "two"));
    assert_non_null(strstr(text, ">three<"));
    free(text);
}

/* ---- Markup --------------------------------------------------------------------------------- */

static char *page_of(const struct bench *bench)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    page_write(bench, file);
    fclose(file);
    return text;
}

/* Elements that have no end, as HTML has it. */
static int is_void(const char *name, size_t length)
{
    static const char *const names[] = {"meta", "br"};
    for (int i = 0; i < 2; i++)
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
            return 1;
    return 0;
}

/* Every element that begins ends, and in the right order. */
static void check_nesting(const char *text)
{
    const char *open[100];
    size_t lengths[100];
    int depth = 0;
    for (const char *tag = strchr(text, '<'); tag; tag = strchr(tag + 1, '<')) {
        const char *end = strchr(tag, '>'), *name = tag + 1 + (tag[1] == '/');
        size_t length = strcspn(name, " />");
        assert_non_null(end);
        if (tag[1] == '!' || is_void(name, length) || end[-1] == '/')
            continue;
        if (tag[1] != '/') {
            assert_in_range(depth, 0, 99);
            open[depth] = name;
            lengths[depth++] = length;
            continue;
        }
        assert_true(depth > 0);
        depth--;
        assert_int_equal(lengths[depth], length);
        assert_memory_equal(open[depth], name, length);
    }
    assert_int_equal(depth, 0);
}

static void test_page_is_well_formed(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; i++) {
        struct bench *bench = all[i]();
        bench->claims.measured = i > 0;
        char *text = page_of(bench);
        check_nesting(text);
        assert_null(strstr(text, "<script"));
        assert_null(strstr(text, "http"));
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "height=\"-"));
        assert_null(strstr(text, "height=\"0.0"));
        assert_null(strstr(text, "inf"));
        free(text);
        bench_free(bench);
    }
}

static void test_page_escapes_what_it_did_not_write(void **state)
{
    struct bench *bench = three_results();
    (void)state;
    strcpy(bench->machine.model, "<b>&\"CPU\"");
    bench->results[2].run_count = 0;
    strcpy(bench->results[2].why, "cannot open <script>alert('1')</script>\x1b\xff");
    char *text = page_of(bench);
    check_nesting(text);
    assert_null(strstr(text, "<b>"));
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "&lt;b&gt;&amp;&quot;CPU&quot;"));
    assert_non_null(
        strstr(text, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&#x241b;\xef\xbf\xbd"));
    free(text);
    bench_free(bench);
}

static void test_table_unit_is_of_a_cell_that_has_a_time(void **state)
{
    struct bench *bench = three_results();
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    (void)state;
    bench->results[0].run_count = 0;
    bench->results[0].wall = (struct statistics){0};
    table_print(bench, file, false);
    fclose(file);
    assert_non_null(strstr(text, "mean ± σ, ms"));
    free(text);
    bench_free(bench);
}

/* ---- Figures as text ------------------------------------------------------------------------ */

static void test_text_has_three_digits(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{1.2345, "1.23 s"},       {12.345, "12.3 s"},  {123.4, "123 s"},
                 {0.9996, "1.00 s"},       {0.0999, "99.9 ms"}, {0.22142, "221 ms"},
                 {0.000004242, "4.24 µs"}, {9.9e-8, "99.0 ns"}, {0, "0.00 ns"}};
    char text[40];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_seconds(cases[i].seconds, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
    text_bytes(640, text, sizeof text);
    assert_string_equal(text, "640 B");
    text_bytes(1400000, text, sizeof text);
    assert_string_equal(text, "1.40 MB");
    assert_int_equal(text_columns("4 µs …"), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_no_text_overlaps_in_any_chart),
        cmocka_unit_test(test_page_text_that_would_cover_other_text_is_left_out),
        cmocka_unit_test(test_page_is_well_formed),
        cmocka_unit_test(test_page_escapes_what_it_did_not_write),
        cmocka_unit_test(test_table_unit_is_of_a_cell_that_has_a_time),
        cmocka_unit_test(test_text_has_three_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
