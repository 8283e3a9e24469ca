/* The run: the one loop that opens pictures, hands them to the workers, and writes what comes back.
 *
 * Every input of the plan ends in exactly one of made, up to date, failed, skipped or not started,
 * and the observers are told of each but the last. What the manifest knows to be up to date is not
 * opened. Only this process touches the file tree. */
#ifndef BATCH_RUN_H
#define BATCH_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/jobserver.h"
#include "batch/observer.h"
#include "batch/plan.h"
#include "batch/sandbox.h"
#include "mproc/mproc.h"

struct run_options {
    enum mp_kind kind;                 /* back-end */
    int workers;                       /* at least 1 */
    int retries;                       /* of a picture whose worker died */
    int timeout_ms;                    /* of one picture's work, then it is killed; 0 none */
    const struct sandbox *sandbox;     /* of the workers, tried out; NULL: none */
    struct jobserver *jobserver;       /* its tokens bound the pictures under way; NULL: none */
    bool force;                        /* make also what is up to date */
    bool durable;                      /* what is made is on disk in the end */
    bool prune;                        /* remove outputs whose input is gone */
    const char *versions;              /* of program and libraries, for the manifest; NULL: there is
                                           none, and every picture is made. The program's comes
                                           first, up to a blank */
    size_t max_errors;                 /* stop when so many pictures have failed; 0: never */
    int64_t max_bytes;                 /* largest input file */
    int64_t max_memory;                /* bytes that all pictures under way may take together; 0:
                                          as many as they want */
    const char *module_path;           /* the libvips module's file */
    mp_task_fn *task;                  /* NULL: picture_task_run(); tests give one of their own */
    const volatile sig_atomic_t *stop; /* not 0: stop; NULL: never */
    struct run_observers observers;
};

/* Carries the plan out. Blocks until it is done, stopped or cannot go on; all workers are gone
 * then. Returns 0; or a negative error when it could not go on, with a sentence in ret->fatal. */
int run_plan(const struct plan *plan, const struct run_options *options, struct run_summary *ret);

#endif
