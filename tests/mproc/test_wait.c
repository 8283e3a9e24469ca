/* wait: for one, for all, for the first failure, one after the other as they come. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FUTURES = 100 };

static struct support_gate *gate;

static int gate_setup(void **state)
{
    gate = support_share(sizeof *gate);
    return support_setup(state);
}

static int gate_teardown(void **state)
{
    support_unshare(gate, sizeof *gate);
    return support_teardown(state);
}

static int task_fail(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return mp_task_fail(task, 3, "as asked");
}

static int task_crash(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    return raise(SIGKILL);
}

/* Waits for the gate, and fails then. */
static int task_fail_late(struct mp_task *task, const void *arg, size_t size)
{
    support_task_gated(task, arg, size);
    return mp_task_fail(task, 4, "late");
}

static struct mp_future *settled(struct mp_executor *executor, mp_task_fn *fn)
{
    struct mp_future *future = support_submit(executor, fn, "x", 1);
    assert_int_equal(mp_wait(&future, 1, MP_ALL, SUPPORT_LONG_MS), 1);
    return future;
}

/* Both workers of such an executor are busy with another when it comes. */
static struct mp_future *cancelled(struct mp_executor *executor)
{
    mp_future_free(support_submit(executor, support_task_gated, "x", 1));
    struct mp_future *future = support_submit(executor, support_task_gated, "x", 1);
    assert_int_equal(mp_future_cancel(future), 0);
    return future;
}

static void free_all(struct mp_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mp_future_free(futures[i]);
}

/* Two workers, one of which is busy until the gate opens. */
static struct mp_executor *create_half_busy(struct mp_future **ret_blocked)
{
    struct mp_executor *executor = support_executor(2, 0, gate);
    *ret_blocked = support_submit(executor, support_task_gated, "x", 1);
    assert_true(support_await(&gate->begun, 1));
    return executor;
}

/* ---- wait ----------------------------------------------------------------------------------- */

static void test_one_named_twice_counts_twice_and_settles_once(void **state)
{
    (void)state;
    struct mp_future *blocked;
    struct mp_executor *executor = create_half_busy(&blocked);
    struct mp_future *done = settled(executor, support_task_echo);
    struct mp_future *all[] = {done, blocked, done, blocked};
    assert_int_equal(mp_wait(all, 4, MP_ALL, 0), 2);
    support_raise(&gate->gate);
    assert_int_equal(mp_wait(all, 4, MP_ALL, SUPPORT_LONG_MS), 4);
    assert_int_equal(support_stats(executor).done, 2);
    free_all(all, 2);
    mp_executor_free(executor);
}

static void test_any_returns_with_the_first(void **state)
{
    (void)state;
    struct mp_future *all[3];
    struct mp_executor *executor = create_half_busy(&all[0]);
    all[1] = support_submit(executor, support_task_echo, "x", 1);
    all[2] = support_submit(executor, support_task_gated, "x", 1);
    assert_int_equal(mp_wait(all, 3, MP_ANY, SUPPORT_LONG_MS), 1);
    assert_int_equal(mp_future_state(all[1]), MP_DONE);
    support_raise(&gate->gate);
    assert_int_equal(mp_wait(all, 3, MP_ALL, SUPPORT_LONG_MS), 3);
    free_all(all, 3);
    mp_executor_free(executor);
}

static void test_any_returns_at_once_with_all_that_are_settled_already(void **state)
{
    (void)state;
    struct mp_future *all[4];
    struct mp_executor *executor = create_half_busy(&all[0]);
    all[1] = settled(executor, support_task_echo);
    all[2] = settled(executor, task_fail);
    all[3] = cancelled(executor); /* which is an end, too */
    assert_int_equal(mp_wait(all, 4, MP_ANY, MP_FOREVER), 3);
    assert_int_equal(mp_wait(&all[3], 1, MP_ANY, MP_FOREVER), 1);
    support_raise(&gate->gate);
    assert_int_equal(mp_wait(all, 4, MP_ALL, SUPPORT_LONG_MS), 4);
    free_all(all, 4);
    mp_executor_free(executor);
}

static void test_first_failure_waits_for_one_that_fails(void **state)
{
    (void)state;
    mp_task_fn *const failing[] = {task_fail, task_crash};
    for (int i = 0; i < 2; i++) {
        struct mp_future *all[3];
        memset(gate, 0, sizeof *gate);
        struct mp_executor *executor = create_half_busy(&all[0]);
        all[1] = settled(executor, support_task_echo); /* is no reason to return */
        all[2] = support_submit(executor, failing[i], "x", 1);
        assert_int_equal(mp_wait(all, 3, MP_FIRST_FAILURE, SUPPORT_LONG_MS), 2);
        assert_int_equal(mp_future_state(all[2]), MP_FAILED);
        assert_int_equal(mp_wait(all, 3, MP_FIRST_FAILURE, MP_FOREVER), 2); /* at once by now */
        support_raise(&gate->gate);
        free_all(all, 3);
        mp_executor_free(executor);
    }
}

