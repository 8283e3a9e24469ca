/* The report: what happened to every input, one JSON object a line (NDJSON). An observer of the
 * run; the fields are pinned, and only ever added to. */
#ifndef BATCH_REPORT_H
#define BATCH_REPORT_H

#include <stdio.h>

#include "batch/plan.h"
#include "batch/run.h"

struct report {
    FILE *file;              /* where it goes; borrowed */
    const char *version;     /* of the program */
    const struct plan *plan; /* its options are reported */
    const struct run_options *run;
};

/* An observer that writes the report. `report` must outlive the run. Whether writing succeeded is
 * told by ferror(report->file) afterwards. */
struct run_observer report_observer(struct report *report);

#endif
