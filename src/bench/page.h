/* The comparison as one page of HTML that needs nothing else: no script, no other file. */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

#include <stdio.h>

#include "bench/bench.h"

/* An export_fn. */
void page_write(const struct bench *bench, FILE *file);

#endif
