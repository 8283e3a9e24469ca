/* condition: as many wake as are notified, of those who wait and live. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

struct scene {
    struct mp_condition *condition;
    struct mp_lock *lock;
    struct support_flag begun;
    struct support_flag woken;
    int timeout_ms;
    int result;
    int number; /* what a waiter waits for: at least this much */
    int value;
};

static struct scene *scene_create(bool recursive)
{
    struct scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_condition_create(&scene->condition), 0);
    assert_int_equal(mp_lock_create(recursive, &scene->lock), 0);
    scene->timeout_ms = MP_FOREVER;
    return scene;
}

static void scene_free(struct scene *scene)
{
    mp_condition_free(scene->condition);
    mp_lock_free(scene->lock);
    support_unshare(scene, sizeof *scene);
}

static void locked_notify(struct scene *scene, unsigned count)
{
    assert_int_equal(mp_lock_acquire(scene->lock, MP_FOREVER), 0);
    mp_condition_notify(scene->condition, count);
    assert_int_equal(mp_lock_release(scene->lock), 0);
}

static int child_wait(void *arg)
{
    struct scene *scene = arg;
    if (mp_lock_acquire(scene->lock, MP_FOREVER) != 0)
        return 2;
    support_raise(&scene->begun);
    scene->result = mp_condition_wait(scene->condition, scene->lock, scene->timeout_ms);
    support_raise(&scene->woken);
    return mp_lock_release(scene->lock) != 0;
}

