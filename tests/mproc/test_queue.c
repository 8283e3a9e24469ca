/* queue: bounded, first in first out, whole items, for any number of processes on either side. */
#include "support/mproc.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAPACITY = 3, ITEM_MAX = 100 };

struct scene {
    struct mp_queue *queue;
    struct support_flag begun;
    struct support_flag go;
    int timeout_ms;
    int result;
};

static struct scene *scene_create(size_t capacity, size_t item_max)
{
    struct scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_queue_create(capacity, item_max, &scene->queue), 0);
    scene->timeout_ms = MP_FOREVER;
    return scene;
}

static void scene_free(struct scene *scene)
{
    mp_queue_free(scene->queue);
    support_unshare(scene, sizeof *scene);
}

static void put(struct scene *scene, const char *text)
{
    assert_int_equal(mp_queue_put(scene->queue, text, strlen(text) + 1, 0), 0);
}

static void expect(struct scene *scene, const char *text)
{
    char got[ITEM_MAX];
    size_t size = 0;
    assert_int_equal(mp_queue_get(scene->queue, got, sizeof got, 0, &size), 0);
    assert_int_equal(size, strlen(text) + 1);
    assert_string_equal(got, text);
}

static int child_put(void *arg)
{
    struct scene *scene = arg;
    support_raise(&scene->begun);
    scene->result = mp_queue_put(scene->queue, "child", 6, scene->timeout_ms);
    return 0;
}

static int child_get(void *arg)
{
    struct scene *scene = arg;
    char got[ITEM_MAX];
    support_raise(&scene->begun);
    scene->result = mp_queue_get(scene->queue, got, sizeof got, scene->timeout_ms, NULL);
    return scene->result == 0 && strcmp(got, "parent") != 0;
}

/* ---- What it holds -------------------------------------------------------------------------- */

static void test_items_come_out_in_order_and_whole(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    for (int round = 0; round < 10; round++) {
        put(scene, "one");
        put(scene, "");
        expect(scene, "one");
        put(scene, "a somewhat longer one");
        expect(scene, "");
        expect(scene, "a somewhat longer one");
    }
    scene_free(scene);
    mp_queue_free(NULL);
}

static void test_an_empty_item_and_the_largest_are_items(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    char large[ITEM_MAX + 1], got[ITEM_MAX];
    memset(large, 'x', sizeof large);
    size_t size = 99;
    assert_int_equal(mp_queue_put(scene->queue, NULL, 0, 0), 0);
    assert_int_equal(mp_queue_put(scene->queue, large, ITEM_MAX, 0), 0);
    assert_int_equal(mp_queue_put(scene->queue, large, ITEM_MAX + 1, 0), -EMSGSIZE);
    assert_int_equal(mp_queue_get(scene->queue, NULL, 0, 0, &size), 0);
    assert_int_equal(size, 0);
    assert_int_equal(mp_queue_get(scene->queue, got, sizeof got, 0, &size), 0);
    assert_int_equal(size, ITEM_MAX);
    assert_memory_equal(got, large, ITEM_MAX);
    assert_true(mp_queue_empty(scene->queue));
    scene_free(scene);
}

static void test_impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct mp_queue *queue = NULL;
    assert_int_equal(mp_queue_create(0, 8, &queue), -EINVAL);
    assert_int_equal(mp_queue_create(8, 0, &queue), -EINVAL);
    assert_int_equal(mp_queue_create(8, SIZE_MAX, &queue), -EINVAL);
    assert_int_equal(mp_queue_create(SIZE_MAX / 8, 64, &queue), -EINVAL);
    assert_int_equal(mp_queue_create((size_t)1 << 50, 64, &queue), -ENOMEM);
    assert_null(queue);
}

static void test_too_large_an_item_stays_and_tells_its_size(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    char little[4] = "abc";
    size_t size = 0;
    put(scene, "larger");
    assert_int_equal(mp_queue_get(scene->queue, little, sizeof little, 0, &size), -EMSGSIZE);
    assert_int_equal(size, 7);
    assert_string_equal(little, "abc");
    assert_int_equal(mp_queue_length(scene->queue), 1);
    expect(scene, "larger");
    scene_free(scene);
}

