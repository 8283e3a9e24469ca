/* fork: an executor belongs to the process that made it; and signals that come at any moment. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int source_next(void *user, const void **ret_arg, size_t *ret_size)
{
    int *number = user;
    *ret_arg = number;
    *ret_size = sizeof *number;
    return ++*number < 100;
}

/* Runs fn in a child, which must return 0: the number of the check that failed, else. */
static void expect_in_child(int (*fn)(void *), void *arg)
{
    struct mp_process *child;
    assert_int_equal(mp_process_start(fn, arg, NULL, &child), 0);
    assert_int_equal(mp_process_join(child, SUPPORT_LONG_MS), 0);
    int code = mp_process_exit_code(child);
    if (code != 0)
        fail_msg("the child ended with %d", code);
    assert_int_equal(mp_process_close(child), 0);
}

/* ---- In a child ----------------------------------------------------------------------------- */

struct inherited {
    struct mp_executor *executor;
    struct mp_future *running, *done;
    struct mp_map *map;
    struct mp_pool *pool;
    struct mp_map_result *result;
};

/* Where the first check is that fails. */
#define REFUSED(call)                  \
    do {                               \
        if ((call) != MP_EFORKED)      \
            return __LINE__ % 200 + 1; \
    } while (0)

static int child_tries_all(void *arg)
{
    struct inherited *all = arg;
    struct mp_future *future, *futures[1] = {all->running};
    struct mp_map_result *result;
    struct mp_map *map;
    struct mp_item item;
    const void *data;
    size_t size, count = 1;
    int number = 0;
    REFUSED(mp_executor_submit(all->executor, support_task_echo, "x", 1, NULL, &future));
    REFUSED(mp_executor_pump(all->executor, MP_FOREVER));
    REFUSED(mp_executor_resize(all->executor, 1));
    REFUSED(mp_executor_shutdown(all->executor, MP_KILL, MP_FOREVER));
    REFUSED(mp_executor_fd(all->executor));
    REFUSED(mp_executor_map(all->executor, support_task_echo, source_next, &number, NULL, &map));
    REFUSED(mp_map_next(all->map, MP_FOREVER, &item));
    REFUSED(mp_future_result(all->running, MP_FOREVER, &data, &size));
    REFUSED(mp_wait(futures, 1, MP_ALL, MP_FOREVER));
    REFUSED(mp_as_completed(futures, &count, MP_FOREVER, &future));
    REFUSED(mp_future_cancel(all->running));
    REFUSED(mp_future_kill(all->running));
    REFUSED(mp_pool_apply(all->pool, support_task_echo, "x", 1, &future));
    REFUSED(mp_pool_apply_async(all->pool, support_task_echo, "x", 1, &future));
    REFUSED(mp_pool_map(all->pool, support_task_echo, "x", 1, 1, &number, 1, NULL));
    REFUSED(mp_pool_map_async(all->pool, support_task_echo, "x", 1, 1, &number, 1, &result));
    REFUSED(mp_pool_imap(all->pool, support_task_echo, source_next, &number, 1, &map));
    REFUSED(mp_map_result_wait(all->result, MP_FOREVER, NULL));
    REFUSED(mp_pool_terminate(all->pool, MP_FOREVER));
    REFUSED(mp_pool_join(all->pool, MP_FOREVER));
    /* What is settled can be looked at, and all can be freed. */
    if (mp_future_result(all->done, 0, &data, &size) != 0 || size != 4)
        return 250;
    mp_map_free(all->map);
    mp_future_free(all->running);
    mp_future_free(all->done);
    mp_executor_free(all->executor);
    return 0;
}

static void test_in_a_child_every_call_is_refused(void **state)
{
    (void)state;
    int number = 0, results[100];
    struct inherited all = {.executor = support_executor(2, 1, gate)};
    assert_int_equal(mp_pool_create(&(struct mp_executor_options){.workers = 1}, &all.pool), 0);
    all.done = support_submit(all.executor, support_task_echo, "done", 4);
    assert_int_equal(mp_wait(&all.done, 1, MP_ALL, SUPPORT_LONG_MS), 1);
    all.running = support_submit(all.executor, support_task_gated, "x", 1);
    assert_int_equal(mp_executor_map(all.executor, support_task_echo, source_next, &number,
                                     &(struct mp_map_options){.window = 5}, &all.map),
                     0);
    struct mp_item item;
    assert_int_equal(mp_map_next(all.map, SUPPORT_LONG_MS, &item), 1);
    assert_int_equal(mp_pool_map_async(all.pool, support_task_echo, results, 100, sizeof *results,
                                       results, sizeof *results, &all.result),
                     0);
    for (int i = 0; i < 3; i++)
        expect_in_child(child_tries_all, &all);
    /* And nothing of it has harmed anything here. */
    support_raise(&gate->gate);
    support_expect(all.running, "x", 1);
    support_expect(all.done, "done", 4);
    for (int i = 2; i < 100; i++)
        assert_int_equal(mp_map_next(all.map, SUPPORT_LONG_MS, &item), 1);
    assert_int_equal(mp_map_next(all.map, SUPPORT_LONG_MS, &item), 0);
    mp_map_free(all.map);
    assert_int_equal(mp_map_result_wait(all.result, SUPPORT_LONG_MS, NULL), 0);
    mp_map_result_free(all.result);
    mp_pool_free(all.pool);
    assert_int_equal(support_stats(all.executor).backend.workers_lost, 0);
    mp_executor_free(all.executor);
}

