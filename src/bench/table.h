/* The comparison as a table for a terminal: 80 columns, no more. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/bench.h"

/* Prints a table a work, what the tutorial's table claims where that was measured, and the
 * conclusion. `colour`: the terminal takes escape sequences. */
void table_print(const struct bench *bench, FILE *file, bool colour);

#endif
