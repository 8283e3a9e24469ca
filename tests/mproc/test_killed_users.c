/* Users of each primitive killed at random moments: whoever is left waits no longer than he must,
 * hears of each death at most once, and finds nothing torn, doubled, or lost but what was in the
 * dead one's hands.
 *
 * Environment: KILLS, of each kind; the long form is 10000. */
#include "support/mproc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int kills(void)
{
    const char *given = getenv("KILLS");
    return given ? atoi(given) : 100;
}

/* A random number below `limit`. */
static unsigned random_below(unsigned limit)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % limit;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Starts a victim that raises the flag when it is at work, and kills it a moment after that, or
 * now and then earlier. */
static void victim_run(int (*fn)(void *), void *scene, struct support_flag *begun)
{
    atomic_store(&begun->value, 0);
    struct mp_process *victim = support_start(fn, scene);
    if (random_below(8) > 0)
        assert_true(support_await(begun, 1));
    int64_t until = now_us() + random_below(random_below(2) ? 50 : 500);
    while (now_us() < until)
        ;
    support_kill(victim);
}

/* ---- Lock ----------------------------------------------------------------------------------- */

struct lock_scene {
    struct mp_lock *lock;
    struct support_flag begun;
    struct support_flag turns; /* of the survivor */
    _Atomic bool stop;
    _Atomic int deaths; /* told of by MP_OWNERDEAD */
    _Atomic int bad;
    unsigned one, other; /* equal, but while the lock is held */
};

/* One turn with the lock. */
static void lock_turn(struct lock_scene *scene)
{
    int state = mp_lock_acquire(scene->lock, SUPPORT_LONG_MS);
    if (state == MP_OWNERDEAD) {
        scene->deaths++;
        scene->one = scene->other;
    }
    if (state < 0 || scene->one != scene->other)
        scene->bad++;
    scene->one++;
    scene->other++;
    if (mp_lock_release(scene->lock) != 0)
        scene->bad++;
}

static int child_lock_victim(void *arg)
{
    struct lock_scene *scene = arg;
    support_raise(&scene->begun);
    for (;;)
        lock_turn(scene);
    return 0;
}

static int child_lock_survivor(void *arg)
{
    struct lock_scene *scene = arg;
    while (!scene->stop) {
        lock_turn(scene);
        support_raise(&scene->turns);
    }
    return 0;
}

static void lock_storm(bool recursive)
{
    struct lock_scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_lock_create(recursive, &scene->lock), 0);
    struct mp_process *survivor = support_start(child_lock_survivor, scene);
    for (int i = 0; i < kills(); i++) {
        victim_run(child_lock_victim, scene, &scene->begun);
        assert_true(scene->deaths <= i + 1);
        if (i % 16 == 0)
            assert_true(support_await(&scene->turns, scene->turns.value + 1));
    }
    scene->stop = true;
    assert_int_equal(support_finish(survivor), 0);
    lock_turn(scene);
    assert_int_equal(scene->bad, 0);
    assert_true(scene->deaths <= kills());
    print_message("%d of %d died with the lock\n", scene->deaths, kills());
    mp_lock_free(scene->lock);
    support_unshare(scene, sizeof *scene);
}

static void test_lock(void **state)
{
    (void)state;
    lock_storm(false);
    lock_storm(true);
}

/* ---- Array ---------------------------------------------------------------------------------- */

enum { ITEM = 2000 };

struct array_scene {
    struct mp_array *array;
    struct support_flag begun;
};

static int child_array_victim(void *arg)
{
    struct array_scene *scene = arg;
    unsigned char item[ITEM];
    support_raise(&scene->begun);
    for (int i = 0;; i++) {
        memset(item, i & 255, sizeof item);
        mp_array_set(scene->array, 0, item);
    }
    return 0;
}

