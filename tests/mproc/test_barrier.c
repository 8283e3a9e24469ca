/* barrier: all or none of a round go on, each with a number of its own, also when one dies. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { PARTIES = 10, ROUNDS_MAX = 1000 };

struct scene {
    struct mp_barrier *barrier;
    struct support_flag begun;
    int timeout_ms;
    int rounds;
    _Atomic unsigned arrived;     /* of all rounds */
    _Atomic unsigned zeros;       /* how often 0 was returned */
    _Atomic unsigned numbers;     /* the sum of what was returned */
    _Atomic unsigned bad;         /* returned before all had come */
    _Atomic int results[PARTIES]; /* of one wait each */
    _Atomic unsigned next;
};

static struct scene *scene_create(unsigned parties)
{
    struct scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_barrier_create(parties, &scene->barrier), 0);
    scene->timeout_ms = SUPPORT_LONG_MS;
    return scene;
}

static void scene_free(struct scene *scene)
{
    mp_barrier_free(scene->barrier);
    support_unshare(scene, sizeof *scene);
}

static int child_wait(void *arg)
{
    struct scene *scene = arg;
    unsigned me = scene->next++;
    support_raise(&scene->begun);
    scene->results[me] = mp_barrier_wait(scene->barrier, scene->timeout_ms);
    return 0;
}

/* Starts so many that wait, and returns when all do. */
static void waiters_start(struct scene *scene, struct mp_process **ret, unsigned count)
{
    unsigned before = mp_barrier_waiting(scene->barrier);
    for (unsigned i = 0; i < count; i++)
        ret[i] = support_start(child_wait, scene);
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    while (mp_barrier_waiting(scene->barrier) < before + count)
        assert_true(support_now_ms() < deadline);
}

static void waiters_finish(struct scene *scene, struct mp_process **waiters, unsigned count,
                           int result)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(support_finish(waiters[i]), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(scene->results[i], result);
    scene->next = 0;
}

/* ---- Rounds --------------------------------------------------------------------------------- */

static int child_go_round(void *arg)
{
    struct scene *scene = arg;
    for (int i = 1; i <= scene->rounds; i++) {
        scene->arrived++;
        int number = mp_barrier_wait(scene->barrier, scene->timeout_ms);
        if (number < 0)
            return 2;
        scene->bad += scene->arrived < (unsigned)i * PARTIES;
        scene->zeros += number == 0;
        scene->numbers += (unsigned)number;
    }
    return 0;
}

static void go_round(int rounds)
{
    struct scene *scene = scene_create(PARTIES);
    struct mp_process *parties[PARTIES];
    scene->rounds = rounds;
    for (int i = 0; i < PARTIES; i++)
        parties[i] = support_start(child_go_round, scene);
    for (int i = 0; i < PARTIES; i++)
        assert_int_equal(support_finish(parties[i]), 0);
    assert_int_equal(scene->bad, 0);
    assert_int_equal(scene->zeros, rounds);
    assert_int_equal(scene->numbers, rounds * PARTIES * (PARTIES - 1) / 2);
    assert_int_equal(mp_barrier_waiting(scene->barrier), 0);
    scene_free(scene);
}

static void test_ten_go_on_together_and_one_has_zero(void **state)
{
    (void)state;
    go_round(1);
}

static void test_a_thousand_rounds(void **state)
{
    (void)state;
    go_round(ROUNDS_MAX);
}

static void test_a_single_party_never_waits(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(mp_barrier_wait(scene->barrier, 0), 0);
    scene_free(scene);
    mp_barrier_free(NULL);
}

static void test_impossible_numbers_are_refused(void **state)
{
    (void)state;
    struct mp_barrier *barrier = NULL;
    assert_int_equal(mp_barrier_create(0, &barrier), -EINVAL);
    assert_int_equal(mp_barrier_create(MP_PARTIES_MAX + 1, &barrier), -EINVAL);
    assert_null(barrier);
}

static void test_a_handler_does_not_interrupt_a_wait(void **state)
{
    (void)state;
    struct scene *scene = scene_create(2);
    support_alarm_begin(support_interrupt, 1000);
    assert_int_equal(mp_barrier_wait(scene->barrier, 30), -ETIMEDOUT);
    support_alarm_end();
    scene_free(scene);
}

/* ---- Breaking ------------------------------------------------------------------------------- */

