/* holder: a process is told from a later one with its number, and a zombie from one that runs. */
#include "mproc/holder.h"
#include "support/mproc.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct scene {
    _Atomic uint64_t child;
    struct support_flag begun;
};

static int child_tell(void *arg)
{
    struct scene *scene = arg;
    scene->child = holder_self();
    support_raise(&scene->begun);
    while (pause() != 0)
        ;
    return 0;
}

static void test_the_calling_process_is_alive(void **state)
{
    (void)state;
    uint64_t self = holder_self();
    assert_true(self > HOLDER_RESERVED);
    assert_true(holder_self() == self);
    assert_true(holder_is_alive(self));
    assert_false(holder_is_alive(HOLDER_NOBODY));
    assert_false(holder_is_alive(HOLDER_RESERVED));
}

static void test_a_child_is_another_and_a_zombie_is_dead(void **state)
{
    (void)state;
    struct scene *scene = support_share(sizeof *scene);
    uint64_t self = holder_self();
    struct mp_process *child = support_start(child_tell, scene);
    assert_true(support_await(&scene->begun, 1));
    assert_true(scene->child != self);
    assert_true(holder_is_alive(scene->child));
    assert_int_equal(mp_process_signal(child, SIGKILL), 0);
    int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
    while (holder_is_alive(scene->child) && support_now_ms() < deadline)
        ; /* it is not collected meanwhile */
    assert_false(holder_is_alive(scene->child));
    assert_int_equal(support_finish(child), -SIGKILL);
    assert_false(holder_is_alive(scene->child));
    support_unshare(scene, sizeof *scene);
}

static void test_a_process_with_the_same_number_is_not_the_same(void **state)
{
    (void)state;
    uint64_t self = holder_self();
    assert_false(holder_is_alive(self + 1)); /* that number, started a moment later */
    assert_false(holder_is_alive(self - 1));
}

static void *thread_outlive(void *arg)
{
    struct scene *scene = arg;
    if (support_await(&scene->begun, 2))
        kill(getpid(), SIGKILL); /* past a leak checker, to which the main thread's are lost */
    _exit(1);
}

/* The main thread ends, another runs on. */
static int child_end_main_thread(void *arg)
{
    struct scene *scene = arg;
    pthread_t thread;
    scene->child = holder_self();
    if (pthread_create(&thread, NULL, thread_outlive, scene) != 0)
        return 2;
    support_raise(&scene->begun);
    pthread_exit(NULL);
}

static void test_a_process_lives_as_long_as_one_thread_does(void **state)
{
    (void)state;
    struct scene *scene = support_share(sizeof *scene);
    struct mp_process *child = support_start(child_end_main_thread, scene);
    assert_true(support_await(&scene->begun, 1));
    char path[64], letter = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)mp_process_pid(child));
    for (int64_t deadline = support_now_ms() + SUPPORT_LONG_MS;
         letter != 'Z' && support_now_ms() < deadline;) {
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d %*[^)]) %c", &letter), 1);
        fclose(file);
    }
    assert_int_equal(letter, 'Z');
    assert_true(holder_is_alive(scene->child));
    support_raise(&scene->begun);
    assert_int_equal(support_finish(child), -SIGKILL);
    assert_false(holder_is_alive(scene->child));
    support_unshare(scene, sizeof *scene);
}

static void test_the_dead_are_found_among_the_living(void **state)
{
    (void)state;
    uint64_t self = holder_self(), dead = self + 1;
    _Atomic uint64_t table[] = {self, HOLDER_NOBODY, dead, HOLDER_RESERVED, self, dead};
    assert_false(holder_any_dead(table, 2));
    assert_true(holder_any_dead(table, 3));
    assert_int_equal(holder_forget_dead(table, 6), 2);
    assert_false(holder_any_dead(table, 6));
    const uint64_t expected[] = {self, HOLDER_NOBODY, HOLDER_NOBODY, HOLDER_RESERVED,
                                 self, HOLDER_NOBODY};
    for (int i = 0; i < 6; i++)
        assert_true(table[i] == expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_the_calling_process_is_alive),
        SUPPORT_TEST(test_a_child_is_another_and_a_zombie_is_dead),
        SUPPORT_TEST(test_a_process_with_the_same_number_is_not_the_same),
        SUPPORT_TEST(test_a_process_lives_as_long_as_one_thread_does),
        SUPPORT_TEST(test_the_dead_are_found_among_the_living),
    };
    return cmocka_run_group_tests_name("mproc/holder", tests, NULL, NULL);
}