static void test_first_failure_without_one_waits_for_all(void **state)
{
    (void)state;
    struct mp_future *all[3];
    struct mp_executor *executor = create_half_busy(&all[0]);
    all[1] = settled(executor, support_task_echo);
    all[2] = cancelled(executor); /* which is no failure */
    assert_int_equal(mp_wait(all, 3, MP_FIRST_FAILURE, 20), 2);
    assert_int_equal(mp_wait(&all[1], 2, MP_FIRST_FAILURE, MP_FOREVER), 2);
    support_raise(&gate->gate);
    assert_int_equal(mp_wait(all, 3, MP_FIRST_FAILURE, SUPPORT_LONG_MS), 3);
    free_all(all, 3);
    mp_executor_free(executor);
}

static void test_a_failure_after_the_last_look_is_seen_by_the_next(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(2, 0, gate);
    struct mp_future *all[] = {support_submit(executor, task_fail_late, "x", 1),
                               support_submit(executor, support_task_gated, "x", 1)};
    assert_int_equal(mp_wait(all, 2, MP_FIRST_FAILURE, 20), 0);
    support_raise(&gate->gate);
    assert_in_range(mp_wait(all, 2, MP_FIRST_FAILURE, SUPPORT_LONG_MS), 1, 2);
    assert_int_equal(mp_future_state(all[0]), MP_FAILED);
    assert_int_equal(mp_wait(all, 2, MP_ALL, SUPPORT_LONG_MS), 2);
    free_all(all, 2);
    mp_executor_free(executor);
}

static void test_after_the_timeout_the_rest_goes_on(void **state)
{
    (void)state;
    struct mp_future *all[3];
    struct mp_executor *executor = create_half_busy(&all[0]);
    all[1] = settled(executor, support_task_echo);
    all[2] = support_submit(executor, support_task_gated, "x", 1);
    const void *data;
    size_t size;
    int64_t begin = support_now_ms();
    assert_int_equal(mp_wait(all, 3, MP_ALL, 40), 1); /* what is settled, not an error */
    assert_true(support_now_ms() - begin >= 39);
    assert_int_equal(mp_future_result(all[0], 0, &data, &size), -ETIMEDOUT);
    assert_int_equal(mp_future_result(all[0], 10, &data, &size), -ETIMEDOUT);
    assert_int_equal(mp_future_state(all[0]), MP_RUNNING);
    support_raise(&gate->gate);
    support_expect(all[0], "x", 1);
    support_expect(all[2], "x", 1);
    mp_future_free(all[1]);
    mp_executor_free(executor);
}

/* While the wait is under way they come one by one and many at a time. */
static void test_no_end_is_missed_while_a_hundred_settle(void **state)
{
    (void)state;
    static const enum mp_kind kinds[] = {MP_PROCESSES, MP_SEQUENTIAL, MP_THREADS};
    for (int k = 0; k < 3; k++)
        for (int round = 0; round < 5; round++) {
            struct mp_executor *executor = support_create(
                &(struct mp_executor_options){.kind = kinds[k], .workers = 4, .max_pending = 200});
            struct mp_future *all[FUTURES];
            for (int i = 0; i < FUTURES; i++)
                all[i] = support_submit(executor, i % 9 ? support_task_echo : task_fail, "x", 1);
            assert_int_equal(mp_wait(all, FUTURES, MP_ALL, SUPPORT_LONG_MS), FUTURES);
            assert_int_equal(mp_wait(all, FUTURES, MP_ALL, 0), FUTURES);
            free_all(all, FUTURES);
            mp_executor_free(executor);
        }
}

static void test_a_wait_goes_on_over_crashes(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(3, 2, NULL);
    struct mp_future *all[30];
    for (int i = 0; i < 30; i++)
        all[i] = support_submit(executor, i % 3 ? support_task_echo : task_crash, "x", 1);
    assert_int_equal(mp_wait(all, 30, MP_ALL, SUPPORT_LONG_MS), 30);
    for (int i = 0; i < 30; i++)
        assert_int_equal(mp_future_state(all[i]), i % 3 ? MP_DONE : MP_FAILED);
    free_all(all, 30);
    mp_executor_free(executor);
}