static void test_its_capacity_is_exact(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    for (int i = 0; i < CAPACITY; i++) {
        assert_false(mp_queue_full(scene->queue));
        assert_int_equal(mp_queue_length(scene->queue), i);
        put(scene, "item");
        assert_false(mp_queue_empty(scene->queue));
    }
    assert_true(mp_queue_full(scene->queue));
    assert_int_equal(mp_queue_put(scene->queue, "x", 1, 0), -ETIMEDOUT);
    assert_int_equal(mp_queue_length(scene->queue), CAPACITY);
    expect(scene, "item");
    assert_false(mp_queue_full(scene->queue));
    put(scene, "item");
    assert_int_equal(mp_queue_drain(scene->queue), CAPACITY);
    assert_true(mp_queue_empty(scene->queue));
    assert_int_equal(mp_queue_drain(scene->queue), 0);
    scene_free(scene);
}

static void test_memory_is_used_as_it_fills(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1 << 14, 1 << 16); /* a GiB, were it all touched */
    put(scene, "one");
    expect(scene, "one");
    scene_free(scene);
}

/* ---- Waiting -------------------------------------------------------------------------------- */

static void test_waits_end_with_their_timeouts(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1, ITEM_MAX);
    char got[ITEM_MAX];
    assert_int_equal(mp_queue_get(scene->queue, got, sizeof got, 0, NULL), -ETIMEDOUT);
    int64_t begin = support_now_ms();
    assert_int_equal(mp_queue_get(scene->queue, got, sizeof got, 30, NULL), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 29);
    put(scene, "full");
    assert_int_equal(mp_queue_put(scene->queue, "x", 1, 0), -ETIMEDOUT);
    begin = support_now_ms();
    assert_int_equal(mp_queue_put(scene->queue, "x", 1, 30), -ETIMEDOUT);
    assert_true(support_now_ms() - begin >= 29);
    expect(scene, "full");
    scene_free(scene);
}

static void test_get_waits_until_put(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    struct mp_process *child = support_start(child_get, scene);
    assert_true(support_await(&scene->begun, 1));
    support_await_asleep(child);
    put(scene, "parent");
    assert_int_equal(support_finish(child), 0);
    assert_int_equal(scene->result, 0);
    scene_free(scene);
}

static void test_put_waits_until_got(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1, ITEM_MAX);
    put(scene, "first");
    struct mp_process *child = support_start(child_put, scene);
    assert_true(support_await(&scene->begun, 1));
    support_await_asleep(child);
    expect(scene, "first");
    assert_int_equal(support_finish(child), 0);
    assert_int_equal(scene->result, 0);
    expect(scene, "child");
    scene_free(scene);
}

static void test_a_handler_interrupts_both_waits(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1, ITEM_MAX);
    char got[ITEM_MAX];
    support_alarm_begin(support_interrupt, 2000);
    assert_int_equal(mp_queue_get(scene->queue, got, sizeof got, MP_FOREVER, NULL), -EINTR);
    put(scene, "full");
    assert_int_equal(mp_queue_put(scene->queue, "x", 1, MP_FOREVER), -EINTR);
    assert_int_equal(mp_queue_join(scene->queue, MP_FOREVER), -EINTR);
    support_alarm_end();
    assert_int_equal(mp_queue_length(scene->queue), 1);
    scene_free(scene);
}

static void test_an_item_put_before_death_is_there(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    assert_int_equal(support_finish(support_start(child_put, scene)), 0);
    expect(scene, "child");
    scene_free(scene);
}

/* ---- Closing -------------------------------------------------------------------------------- */

static void test_a_closed_queue_gives_what_is_in_and_takes_no_more(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    char got[ITEM_MAX];
    put(scene, "last");
    mp_queue_close(scene->queue);
    assert_int_equal(mp_queue_put(scene->queue, "x", 1, MP_FOREVER), -EPIPE);
    expect(scene, "last");
    assert_int_equal(mp_queue_get(scene->queue, got, sizeof got, MP_FOREVER, NULL), -EPIPE);
    assert_int_equal(mp_queue_get(scene->queue, got, sizeof got, 0, NULL), -EPIPE);
    mp_queue_close(scene->queue);
    scene_free(scene);
}

static void test_close_wakes_all_who_wait(void **state)
{
    (void)state;
    enum { WAITERS = 3 };
    for (int full = 0; full < 2; full++) {
        struct scene *scene = scene_create(1, ITEM_MAX);
        struct mp_process *waiters[WAITERS];
        if (full)
            put(scene, "full");
        for (int i = 0; i < WAITERS; i++)
            waiters[i] = support_start(full ? child_put : child_get, scene);
        assert_true(support_await(&scene->begun, WAITERS));
        for (int i = 0; i < WAITERS; i++)
            support_await_asleep(waiters[i]);
        mp_queue_close(scene->queue);
        for (int i = 0; i < WAITERS; i++)
            assert_int_equal(support_finish(waiters[i]), 0);
        assert_int_equal(scene->result, -EPIPE);
        scene_free(scene);
    }
}

