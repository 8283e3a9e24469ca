/* What the files that carry a run out share, and nobody else sees: the run, and the pictures that
 * are under way in it. */
#ifndef BATCH_FLIGHT_H
#define BATCH_FLIGHT_H

#include <limits.h>

#include "batch/desktop.h"
#include "batch/engine.h"
#include "batch/job.h"
#include "batch/lookahead.h"
#include "batch/original.h"
#include "batch/output.h"
#include "batch/run.h"
#include "batch/upkeep.h"

/* One picture that is with the workers, or waits to be. */
struct picture {
    uint32_t input;                 /* its number */
    struct original original;       /* open */
    struct job job;                 /* as it was submitted */
    enum engine_kind engine;        /* who makes it */
    struct mp_future *future;       /* NULL while it waits */
    int attempts;                   /* submits so far, but for those that it came back from to wait
                                       for memory */
    int64_t need_bytes;             /* of memory, as its worker says; 0: nobody knows */
    int claims;                     /* how often a worker said so */
    double submitted_ms;            /* the last of them, on the clock CLOCK_MONOTONIC */
    bool too_new;                   /* its time of change says nothing */
    struct image_fingerprint known; /* it is up to date if it has this; 0 bytes: there is none */
};

struct run {
    const struct plan *plan;
    const struct run_options *options;
    struct run_summary *summary;
    struct output *output;
    struct manifest *manifest; /* NULL: none */
    struct desktop *desktop;   /* instead of it, where outputs go to the desktop's cache; or NULL */
    bool judging;              /* launch_all() stopped amid pictures that are up to date */
    struct engines engines;
    struct lookahead ahead;
    struct picture *flying;     /* with the workers */
    struct mp_future **futures; /* theirs, for waiting */
    int flying_count;
    struct picture *waiting; /* for memory, closed; twice as many as may fly */
    int waiting_count;
    struct picture held; /* opened, but it may not be under way yet */
    bool holding;        /* there is one */
    int error;           /* why it cannot go on, 0 */
    size_t unflushed;    /* pictures made whose names may not be on disk, where that is asked for */
    struct run_record record;                  /* the one being told */
    char paths[IMAGE_SIZES_MAX][PATH_MAX];     /* of its outputs */
    char names[IMAGE_SIZES_MAX + 1][PATH_MAX]; /* for its entry in the manifest */
};

/* Seconds on the clock CLOCK_MONOTONIC. */
double run_now_s(void);

/* True when so many pictures have failed that it is to stop, or when it is to stop for any reason.
 */
bool run_has_given_up(const struct run *run);
bool run_is_stopped(const struct run *run);

/* Stops the run for good; the first reason stays. */
void run_cannot_go_on(struct run *run, int error, const char *what, const char *why);

#endif
