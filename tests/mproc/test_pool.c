/* pool: the data-parallel face of an executor. */
#include "support/mproc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 200 };

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

static struct mp_pool *create_with(const struct mp_executor_options *options)
{
    struct mp_pool *pool = NULL;
    assert_int_equal(mp_pool_create(options, &pool), 0);
    assert_non_null(pool);
    return pool;
}

static struct mp_pool *create(int workers)
{
    return create_with(&(struct mp_executor_options){.workers = workers, .ctx = gate});
}

static void end(struct mp_pool *pool)
{
    mp_pool_close(pool);
    assert_int_equal(mp_pool_join(pool, SUPPORT_LONG_MS), 0);
    assert_int_equal(support_stats(mp_pool_executor(pool)).unsettled, 0);
    mp_pool_free(pool);
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

static int64_t number_of(const void *arg)
{
    int64_t number;
    memcpy(&number, arg, sizeof number);
    return number;
}

static int task_square(struct mp_task *task, const void *arg, size_t size)
{
    int64_t square = number_of(arg) * number_of(arg);
    return size != sizeof square ? -1 : mp_task_return(task, &square, sizeof square);
}

/* Fails for 30, 70 and 110, in different ways. */
static int task_square_or_fail(struct mp_task *task, const void *arg, size_t size)
{
    switch (number_of(arg)) {
    case 30: return mp_task_return(task, "short", 5);
    case 70: return mp_task_fail(task, 1, "as asked");
    case 110: return raise(SIGKILL);
    default: return task_square(task, arg, size);
    }
}

static int task_square_gated(struct mp_task *task, const void *arg, size_t size)
{
    support_raise(&gate->begun);
    support_await(&gate->gate, 1);
    return task_square(task, arg, size);
}

struct power {
    double base;
    unsigned exponent;
};

/* Of several arguments, as starmap has them. */
static int task_power(struct mp_task *task, const void *arg, size_t size)
{
    struct power power;
    double result = 1;
    memcpy(&power, arg, size);
    for (unsigned i = 0; i < power.exponent; i++)
        result *= power.base;
    return mp_task_return(task, &result, sizeof result);
}

static int task_pid(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    pid_t pid = getpid();
    return mp_task_return(task, &pid, sizeof pid);
}

static int task_fail(struct mp_task *task, const void *arg, size_t size)
{
    (void)arg, (void)size;
    return mp_task_fail(task, 4, "as asked");
}

static int64_t numbers[COUNT], squares[COUNT];

static void numbers_fill(void)
{
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = i;
        squares[i] = -1;
    }
}

static void expect_squares(int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(squares[i], (int64_t)i * i);
}

/* ---- One job -------------------------------------------------------------------------------- */

static void test_apply_returns_the_result(void **state)
{
    (void)state;
    struct mp_pool *pool = create(2);
    struct mp_future *future = NULL;
    int64_t seven = 7, square = 49;
    assert_int_equal(mp_pool_apply(pool, task_square, &seven, sizeof seven, &future), 0);
    support_expect(future, &square, sizeof square);
    future = NULL;
    assert_int_equal(mp_pool_apply(pool, task_fail, NULL, 0, &future), MP_ETASK);
    assert_string_equal(support_expect_fault(future, MP_ETASK)->message, "as asked");
    mp_future_free(future);
    end(pool);
}

static void test_an_interrupted_apply_leaves_no_future(void **state)
{
    (void)state;
    struct mp_pool *pool = create(1);
    struct mp_future *future = NULL;
    mp_executor_interrupt(mp_pool_executor(pool));
    assert_int_equal(mp_pool_apply(pool, support_task_gated, "x", 1, &future), -EINTR);
    assert_null(future);
    support_raise(&gate->gate);
    end(pool);
}

static void test_apply_async_does_not_wait(void **state)
{
    (void)state;
    struct mp_pool *pool = create(2);
    struct mp_future *futures[10];
    const void *data;
    size_t size;
    for (int i = 0; i < 10; i++)
        assert_int_equal(mp_pool_apply_async(pool, support_task_gated, &i, sizeof i, &futures[i]),
                         0);
    assert_int_equal(mp_future_result(futures[0], 10, &data, &size), -ETIMEDOUT);
    support_raise(&gate->gate); /* which has left the task alone */
    for (int i = 0; i < 10; i++)
        support_expect(futures[i], &i, sizeof i);
    end(pool);
}

/* ---- map ------------------------------------------------------------------------------------ */