static void test_array(void **state)
{
    (void)state;
    struct array_scene *scene = support_share(sizeof *scene);
    unsigned char item[ITEM], same[ITEM];
    int deaths = 0;
    assert_int_equal(mp_array_create(2, ITEM, &scene->array), 0);
    for (int i = 0; i < kills(); i++) {
        victim_run(child_array_victim, scene, &scene->begun);
        int error = mp_array_get(scene->array, 0, item);
        assert_true(error == 0 || error == MP_OWNERDEAD);
        deaths += error == MP_OWNERDEAD;
        memset(same, item[0], sizeof same);
        if (error == 0)
            assert_memory_equal(item, same, sizeof item); /* else it may be torn */
        assert_int_equal(mp_array_set(scene->array, 0, same), 0);
    }
    print_message("%d of %d died with the lock\n", deaths, kills());
    mp_array_free(scene->array);
    support_unshare(scene, sizeof *scene);
}

/* ---- Semaphore ------------------------------------------------------------------------------ */

enum { PERMITS = 16 };

struct semaphore_scene {
    struct mp_semaphore *semaphore;
    struct support_flag begun;
    _Atomic bool stop;
    _Atomic int bad;
};

static void semaphore_turn(struct semaphore_scene *scene)
{
    if (mp_semaphore_acquire(scene->semaphore, SUPPORT_LONG_MS) != 0)
        scene->bad++;
    else if (mp_semaphore_release(scene->semaphore) != 0)
        scene->bad++;
}

static int child_semaphore_victim(void *arg)
{
    struct semaphore_scene *scene = arg;
    support_raise(&scene->begun);
    for (;;) {
        for (int i = 0; i < 3; i++)
            mp_semaphore_acquire(scene->semaphore, SUPPORT_LONG_MS);
        for (int i = 0; i < 3; i++)
            mp_semaphore_release(scene->semaphore);
    }
    return 0;
}

static int child_semaphore_survivor(void *arg)
{
    struct semaphore_scene *scene = arg;
    while (!scene->stop)
        semaphore_turn(scene);
    return 0;
}

static void test_semaphore(void **state)
{
    (void)state;
    struct semaphore_scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_semaphore_create(PERMITS, PERMITS, &scene->semaphore), 0);
    struct mp_process *survivor = support_start(child_semaphore_survivor, scene);
    for (int i = 0; i < kills(); i++) {
        victim_run(child_semaphore_victim, scene, &scene->begun);
        semaphore_turn(scene);
    }
    scene->stop = true;
    assert_int_equal(support_finish(survivor), 0);
    assert_int_equal(scene->bad, 0);
    for (int i = 0; i < PERMITS; i++) /* they are all back */
        assert_int_equal(mp_semaphore_acquire(scene->semaphore, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_semaphore_acquire(scene->semaphore, 0), -ETIMEDOUT);
    mp_semaphore_free(scene->semaphore);
    support_unshare(scene, sizeof *scene);
}

/* ---- Event ---------------------------------------------------------------------------------- */

struct event_scene {
    struct mp_event *event;
    struct support_flag begun;
    struct support_flag woken; /* of the survivor */
    _Atomic bool stop;
    _Atomic int bad;
};

static int child_event_victim(void *arg)
{
    struct event_scene *scene = arg;
    support_raise(&scene->begun);
    for (int i = 0;; i++) {
        mp_event_wait(scene->event, 0);
        mp_event_set(scene->event);
        if (i % 2)
            mp_event_clear(scene->event);
    }
    return 0;
}

static int child_event_survivor(void *arg)
{
    struct event_scene *scene = arg;
    while (!scene->stop) {
        if (mp_event_wait(scene->event, SUPPORT_LONG_MS) != 0)
            scene->bad++;
        mp_event_clear(scene->event);
        support_raise(&scene->woken);
    }
    return 0;
}

static void test_event(void **state)
{
    (void)state;
    struct event_scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_event_create(&scene->event), 0);
    struct mp_process *survivor = support_start(child_event_survivor, scene);
    for (int i = 0; i < kills(); i++) {
        victim_run(child_event_victim, scene, &scene->begun);
        uint32_t woken = scene->woken.value;
        mp_event_set(scene->event); /* or it is set already */
        assert_true(support_await(&scene->woken, woken + 1));
    }
    scene->stop = true;
    mp_event_set(scene->event);
    assert_int_equal(support_finish(survivor), 0);
    assert_int_equal(scene->bad, 0);
    mp_event_free(scene->event);
    support_unshare(scene, sizeof *scene);
}

