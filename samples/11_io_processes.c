/* Waits twice, in two processes.
 * Usage: 11_io_processes [SECONDS] */
#include "bound.h"

static int run(void *seconds)
{
    io_bound(*(double *)seconds);
    return 0;
}

int main(int argc, char **argv)
{
    struct mp_process *one, *other;
    double seconds = argument(argc, argv, 10);
    double begin = now_s();
    must(mp_process_start(run, &seconds, NULL, &one));
    must(mp_process_start(run, &seconds, NULL, &other));
    int failed = process_end(one) | process_end(other);
    printf("Time taken in seconds - %.3f\n", now_s() - begin);
    return failed;
}
