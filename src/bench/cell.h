/* One cell of the comparison: a work on a back-end with so many workers, run once, in a fresh child
 * process. The child is what makes cells comparable: none inherits another's threads, warm heap or
 * page tables, and the kernel counts its time, memory and switches apart. */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/work.h"
#include "mproc/mproc.h"

struct cell {
    const struct work *work;
    enum mp_kind kind; /* back-end */
    int workers;       /* 1 for sequential */
};

/* What one run of a cell took. CPU time, memory and switches are of the child and its workers. */
struct cell_run {
    double wall_s;           /* from before the executor is created until it is gone */
    double startup_s;        /* of it, until the last worker could begin */
    double user_s, system_s; /* processor time */
    int64_t peak_rss_bytes;  /* of the largest process */
    long switches_waiting;   /* of context: somebody had nothing to do */
    long switches_forced;    /* somebody had, and the CPU was taken away */
    int failed;              /* jobs that failed; their time counts */
    char why[200];           /* the first of them, or why there is no run at all */
};

/* Runs the cell once and waits for it.
 *   stop        not 0: kill it; NULL: never
 *   ret_stamps  when each job ran, seconds from the cell's begin; as many as there are jobs
 * Returns 0; -EINTR when it was stopped; another negative error, with the reason in ret->why, when
 * it could not be run, died or failed. */
int cell_measure(const struct cell *cell, const struct workload *load,
                 const volatile sig_atomic_t *stop, struct cell_run *ret, struct stamp *ret_stamps);

/* "sequential", "threads" or "processes". */
const char *cell_kind_name(enum mp_kind kind);

enum { CELL_STOPPED = -10000 }; /* beyond all signals */

/* Waits for a child until it ends or the stop flag is set, which kills it, and frees it. Returns
 * its exit code, minus the signal that it died of, or CELL_STOPPED. */
int cell_child_end(struct mp_process *process, const volatile sig_atomic_t *stop);

#endif