static void expect_map(const struct mp_executor_options *options)
{
    struct mp_pool *pool = create_with(options);
    for (int count = 0; count <= COUNT; count = count * 3 + 1) {
        numbers_fill();
        assert_int_equal(mp_pool_map(pool, task_square, numbers, (size_t)count, sizeof *numbers,
                                     squares, sizeof *squares, NULL),
                         0);
        expect_squares(count);
        if (count < COUNT)
            assert_int_equal(squares[count], -1); /* and nothing beyond */
    }
    end(pool);
}

static void test_map_fills_the_results_in_order(void **state)
{
    (void)state;
    expect_map(&(struct mp_executor_options){.workers = 1});
    expect_map(&(struct mp_executor_options){.workers = 3});
    expect_map(&(struct mp_executor_options){.workers = 3, .jobs_per_worker = 1});
    expect_map(&(struct mp_executor_options){.kind = MP_SEQUENTIAL});
    expect_map(&(struct mp_executor_options){.kind = MP_THREADS, .workers = 3});
}

static void test_map_takes_structs_for_several_arguments(void **state)
{
    (void)state;
    struct power powers[6];
    double results[6];
    struct mp_pool *pool = create(2);
    for (unsigned i = 0; i < 6; i++)
        powers[i] = (struct power){.base = 2, .exponent = i};
    assert_int_equal(
        mp_pool_map(pool, task_power, powers, 6, sizeof *powers, results, sizeof *results, NULL),
        0);
    for (int i = 0; i < 6; i++)
        assert_true(results[i] == (double)(1 << i));
    end(pool);
}

/* Every element is run; what is told is the first by their order, not by time. */
static void test_map_tells_of_the_first_failure_by_order(void **state)
{
    (void)state;
    struct mp_pool *pool = create(3);
    static const struct {
        int first, count, error;
        size_t failed;
    } cases[] = {{0, 200, -EMSGSIZE, 30},
                 {31, 150, MP_ETASK, 39},
                 {71, 100, MP_ECRASH, 39},
                 {111, 80, 0, 9999}};
    for (int i = 0; i < 4; i++) {
        size_t failed = 9999;
        numbers_fill();
        assert_int_equal(mp_pool_map(pool, task_square_or_fail, numbers + cases[i].first,
                                     (size_t)cases[i].count, sizeof *numbers,
                                     squares + cases[i].first, sizeof *squares, &failed),
                         cases[i].error);
        assert_int_equal(failed, cases[i].failed);
        for (int64_t k = cases[i].first; k < cases[i].first + cases[i].count; k++)
            assert_int_equal(squares[k], k == 30 || k == 70 || k == 110 ? -1 : k * k);
    }
    end(pool);
}

