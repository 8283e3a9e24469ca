#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "batch/ram.h"
#include "support/tree.h"

static void limit(const char *root, const char *name, const char *text)
{
    tree_write(root, name, text, strlen(text));
}

static void test_ram_of_group_is_the_tightest_of_it_and_those_around(void **state)
{
    const char *root = *state;
    limit(root, "memory.max", "max\n");
    limit(root, "a/memory.max", "4000000\n");
    limit(root, "a/b/memory.max", "8000000\n");
    limit(root, "a/b/c/memory.max", "max\n");
    assert_int_equal(ram_of_group(root, "/a/b/c"), 4000000);
    assert_int_equal(ram_of_group(root, "/a/b"), 4000000);
    limit(root, "a/b/memory.max", "3000000\n");
    assert_int_equal(ram_of_group(root, "/a/b/c"), 3000000);
    assert_int_equal(ram_of_group(root, "/a"), 4000000);
}

static void test_ram_of_group_reads_version_1_too(void **state)
{
    const char *root = *state;
    limit(root, "memory.limit_in_bytes", "9223372036854771712\n");
    limit(root, "docker/memory.limit_in_bytes", "512000\n");
    assert_int_equal(ram_of_group(root, "/docker"), 512000);
    assert_int_equal(ram_of_group(root, "/elsewhere"), INT64_C(9223372036854771712));
}

static void test_ram_of_group_is_0_where_there_is_no_limit(void **state)
{
    const char *root = *state;
    limit(root, "memory.max", "max\n");
    limit(root, "odd/memory.max", "\n");
    assert_int_equal(ram_of_group(root, ""), 0);
    assert_int_equal(ram_of_group(root, "/"), 0);
    assert_int_equal(ram_of_group(root, "/odd"), 0);
    assert_int_equal(ram_of_group(root, "/not/there"), 0);
}

static void test_ram_bytes_is_what_a_machine_can_have(void **state)
{
    (void)state;
    assert_true(ram_bytes() > 1 << 20);
    assert_true(ram_bytes() < (int64_t)1 << 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_ram_of_group_is_the_tightest_of_it_and_those_around),
        TREE_TEST(test_ram_of_group_reads_version_1_too),
        TREE_TEST(test_ram_of_group_is_0_where_there_is_no_limit),
        cmocka_unit_test(test_ram_bytes_is_what_a_machine_can_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
