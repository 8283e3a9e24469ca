#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/bench.h"

enum { ROUNDS = 6 }; /* as many as there are without options */

/* The cell that runs before another one, -1 before the first. */
static int before(const int *order, int count, int cell)
{
    for (int i = 0; i < count; i++)
        if (order[i] == cell)
            return i == 0 ? -1 : order[i - 1];
    fail_msg("cell %d of %d is never run", cell, count);
    return -1;
}

/* Also of 7 and 21 cells: 1, 2 and 4 workers, of one work and of all. */
static void test_bench_order_is_another_one_each_round(void **state)
{
    int order[ROUNDS][BENCH_CELLS_MAX];
    (void)state;
    for (int count = 1; count <= BENCH_CELLS_MAX; count++) {
        for (int round = 0; round < ROUNDS; round++)
            bench_order(round, count, order[round]);
        for (int cell = 0; cell < count; cell++) {
            int others = 0, first = before(order[0], count, cell);
            for (int round = 1; round < ROUNDS; round++)
                others += before(order[round], count, cell) != first;
            if (count > 3)
                assert_true(others > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_order_is_another_one_each_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
