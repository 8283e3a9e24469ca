/* threads: the same executor on threads of this process. Under the thread sanitizer no processes
 * can be had, for its runtime has a thread of its own: those tests are skipped there. */
#include "support/mproc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __has_feature
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#if defined __SANITIZE_THREAD__
#define UNDER_TSAN 1
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* What hooks, tasks and tests share. */
struct scene {
    struct support_gate gate; /* first: of support_task_gated() */
    struct support_flag started, stopped;
    struct support_gate leaving; /* of hook_stop_gated() */
    _Atomic int runs[1000];
};

static struct scene scene;

static int scene_setup(void **state)
{
    memset(&scene, 0, sizeof scene);
    return support_setup(state);
}

static int hook_start(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    support_raise(&scene.started);
    return 0;
}

static void hook_stop(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    support_raise(&scene.stopped);
}

static void hook_stop_gated(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    support_raise(&scene.leaving.begun);
    support_await(&scene.leaving.gate, 1);
}

static struct mp_executor *create(int workers)
{
    return support_create(&(struct mp_executor_options){.kind = MP_THREADS,
                                                        .workers = workers,
                                                        .start = hook_start,
                                                        .stop = hook_stop,
                                                        .ctx = &scene});
}

static int task_index(struct mp_task *task, const void *arg, size_t size)
{
    int index;
    memcpy(&index, arg, sizeof index);
    scene.runs[index]++;
    return mp_task_return(task, arg, size);
}

static int task_fail(struct mp_task *task, const void *arg, size_t size)
{
    (void)size;
    return mp_task_fail(task, 7, "%s", (const char *)arg);
}

/* ---- Jobs ----------------------------------------------------------------------------------- */

static void test_each_future_has_the_result_of_its_own_job(void **state)
{
    (void)state;
    enum { JOBS = 1000 };
    struct mp_executor *executor = create(4);
    struct mp_future *futures[JOBS];
    for (int i = 0; i < JOBS; i++)
        futures[i] = support_submit(executor, task_index, &i, sizeof i);
    for (int i = JOBS; i-- > 0;) {
        assert_int_equal(mp_wait(&futures[i], 1, MP_ALL, SUPPORT_LONG_MS), 1);
        assert_in_range(mp_future_worker(futures[i]), 0, 3);
        support_expect(futures[i], &i, sizeof i);
        assert_int_equal(scene.runs[i], 1);
    }
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(scene.started.value, 4);
    assert_int_equal(scene.stopped.value, 4);
    struct mp_executor_stats stats = support_stats(executor);
    assert_int_equal(stats.done, JOBS);
    assert_int_equal(stats.backend.workers_started, 4);
    assert_int_equal(stats.backend.workers, 0);
    mp_executor_free(executor);
}

static int task_tid(struct mp_task *task, const void *arg, size_t size)
{
    support_task_gated(task, arg, size);
    pid_t ids[2] = {getpid(), (pid_t)syscall(SYS_gettid)};
    return mp_task_return(task, ids, sizeof ids);
}