static void test_a_result_of_another_size_is_a_failure(void **state)
{
    (void)state;
    struct mp_pool *pool = create(2);
    size_t failed = 99;
    int32_t narrow[10];
    char none;
    numbers_fill();
    memset(narrow, 0x55, sizeof narrow);
    assert_int_equal(mp_pool_map(pool, task_square, numbers, 10, sizeof *numbers, narrow,
                                 sizeof *narrow, &failed),
                     -EMSGSIZE);
    assert_int_equal(failed, 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(narrow[i], 0x55555555);
    assert_int_equal(mp_pool_map(pool, task_square, numbers, 10, sizeof *numbers, &none, 0, NULL),
                     -EMSGSIZE);
    /* Neither arguments nor results: only that it is run. */
    assert_int_equal(mp_pool_map(pool, support_task_echo, NULL, 10, 0, NULL, 0, NULL), 0);
    end(pool);
}

static void test_map_async_can_be_waited_for_and_left(void **state)
{
    (void)state;
    struct mp_pool *pool = create(2);
    struct mp_map_result *result = NULL;
    numbers_fill();
    assert_int_equal(mp_pool_map_async(pool, task_square_gated, numbers, COUNT, sizeof *numbers,
                                       squares, sizeof *squares, &result),
                     0);
    assert_true(support_await(&gate->begun, 1)); /* it begins by itself */
    assert_int_equal(mp_map_result_wait(result, 20, NULL), -ETIMEDOUT);
    assert_int_equal(mp_map_result_wait(result, 0, NULL), -ETIMEDOUT);
    mp_executor_interrupt(mp_pool_executor(pool));
    assert_int_equal(mp_map_result_wait(result, MP_FOREVER, NULL), -EINTR);
    support_raise(&gate->gate);
    assert_int_equal(mp_map_result_wait(result, SUPPORT_LONG_MS, NULL), 0);
    assert_int_equal(mp_map_result_wait(result, 0, NULL), 0); /* again */
    expect_squares(COUNT);
    mp_map_result_free(result);
    mp_map_result_free(NULL);
    end(pool);
}

static void test_two_async_maps_at_once(void **state)
{
    (void)state;
    static int64_t others[COUNT];
    struct mp_pool *pool = create(2);
    struct mp_map_result *results[2];
    size_t failed = 0;
    numbers_fill();
    for (int i = 0; i < 2; i++)
        assert_int_equal(mp_pool_map_async(pool, i == 0 ? task_square : task_square_or_fail,
                                           numbers, COUNT, sizeof *numbers,
                                           i == 0 ? squares : others, sizeof *squares, &results[i]),
                         0);
    assert_int_equal(mp_map_result_wait(results[1], SUPPORT_LONG_MS, &failed), -EMSGSIZE);
    assert_int_equal(failed, 30);
    assert_int_equal(mp_map_result_wait(results[0], SUPPORT_LONG_MS, &failed), 0);
    expect_squares(COUNT);
    for (int i = 0; i < 2; i++)
        mp_map_result_free(results[i]);
    end(pool);
}

/* What runs must not write into arrays that are the caller's again. */
static void test_a_result_that_is_freed_writes_no_more(void **state)
{
    (void)state;
    struct mp_pool *pool = create(2);
    struct mp_map_result *result;
    int64_t *own = malloc(COUNT * sizeof *own);
    assert_non_null(own);
    numbers_fill();
    assert_int_equal(mp_pool_map_async(pool, task_square_gated, numbers, COUNT, sizeof *numbers,
                                       own, sizeof *own, &result),
                     0);
    assert_true(support_await(&gate->begun, 1));
    mp_map_result_free(result);
    free(own); /* the sanitizer sees who writes */
    support_raise(&gate->gate);
    end(pool);
    assert_in_range(gate->begun.value, 1, COUNT - 1); /* what had not begun was cancelled */
}

/* ---- imap ----------------------------------------------------------------------------------- */

static int count_next(void *user, const void **ret_arg, size_t *ret_size)
{
    int64_t *number = user;
    *ret_arg = number;
    *ret_size = sizeof *number;
    return ++*number < 1000;
}

static void test_imap_gives_results_one_by_one(void **state)
{
    (void)state;
    struct mp_pool *pool = create(3);
    for (int i = 0; i < 6; i++) {
        static const int chunks[] = {1, 100, 0};
        bool unordered = i >= 3, seen[1000] = {false};
        int64_t number = -1;
        struct mp_map *map;
        struct mp_item item;
        assert_int_equal((unordered ? mp_pool_imap_unordered : mp_pool_imap)(
                             pool, task_square, count_next, &number, chunks[i % 3], &map),
                         0);
        for (uint64_t k = 0; k < 1000; k++) {
            assert_int_equal(mp_map_next(map, SUPPORT_LONG_MS, &item), 1);
            if (!unordered)
                assert_int_equal(item.index, k);
            assert_int_equal(item.error, 0);
            assert_int_equal(number_of(item.data), item.index * item.index);
            assert_false(seen[item.index]);
            seen[item.index] = true;
        }
        assert_int_equal(mp_map_next(map, SUPPORT_LONG_MS, &item), 0);
        mp_map_free(map);
    }
    end(pool);
}

/* ---- Workers -------------------------------------------------------------------------------- */

static void test_a_worker_of_a_pool_runs_its_share(void **state)
{
    (void)state;
    enum { JOBS = 30, SHARE = 5 };
    struct mp_pool *pool =
        create_with(&(struct mp_executor_options){.workers = 3, .jobs_per_worker = SHARE});
    struct mp_future *futures[JOBS];
    pid_t pids[JOBS];
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(mp_pool_apply_async(pool, task_pid, NULL, 0, &futures[i]), 0);
    for (int i = 0; i < JOBS; i++) {
        const void *data;
        size_t size;
        assert_int_equal(support_result(futures[i], &data, &size), 0);
        memcpy(&pids[i], data, sizeof pids[i]);
        mp_future_free(futures[i]);
    }
    for (int i = 0; i < JOBS; i++) {
        int same = 0;
        for (int k = 0; k < JOBS; k++)
            same += pids[k] == pids[i];
        assert_in_range(same, 1, SHARE);
    }
    end(pool);
}

/* ---- The end -------------------------------------------------------------------------------- */

static void expect_no_more_jobs(struct mp_pool *pool)
{
    int64_t number = 0, square;
    struct mp_future *future = NULL;
    struct mp_map_result *result = NULL;
    struct mp_map *map = NULL;
    assert_int_equal(mp_pool_apply(pool, task_square, &number, 8, &future), -ESHUTDOWN);
    assert_int_equal(mp_pool_apply_async(pool, task_square, &number, 8, &future), -ESHUTDOWN);
    assert_int_equal(mp_pool_map(pool, task_square, &number, 1, 8, &square, 8, NULL), -ESHUTDOWN);
    assert_int_equal(mp_pool_map_async(pool, task_square, &number, 1, 8, &square, 8, &result),
                     -ESHUTDOWN);
    assert_int_equal(mp_pool_imap(pool, task_square, count_next, &number, 1, &map), -ESHUTDOWN);
    assert_int_equal(mp_pool_imap_unordered(pool, task_square, count_next, &number, 1, &map),
                     -ESHUTDOWN);
    assert_true(!future && !result && !map);
}

static void test_join_waits_for_all_that_was_submitted_before_close(void **state)
{
    (void)state;
    struct mp_pool *pool = create(2);
    struct mp_future *futures[50];
    struct mp_map_result *result;
    numbers_fill();
    assert_int_equal(mp_pool_join(pool, 0), -EINVAL); /* not before close or terminate */
    for (int i = 0; i < 50; i++)
        assert_int_equal(mp_pool_apply_async(pool, support_task_gated, &i, sizeof i, &futures[i]),
                         0);
    assert_int_equal(mp_pool_map_async(pool, task_square, numbers, COUNT, sizeof *numbers, squares,
                                       sizeof *squares, &result),
                     0);
    mp_pool_close(pool);
    expect_no_more_jobs(pool);
    assert_int_equal(mp_pool_join(pool, 20), -ETIMEDOUT);
    support_raise(&gate->gate);
    assert_int_equal(mp_pool_join(pool, SUPPORT_LONG_MS), 0);
    assert_false(support_has_child());
    assert_int_equal(mp_pool_join(pool, 0), 0);
    for (int i = 0; i < 50; i++)
        support_expect(futures[i], &i, sizeof i);
    assert_int_equal(mp_map_result_wait(result, 0, NULL), 0);
    expect_squares(COUNT);
    mp_map_result_free(result);
    mp_pool_free(pool);
}

/* The first map takes all the room that the executor has. */
static void test_join_waits_for_maps_that_had_no_room_at_first(void **state)
{
    (void)state;
    enum { MAPS = 3 };
    static int64_t results[MAPS][COUNT];
    struct mp_pool *pool =
        create_with(&(struct mp_executor_options){.workers = 2, .max_pending = 4});
    struct mp_map_result *maps[MAPS];
    numbers_fill();
    memset(results, 0, sizeof results);
    for (int i = 0; i < MAPS; i++)
        assert_int_equal(mp_pool_map_async(pool, task_square, numbers, COUNT, sizeof *numbers,
                                           results[i], sizeof *results[i], &maps[i]),
                         0);
    mp_pool_close(pool);
    assert_int_equal(mp_pool_join(pool, SUPPORT_LONG_MS), 0);
    for (int i = 0; i < MAPS; i++) {
        assert_int_equal(mp_map_result_wait(maps[i], 0, NULL), 0);
        for (int64_t k = 0; k < COUNT; k++)
            assert_int_equal(results[i][k], k * k);
        mp_map_result_free(maps[i]);
    }
    mp_pool_free(pool);
}

static void test_join_waits_for_failures_too(void **state)
{
    (void)state;
    struct mp_pool *pool = create(3);
    struct mp_future *futures[60];
    for (int i = 0; i < 60; i++)
        assert_int_equal(mp_pool_apply_async(pool, task_square_or_fail,
                                             &(int64_t){i % 2   ? 70
                                                        : i % 4 ? 110
                                                                : i},
                                             8, &futures[i]),
                         0);
    mp_pool_close(pool);
    assert_int_equal(mp_pool_join(pool, SUPPORT_LONG_MS), 0);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(mp_future_state(futures[i]), i % 4 ? MP_FAILED : MP_DONE);
        mp_future_free(futures[i]);
    }
    mp_pool_free(pool);
}

