/* sequential: the same executor without processes; jobs run in the caller while it waits. */
#include "support/mproc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* What the hooks and tasks of one executor have seen; plain memory, for nothing is forked. */
struct seen {
    int started, stopped;
    int ran[64];
    int count;
};

static int hook_start(void *ctx, int worker)
{
    ((struct seen *)ctx)->started += 1 + worker;
    return 0;
}

static void hook_stop(void *ctx, int worker)
{
    ((struct seen *)ctx)->stopped += 1 + worker;
}

static int hook_refuse(void *ctx, int worker)
{
    (void)worker;
    ((struct seen *)ctx)->started++;
    return -1;
}

static int task_note(struct mp_task *task, const void *arg, size_t size)
{
    struct seen *seen = mp_task_ctx(task);
    int number;
    memcpy(&number, arg, sizeof number);
    seen->ran[seen->count++] = number;
    return mp_task_return(task, arg, size);
}

static struct mp_executor *create(struct seen *seen)
{
    struct mp_executor_options options = {
        .kind = MP_SEQUENTIAL, .start = hook_start, .stop = hook_stop, .ctx = seen};
    struct mp_executor *executor = NULL;
    assert_int_equal(mp_executor_create(&options, &executor), 0);
    return executor;
}

static void test_jobs_run_in_order_and_only_while_the_caller_waits(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    struct mp_future *futures[10];
    for (int i = 0; i < 10; i++)
        futures[i] = support_submit(executor, task_note, &i, sizeof i);
    assert_int_equal(seen.count, 0);
    assert_int_equal(mp_wait(futures, 10, MP_ALL, MP_FOREVER), 10);
    assert_int_equal(seen.count, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(seen.ran[i], i);
        assert_int_equal(mp_future_worker(futures[i]), 0);
        support_expect(futures[i], &i, sizeof i);
    }
    mp_executor_free(executor);
}

static int task_pid(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    pid_t pid = getpid();
    return mp_task_return(task, &pid, sizeof pid);
}

static void test_jobs_run_in_the_caller(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    pid_t pid = getpid();
    support_expect(support_submit(executor, task_pid, "", 0), &pid, sizeof pid);
    assert_false(support_has_child());
    mp_executor_free(executor);
}

static int task_fail(struct mp_task *task, const void *arg, size_t size)
{
    (void)size;
    return mp_task_fail(task, 12, "cannot: %s", (const char *)arg);
}

static void test_a_failure_is_the_futures_and_not_the_next_jobs(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    struct mp_future *bad = support_submit(executor, task_fail, "because", 8);
    struct mp_future *good = support_submit(executor, support_task_echo, "x", 1);
    const struct mp_fault *fault = support_expect_fault(bad, MP_ETASK);
    assert_int_equal(fault->status, 12);
    assert_string_equal(fault->message, "cannot: because");
    mp_future_free(bad);
    support_expect(good, "x", 1);
    mp_executor_free(executor);
}

static void test_hooks_run_once_each(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    assert_int_equal(seen.started, 1);
    support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
    assert_int_equal(seen.stopped, 0);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    assert_int_equal(seen.stopped, 1);
    mp_executor_free(executor);
    assert_int_equal(seen.started, 1);
    assert_int_equal(seen.stopped, 1);
}

static void test_a_start_hook_that_fails_breaks_creation(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor_options options = {
        .kind = MP_SEQUENTIAL, .start = hook_refuse, .stop = hook_stop, .ctx = &seen};
    struct mp_executor *executor = NULL;
    assert_int_equal(mp_executor_create(&options, &executor), MP_EBROKEN);
    assert_null(executor);
    assert_int_equal(seen.started, 1);
    assert_int_equal(seen.stopped, 0);
}

static void test_cancelled_jobs_never_run(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    struct mp_future *futures[4];
    for (int i = 0; i < 4; i++)
        futures[i] = support_submit(executor, task_note, &i, sizeof i);
    assert_int_equal(mp_future_cancel(futures[0]), 0); /* the one that waits to run */
    assert_int_equal(mp_future_cancel(futures[2]), 0); /* one behind it */
    assert_int_equal(mp_wait(futures, 4, MP_ALL, SUPPORT_LONG_MS), 4);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.ran[0], 1);
    assert_int_equal(seen.ran[1], 3);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(mp_future_state(futures[i]), i % 2 ? MP_DONE : MP_CANCELLED);
        mp_future_free(futures[i]);
    }
    mp_executor_free(executor);
}

