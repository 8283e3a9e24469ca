/* event: set wakes everybody, from a signal handler too; who waited saw it even if it is cleared.
 */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

struct scene {
    struct mp_event *event;
    struct support_flag begun;
    struct support_flag woken;
};

static struct scene *scene_create(void)
{
    struct scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_event_create(&scene->event), 0);
    return scene;
}

static void scene_free(struct scene *scene)
{
    mp_event_free(scene->event);
    support_unshare(scene, sizeof *scene);
}

static int child_wait(void *arg)
{
    struct scene *scene = arg;
    support_raise(&scene->begun);
    int error = mp_event_wait(scene->event, MP_FOREVER);
    support_raise(&scene->woken);
    return error != 0;
}

static void test_an_event_is_set_and_cleared(void **state)
{
    (void)state;
    struct scene *scene = scene_create();
    assert_false(mp_event_is_set(scene->event));
    assert_int_equal(mp_event_wait(scene->event, 0), -ETIMEDOUT);
    for (int i = 0; i < 3; i++) {
        mp_event_set(scene->event);
        mp_event_set(scene->event);
        assert_true(mp_event_is_set(scene->event));
        assert_int_equal(mp_event_wait(scene->event, 0), 0);
        assert_int_equal(mp_event_wait(scene->event, MP_FOREVER), 0);
        mp_event_clear(scene->event);
        mp_event_clear(scene->event);
        assert_false(mp_event_is_set(scene->event));
        assert_int_equal(mp_event_wait(scene->event, 0), -ETIMEDOUT);
    }
    scene_free(scene);
    mp_event_free(NULL);
}

static void test_wait_ends_with_its_timeout(void **state)
{
    (void)state;
    struct scene *scene = scene_create();
    int64_t begin = support_now_ms();
    assert_int_equal(mp_event_wait(scene->event, 30), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 29);
    scene_free(scene);
}

static void test_set_wakes_all_who_wait(void **state)
{
    (void)state;
    enum { WAITERS = 5 };
    struct scene *scene = scene_create();
    struct mp_process *waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = support_start(child_wait, scene);
    assert_true(support_await(&scene->begun, WAITERS));
    for (int i = 0; i < WAITERS; i++)
        support_await_asleep(waiters[i]);
    mp_event_set(scene->event);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(support_finish(waiters[i]), 0);
    scene_free(scene);
}

static void test_a_set_is_seen_though_it_is_cleared_at_once(void **state)
{
    (void)state;
    struct scene *scene = scene_create();
    for (int i = 0; i < 50; i++) {
        struct mp_process *waiter = support_start(child_wait, scene);
        assert_true(support_await(&scene->begun, (uint32_t)i + 1));
        support_await_asleep(waiter);
        mp_event_set(scene->event);
        mp_event_clear(scene->event);
        assert_int_equal(support_finish(waiter), 0);
    }
    scene_free(scene);
}

static void test_a_handler_interrupts_a_wait(void **state)
{
    (void)state;
    struct scene *scene = scene_create();
    support_alarm_begin(support_interrupt, 2000);
    assert_int_equal(mp_event_wait(scene->event, MP_FOREVER), -EINTR);
    support_alarm_end();
    scene_free(scene);
}

static struct mp_event *handlers_event;

static void set_in_handler(int signo)
{
    (void)signo;
    mp_event_set(handlers_event);
}

static void test_a_handler_can_set_it_while_it_is_being_set(void **state)
{
    (void)state;
    struct scene *scene = scene_create();
    handlers_event = scene->event;
    support_alarm_begin(set_in_handler, 100);
    for (int i = 0; i < 100000; i++) {
        errno = 77;
        mp_event_set(scene->event);
        assert_int_equal(errno, 77);
        mp_event_clear(scene->event);
    }
    support_alarm_end();
    mp_event_clear(scene->event);
    assert_false(mp_event_is_set(scene->event));
    scene_free(scene);
}

static void test_a_set_in_a_handler_ends_the_wait_that_it_interrupts(void **state)
{
    (void)state;
    struct scene *scene = scene_create();
    handlers_event = scene->event;
    support_alarm_begin(set_in_handler, 2000);
    assert_int_equal(mp_event_wait(scene->event, MP_FOREVER), 0);
    support_alarm_end();
    scene_free(scene);
}

static void test_a_dead_waiter_is_nobodys_concern(void **state)
{
    (void)state;
    struct scene *scene = scene_create();
    struct mp_process *dead = support_start(child_wait, scene);
    struct mp_process *waiter = support_start(child_wait, scene);
    assert_true(support_await(&scene->begun, 2));
    support_await_asleep(dead);
    support_kill(dead);
    mp_event_set(scene->event);
    assert_int_equal(support_finish(waiter), 0);
    assert_int_equal(scene->woken.value, 1);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_an_event_is_set_and_cleared),
        SUPPORT_TEST(test_wait_ends_with_its_timeout),
        SUPPORT_TEST(test_set_wakes_all_who_wait),
        SUPPORT_TEST(test_a_set_is_seen_though_it_is_cleared_at_once),
        SUPPORT_TEST(test_a_handler_interrupts_a_wait),
        SUPPORT_TEST(test_a_handler_can_set_it_while_it_is_being_set),
        SUPPORT_TEST(test_a_set_in_a_handler_ends_the_wait_that_it_interrupts),
        SUPPORT_TEST(test_a_dead_waiter_is_nobodys_concern),
    };
    return cmocka_run_group_tests_name("mproc/event", tests, NULL, NULL);
}
