#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bench/cell.h"
#include "support/mproc.h"

enum { JOBS = 8 };

static const enum mp_kind kinds[] = {MP_SEQUENTIAL, MP_THREADS, MP_PROCESSES};

static struct workload small_load(void)
{
    struct workload load = {.jobs = JOBS, .job_s = 0.004};
    load.count = work_calibrate(load.job_s);
    return load;
}

static int workers_of(enum mp_kind kind)
{
    return kind == MP_SEQUENTIAL ? 1 : 2;
}

/* Jobs begin after the cell does, end in it, and no worker runs two at a time. */
static void check_stamps(const struct cell_run *run, const struct stamp *stamps, int workers)
{
    for (int i = 0; i < JOBS; i++) {
        assert_true(stamps[i].begin_s >= 0);
        assert_true(stamps[i].end_s >= stamps[i].begin_s);
        assert_true(stamps[i].end_s <= run->wall_s);
        assert_in_range(stamps[i].worker, 0, workers - 1);
        for (int k = 0; k < i; k++)
            assert_true(stamps[k].worker != stamps[i].worker ||
                        stamps[k].end_s <= stamps[i].begin_s ||
                        stamps[i].end_s <= stamps[k].begin_s);
    }
}

static void test_cell_measures_toys_on_every_back_end(void **state)
{
    static const char *const names[] = {"io", "cpu"};
    struct workload load = small_load();
    struct cell_run run;
    struct stamp stamps[JOBS];
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct cell cell = {work_find(names[i % 2]), kinds[i / 2], workers_of(kinds[i / 2])};
        assert_int_equal(cell_measure(&cell, &load, NULL, &run, stamps), 0);
        assert_int_equal(run.failed, 0);
        assert_string_equal(run.why, "");
        check_stamps(&run, stamps, cell.workers);
        assert_true(run.startup_s > 0 && run.startup_s < run.wall_s);
        assert_true(run.peak_rss_bytes > 100000);
        if (cell.work->computes)
            assert_true(run.user_s + run.system_s > JOBS * load.job_s / 4);
        else
            assert_true(run.wall_s >= JOBS * load.job_s / cell.workers);
    }
}

static void test_cell_makes_thumbnails_on_every_back_end(void **state)
{
    struct photos photos;
    struct workload load = {.photos = &photos};
    struct cell_run run;
    struct stamp stamps[JOBS];
    (void)state;
    assert_int_equal(photos_make(2, false, NULL, &photos), 0);
    for (int i = 0; i < 3; i++) {
        struct cell cell = {work_find("photos"), kinds[i], workers_of(kinds[i])};
        assert_int_equal(cell_measure(&cell, &load, NULL, &run, stamps), 0);
        assert_int_equal(run.failed, 0);
        assert_string_equal(run.why, "");
    }
    photos_done(&photos);
}

/* ---- What goes wrong is said ---------------------------------------------------------------- */

static int few_jobs(const struct workload *load)
{
    return load->jobs;
}

static int nothing_to_prepare(const struct workload *load, int index, struct work_job *ret)
{
    (void)load;
    ret->arg = (struct work_arg){.index = (uint32_t)index};
    ret->original.fd = -1;
    return 0;
}

static int prepare_fails(const struct workload *load, int index, struct work_job *ret)
{
    (void)load;
    (void)index;
    (void)ret;
    return -EACCES;
}

static const char *all_is_well(const struct work_job *job, const void *data, size_t size)
{
    (void)job;
    (void)data;
    (void)size;
    return NULL;
}

static int dying_task(struct mp_task *task, const void *arg, size_t size)
{
    (void)task;
    (void)arg;
    (void)size;
    return raise(SIGKILL);
}

/* Every second job fails. */
static int failing_task(struct mp_task *task, const void *data, size_t size)
{
    const struct work_arg *arg = data;
    (void)size;
    return arg->index % 2 ? mp_task_fail(task, 1, "job %u is odd", arg->index) : 0;
}

static int hanging_task(struct mp_task *task, const void *arg, size_t size)
{
    (void)task;
    (void)arg;
    (void)size;
    while (pause() == -1)
        ;
    return 0;
}

static int measure(mp_task_fn *task, enum mp_kind kind, const volatile sig_atomic_t *stop,
                   struct cell_run *ret)
{
    struct workload load = {.jobs = JOBS};
    struct work work = {"test",     false, false, task, few_jobs, NULL, nothing_to_prepare,
                        all_is_well};
    struct stamp stamps[JOBS];
    if (!task)
        work.prepare = prepare_fails;
    int error =
        cell_measure(&(struct cell){&work, kind, workers_of(kind)}, &load, stop, ret, stamps);
    for (int i = 0; i < JOBS && error == 0; i++) /* none of these tasks leaves a stamp */
        assert_int_equal(stamps[i].worker, -1);
    return error;
}

static void test_cell_whose_program_dies_says_so(void **state)
{
    struct cell_run run;
    (void)state;
    assert_int_equal(measure(dying_task, MP_THREADS, NULL, &run), -ECHILD);
    assert_non_null(strstr(run.why, "killed by signal 9"));
}

static void test_cell_counts_the_jobs_of_workers_that_die(void **state)
{
    struct cell_run run;
    (void)state;
    assert_int_equal(measure(dying_task, MP_PROCESSES, NULL, &run), 0);
    assert_int_equal(run.failed, JOBS);
    assert_true(run.why[0] != '\0');
}

static void test_cell_counts_jobs_that_fail(void **state)
{
    struct cell_run run;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(measure(failing_task, kinds[i], NULL, &run), 0);
        assert_int_equal(run.failed, JOBS / 2);
        assert_string_equal(run.why, "job 1 is odd");
    }
}

static void test_cell_whose_input_cannot_be_opened_says_so(void **state)
{
    struct cell_run run;
    (void)state;
    assert_int_equal(measure(NULL, MP_PROCESSES, NULL, &run), -ECHILD);
    assert_string_equal(run.why, "cannot open an input: Permission denied");
}

/* Without the stop it would hang for ever; the fixture sees to it that no process is left. */
static void test_cell_that_is_stopped_leaves_no_process(void **state)
{
    struct cell_run run;
    volatile sig_atomic_t stop = SIGINT;
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(measure(hanging_task, kinds[i], &stop, &run), -EINTR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_cell_measures_toys_on_every_back_end),
        SUPPORT_TEST(test_cell_makes_thumbnails_on_every_back_end),
        SUPPORT_TEST(test_cell_whose_program_dies_says_so),
        SUPPORT_TEST(test_cell_counts_the_jobs_of_workers_that_die),
        SUPPORT_TEST(test_cell_counts_jobs_that_fail),
        SUPPORT_TEST(test_cell_whose_input_cannot_be_opened_says_so),
        SUPPORT_TEST(test_cell_that_is_stopped_leaves_no_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
