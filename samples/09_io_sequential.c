/* Waits twice, one after the other.
 * Usage: 09_io_sequential [SECONDS] */
#include "bound.h"

int main(int argc, char **argv)
{
    double seconds = argument(argc, argv, 10);
    double begin = now_s();
    io_bound(seconds);
    io_bound(seconds);
    printf("Time taken in seconds - %.3f\n", now_s() - begin);
    return 0;
}
