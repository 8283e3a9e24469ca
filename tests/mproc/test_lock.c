/* lock: one holder at a time, of threads and of processes; only he releases; his death is told. */
#include "support/mproc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* What a child works on; in shared memory. */
struct scene {
    struct mp_lock *lock;
    struct support_flag begun;
    struct support_flag go;
    long total;
    int timeout_ms;
    int result;
};

static struct scene *scene_create(bool recursive)
{
    struct scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_lock_create(recursive, &scene->lock), 0);
    return scene;
}

static void scene_free(struct scene *scene)
{
    mp_lock_free(scene->lock);
    support_unshare(scene, sizeof *scene);
}

/* Holds the lock until it is told to go on. */
static int child_hold(void *arg)
{
    struct scene *scene = arg;
    if (mp_lock_acquire(scene->lock, MP_FOREVER) != 0)
        return 2;
    support_raise(&scene->begun);
    if (!support_await(&scene->go, 1))
        return 3;
    return mp_lock_release(scene->lock) != 0;
}

static int child_acquire(void *arg)
{
    struct scene *scene = arg;
    support_raise(&scene->begun);
    scene->result = mp_lock_acquire(scene->lock, scene->timeout_ms);
    return scene->result >= 0 && mp_lock_release(scene->lock) != 0;
}

static int child_release(void *arg)
{
    struct scene *scene = arg;
    scene->result = mp_lock_release(scene->lock);
    return 0;
}

/* What mp_lock_acquire() returns in another process, which releases it again. */
static int acquire_elsewhere(struct scene *scene, int timeout_ms)
{
    scene->timeout_ms = timeout_ms;
    assert_int_equal(support_finish(support_start(child_acquire, scene)), 0);
    return scene->result;
}

static void test_acquire_twice_is_a_deadlock_told(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    assert_int_equal(mp_lock_acquire(scene->lock, MP_FOREVER), 0);
    assert_int_equal(mp_lock_acquire(scene->lock, MP_FOREVER), -EDEADLK);
    assert_int_equal(mp_lock_acquire(scene->lock, 0), -EDEADLK);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_int_equal(mp_lock_release(scene->lock), MP_ENOTOWNER);
    scene_free(scene);
}

static void test_a_recursive_lock_is_released_as_often(void **state)
{
    (void)state;
    struct scene *scene = scene_create(true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(mp_lock_acquire(scene->lock, 0), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(acquire_elsewhere(scene, 0), -ETIMEDOUT);
        assert_int_equal(mp_lock_release(scene->lock), 0);
    }
    assert_int_equal(acquire_elsewhere(scene, 0), 0);
    assert_int_equal(mp_lock_release(scene->lock), MP_ENOTOWNER);
    scene_free(scene);
}

static void test_release_is_the_holders_only(void **state)
{
    (void)state;
    for (int recursive = 0; recursive < 2; recursive++) {
        struct scene *scene = scene_create(recursive);
        assert_int_equal(mp_lock_acquire(scene->lock, MP_FOREVER), 0);
        assert_int_equal(support_finish(support_start(child_release, scene)), 0);
        assert_int_equal(scene->result, MP_ENOTOWNER);
        assert_int_equal(acquire_elsewhere(scene, 0), -ETIMEDOUT); /* it is held as before */
        assert_int_equal(mp_lock_release(scene->lock), 0);
        scene_free(scene);
    }
}

static void test_acquire_waits_no_longer_than_its_timeout(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    struct mp_process *holder = support_start(child_hold, scene);
    assert_true(support_await(&scene->begun, 1));
    assert_int_equal(mp_lock_acquire(scene->lock, 0), -ETIMEDOUT);
    int64_t begin = support_now_ms();
    assert_int_equal(mp_lock_acquire(scene->lock, 30), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 29);
    support_raise(&scene->go);
    assert_int_equal(mp_lock_acquire(scene->lock, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_int_equal(support_finish(holder), 0);
    scene_free(scene);
}

static void test_a_waiter_gets_it_when_it_is_released(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    scene->timeout_ms = MP_FOREVER;
    assert_int_equal(mp_lock_acquire(scene->lock, MP_FOREVER), 0);
    struct mp_process *waiter = support_start(child_acquire, scene);
    assert_true(support_await(&scene->begun, 1));
    support_await_asleep(waiter);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_int_equal(support_finish(waiter), 0);
    assert_int_equal(scene->result, 0);
    scene_free(scene);
}

static void test_a_handler_does_not_interrupt_it(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    struct mp_process *holder = support_start(child_hold, scene);
    assert_true(support_await(&scene->begun, 1));
    support_alarm_begin(support_interrupt, 1000);
    assert_int_equal(mp_lock_acquire(scene->lock, 50), -ETIMEDOUT);
    support_raise(&scene->go);
    assert_int_equal(mp_lock_acquire(scene->lock, SUPPORT_LONG_MS), 0);
    support_alarm_end();
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_int_equal(support_finish(holder), 0);
    scene_free(scene);
}

enum { ROUNDS = 20000, ADDERS = 4 };

static int child_add(void *arg)
{
    struct scene *scene = arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (mp_lock_acquire(scene->lock, MP_FOREVER) != 0)
            return 2;
        scene->total++;
        if (mp_lock_release(scene->lock) != 0)
            return 3;
    }
    return 0;
}

static void test_no_addition_of_several_processes_is_lost(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    struct mp_process *adders[ADDERS];
    for (int i = 0; i < ADDERS; i++)
        adders[i] = support_start(child_add, scene);
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(support_finish(adders[i]), 0);
    assert_int_equal(scene->total, ADDERS * ROUNDS);
    scene_free(scene);
}

static void *thread_add(void *arg)
{
    return child_add(arg) == 0 ? arg : NULL;
}

static void test_no_addition_of_several_threads_is_lost(void **state)
{
    (void)state;
    struct scene *scene = scene_create(true);
    pthread_t threads[ADDERS];
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_add, scene), 0);
    for (int i = 0; i < ADDERS; i++) {
        void *done;
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_ptr_equal(done, scene);
    }
    assert_int_equal(scene->total, ADDERS * ROUNDS);
    scene_free(scene);
}

