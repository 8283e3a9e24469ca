/* array: zeroed items in shared memory, whole ones under the lock, and plain shared memory. */
#include "support/mproc.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

struct item {
    char text[24];
};

static void test_items_are_zeroed_and_aligned(void **state)
{
    (void)state;
    struct mp_array *array = NULL;
    assert_int_equal(mp_array_create(1000, 3, &array), 0);
    assert_int_equal(mp_array_count(array), 1000);
    const unsigned char *bytes = mp_array_data(array);
    assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(bytes[i], 0);
    mp_array_free(array);
    mp_array_free(NULL);
}

static void test_impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct mp_array *array = NULL;
    assert_int_equal(mp_array_create(0, 8, &array), -EINVAL);
    assert_int_equal(mp_array_create(8, 0, &array), -EINVAL);
    assert_int_equal(mp_array_create(SIZE_MAX / 2, 3, &array), -EINVAL);
    assert_int_equal(mp_array_create((size_t)1 << 60, 1, &array), -ENOMEM);
    assert_null(array);
}

static int child_write(void *arg)
{
    struct item item = {"written by a child"};
    for (size_t i = 0; i < mp_array_count(arg); i += 2)
        if (mp_array_set(arg, i, &item) != 0)
            return 2;
    return 0;
}

static void test_what_a_child_sets_the_parent_gets(void **state)
{
    (void)state;
    struct mp_array *array = NULL;
    struct item item = {"untouched"};
    assert_int_equal(mp_array_create(5, sizeof item, &array), 0);
    assert_int_equal(mp_array_set(array, 3, &item), 0);
    assert_int_equal(support_finish(support_start(child_write, array)), 0);
    const char *expected[] = {"written by a child", "", "written by a child", "untouched",
                              "written by a child"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(mp_array_get(array, i, &item), 0);
        assert_string_equal(item.text, expected[i]);
        assert_string_equal(((struct item *)mp_array_data(array))[i].text, expected[i]);
    }
    mp_array_free(array);
}

static void test_past_the_last_there_is_nothing(void **state)
{
    (void)state;
    struct mp_array *array = NULL;
    int item = 5;
    assert_int_equal(mp_array_create(4, sizeof item, &array), 0);
    assert_int_equal(mp_array_set(array, 4, &item), -ERANGE);
    assert_int_equal(mp_array_get(array, SIZE_MAX, &item), -ERANGE);
    assert_int_equal(item, 5);
    mp_array_free(array);
}

static int child_die_with_lock(void *arg)
{
    return mp_lock_acquire(mp_array_lock(arg), MP_FOREVER);
}

static void test_a_death_under_the_lock_is_told_once(void **state)
{
    (void)state;
    struct mp_array *array = NULL;
    int item = 5;
    assert_int_equal(mp_array_create(4, sizeof item, &array), 0);
    assert_int_equal(support_finish(support_start(child_die_with_lock, array)), 0);
    assert_int_equal(mp_array_set(array, 0, &item), MP_OWNERDEAD);
    item = 0;
    assert_int_equal(mp_array_get(array, 0, &item), 0);
    assert_int_equal(item, 5); /* done all the same */
    mp_array_free(array);
}

static void test_its_lock_may_be_held_by_who_sets(void **state)
{
    (void)state;
    struct mp_array *array = NULL;
    int item = 5;
    assert_int_equal(mp_array_create(4, sizeof item, &array), 0);
    assert_int_equal(mp_lock_acquire(mp_array_lock(array), 0), 0);
    assert_int_equal(mp_array_set(array, 1, &item), 0);
    assert_int_equal(mp_lock_release(mp_array_lock(array)), 0);
    mp_array_free(array);
}

static int child_fill(void *arg)
{
    memset(arg, 7, 10000);
    return 0;
}

static void test_shared_memory_is_zeroed_and_shared(void **state)
{
    (void)state;
    unsigned char *memory = mp_shared_alloc(10000);
    assert_non_null(memory);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(memory[i], 0);
    assert_int_equal(support_finish(support_start(child_fill, memory)), 0);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(memory[i], 7);
    mp_shared_free(memory, 10000);
    mp_shared_free(NULL, 10000);
    assert_null(mp_shared_alloc(SIZE_MAX / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_items_are_zeroed_and_aligned),
        SUPPORT_TEST(test_impossible_sizes_are_refused),
        SUPPORT_TEST(test_what_a_child_sets_the_parent_gets),
        SUPPORT_TEST(test_past_the_last_there_is_nothing),
        SUPPORT_TEST(test_a_death_under_the_lock_is_told_once),
        SUPPORT_TEST(test_its_lock_may_be_held_by_who_sets),
        SUPPORT_TEST(test_shared_memory_is_zeroed_and_shared),
    };
    return cmocka_run_group_tests_name("mproc/array", tests, NULL, NULL);
}
