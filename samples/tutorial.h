/* What the samples share: the clock, and the end of a program whose call or child failed. */
#ifndef SAMPLES_TUTORIAL_H
#define SAMPLES_TUTORIAL_H

#include <mproc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Seconds of a clock that nobody sets. */
static inline double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* As Python's time.sleep(): a signal does not cut it short. */
static inline void sleep_s(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) != 0)
        ;
}

/* The number that is the program's argument, or else `otherwise`. Has stdout written line by line,
 * into a file, too, so that the lines of several processes stand there in the order of time. */
static inline double argument(int argc, char **argv, double otherwise)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return argc > 1 ? strtod(argv[1], NULL) : otherwise;
}

/* Ends the program when a call of the library failed. */
static inline void must(int error)
{
    if (error >= 0)
        return;
    fprintf(stderr, "%s\n", mp_strerror(error));
    exit(1);
}

/* Waits for a process and frees it. Returns 0, or 1 with a message: it failed. */
static inline int process_end(struct mp_process *process)
{
    must(mp_process_join(process, MP_FOREVER));
    int code = mp_process_exit_code(process);
    if (code > 0)
        fprintf(stderr, "%s failed with exit code %d\n", mp_process_name(process), code);
    if (code < 0)
        fprintf(stderr, "%s was killed by signal %d\n", mp_process_name(process), -code);
    must(mp_process_close(process));
    return code != 0;
}

#endif