/* The descriptors of the executor are closed in the child, and their numbers taken by files. */
static int child_interrupts(void *arg)
{
    enum { FILES = 40 };
    int files[FILES], wrong = 0;
    struct mp_executor_stats stats;
    for (int i = 0; i < FILES; i++)
        files[i] = memfd_create("file", MFD_CLOEXEC);
    mp_executor_interrupt(arg);
    mp_executor_stats(arg, &stats);
    for (int i = 0; i < FILES; i++) {
        struct stat about;
        wrong += fstat(files[i], &about) != 0 || about.st_size != 0;
    }
    return wrong;
}

static void test_a_childs_interrupt_goes_nowhere(void **state)
{
    (void)state;
    /* Not with threads: a child forked beside them may find any lock held, a sanitizer's own too.
     */
    static const enum mp_kind kinds[] = {MP_PROCESSES, MP_SEQUENTIAL};
    for (int i = 0; i < 2; i++) {
        struct mp_executor *executor =
            support_create(&(struct mp_executor_options){.kind = kinds[i], .workers = 1});
        expect_in_child(child_interrupts, executor);
        support_expect(support_submit(executor, support_task_echo, "x", 1), "x", 1);
        mp_executor_free(executor);
    }
}

static int child_builds_its_own(void *arg)
{
    struct mp_executor *parents = arg, *own;
    struct mp_future *futures[20];
    int wrong = 0;
    if (mp_executor_create(&(struct mp_executor_options){.workers = 2}, &own) != 0)
        return 1;
    for (int i = 0; i < 20; i++)
        wrong += mp_executor_submit(own, support_task_echo, &i, sizeof i, NULL, &futures[i]) != 0;
    if (wrong)
        return 2;
    wrong += mp_wait(futures, 20, MP_ALL, SUPPORT_LONG_MS) != 20;
    for (int i = 0; i < 20; i++) {
        const void *data;
        size_t size;
        wrong += mp_future_result(futures[i], 0, &data, &size) != 0 || memcmp(data, &i, size) != 0;
        mp_future_free(futures[i]);
    }
    mp_executor_free(own);
    mp_executor_free(parents);
    return wrong || support_has_child() ? 3 : 0;
}

static void test_a_child_may_have_an_executor_of_its_own(void **state)
{
    (void)state;
    struct mp_executor *executor = support_executor(2, 1, gate);
    struct mp_future *running = support_submit(executor, support_task_gated, "x", 1);
    expect_in_child(child_builds_its_own, executor);
    support_raise(&gate->gate);
    support_expect(running, "x", 1);
    mp_executor_free(executor);
}

static int task_try_the_parents(struct mp_task *task, const void *arg, size_t size)
{
    struct mp_executor *executor;
    struct mp_future *future;
    (void)size;
    memcpy(&executor, arg, sizeof executor);
    int error = mp_executor_submit(executor, support_task_echo, "x", 1, NULL, &future);
    return mp_task_return(task, &error, sizeof error);
}

/* A worker that was started before knows nothing of an executor that was made since; of one that
 * is older it must not make use. */
static void test_a_task_cannot_use_an_executor_of_its_parent(void **state)
{
    (void)state;
    struct mp_executor *older = support_executor(1, 0, NULL);
    struct mp_executor *executor = support_executor(1, 0, NULL);
    struct mp_future *future = support_submit(executor, task_try_the_parents, &older, sizeof older);
    support_expect(future, &(int){MP_EFORKED}, sizeof(int));
    mp_executor_free(executor);
    mp_executor_free(older);
}

/* ---- Signals -------------------------------------------------------------------------------- */

static struct mp_executor *target;
static volatile sig_atomic_t signals;

static void on_signal(int signo)
{
    (void)signo;
    signals++;
    mp_executor_interrupt(target);
}

static void handle(int signo)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(signo, &action, NULL), 0);
}

