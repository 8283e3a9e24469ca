/* The sequential back-end: jobs run in the caller, one at a time, while it waits for them. */
#ifndef MPROC_SEQUENTIAL_H
#define MPROC_SEQUENTIAL_H

#include "mproc/mproc.h"

/* Runs the start hook and fills the back-end. Returns 0, -ENOMEM, -EMFILE, or MP_EBROKEN when the
 * hook failed. Free with ret->free(ret->self). */
int sequential_create(const struct mp_executor_options *options, struct mp_backend *ret);

#endif