/* ---- Joining -------------------------------------------------------------------------------- */

static int child_get_all(void *arg)
{
    struct scene *scene = arg;
    char got[ITEM_MAX];
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}); /* pushes nobody aside */
    support_raise(&scene->begun);
    while (mp_queue_get(scene->queue, got, sizeof got, MP_FOREVER, NULL) == 0)
        ;
    return 0;
}

/* The item wakes one of those who sleep, and before that one has a CPU the queue is closed. */
static void test_close_behind_the_last_item_wakes_all_who_wait(void **state)
{
    (void)state;
    enum { WAITERS = 3, ROUNDS = 5, SOON_MS = 400 };
    bool soon = false; /* on a busy machine not every time */
    cpu_set_t before, one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    for (int round = 0; round < ROUNDS && !soon; round++) {
        struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
        struct mp_process *waiters[WAITERS];
        for (int i = 0; i < WAITERS; i++)
            waiters[i] = support_start(child_get_all, scene);
        assert_true(support_await(&scene->begun, WAITERS));
        for (int i = 0; i < WAITERS; i++)
            support_await_asleep(waiters[i]);
        int64_t closed = support_now_ms();
        put(scene, "last");
        mp_queue_close(scene->queue);
        for (int i = 0; i < WAITERS; i++)
            assert_int_equal(support_finish(waiters[i]), 0);
        soon = support_now_ms() - closed < SOON_MS;
        scene_free(scene);
    }
    sched_setaffinity(0, sizeof before, &before);
    assert_true(soon);
}

static void test_task_done_is_counted_by_item(void **state)
{
    (void)state;
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    assert_int_equal(mp_queue_join(scene->queue, 0), 0);
    assert_int_equal(mp_queue_task_done(scene->queue), -EOVERFLOW);
    put(scene, "a");
    put(scene, "b");
    put(scene, "c");
    expect(scene, "a");
    assert_int_equal(mp_queue_join(scene->queue, 0), -ETIMEDOUT);
    assert_int_equal(mp_queue_task_done(scene->queue), 0);
    assert_int_equal(mp_queue_join(scene->queue, 10), -ETIMEDOUT);
    assert_int_equal(mp_queue_drain(scene->queue), 2);
    assert_int_equal(mp_queue_join(scene->queue, MP_FOREVER), 0);
    assert_int_equal(mp_queue_task_done(scene->queue), -EOVERFLOW);
    scene_free(scene);
}

static int child_work(void *arg)
{
    struct scene *scene = arg;
    char got[ITEM_MAX];
    while (mp_queue_get(scene->queue, got, sizeof got, MP_FOREVER, NULL) == 0)
        if (mp_queue_task_done(scene->queue) != 0)
            return 2;
    return 0;
}

static void test_join_waits_for_the_workers(void **state)
{
    (void)state;
    enum { WORKERS = 3 };
    struct scene *scene = scene_create(CAPACITY, ITEM_MAX);
    struct mp_process *workers[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        workers[i] = support_start(child_work, scene);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 10; i++)
            assert_int_equal(mp_queue_put(scene->queue, "item", 5, SUPPORT_LONG_MS), 0);
        assert_int_equal(mp_queue_join(scene->queue, SUPPORT_LONG_MS), 0);
        assert_true(mp_queue_empty(scene->queue));
    }
    mp_queue_close(scene->queue);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(support_finish(workers[i]), 0);
    scene_free(scene);
}

/* ---- Many on both sides --------------------------------------------------------------------- */

enum { SIDES = 3, EACH = 4000, LARGEST = 64 };

struct crowd {
    struct mp_queue *queue;
    _Atomic unsigned next; /* number of the next producer */
    _Atomic unsigned char seen[SIDES][EACH];
    _Atomic unsigned bad;
};

/* An item: who, which, and as many bytes of `which` as its size leaves. */
static int child_produce(void *arg)
{
    struct crowd *crowd = arg;
    unsigned me = crowd->next++;
    for (unsigned i = 0; i < EACH; i++) {
        unsigned char item[LARGEST];
        size_t size = 8 + i % (LARGEST - 8 + 1);
        memset(item, (int)(i & 255), sizeof item);
        memcpy(item, &me, 4);
        memcpy(item + 4, &i, 4);
        if (mp_queue_put(crowd->queue, item, size, MP_FOREVER) != 0)
            return 2;
    }
    return 0;
}