/* More than the wait looks after at the same time. */
static void test_one_wait_serves_twenty_executors(void **state)
{
    (void)state;
    enum { EXECUTORS = 20 };
    struct mp_executor *executors[EXECUTORS];
    struct mp_future *all[2 * EXECUTORS];
    for (int i = 0; i < EXECUTORS; i++) {
        executors[i] = support_create(&(struct mp_executor_options){
            .kind = i % 4 == 3 ? MP_SEQUENTIAL : MP_PROCESSES, .workers = 1});
        all[2 * i] = support_submit(executors[i], support_task_echo, "x", 1);
        all[2 * i + 1] = support_submit(executors[i], task_fail, "x", 1);
    }
    assert_true(mp_wait(all, 2 * EXECUTORS, MP_ANY, SUPPORT_LONG_MS) >= 1);
    assert_true(mp_wait(all, 2 * EXECUTORS, MP_FIRST_FAILURE, SUPPORT_LONG_MS) >= 1);
    assert_int_equal(mp_wait(all, 2 * EXECUTORS, MP_ALL, SUPPORT_LONG_MS), 2 * EXECUTORS);
    free_all(all, 2 * EXECUTORS);
    for (int i = 0; i < EXECUTORS; i++)
        mp_executor_free(executors[i]);
}

/* ---- as_completed --------------------------------------------------------------------------- */

static int compare_pointers(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (void *const *)a, y = (uintptr_t) * (void *const *)b;
    return (x > y) - (x < y);
}

/* Takes all; each of `expected` futures must come once. */
static void expect_each_once(struct mp_future **futures, size_t count, size_t expected)
{
    struct mp_future **got = malloc((expected + 1) * sizeof *got);
    assert_non_null(got);
    size_t taken = 0;
    int found;
    while ((found = mp_as_completed(futures, &count, SUPPORT_LONG_MS, &got[taken])) == 1) {
        assert_true(mp_future_state(got[taken]) >= MP_DONE);
        assert_true(taken < expected);
        taken++;
    }
    assert_int_equal(found, 0);
    assert_int_equal(count, 0);
    assert_int_equal(taken, expected);
    qsort(got, taken, sizeof *got, compare_pointers);
    for (size_t i = 1; i < taken; i++)
        assert_ptr_not_equal(got[i - 1], got[i]);
    free(got);
}

static void test_as_completed_gives_each_once(void **state)
{
    (void)state;
    static const enum mp_kind kinds[] = {MP_PROCESSES, MP_SEQUENTIAL, MP_THREADS};
    for (int k = 0; k < 3; k++) {
        struct mp_executor *executor = support_create(
            &(struct mp_executor_options){.kind = kinds[k], .workers = 3, .max_pending = 200});
        struct mp_future *all[FUTURES], *work[FUTURES];
        for (int i = 0; i < FUTURES; i++)
            all[i] = support_submit(executor, i % 9 ? support_task_echo : task_fail, "x", 1);
        (void)mp_future_cancel(all[FUTURES - 1]);
        memcpy(work, all, sizeof all);
        expect_each_once(work, FUTURES, FUTURES);
        memcpy(work, all, sizeof all);
        expect_each_once(work, FUTURES, FUTURES); /* and once more, all settled */
        free_all(all, FUTURES);
        mp_executor_free(executor);
    }
}

static void test_one_named_twice_comes_once(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(2, 2, NULL);
    for (int round = 0; round < 40; round++) {
        enum { DIFFERENT = 8, NAMED = 24 };
        struct mp_future *all[DIFFERENT], *work[NAMED];
        unsigned random = (unsigned)round + 1;
        for (int i = 0; i < DIFFERENT; i++)
            all[i] = support_submit(executor, support_task_echo, "x", 1);
        for (int i = 0; i < NAMED; i++) {
            random = random * 1103515245u + 12345u;
            work[i] = all[i < DIFFERENT ? (unsigned)i : random >> 16 & (DIFFERENT - 1)];
        }
        for (int i = NAMED - 1; i > 0; i--) {
            random = random * 1103515245u + 12345u;
            int k = (int)((random >> 16) % (unsigned)(i + 1));
            struct mp_future *other = work[i];
            work[i] = work[k];
            work[k] = other;
        }
        if (round % 3 == 0)
            assert_int_equal(mp_wait(all, DIFFERENT, MP_ALL, SUPPORT_LONG_MS), DIFFERENT);
        expect_each_once(work, NAMED, DIFFERENT);
        free_all(all, DIFFERENT);
    }
    mp_executor_free(executor);
}

