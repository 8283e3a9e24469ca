/* The comparison as a whole: which cells there are, in which order they are run, and what came out.
 *
 * The runs are interleaved: every cell once, then every cell again in another order, so that a
 * machine that drifts, warms up or is disturbed for a while hurts all alike. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/cell.h"
#include "bench/claims.h"
#include "bench/machine.h"
#include "bench/photos.h"
#include "bench/statistics.h"
#include "bench/work.h"
#include "mproc/mproc.h"

enum {
    BENCH_KINDS_MAX = 3,
    BENCH_WORKERS_MAX = 16, /* different numbers of workers */
    BENCH_CELLS_MAX = WORK_COUNT * BENCH_KINDS_MAX * BENCH_WORKERS_MAX,
};

struct bench_options {
    const struct work *works[WORK_COUNT]; /* in the order of the report */
    int work_count;
    enum mp_kind kinds[BENCH_KINDS_MAX]; /* likewise */
    int kind_count;
    int workers[BENCH_WORKERS_MAX]; /* ascending, each once */
    int workers_count;
    int runs;           /* timed runs of each cell, 1..STATISTICS_MAX */
    int warmup;         /* runs before them that do not count */
    bool cold;          /* drop the photos from the page cache before each run */
    bool claims;        /* measure what the tutorial's table claims, too */
    char *const *paths; /* photos; none: they are made here */
    size_t path_count;
    const char *version;               /* of the program */
    const char *libraries;             /* and of what it is built on */
    const volatile sig_atomic_t *stop; /* not 0: stop; NULL: never */
    /* Told what is being done: "cpu, 2 threads", step `done` of `all`; NULL: nobody asks. */
    void (*step)(void *user, const char *what, int done, int all);
    void *user;
};

/* What became of one cell. */
struct result {
    struct cell cell;
    int jobs;              /* that each run had */
    struct cell_run *runs; /* the timed ones; owned */
    struct stamp *stamps;  /* of them, one run after the other; owned */
    int run_count;         /* of them; 0: the cell failed */
    int failed;            /* jobs, in the run in which most did */
    char why[200];         /* then the reason; of a job that failed otherwise, or "" */
    struct statistics wall, startup, user, system; /* seconds */
    double speedup;    /* against the sequential cell of the same work; 0 where there is none */
    double efficiency; /* speed-up a worker; 0 likewise */
};

/* What came out. */
struct bench {
    struct bench_options options;
    struct workload load;
    struct photos photos;
    struct result results[BENCH_CELLS_MAX]; /* by work, then kind, then workers */
    int count;                              /* of them */
    struct machine machine;
    struct claims claims; /* measured only where options.claims says so */
    double chilled_share; /* of the photos' pages that stayed in the cache, at worst; with cold */
    double seconds;       /* that all of it took */
};

/* All works, kinds, one worker and one a CPU, 5 runs after 1 that does not count. */
struct bench_options bench_options_default(void);

/* Compares. Returns 0, also when cells failed; -EINTR when it was stopped; -ENOENT when there are
 * no photos in the paths; another error of the system. Free with bench_free(), which takes NULL. */
int bench_run(const struct bench_options *options, struct bench **ret);
void bench_free(struct bench *bench);

/* The cell of that work, kind and number of workers; NULL when there is none, or it failed. */
const struct result *bench_find(const struct bench *bench, const struct work *work,
                                enum mp_kind kind, int workers);

/* The order in which a round runs its cells: ret_order[0..count) are the numbers below count. Each
 * round has another one, so that no cell always follows the same one; every comparison has the
 * same ones. */
void bench_order(int round, int count, int *ret_order);

/* The run whose time is nearest to the median. */
int result_typical_run(const struct result *result);

#endif
