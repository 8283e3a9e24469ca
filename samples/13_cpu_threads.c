/* Counts down twice, in two threads. They are the system's: the library has processes, and threads
 * only under an executor.
 * Usage: 13_cpu_threads [COUNT] */
#include <pthread.h>

#include "bound.h"

static uint64_t count;

static void *run(void *name)
{
    thread_name = name;
    cpu_bound(count);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t one, other;
    count = (uint64_t)argument(argc, argv, 200e6);
    double begin = now_s();
    must(-pthread_create(&one, NULL, run, "Thread-1"));
    must(-pthread_create(&other, NULL, run, "Thread-2"));
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    printf("Time taken in seconds - %.3f\n", now_s() - begin);
    return 0;
}