static void test_jobs_run_at_the_same_time_in_threads_of_this_process(void **state)
{
    (void)state;
    struct mp_executor *executor = create(3);
    struct mp_future *futures[3];
    pid_t ids[3][2];
    for (int i = 0; i < 3; i++)
        futures[i] = support_submit(executor, task_tid, "x", 1);
    assert_true(support_await(&scene.gate.begun, 3));
    support_raise(&scene.gate.gate);
    for (int i = 0; i < 3; i++) {
        const void *data;
        size_t size;
        assert_int_equal(support_result(futures[i], &data, &size), 0);
        memcpy(ids[i], data, sizeof ids[i]);
        assert_int_equal(ids[i][0], getpid());
        assert_int_not_equal(ids[i][1], getpid());
        for (int k = 0; k < i; k++)
            assert_int_not_equal(ids[i][1], ids[k][1]);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
}

static void test_failures_and_large_results_come_whole(void **state)
{
    (void)state;
    enum { BIG = 3 << 20 };
    struct mp_executor *executor = create(2);
    char *bytes = malloc(BIG);
    assert_non_null(bytes);
    memset(bytes, 'b', BIG);
    for (int i = 0; i < 4; i++) {
        struct mp_future *failed = support_submit(executor, task_fail, "as asked", 9);
        struct mp_future *big = support_submit(executor, support_task_echo, bytes, BIG);
        const struct mp_fault *fault = support_expect_fault(failed, MP_ETASK);
        assert_string_equal(fault->message, "as asked");
        assert_int_equal(fault->status, 7);
        assert_int_equal(fault->pid, getpid());
        support_expect(big, bytes, BIG);
        mp_future_free(failed);
    }
    free(bytes);
    mp_executor_free(executor);
}

static int task_read_fd(struct mp_task *task, const void *arg, size_t size)
{
    char text[16];
    (void)arg, (void)size;
    ssize_t n = pread(mp_task_fd(task, 0), text, sizeof text, 0);
    return n < 0 || mp_task_fd(task, 1) != -EINVAL ? -1 : mp_task_return(task, text, (size_t)n);
}

static void test_descriptors_reach_the_job(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2);
    char path[] = "/tmp/test_threads.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, "content", 7), 7);
    struct mp_submit_options options = {.fds = &fd, .fd_count = 1};
    struct mp_future *future;
    assert_int_equal(mp_executor_submit(executor, task_read_fd, NULL, 0, &options, &future), 0);
    support_expect(future, "content", 7);
    close(fd);
    mp_executor_free(executor);
}

static void test_what_has_not_begun_can_be_cancelled(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1);
    struct mp_future *running = support_submit(executor, support_task_gated, "x", 1);
    struct mp_future *waiting[3];
    assert_true(support_await(&scene.gate.begun, 1));
    for (int i = 0; i < 3; i++)
        waiting[i] = support_submit(executor, support_task_gated, "x", 1);
    assert_int_equal(mp_future_cancel(running), -EBUSY);
    assert_int_equal(mp_future_kill(running), MP_ENOKILL);
    assert_int_equal(mp_future_cancel(waiting[2]), 0); /* the last, the first, the only one */
    assert_int_equal(mp_future_cancel(waiting[0]), 0);
    assert_int_equal(mp_future_kill(waiting[1]), 0);
    struct mp_future *after = support_submit(executor, support_task_gated, "after", 5);
    support_raise(&scene.gate.gate);
    support_expect(running, "x", 1);
    support_expect(after, "after", 5);
    assert_int_equal(scene.gate.begun.value, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mp_future_state(waiting[i]), MP_CANCELLED);
        mp_future_free(waiting[i]);
    }
    mp_executor_free(executor);
}

static void test_cancel_races_with_the_beginning(void **state)
{
    (void)state;
    enum { JOBS = 1000 };
    struct mp_executor *executor = create(3);
    int cancelled = 0, done = 0;
    for (int i = 0; i < JOBS; i += 10) {
        struct mp_future *futures[10];
        for (int k = 0, index = i; k < 10; k++, index++)
            futures[k] = support_submit(executor, task_index, &index, sizeof index);
        for (int k = 9; k >= 0; k--)
            (void)mp_future_cancel(futures[k]);
        assert_int_equal(mp_wait(futures, 10, MP_ALL, SUPPORT_LONG_MS), 10);
        for (int k = 0; k < 10; k++) {
            bool was_cancelled = mp_future_state(futures[k]) == MP_CANCELLED;
            assert_int_equal(scene.runs[i + k], !was_cancelled);
            cancelled += was_cancelled;
            done += !was_cancelled;
            mp_future_free(futures[k]);
        }
    }
    assert_int_equal(cancelled + done, JOBS);
    mp_executor_free(executor);
}

struct counter {
    struct mp_executor *executor;
    pthread_t thread;
    int calls;
};

static void on_settled(struct mp_future *future, void *user)
{
    struct counter *counter = user;
    assert_true(pthread_equal(pthread_self(), counter->thread)); /* never one of the workers */
    mp_future_free(future);
    if (counter->calls++ < 100) {
        int index = counter->calls;
        struct mp_future *next =
            support_submit(counter->executor, task_index, &index, sizeof index);
        assert_int_equal(mp_future_then(next, on_settled, counter), 0);
    }
}