static void test_descriptor_is_readable_while_a_job_waits(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    struct pollfd wait = {.fd = mp_executor_fd(executor), .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0);
    int one = 1, two = 2;
    struct mp_future *first = support_submit(executor, task_note, &one, sizeof one);
    struct mp_future *second = support_submit(executor, task_note, &two, sizeof two);
    while (poll(&wait, 1, 0) == 1)
        assert_int_equal(mp_executor_pump(executor, 0), 0);
    assert_int_equal(mp_future_state(first), MP_DONE);
    assert_int_equal(mp_future_state(second), MP_DONE);
    mp_future_free(first);
    mp_future_free(second);
    mp_executor_free(executor);
}

static void test_a_full_executor_runs_jobs_to_make_room(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor_options options = {.kind = MP_SEQUENTIAL, .max_pending = 2, .ctx = &seen};
    struct mp_executor *executor;
    assert_int_equal(mp_executor_create(&options, &executor), 0);
    struct mp_submit_options nowait = {.nowait = true};
    struct mp_future *futures[3];
    for (int i = 0; i < 2; i++)
        futures[i] = support_submit(executor, task_note, &i, sizeof i);
    int two = 2;
    assert_int_equal(
        mp_executor_submit(executor, task_note, &two, sizeof two, &nowait, &futures[2]), -EAGAIN);
    assert_int_equal(seen.count, 0);
    futures[2] = support_submit(executor, task_note, &two, sizeof two);
    assert_int_equal(seen.count, 1);
    assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), 0);
    for (int i = 0; i < 3; i++)
        support_expect(futures[i], &i, sizeof i);
    mp_executor_free(executor);
}

static void test_shutdown_with_kill_cancels_what_waits(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    struct mp_future *futures[3], *late = NULL;
    for (int i = 0; i < 3; i++)
        futures[i] = support_submit(executor, task_note, &i, sizeof i);
    assert_int_equal(mp_executor_shutdown(executor, MP_KILL, MP_FOREVER), 0);
    assert_int_equal(mp_executor_submit(executor, task_note, "", 0, NULL, &late), -ESHUTDOWN);
    mp_executor_free(executor);
    assert_int_equal(seen.count, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mp_future_state(futures[i]), MP_CANCELLED);
        mp_future_free(futures[i]);
    }
}

static int task_file_size(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    int fds[] = {mp_task_fd(task, 0), mp_task_fd(task, 1), mp_task_fd(task, 2)};
    return mp_task_return(task, fds, sizeof fds);
}

static void test_descriptors_are_those_of_the_caller(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mp_executor *executor = create(&seen);
    struct mp_submit_options options = {.fds = (int[]){1, 2}, .fd_count = 2, .user = &seen};
    struct mp_future *future;
    assert_int_equal(mp_executor_submit(executor, task_file_size, "", 0, &options, &future), 0);
    assert_ptr_equal(mp_future_user(future), &seen);
    support_expect(future, (int[]){1, 2, -EINVAL}, 3 * sizeof(int));
    mp_executor_free(executor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_jobs_run_in_order_and_only_while_the_caller_waits),
        SUPPORT_TEST(test_jobs_run_in_the_caller),
        SUPPORT_TEST(test_a_failure_is_the_futures_and_not_the_next_jobs),
        SUPPORT_TEST(test_hooks_run_once_each),
        SUPPORT_TEST(test_a_start_hook_that_fails_breaks_creation),
        SUPPORT_TEST(test_cancelled_jobs_never_run),
        SUPPORT_TEST(test_descriptor_is_readable_while_a_job_waits),
        SUPPORT_TEST(test_a_full_executor_runs_jobs_to_make_room),
        SUPPORT_TEST(test_shutdown_with_kill_cancels_what_waits),
        SUPPORT_TEST(test_descriptors_are_those_of_the_caller),
    };
    return cmocka_run_group_tests_name("mproc/sequential", tests, NULL, NULL);
}
