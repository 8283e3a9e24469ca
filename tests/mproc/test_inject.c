/* inject: a death at every point of the protocol between a worker and its parent. What was not
 * begun is run elsewhere, what was sent counts, and only what ran in between is lost; nothing is
 * run twice. */
#define INJECT_ITSELF
#include "inject.h"

#include "mproc/chunk.h"
#include "mproc/wire.h"
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum point {
    HELLO_BEFORE, /* the greeting is about to be written */
    HELLO_AMID,
    HELLO_AFTER,
    READ_BEFORE, /* jobs are about to be read */
    READ_AFTER,
    BEGIN_BEFORE,   /* a job has been read and not begun */
    BEGIN_AFTER,    /* its word says that it runs */
    RETURN_AFTER,   /* its task has returned */
    SEND_BEFORE,    /* its word says that its result is sent */
    SEND_AMID,      /* half of the frame is written */
    SEND_AFTER,     /* all of it */
    DONE_AFTER,     /* its word says that all is done */
    ELEMENT_BEFORE, /* an element of a chunk is about to run */
    ELEMENT_AFTER,
    ENTER_BEFORE, /* its record is in the journal and does not count yet */
    ENTER_AFTER,  /* it does */
    POINTS,
};

enum { JOBS = 24, ELEMENTS = 40 };

/* What the workers of a test share with it. */
struct scene {
    enum point point;           /* where to die */
    int first, step;            /* at which passages: first, first + step ... */
    int deaths_max;             /* so often at most */
    _Atomic int passages;       /* of that point so far */
    _Atomic int deaths;         /* so far */
    _Atomic int runs[ELEMENTS]; /* of each job or element */
};

static struct scene *scene;

static int scene_setup(void **state)
{
    scene = support_share(sizeof *scene);
    return support_setup(state);
}

static int scene_teardown(void **state)
{
    support_unshare(scene, sizeof *scene);
    return support_teardown(state);
}

/* ---- In the worker -------------------------------------------------------------------------- */

/* True when the worker is to die here. */
static bool is_due(enum point point)
{
    if (point != scene->point)
        return false;
    int passage = ++scene->passages - scene->first;
    if (passage < 0 || passage % scene->step != 0 || scene->deaths >= scene->deaths_max)
        return false;
    return ++scene->deaths <= scene->deaths_max;
}

static void pass(enum point point)
{
    if (is_due(point))
        raise(SIGKILL);
}

ssize_t inject_recvmsg(int fd, struct msghdr *message, int flags)
{
    pass(READ_BEFORE);
    ssize_t n = recvmsg(fd, message, flags);
    pass(READ_AFTER);
    return n;
}

int inject_write_all(int fd, struct iovec *iov, int count)
{
    const struct wire_header *header = iov[0].iov_base;
    bool hello = header->kind == WIRE_HELLO;
    pass(hello ? HELLO_BEFORE : SEND_BEFORE);
    if (is_due(hello ? HELLO_AMID : SEND_AMID)) {
        /* Of a frame without a payload half of the header, else half of the payload, too. */
        if (header->size == 0)
            iov[0].iov_len /= 2;
        iov[1].iov_len /= 2;
        (void)io_write_all(fd, iov, header->size == 0 ? 1 : 2);
        raise(SIGKILL);
    }
    int error = io_write_all(fd, iov, count);
    pass(hello ? HELLO_AFTER : SEND_AFTER);
    return error;
}

bool inject_control_move(struct control *control, unsigned slot, uint64_t seq,
                         enum control_state from, enum control_state to)
{
    if (to == CONTROL_RUNNING)
        pass(BEGIN_BEFORE);
    bool moved = control_move(control, slot, seq, from, to);
    if (to == CONTROL_RUNNING && moved)
        pass(BEGIN_AFTER);
    if (to == CONTROL_DONE)
        pass(DONE_AFTER);
    return moved;
}

bool inject_progress_move(struct control *control, struct control_progress from,
                          struct control_progress to)
{
    pass(ENTER_BEFORE);
    bool moved = control_progress_move(control, from, to);
    pass(ENTER_AFTER);
    return moved;
}

void inject_task_run(struct mp_task *task, mp_task_fn *fn, const void *arg, size_t arg_size)
{
    bool element = task->control == NULL; /* the view of an element has none */
    if (element)
        pass(ELEMENT_BEFORE);
    task_run(task, fn, arg, arg_size);
    pass(element ? ELEMENT_AFTER : RETURN_AFTER);
}

struct job {
    int index;
    unsigned size; /* of the result */
};

static int task_note(struct mp_task *task, const void *arg, size_t size)
{
    struct job job;
    memcpy(&job, arg, size);
    scene->runs[job.index]++;
    unsigned char *result = mp_task_reserve(task, job.size);
    if (!result)
        return -1;
    memset(result, job.index, job.size);
    return 0;
}

/* ---- In the parent -------------------------------------------------------------------------- */