static void test_callbacks_are_called_in_the_callers_thread(void **state)
{
    (void)state;
    struct counter counter = {.executor = create(2), .thread = pthread_self()};
    for (int i = 0; i < 5; i++)
        assert_int_equal(mp_future_then(support_submit(counter.executor, task_index, &i, sizeof i),
                                        on_settled, &counter),
                         0);
    while (support_stats(counter.executor).unsettled > 0)
        assert_int_equal(mp_executor_pump(counter.executor, SUPPORT_LONG_MS), 0);
    assert_int_equal(counter.calls, 105);
    mp_executor_free(counter.executor);
}

static int count_to(void *user, const void **ret_arg, size_t *ret_size)
{
    int *number = user;
    *ret_arg = number;
    *ret_size = sizeof *number;
    return ++*number < 1000;
}

static void test_a_map_over_threads(void **state)
{
    (void)state;
    static const int chunks[] = {1, 10, 0};
    struct mp_executor *executor = create(3);
    for (int i = 0; i < 3; i++) {
        int number = -1;
        struct mp_map *map;
        struct mp_item item;
        assert_int_equal(mp_executor_map(executor, task_index, count_to, &number,
                                         &(struct mp_map_options){.chunk = chunks[i]}, &map),
                         0);
        for (int k = 0; k < 1000; k++) {
            assert_int_equal(mp_map_next(map, SUPPORT_LONG_MS, &item), 1);
            assert_int_equal(item.error, 0);
            assert_memory_equal(item.data, &k, sizeof k);
        }
        assert_int_equal(mp_map_next(map, SUPPORT_LONG_MS, &item), 0);
        mp_map_free(map);
    }
    for (int k = 0; k < 1000; k++)
        assert_int_equal(scene.runs[k], 3);
    mp_executor_free(executor);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void test_the_descriptor_tells_of_results(void **state)
{
    (void)state;
    struct mp_executor *executor = create(2);
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    for (int i = 0; i < 100; i++) {
        struct mp_future *future = support_submit(executor, task_index, &i, sizeof i);
        while (mp_future_state(future) != MP_DONE) {
            assert_int_equal(poll(&wait, 1, SUPPORT_LONG_MS), 1);
            assert_int_equal(mp_executor_pump(executor, 0), 0);
        }
        support_expect(future, &i, sizeof i);
    }
    mp_executor_free(executor);
}

static void test_a_wait_can_be_interrupted(void **state)
{
    (void)state;
    struct mp_executor *executor = create(1);
    struct mp_future *future = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&scene.gate.begun, 1));
    mp_executor_interrupt(executor);
    assert_int_equal(mp_wait(&future, 1, MP_ALL, MP_FOREVER), -EINTR);
    assert_int_equal(mp_wait(&future, 1, MP_ALL, 10), 0); /* once for each interruption */
    mp_executor_interrupt(executor);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), -EINTR);
    mp_executor_interrupt(executor);
    assert_int_equal(mp_executor_shutdown(executor, MP_KILL, MP_FOREVER), -EINTR);
    support_raise(&scene.gate.gate);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    support_expect(future, "x", 1);
    mp_executor_free(executor);
}

static volatile sig_atomic_t alarms;
static struct mp_executor *alarmed;

static void on_alarm(int signo)
{
    (void)signo;
    alarms++;
    mp_executor_interrupt(alarmed);
}

static void test_a_handler_reaches_the_callers_wait_and_no_worker(void **state)
{
    (void)state;
    alarmed = create(2);
    struct mp_future *future = support_submit(alarmed, support_task_gated, "x", 1);
    support_alarm_begin(on_alarm, 2000);
    for (int i = 0; i < 10; i++)
        assert_int_equal(mp_wait(&future, 1, MP_ALL, MP_FOREVER), -EINTR);
    support_alarm_end();
    assert_true(alarms > 0);
    support_raise(&scene.gate.gate);
    support_expect(future, "x", 1);
    mp_executor_free(alarmed);
}

/* ---- Width ---------------------------------------------------------------------------------- */

/* So many jobs at the same time. */
static void expect_width(struct mp_executor *executor, uint32_t width)
{
    memset(&scene.gate, 0, sizeof scene.gate);
    struct mp_future *futures[8];
    for (uint32_t i = 0; i < width; i++)
        futures[i] = support_submit(executor, support_task_gated, "x", 1);
    for (int64_t end = support_now_ms() + SUPPORT_LONG_MS / 3; scene.gate.begun.value < width;) {
        if (support_now_ms() > end)
            fail_msg("%u jobs run at the same time, not %u", scene.gate.begun.value, width);
        (void)mp_executor_pump(executor, 2);
    }
    support_raise(&scene.gate.gate);
    for (uint32_t i = 0; i < width; i++)
        support_expect(futures[i], "x", 1);
}

