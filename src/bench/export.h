/* A file that a comparison is written to: whole, or not at all. */
#ifndef BENCH_EXPORT_H
#define BENCH_EXPORT_H

#include <stdio.h>

#include "batch/document.h"
#include "bench/bench.h"

typedef void export_fn(const struct bench *bench, FILE *file);

struct export
{
    struct document document;
    const char *path; /* as it was named; borrowed */
    export_fn *write; /* prints it */
};

/* Looks whether the file can be made; the folder is made where it is missing. Returns 0, or
 * -errno. */
int export_open(struct export *ret, const char *path, export_fn *write);

/* Writes it; what stood there before is replaced. Returns 0, or -errno. */
int export_write(const struct export *export, const struct bench *bench);

/* Takes a zeroed one. */
void export_close(struct export *export);

#endif