static void expect_bytes(const void *data, size_t size, const struct job *job)
{
    assert_int_equal(size, job->size);
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != job->index)
            fail_msg("job %d: byte %zu of its result is wrong", job->index, i);
}

/* True for points at which a job that ran, or had just begun, is lost. */
static bool loses_job(enum point point)
{
    return point == BEGIN_AFTER || point == RETURN_AFTER || point == SEND_BEFORE ||
           point == SEND_AMID;
}

static struct mp_executor *create(int workers, int retries)
{
    return support_create(
        &(struct mp_executor_options){.workers = workers, .prefetch = 3, .retries = retries});
}

static void arm(enum point point, int first, int step, int deaths)
{
    memset(scene, 0, sizeof *scene);
    scene->point = point;
    scene->first = first;
    scene->step = step;
    scene->deaths_max = deaths;
}

/* Checks a job that failed, by what stands in the table. */
static void expect_lost(struct mp_future *future, enum point point, int index)
{
    const struct mp_fault *fault = support_expect_fault(future, MP_ECRASH);
    assert_int_equal(fault->status, -SIGKILL);
    assert_int_equal(fault->attempts, 1);
    assert_int_equal(fault->lost_result, point == SEND_BEFORE || point == SEND_AMID);
    assert_int_equal(scene->runs[index], point != BEGIN_AFTER);
}

/* Runs jobs over deaths. Returns how many workers died. */
static int jobs_run(int workers, unsigned result_size, int retries)
{
    struct mp_executor *executor = create(workers, retries);
    struct mp_future *futures[JOBS];
    struct job jobs[JOBS];
    int failed = 0;
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.index = i, .size = result_size};
        futures[i] = support_submit(executor, task_note, &jobs[i], sizeof jobs[i]);
    }
    for (int i = 0; i < JOBS; i++) {
        const void *data;
        size_t size;
        if (support_result(futures[i], &data, &size) == 0) {
            expect_bytes(data, size, &jobs[i]);
            assert_in_range(scene->runs[i], 1, 1 + retries);
        } else {
            expect_lost(futures[i], scene->point, i);
            failed++;
        }
        mp_future_free(futures[i]);
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    struct mp_executor_stats stats = support_stats(executor);
    int deaths = scene->deaths < scene->deaths_max ? scene->deaths : scene->deaths_max;
    assert_int_equal(failed, loses_job(scene->point) && retries == 0 ? deaths : 0);
    assert_int_equal(stats.retried, loses_job(scene->point) && retries > 0 ? deaths : 0);
    /* One that dies while it greets or reads may have been asked to leave by then. */
    bool is_early = scene->point <= READ_AFTER;
    assert_true(stats.backend.workers_lost <= (uint64_t)deaths);
    assert_true(is_early || stats.backend.workers_lost == (uint64_t)deaths);
    mp_executor_free(executor);
    return deaths;
}

static const int widths[] = {1, 2, 8};

/* One death, at the first, the second and a later passage of the point. */
static const int passages[] = {1, 2, 7};

static void expect_jobs_at(enum point point)
{
    int deaths = 0;
    for (int i = 0; i < 3; i++) {
        arm(point, passages[i], 1, 1);
        deaths += jobs_run(widths[i], 100, 0);
        arm(point, 1, 1, 1);
        deaths += jobs_run(1, 100, 0);
    }
    assert_true(deaths >= 3); /* it was the right place */
}

static void test_a_death_while_greeting_costs_nothing(void **state)
{
    (void)state;
    expect_jobs_at(HELLO_BEFORE);
    expect_jobs_at(HELLO_AMID);
    expect_jobs_at(HELLO_AFTER);
}

static void test_a_death_around_the_read_costs_nothing(void **state)
{
    (void)state;
    expect_jobs_at(READ_BEFORE);
    expect_jobs_at(READ_AFTER);
    expect_jobs_at(BEGIN_BEFORE);
}

static void test_a_death_while_the_word_says_running_costs_that_job(void **state)
{
    (void)state;
    expect_jobs_at(BEGIN_AFTER);
    expect_jobs_at(RETURN_AFTER);
}

static void test_a_death_before_the_frame_is_whole_loses_the_result(void **state)
{
    (void)state;
    expect_jobs_at(SEND_BEFORE);
    expect_jobs_at(SEND_AMID);
}

static void test_a_death_after_the_frame_costs_nothing(void **state)
{
    (void)state;
    expect_jobs_at(SEND_AFTER);
    expect_jobs_at(DONE_AFTER);
}

static void test_large_results_are_torn_and_never_wrong(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        for (enum point point = SEND_BEFORE; point <= SEND_AFTER; point++) {
            arm(point, 3, 4, 3);
            jobs_run(widths[i], 200000, 0);
        }
}

static void test_many_deaths_cost_one_job_each_at_most(void **state)
{
    (void)state;
    for (enum point point = HELLO_BEFORE; point <= DONE_AFTER; point++)
        for (int i = 0; i < 2; i++) {
            arm(point, 1, 3, 4);
            jobs_run(widths[i], 100, 0);
        }
}