static void test_the_number_of_threads_can_be_changed(void **state)
{
    (void)state;
    static const int widths[] = {5, 2, 3, 1, 8};
    struct mp_executor *executor = create(2);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mp_executor_resize(executor, widths[i]), 0);
        expect_width(executor, (uint32_t)widths[i]);
    }
    while (support_stats(executor).backend.workers > 8)
        (void)mp_executor_pump(executor, 5);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, SUPPORT_LONG_MS), 0);
    assert_int_equal(scene.started.value, scene.stopped.value);
    assert_int_equal(support_stats(executor).backend.workers_retired, 5);
    mp_executor_free(executor);
}

static void test_jobs_that_wait_are_run_by_those_that_stay(void **state)
{
    (void)state;
    struct mp_executor *executor = create(4);
    struct mp_future *held[4], *futures[40];
    for (int i = 0; i < 4; i++)
        held[i] = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&scene.gate.begun, 4));
    for (int i = 0; i < 40; i++)
        futures[i] = support_submit(executor, task_index, &i, sizeof i);
    assert_int_equal(mp_executor_resize(executor, 1), 0);
    support_raise(&scene.gate.gate);
    for (int i = 0; i < 4; i++)
        support_expect(held[i], "x", 1);
    for (int i = 0; i < 40; i++) {
        support_expect(futures[i], &i, sizeof i);
        assert_int_equal(scene.runs[i], 1);
    }
    mp_executor_free(executor);
}

/* The thread that was too many has not gone when it is wanted again. */
static void test_a_thread_may_be_wanted_again_while_it_leaves(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(&(struct mp_executor_options){
        .kind = MP_THREADS, .workers = 2, .stop = hook_stop_gated, .ctx = &scene});
    assert_int_equal(mp_executor_resize(executor, 1), 0);
    assert_true(support_await(&scene.leaving.begun, 1));
    assert_int_equal(mp_executor_resize(executor, 2), 0);
    support_raise(&scene.leaving.gate);
    expect_width(executor, 2);
    mp_executor_free(executor);
}

/* ---- Hooks ---------------------------------------------------------------------------------- */

static int hook_refuse(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    return 1;
}

static int hook_refuse_the_first(void *ctx, int worker)
{
    (void)ctx;
    return worker == 0;
}

static void test_a_hook_that_fails_in_all_breaks_the_executor(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(
        &(struct mp_executor_options){.kind = MP_THREADS, .workers = 3, .start = hook_refuse});
    struct mp_future *futures[10], *late = NULL;
    for (int i = 0; i < 10; i++)
        if (mp_executor_submit(executor, support_task_echo, "x", 1, NULL, &futures[i]) != 0)
            futures[i] = NULL; /* it may be known by now */
    for (int i = 0; i < 10; i++)
        if (futures[i]) {
            support_expect_fault(futures[i], MP_EBROKEN);
            mp_future_free(futures[i]);
        }
    assert_int_equal(mp_executor_submit(executor, support_task_echo, "x", 1, NULL, &late),
                     MP_EBROKEN);
    assert_null(late);
    mp_executor_free(executor);
}

static void test_a_hook_that_fails_in_one_leaves_the_others(void **state)
{
    (void)state;
    struct mp_executor *executor = support_create(&(struct mp_executor_options){
        .kind = MP_THREADS, .workers = 2, .start = hook_refuse_the_first, .ctx = &scene});
    for (int i = 0; i < 20; i++)
        support_expect(support_submit(executor, task_index, &i, sizeof i), &i, sizeof i);
    mp_executor_free(executor);
}

/* ---- The end -------------------------------------------------------------------------------- */