static int task_hang(struct mp_task *task, const void *arg, size_t size)
{
    (void)task, (void)arg, (void)size;
    support_raise(&gate->begun);
    for (;;)
        pause();
    return 0;
}

/* Thousands that would take for ever: what runs is killed, the others never begin. */
static void test_terminate_returns_at_once(void **state)
{
    (void)state;
    struct mp_pool *pool =
        create_with(&(struct mp_executor_options){.workers = 3, .max_pending = 20000, .ctx = gate});
    for (int i = 0; i < 10000; i++)
        assert_int_equal(mp_pool_apply_async(pool, task_hang, NULL, 0, NULL), 0);
    assert_true(support_await(&gate->begun, 3));
    int64_t begin = support_now_ms();
    assert_int_equal(mp_pool_terminate(pool, SUPPORT_LONG_MS), 0);
    assert_true(support_now_ms() - begin < 5000);
    assert_false(support_has_child());
    assert_int_equal(mp_pool_join(pool, SUPPORT_LONG_MS), 0);
    expect_no_more_jobs(pool);
    struct mp_executor_stats stats = support_stats(mp_pool_executor(pool));
    assert_int_equal(stats.failed, 3);
    assert_int_equal(stats.cancelled, 9997);
    mp_pool_free(pool);
}

static void test_free_with_work_under_way_settles_all(void **state)
{
    (void)state;
    struct mp_pool *pool = create(2);
    struct mp_future *futures[10];
    struct mp_map_result *result;
    struct mp_map *map;
    struct mp_item item;
    int64_t number = -1;
    size_t failed = 99;
    numbers_fill();
    for (int i = 0; i < 10; i++)
        assert_int_equal(mp_pool_apply_async(pool, task_hang, NULL, 0, &futures[i]), 0);
    assert_int_equal(mp_pool_map_async(pool, task_square, numbers, COUNT, sizeof *numbers, squares,
                                       sizeof *squares, &result),
                     0);
    assert_int_equal(mp_pool_imap(pool, task_square, count_next, &number, 5, &map), 0);
    assert_int_equal(mp_map_next(map, 0, &item), -ETIMEDOUT);
    assert_true(support_await(&gate->begun, 2));
    mp_pool_free(pool);
    assert_false(support_has_child());
    for (int i = 0; i < 10; i++) {
        assert_int_equal(mp_future_state(futures[i]), i < 2 ? MP_FAILED : MP_CANCELLED);
        mp_future_free(futures[i]);
    }
    assert_int_equal(mp_map_result_wait(result, MP_FOREVER, &failed), -ECANCELED);
    assert_int_equal(failed, 0);
    mp_map_result_free(result);
    int cancelled = 0, error;
    while ((error = mp_map_next(map, MP_FOREVER, &item)) == 1) {
        assert_int_equal(item.error, -ECANCELED);
        cancelled++;
    }
    assert_int_equal(error, -ESHUTDOWN);
    assert_int_equal(cancelled, number + 1);
    mp_map_free(map);
    mp_pool_free(NULL);
}

