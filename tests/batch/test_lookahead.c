#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "batch/lookahead.h"
#include "support/tree.h"

static void test_lookahead_takes_the_largest_first(void **state)
{
    static const int sizes[] = {30, 10, 50, 50, 20, 40, 0};
    static const uint32_t expected[] = {2, 3, 5, 0, 4, 1, 6};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    static struct lookahead ahead;
    struct scan_input inputs[COUNT] = {0};
    uint32_t order[COUNT], taken;
    char bytes[64] = "", paths[COUNT][TREE_PATH_BYTES];
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        snprintf(paths[i], sizeof paths[i], "%s/%u", (char *)*state, i);
        tree_write(*state, name, bytes, (size_t)sizes[i]);
        inputs[i].path = paths[i];
        order[i] = i;
    }
    struct scan scan = {.inputs = inputs, .count = COUNT};
    struct plan plan = {.scan = &scan, .order = order, .count = COUNT};
    lookahead_init(&ahead, &plan);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(lookahead_left(&ahead), COUNT - i);
        assert_true(lookahead_next(&ahead, &taken));
        assert_int_equal(taken, expected[i]);
    }
    assert_false(lookahead_next(&ahead, &taken));
}

static void test_lookahead_hands_out_each_input_once_however_many(void **state)
{
    enum { COUNT = 3 * LOOKAHEAD_PICTURES + 17 };
    static struct lookahead ahead;
    struct scan_input *inputs = calloc(COUNT, sizeof *inputs);
    uint32_t *order = calloc(COUNT, sizeof *order), taken;
    unsigned char *seen = calloc(COUNT, 1);
    (void)state;
    assert_true(inputs && order && seen);
    for (uint32_t i = 0; i < COUNT; i++) {
        inputs[i].path = "/nowhere";
        order[i] = i;
    }
    struct scan scan = {.inputs = inputs, .count = COUNT};
    struct plan plan = {.scan = &scan, .order = order, .count = COUNT};
    lookahead_init(&ahead, &plan);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(lookahead_next(&ahead, &taken));
        assert_int_equal(seen[taken]++, 0);
        assert_true(taken <= i + LOOKAHEAD_PICTURES);
    }
    assert_false(lookahead_next(&ahead, &taken));
    free(inputs);
    free(order);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_lookahead_takes_the_largest_first),
        cmocka_unit_test(test_lookahead_hands_out_each_input_once_however_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