static void test_shutdown_waits_for_what_runs(void **state)
{
    (void)state;
    for (int how = MP_FINISH; how <= MP_KILL; how++) {
        memset(&scene.gate, 0, sizeof scene.gate);
        struct mp_executor *executor = create(1);
        struct mp_future *running = support_submit(executor, support_task_gated, "x", 1);
        assert_true(support_await(&scene.gate.begun, 1));
        struct mp_future *waiting = support_submit(executor, support_task_gated, "y", 1);
        int64_t begin = support_now_ms();
        assert_int_equal(mp_executor_shutdown(executor, (enum mp_how)how, 30), -ETIMEDOUT);
        assert_true(support_now_ms() - begin >= 29);
        assert_int_equal(mp_executor_submit(executor, support_task_echo, "", 0, NULL, NULL),
                         -ESHUTDOWN);
        support_raise(&scene.gate.gate);
        assert_int_equal(mp_executor_shutdown(executor, (enum mp_how)how, SUPPORT_LONG_MS), 0);
        support_expect(running, "x", 1); /* also with MP_KILL: it cannot be killed */
        assert_int_equal(mp_future_state(waiting), how == MP_FINISH ? MP_DONE : MP_CANCELLED);
        mp_future_free(waiting);
        mp_executor_free(executor);
    }
}

static void test_free_waits_for_what_runs(void **state)
{
    (void)state;
    struct mp_executor *executor = create(3);
    struct mp_future *futures[50];
    for (int i = 0; i < 50; i++)
        futures[i] = support_submit(executor, task_index, &i, sizeof i);
    mp_executor_free(executor);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(scene.runs[i], mp_future_state(futures[i]) == MP_DONE);
        mp_future_free(futures[i]);
    }
    assert_int_equal(scene.started.value, scene.stopped.value);
}

static void test_processes_are_refused_while_threads_run_and_not_after(void **state)
{
    (void)state;
    if (UNDER_TSAN)
        skip();
    for (int i = 0; i < 100; i++) {
        struct mp_executor *threads = create(3), *processes = NULL;
        assert_int_equal(mp_executor_create(NULL, &processes), MP_ETHREADS);
        assert_null(processes);
        mp_executor_free(threads);
        int error = mp_executor_create(&(struct mp_executor_options){.workers = 1}, &processes);
        if (error != 0)
            fail_msg("after %d rounds: %s", i, mp_strerror(error));
        if (i % 20 == 0)
            support_expect(support_submit(processes, support_task_echo, "x", 1), "x", 1);
        mp_executor_free(processes);
    }
}

/* Processes that run already go on; a dead one is not replaced, for forking is not safe any more.
 */
static void test_processes_go_on_while_threads_come(void **state)
{
    (void)state;
    if (UNDER_TSAN)
        skip();
    struct mp_executor *processes = support_executor(2, 0, NULL), *threads = create(2);
    for (int i = 0; i < 20; i++) {
        support_expect(support_submit(processes, support_task_echo, &i, sizeof i), &i, sizeof i);
        support_expect(support_submit(threads, task_index, &i, sizeof i), &i, sizeof i);
    }
    mp_executor_free(threads);
    mp_executor_free(processes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_future_has_the_result_of_its_own_job, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_jobs_run_at_the_same_time_in_threads_of_this_process,
                                        scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_failures_and_large_results_come_whole, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_descriptors_reach_the_job, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_what_has_not_begun_can_be_cancelled, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_races_with_the_beginning, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_callbacks_are_called_in_the_callers_thread,
                                        scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_a_map_over_threads, scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_the_descriptor_tells_of_results, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_a_wait_can_be_interrupted, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_a_handler_reaches_the_callers_wait_and_no_worker,
                                        scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_the_number_of_threads_can_be_changed, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_jobs_that_wait_are_run_by_those_that_stay, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_a_thread_may_be_wanted_again_while_it_leaves,
                                        scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_a_hook_that_fails_in_all_breaks_the_executor,
                                        scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_a_hook_that_fails_in_one_leaves_the_others,
                                        scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_shutdown_waits_for_what_runs, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_free_waits_for_what_runs, scene_setup,
                                        support_teardown),
        cmocka_unit_test_setup_teardown(test_processes_are_refused_while_threads_run_and_not_after,
                                        scene_setup, support_teardown),
        cmocka_unit_test_setup_teardown(test_processes_go_on_while_threads_come, scene_setup,
                                        support_teardown),
    };
    return cmocka_run_group_tests_name("mproc/threads", tests, NULL, NULL);
}
