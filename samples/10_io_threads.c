/* Waits twice, in two threads. They are the system's: the library has processes, and threads only
 * under an executor.
 * Usage: 10_io_threads [SECONDS] */
#include <pthread.h>

#include "bound.h"

static double seconds;

static void *run(void *name)
{
    thread_name = name;
    io_bound(seconds);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t one, other;
    seconds = argument(argc, argv, 10);
    double begin = now_s();
    must(-pthread_create(&one, NULL, run, "Thread-1"));
    must(-pthread_create(&other, NULL, run, "Thread-2"));
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    printf("Time taken in seconds - %.3f\n", now_s() - begin);
    return 0;
}
