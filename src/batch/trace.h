/* The trace: what each worker did when, as Chrome trace events, which Perfetto and browsers draw.
 * An observer of the run.
 *
 * A picture is an event of its worker, and so is each of its stages. Rows flow through several
 * stages at once: they are drawn one after another, each as long as it took in all. Times are those
 * of the machine's clock, so that the traces of programs that ran side by side can be laid over
 * each other. Source: Trace Event Format, JSON array. */
#ifndef BATCH_TRACE_H
#define BATCH_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include "batch/observer.h"

struct trace {
    FILE *file;     /* where it goes; borrowed */
    bool begun;     /* there is an event before the next */
    int workers;    /* of each engine */
    double *end_ms; /* by worker, those with libvips behind the others: its last event's; 0 none */
};

/* An observer that writes the trace. `trace` must outlive the run. Whether writing succeeded is
 * told by ferror(trace->file) afterwards. */
struct run_observer trace_observer(struct trace *trace);

#endif