static bool item_is_whole(const unsigned char *item, size_t size, unsigned which)
{
    bool whole = size == 8 + which % (LARGEST - 8 + 1);
    for (size_t i = 8; i < size; i++)
        whole = whole && item[i] == (which & 255);
    return whole;
}

static int child_consume(void *arg)
{
    struct crowd *crowd = arg;
    unsigned last[SIDES] = {0};
    unsigned char item[LARGEST];
    size_t size;
    while (mp_queue_get(crowd->queue, item, sizeof item, MP_FOREVER, &size) == 0) {
        unsigned who, which;
        memcpy(&who, item, 4);
        memcpy(&which, item + 4, 4);
        if (who >= SIDES || which >= EACH || !item_is_whole(item, size, which) ||
            which + 1 <= last[who]) { /* each producer's in order */
            crowd->bad++;
            continue;
        }
        last[who] = which + 1;
        crowd->seen[who][which]++;
    }
    return 0;
}

static void test_of_many_on_both_sides_every_item_arrives_once(void **state)
{
    (void)state;
    const size_t capacities[] = {1, 7, 256};
    for (int i = 0; i < 3; i++) {
        struct crowd *crowd = support_share(sizeof *crowd);
        assert_int_equal(mp_queue_create(capacities[i], LARGEST, &crowd->queue), 0);
        struct mp_process *producers[SIDES], *consumers[SIDES];
        for (int k = 0; k < SIDES; k++) {
            producers[k] = support_start(child_produce, crowd);
            consumers[k] = support_start(child_consume, crowd);
        }
        for (int k = 0; k < SIDES; k++)
            assert_int_equal(support_finish(producers[k]), 0);
        mp_queue_close(crowd->queue);
        for (int k = 0; k < SIDES; k++)
            assert_int_equal(support_finish(consumers[k]), 0);
        assert_int_equal(crowd->bad, 0);
        for (int k = 0; k < SIDES * EACH; k++)
            assert_int_equal(crowd->seen[k / EACH][k % EACH], 1);
        mp_queue_free(crowd->queue);
        support_unshare(crowd, sizeof *crowd);
    }
}

static void test_in_a_storm_of_signals_no_item_is_lost(void **state)
{
    (void)state;
    struct crowd *crowd = support_share(sizeof *crowd);
    assert_int_equal(mp_queue_create(2, LARGEST, &crowd->queue), 0);
    struct mp_process *producer = support_start(child_produce, crowd);
    unsigned char item[LARGEST];
    size_t size;
    support_alarm_begin(support_interrupt, 100);
    for (unsigned i = 0; i < EACH; i++) {
        int error;
        do {
            error = mp_queue_get(crowd->queue, item, sizeof item, SUPPORT_LONG_MS, &size);
        } while (error == -EINTR);
        unsigned which;
        memcpy(&which, item + 4, 4);
        assert_int_equal(error, 0);
        assert_int_equal(which, i);
        assert_true(item_is_whole(item, size, which));
    }
    support_alarm_end();
    assert_int_equal(support_finish(producer), 0);
    assert_true(mp_queue_empty(crowd->queue));
    mp_queue_free(crowd->queue);
    support_unshare(crowd, sizeof *crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_items_come_out_in_order_and_whole),
        SUPPORT_TEST(test_an_empty_item_and_the_largest_are_items),
        SUPPORT_TEST(test_impossible_sizes_are_refused),
        SUPPORT_TEST(test_too_large_an_item_stays_and_tells_its_size),
        SUPPORT_TEST(test_its_capacity_is_exact),
        SUPPORT_TEST(test_memory_is_used_as_it_fills),
        SUPPORT_TEST(test_waits_end_with_their_timeouts),
        SUPPORT_TEST(test_get_waits_until_put),
        SUPPORT_TEST(test_put_waits_until_got),
        SUPPORT_TEST(test_a_handler_interrupts_both_waits),
        SUPPORT_TEST(test_an_item_put_before_death_is_there),
        SUPPORT_TEST(test_a_closed_queue_gives_what_is_in_and_takes_no_more),
        SUPPORT_TEST(test_close_wakes_all_who_wait),
        SUPPORT_TEST(test_close_behind_the_last_item_wakes_all_who_wait),
        SUPPORT_TEST(test_task_done_is_counted_by_item),
        SUPPORT_TEST(test_join_waits_for_the_workers),
        SUPPORT_TEST(test_of_many_on_both_sides_every_item_arrives_once),
        SUPPORT_TEST(test_in_a_storm_of_signals_no_item_is_lost),
    };
    return cmocka_run_group_tests_name("mproc/queue", tests, NULL, NULL);
}
