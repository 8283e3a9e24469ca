/* What the tutorial's table says of threads and processes, measured: how heavy they are to start
 * and to keep, what a job costs, what happens when one crashes or hangs. Everything is done in
 * children, since some of it ends them. */
#ifndef BENCH_CLAIMS_H
#define BENCH_CLAIMS_H

#include <signal.h>
#include <stdbool.h>

enum { CLAIMS_THREADS, CLAIMS_PROCESSES, CLAIMS_KINDS }; /* who a figure is of */

struct claims {
    bool measured;
    /* Seconds from asking for a process or thread until its first instruction. */
    double start_s[CLAIMS_KINDS];
    /* The whole life of one that does nothing: started, ended, collected. */
    double life_s[CLAIMS_KINDS];
    /* Memory that nobody else shares, of a worker that has run an empty job. */
    double memory_bytes[CLAIMS_KINDS];
    /* Seconds an empty job: handed in and waited for, one after the other; and with many under way.
     * On two workers. */
    double round_trip_s[CLAIMS_KINDS];
    double job_s[CLAIMS_KINDS];
    /* The same, done by the caller. */
    double sequential_job_s;
    /* A job that aborts, among others: seconds from its end until its replacement gives a result,
     * and the jobs that were lost of so many. Of threads the program dies: no seconds. */
    double crash_s[CLAIMS_KINDS];
    int crash_lost[CLAIMS_KINDS];
    int crash_jobs;
    int crash_exit[CLAIMS_KINDS]; /* of the program: 0, or minus its signal */
    /* A job that hangs: seconds from asking for its end until it is gone. Of threads there is none:
     * the error that the request returns. */
    double kill_s[CLAIMS_KINDS];
    int kill_error[CLAIMS_KINDS];
    /* Seconds an item of 64 bytes through a queue, from one to another; and to take and release a
     * lock that two want all the time. */
    double queue_s[CLAIMS_KINDS];
    double lock_s[CLAIMS_KINDS];
};

/* Measures all of it. Returns 0; -EINTR when it was stopped; or an error: ret->measured is false
 * then. */
int claims_measure(const volatile sig_atomic_t *stop, struct claims *ret);

#endif