static void test_as_completed_gives_what_is_settled_before_it_times_out(void **state)
{
    (void)state;
    static const int timeouts[] = {0, 60};
    for (int i = 0; i < 2; i++) {
        struct mp_future *all[4];
        memset(gate, 0, sizeof *gate);
        struct mp_executor *executor = create_half_busy(&all[0]);
        all[1] = settled(executor, support_task_echo);
        all[2] = support_submit(executor, support_task_gated, "x", 1);
        all[3] = support_submit(executor, support_task_gated, "x", 1);
        assert_int_equal(mp_future_cancel(all[3]), 0);
        struct mp_future *work[4], *one;
        size_t count = 4;
        memcpy(work, all, sizeof all);
        int64_t begin = support_now_ms();
        assert_int_equal(mp_as_completed(work, &count, timeouts[i], &one), 1);
        assert_int_equal(mp_as_completed(work, &count, timeouts[i], &one), 1);
        assert_int_equal(mp_as_completed(work, &count, timeouts[i], &one), -ETIMEDOUT);
        assert_int_equal(count, 2); /* so many are left */
        assert_true(support_now_ms() - begin >= timeouts[i] - 1);
        support_raise(&gate->gate);
        expect_each_once(work, count, 2);
        free_all(all, 4);
        mp_executor_free(executor);
    }
}

static void test_what_as_completed_gave_may_be_freed_at_once(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(3, 2, NULL);
    struct mp_future *all[FUTURES], *one;
    size_t count = FUTURES;
    for (int i = 0; i < FUTURES; i++)
        all[i] = support_submit(executor, support_task_echo, "x", 1);
    while (mp_as_completed(all, &count, SUPPORT_LONG_MS, &one) == 1)
        support_expect(one, "x", 1);
    assert_int_equal(count, 0);
    mp_executor_free(executor);
}

static void test_as_completed_serves_several_executors(void **state)
{
    (void)state;
    struct mp_executor *executors[] = {
        support_executor(1, 0, NULL), support_executor(2, 1, NULL),
        support_create(&(struct mp_executor_options){.kind = MP_SEQUENTIAL})};
    struct mp_future *all[30], *work[30];
    for (int i = 0; i < 30; i++)
        all[i] = support_submit(executors[i % 3], i % 7 ? support_task_echo : task_fail, "x", 1);
    memcpy(work, all, sizeof all);
    expect_each_once(work, 30, 30);
    free_all(all, 30);
    for (int i = 0; i < 3; i++)
        mp_executor_free(executors[i]);
}

static void test_as_completed_of_nothing_is_over(void **state)
{
    (void)state;
    struct mp_future *one = NULL;
    size_t count = 0;
    assert_int_equal(mp_as_completed(NULL, &count, MP_FOREVER, &one), 0);
    assert_null(one);
}

static void test_an_interruption_loses_nothing(void **state)
{
    (void)state;
    struct mp_future *blocked;
    struct mp_executor *executor = create_half_busy(&blocked);
    struct mp_future *work[] = {blocked, settled(executor, support_task_echo)}, *one;
    struct mp_future *done = work[1];
    size_t count = 2;
    mp_executor_interrupt(executor);
    assert_int_equal(mp_as_completed(work, &count, MP_FOREVER, &one), 1); /* does not wait */
    assert_ptr_equal(one, done);
    assert_int_equal(mp_as_completed(work, &count, MP_FOREVER, &one), -EINTR);
    assert_int_equal(count, 1);
    mp_executor_interrupt(executor);
    assert_int_equal(mp_wait(&blocked, 1, MP_ALL, MP_FOREVER), -EINTR);
    support_raise(&gate->gate);
    expect_each_once(work, count, 1);
    mp_future_free(blocked);
    mp_future_free(done);
    mp_executor_free(executor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_named_twice_counts_twice_and_settles_once,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_any_returns_with_the_first, gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_any_returns_at_once_with_all_that_are_settled_already,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_first_failure_waits_for_one_that_fails, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_first_failure_without_one_waits_for_all, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_after_the_last_look_is_seen_by_the_next,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_after_the_timeout_the_rest_goes_on, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_no_end_is_missed_while_a_hundred_settle, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_wait_goes_on_over_crashes, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_one_wait_serves_twenty_executors, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_as_completed_gives_each_once, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_one_named_twice_comes_once, gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_as_completed_gives_what_is_settled_before_it_times_out,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_what_as_completed_gave_may_be_freed_at_once,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_as_completed_serves_several_executors, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_as_completed_of_nothing_is_over, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_an_interruption_loses_nothing, gate_setup,
                                        gate_teardown),
    };
    return cmocka_run_group_tests_name("mproc/wait", tests, NULL, NULL);
}
