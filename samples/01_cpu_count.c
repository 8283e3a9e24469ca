/* How many processes at a time make sense?
 * Usage: 01_cpu_count */
#include <mproc.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    printf("Number of cpu : %d\n", mp_cpu_count()); /* what affinity and cgroup leave to us */
    printf("of the host : %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    return 0;
}