/* ---- A holder's death ----------------------------------------------------------------------- */

static void test_a_dead_holder_is_told_once(void **state)
{
    (void)state;
    for (int recursive = 0; recursive < 2; recursive++) {
        struct scene *scene = scene_create(recursive);
        struct mp_process *holder = support_start(child_hold, scene);
        assert_true(support_await(&scene->begun, 1));
        support_kill(holder);
        assert_int_equal(mp_lock_acquire(scene->lock, MP_FOREVER), MP_OWNERDEAD);
        assert_int_equal(mp_lock_release(scene->lock), 0);
        assert_int_equal(acquire_elsewhere(scene, 0), 0);
        scene_free(scene);
    }
}

static void test_a_waiter_is_woken_by_the_holders_death(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    struct mp_process *holder = support_start(child_hold, scene);
    assert_true(support_await(&scene->begun, 1));
    scene->timeout_ms = MP_FOREVER;
    struct mp_process *waiter = support_start(child_acquire, scene);
    assert_true(support_await(&scene->begun, 2));
    support_await_asleep(waiter);
    support_kill(holder);
    assert_int_equal(support_finish(waiter), 0);
    assert_int_equal(scene->result, MP_OWNERDEAD);
    scene_free(scene);
}

static void test_a_holder_that_exits_counts_as_dead(void **state)
{
    (void)state;
    struct scene *scene = scene_create(true);
    assert_int_equal(mp_lock_acquire(scene->lock, 0), 0);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    struct mp_process *holder = support_start(child_hold, scene);
    assert_true(support_await(&scene->begun, 1));
    assert_int_equal(mp_process_signal(holder, SIGTERM), 0);
    assert_int_equal(support_finish(holder), -SIGTERM);
    assert_int_equal(mp_lock_acquire(scene->lock, 0), MP_OWNERDEAD);
    assert_int_equal(mp_lock_acquire(scene->lock, 0), 0); /* recursive still */
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_int_equal(mp_lock_release(scene->lock), MP_ENOTOWNER);
    scene_free(scene);
}

static void test_free_takes_null(void **state)
{
    (void)state;
    mp_lock_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_acquire_twice_is_a_deadlock_told),
        SUPPORT_TEST(test_a_recursive_lock_is_released_as_often),
        SUPPORT_TEST(test_release_is_the_holders_only),
        SUPPORT_TEST(test_acquire_waits_no_longer_than_its_timeout),
        SUPPORT_TEST(test_a_waiter_gets_it_when_it_is_released),
        SUPPORT_TEST(test_a_handler_does_not_interrupt_it),
        SUPPORT_TEST(test_no_addition_of_several_processes_is_lost),
        SUPPORT_TEST(test_no_addition_of_several_threads_is_lost),
        SUPPORT_TEST(test_a_dead_holder_is_told_once),
        SUPPORT_TEST(test_a_waiter_is_woken_by_the_holders_death),
        SUPPORT_TEST(test_a_holder_that_exits_counts_as_dead),
        SUPPORT_TEST(test_free_takes_null),
    };
    return cmocka_run_group_tests_name("mproc/lock", tests, NULL, NULL);
}