static void test_abort_breaks_it_for_all(void **state)
{
    (void)state;
    struct scene *scene = scene_create(PARTIES);
    struct mp_process *waiters[PARTIES];
    waiters_start(scene, waiters, 3);
    mp_barrier_abort(scene->barrier);
    waiters_finish(scene, waiters, 3, -ECONNABORTED);
    assert_true(mp_barrier_is_broken(scene->barrier));
    assert_int_equal(mp_barrier_waiting(scene->barrier), 0);
    assert_int_equal(mp_barrier_wait(scene->barrier, MP_FOREVER), -ECONNABORTED);
    scene_free(scene);
}

static void test_a_timeout_breaks_it_for_the_others(void **state)
{
    (void)state;
    struct scene *scene = scene_create(PARTIES);
    struct mp_process *waiters[PARTIES];
    waiters_start(scene, waiters, 4);
    int64_t begin = support_now_ms();
    assert_int_equal(mp_barrier_wait(scene->barrier, 30), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 29);
    waiters_finish(scene, waiters, 4, -ECONNABORTED);
    assert_true(mp_barrier_is_broken(scene->barrier));
    mp_barrier_reset(scene->barrier);
    assert_int_equal(mp_barrier_wait(scene->barrier, 0), -ETIMEDOUT);
    scene_free(scene);
}

static void test_reset_sends_away_who_waits(void **state)
{
    (void)state;
    struct scene *scene = scene_create(3);
    struct mp_process *waiters[PARTIES];
    for (int i = 0; i < 4; i++) {
        waiters_start(scene, waiters, 2);
        mp_barrier_reset(scene->barrier);
        waiters_finish(scene, waiters, 2, -ECONNABORTED);
        assert_false(mp_barrier_is_broken(scene->barrier));
        assert_int_equal(mp_barrier_waiting(scene->barrier), 0);
    }
    waiters_start(scene, waiters, 2); /* and it works as before */
    assert_int_equal(mp_barrier_wait(scene->barrier, SUPPORT_LONG_MS), 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(support_finish(waiters[i]), 0);
    assert_int_equal(scene->results[0] + scene->results[1], 1);
    scene_free(scene);
}

static void test_after_abort_and_reset_it_works_again(void **state)
{
    (void)state;
    struct scene *scene = scene_create(2);
    struct mp_process *waiter;
    for (int i = 0; i < 10; i++) {
        waiters_start(scene, &waiter, 1);
        mp_barrier_abort(scene->barrier);
        waiters_finish(scene, &waiter, 1, -ECONNABORTED);
        mp_barrier_abort(scene->barrier);
        mp_barrier_reset(scene->barrier);
        assert_false(mp_barrier_is_broken(scene->barrier));
        mp_barrier_reset(scene->barrier);
        waiters_start(scene, &waiter, 1);
        assert_int_equal(mp_barrier_wait(scene->barrier, SUPPORT_LONG_MS), 1);
        waiters_finish(scene, &waiter, 1, 0);
    }
    scene_free(scene);
}

static void test_a_party_that_dies_breaks_it(void **state)
{
    (void)state;
    struct scene *scene = scene_create(PARTIES);
    struct mp_process *waiters[PARTIES], *dead;
    waiters_start(scene, waiters, 3);
    waiters_start(scene, &dead, 1);
    support_kill(dead);
    waiters_finish(scene, waiters, 3, -ECONNABORTED);
    assert_true(mp_barrier_is_broken(scene->barrier));
    mp_barrier_reset(scene->barrier);
    waiters_start(scene, &dead, 1); /* also when nobody else waits: whoever looks sees it */
    support_kill(dead);
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    while (!mp_barrier_is_broken(scene->barrier))
        assert_true(support_now_ms() < deadline);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_ten_go_on_together_and_one_has_zero),
        SUPPORT_TEST(test_a_thousand_rounds),
        SUPPORT_TEST(test_a_single_party_never_waits),
        SUPPORT_TEST(test_impossible_numbers_are_refused),
        SUPPORT_TEST(test_a_handler_does_not_interrupt_a_wait),
        SUPPORT_TEST(test_abort_breaks_it_for_all),
        SUPPORT_TEST(test_a_timeout_breaks_it_for_the_others),
        SUPPORT_TEST(test_reset_sends_away_who_waits),
        SUPPORT_TEST(test_after_abort_and_reset_it_works_again),
        SUPPORT_TEST(test_a_party_that_dies_breaks_it),
    };
    return cmocka_run_group_tests_name("mproc/barrier", tests, NULL, NULL);
}
