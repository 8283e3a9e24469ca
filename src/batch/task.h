/* What a worker runs for one picture: a job's bytes in, a result's bytes out. */
#ifndef BATCH_TASK_H
#define BATCH_TASK_H

#include "batch/sandbox.h"
#include "image/module.h"
#include "mproc/mproc.h"

/* What the tasks of one executor share; the executor's ctx. */
struct picture_task_ctx {
    struct image_module *module;   /* libvips, loaded; NULL where JPEG and PNG are all */
    bool untrusted;                /* it is to read what it calls untrusted */
    const struct sandbox *sandbox; /* of its workers; NULL: none */
    int64_t memory_bytes;          /* that no worker may take more of; 0: no limit */
    int64_t ordinary_bytes;        /* that pictures are granted unless they ask for more, or 0 */
    struct jail_memory memory;     /* the bound that a worker of processes has set itself */
};

/* Start hook: leaves the signals that end a run to the parent, starts libvips where there is a
 * module, then jails the worker. The first and the last only where there is a sandbox, which is
 * where workers are processes. */
int picture_task_start(void *ctx, int worker);

/* The mp_task_fn of a picture: `arg` is a struct job, descriptor 0 the input. */
int picture_task_run(struct mp_task *task, const void *arg, size_t arg_size);

#endif
