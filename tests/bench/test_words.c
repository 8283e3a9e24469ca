#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/words.h"
#include "mproc/mproc.h"

enum { RUNS = 5 };

/* A comparison of one work, to which cells are added by hand. */
struct made_up {
    struct bench bench;
    struct cell_run runs[8][RUNS];
    struct words words;
};

static struct made_up begin(const char *work, int most_workers)
{
    struct made_up made = {.bench = {.options = bench_options_default()}};
    struct bench_options *options = &made.bench.options;
    options->works[0] = work_find(work);
    options->work_count = 1;
    options->workers[0] = 1;
    options->workers[1] = most_workers;
    options->workers_count = 2;
    options->claims = false;
    made.bench.machine = (struct machine){.cpus_usable = 2, .others_share = 0.01};
    return made;
}

/* A cell whose runs took these times: `seconds`, and up to two thousandths more. */
static void add(struct made_up *made, enum mp_kind kind, int workers, double seconds,
                double sequential_s)
{
    struct result *result = &made->bench.results[made->bench.count];
    double times[RUNS];
    result->cell = (struct cell){made->bench.options.works[0], kind, workers};
    result->runs = made->runs[made->bench.count++];
    result->run_count = RUNS;
    result->jobs = 12;
    for (int i = 0; i < RUNS; i++)
        times[i] = result->runs[i].wall_s = seconds * (1 + 0.001 * (i - 2));
    result->wall = statistics_of(times, RUNS);
    result->speedup = sequential_s / seconds;
    result->efficiency = result->speedup / workers;
}

static bool says(const struct words *words, const char *text)
{
    for (int i = 0; i < words->count; i++)
        if (strstr(words->all[i], text))
            return true;
    for (int i = 0; i < words->count; i++)
        print_message("%s\n", words->all[i]);
    return false;
}

static void test_words_equally_fast(void **state)
{
    struct made_up made = begin("cpu", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 2, 1.03, 2);
    add(&made, MP_PROCESSES, 2, 1.04, 2);
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "cpu: 2 threads and 2 processes are equally fast here (1.94 and "
                                  "1.92 times as fast as sequential)."));
}

static void test_words_threads_win_where_they_do(void **state)
{
    struct made_up made = begin("cpu", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 2, 1, 2);
    add(&made, MP_PROCESSES, 2, 1.25, 2);
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "cpu: 2 threads are 1.25 times as fast as 2 processes"));
}

static void test_words_processes_win_where_they_do(void **state)
{
    struct made_up made = begin("photos", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 2, 1.5, 2);
    add(&made, MP_PROCESSES, 2, 1, 2);
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "photos: 2 processes are 1.50 times as fast as 2 threads"));
    assert_true(says(&made.words, "photos: 12 pictures a second at best (2 processes)."));
}

/* Five runs of each overlap: their medians lie 10 % apart, and no test tells them apart. */
static void test_words_within_noise(void **state)
{
    struct made_up made = begin("cpu", 2);
    (void)state;
    add(&made, MP_THREADS, 2, 1, 0);
    add(&made, MP_PROCESSES, 2, 1.1, 0);
    for (int i = 0; i < RUNS; i++) {
        made.runs[0][i].wall_s = 0.9 + 0.06 * i;
        made.runs[1][i].wall_s = 1.0 + 0.06 * i;
    }
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "the difference between 2 threads and 2 processes is within noise"
                                  " (1.00 s and 1.10 s)."));
}

static void test_words_serial_share(void **state)
{
    struct made_up made = begin("cpu", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 2, 1.2, 2);   /* 2 * (s + (1 - s) / 2) = 1.2: s = 0.2 */
    add(&made, MP_PROCESSES, 2, 0.9, 2); /* faster than two workers can be: no share at all */
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "a serial share of 20.0 % for threads and 0.0 % for processes, as"
                                  " one number of workers tells it."));
}

/* No share of the work, however large, makes two workers slower than none. */
static void test_words_no_law_where_workers_only_cost(void **state)
{
    struct made_up made = begin("photos", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_PROCESSES, 2, 2.4, 2);
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "photos: 2 processes: 0.83 times as fast as sequential."));
    for (int i = 0; i < made.words.count; i++)
        assert_null(strstr(made.words.all[i], "serial share"));
}

static void test_words_no_law_from_times_that_scatter(void **state)
{
    struct made_up made = begin("cpu", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 2, 1, 2);
    made.bench.results[1].wall.max = 1.9;
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "cpu: the times vary too much for a fit of Amdahl's law."));
}

static void test_words_what_a_worker_costs(void **state)
{
    struct made_up made = begin("io", 1);
    (void)state;
    made.bench.options.workers_count = 1;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 1, 1.8, 2); /* by chance */
    add(&made, MP_PROCESSES, 1, 2.1, 2);
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "io: 1 thread is 1.17 times as fast as 1 process"));
    assert_true(says(&made.words, "io: 1 process takes 5 % longer than no worker at all."));
    for (int i = 0; i < made.words.count; i++)
        assert_null(strstr(made.words.all[i], "1 thread takes"));
}

/* Four workers on two CPUs are no sign of a serial share. */
static void test_words_more_workers_than_cpus(void **state)
{
    struct made_up made = begin("cpu", 4);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 4, 1, 2);
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "cpu: 4 threads: 2.00 times as fast as sequential."));
    assert_true(
        says(&made.words, "cpu: 4 workers share 2 CPUs, which nothing makes faster than 2."));
    assert_int_equal(made.words.count, 2);
}

