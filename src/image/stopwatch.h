/* A clock for durations within one process. */
#ifndef IMAGE_STOPWATCH_H
#define IMAGE_STOPWATCH_H

#include <time.h>

/* Milliseconds since some fixed instant; never goes back. */
static inline double stopwatch_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

#endif