static void test_a_signal_just_before_a_wait_is_not_missed(void **state)
{
    (void)state;
    static const enum mp_kind kinds[] = {MP_PROCESSES, MP_THREADS};
    handle(SIGUSR1);
    for (int k = 0; k < 2; k++) {
        memset(gate, 0, sizeof *gate);
        struct mp_executor *executor = support_create(&(struct mp_executor_options){
            .kind = kinds[k], .workers = 1, .max_pending = 1, .ctx = gate});
        struct mp_future *future = support_submit(executor, support_task_gated, "x", 1), *one;
        struct mp_future *futures[1] = {future};
        const void *data;
        size_t size, count = 1;
        target = executor;
        assert_true(support_await(&gate->begun, 1));
        (void)mp_executor_pump(executor, 0);
        raise(SIGUSR1);
        assert_int_equal(mp_wait(&future, 1, MP_ALL, MP_FOREVER), -EINTR);
        raise(SIGUSR1);
        raise(SIGUSR1); /* two at once are one */
        assert_int_equal(mp_future_result(future, MP_FOREVER, &data, &size), -EINTR);
        assert_int_equal(mp_wait(&future, 1, MP_ALL, 5), 0);
        raise(SIGUSR1);
        assert_int_equal(mp_executor_pump(executor, MP_FOREVER), -EINTR);
        raise(SIGUSR1);
        assert_int_equal(mp_as_completed(futures, &count, MP_FOREVER, &one), -EINTR);
        raise(SIGUSR1);
        assert_int_equal(mp_executor_submit(executor, support_task_echo, "x", 1, NULL, &one),
                         -EINTR);
        raise(SIGUSR1);
        assert_int_equal(mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER), -EINTR);
        support_raise(&gate->gate);
        support_expect(future, "x", 1);
        mp_executor_free(executor);
    }
    signal(SIGUSR1, SIG_DFL);
}

static void test_a_signal_reaches_a_wait_for_several_executors(void **state)
{
    (void)state;
    struct mp_executor *executors[] = {support_executor(1, 0, gate), support_executor(1, 0, gate)};
    struct mp_future *futures[] = {support_submit(executors[0], support_task_gated, "x", 1),
                                   support_submit(executors[1], support_task_gated, "x", 1)};
    handle(SIGUSR1);
    assert_true(support_await(&gate->begun, 2));
    for (int i = 0; i < 2; i++) {
        target = executors[i];
        raise(SIGUSR1);
        assert_int_equal(mp_wait(futures, 2, MP_ALL, MP_FOREVER), -EINTR);
    }
    signal(SIGUSR1, SIG_DFL);
    support_raise(&gate->gate);
    for (int i = 0; i < 2; i++) {
        support_expect(futures[i], "x", 1);
        mp_executor_free(executors[i]);
    }
}

static void test_a_signal_during_a_wait_ends_it(void **state)
{
    (void)state;
    target = support_executor(1, 0, gate);
    struct mp_future *future = support_submit(target, support_task_gated, "x", 1);
    assert_true(support_await(&gate->begun, 1));
    signals = 0;
    support_alarm_begin(on_signal, 3000);
    for (int i = 0; i < 20; i++)
        assert_int_equal(mp_wait(&future, 1, MP_ALL, MP_FOREVER), -EINTR);
    support_alarm_end();
    assert_true(signals > 0);
    support_raise(&gate->gate);
    support_expect(future, "x", 1);
    mp_executor_free(target);
}

/* Every wait is cut short some time; what was to be done is done all the same. */
static void expect_work_under_alarms(void (*handler)(int))
{
    enum { JOBS = 300 };
    struct mp_executor *executor = target =
        support_create(&(struct mp_executor_options){.workers = 2, .max_pending = 8});
    support_alarm_begin(handler, 300);
    struct mp_future *futures[JOBS];
    struct mp_map *map;
    struct mp_item item;
    int number = -1, error;
    for (int i = 0; i < JOBS; i++) {
        do {
            error =
                mp_executor_submit(executor, support_task_echo, &i, sizeof i, NULL, &futures[i]);
        } while (error == -EINTR);
        assert_int_equal(error, 0);
    }
    for (int i = 0; i < JOBS; i++)
        support_expect(futures[i], &i, sizeof i);
    assert_int_equal(mp_executor_map(executor, support_task_echo, source_next, &number,
                                     &(struct mp_map_options){.chunk = 3}, &map),
                     0);
    for (int i = 0; i < 100; i++) {
        do {
            error = mp_map_next(map, MP_FOREVER, &item);
        } while (error == -EINTR);
        assert_int_equal(error, 1);
        assert_int_equal(item.error, 0);
        assert_memory_equal(item.data, &i, sizeof i);
    }
    mp_map_free(map);
    do {
        error = mp_executor_shutdown(executor, MP_FINISH, MP_FOREVER);
    } while (error == -EINTR);
    support_alarm_end();
    assert_int_equal(error, 0);
    assert_int_equal(support_stats(executor).backend.workers_lost, 0);
    mp_executor_free(executor);
}

static void test_a_storm_of_signals_loses_nothing(void **state)
{
    (void)state;
    expect_work_under_alarms(support_interrupt);
    expect_work_under_alarms(on_signal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_a_child_every_call_is_refused, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_childs_interrupt_goes_nowhere, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_child_may_have_an_executor_of_its_own, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_task_cannot_use_an_executor_of_its_parent,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_signal_just_before_a_wait_is_not_missed, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_signal_reaches_a_wait_for_several_executors,
                                        gate_setup, gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_signal_during_a_wait_ends_it, gate_setup,
                                        gate_teardown),
        cmocka_unit_test_setup_teardown(test_a_storm_of_signals_loses_nothing, gate_setup,
                                        gate_teardown),
    };
    return cmocka_run_group_tests_name("mproc/fork", tests, NULL, NULL);
}
