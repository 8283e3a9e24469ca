/* The comparison as JSON in hyperfine's schema, which its plotting scripts read. */
#ifndef BENCH_HYPERFINE_H
#define BENCH_HYPERFINE_H

#include <stdio.h>

#include "bench/bench.h"

/* An export_fn. Cells that failed are not there. Source: hyperfine, --export-json. */
void hyperfine_write(const struct bench *bench, FILE *file);

#endif