/* Starts one and returns when it waits: the lock is free again then. */
static struct mp_process *waiter_start(struct scene *scene)
{
    uint32_t begun = scene->begun.value;
    struct mp_process *waiter = support_start(child_wait, scene);
    assert_true(support_await(&scene->begun, begun + 1));
    assert_int_equal(mp_lock_acquire(scene->lock, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    return waiter;
}

static void test_notify_wakes_two_then_four_then_nobody(void **state)
{
    (void)state;
    enum { WAITERS = 6 };
    struct scene *scene = scene_create(false);
    struct mp_process *waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = waiter_start(scene);
    locked_notify(scene, 2);
    assert_int_equal(support_finish(waiters[0]), 0); /* who has waited longest */
    assert_int_equal(support_finish(waiters[1]), 0);
    assert_int_equal(scene->woken.value, 2);
    locked_notify(scene, 4);
    for (int i = 2; i < WAITERS; i++)
        assert_int_equal(support_finish(waiters[i]), 0);
    locked_notify(scene, 3);
    assert_int_equal(scene->woken.value, WAITERS);
    scene->timeout_ms = 20; /* what came too early is not kept for later */
    assert_int_equal(support_finish(waiter_start(scene)), 0);
    assert_int_equal(scene->result, -ETIMEDOUT);
    scene_free(scene);
}

static void test_notify_all_wakes_all(void **state)
{
    (void)state;
    enum { WAITERS = 5 };
    struct scene *scene = scene_create(true);
    struct mp_process *waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = waiter_start(scene);
    assert_int_equal(mp_lock_acquire(scene->lock, MP_FOREVER), 0);
    mp_condition_notify_all(scene->condition);
    assert_int_equal(scene->woken.value, 0); /* the lock is held here */
    assert_int_equal(mp_lock_release(scene->lock), 0);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(support_finish(waiters[i]), 0);
    assert_int_equal(scene->result, 0);
    mp_condition_notify_all(scene->condition);
    scene_free(scene);
    mp_condition_free(NULL);
}

static void test_wait_ends_with_its_timeout_and_the_lock(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    assert_int_equal(mp_lock_acquire(scene->lock, 0), 0);
    assert_int_equal(mp_condition_wait(scene->condition, scene->lock, 0), -ETIMEDOUT);
    int64_t begin = support_now_ms();
    support_alarm_begin(support_interrupt, 1000);
    assert_int_equal(mp_condition_wait(scene->condition, scene->lock, 30), -ETIMEDOUT);
    support_alarm_end();
    assert_true(support_now_ms() - begin >= 29);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    scene_free(scene);
}

static void test_a_lock_not_held_or_held_twice_is_refused(void **state)
{
    (void)state;
    struct scene *scene = scene_create(true);
    struct mp_process *waiter;
    assert_int_equal(mp_condition_wait(scene->condition, scene->lock, 0), MP_ENOTOWNER);
    assert_int_equal(mp_lock_acquire(scene->lock, 0), 0);
    assert_int_equal(mp_lock_acquire(scene->lock, 0), 0);
    assert_int_equal(mp_condition_wait(scene->condition, scene->lock, 0), -EINVAL);
    assert_int_equal(mp_lock_release(scene->lock), 0); /* held twice still */
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_int_equal(mp_lock_release(scene->lock), MP_ENOTOWNER);
    waiter = waiter_start(scene); /* and none of that has taken a seat */
    locked_notify(scene, 1);
    assert_int_equal(support_finish(waiter), 0);
    scene_free(scene);
}

static void test_a_dead_waiter_is_not_counted(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    struct mp_process *dead = waiter_start(scene), *second = waiter_start(scene);
    struct mp_process *living = waiter_start(scene);
    support_kill(dead);
    support_kill(second);
    locked_notify(scene, 1);
    assert_int_equal(support_finish(living), 0);
    assert_int_equal(scene->result, 0);
    scene_free(scene);
}

static int child_die_with_lock(void *arg)
{
    struct scene *scene = arg;
    int error = mp_lock_acquire(scene->lock, MP_FOREVER);
    mp_condition_notify(scene->condition, 1);
    return error;
}

static void test_a_notifiers_death_is_told_with_the_lock(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    struct mp_process *waiter = waiter_start(scene);
    assert_int_equal(support_finish(support_start(child_die_with_lock, scene)), 0);
    assert_int_equal(support_finish(waiter), 0);
    assert_int_equal(scene->result, MP_OWNERDEAD);
    scene_free(scene);
}

static void test_seats_of_the_dead_are_used_again(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    for (int i = 0; i < 50; i++) {
        struct mp_process *waiter = waiter_start(scene);
        if (i % 2)
            locked_notify(scene, 1);
        else
            support_kill(waiter);
        if (i % 2)
            assert_int_equal(support_finish(waiter), 0);
    }
    scene_free(scene);
}

/* ---- As users use it ------------------------------------------------------------------------ */

enum { STEPS = 2000 };

/* Takes turns with the other: raises the value whenever it has this one's parity. */
static int child_take_turns(void *arg)
{
    struct scene *scene = arg;
    if (mp_lock_acquire(scene->lock, MP_FOREVER) != 0)
        return 2;
    int parity = scene->number++;
    while (scene->value < STEPS) {
        if (scene->value % 2 == parity) {
            scene->value++;
            mp_condition_notify(scene->condition, 1);
        } else if (mp_condition_wait(scene->condition, scene->lock, SUPPORT_LONG_MS) != 0) {
            return 3;
        }
    }
    return mp_lock_release(scene->lock) != 0;
}

static void test_two_processes_take_turns(void **state)
{
    (void)state;
    struct scene *scene = scene_create(false);
    struct mp_process *one = support_start(child_take_turns, scene);
    struct mp_process *other = support_start(child_take_turns, scene);
    assert_int_equal(support_finish(one), 0);
    assert_int_equal(support_finish(other), 0);
    assert_int_equal(scene->value, STEPS);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_notify_wakes_two_then_four_then_nobody),
        SUPPORT_TEST(test_notify_all_wakes_all),
        SUPPORT_TEST(test_wait_ends_with_its_timeout_and_the_lock),
        SUPPORT_TEST(test_a_lock_not_held_or_held_twice_is_refused),
        SUPPORT_TEST(test_a_dead_waiter_is_not_counted),
        SUPPORT_TEST(test_a_notifiers_death_is_told_with_the_lock),
        SUPPORT_TEST(test_seats_of_the_dead_are_used_again),
        SUPPORT_TEST(test_two_processes_take_turns),
    };
    return cmocka_run_group_tests_name("mproc/condition", tests, NULL, NULL);
}
