/* The command line, as a struct. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch/sandbox.h"
#include "batch/shard.h"
#include "cli/input_options.h"
#include "cli/picture_options.h"
#include "cli/progress.h"
#include "mproc/mproc.h"

struct options {
    char **paths;       /* files and folders, words of argv; the array is owned */
    size_t path_count;  /* at least 1 */
    const char *output; /* folder; NULL with PLAN_FREEDESKTOP, whose folder is not chosen */
    enum plan_layout layout;
    const char *base;   /* folder, or NULL */
    const char *name;   /* template of output names, checked; NULL: as the inputs */
    bool suffix;        /* tell outputs of one name apart */
    struct shard shard; /* what of the pictures is to be made */
    struct input_options input;
    struct picture_options picture;
    enum mp_kind kind;          /* back-end */
    int jobs;                   /* workers, at least 1 */
    bool any_jobs;              /* no number was given: make may grant fewer */
    enum sandbox_mode sandbox;  /* the workers' jail */
    int retries;                /* after a crash */
    int timeout_ms;             /* for one picture, 0 none */
    int max_errors;             /* failures after which it stops; 0 none */
    int64_t max_bytes;          /* of an input file */
    int64_t max_memory;         /* bytes, of all pictures under way together */
    bool force;                 /* make all of them anew */
    bool dry_run;               /* only say what would be done */
    bool durable;               /* what is made is on disk in the end */
    bool prune;                 /* remove thumbnails whose input is gone */
    const char *report;         /* file, "-" for standard output, NULL none */
    const char *trace;          /* file, NULL none */
    const char *gallery;        /* file, NULL none */
    const char *depfile;        /* file, NULL none */
    const char *depfile_target; /* the one target in it; NULL: the outputs */
    enum progress_when progress;
    bool quiet, verbose;
};

/* All options of thumbnails, with the parsers below it. */
extern const struct argp options_parser;

/* Parses the command line. Prints the error and exits with 2 where it is wrong, prints and exits
 * with 0 for help and version. */
void options_parse(int argc, char **argv, struct options *ret);
void options_done(struct options *options);

#endif
