/* The processes back-end: a set of forked workers, a channel pair and a control page each.
 *
 * Down goes a stream socket pair (a job may carry descriptors), up comes a pipe that only this
 * worker writes. No queue is shared and no lock crosses a process, so a worker that dies can dirty
 * nothing but its own pipe. When one dies, its pipe is drained first, for a whole frame counts
 * whatever the control page says; then only the job that ran is blamed, those sent ahead go back
 * uncharged, and a replacement is forked. */
#ifndef MPROC_WORKERSET_H
#define MPROC_WORKERSET_H

#include "mproc/mproc.h"

/* Starts the workers of `options` (workers is at least 1) and fills the back-end.
 * Returns 0, -ENOMEM, -EMFILE or MP_EBROKEN. Free with ret->free(ret->self). */
int workerset_create(const struct mp_executor_options *options, struct mp_backend *ret);

#endif