static void test_a_pool_that_cannot_be_made_says_why(void **state)
{
    (void)state;
    struct mp_pool *pool = NULL;
    assert_int_equal(mp_pool_create(&(struct mp_executor_options){.workers = -1}, &pool), -EINVAL);
    assert_int_equal(mp_pool_create(&(struct mp_executor_options){.jobs_per_worker = -1}, &pool),
                     -EINVAL);
    assert_null(pool);
}

static int hook_refuse(void *ctx, int worker)
{
    (void)ctx, (void)worker;
    return 1;
}

static void test_a_broken_pool_fails_all_in_bounded_time(void **state)
{
    (void)state;
    struct mp_pool *pool =
        create_with(&(struct mp_executor_options){.workers = 2, .start = hook_refuse});
    size_t failed = 99;
    numbers_fill();
    assert_int_equal(mp_pool_map(pool, task_square, numbers, COUNT, sizeof *numbers, squares,
                                 sizeof *squares, &failed),
                     MP_EBROKEN);
    assert_int_equal(failed, 0);
    mp_pool_close(pool);
    assert_int_equal(mp_pool_join(pool, SUPPORT_LONG_MS), 0);
    mp_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_apply_returns_the_result, gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_an_interrupted_apply_leaves_no_future, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_apply_async_does_not_wait, gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_map_fills_the_results_in_order, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_map_takes_structs_for_several_arguments, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_map_tells_of_the_first_failure_by_order, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_result_of_another_size_is_a_failure, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_map_async_can_be_waited_for_and_left, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_two_async_maps_at_once, gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_result_that_is_freed_writes_no_more, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_imap_gives_results_one_by_one, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_worker_of_a_pool_runs_its_share, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_join_waits_for_all_that_was_submitted_before_close,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_join_waits_for_maps_that_had_no_room_at_first,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_join_waits_for_failures_too, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_terminate_returns_at_once, gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_free_with_work_under_way_settles_all, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_pool_that_cannot_be_made_says_why, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_broken_pool_fails_all_in_bounded_time, gate_setup,
                                        gate_teardown),
    };
    return cmocka_run_group_tests_name("mproc/pool", tests, NULL, NULL);
}
