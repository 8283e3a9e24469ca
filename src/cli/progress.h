/* The terminal: a status line while the run goes on, failures above it, the summary below. An
 * observer of the run. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/observer.h"
#include "cli/rate.h"

enum progress_when { PROGRESS_AUTO = 0, PROGRESS_ALWAYS, PROGRESS_NEVER };

/* What the options call them; the last one is NULL. */
extern const char *const progress_when_names[];

struct progress {
    bool quiet;               /* failures only */
    bool verbose;             /* a line for every picture */
    bool line_wanted;         /* there is a status line */
    bool line_shown;          /* it is on the screen now */
    size_t inputs;            /* of the run */
    struct rate rate;         /* of pictures */
    int64_t read_bytes;       /* of the pictures that had to be looked into */
    int64_t drawn_ms;         /* when the line was last drawn */
    struct run_counts counts; /* as last heard */
    char current[256];        /* name of the picture last heard of */
};

void progress_init(struct progress *progress, enum progress_when when, bool quiet, bool verbose);

/* An observer that shows the run on standard error. `progress` must outlive the run. */
struct run_observer progress_observer(struct progress *progress);

/* Shows how many pictures a walk has found so far; takes that line away. */
void progress_found(struct progress *progress, size_t count);
void progress_found_all(struct progress *progress);

/* Sums up, on standard error, what a run would do. */
void progress_preview(const struct run_counts *counts);

/* Prints "thumbpool: …" on standard error; control bytes, of file names say, as question marks. */
void progress_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Shows a line of status on a terminal, in place of the one before; "" takes it away. */
void progress_note(const char *text);

#endif
