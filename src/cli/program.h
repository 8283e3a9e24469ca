/* The program without a command: what its parts share. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "batch/gallery.h"
#include "batch/plan.h"
#include "batch/sandbox.h"
#include "batch/scan.h"
#include "cli/options.h"
#include "cli/progress.h"

enum exit_code {
    EXIT_MADE = 0,   /* all made, up to date, or skipped */
    EXIT_FAILED = 1, /* some failed; the rest are done */
    EXIT_USAGE = 2,  /* nothing was written */
    EXIT_STUCK = 3,  /* it could not go on */
    EXIT_GAVE_UP = 4 /* too many failed; the rest was not started */
};

/* The program, from command line to exit code. */
struct program {
    const volatile sig_atomic_t *stop; /* the signal that asks it to stop, 0 none */
    struct options options;
    char cache[PATH_MAX];       /* the desktop's, where outputs go there */
    char output_real[PATH_MAX]; /* the output folder without links; "" when it does not exist yet */
    struct scan scan;
    struct plan plan;
    struct sandbox sandbox;
    struct progress progress;
    FILE *report, *trace; /* NULL: none */
    struct gallery gallery;
};

#endif
