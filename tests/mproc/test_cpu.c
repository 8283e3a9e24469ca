/* cpu: how many CPUs may be used. */
#include "support/mproc.h"

#include <sched.h>

/* The CPUs that may be used, by the mask alone. */
static int affinity(void)
{
    cpu_set_t mask;
    return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
}

static int child_on_one_cpu(void *arg)
{
    (void)arg;
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0)
        return 200;
    int cpu = 0;
    while (!CPU_ISSET(cpu, &mask))
        cpu++;
    CPU_ZERO(&mask);
    CPU_SET(cpu, &mask);
    return sched_setaffinity(0, sizeof mask, &mask) == 0 ? mp_cpu_count() : 201;
}

static void test_cpu_count_is_at_least_one_and_within_the_mask(void **state)
{
    (void)state;
    assert_true(mp_cpu_count() >= 1);
    assert_true(mp_cpu_count() <= affinity());
}

static void test_cpu_count_follows_the_affinity_mask(void **state)
{
    (void)state;
    struct mp_process *child;
    assert_int_equal(mp_process_start(child_on_one_cpu, NULL, NULL, &child), 0);
    assert_int_equal(mp_process_join(child, SUPPORT_LONG_MS), 0);
    assert_int_equal(mp_process_exit_code(child), 1);
    assert_int_equal(mp_process_close(child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_cpu_count_is_at_least_one_and_within_the_mask),
        SUPPORT_TEST(test_cpu_count_follows_the_affinity_mask),
    };
    return cmocka_run_group_tests_name("mproc/cpu", tests, NULL, NULL);
}
