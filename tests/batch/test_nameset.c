#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "batch/nameset.h"

static bool number_is(void *user, uint32_t owner, const char *name)
{
    char text[16];
    (void)user;
    snprintf(text, sizeof text, "%u", owner);
    return strcmp(text, name) == 0;
}

/* Takes every name for equal: what happens when hashes collide must not depend on it. */
static bool always(void *user, uint32_t owner, const char *name)
{
    (void)user;
    (void)owner;
    (void)name;
    return true;
}

static void test_nameset_finds_what_was_added(void **state)
{
    struct nameset set;
    uint32_t owner;
    char name[16];
    (void)state;
    nameset_init(&set, number_is, NULL);
    assert_false(nameset_find(&set, "1", &owner));
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_int_equal(nameset_add(&set, name, i, &owner), 1);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_true(nameset_find(&set, name, &owner));
        assert_int_equal(owner, i);
    }
    assert_false(nameset_find(&set, "5000", &owner));
    nameset_done(&set);
}

static void test_nameset_tells_who_has_a_name_already(void **state)
{
    struct nameset set;
    uint32_t owner = 9;
    (void)state;
    nameset_init(&set, number_is, NULL);
    assert_int_equal(nameset_add(&set, "7", 7, &owner), 1);
    assert_int_equal(nameset_add(&set, "7", 8, &owner), 0);
    assert_int_equal(owner, 7);
    nameset_done(&set);
}

static void test_nameset_asks_only_when_hashes_are_equal(void **state)
{
    struct nameset set;
    uint32_t owner;
    (void)state;
    nameset_init(&set, always, NULL);
    assert_int_equal(nameset_add(&set, "a", 1, &owner), 1);
    assert_false(nameset_find(&set, "b", &owner));
    assert_true(nameset_find(&set, "a", &owner));
    nameset_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nameset_finds_what_was_added),
        cmocka_unit_test(test_nameset_tells_who_has_a_name_already),
        cmocka_unit_test(test_nameset_asks_only_when_hashes_are_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
