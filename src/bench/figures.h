/* The page's three kinds of pictures, each of one work: how long it took, how it scaled, and who
 * did which job when. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>
#include <stdio.h>

#include "batch/chart.h"
#include "bench/bench.h"

enum { FIGURE_WIDTH = 380 }; /* as much as a telephone shows without shrinking it */

/* Bars of the medians, with lines from the fastest run to the slowest. */
void figure_times(const struct bench *bench, const struct work *work, FILE *file,
                  struct chart *ret);

/* Speed-up over the number of workers, with what is possible at best. Returns false, and draws
 * nothing, when there is nothing to compare: no sequential cell, or never more than one worker. */
bool figure_speedup(const struct bench *bench, const struct work *work, FILE *file,
                    struct chart *ret);

/* The typical run of each back-end with the most workers: a row a worker, a box a job. */
void figure_timeline(const struct bench *bench, const struct work *work, FILE *file,
                     struct chart *ret);

/* The class of a back-end's colour: "sequential", "threads" or "processes". */
#define figure_class(kind) cell_kind_name(kind)

#endif
