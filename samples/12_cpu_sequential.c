/* Counts down twice, one after the other.
 * Usage: 12_cpu_sequential [COUNT] */
#include "bound.h"

int main(int argc, char **argv)
{
    uint64_t count = (uint64_t)argument(argc, argv, 200e6);
    double begin = now_s();
    cpu_bound(count);
    cpu_bound(count);
    printf("Time taken in seconds - %.3f\n", now_s() - begin);
    return 0;
}
