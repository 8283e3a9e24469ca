/* The threads back-end: jobs run in threads of this process. They share its memory, so a crash
 * takes the program, and one that runs cannot be killed. */
#ifndef MPROC_THREADS_H
#define MPROC_THREADS_H

#include "mproc/mproc.h"

/* Starts the threads and fills the back-end. Returns 0, -ENOMEM, -EMFILE, -EAGAIN (no more
 * threads). Should the start hook fail in all of them, the first poll returns MP_EBROKEN. Free with
 * ret->free(ret->self). */
int threads_create(const struct mp_executor_options *options, struct mp_backend *ret);

#endif