static void test_words_of_a_busy_machine(void **state)
{
    struct made_up made = begin("io", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    words_doubt(&made.bench, &made.words);
    assert_int_equal(made.words.count, 0);
    made.bench.machine.others_share = 0.43;
    words_doubt(&made.bench, &made.words);
    assert_true(says(&made.words, "The machine was not idle: others took 43 % of the CPUs"));
}

static void test_words_of_cpus_that_change_their_speed(void **state)
{
    struct made_up made = begin("cpu", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    for (int i = 0; i < RUNS; i++)
        made.runs[0][i].user_s = 1.9 + 0.04 * i;
    words_doubt(&made.bench, &made.words);
    assert_int_equal(made.words.count, 0);
    made.runs[0][3].user_s = 2.4;
    words_doubt(&made.bench, &made.words);
    assert_true(says(&made.words, "cpu: the same jobs took 1.90 s to 2.40 s of processor time"));
}

static void test_words_of_outliers_and_failures(void **state)
{
    struct made_up made = begin("io", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_PROCESSES, 2, 1, 2);
    made.bench.results[0].wall.outliers = 1;
    made.bench.results[0].failed = 3;
    strcpy(made.bench.results[0].why, "damaged");
    made.bench.results[1].run_count = 0;
    strcpy(made.bench.results[1].why, "killed by signal 9 (Killed)");
    words_doubt(&made.bench, &made.words);
    assert_true(says(&made.words, "io, 2 processes failed: killed by signal 9 (Killed)."));
    assert_true(says(&made.words, "io, sequential: 3 of 12 jobs failed (damaged); their time"));
    assert_true(says(&made.words, "1 of 5 runs lies far from the others of its kind"));
}

static void test_words_tell_no_difference_of_too_few_runs(void **state)
{
    struct made_up made = begin("cpu", 2);
    (void)state;
    add(&made, MP_SEQUENTIAL, 1, 2, 2);
    add(&made, MP_THREADS, 2, 1, 2);
    add(&made, MP_PROCESSES, 2, 1.25, 2);
    made.bench.results[1].run_count = made.bench.results[2].run_count = 3;
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "cpu: 2 threads and 2 processes: 2.00 and 1.60 times as fast as "
                                  "sequential; so few runs cannot tell a difference"));
}

static void test_words_of_too_few_runs(void **state)
{
    struct made_up made = begin("io", 2);
    (void)state;
    made.bench.options.runs = 3;
    words_doubt(&made.bench, &made.words);
    assert_true(says(&made.words, "3 runs of each cannot tell a difference from chance; 4 can."));
}

static void test_words_of_the_page_cache(void **state)
{
    struct made_up made = begin("photos", 2);
    (void)state;
    made.bench.photos.count = 1;
    made.bench.options.cold = true;
    words_doubt(&made.bench, &made.words);
    assert_true(
        says(&made.words, "the pictures were dropped from the page cache before each run."));
    made.bench.chilled_share = 1;
    words_doubt(&made.bench, &made.words);
    assert_true(says(&made.words, "100 % of the pictures stayed in it."));
}

static void test_words_of_what_could_not_be_measured(void **state)
{
    struct made_up made = begin("io", 2);
    (void)state;
    made.bench.options.claims = true;
    made.bench.options.version = made.bench.options.libraries = "1";
    made.bench.machine = (struct machine){.load_before = -1, .load_after = -1, .others_share = -1};
    words_doubt(&made.bench, &made.words);
    assert_true(says(&made.words, "What threads and processes cost apart from the work was not"));
    words_machine(&made.bench, &made.words);
    assert_true(says(&made.words, "What others took of the CPUs meanwhile is not to be seen"));
    for (int i = 0; i < made.words.count; i++)
        assert_null(strstr(made.words.all[i], "-1"));
}

static void test_words_of_crashes_and_kills(void **state)
{
    struct made_up made = begin("io", 2);
    struct claims *claims = &made.bench.claims;
    (void)state;
    *claims = (struct claims){.measured = true,
                              .start_s = {10e-6, 200e-6},
                              .crash_s = {0, 500e-6},
                              .crash_lost = {50, 1},
                              .crash_jobs = 50,
                              .crash_exit = {-6, 0},
                              .kill_s = {0, 400e-6},
                              .kill_error = {MP_ENOKILL, 0}};
    words_conclude(&made.bench, &made.words);
    assert_true(says(&made.words, "Start: a process 200 µs, a thread 10.0 µs, 20.0 times less."));
    assert_true(says(&made.words, "with threads, the program dies, 50 of 50 jobs lost; with "
                                  "processes, 1 of 50 jobs lost, next result after 500 µs."));
    assert_true(says(&made.words, "a process was gone after 400 µs; of a thread the answer is"));
    for (int i = 0; i < made.words.count; i++) /* which is 0 for both here */
        assert_null(strstr(made.words.all[i], "Memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_equally_fast),
        cmocka_unit_test(test_words_threads_win_where_they_do),
        cmocka_unit_test(test_words_processes_win_where_they_do),
        cmocka_unit_test(test_words_within_noise),
        cmocka_unit_test(test_words_serial_share),
        cmocka_unit_test(test_words_no_law_where_workers_only_cost),
        cmocka_unit_test(test_words_no_law_from_times_that_scatter),
        cmocka_unit_test(test_words_what_a_worker_costs),
        cmocka_unit_test(test_words_more_workers_than_cpus),
        cmocka_unit_test(test_words_of_a_busy_machine),
        cmocka_unit_test(test_words_of_cpus_that_change_their_speed),
        cmocka_unit_test(test_words_of_outliers_and_failures),
        cmocka_unit_test(test_words_tell_no_difference_of_too_few_runs),
        cmocka_unit_test(test_words_of_too_few_runs),
        cmocka_unit_test(test_words_of_the_page_cache),
        cmocka_unit_test(test_words_of_what_could_not_be_measured),
        cmocka_unit_test(test_words_of_crashes_and_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