/* ---- Condition ------------------------------------------------------------------------------ */

struct condition_scene {
    struct mp_condition *condition;
    struct mp_lock *lock;
    struct support_flag begun;
    struct support_flag waiting; /* of the survivor; with the lock held */
    struct support_flag woken;
    _Atomic bool stop;
    _Atomic int deaths;
    _Atomic int bad;
};

static void condition_lock(struct condition_scene *scene)
{
    int error = mp_lock_acquire(scene->lock, SUPPORT_LONG_MS);
    scene->deaths += error == MP_OWNERDEAD;
    scene->bad += error < 0;
}

static int child_condition_victim(void *arg)
{
    struct condition_scene *scene = arg;
    support_raise(&scene->begun);
    for (int i = 0;; i++) {
        condition_lock(scene);
        mp_condition_wait(scene->condition, scene->lock, i % 2);
        mp_lock_release(scene->lock);
    }
    return 0;
}

static int child_condition_survivor(void *arg)
{
    struct condition_scene *scene = arg;
    condition_lock(scene);
    while (!scene->stop) {
        support_raise(&scene->waiting);
        int error = mp_condition_wait(scene->condition, scene->lock, SUPPORT_LONG_MS);
        scene->deaths += error == MP_OWNERDEAD;
        scene->bad += error < 0;
        support_raise(&scene->woken);
    }
    return mp_lock_release(scene->lock) != 0;
}

/* Wakes one of those who wait: the survivor is the only one that lives. */
static void condition_wake(struct condition_scene *scene, uint32_t times)
{
    assert_true(support_await(&scene->waiting, times));
    condition_lock(scene);
    mp_condition_notify(scene->condition, 1);
    assert_int_equal(mp_lock_release(scene->lock), 0);
    assert_true(support_await(&scene->woken, times));
}

static void test_condition(void **state)
{
    (void)state;
    struct condition_scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_condition_create(&scene->condition), 0);
    assert_int_equal(mp_lock_create(false, &scene->lock), 0);
    struct mp_process *survivor = support_start(child_condition_survivor, scene);
    uint32_t times = 0;
    for (int i = 0; i < kills(); i++) {
        victim_run(child_condition_victim, scene, &scene->begun);
        condition_wake(scene, ++times);
        assert_true(scene->deaths <= i + 1);
    }
    assert_true(support_await(&scene->waiting, ++times));
    scene->stop = true; /* it waits, so it sees this afterwards */
    condition_wake(scene, times);
    assert_int_equal(support_finish(survivor), 0);
    assert_int_equal(scene->bad, 0);
    print_message("%d of %d died with the lock\n", scene->deaths, kills());
    mp_condition_free(scene->condition);
    mp_lock_free(scene->lock);
    support_unshare(scene, sizeof *scene);
}

/* ---- Barrier -------------------------------------------------------------------------------- */

struct barrier_scene {
    struct mp_barrier *barrier;
    struct support_flag begun;
    _Atomic bool stop;
    _Atomic int broken;
    _Atomic int bad;
};

static int child_barrier_victim(void *arg)
{
    struct barrier_scene *scene = arg;
    support_raise(&scene->begun);
    for (;;)
        if (mp_barrier_wait(scene->barrier, MP_FOREVER) == -ECONNABORTED)
            mp_barrier_reset(scene->barrier);
    return 0;
}

/* Sits down again and again; once it has waited for MP_REPAIR_MS in vain, so that the other party
 * was not sitting when it died, it breaks the barrier by its timeout. */
