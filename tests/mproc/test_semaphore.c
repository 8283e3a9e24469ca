/* semaphore: never more permits than there are, and those of the dead come back. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

struct scene {
    struct mp_semaphore *semaphore;
    struct support_flag begun;
    struct support_flag go;
    _Atomic int inside;
    _Atomic int most;
    int timeout_ms;
    int result;
};

static struct scene *scene_create(unsigned value, unsigned max)
{
    struct scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_semaphore_create(value, max, &scene->semaphore), 0);
    scene->timeout_ms = MP_FOREVER;
    return scene;
}

static void scene_free(struct scene *scene)
{
    mp_semaphore_free(scene->semaphore);
    support_unshare(scene, sizeof *scene);
}

static int child_acquire(void *arg)
{
    struct scene *scene = arg;
    support_raise(&scene->begun);
    scene->result = mp_semaphore_acquire(scene->semaphore, scene->timeout_ms);
    return 0;
}

static int child_acquire_and_wait(void *arg)
{
    struct scene *scene = arg;
    if (mp_semaphore_acquire(scene->semaphore, MP_FOREVER) != 0)
        return 2;
    support_raise(&scene->begun);
    return !support_await(&scene->go, 1);
}

static int child_release(void *arg)
{
    struct scene *scene = arg;
    scene->result = mp_semaphore_release(scene->semaphore);
    return 0;
}

static void test_permits_are_counted(void **state)
{
    (void)state;
    struct scene *scene = scene_create(2, 2);
    assert_int_equal(mp_semaphore_value(scene->semaphore), 2);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 0), 0);
    assert_int_equal(mp_semaphore_value(scene->semaphore), 1);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, MP_FOREVER), 0);
    assert_int_equal(mp_semaphore_value(scene->semaphore), 0);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 0), -ETIMEDOUT);
    assert_int_equal(mp_semaphore_release(scene->semaphore), 0);
    assert_int_equal(mp_semaphore_release(scene->semaphore), 0);
    assert_int_equal(mp_semaphore_value(scene->semaphore), 2);
    scene_free(scene);
    mp_semaphore_free(NULL);
}

static void test_no_more_are_released_than_there_are(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1, 3);
    assert_int_equal(mp_semaphore_release(scene->semaphore), 0); /* new ones */
    assert_int_equal(mp_semaphore_release(scene->semaphore), 0);
    assert_int_equal(mp_semaphore_value(scene->semaphore), 3);
    assert_int_equal(mp_semaphore_release(scene->semaphore), -EOVERFLOW);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 0), 0);
    assert_int_equal(mp_semaphore_release(scene->semaphore), 0);
    assert_int_equal(mp_semaphore_release(scene->semaphore), -EOVERFLOW);
    scene_free(scene);
}

static void test_impossible_numbers_are_refused(void **state)
{
    (void)state;
    struct mp_semaphore *semaphore = NULL;
    assert_int_equal(mp_semaphore_create(0, 0, &semaphore), -EINVAL);
    assert_int_equal(mp_semaphore_create(2, 1, &semaphore), -EINVAL);
    assert_int_equal(mp_semaphore_create(1, MP_PERMITS_MAX + 1, &semaphore), -EINVAL);
    assert_null(semaphore);
    assert_int_equal(mp_semaphore_create(MP_PERMITS_MAX, MP_PERMITS_MAX, &semaphore), 0);
    for (int i = 0; i < MP_PERMITS_MAX; i++)
        assert_int_equal(mp_semaphore_acquire(semaphore, 0), 0);
    assert_int_equal(mp_semaphore_acquire(semaphore, 0), -ETIMEDOUT);
    mp_semaphore_free(semaphore);
}

static void test_another_may_release(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1, 1);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 0), 0);
    assert_int_equal(support_finish(support_start(child_release, scene)), 0);
    assert_int_equal(scene->result, 0);
    assert_int_equal(mp_semaphore_value(scene->semaphore), 1);
    scene_free(scene);
}

static void test_acquire_ends_with_its_timeout(void **state)
{
    (void)state;
    struct scene *scene = scene_create(0, 1);
    int64_t begin = support_now_ms();
    support_alarm_begin(support_interrupt, 1000);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 30), -ETIMEDOUT);
    support_alarm_end();
    assert_true(support_now_ms() - begin >= 29);
    scene_free(scene);
}

