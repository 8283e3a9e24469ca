/* Counts down twice, in two processes.
 * Usage: 14_cpu_processes [COUNT] */
#include "bound.h"

static int run(void *count)
{
    cpu_bound(*(uint64_t *)count);
    return 0;
}

int main(int argc, char **argv)
{
    struct mp_process *one, *other;
    uint64_t count = (uint64_t)argument(argc, argv, 200e6);
    double begin = now_s();
    must(mp_process_start(run, &count, NULL, &one));
    must(mp_process_start(run, &count, NULL, &other));
    int failed = process_end(one) | process_end(other);
    printf("Time taken in seconds - %.3f\n", now_s() - begin);
    return failed;
}