static int child_barrier_survivor(void *arg)
{
    struct barrier_scene *scene = arg;
    while (!scene->stop) {
        int number = mp_barrier_wait(scene->barrier, 2 * MP_REPAIR_MS);
        if (number >= 0)
            continue;
        scene->broken++;
        scene->bad += number != -ECONNABORTED && number != -ETIMEDOUT;
        mp_barrier_reset(scene->barrier);
    }
    return 0;
}

static void test_barrier(void **state)
{
    (void)state;
    struct barrier_scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_barrier_create(2, &scene->barrier), 0);
    struct mp_process *survivor = support_start(child_barrier_survivor, scene);
    for (int i = 0; i < kills(); i++)
        victim_run(child_barrier_victim, scene, &scene->begun);
    /* What is left is a barrier that works. */
    for (int number = -1; number < 0;) {
        number = mp_barrier_wait(scene->barrier, SUPPORT_LONG_MS);
        assert_true(number != -ETIMEDOUT);
        if (number < 0)
            mp_barrier_reset(scene->barrier);
    }
    scene->stop = true;
    mp_barrier_abort(scene->barrier);
    assert_int_equal(support_finish(survivor), 0);
    assert_int_equal(scene->bad, 0);
    mp_barrier_reset(scene->barrier);
    assert_int_equal(mp_barrier_waiting(scene->barrier), 0);
    print_message("broken %d times by %d deaths\n", scene->broken, kills());
    mp_barrier_free(scene->barrier);
    support_unshare(scene, sizeof *scene);
}

static int child_sit_down(void *arg)
{
    struct barrier_scene *scene = arg;
    support_raise(&scene->begun);
    mp_barrier_wait(scene->barrier, MP_FOREVER);
    return 0;
}

/* A party that dies at any moment of sitting down: it broke the barrier, or never sat. */
static void test_barrier_of_the_dead(void **state)
{
    (void)state;
    struct barrier_scene *scene = support_share(sizeof *scene);
    assert_int_equal(mp_barrier_create(2, &scene->barrier), 0);
    int broken = 0;
    for (int i = 0; i < kills() / 10; i++) {
        victim_run(child_sit_down, scene, &scene->begun);
        int64_t begin = support_now_ms();
        while (!mp_barrier_is_broken(scene->barrier) && mp_barrier_waiting(scene->barrier) > 0)
            assert_true(support_now_ms() - begin < SUPPORT_LONG_MS);
        broken += mp_barrier_is_broken(scene->barrier);
        mp_barrier_reset(scene->barrier);
        assert_int_equal(mp_barrier_waiting(scene->barrier), 0);
    }
    print_message("broken %d times by %d deaths\n", broken, kills() / 10);
    mp_barrier_free(scene->barrier);
    support_unshare(scene, sizeof *scene);
}

/* ---- Queue ---------------------------------------------------------------------------------- */

enum { QUEUE_CAPACITY = 8, WORDS_MAX = 100 };

struct queue_scene {
    struct mp_queue *queue;
    struct support_flag begun;
    _Atomic uint64_t put; /* numbers that a put has returned for */
    _Atomic bool stop;
    _Atomic int bad;
    _Atomic uint64_t limit;        /* of the numbers below */
    _Atomic unsigned char taken[]; /* how often each was got */
};

/* An item: as many words as its number says, all of them that number. */
static size_t item_make(uint64_t number, uint64_t words[WORDS_MAX])
{
    size_t count = 1 + number % WORDS_MAX;
    for (size_t i = 0; i < count; i++)
        words[i] = number;
    return count * sizeof *words;
}

static bool item_is_whole(const uint64_t words[WORDS_MAX], size_t size)
{
    uint64_t expected[WORDS_MAX];
    return size >= sizeof *words && size == item_make(words[0], expected) &&
           memcmp(words, expected, size) == 0;
}

static struct queue_scene *queue_scene_create(size_t limit)
{
    struct queue_scene *scene = support_share(sizeof *scene + limit);
    scene->limit = limit;
    assert_int_equal(mp_queue_create(QUEUE_CAPACITY, WORDS_MAX * sizeof(uint64_t), &scene->queue),
                     0);
    return scene;
}