static void test_each_release_lets_one_of_those_who_wait_go(void **state)
{
    (void)state;
    enum { WAITERS = 4 };
    struct scene *scene = scene_create(0, WAITERS);
    struct mp_process *waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = support_start(child_acquire_and_wait, scene);
    for (int i = 0; i < WAITERS; i++)
        support_await_asleep(waiters[i]);
    for (uint32_t i = 1; i <= WAITERS; i++) {
        assert_int_equal(mp_semaphore_release(scene->semaphore), 0);
        assert_true(support_await(&scene->begun, i));
        assert_int_equal(mp_semaphore_value(scene->semaphore), 0);
    }
    support_raise(&scene->go);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(support_finish(waiters[i]), 0);
    scene_free(scene);
}

static void test_a_dead_holders_permits_come_back(void **state)
{
    (void)state;
    for (int waiting = 0; waiting < 2; waiting++) {
        struct scene *scene = scene_create(1, 1);
        struct mp_process *holder = support_start(child_acquire_and_wait, scene);
        assert_true(support_await(&scene->begun, 1));
        assert_int_equal(mp_semaphore_acquire(scene->semaphore, 0), -ETIMEDOUT);
        struct mp_process *waiter = waiting ? support_start(child_acquire, scene) : NULL;
        if (waiter)
            support_await_asleep(waiter);
        support_kill(holder);
        int64_t begin = support_now_ms();
        if (waiter)
            assert_int_equal(support_finish(waiter), 0); /* and dies with it, in its turn */
        else
            while (mp_semaphore_value(scene->semaphore) == 0)
                assert_true(support_now_ms() - begin < SUPPORT_LONG_MS);
        assert_int_equal(mp_semaphore_acquire(scene->semaphore, SUPPORT_LONG_MS), 0);
        assert_int_equal(scene->result, 0);
        scene_free(scene);
    }
}

static void test_a_new_permit_of_the_living_is_kept(void **state)
{
    (void)state;
    struct scene *scene = scene_create(2, 2);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 0), 0);
    assert_int_equal(support_finish(support_start(child_acquire, scene)), 0);
    /* One is back, the other is still this process's. */
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 250), -ETIMEDOUT);
    scene_free(scene);
}

enum { ROUNDS = 2000, USERS = 5, PERMITS = 2 };

static int child_use(void *arg)
{
    struct scene *scene = arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (mp_semaphore_acquire(scene->semaphore, MP_FOREVER) != 0)
            return 2;
        int inside = atomic_fetch_add(&scene->inside, 1) + 1, most = scene->most;
        while (inside > most && !atomic_compare_exchange_weak(&scene->most, &most, inside))
            ;
        atomic_fetch_sub(&scene->inside, 1);
        if (mp_semaphore_release(scene->semaphore) != 0)
            return 3;
    }
    return 0;
}

static void test_never_more_are_inside_than_permitted(void **state)
{
    (void)state;
    struct scene *scene = scene_create(PERMITS, PERMITS);
    struct mp_process *users[USERS];
    for (int i = 0; i < USERS; i++)
        users[i] = support_start(child_use, scene);
    for (int i = 0; i < USERS; i++)
        assert_int_equal(support_finish(users[i]), 0);
    assert_true(scene->most >= 1 && scene->most <= PERMITS);
    assert_int_equal(mp_semaphore_value(scene->semaphore), PERMITS);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_permits_are_counted),
        SUPPORT_TEST(test_no_more_are_released_than_there_are),
        SUPPORT_TEST(test_impossible_numbers_are_refused),
        SUPPORT_TEST(test_another_may_release),
        SUPPORT_TEST(test_acquire_ends_with_its_timeout),
        SUPPORT_TEST(test_each_release_lets_one_of_those_who_wait_go),
        SUPPORT_TEST(test_a_dead_holders_permits_come_back),
        SUPPORT_TEST(test_a_new_permit_of_the_living_is_kept),
        SUPPORT_TEST(test_never_more_are_inside_than_permitted),
    };
    return cmocka_run_group_tests_name("mproc/semaphore", tests, NULL, NULL);
}