static void test_with_retries_no_death_costs_anything(void **state)
{
    (void)state;
    for (enum point point = READ_BEFORE; point <= DONE_AFTER; point++)
        for (int i = 0; i < 2; i++) {
            arm(point, 1, 3, 4);
            jobs_run(widths[i], 100, 4);
        }
}

/* ---- Chunks --------------------------------------------------------------------------------- */

struct source {
    struct job job;
    int taken;
};

static int source_next(void *user, const void **ret_arg, size_t *ret_size)
{
    struct source *source = user;
    if (source->taken == ELEMENTS)
        return 0;
    source->job.index = source->taken++;
    *ret_arg = &source->job;
    *ret_size = sizeof source->job;
    return 1;
}

/* Runs a map over deaths. Returns how many elements failed. */
static int map_run(int workers, int chunk, unsigned result_size, int retries)
{
    struct mp_executor *executor = create(workers, 0);
    struct mp_map_options options = {.chunk = chunk, .retries = retries};
    struct source source = {.job = {.size = result_size}};
    struct mp_map *map;
    struct mp_item item;
    int failed = 0;
    assert_int_equal(mp_executor_map(executor, task_note, source_next, &source, &options, &map), 0);
    for (int i = 0; i < ELEMENTS; i++) {
        assert_int_equal(mp_map_next(map, SUPPORT_LONG_MS, &item), 1);
        assert_int_equal(item.index, i);
        if (item.error == 0) {
            expect_bytes(item.data, item.size, &(struct job){.index = i, .size = result_size});
            assert_in_range(scene->runs[i], 1, 1 + retries);
        } else {
            assert_int_equal(item.error, MP_ECRASH);
            assert_int_equal(item.fault->status, -SIGKILL);
            assert_in_range(scene->runs[i], 0, 1); /* blamed for the run that it had, if any */
            failed++;
        }
    }
    assert_int_equal(mp_map_next(map, SUPPORT_LONG_MS, &item), 0);
    mp_map_free(map);
    mp_executor_free(executor);
    return failed;
}

/* True for points at which every element has been entered, or none has begun. */
static bool loses_no_element(enum point point)
{
    return point <= BEGIN_BEFORE || (point >= RETURN_AFTER && point <= DONE_AFTER);
}

static void test_a_death_in_a_chunk_costs_one_element_at_most(void **state)
{
    (void)state;
    for (enum point point = HELLO_BEFORE; point < POINTS; point++)
        for (int i = 0; i < 3; i++) {
            arm(point, passages[i], 1, 1);
            int failed = map_run(widths[i], 8, 20, 0), deaths = scene->deaths > 0;
            if (loses_no_element(point))
                assert_int_equal(failed, 0);
            else if (point != ENTER_AFTER) /* the last of a chunk: then nobody is to blame */
                assert_int_equal(failed, deaths);
            else
                assert_in_range(failed, 0, deaths);
        }
}

static void test_many_deaths_in_chunks_cost_one_element_each_at_most(void **state)
{
    (void)state;
    for (enum point point = HELLO_BEFORE; point < POINTS; point++)
        for (int i = 0; i < 2; i++) {
            arm(point, 1, 3, 4);
            int failed = map_run(widths[i], 8, 20, 0);
            assert_in_range(failed, 0, loses_no_element(point) ? 0 : 4);
        }
}

static void test_with_retries_no_element_is_lost(void **state)
{
    (void)state;
    for (enum point point = READ_BEFORE; point < POINTS; point++)
        for (int i = 0; i < 2; i++) {
            arm(point, 1, 3, 4);
            assert_int_equal(map_run(widths[i], 8, 20, 4), 0);
        }
}

/* The journal overflows: the record that did not fit is in the frame only. */
static void test_a_death_amid_records_beyond_the_journal_costs_one_element_at_most(void **state)
{
    (void)state;
    for (enum point point = BEGIN_BEFORE; point < POINTS; point++)
        for (int i = 0; i < 3; i++) {
            arm(point, 2, 4, 3);
            assert_in_range(map_run(widths[i], 10, 30000, 0), 0, 3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_death_while_greeting_costs_nothing, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_death_around_the_read_costs_nothing, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_death_while_the_word_says_running_costs_that_job,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_death_before_the_frame_is_whole_loses_the_result,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_death_after_the_frame_costs_nothing, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_large_results_are_torn_and_never_wrong, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_many_deaths_cost_one_job_each_at_most, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_with_retries_no_death_costs_anything, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_death_in_a_chunk_costs_one_element_at_most,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_many_deaths_in_chunks_cost_one_element_each_at_most,
                                        scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_with_retries_no_element_is_lost, scene_setup,
                                        scene_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_death_amid_records_beyond_the_journal_costs_one_element_at_most, scene_setup,
            scene_teardown),
    };
    return cmocka_run_group_tests_name("mproc/inject", tests, NULL, NULL);
}