static void queue_scene_free(struct queue_scene *scene)
{
    mp_queue_free(scene->queue);
    support_unshare(scene, sizeof *scene + scene->limit);
}

static int child_queue_producer(void *arg)
{
    struct queue_scene *scene = arg;
    uint64_t words[WORDS_MAX];
    support_raise(&scene->begun);
    for (uint64_t number = scene->put;; number++) {
        size_t size = item_make(number, words);
        if (mp_queue_put(scene->queue, words, size, SUPPORT_LONG_MS) != 0)
            scene->bad++;
        scene->put = number + 1;
    }
    return 0;
}

/* Takes out what is in, from number `next` on. Returns the number that is next then. */
static uint64_t queue_empty_out(struct queue_scene *scene, uint64_t next)
{
    uint64_t words[WORDS_MAX];
    size_t size;
    while (mp_queue_get(scene->queue, words, sizeof words, 0, &size) == 0) {
        assert_true(item_is_whole(words, size));
        assert_true(words[0] == next++);
    }
    return next;
}

static int child_queue_emptier(void *arg)
{
    struct queue_scene *scene = arg;
    uint64_t words[WORDS_MAX], next = 0;
    size_t size;
    while (mp_queue_get(scene->queue, words, sizeof words, SUPPORT_LONG_MS, &size) == 0) {
        /* A producer that died after the item went in, and before it said so, puts it once more. */
        if (!item_is_whole(words, size) || words[0] > next || words[0] + 1 < next)
            scene->bad++;
        next = words[0] + 1;
    }
    return next != scene->put && next != scene->put + 1;
}

static void test_queue_producers(void **state)
{
    (void)state;
    struct queue_scene *scene = queue_scene_create(0);
    uint64_t next = 0;
    for (int i = 0; i < kills() / 2; i++) { /* nobody gets meanwhile: it fills up */
        victim_run(child_queue_producer, scene, &scene->begun);
        next = queue_empty_out(scene, next);
        assert_true(next == scene->put || next == scene->put + 1);
        scene->put = next;
    }
    scene->put = 0;
    struct mp_process *emptier = support_start(child_queue_emptier, scene);
    for (int i = 0; i < kills() / 2; i++)
        victim_run(child_queue_producer, scene, &scene->begun);
    mp_queue_close(scene->queue);
    assert_int_equal(support_finish(emptier), 0);
    assert_int_equal(scene->bad, 0);
    queue_scene_free(scene);
}

static void queue_take(struct queue_scene *scene, const uint64_t *words, size_t size)
{
    if (!item_is_whole(words, size) || words[0] >= scene->limit)
        scene->bad++;
    else
        scene->taken[words[0]]++;
}

static int child_queue_consumer(void *arg)
{
    struct queue_scene *scene = arg;
    uint64_t words[WORDS_MAX];
    size_t size;
    support_raise(&scene->begun);
    while (mp_queue_get(scene->queue, words, sizeof words, SUPPORT_LONG_MS, &size) == 0)
        queue_take(scene, words, size);
    pause();
    return 0;
}

/* Puts as many as there is room to mark, or until it is stopped. */
static int child_queue_filler(void *arg)
{
    struct queue_scene *scene = arg;
    uint64_t words[WORDS_MAX];
    for (uint64_t number = 0; number < scene->limit && !scene->stop; number++) {
        size_t size = item_make(number, words);
        if (mp_queue_put(scene->queue, words, size, SUPPORT_LONG_MS) != 0)
            return 2;
        scene->put = number + 1;
    }
    return 0;
}

static void test_queue_consumers(void **state)
{
    (void)state;
    struct queue_scene *scene = queue_scene_create((size_t)kills() * 20000);
    struct mp_process *filler = support_start(child_queue_filler, scene);
    uint64_t words[WORDS_MAX];
    size_t size;
    for (int i = 0; i < kills(); i++)
        victim_run(child_queue_consumer, scene, &scene->begun);
    scene->stop = true;
    while (mp_queue_get(scene->queue, words, sizeof words, 50, &size) == 0)
        queue_take(scene, words, size);
    assert_int_equal(support_finish(filler), 0);
    while (mp_queue_get(scene->queue, words, sizeof words, 0, &size) == 0)
        queue_take(scene, words, size);
    int lost = 0;
    for (uint64_t i = 0; i < scene->put; i++) {
        assert_true(scene->taken[i] <= 1);
        lost += scene->taken[i] == 0;
    }
    assert_int_equal(scene->bad, 0);
    assert_true(scene->put > 0 && lost <= kills()); /* in the hands of the dead */
    print_message("%d of %llu items died with %d consumers\n", lost, (unsigned long long)scene->put,
                  kills());
    queue_scene_free(scene);
}

/* ---- Connection ----------------------------------------------------------------------------- */

struct connection_scene {
    struct support_flag begun;
    struct mp_connection *a, *b;
};

static int child_connection_sender(void *arg)
{
    struct connection_scene *scene = arg;
    uint64_t words[WORDS_MAX];
    support_raise(&scene->begun);
    for (uint64_t number = 0;; number++)
        mp_connection_send(scene->b, words, item_make(number, words), MP_FOREVER);
    return 0;
}

static int child_connection_receiver(void *arg)
{
    struct connection_scene *scene = arg;
    uint64_t words[WORDS_MAX];
    size_t size;
    support_raise(&scene->begun);
    for (;;)
        mp_connection_receive(scene->b, words, sizeof words, MP_FOREVER, &size);
    return 0;
}

static struct mp_process *connection_victim(struct connection_scene *scene, int (*fn)(void *))
{
    struct mp_process *victim = NULL;
    struct mp_process_options options = {.keep_fds = (int[]){mp_connection_fd(scene->b)},
                                         .keep_count = 1};
    atomic_store(&scene->begun.value, 0);
    assert_int_equal(mp_process_start(fn, scene, &options, &victim), 0);
    mp_connection_close(scene->b);
    return victim;
}

static void test_connection(void **state)
{
    (void)state;
    struct connection_scene *scene = support_share(sizeof *scene);
    uint64_t words[WORDS_MAX];
    size_t size;
    for (int i = 0; i < kills(); i++) {
        uint64_t number = 0;
        int error = 0;
        bool receives = i % 2;
        struct mp_connection *a, *b;
        assert_int_equal(mp_pipe_create(true, &a, &b), 0);
        scene->b = b;
        struct mp_process *victim = connection_victim(scene, receives ? child_connection_receiver
                                                                      : child_connection_sender);
        int64_t until = now_us() + random_below(2000);
        bool killed = false;
        while (error == 0) {
            if (!killed && now_us() >= until) {
                assert_int_equal(mp_process_signal(victim, SIGKILL), 0);
                killed = true;
            }
            if (receives) {
                error = mp_connection_send(a, words, item_make(number, words), SUPPORT_LONG_MS);
            } else {
                error = mp_connection_receive(a, words, sizeof words, SUPPORT_LONG_MS, &size);
                if (error == 0)
                    assert_true(item_is_whole(words, size) && words[0] == number);
            }
            number++;
        }
        assert_true(error == -EPIPE || (!receives && error == -ECONNABORTED));
        assert_true(killed);
        assert_int_equal(support_finish(victim), -SIGKILL);
        mp_connection_close(a);
    }
    support_unshare(scene, sizeof *scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_lock),
        SUPPORT_TEST(test_array),
        SUPPORT_TEST(test_semaphore),
        SUPPORT_TEST(test_event),
        SUPPORT_TEST(test_condition),
        SUPPORT_TEST(test_barrier),
        SUPPORT_TEST(test_barrier_of_the_dead),
        SUPPORT_TEST(test_queue_producers),
        SUPPORT_TEST(test_queue_consumers),
        SUPPORT_TEST(test_connection),
    };
    return cmocka_run_group_tests_name("mproc/killed_users", tests, NULL, NULL);
}
